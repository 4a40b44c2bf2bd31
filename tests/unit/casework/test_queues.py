"""Who is called next: the longest waiting, priorities before them, and nobody waits for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.casework import queues
from appliance.casework.centre import CentreRules, CounterRule, QueueRule
from appliance.casework.queues import PRIORITY_RUN, RECENT_SERVED, Served, Waiting, call_order, minutes
from appliance.journal.errors import OperatorError

ANY = CounterRule("1")
WOMEN = CounterRule("4", only=frozenset({"women"}))
RULES = CentreRules("PEW-01", "Specimen")
WITH_WOMENS_COUNTER = CentreRules("PEW-01", "Specimen", counters=(ANY, WOMEN))
NOON = datetime(2026, 11, 22, 7, tzinfo=UTC)


def line(*priorities: str, queue: str = "everybody") -> list[Waiting]:
    return [Waiting(f"t{n}", f"A-{n:03d}", queue, priority, n) for n, priority in enumerate(priorities)]


def order(waiting: list[Waiting], called: tuple[str, ...] = (), counter: CounterRule = ANY) -> list[int]:
    return [each.since for each in call_order(RULES, counter, waiting, called)]


def test_whoever_waits_longest_is_called_first() -> None:
    assert order(line("", "", "")[::-1]) == [0, 1, 2]


def test_elderly_and_disabled_go_before_the_others() -> None:
    assert order(line("", "elderly", "", "disabled")) == [1, 3, 0, 2]


def test_after_a_run_of_priorities_one_of_the_others_is_called() -> None:
    waiting = line("", "", *["elderly"] * (2 * PRIORITY_RUN))
    found = order(waiting)
    assert found.index(0) == PRIORITY_RUN
    assert found.index(1) == 2 * PRIORITY_RUN + 1


def test_a_run_that_began_before_counts() -> None:
    waiting = line("", "elderly")
    assert order(waiting, ("elderly",) * PRIORITY_RUN) == [0, 1]
    assert order(waiting, ("", *["elderly"] * PRIORITY_RUN)) == [1, 0]


def test_a_counter_calls_its_own_queues_only() -> None:
    waiting = [*line("", queue="licence"), *line("", "elderly", queue="domicile")]
    found = call_order(RULES, CounterRule("3", queues=("licence",)), waiting)
    assert [each.queue for each in found] == ["licence"]


def test_a_womens_counter_calls_women_and_elsewhere_they_wait_their_turn() -> None:
    waiting = line("", "women", "elderly", "women")
    assert [each.since for each in call_order(WITH_WOMENS_COUNTER, WOMEN, waiting)] == [1, 3]
    assert [each.since for each in call_order(WITH_WOMENS_COUNTER, ANY, waiting)] == [2, 0, 1, 3]


PRIORITY = st.sampled_from(["", "", "elderly", "disabled", "women"])


@given(st.lists(PRIORITY, max_size=30), st.lists(PRIORITY, max_size=6))
def test_everybody_is_called_once_and_within_a_bound(priorities: list[str], called: list[str]) -> None:
    waiting = line(*priorities)
    found = call_order(RULES, ANY, waiting, called)
    assert sorted(each.since for each in found) == list(range(len(priorities)))
    for kind in (True, False):
        same = [each.since for each in found if bool(each.priority) == kind]
        assert same == sorted(same), "first come, first called among the same"
    others = [at for at, each in enumerate(found) if not each.priority]
    assert all(at <= (n + 1) * PRIORITY_RUN + n for n, at in enumerate(others)), "nobody waits for ever"


@given(st.lists(st.tuples(st.booleans(), PRIORITY), min_size=1, max_size=60))
def test_calling_one_by_one_is_calling_in_that_order(events: list[tuple[bool, str]]) -> None:
    """With people who come in between: after every run of priorities, whoever else waits is called."""
    waiting: list[Waiting] = []
    called: list[str] = []
    for n, (comes, priority) in enumerate(events):
        if comes:
            waiting.append(Waiting(f"t{n}", "", "everybody", priority, n))
        elif waiting:
            mixed = any(not each.priority for each in waiting)
            head = call_order(RULES, ANY, waiting, called[::-1])[0]
            waiting.remove(head)
            called.append(head.priority)
            if mixed:
                assert not all(called[-PRIORITY_RUN - 1 :]) or len(called) <= PRIORITY_RUN


def served(*took: int) -> list[Served]:
    return [Served("q", NOON, NOON + timedelta(minutes=each)) for each in took]


@pytest.mark.parametrize(
    ("ahead", "took", "at_work", "expected"),
    [
        (0, (), 1, 0),
        (3, (), 0, 30),
        (3, (), 1, 30),
        (3, (4, 4, 100), 1, 12),
        (3, (4,), 2, 6),
        (1, (5,), 2, 3),
        (1, (-5,), 1, 0),
        (1, (50,) * RECENT_SERVED + (2,) * RECENT_SERVED, 1, 2),
    ],
)
def test_the_wait_is_those_before_times_what_one_takes_over_the_counters_at_work(
    ahead: int, took: tuple[int, ...], at_work: int, expected: int
) -> None:
    assert minutes(ahead, served(*took), at_work) == expected


def test_a_service_has_the_queue_that_names_it_or_the_one_for_all() -> None:
    named, rest = QueueRule("licence", {"en": "Licence"}, frozenset({"driving-licence"})), QueueRule("all", {"en": "A"})
    rules = CentreRules("PEW-01", "Specimen", queues=(rest, named))
    assert queues.queue_for(rules, "driving-licence") == named
    assert queues.queue_for(rules, "fard") == rest
    with pytest.raises(OperatorError, match="No queue"):
        queues.queue_for(CentreRules("PEW-01", "Specimen", queues=(named,)), "fard")
    with pytest.raises(OperatorError, match="no such queue") as refused:
        queues.queue_named(rules, "vip")
    assert "licence" in refused.value.next_step


def test_a_ticket_has_the_letter_of_its_queue() -> None:
    rules = CentreRules("PEW-01", "Specimen", queues=tuple(QueueRule(f"q{n}", {"en": "Q"}) for n in range(28)))
    tickets = [queues.ticket(rules, rule, 7) for rule in rules.queues]
    assert (tickets[0], tickets[25], tickets[26], tickets[27]) == ("A-007", "Z-007", "AA-007", "AB-007")
    assert len(set(tickets)) == 28


def test_the_priorities_of_a_centre_are_the_usual_ones_and_those_that_counters_are_kept_for() -> None:
    own = CentreRules("PEW-01", "Specimen", counters=(CounterRule("5", only=frozenset({"overseas"})),))
    assert queues.priorities(RULES) == ("elderly", "disabled", "women")
    assert queues.priorities(own) == ("elderly", "disabled", "women", "overseas")
