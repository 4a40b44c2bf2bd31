"""Being spared a fee, or lines of it: asked for at the counter under a rule of the service, decided by a second person.

How much an exemption spares is reckoned by the catalogue from the application as it was handed in, and written down
when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework.centre import Centre
from appliance.casework.charges import reckoned_fee
from appliance.casework.fees import FeeState, fee_state
from appliance.catalogue import Exemption
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.amounts import amount_text
from appliance.records.database import Row, Tx
from appliance.records.statements import found_by
from appliance.store.store import Draft, Moment, Store

MAX_SHOWN: Final = 500

_ABOUT: Final = select(t.exemptions).where(t.where_key(t.exemptions))
_OF_APPLICATION: Final = (
    select(t.exemptions)
    .where(found_by(t.exemptions, "application"))
    .order_by(t.exemptions.c.asked_at, t.exemptions.c.about)
    .limit(MAX_SHOWN)
)
_ASKED: Final = (
    select(t.exemptions)
    .where(found_by(t.exemptions, "status"))
    .order_by(t.exemptions.c.asked_at, t.exemptions.c.about)
    .limit(MAX_SHOWN)
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An exemption that was asked for, and how it was decided; `status` is asked, approved or refused."""

    id: EntityId
    application: EntityId
    exemption: str
    reason: str
    minor: int
    currency: k.Currency
    status: str
    asked_by: str
    asked_at: str
    decided_by: str
    decided_at: str
    remark: str


def offered(centre: Centre, application: EntityId) -> tuple[tuple[Exemption, int], ...]:
    """The exemptions that may be asked for, and how much each spares in minor units.

    Raises:
        OperatorError: there is no such application, or its service is not in the catalogue.
    """
    with centre.store.read() as tx:
        return _offered(centre, tx, application)


def ask_exemption(centre: Centre, session: Session, application: EntityId, exemption: str, reason: str) -> EntityId:
    """Ask that an application be spared what `exemption`, a rule of its service, covers.

    Raises:
        OperatorError: no reason, the service has no such rule here, it was asked for before, or nothing is owed.
    """
    check_reason(reason)
    store, about = centre.store, centre.store.new_id()

    def act(moment: Moment) -> Sequence[Draft]:
        tx = moment.tx
        fee = fee_state(tx, store.journal, application)
        minor = next((m for rule, m in _offered(centre, tx, application) if rule.id == exemption), None)
        if minor is None:
            raise OperatorError(
                "This application cannot be spared its fee so.", "Choose one of those that are offered."
            )
        earlier = tx.all(_OF_APPLICATION, {"journal": store.journal, "application": application})
        same = [each for each in map(_asked, earlier) if each.exemption == exemption and each.status != "refused"]
        # What it spares beyond that, the form was amended to cost since.
        minor -= sum(each.minor for each in same)
        if same and (minor <= 0 or any(each.status == "asked" for each in same)):
            raise OperatorError("This exemption was asked for before.", "Look at how it stands.")
        if minor <= 0:
            raise OperatorError("Another exemption covers all that this one does.", "Look at how it stands.")
        _see_owed(fee, minor)
        body = k.ExemptionAsked(
            application=application, exemption=exemption, reason=reason, minor=minor, currency=fee.currency
        )
        return [Draft(body, about)]

    store.commit(session, act)
    return about


def approve_exemption(store: Store, session: Session, exemption: EntityId, remark: str = "") -> None:
    """Spare it; by another account than the one that asked.

    Raises:
        OperatorError: asked by the same account, decided before, the fee was paid meanwhile, or the session may not.
    """
    if remark:
        check_reason(remark)

    def act(moment: Moment) -> Sequence[Draft]:
        asked = _undecided(moment.tx, store.journal, session, exemption)
        _see_owed(fee_state(moment.tx, store.journal, asked.application), asked.minor)
        return [Draft(k.ExemptionApproved(remark=remark), exemption)]

    store.commit(session, act)


def refuse_exemption(store: Store, session: Session, exemption: EntityId, reason: str) -> None:
    """Spare nothing; by another account than the one that asked. It may be asked for again.

    Raises:
        OperatorError: no reason, asked by the same account, decided before, or the session may not.
    """
    check_reason(reason)

    def act(moment: Moment) -> Sequence[Draft]:
        _undecided(moment.tx, store.journal, session, exemption)
        return [Draft(k.ExemptionRefused(reason=reason), exemption)]

    store.commit(session, act)


def exemptions_for(store: Store, application: EntityId) -> list[Asked]:
    """Every exemption that was asked for, oldest first."""
    with store.read() as tx:
        rows = tx.all(_OF_APPLICATION, {"journal": store.journal, "application": application})
    return [_asked(row) for row in rows]


def undecided_exemptions(store: Store) -> list[Asked]:
    """Those that wait for a second person, oldest first."""
    with store.read() as tx:
        return [_asked(row) for row in tx.all(_ASKED, {"journal": store.journal, "status": "asked"})]


def _offered(centre: Centre, tx: Tx, application: EntityId) -> tuple[tuple[Exemption, int], ...]:
    fee = reckoned_fee(centre, tx, application)
    minor = {line.code: line.minor for line in fee.lines}
    rows = tx.all(_OF_APPLICATION, {"journal": centre.store.journal, "application": application})
    standing = {each.exemption for each in map(_asked, rows) if each.status != "refused"}

    def spares(rule: Exemption) -> int:
        # No line is spared twice.
        others = {code for each in fee.exemptions if each.id in standing - {rule.id} for code in each.covers}
        return sum(minor[code] for code in rule.covers if code not in others)

    return tuple((rule, spares(rule)) for rule in fee.exemptions)


def _see_owed(fee: FeeState, minor: int) -> None:
    if minor > fee.owed_minor:
        raise OperatorError(
            f"Only {amount_text(max(fee.owed_minor, 0), fee.currency)} of the fee is still owed.",
            "What was paid is given back by a refund first.",
        )


def _undecided(tx: Tx, journal: JournalId, session: Session, exemption: EntityId) -> Asked:
    row = tx.one(_ABOUT, {"k_journal": journal, "k_about": exemption})
    if row is None:
        raise OperatorError("There is no such exemption here.", "Choose it from the list.")
    asked = _asked(row)
    if asked.status != "asked":
        raise OperatorError(f"This exemption is {asked.status}.", "Look at it again: somebody was quicker.")
    if asked.asked_by == session.actor:
        raise OperatorError("You asked for this exemption yourself.", "A second person decides it.")
    return asked


def _asked(row: Row) -> Asked:
    _, about, application, *rest = row
    return Asked(EntityId(about), EntityId(application), *rest)
