"""Attested copies: which paper of an application its certificate is a copy of, and that its original was seen.

The certificate is bound to the clear bytes of one scan: their hash stands in its record, and its pages follow. What it
says is that an officer held the original beside this scan; not that whoever made the paper told the truth.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from PIL import Image
from sqlalchemy import bindparam, select

from appliance.casework.cases import Case, key
from appliance.casework.intake import Paper, PaperRefused, draw_page
from appliance.catalogue import PaperRule, Service, needed_papers
from appliance.certificates.record import MAX_SCAN_PAGES, Document
from appliance.certificates.render import MAX_SCAN_BYTES
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import BlobDigest, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.statements import found_by
from appliance.store.store import Store

MEDIA_TYPES: Final[dict[str, Literal["image/jpeg", "image/png", "application/pdf"]]] = {
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "application/pdf": "application/pdf",
}
"""Of a scan that a copy can be made of."""
JPEG_QUALITIES: Final = (80, 65, 50, 35)
"""The first one by which the pages are small enough."""

_NEWEST: Final = (
    select(t.papers.c.paper, t.papers.c.digest, t.papers.c.sha256, t.papers.c.media_type, t.papers.c.pages)
    .where(t.where_key(t.papers), t.papers.c.rule == bindparam("rule"))
    .order_by(t.papers.c.seq.desc())
    .limit(1)
)
_COMPARED: Final = (
    select(t.attestations.c.about)
    .where(
        found_by(t.attestations, "application"),
        t.attestations.c.paper == bindparam("paper"),
        t.attestations.c.scan_sha256 == bindparam("scan"),
        t.attestations.c.withdrawn_at == "",
    )
    .limit(1)
)


class NotCompared(OperatorError):
    """No officer has said that the original was held beside the scan."""


@dataclass(frozen=True, slots=True)
class Copied:
    """The scan that a certificate is an attested copy of; `blob` names its sealed file."""

    paper: str
    blob: BlobDigest
    document: Document


@dataclass(frozen=True, slots=True)
class Scan:
    """What a copy carries: the scan in clear, and its pages as JPEG."""

    content: bytes = field(repr=False)
    pages: tuple[bytes, ...] = field(repr=False)


def see_copyable(service: Service, rule: PaperRule | None, look: Paper, size: int) -> None:
    """Refuse a scan, when it is added, that an attested copy cannot be made of.

    Raises:
        PaperRefused: it is of another kind, too large, or has too many pages.
    """
    certificate = service.certificate
    if rule is None or certificate is None or rule.id not in certificate.copies:
        return
    if look.media_type not in MEDIA_TYPES:
        raise PaperRefused(
            "Of this paper an attested copy is made, and this file is none that can be.",
            "Scan it as a PDF, JPEG or PNG.",
        )
    if size > MAX_SCAN_BYTES:
        raise PaperRefused(
            f"Of this paper an attested copy is made, which carries at most {MAX_SCAN_BYTES // (1024 * 1024)} MiB.",
            "Scan it again at 200 dots an inch, in grey.",
        )
    if look.pages > MAX_SCAN_PAGES:
        raise PaperRefused(
            f"Of this paper an attested copy is made, which has at most {MAX_SCAN_PAGES} pages.",
            "Take one application for each part of it.",
        )


def copied(tx: Tx, journal: JournalId, service: Service, case: Case) -> Copied | None:
    """The scan that the certificate of an application is a copy of; None where the service copies nothing.

    Args:
        tx: a transaction.
        journal: the node's.
        service: of the application.
        case: the application.

    Raises:
        NotCompared: the paper is not there, or no officer saw its original beside this very scan.
    """
    certificate = service.certificate
    if certificate is None or not certificate.copies:
        return None
    received = date.fromisoformat(case.received) if case.received else date.max
    asked_for = needed_papers(service, case.fields, received, case.roles)
    needed = [rule for rule in asked_for if rule.id in certificate.copies]
    if not needed:
        return None
    rule = needed[0]
    row = tx.one(_NEWEST, {**key(journal, case.id), "rule": rule.id})
    if row is None:
        raise NotCompared(f"{rule.label.en}: it was not scanned, and is what is to be attested.", "Scan it.")
    paper, blob, sha256, media_type, pages = row
    said = {"journal": journal, "application": case.id, "paper": paper, "scan": sha256}
    if tx.one(_COMPARED, said) is None:
        raise NotCompared(
            f"{rule.label.en}: nobody has said yet that the original was held beside this scan.",
            "An officer attests it, with the original in hand.",
        )
    kind = MEDIA_TYPES.get(media_type)
    if kind is None or not 1 <= pages <= MAX_SCAN_PAGES:
        raise NotCompared(
            f"{rule.label.en}: of this scan no copy can be made.",
            f"Scan it as a PDF, JPEG or PNG of at most {MAX_SCAN_PAGES} pages.",
        )
    return Copied(paper, BlobDigest(blob), Document(kind=rule.kind, sha256=sha256, pages=pages, media_type=kind))


def scan_of(store: Store, found: Copied) -> Scan:
    """The scan, and its pages as they are drawn apart from this process: as fine as a certificate can carry.

    Raises:
        BlobMissing: its file is not there. IntegrityError: it is another file than was scanned.
        PaperRefused, DeviceError: a page cannot be drawn.
    """
    content = store.open_blob(found.blob)
    document = found.document
    if hashlib.sha256(content).hexdigest() != document.sha256:
        raise IntegrityError("The sealed scan is not the one that was attested.", "Run `sanad journal verify`.")
    # Each page may take its share, so that all of them fit however many there are.
    share = MAX_SCAN_BYTES // document.pages
    numbers = range(1, document.pages + 1)
    return Scan(content, tuple(_page(content, document.media_type, number, share) for number in numbers))


def _page(content: bytes, media_type: str, number: int, share: int) -> bytes:
    pixels = draw_page(content, media_type, number)
    picture = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.rgb)
    made = b""
    for quality in JPEG_QUALITIES:
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality)
        made = out.getvalue()
        if len(made) <= share:
            break
    return made
