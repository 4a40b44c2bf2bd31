"""The page of a certificate, from its record alone: PDF/A-3b with its record inside, or a preview by the same code.

The same record and pictures give the same bytes, whenever and wherever they are set.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from PIL import Image

from appliance.certificates.attachments import SCAN, attachments
from appliance.certificates.codes import picture_of_code
from appliance.certificates.pagedata import page_data
from appliance.certificates.record import BadRecord, CertificateRecord
from appliance.certificates.typesetting import typesetter
from appliance.journal.errors import BugError

TEMPLATE: Final = "certificate.typ"
PREVIEW_DOTS_PER_INCH: Final = 110.0
DOTS_A_MODULE: Final = 4
"""Some 160 an inch and more. As shapes the code would take a sixth of a page's time (ADR 0011)."""
CODE_PICTURE: Final = "code"
MAX_PICTURE_BYTES: Final = 4 * 1024 * 1024
MAX_SCAN_BYTES: Final = 8 * 1024 * 1024
"""Of an attested paper; and of its pages as pictures, together."""


def render_certificate(
    record: CertificateRecord,
    *,
    photo: bytes | None,
    signature_png: bytes | None,
    qr_text: str,
    marks: Sequence[str] = (),
    emblem: bytes | None = None,
    scan: bytes | None = None,
    document_pages: Sequence[bytes] = (),
) -> bytes:
    """Set a certificate as a PDF/A-3b file that carries its record.

    Attached are `record.json` (the canonical bytes), `certificate.xml`, `code.txt` (what the code says), and for an
    attested copy the scan that it is a copy of.

    Args:
        record: what it says.
        photo: the holder's, JPEG or PNG; the record names its hash.
        signature_png: the picture of the holder's signature.
        qr_text: what the code says.
        marks: words across the page that are not in the record, in English capitals; SPECIMEN comes from the record.
        emblem: of the department, JPEG or PNG.
        scan: of the paper that was attested; the record names its hash.
        document_pages: its pages as pictures, JPEG or PNG, as many as the record says.

    Raises:
        BadRecord, Unprintable: the record cannot be printed.
        ScanTooLarge: the scan cannot be attached.
        FontsMissing: a font is not on this machine.
        BugError: a picture, the scan or the code's text is not as it must be.
    """
    pictures = _pictures(record, photo, signature_png, emblem, scan, document_pages)
    data, code = _data(record, qr_text, marks)
    at = datetime.fromisoformat(record.issued_on).replace(tzinfo=UTC)
    return typesetter().pdf(TEMPLATE, data, {**pictures, **code}, at=at)


def preview_certificate(
    record: CertificateRecord,
    *,
    photo: bytes | None,
    signature_png: bytes | None,
    qr_text: str,
    marks: Sequence[str] = (),
    emblem: bytes | None = None,
    scan: bytes | None = None,
    document_pages: Sequence[bytes] = (),
    dots_per_inch: float = PREVIEW_DOTS_PER_INCH,
) -> bytes:
    """What `render_certificate` would make, as one PNG, page under page.

    Raises:
        As `render_certificate`.
    """
    pictures = _pictures(record, photo, signature_png, emblem, scan, document_pages)
    data, code = _data(record, qr_text, marks)
    pages = typesetter().pages(TEMPLATE, data, {**pictures, **code}, dots_per_inch=dots_per_inch)
    return pages[0] if len(pages) == 1 else _stacked(pages)


class ScanTooLarge(BadRecord):
    """The scan of an attested paper is more than a certificate can carry."""

    def __init__(self) -> None:
        super().__init__(
            f"The scan is larger than {MAX_SCAN_BYTES // (1024 * 1024)} MB, too large to be carried in a certificate.",
            "Scan the paper again at 200 dots an inch, in grey.",
        )


def _pictures(
    record: CertificateRecord,
    photo: bytes | None,
    signature_png: bytes | None,
    emblem: bytes | None,
    scan: bytes | None,
    document_pages: Sequence[bytes],
) -> Mapping[str, bytes]:
    if _sha256(photo) != record.holder.photo_sha256:
        raise BugError("The photograph is not the one that the certificate's record names.")
    given = {"photo": photo, "signature": signature_png if record.design.signed else None, "emblem": emblem}
    pictures = {name: content for name, content in given.items() if content is not None}
    if any(len(content) > MAX_PICTURE_BYTES for content in pictures.values()):
        raise BugError("A picture for a certificate is too large.")
    paper = record.document
    if _sha256(scan) != (None if paper is None else paper.sha256):
        raise BugError("The scan is not the one that the certificate's record names.")
    if len(document_pages) != (0 if paper is None else paper.pages):
        raise BugError("The attested paper has another number of pages than the certificate's record says.")
    if scan is not None:
        if max(len(scan), sum(map(len, document_pages))) > MAX_SCAN_BYTES:
            raise ScanTooLarge
        pictures[SCAN] = scan
    return pictures | {f"{SCAN}-{at}": page for at, page in enumerate(document_pages, start=1)}


def _sha256(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _data(record: CertificateRecord, qr_text: str, marks: Sequence[str]) -> tuple[dict[str, object], dict[str, bytes]]:
    """What the template shows, and the picture of the code."""
    code = picture_of_code(qr_text, DOTS_A_MODULE)
    data = {**page_data(record, marks), "attached": attachments(record, qr_text), "code_side": code.side}
    return data, {CODE_PICTURE: code.dots}


def _stacked(pages: Sequence[bytes]) -> bytes:
    images = [Image.open(io.BytesIO(page)).convert("RGB") for page in pages]
    whole = Image.new("RGB", (max(each.width for each in images), sum(each.height for each in images)), "white")
    top = 0
    for each in images:
        whole.paste(each, (0, top))
        top += each.height
    out = io.BytesIO()
    whole.save(out, "PNG")
    return out.getvalue()
