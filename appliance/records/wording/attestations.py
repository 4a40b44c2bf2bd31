"""Attestations, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording


def _made(body: k.AttestationMade) -> str:
    facts = f" and {', '.join(body.facts)}" if body.facts else ""
    until = f", valid until {body.valid_until}" if body.valid_until else ""
    return f"attested the {body.paper_kind}{facts}, having seen {body.original}{until}"


WHAT: Final[Wording] = {
    k.AttestationMade.KIND: _made,
    k.AttestationWithdrawn.KIND: lambda body: f"withdrew the attestation: {body.reason}",
}
