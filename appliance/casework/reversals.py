"""Undoing a payment: void where it was written down wrongly, refund where money is given back.

Both are a supervisor's, with a reason, and never of whoever took the payment. A void payment counts no more, its number
stays used, and its reference may pay again. Cash is voided only while it still lies in its drawer: what was counted
and handed on is given back by a refund, out of a drawer that is open. A refunded payment stays, with its reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework import shifts
from appliance.casework.centre import Centre
from appliance.casework.money import Payment, payment_in
from appliance.casework.references import normal_reference
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records.amounts import amount_text
from appliance.records.database import Tx
from appliance.store.store import Draft, Moment


@dataclass(frozen=True, slots=True)
class Refund:
    """What is given back of a payment.

    Attributes:
        minor: how much, in minor units of the payment's currency.
        mode: how, whatever way it was paid in.
        drawer: the shift whose drawer cash is taken from; None for anything else.
        reference: of anything but cash, as typed.
    """

    minor: int
    mode: k.PaymentMode
    reason: str
    drawer: EntityId | None = None
    reference: str = ""


def void_payment(centre: Centre, session: Session, receipt: EntityId, reason: str) -> None:
    """Count a payment no more.

    Raises:
        OperatorError: no reason, taken by the same account, void or refunded before, cash that no longer lies in its
            drawer, or the session may not.
    """
    check_reason(reason)
    store = centre.store

    def act(moment: Moment) -> Sequence[Draft]:
        payment = _of_another(moment.tx, store.journal, session, receipt)
        if payment.refunded_minor:
            raise OperatorError("Some of this payment was given back.", "Refund the rest of it instead.")
        if payment.mode == "cash":
            drawer = shifts.shift_in(moment.tx, store.journal, payment.shift)
            if drawer.status is not shifts.ShiftStatus.OPEN:
                raise OperatorError(
                    f"The drawer that this cash went into is {drawer.status.value}.",
                    "Refund it out of a drawer that is open.",
                )
            _see_holds(drawer, payment.total_minor)
        return [Draft(k.PaymentVoided(reason=reason, day=centre.day_of(moment.at).isoformat()), receipt)]

    store.commit(session, act)


def refund(centre: Centre, session: Session, receipt: EntityId, given: Refund) -> None:
    """Give money back, all of a payment or a part of it.

    Raises:
        OperatorError: no reason, more than what is left of it, taken by the same account, void, a drawer that is not
            open, holds less, or is the session's own; or the session may not.
    """
    check_reason(given.reason)
    reference = normal_reference(given.mode, given.reference)
    if (given.mode == "cash") != (given.drawer is not None):
        raise OperatorError("Cash, and nothing else, is given out of a drawer.", "Choose the drawer, or another way.")
    store = centre.store

    def act(moment: Moment) -> Sequence[Draft]:
        payment = _of_another(moment.tx, store.journal, session, receipt)
        left = payment.total_minor - payment.refunded_minor
        if not 0 < given.minor <= left:
            raise OperatorError(
                f"Of this payment {amount_text(left, payment.currency)} can be given back.", "Give back no more."
            )
        if given.drawer is not None:
            _see_pays(moment.tx, store.journal, session, given.drawer, payment.currency, given.minor)
        body = k.PaymentRefunded(
            minor=given.minor,
            mode=given.mode,
            reason=given.reason,
            day=centre.day_of(moment.at).isoformat(),
            reference=reference,
            shift=given.drawer,
        )
        return [Draft(body, receipt)]

    store.commit(session, act)


def _of_another(tx: Tx, journal: JournalId, session: Session, receipt: EntityId) -> Payment:
    """A payment that counts, and that another account took."""
    payment = payment_in(tx, journal, receipt)
    if payment.taken_by == session.actor:
        raise OperatorError("You took this payment yourself.", "Another supervisor undoes it.")
    if payment.voided:
        raise OperatorError("This payment is void.", "Nothing is left of it to undo.")
    return payment


def _see_pays(tx: Tx, journal: JournalId, session: Session, drawer: EntityId, currency: k.Currency, minor: int) -> None:
    found = shifts.shift_in(tx, journal, drawer)
    shifts.step(found, k.PaymentRefunded.KIND)
    if found.operator == session.actor:
        raise OperatorError("You answer for that drawer yourself.", "Give it out of another operator's drawer.")
    if found.currency != currency:
        raise OperatorError(f"That drawer holds {found.currency}, not {currency}.", "Choose another drawer.")
    _see_holds(found, minor)


def _see_holds(drawer: shifts.Shift, minor: int) -> None:
    if drawer.expected_minor < minor:
        raise OperatorError(
            f"The drawer at counter {drawer.counter} holds only {amount_text(drawer.expected_minor, drawer.currency)}.",
            "Choose another drawer, or another way.",
        )
