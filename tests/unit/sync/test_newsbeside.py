"""How often news are asked for."""

from __future__ import annotations

from sync.newsbeside import NEWS_AT_ONCE, Pace


def test_news_follow_each_other_at_once_for_a_while_and_then_once_a_second() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert [pace.is_spent() for _ in range(NEWS_AT_ONCE + 1)] == [False] * (NEWS_AT_ONCE - 1) + [True] * 2
    waits = 0
    for _ in range(300):
        waited = pace.is_spent()
        waits += waited
        now[0] += 1.0 if waited else 0.1
    assert waits > 200
    now[0] += 1000.0
    assert not pace.is_spent()
