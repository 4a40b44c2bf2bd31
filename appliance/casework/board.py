"""The board in the hall: who is called where, who waits, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from appliance.casework import queues
from appliance.casework.centre import Centre, CounterRule, QueueRule
from appliance.casework.queues import Served
from appliance.casework.tokens import Token, TokenStatus, called_last, those_waiting, tokens_of
from appliance.journal.ids import EntityId
from appliance.records.moment import parse_at


@dataclass(frozen=True, slots=True)
class BoardRow:
    """Somebody who waits: how many are called before them, and the estimate in minutes."""

    token: EntityId
    ticket: str
    queue: str
    priority: str
    ahead: int
    minutes: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue as somebody sees it who comes in now; `left` of its tokens for today, None where there is no end."""

    rule: QueueRule
    waiting: int
    minutes: int
    left: int | None


@dataclass(frozen=True, slots=True)
class Board:
    """What the screen in the hall shows."""

    day: str
    called: tuple[Token, ...]
    rows: tuple[BoardRow, ...]
    queues: tuple[QueueState, ...]


def board(centre: Centre) -> Board:
    """Who is called where, who waits, and how long: today, by the centre's day."""
    day, now = centre.today().isoformat(), centre.store.clock()
    with centre.store.read() as tx:
        today = tokens_of(tx, centre.store.journal, day)
    rows: list[BoardRow] = []
    states: list[QueueState] = []
    for rule in centre.rules.queues:
        at_work = _at_work(centre, today, rule.id, now - queues.COUNTER_AT_WORK_FOR)
        served = _served(today, rule.id)
        everywhere = CounterRule("", (rule.id,))
        line = queues.call_order(centre.rules, everywhere, those_waiting(today), called_last(today, (rule.id,)))
        for ahead, each in enumerate(line):
            wait = queues.minutes(ahead, served, at_work)
            rows.append(BoardRow(EntityId(each.token), each.ticket, rule.id, each.priority, ahead, wait))
        given = sum(each.queue == rule.id for each in today)
        left = None if rule.per_day is None else max(rule.per_day - given, 0)
        states.append(QueueState(rule, len(line), queues.minutes(len(line), served, at_work), left))
    called = sorted((each for each in today if each.status is TokenStatus.CALLED), key=lambda each: each.called_seq)
    return Board(day, tuple(reversed(called)), tuple(rows), tuple(states))


def waiting(centre: Centre) -> tuple[BoardRow, ...]:
    """Everybody who waits today, queue by queue, in the order in which they will be called."""
    return board(centre).rows


def _served(today: Sequence[Token], queue: str) -> list[Served]:
    ended = sorted(
        (each for each in today if each.status is TokenStatus.SERVED and each.queue == queue),
        key=lambda each: each.ended_at,
    )
    return [Served(queue, parse_at(each.called_at), parse_at(each.ended_at)) for each in ended]


def _at_work(centre: Centre, today: Sequence[Token], queue: str, since: datetime) -> int:
    """How many counters have called somebody of late, and call this queue."""
    rules = (
        queues.counter_rule(centre.rules, counter)
        for counter in {each.counter for each in today if each.calls and parse_at(each.called_at) >= since}
    )
    return sum(not rule.only and (not rule.queues or queue in rule.queues) for rule in rules)
