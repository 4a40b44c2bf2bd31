"""Attestations: what an officer who saw the original vouches for, once. Each is a subject of its own."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from appliance.journal.kinds.base import Body, Day, Hex32, Id, Line, Remark, kind

MAX_FACTS: Final = 40
Facts = Annotated[dict[Line, Line], msgspec.Meta(max_length=MAX_FACTS)]


@kind("attestation.made")
class AttestationMade(Body, frozen=True, kw_only=True):
    """An officer saw the original of a paper of `person`, and attests it, and what it says.

    It is bound to one scan: `paper` of `application`, whose clear bytes have `scan_sha256`. `original` says what was
    seen. It is valid to the end of `valid_until`, or until it is withdrawn.
    """

    application: Id
    person: Id
    facts: Facts
    paper_kind: Line
    paper: Id
    scan_sha256: Hex32
    original: Line
    valid_until: Day = ""


@kind("attestation.withdrawn")
class AttestationWithdrawn(Body, frozen=True, kw_only=True):
    """An attestation holds no more."""

    reason: Remark
