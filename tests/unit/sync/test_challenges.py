"""Challenges: each good for one node, once, for five minutes; and remembering them has a bound."""

from __future__ import annotations

import base64

import pytest

from appliance.journal.ids import JournalId
from sync.central import challenges
from sync.central.challenges import LIFE_S, Challenges
from sync.refusals import BadChallenge, Busy

NODE, OTHER = JournalId("a" * 26), JournalId("b" * 26)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Counter:
    """Different bytes at each call."""

    calls = 0

    def __call__(self, size: int) -> bytes:
        self.calls += 1
        return self.calls.to_bytes(size, "big")


def desk(clock: Clock | None = None) -> Challenges:
    return Challenges(clock or Clock(), Counter())


def test_a_challenge_is_good_once() -> None:
    given = desk()
    challenge = given.give(NODE)
    given.spend(NODE, challenge)
    with pytest.raises(BadChallenge, match="second time"):
        given.spend(NODE, challenge)


def test_a_challenge_is_good_for_the_node_it_was_given_to() -> None:
    given = desk()
    with pytest.raises(BadChallenge):
        given.spend(OTHER, given.give(NODE))


@pytest.mark.parametrize(("after_s", "good"), [(LIFE_S, True), (LIFE_S + 1, False), (-1, False)])
def test_a_challenge_lives_five_minutes(after_s: float, good: bool) -> None:
    clock = Clock()
    given = desk(clock)
    challenge = given.give(NODE)
    clock.now_s += after_s
    if good:
        given.spend(NODE, challenge)
    else:
        with pytest.raises(BadChallenge, match="too old"):
            given.spend(NODE, challenge)


def test_a_challenge_of_another_central_or_of_an_earlier_run_is_refused() -> None:
    earlier = Challenges(Clock(), lambda size: bytes(size))
    with pytest.raises(BadChallenge):
        desk().spend(NODE, earlier.give(NODE))


def test_a_second_spelling_of_a_spent_challenge_is_refused() -> None:
    given = desk()
    challenge = given.give(NODE)
    given.spend(NODE, challenge)
    raw = base64.urlsafe_b64decode(challenge)
    spellings = [challenge + "=", challenge + "\n", " " + challenge, base64.b64encode(raw).decode() + "====", ""]
    for spelling in spellings:
        with pytest.raises(BadChallenge):
            given.spend(NODE, spelling)


def test_every_changed_character_is_refused() -> None:
    given = desk()
    challenge = given.give(NODE)
    for place in range(len(challenge)):
        changed = challenge[:place] + ("A" if challenge[place] != "A" else "B") + challenge[place + 1 :]
        with pytest.raises(BadChallenge):
            given.spend(NODE, changed)
    given.spend(NODE, challenge)


def test_what_is_remembered_is_bounded_for_a_node_and_in_all_and_forgotten_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(challenges, "MAX_SPENT_PER_NODE", 3)
    monkeypatch.setattr(challenges, "MAX_SPENT", 4)
    clock = Clock()
    given = desk(clock)
    for _ in range(3):
        given.spend(NODE, given.give(NODE))
    with pytest.raises(Busy):
        given.spend(NODE, given.give(NODE))
    given.spend(OTHER, given.give(OTHER))
    with pytest.raises(Busy):
        given.spend(OTHER, given.give(OTHER))
    clock.now_s += LIFE_S + 1
    given.spend(NODE, given.give(NODE))
