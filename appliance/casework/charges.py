"""What a citizen is asked to pay, line by line, as the catalogue reckons it from an application that was handed in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import select

from appliance.casework.centre import Centre
from appliance.casework.fees import FeeState, fee_state
from appliance.casework.services import service_by
from appliance.catalogue import Fee, reckon_fee
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.statements import found_by

WHOLE: Final = "fee"
"""The code of the one line of a charge whose lines are not known any more."""

_APPLICATION: Final = select(
    t.applications.c.service,
    t.applications.c.service_digest,
    t.applications.c.fields,
    t.applications.c.roles,
    t.applications.c.received,
    t.applications.c.submitted_at,
).where(t.where_key(t.applications))
_SPARED: Final = select(t.exemptions.c.exemption).where(
    found_by(t.exemptions, "application"), t.exemptions.c.status == "approved"
)


@dataclass(frozen=True, slots=True)
class Charge:
    """How a fee stands, and the lines that make what is still owed; none where nothing is."""

    fee: FeeState
    lines: tuple[k.PaymentLine, ...]


def charge(centre: Centre, application: EntityId) -> Charge:
    """What is to be paid for an application now.

    The fee is what was written down when it was handed in. Where the catalogue has changed since, or some of a payment
    was given back, so that the lines do not make what is owed, there is one line for all of it.

    Raises:
        OperatorError: there is no such application, or its service is not in the catalogue.
    """
    journal = centre.store.journal
    with centre.store.read() as tx:
        fee = fee_state(tx, journal, application)
        reckoned = reckoned_fee(centre, tx, application)
        spared = {row[0] for row in tx.all(_SPARED, {"journal": journal, "application": application})}
    if fee.settled:
        return Charge(fee, ())
    covered = {code for rule in reckoned.exemptions if rule.id in spared for code in rule.covers}
    lines = tuple(
        k.PaymentLine(line.code, line.label.en, line.minor) for line in reckoned.lines if line.code not in covered
    )
    if sum(line.minor for line in lines) != fee.owed_minor:
        lines = (k.PaymentLine(WHOLE, "Fee", fee.owed_minor),)
    return Charge(fee, lines)


def reckoned_fee(centre: Centre, tx: Tx, application: EntityId) -> Fee:
    """The fee with its lines and exemptions, by the form and the day on which it was handed in.

    Raises:
        OperatorError: there is no such application, or its service is not in the catalogue.
    """
    row = tx.one(_APPLICATION, {"k_journal": centre.store.journal, "k_about": application})
    if row is None:
        raise OperatorError("There is no such application here.", "Look it up by its tracking number.")
    service, digest, fields, roles, received, submitted_at = row
    if not submitted_at:
        raise OperatorError("This application was not handed in yet.", "Hand it in first; then its fee is known.")
    day = centre.day_of(submitted_at) if not received else date.fromisoformat(received)
    return reckon_fee(service_by(centre, tx, service, digest), json.loads(fields), day, tuple(json.loads(roles)))
