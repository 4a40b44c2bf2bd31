"""Who is called next, and how long the others wait: values in, values out.

Whoever waits longest is called first, except that people with a priority go before the others: elderly and disabled
ones at every counter. After `PRIORITY_RUN` of them in a row one of the others is called, so that nobody waits for
ever. A priority that some counters are kept for, such as women's counters, goes before nobody elsewhere: there these
people wait their turn like all others.

How long somebody will wait is an estimate: the people before them, times what one takes (the median of those served
last), over the counters at work.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from math import ceil
from statistics import median
from typing import Final

from appliance.casework.centre import CentreRules, CounterRule, QueueRule
from appliance.journal.errors import OperatorError

PRIORITIES: Final = ("elderly", "disabled", "women")
PRIORITY_RUN: Final = 3
"""How many people with a priority are called in a row while others wait."""
ASSUMED_SERVICE: Final = timedelta(minutes=10)
"""How long one person takes, until somebody was served today."""
RECENT_SERVED: Final = 20
COUNTER_AT_WORK_FOR: Final = timedelta(minutes=30)
"""How long after its last call a counter counts as being at work."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waits: since which entry of the journal, for which queue, with which priority."""

    token: str
    ticket: str
    queue: str
    priority: str
    since: int


@dataclass(frozen=True, slots=True)
class Served:
    """Somebody who was served: from when to when."""

    queue: str
    called: datetime
    ended: datetime


def priorities(rules: CentreRules) -> tuple[str, ...]:
    """The priorities that a token may have at this centre."""
    return tuple(dict.fromkeys((*PRIORITIES, *sorted(_kept(rules)))))


def queue_for(rules: CentreRules, service: str) -> QueueRule:
    """The queue of a service: the one that names it, else the first that is for all of them.

    Raises:
        OperatorError: no queue is for it.
    """
    named = next((each for each in rules.queues if service in each.services), None)
    found = named or next((each for each in rules.queues if not each.services), None)
    if found is None:
        raise OperatorError("No queue is for that service.", "Name one in the node's settings.")
    return found


def queue_named(rules: CentreRules, queue: str) -> QueueRule:
    """A queue by its identifier.

    Raises:
        OperatorError: there is none.
    """
    found = next((each for each in rules.queues if each.id == queue), None)
    if found is None:
        raise OperatorError("There is no such queue.", "Choose one of: " + ", ".join(q.id for q in rules.queues) + ".")
    return found


def ticket(rules: CentreRules, queue: QueueRule, number: int) -> str:
    """What is printed and called out: the queue's letter, by its place in the settings, and the number: `B-012`."""
    place, letters = rules.queues.index(queue) + 1, ""
    while place:
        place, letter = divmod(place - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}-{number:03d}"


def counter_rule(rules: CentreRules, counter: str) -> CounterRule:
    """What a counter is for; one that the settings do not name calls everybody."""
    return next((each for each in rules.counters if each.id == counter), CounterRule(counter))


def call_order(
    rules: CentreRules, counter: CounterRule, waiting: Iterable[Waiting], called: Sequence[str] = ()
) -> list[Waiting]:
    """Those whom a counter may call, in the order in which it would call them.

    Args:
        rules: of the centre.
        counter: which calls.
        waiting: all who wait.
        called: the priorities of those called last in this counter's queues, the latest first.
    """
    mine = (each for each in waiting if not counter.queues or each.queue in counter.queues)
    line = sorted(mine, key=lambda each: each.since)
    if counter.only:
        return [each for each in line if each.priority in counter.only]
    kept = _kept(rules)
    first = [each for each in line if _goes_first(each.priority, kept)]
    others = [each for each in line if not _goes_first(each.priority, kept)]
    run = len(list(takewhile(lambda priority: _goes_first(priority, kept), called)))
    order: list[Waiting] = []
    while first and others:
        take_first = run < PRIORITY_RUN
        order.append((first if take_first else others).pop(0))
        run = run + 1 if take_first else 0
    return order + first + others


def minutes(ahead: int, served: Sequence[Served], at_work: int) -> int:
    """How long somebody with `ahead` people before them will wait, in whole minutes, rounded up.

    Args:
        ahead: how many are called before.
        served: those served today, the latest last.
        at_work: counters that call them; at least one is assumed.
    """
    took_s = [max((each.ended - each.called).total_seconds(), 0.0) for each in served[-RECENT_SERVED:]]
    one_s = median(took_s) if took_s else ASSUMED_SERVICE.total_seconds()
    return ceil(ahead * one_s / (60 * max(at_work, 1)))


def _kept(rules: CentreRules) -> frozenset[str]:
    """The priorities that some counters are kept for."""
    return frozenset(priority for counter in rules.counters for priority in counter.only)


def _goes_first(priority: str, kept: Collection[str]) -> bool:
    return bool(priority) and priority not in kept
