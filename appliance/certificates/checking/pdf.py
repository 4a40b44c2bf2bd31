"""A certificate's PDF, held against all that must be true of it, whoever signed it.

1. Exactly one signature: a certification that permits no change, by which nothing of the file was left out (`layout`),
   in the one form that we write (`seal`). After it come only validation data and document timestamps (`stamp`), each
   over the whole file, the last one over the last byte.
2. pyHanko, which read the file without our rules, finds the same: intact, and nothing changed but what may be added.
3. No object that was there when it was signed is another now, but those that must name what was added.
4. Record, code and XML were attached when it was signed, and all of them are of one record (`attached`).
5. The page says what the record says, and shows that code (`page`).
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

# Neither lxml nor filters are used here; pyHanko loads them late, when a confined process can load nothing more.
import lxml.etree  # type: ignore[import-untyped]  # noqa: F401
from asn1crypto import x509 as asn1
from pyhanko.pdf_utils import filters  # noqa: F401
from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm, enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from appliance.certificates.checking import attached, layout, page, stamp, updates
from appliance.certificates.checking.faults import CHANGED, Broken, Unreadable
from appliance.certificates.checking.layout import Signed
from appliance.certificates.checking.seal import Seal, read_seal
from appliance.certificates.checking.signers import Named, check_carried, read_signer
from appliance.certificates.qr import CodeClaims
from appliance.certificates.record import CertificateRecord

MAX_FILE_BYTES: Final = 32 * 1024 * 1024
MAX_SIGNATURES: Final = 8
"""The seal, and timestamps renewed over the years."""

NOT_SEALED: Final = "This file holds a certificate, but no seal: it was never sealed, or the seal was taken off."
SIGNED_AGAIN: Final = "Somebody else signed the file, too. A certificate is sealed once."
NOT_OUR_SEAL: Final = "The file is signed, but not as centres seal their certificates."
OTHER_CENTRE: Final = "The seal is by another centre than the one that the certificate names."
_BROKEN_FILE: Final = "The file is damaged, or was changed: it cannot be read to its end."

_MEBIBYTE: Final = 1024 * 1024
_LIMITS: Final = DecodeLimits(
    per_stream=StreamDecodeLimits(max_output_size=16 * _MEBIBYTE),
    document_budget=DocumentDecodeBudget(base_allowance=64 * _MEBIBYTE, max_ratio=4),
)
_RANGES: Final = re.compile(rb"/ByteRange \[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\]")
_SIGNS: Final = (b"/ByteRange", b"/EmbeddedFiles", b"record.json", b"/DocMDP")
"""What stands in clear in every certificate's file, and in hardly any other that a scanner makes."""
_NO_CERTIFICATE: Final = "This PDF is no certificate: it carries neither a seal nor a record."
_SEAL_FILTER: Final = "/ETSI.CAdES.detached"
_STAMP_FILTER: Final = "/ETSI.RFC3161"


class NoSeal(Unreadable):
    """A PDF that is no sealed certificate, and says nowhere that it was one. Its picture may still show a code."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A certificate's file that is whole, and as its signer signed it."""

    record: CertificateRecord
    record_sha256: str
    pdf_sha256: str
    """Of the file as the counter sealed it, without what was added since."""
    seal: Seal
    signer: Named
    claimed_at: datetime
    """When the signer says that it signed, aware."""
    stamps: tuple[Signed, ...]
    """Document timestamps, whole; whom to trust is not asked here."""
    code: CodeClaims
    """What the code on the page says; where an officer sealed the file, its signature is still to be checked."""


def read_pdf(content: bytes) -> Sealed:
    """Hold a PDF against the rules above.

    Raises:
        Broken: it breaks one of them, or cannot be read.
        NoSeal: it has neither a signature nor a record.
    """
    if len(content) > MAX_FILE_BYTES:
        raise Unreadable(f"The file is larger than {MAX_FILE_BYTES // _MEBIBYTE} MB; no certificate is.")
    try:
        return _read(content)
    except (Broken, Unreadable):
        raise
    except Exception:  # noqa: BLE001
        # A hostile file can make a parser raise anything; what it says may hold what stands in the file.
        if not any(sign in content for sign in _SIGNS):
            raise NoSeal(_NO_CERTIFICATE) from None
        raise Broken(CHANGED if _RANGES.search(content) else _BROKEN_FILE) from None


def _read(content: bytes) -> Sealed:
    _check_ends(content)
    reader = PdfFileReader(io.BytesIO(content), strict=True, decode_limits=_LIMITS)
    signatures = _signatures(reader, content)
    places = [_place(each, content) for each in signatures]
    layout.in_turn(content, places)
    own, *stamps = signatures
    _check_kinds(own, stamps)
    seal = read_seal(places[0].contents, places[0].digest)
    check_carried(seal)
    named = read_signer(seal.certificate)
    claimed_at = _claimed_at(own)
    _check_by_pyhanko(own, seal, claimed_at)
    updates.check(reader, own.signed_revision)
    kept = updates.kept_certificates(reader) if stamps else frozenset()
    for each in places[1:]:
        stamp.check(each.contents, each.digest, kept)
    carried = attached.read(reader.get_historical_root(own.signed_revision), seal.certificate)
    record = carried.record
    if named.centre != record.centre:
        raise Broken(OTHER_CENTRE)
    signed = content[: places[0].end]
    page.check(signed, record, carried.code)
    return Sealed(
        record,
        carried.record_sha256,
        hashlib.sha256(signed).hexdigest(),
        seal,
        named,
        claimed_at,
        tuple(places[1:]),
        carried.claims,
    )


def _check_ends(content: bytes) -> None:
    """Say plainly what is wrong with a file that is longer or shorter than its last signature says."""
    ends = [int(found[2]) + int(found[3]) for found in _RANGES.finditer(content)]
    if ends and max(ends) < len(content):
        raise Broken(layout.APPENDED)
    if ends and max(ends) > len(content):
        raise Broken("The end of the file is missing.")


def _signatures(reader: PdfFileReader, content: bytes) -> list[EmbeddedPdfSignature]:
    """The signatures of the file, in the order in which they were made."""
    if reader.encrypted:
        raise NoSeal("This PDF is locked with a password; no certificate is.")
    fields = list(enumerate_sig_fields(reader, filled_status=True))
    if not fields:
        if any(sign in content for sign in _SIGNS):
            raise Broken(NOT_SEALED)
        raise NoSeal(_NO_CERTIFICATE)
    if len(fields) > MAX_SIGNATURES:
        raise Broken(SIGNED_AGAIN)
    found = [EmbeddedPdfSignature(reader, field, name) for name, _, field in fields]
    return sorted(found, key=lambda each: int(each.byte_range[2]))


def _place(signature: EmbeddedPdfSignature, content: bytes) -> Signed:
    numbers = [int(each) for each in signature.byte_range]
    place = layout.place(content, numbers)
    if bytes(signature.pkcs7_content)[: len(place.contents)] != place.contents:
        raise Broken(CHANGED)
    return place


def _check_kinds(own: EmbeddedPdfSignature, stamps: Sequence[EmbeddedPdfSignature]) -> None:
    if any(each.sig_object_type != "/DocTimeStamp" for each in stamps):
        raise Broken(SIGNED_AGAIN)
    if any(each.sig_object.get("/SubFilter") != _STAMP_FILTER for each in stamps):
        raise Broken(SIGNED_AGAIN)
    if own.sig_object_type != "/Sig" or own.sig_object.get("/SubFilter") != _SEAL_FILTER:
        raise Broken(NOT_OUR_SEAL)
    if own.docmdp_level != MDPPerm.NO_CHANGES:
        raise Broken(NOT_OUR_SEAL)


def _claimed_at(own: EmbeddedPdfSignature) -> datetime:
    at = own.self_reported_timestamp
    if not isinstance(at, datetime) or at.tzinfo is None:
        raise Broken(NOT_OUR_SEAL)
    return at


def _check_by_pyhanko(own: EmbeddedPdfSignature, seal: Seal, at: datetime) -> None:
    """The second opinion. Whom the reader trusts is not asked here, so what was carried along stands in for it."""
    roots = [asn1.Certificate.load(each) for each in seal.chain[-1:] or (seal.certificate,)]
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=at, best_signature_time=at)
    status = _at_once(async_validate_pdf_signature(own, context))
    if not status.intact or not status.valid:
        raise Broken(CHANGED)
    if status.modification_level not in (ModificationLevel.NONE, ModificationLevel.LTA_UPDATES):
        raise Broken(updates.REPLACED)
    if not status.bottom_line:
        raise Broken(NOT_OUR_SEAL)


def _at_once(work: Coroutine[object, object, PdfSignatureStatus]) -> PdfSignatureStatus:
    """Run what waits for nothing, without a loop of events: that would want sockets, which a confined process lacks."""
    try:
        work.send(None)
    except StopIteration as done:
        found: PdfSignatureStatus = done.value
        return found
    work.close()
    raise Broken(NOT_OUR_SEAL)
