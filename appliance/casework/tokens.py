"""Tokens: drawn from a queue, called to a counter, and what became of them.

Numbers begin again with each queue and each local day, and have no gaps. All is decided inside the commit: two counters
that call in the same moment call two people. A counter has one token at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sqlalchemy import select

from appliance.access.session import Session
from appliance.casework import queues
from appliance.casework.centre import Centre
from appliance.casework.queues import Waiting
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.statements import found_by
from appliance.store.store import Draft, Moment, Store

MAX_TOKENS_A_DAY: Final = 9999
"""Of all queues together."""


class TokenStatus(Enum):
    """What became of a token."""

    WAITING = "waiting"
    CALLED = "called"
    SKIPPED = "skipped"
    NO_SHOW = "no show"
    SERVED = "served"


# (how it stands, what is written) -> how it stands then
STEPS: Final[dict[tuple[TokenStatus, str], TokenStatus]] = {
    (TokenStatus.WAITING, k.TokenCalled.KIND): TokenStatus.CALLED,
    (TokenStatus.CALLED, k.TokenCalled.KIND): TokenStatus.CALLED,
    (TokenStatus.SKIPPED, k.TokenCalled.KIND): TokenStatus.CALLED,
    (TokenStatus.NO_SHOW, k.TokenCalled.KIND): TokenStatus.CALLED,
    (TokenStatus.CALLED, k.TokenSkipped.KIND): TokenStatus.SKIPPED,
    (TokenStatus.CALLED, k.TokenNoShow.KIND): TokenStatus.NO_SHOW,
    (TokenStatus.CALLED, k.TokenServed.KIND): TokenStatus.SERVED,
}

_COLUMNS: Final = (
    t.tokens.c.about,
    t.tokens.c.number,
    t.tokens.c.ticket,
    t.tokens.c.queue,
    t.tokens.c.day,
    t.tokens.c.service,
    t.tokens.c.priority,
    t.tokens.c.status,
    t.tokens.c.counter,
    t.tokens.c.calls,
    t.tokens.c.issued_at,
    t.tokens.c.issued_seq,
    t.tokens.c.called_at,
    t.tokens.c.called_seq,
    t.tokens.c.ended_at,
    t.tokens.c.application,
)
_ABOUT: Final = select(*_COLUMNS).where(t.where_key(t.tokens))
_OF_DAY: Final = (
    select(*_COLUMNS).where(found_by(t.tokens, "day")).order_by(t.tokens.c.issued_seq).limit(MAX_TOKENS_A_DAY)
)
_APPLICATION: Final = select(t.applications.c.about).where(t.where_key(t.applications))


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it stands; `application` is empty while it is about none, and so are times that have not come."""

    id: EntityId
    number: int
    ticket: str
    queue: str
    day: str
    service: str
    priority: str
    status: TokenStatus
    counter: str
    calls: int
    issued_at: str
    issued_seq: int
    called_at: str
    called_seq: int
    ended_at: str
    application: str


def issue_token(centre: Centre, session: Session, *, service: str = "", queue: str = "", priority: str = "") -> Token:
    """Give somebody a token for a service, or for a queue.

    Raises:
        OperatorError: no such queue or priority, today's tokens are given out, or the session may not.
    """
    rules, store, about = centre.rules, centre.store, centre.store.new_id()
    rule = queues.queue_named(rules, queue) if queue else queues.queue_for(rules, service)
    if priority and priority not in queues.priorities(rules):
        raise OperatorError("There is no such priority.", "Choose one of: " + ", ".join(queues.priorities(rules)) + ".")
    if not k.is_line(service):
        raise OperatorError("There is no such service.", "Choose one of the list.")

    def act(moment: Moment) -> Sequence[Draft]:
        day = centre.day_of(moment.at).isoformat()
        today = tokens_of(moment.tx, store.journal, day)
        number = 1 + max((each.number for each in today if each.queue == rule.id), default=0)
        if (rule.per_day is not None and number > rule.per_day) or len(today) >= MAX_TOKENS_A_DAY:
            raise OperatorError(
                f"Today's {number - 1} tokens of the queue “{rule.title['en']}” are given out.",
                "Ask them to come another day, or let a supervisor raise the number in the settings.",
            )
        body = k.TokenIssued(
            number=number,
            ticket=queues.ticket(rules, rule, number),
            queue=rule.id,
            day=day,
            service=service,
            priority=priority,
        )
        return [Draft(body, about)]

    store.commit(session, act)
    return token(store, about)


def call_next(centre: Centre, session: Session) -> Token | None:
    """Call whoever is next to the session's counter; None where nobody waits whom it calls.

    Raises:
        OperatorError: the counter has a token already, or the session may not.
    """
    store, counter = centre.store, _counter(session)
    rule = queues.counter_rule(centre.rules, counter)
    called: list[EntityId] = []

    def act(moment: Moment) -> Sequence[Draft]:
        today = tokens_of(moment.tx, store.journal, centre.day_of(moment.at).isoformat())
        _see_free(today, counter)
        order = queues.call_order(centre.rules, rule, those_waiting(today), called_last(today, rule.queues))
        called.extend(EntityId(each.token) for each in order[:1])
        return [Draft(k.TokenCalled(counter=counter), about) for about in called]

    store.commit(session, act)
    return token(store, called[0]) if called else None


def call_again(centre: Centre, session: Session, about: EntityId) -> Token:
    """Call one token of today to the session's counter: once more, or after it was skipped or given up.

    Raises:
        OperatorError: it was served, is at another counter, is not of today, or the counter has another one.
    """
    store, counter = centre.store, _counter(session)

    def act(moment: Moment) -> Sequence[Draft]:
        day = centre.day_of(moment.at).isoformat()
        found = _token_in(moment.tx, store.journal, about)
        _step(found, k.TokenCalled.KIND)
        if found.day != day:
            raise OperatorError("That token is not of today.", "Give a new one.")
        if found.status is TokenStatus.CALLED:
            _see_here(found, counter)
        _see_free([each for each in tokens_of(moment.tx, store.journal, day) if each.id != about], counter)
        return [Draft(k.TokenCalled(counter=counter), about)]

    store.commit(session, act)
    return token(store, about)


def skip(store: Store, session: Session, about: EntityId) -> None:
    """Nobody came; it may be called again by its number.

    Raises:
        OperatorError: it is not called to this counter.
    """
    _end(store, session, about, k.TokenSkipped())


def no_show(store: Store, session: Session, about: EntityId) -> None:
    """Nobody came at all.

    Raises:
        OperatorError: it is not called to this counter.
    """
    _end(store, session, about, k.TokenNoShow())


def serve(store: Store, session: Session, about: EntityId, application: EntityId | None = None) -> None:
    """Whoever held the token was served; `application` where it was about one.

    Raises:
        OperatorError: it is not called to this counter, or there is no such application.
    """
    _end(store, session, about, k.TokenServed(application=application))


def token(store: Store, about: EntityId) -> Token:
    """A token.

    Raises:
        OperatorError: there is none.
    """
    with store.read() as tx:
        return _token_in(tx, store.journal, about)


def token_at(centre: Centre, session: Session) -> Token | None:
    """The token that is called to the session's counter now, or None."""
    with centre.store.read() as tx:
        today = tokens_of(tx, centre.store.journal, centre.today().isoformat())
    return next((each for each in today if each.status is TokenStatus.CALLED and each.counter == session.counter), None)


def _end(store: Store, session: Session, about: EntityId, body: k.Body) -> None:
    counter = _counter(session)

    def act(moment: Moment) -> Sequence[Draft]:
        found = _token_in(moment.tx, store.journal, about)
        _step(found, body.KIND)
        _see_here(found, counter)
        application = body.application if isinstance(body, k.TokenServed) else None
        if application is not None:
            key = {"k_journal": store.journal, "k_about": application}
            if moment.tx.one(_APPLICATION, key) is None:
                raise OperatorError("There is no such application here.", "Look it up by its tracking number.")
        return [Draft(body, about)]

    store.commit(session, act)


def _counter(session: Session) -> str:
    if not session.counter.strip():
        raise OperatorError("A token is called to a counter.", "Sign in at one.")
    return session.counter


def _step(found: Token, kind: str) -> None:
    if (found.status, kind) not in STEPS:
        raise OperatorError(
            f"The token {found.ticket} is {found.status.value}, so this cannot be done with it.",
            "Look at the board again: somebody may have been quicker.",
        )


def _see_here(found: Token, counter: str) -> None:
    if found.counter != counter:
        raise OperatorError(
            f"The token {found.ticket} is called to counter {found.counter}.", "Only that counter goes on with it."
        )


def _see_free(today: Sequence[Token], counter: str) -> None:
    for each in today:
        if each.status is TokenStatus.CALLED and each.counter == counter:
            raise OperatorError(
                f"The token {each.ticket} is at this counter.",
                "Say first that it was served, skipped, or did not come.",
            )


def tokens_of(tx: Tx, journal: JournalId, day: str) -> list[Token]:
    """The tokens of a local day, in the order in which they were given."""
    return [_token(row) for row in tx.all(_OF_DAY, {"journal": journal, "day": day})]


def _token_in(tx: Tx, journal: JournalId, about: str) -> Token:
    row = tx.one(_ABOUT, {"k_journal": journal, "k_about": about})
    if row is None:
        raise OperatorError("There is no such token here.", "Choose it from the board.")
    return _token(row)


def _token(row: Row) -> Token:
    about, number, ticket, queue, day, service, priority, status, *rest = row
    return Token(EntityId(about), number, ticket, queue, day, service, priority, TokenStatus(status), *rest)


def those_waiting(today: Sequence[Token]) -> list[Waiting]:
    """Those of them that wait."""
    return [
        Waiting(each.id, each.ticket, each.queue, each.priority, each.issued_seq)
        for each in today
        if each.status is TokenStatus.WAITING
    ]


def called_last(today: Sequence[Token], of_queues: Sequence[str]) -> list[str]:
    """The priorities of those called in these queues (none named: in all), the latest first."""
    called = [each for each in today if each.calls and (not of_queues or each.queue in of_queues)]
    return [each.priority for each in sorted(called, key=lambda each: each.called_seq, reverse=True)]
