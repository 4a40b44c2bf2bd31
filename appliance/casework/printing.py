"""Putting something on paper, once: the intent is committed, the printer is asked, what became of it is committed.

A print whose outcome nobody wrote (a power cut in between), or that the printer itself does not know, stays open until
an operator has looked at the paper. As long as one is open the same thing is not printed again, and what is on paper is
printed again only with a reason: each copy has its number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sqlalchemy import select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Row
from appliance.records.statements import found_by
from appliance.store.store import Draft, Moment, Store

MAX_OPEN: Final = 500
"""Prints that one list shows."""

_COLUMNS = (
    *(t.prints.c.about, t.prints.c.what, t.prints.c.of, t.prints.c.number, t.prints.c.printer, t.prints.c.copy),
    *(t.prints.c.reason, t.prints.c.simulated, t.prints.c.state, t.prints.c.detail, t.prints.c.intended_at),
)
_ONE = select(*_COLUMNS).where(t.where_key(t.prints))
_OF = select(*_COLUMNS).where(found_by(t.prints, "of")).order_by(t.prints.c.seq)
_IN_STATE = select(*_COLUMNS).where(found_by(t.prints, "state")).order_by(t.prints.c.seq).limit(MAX_OPEN)


class PrintState(Enum):
    """What is known of a print. `INTENDED`: a printer was, or was about to be, asked, and nobody said more."""

    INTENDED = "intended"
    PRINTED = "printed"
    UNKNOWN = "unknown"
    INCOMPLETE = "incomplete"
    NOT_STARTED = "not started"

    @property
    def is_open(self) -> bool:
        """Whether somebody must look at the paper."""
        return self in (PrintState.INTENDED, PrintState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be printed, and where: `of` is the payment, application or token; `number` is what people call it."""

    what: k.PaperKind
    of: EntityId
    number: str
    printer: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a printer did. `detail` and `next_step` are sentences for the operator."""

    state: PrintState
    detail: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Print:
    """A print as the journal knows it."""

    id: EntityId
    job: Job
    copy: int
    reason: str
    state: PrintState
    detail: str
    intended_at: str


class PrintOpen(OperatorError):
    """The same thing was sent to a printer, and nobody knows yet what became of it."""


class AlreadyPrinted(OperatorError):
    """It is on paper; another copy needs a reason."""


def print_once(
    store: Store,
    session: Session,
    job: Job,
    send: Callable[[int], Outcome],
    reason: str = "",
    *,
    see: Callable[[Moment], None] | None = None,
) -> Outcome:
    """Print, with the intent before it and the outcome after it in the journal.

    Args:
        store: the node's store.
        session: who prints.
        job: what, and where.
        send: asks the printer, told which copy this is; it answers what became of it and never raises for a printer.
        reason: why it is printed again; needed where it is on paper already.
        see: looks, inside the commit of the intent, whether it may be printed, or raises to refuse.

    Raises:
        PrintOpen: somebody must look first what became of an earlier print. AlreadyPrinted: a reason is needed.
        OperatorError: the session may not print.
    """
    if reason:
        check_reason(reason)
    about = store.new_id()
    copies: list[int] = []

    def intend(moment: Moment) -> Sequence[Draft]:
        if see is not None:
            see(moment)
        rows = moment.tx.all(_OF, {"journal": store.journal, "of": job.of})
        # Of an application there may be several certificates, one after the other.
        earlier = [one for one in map(_print, rows) if (one.job.what, one.job.number) == (job.what, job.number)]
        _check(earlier, reason)
        copies.append(1 + sum(one.state is PrintState.PRINTED for one in earlier))
        body = k.PrintIntended(
            what=job.what,
            of=job.of,
            number=job.number,
            printer=job.printer,
            copy=copies[-1],
            reason=reason,
            simulated=job.simulated,
        )
        return [Draft(body, about)]

    store.commit(session, intend)
    outcome = send(copies[-1])
    if outcome.state is not PrintState.INTENDED:
        store.commit(session, lambda _: [Draft(_ended(outcome), about)])
    return outcome


def settle_print(store: Store, session: Session, about: EntityId, *, on_paper: bool, detail: str = "") -> None:
    """An operator has looked at the paper of a print that was left open.

    Raises:
        OperatorError: there is no such print, it is not open, or the session may not.
    """

    def act(moment: Moment) -> Sequence[Draft]:
        row = moment.tx.one(_ONE, {"k_journal": store.journal, "k_about": about})
        if row is None or not _print(row).state.is_open:
            raise OperatorError("What became of this print is known already.", "Look at the list again.")
        if on_paper:
            return [Draft(k.PrintConfirmed(said_by="operator"), about)]
        said = detail or "An operator looked: it is not on paper."
        return [Draft(k.PrintFailed(end="incomplete", detail=said, said_by="operator"), about)]

    store.commit(session, act)


def open_prints(store: Store) -> list[Print]:
    """What was sent to a printer and somebody must look at: what nobody said more of first, then what is unknown."""
    with store.read() as tx:
        rows = [
            row
            for state in (PrintState.INTENDED, PrintState.UNKNOWN)
            for row in tx.all(_IN_STATE, {"journal": store.journal, "state": state.value})
        ]
    return [_print(row) for row in rows]


def prints_of(store: Store, of: EntityId) -> list[Print]:
    """All prints of a payment, application or token, oldest first."""
    with store.read() as tx:
        return [_print(row) for row in tx.all(_OF, {"journal": store.journal, "of": of})]


def _check(earlier: Sequence[Print], reason: str) -> None:
    if any(one.state.is_open for one in earlier):
        raise PrintOpen(
            "This was sent to a printer before, and nobody has said yet whether it came out.",
            "Look at the paper in the printer, and answer that first.",
        )
    if not reason and any(one.state is PrintState.PRINTED for one in earlier):
        raise AlreadyPrinted("This is on paper already.", "Give a reason to print it again; the copy is marked as one.")


def _ended(outcome: Outcome) -> k.Body:
    if outcome.state is PrintState.PRINTED:
        return k.PrintConfirmed(said_by="printer")
    if outcome.state is PrintState.UNKNOWN:
        return k.PrintUnknown(detail=outcome.detail)
    end = "incomplete" if outcome.state is PrintState.INCOMPLETE else "not started"
    return k.PrintFailed(end=end, detail=outcome.detail)  # type: ignore[arg-type]


def _print(row: Row) -> Print:
    about, what, of, number, printer, copy, reason, simulated, state, detail, intended_at = row
    job = Job(what, EntityId(of), number, printer, bool(simulated))
    return Print(EntityId(about), job, copy, reason, PrintState(state), detail, intended_at)
