"""What a code that was read at the counter belongs to: a receipt, a case, a certificate, a token of today.

A receipt's code is signed by the centre, and one that the centre did not sign is told, not followed. The others are
numbers that anybody can print, and a certificate's code is not verified here: they only find what is here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.casework import search, tokens
from appliance.casework.centre import Centre
from appliance.casework.certificate_numbers import is_certificate_number
from appliance.casework.money import payment_numbered
from appliance.casework.receipt_numbers import is_receipt_number
from appliance.casework.tracking import is_tracking_number
from appliance.certificates.qr import PREFIX, read_code
from appliance.certificates.receipt import MARK, verify_receipt_text
from appliance.certificates.signer import load_key
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.store.keys import CENTRE_KEY

MAX_CHARACTERS: Final = 4_096
_TICKET: Final = re.compile(r"[A-Z]{1,3}-[0-9]{3,5}")
_CERTIFICATE: Final = re.compile(r"[A-Z][A-Z0-9-]*[0-9]{6}-[A-Z0-9]")
_TRACKED: Final = select(t.applications.c.about).where(
    t.applications.c.journal == bindparam("journal"), t.applications.c.tracking == bindparam("tracking")
)


@dataclass(frozen=True, slots=True)
class Belongs:
    """What a code is of: an application, or a token; the other is None. `words` say which, for the operator."""

    words: str
    application: EntityId | None = None
    token: EntityId | None = None


def is_ours(text: str) -> bool:
    """Whether a code looks like one of Sanad's own; what does not is for the field that it was read into."""
    told = _plain(text)
    numbered = is_tracking_number(told) or is_receipt_number(told) or _is_certificate(told)
    return numbered or told.startswith((MARK, PREFIX)) or _TICKET.fullmatch(told) is not None


def belongs_to(centre: Centre, text: str) -> Belongs:
    """What a code belongs to.

    Raises:
        OperatorError: it is of nothing here.
        IntegrityError: it stands on no receipt of this centre, or was changed; or on no certificate.
    """
    told, store = _plain(text), centre.store
    if told.startswith(MARK):
        claim = verify_receipt_text(told, load_key(store.secret(CENTRE_KEY)).public_key())
        return Belongs(f"Receipt {claim.number}", _tracked(centre, claim.tracking))
    if is_receipt_number(told):
        return Belongs(f"Receipt {told}", payment_numbered(store, told).application)
    if is_tracking_number(told):
        return Belongs(told, _tracked(centre, told))
    if _TICKET.fullmatch(told):
        return Belongs(f"Token {told}", token=_ticket(centre, told))
    number = read_code(told).number if told.startswith(PREFIX) else told
    found = [hit for hit in search.search(store, number, limit=2) if hit.kind == "application"]
    if len(found) != 1:
        raise _nothing()
    return Belongs(f"Certificate {number}", found[0].about)


def _plain(text: str) -> str:
    """Readers add spaces, and some of them speak in small letters."""
    return text.strip()[:MAX_CHARACTERS].upper()


def _is_certificate(told: str) -> bool:
    # The form too: the check character alone is right for one of 36 texts that are anything else.
    return _CERTIFICATE.fullmatch(told) is not None and is_certificate_number(told)


def _tracked(centre: Centre, tracking: str) -> EntityId:
    store = centre.store
    with store.read() as tx:
        row = tx.one(_TRACKED, {"journal": store.journal, "tracking": tracking})
    if row is None:
        raise _nothing()
    return EntityId(row[0])


def _ticket(centre: Centre, ticket: str) -> EntityId:
    store = centre.store
    with store.read() as tx:
        today = tokens.tokens_of(tx, store.journal, centre.today().isoformat())
    found = [each.id for each in today if each.ticket == ticket]
    if not found:
        raise _nothing()
    return found[0]


def _nothing() -> OperatorError:
    return OperatorError("This code is of nothing in this centre.", "It may be of another centre, or of another day.")
