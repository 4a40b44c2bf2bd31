"""The receipt of a payment, as paper: what it shows comes from the journal, so that it can be laid out again alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from appliance.casework.cases import key
from appliance.casework.centre import Centre
from appliance.casework.money import Payment
from appliance.catalogue import Service
from appliance.certificates.receipt import (
    WIDTH_DOTS,
    ReceiptClaim,
    ReceiptLine,
    ReceiptRecord,
    receipt_text,
    render_receipt,
)
from appliance.journal.errors import OperatorError
from appliance.records import tables as t
from appliance.records.moment import parse_at
from appliance.store.keys import CENTRE_KEY

DUPLICATE: Final = "DUPLICATE"
SIMULATED: Final = "SIMULATED"

_DUE: Final = select(t.applications.c.due).where(t.where_key(t.applications))
_NAME: Final = select(t.operators.c.name).where(t.where_key(t.operators))


def receipt_record(
    centre: Centre, payment: Payment, *, language: str = "", copy: int = 1, marks: Sequence[str] = ()
) -> ReceiptRecord:
    """What the receipt of a payment shows.

    Args:
        centre: whose it is.
        payment: what was paid.
        language: of the citizen; the centre's where none is said.
        copy: which print of it this is; from the second on it says DUPLICATE.
        marks: further words across it, in English capitals.
    """
    store = centre.store
    with store.read() as tx:
        due = tx.one(_DUE, key(store.journal, payment.application))
        name = tx.one(_NAME, key(store.journal, payment.taken_by))
    claim = ReceiptClaim(
        payment.receipt, payment.tracking, payment.total_minor, payment.currency, payment.day, payment.voided
    )
    service = _service(centre, payment)
    return ReceiptRecord(
        number=payment.receipt,
        centre=centre.rules.code,
        centre_name=centre.rules.name,
        service={"en": payment.service} if service is None else dict(service.title.values),
        tracking=payment.tracking,
        payer=payment.payer,
        lines=tuple(ReceiptLine(_label(service, line.code, line.label), line.minor) for line in payment.lines),
        total_minor=payment.total_minor,
        currency=payment.currency,
        mode=payment.mode,
        reference=payment.reference,
        taken_at=parse_at(payment.taken_at).astimezone(centre.rules.zone).isoformat(timespec="minutes"),
        taken_by="" if name is None else name[0],
        due=None if due is None or not due[0] else due[0],
        language=language or centre.rules.language,
        qr_text=receipt_text(claim, store.secret(CENTRE_KEY)),
        specimen=centre.rules.specimen,
        marks=(*marks, *([DUPLICATE] if copy > 1 else [])),
        void=payment.voided,
    )


def receipt_picture(
    centre: Centre,
    payment: Payment,
    *,
    language: str = "",
    copy: int = 1,
    marks: Sequence[str] = (),
    width_dots: int = WIDTH_DOTS,
) -> bytes:
    """The receipt of a payment as PNG, as wide as the printer's line.

    Raises:
        FontsMissing: a font is not on this machine.
    """
    return render_receipt(
        receipt_record(centre, payment, language=language, copy=copy, marks=marks), width_dots=width_dots
    )


def _service(centre: Centre, payment: Payment) -> Service | None:
    try:
        return centre.catalogue.service(payment.service)
    except OperatorError:
        # Its file was taken out of the catalogue since.
        return None


def _label(service: Service | None, code: str, label: str) -> dict[str, str]:
    rules = () if service is None else service.fees
    return next((dict(rule.label.values) for rule in rules if rule.id == code), {"en": label})
