"""Shifts: who answers for the drawer at a counter, from its float to its last count.

One operator answers for one drawer at a time. A drawer is handed over when the leaving operator has counted it and the
arriving one counts the same, each in their own session; a count that does not agree is refused with the difference
named. A drawer that fits is closed by its operator; one that does not, by a supervisor who says why. From the count on
the drawer rests: nothing goes in or out until it is handed over, closed, or gone on with.

What is expected in a drawer is its float and the cash taken, less what was given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import sqlalchemy as sa
from sqlalchemy import select

from appliance.access.reasons import check_reason
from appliance.access.session import Role, Session
from appliance.casework.centre import Centre
from appliance.casework.counting import Counted, check_counted
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.amounts import amount_text
from appliance.records.database import Row, Tx
from appliance.records.statements import found_by
from appliance.store.store import Draft, Moment, Store

MAX_LIVE_SHIFTS: Final = 500


class ShiftStatus(Enum):
    """Where a shift stands."""

    OPEN = "open"
    COUNTED = "counted"
    HANDED_OVER = "handed over"
    CLOSED = "closed"


# (where it stands, what is written) -> where it stands then
STEPS: Final[dict[tuple[ShiftStatus, str], ShiftStatus]] = {
    (ShiftStatus.OPEN, k.ShiftCounted.KIND): ShiftStatus.COUNTED,
    (ShiftStatus.COUNTED, k.ShiftCounted.KIND): ShiftStatus.COUNTED,
    (ShiftStatus.COUNTED, k.ShiftResumed.KIND): ShiftStatus.OPEN,
    (ShiftStatus.COUNTED, k.ShiftTakenOver.KIND): ShiftStatus.HANDED_OVER,
    (ShiftStatus.OPEN, k.ShiftClosed.KIND): ShiftStatus.CLOSED,
    (ShiftStatus.COUNTED, k.ShiftClosed.KIND): ShiftStatus.CLOSED,
    # Money goes in and out only while it is open.
    (ShiftStatus.OPEN, k.PaymentTaken.KIND): ShiftStatus.OPEN,
    (ShiftStatus.OPEN, k.PaymentVoided.KIND): ShiftStatus.OPEN,
    (ShiftStatus.OPEN, k.PaymentRefunded.KIND): ShiftStatus.OPEN,
}
_NEXT_STEP: Final = {
    ShiftStatus.OPEN: "Count the drawer first.",
    ShiftStatus.COUNTED: "Hand it over, close it, or go on with it.",
    ShiftStatus.HANDED_OVER: "Whoever took the drawer over answers for it now.",
    ShiftStatus.CLOSED: "Open a new shift.",
}

_COLUMNS: Final = (
    t.shifts.c.about,
    t.shifts.c.operator,
    t.shifts.c.counter,
    t.shifts.c.currency,
    t.shifts.c.status,
    t.shifts.c.float_minor,
    t.shifts.c.counted_minor,
    t.shifts.c.day,
    t.shifts.c.opened_at,
)
_SHIFT: Final = select(*_COLUMNS).where(t.where_key(t.shifts))
_LIVE: Final = (ShiftStatus.OPEN, ShiftStatus.COUNTED)
_STANDING: Final = select(*_COLUMNS).where(found_by(t.shifts, "status")).limit(MAX_LIVE_SHIFTS)
_CASH_IN: Final = select(sa.func.coalesce(sa.func.sum(t.payments.c.total_minor), 0)).where(
    found_by(t.payments, "shift"), t.payments.c.mode == "cash", t.payments.c.voided == 0
)
_CASH_OUT: Final = select(sa.func.coalesce(sa.func.sum(t.refunds.c.minor), 0)).where(
    found_by(t.refunds, "shift"), t.refunds.c.mode == "cash"
)


@dataclass(frozen=True, slots=True)
class Shift:
    """A drawer, and who answers for it; `expected_minor` as of now."""

    id: EntityId
    operator: str
    counter: str
    currency: k.Currency
    status: ShiftStatus
    float_minor: int
    counted_minor: int
    expected_minor: int
    day: str
    opened_at: str


class DrawerDiffers(OperatorError):
    """What was counted is not what it should be. `difference_minor` is the count less that."""

    def __init__(self, counted_minor: int, other_minor: int, currency: str, what: str, next_step: str) -> None:
        self.difference_minor = counted_minor - other_minor
        side = "more" if self.difference_minor > 0 else "less"
        super().__init__(
            f"You counted {amount_text(counted_minor, currency)}; {what} {amount_text(other_minor, currency)}: "
            f"{amount_text(abs(self.difference_minor), currency)} {side}.",
            next_step,
        )


def open_shift(centre: Centre, session: Session, counted: Counted, currency: k.Currency) -> EntityId:
    """Take charge of the drawer at the session's counter, with what lies in it.

    Raises:
        OperatorError: somebody answers for that drawer, the operator for another one, or it is no count.
    """
    check_counted(counted)
    about = centre.store.new_id()

    def act(moment: Moment) -> Sequence[Draft]:
        _see_free(moment.tx, centre.store.journal, session)
        body = k.ShiftOpened(
            counter=session.counter,
            float_minor=counted.minor,
            currency=currency,
            day=centre.day_of(moment.at).isoformat(),
            notes=counted.notes,
        )
        return [Draft(body, about)]

    centre.store.commit(session, act)
    return about


def count_drawer(centre: Centre, session: Session, shift: EntityId, counted: Counted, reason: str = "") -> None:
    """The operator who leaves counts; the drawer rests from here on.

    Raises:
        DrawerDiffers: it is not what is expected, and no reason is given.
        OperatorError: it is another operator's drawer, it is over, or it is no count.
    """
    check_counted(counted)

    def act(moment: Moment) -> Sequence[Draft]:
        found = _own(moment.tx, centre.store.journal, session, shift)
        step(found, k.ShiftCounted.KIND)
        why = _why(found, counted, reason)
        body = k.ShiftCounted(
            counted_minor=counted.minor,
            expected_minor=found.expected_minor,
            day=centre.day_of(moment.at).isoformat(),
            notes=counted.notes,
            reason=why,
        )
        return [Draft(body, shift)]

    centre.store.commit(session, act)


def resume(store: Store, session: Session, shift: EntityId, reason: str = "") -> None:
    """The operator who counted goes on at the drawer after all.

    Raises:
        OperatorError: it is another operator's drawer, or it does not rest.
    """
    if reason:
        check_reason(reason)

    def act(moment: Moment) -> Sequence[Draft]:
        step(_own(moment.tx, store.journal, session, shift), k.ShiftResumed.KIND)
        return [Draft(k.ShiftResumed(reason=reason), shift)]

    store.commit(session, act)


def take_over(centre: Centre, session: Session, shift: EntityId, counted: Counted) -> EntityId:
    """The operator who arrives counts the same, and answers for the drawer from here on, in a shift of their own.

    Raises:
        DrawerDiffers: they counted something else.
        OperatorError: the drawer was not counted by the operator who leaves, is at another counter or their own, or
            they answer for another one.
    """
    check_counted(counted)
    about = centre.store.new_id()

    def act(moment: Moment) -> Sequence[Draft]:
        tx, day = moment.tx, centre.day_of(moment.at).isoformat()
        found = shift_in(tx, centre.store.journal, shift)
        step(found, k.ShiftTakenOver.KIND)
        if found.operator == session.actor:
            raise OperatorError("A drawer is handed over to somebody else.", "Go on with it, or close it.")
        if found.counter != session.counter:
            raise OperatorError(
                f"That drawer is at counter {found.counter}, and you signed in at {session.counter}.",
                "Sign in at that counter, and count there.",
            )
        _see_free(tx, centre.store.journal, session, except_shift=shift)
        _see_same(found, counted, "the operator who leaves counted")
        opened = k.ShiftOpened(
            counter=found.counter,
            float_minor=counted.minor,
            currency=found.currency,
            day=day,
            notes=counted.notes,
            from_shift=shift,
        )
        taken = k.ShiftTakenOver(to_shift=about, counted_minor=counted.minor, day=day, notes=counted.notes)
        return [Draft(taken, shift), Draft(opened, about)]

    centre.store.commit(session, act)
    return about


def close_shift(centre: Centre, session: Session, shift: EntityId, counted: Counted, reason: str = "") -> int:
    """Count a drawer for the last time and empty it; answers the difference, in minor units (less than 0: too little).

    Raises:
        DrawerDiffers: it is not what is expected, and there is no reason or no supervisor to give one; or the operator
            counted something else.
        OperatorError: it is another operator's drawer, it is over, or it is no count.
    """
    check_counted(counted)
    given: list[int] = []

    def act(moment: Moment) -> Sequence[Draft]:
        found = _to_close(moment.tx, centre.store.journal, session, shift)
        step(found, k.ShiftClosed.KIND)
        if found.status is ShiftStatus.COUNTED and session.actor != found.operator:
            _see_same(found, counted, "its operator counted")
        difference = counted.minor - found.expected_minor
        if difference and session.actor == found.operator:
            raise DrawerDiffers(
                counted.minor,
                found.expected_minor,
                found.currency,
                "expected are",
                "Count again; if it stays so, a supervisor closes the drawer and says why.",
            )
        why = _why(found, counted, reason)
        given.append(difference)
        body = k.ShiftClosed(
            expected_minor=found.expected_minor,
            counted_minor=counted.minor,
            difference_minor=difference,
            day=centre.day_of(moment.at).isoformat(),
            notes=counted.notes,
            reason=why,
        )
        return [Draft(body, shift)]

    centre.store.commit(session, act)
    return given[0]


def live_shifts(store: Store) -> list[Shift]:
    """Every drawer that somebody answers for now, the one opened first first."""
    with store.read() as tx:
        return _live(tx, store.journal)


def shift_of(store: Store, session: Session) -> Shift | None:
    """The drawer that the session's operator answers for at the session's counter, or None."""
    with store.read() as tx:
        return shift_at(tx, store.journal, session)


def shift_at(tx: Tx, journal: JournalId, session: Session) -> Shift | None:
    """The same inside a commit."""
    mine = (each for each in _live(tx, journal) if each.operator == session.actor and each.counter == session.counter)
    return next(mine, None)


def shift_in(tx: Tx, journal: JournalId, shift: str) -> Shift:
    """A shift, inside a commit.

    Raises:
        OperatorError: there is none.
    """
    row = tx.one(_SHIFT, {"k_journal": journal, "k_about": shift})
    if row is None:
        raise OperatorError("There is no such shift here.", "Choose it from the list of drawers.")
    return _shift(tx, journal, row)


def step(shift: Shift, kind: str) -> None:
    """Refuse what cannot be done with a drawer as it stands.

    Raises:
        OperatorError: it cannot.
    """
    if (shift.status, kind) not in STEPS:
        raise OperatorError(
            f"The drawer at counter {shift.counter} is {shift.status.value}, so this cannot be done with it.",
            _NEXT_STEP[shift.status],
        )


def _live(tx: Tx, journal: JournalId) -> list[Shift]:
    rows = (row for status in _LIVE for row in tx.all(_STANDING, {"journal": journal, "status": status.value}))
    return sorted((_shift(tx, journal, row) for row in rows), key=lambda each: (each.opened_at, each.id))


def _shift(tx: Tx, journal: JournalId, row: Row) -> Shift:
    about, operator, counter, currency, status, float_minor, counted_minor, day, opened_at = row
    of_shift = {"journal": journal, "shift": about}
    cash_in, cash_out = (tx.one(each, of_shift) or (0,) for each in (_CASH_IN, _CASH_OUT))
    return Shift(
        id=EntityId(about),
        operator=operator,
        counter=counter,
        currency=currency,
        status=ShiftStatus(status),
        float_minor=float_minor,
        counted_minor=counted_minor,
        expected_minor=float_minor + int(cash_in[0]) - int(cash_out[0]),
        day=day,
        opened_at=opened_at,
    )


def _own(tx: Tx, journal: JournalId, session: Session, shift: EntityId) -> Shift:
    found = shift_in(tx, journal, shift)
    if found.operator != session.actor:
        raise OperatorError("Another operator answers for that drawer.", "That operator counts it, or a supervisor.")
    return found


def _to_close(tx: Tx, journal: JournalId, session: Session, shift: EntityId) -> Shift:
    """The drawer, where the session may close it; nobody closes their own as a supervisor."""
    if session.role is not Role.SUPERVISOR:
        return _own(tx, journal, session, shift)
    found = shift_in(tx, journal, shift)
    if found.operator == session.actor:
        raise OperatorError("You answer for that drawer yourself.", "Close it as its operator, or ask another one.")
    return found


def _see_free(tx: Tx, journal: JournalId, session: Session, except_shift: str = "") -> None:
    if not session.counter.strip():
        raise OperatorError("A drawer stands at a counter.", "Sign in at one.")
    for each in _live(tx, journal):
        if each.operator == session.actor and each.id != except_shift:
            raise OperatorError(
                f"You answer for the drawer at counter {each.counter} already.", "Hand it over or close it first."
            )
        if each.counter == session.counter and each.id != except_shift:
            raise OperatorError(
                "Somebody else answers for this counter's drawer.",
                "Let them count it and take it over, or ask a supervisor to close it.",
            )


def _see_same(found: Shift, counted: Counted, what: str) -> None:
    if counted.minor != found.counted_minor:
        raise DrawerDiffers(
            counted.minor, found.counted_minor, found.currency, what, "Count together once more; the sums must agree."
        )


def _why(found: Shift, counted: Counted, reason: str) -> str:
    """The reason for a difference; none where there is no difference."""
    if counted.minor == found.expected_minor:
        return ""
    if not reason.strip():
        raise DrawerDiffers(
            counted.minor, found.expected_minor, found.currency, "expected are", "Count again; if it stays so, say why."
        )
    check_reason(reason)
    return reason
