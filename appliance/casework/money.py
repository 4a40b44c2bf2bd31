"""Taking a fee: what is owed, how it was paid, and the receipt that says so.

A fee is paid once and in full. Cash lies in the drawer that the operator answers for; everything else names a challan,
a PSID or another number, which pays once. Receipts are numbered inside the commit, counted from headers: without gaps
for each centre and year, also where several counters take money at once. A receipt that is void keeps its number.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.access.session import Session
from appliance.casework import shifts
from appliance.casework.centre import Centre
from appliance.casework.fees import FeeState, fee_state
from appliance.casework.receipt_numbers import receipt_number
from appliance.casework.references import normal_reference
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.amounts import amount_text
from appliance.records.database import Row, Tx
from appliance.records.statements import found_by
from appliance.store.store import Draft, Moment, Store

__all__ = [
    "FeeState",
    "NewPayment",
    "Payment",
    "fee_state",
    "payment_in",
    "payment_numbered",
    "payment_of",
    "payments_for",
    "payments_on",
    "take_payment",
]

MAX_RECEIPTS: Final = 500
NOT_PAYABLE: Final = frozenset({"draft", "discarded", "withdrawn", "rejected"})
"""Where an application stands that nobody pays for; see `lifecycle.Status`."""

_APPLICATION: Final = select(t.applications.c.tracking, t.applications.c.service, t.applications.c.status).where(
    t.where_key(t.applications)
)
_CENTRE: Final = select(t.centres.c.centre).where(t.centres.c.journal == bindparam("journal"))
_THIS_YEAR: Final = select(t.tallies.c.written).where(
    t.tallies.c.journal == bindparam("journal"),
    t.tallies.c.kind == k.PaymentTaken.KIND,
    t.tallies.c.period == bindparam("year"),
)
_SAME_REFERENCE: Final = (
    select(t.payments.c.receipt)
    .where(
        found_by(t.payments, "reference"),
        t.payments.c.mode == bindparam("mode"),
        t.payments.c.voided == 0,
    )
    .limit(1)
)
_ABOUT: Final = select(t.payments).where(t.where_key(t.payments))
_NUMBERED: Final = select(t.payments).where(found_by(t.payments, "receipt"))
_OF_APPLICATION: Final = (
    select(t.payments)
    .where(found_by(t.payments, "application"))
    .order_by(t.payments.c.taken_at, t.payments.c.about)
    .limit(MAX_RECEIPTS)
)
_INDEXED: Final = t.payments.alias()
_PAGE: Final = (
    select(_INDEXED.c.about)
    .where(
        _INDEXED.c.journal == bindparam("journal"),
        _INDEXED.c.day == bindparam("day"),
        _INDEXED.c.receipt > bindparam("after"),
    )
    .order_by(_INDEXED.c.receipt)
    .limit(MAX_RECEIPTS)
)
# Put in order afterwards: SQLite would read all receipts by their index of numbers, for the order's sake.
_ON_DAY: Final = select(t.payments).where(t.payments.c.journal == bindparam("journal"), t.payments.c.about.in_(_PAGE))
_NAMES: Final = tuple(t.payments.columns.keys())


@dataclass(frozen=True, slots=True)
class NewPayment:
    """What a citizen pays for an application, and how.

    Attributes:
        payer: who pays, as the receipt names them.
        lines: what it is for, as the catalogue reckoned it, in the currency of the application; they make the sum.
        reference: of anything but cash, as typed.
    """

    application: EntityId
    payer: str
    lines: tuple[k.PaymentLine, ...]
    mode: k.PaymentMode
    reference: str = ""

    @property
    def total_minor(self) -> int:
        """The sum of the lines."""
        return sum(line.minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment and its receipt, as they stand now."""

    id: EntityId
    receipt: str
    application: EntityId
    tracking: str
    service: str
    payer: str
    lines: tuple[k.PaymentLine, ...]
    total_minor: int
    currency: k.Currency
    mode: k.PaymentMode
    reference: str
    shift: str
    day: str
    taken_by: str
    taken_at: str
    voided: bool
    void_reason: str
    refunded_minor: int


def take_payment(centre: Centre, session: Session, payment: NewPayment) -> Payment:
    """Take a fee, in full, and number its receipt.

    Raises:
        OperatorError: less or more than what is owed, nothing owed, a reference that is none or has paid before, cash
            without an open drawer, or the session may not. Nothing was taken.
    """
    _check(payment)
    reference = normal_reference(payment.mode, payment.reference)
    store, about = centre.store, centre.store.new_id()

    def act(moment: Moment) -> Sequence[Draft]:
        tx = moment.tx
        row = tx.one(_APPLICATION, {"k_journal": store.journal, "k_about": payment.application})
        if row is None:
            raise OperatorError("There is no such application here.", "Look it up by its tracking number.")
        tracking, service, status = row
        if status in NOT_PAYABLE:
            raise OperatorError(f"This application is {status}, so nothing is paid for it.", "Look at it again.")
        fee = fee_state(tx, store.journal, payment.application)
        _see_owed(fee, payment.total_minor)
        _see_unused(tx, store.journal, payment.mode, reference)
        body = k.PaymentTaken(
            receipt=_next_receipt(moment, store),
            application=payment.application,
            tracking=tracking,
            service=service,
            payer=payment.payer,
            lines=payment.lines,
            total_minor=payment.total_minor,
            currency=fee.currency,
            mode=payment.mode,
            day=centre.day_of(moment.at).isoformat(),
            reference=reference,
            shift=_drawer(tx, store.journal, session, payment.mode, fee.currency),
        )
        return [Draft(body, about)]

    store.commit(session, act)
    return payment_of(store, about)


def payment_of(store: Store, receipt: EntityId) -> Payment:
    """A payment by the identifier of its receipt.

    Raises:
        OperatorError: there is none.
    """
    with store.read() as tx:
        return payment_in(tx, store.journal, receipt)


def payment_in(tx: Tx, journal: JournalId, receipt: str) -> Payment:
    """The same inside a transaction."""
    return _found(tx.one(_ABOUT, {"k_journal": journal, "k_about": receipt}))


def payment_numbered(store: Store, number: str) -> Payment:
    """A payment by the number on its receipt.

    Raises:
        OperatorError: there is none.
    """
    with store.read() as tx:
        return _found(tx.one(_NUMBERED, {"journal": store.journal, "receipt": number.strip().upper()}))


def payments_for(store: Store, application: EntityId) -> list[Payment]:
    """Every payment for an application, void ones too, oldest first."""
    with store.read() as tx:
        rows = tx.all(_OF_APPLICATION, {"journal": store.journal, "application": application})
    return [_payment(row) for row in rows]


def payments_on(store: Store, day: str, after: str = "") -> list[Payment]:
    """A page of the receipts of a local day, void ones too, by their numbers: the list to hold against the bank's.

    Args:
        store: where.
        day: `YYYY-MM-DD`.
        after: the last number of the page before; a page has at most `MAX_RECEIPTS`.
    """
    with store.read() as tx:
        rows = tx.all(_ON_DAY, {"journal": store.journal, "day": day, "after": after})
    return sorted(map(_payment, rows), key=lambda each: each.receipt)


def _check(payment: NewPayment) -> None:
    if not payment.payer.strip() or not k.is_line(payment.payer):
        raise OperatorError(
            f"Who pays has 1 to {k.MAX_LINE} characters, on one line.", "Enter the name for the receipt."
        )
    if not 1 <= len(payment.lines) <= k.MAX_LINES:
        raise OperatorError(f"A receipt has 1 to {k.MAX_LINES} lines.", "Look at the fee again.")


def _see_owed(fee: FeeState, total_minor: int) -> None:
    """Refuse a part of a fee, and more than it."""
    owed, given = amount_text(fee.owed_minor, fee.currency), amount_text(total_minor, fee.currency)
    if fee.owed_minor <= 0:
        raise OperatorError("Nothing is owed for this application.", "Look at its receipts.")
    if total_minor < fee.owed_minor:
        raise OperatorError(
            f"{given} is less than the {owed} owed: a fee is paid in full.", "Take all of it, or none of it yet."
        )
    if total_minor > fee.owed_minor:
        raise OperatorError(f"{given} is more than the {owed} owed.", "Give back what is too much, and take the rest.")


def _see_unused(tx: Tx, journal: JournalId, mode: k.PaymentMode, reference: str) -> None:
    if not reference:
        return
    used = tx.one(_SAME_REFERENCE, {"journal": journal, "reference": reference, "mode": mode})
    if used is not None:
        raise OperatorError(
            f"The {mode} number {reference} has paid before: receipt {used[0]}.",
            "Ask for another one; if that receipt is wrong, a supervisor voids it.",
        )


def _drawer(tx: Tx, journal: JournalId, session: Session, mode: k.PaymentMode, currency: k.Currency) -> EntityId | None:
    """The drawer that cash goes into; None for anything else."""
    if mode != "cash":
        return None
    shift = shifts.shift_at(tx, journal, session)
    if shift is None:
        raise OperatorError(
            "You have no open drawer at this counter, so you take no cash.", "Open a shift, or take the drawer over."
        )
    shifts.step(shift, k.PaymentTaken.KIND)
    if shift.currency != currency:
        raise OperatorError(
            f"This drawer holds {shift.currency}, and the fee is in {currency}.",
            "Take it in another way, or at a counter with the right drawer.",
        )
    return shift.id


def _next_receipt(moment: Moment, store: Store) -> str:
    year = moment.at[:4]
    row = moment.tx.one(_THIS_YEAR, {"journal": store.journal, "year": year})
    centre = moment.tx.one(_CENTRE, {"journal": store.journal})
    return receipt_number("" if centre is None else centre[0], int(year), 1 + (0 if row is None else int(row[0])))


def _found(row: Row | None) -> Payment:
    if row is None:
        raise OperatorError("There is no such receipt here.", "Look at its number again.")
    return _payment(row)


def _payment(row: Row) -> Payment:
    values = dict(zip(_NAMES, row, strict=True))
    return Payment(
        id=EntityId(values["about"]),
        receipt=values["receipt"],
        application=EntityId(values["application"]),
        tracking=values["tracking"],
        service=values["service"],
        payer=values["payer"],
        lines=tuple(k.PaymentLine(*line) for line in json.loads(values["lines"])),
        total_minor=values["total_minor"],
        currency=values["currency"],
        mode=values["mode"],
        reference=values["reference"],
        shift=values["shift"],
        day=values["day"],
        taken_by=values["taken_by"],
        taken_at=values["taken_at"],
        voided=bool(values["voided"]),
        void_reason=values["void_reason"],
        refunded_minor=values["refunded_minor"],
    )
