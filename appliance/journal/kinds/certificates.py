"""A certificate after it was issued: asked to be corrected or revoked, and what came of it; or raised by a timestamp.

Each is about its application. An ending is asked for by one person and done, or refused, by another. `number` is the
certificate that is asked about. Of a reason only the code goes into public lists; the words stay in the journal.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from appliance.journal.kinds.base import Body, Day, Fields, Hex32, Instant, Line, Remark, kind
from appliance.journal.kinds.cases import Ids, Items, Leans
from appliance.journal.kinds.officers import Kid

RevocationReason = Literal["issued_in_error", "fraud", "court_order", "holder_asked", "no_longer_true", "other"]


@kind("certificate.correction_asked")
class CertificateCorrectionAsked(Body, frozen=True, kw_only=True):
    """A certificate is wrong. `fields` are all answers as they are to be, `papers` those that prove it.

    Where `changed` is empty, particulars of the holder were put right, and the certificate has to follow.
    """

    number: Line
    fields: Fields
    reason: Remark
    papers: Ids
    changed: Items = ()


@kind("certificate.correction_refused")
class CertificateCorrectionRefused(Body, frozen=True, kw_only=True):
    """The certificate stays as it is: somebody else refused, or who asked took it back."""

    number: Line
    reason: Remark


@kind("certificate.corrected")
class CertificateCorrected(Body, frozen=True, kw_only=True):
    """A certificate was issued in place of another, which from here on is superseded.

    `number` is the new one, `replaces` the old one; the entry's one blob is the new sealed PDF. `fields` are the
    application's answers from now on, `leans_on` the attestations that it rests on now; None where they stay.
    """

    number: Line
    replaces: Line
    record_sha256: Hex32
    pdf_sha256: Hex32
    issued_on: Day
    fields: Fields
    reason: Remark
    expires_on: Day = ""
    changed: Items = ()
    leans_on: Leans | None = None
    sealed_by: Literal["centre", "officer"] = "centre"
    signer: Kid = ""
    """Of the certificate whose key signed the PDF."""
    seen_sha256: Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9a-f]{64})?\Z")] = ""
    """As in `ApplicationIssued`."""


@kind("certificate.revocation_asked")
class CertificateRevocationAsked(Body, frozen=True, kw_only=True):
    """A certificate should hold no more: why, by code, and in words."""

    number: Line
    reason_code: RevocationReason
    reason: Remark


@kind("certificate.revocation_refused")
class CertificateRevocationRefused(Body, frozen=True, kw_only=True):
    """The certificate goes on to hold: somebody else refused, or who asked took it back."""

    number: Line
    reason: Remark


@kind("certificate.revoked")
class CertificateRevoked(Body, frozen=True, kw_only=True):
    """A certificate holds no more. Nothing brings it back."""

    number: Line
    reason_code: RevocationReason
    reason: Remark


@kind("certificate.raised")
class CertificateRaised(Body, frozen=True, kw_only=True):
    """Validation data and a timestamp were added to a certificate; the entry's one blob is the sealed PDF with them.

    The PDF begins with the one that was signed at the counter. Its clear bytes have `pdf_sha256`. `stamped_at` is the
    time in the timestamp, and not by this node's clock; `tsa` is whose it is.
    """

    number: Line
    level: Literal["B-LTA"]
    pdf_sha256: Hex32
    stamped_at: Instant
    tsa: Line
