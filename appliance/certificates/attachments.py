"""The files inside a certificate: record, the XML that the record gives, the code's text, and the scan it copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from appliance.certificates.record import CertificateRecord, Document, encode_record, record_hash
from appliance.certificates.xml import ATTACHMENT as XML
from appliance.certificates.xml import certificate_xml

RECORD: Final = "record.json"
CODE: Final = "code.txt"
SCAN: Final = "scan"
_ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png", "image/tiff": "tif", "application/pdf": "pdf"}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside a certificate.

    Attributes:
        text: its content, UTF-8; None for the scan, which is no text.
        relationship: to the page, as ISO 19005-3, annex E, names it.
    """

    name: str
    text: str | None
    relationship: Literal["source", "alternative", "data"]
    media_type: str
    description: str


def attachments(record: CertificateRecord, qr_text: str) -> list[Attachment]:
    """What is attached to a certificate.

    Raises:
        BadRecord: the record cannot be kept.
    """
    content = encode_record(record)
    xml = certificate_xml(record, record_hash(content)).decode()
    made = [
        Attachment(
            RECORD, content.decode(), "source", "application/json", "The record: canonical JSON, named by its SHA-256."
        ),
        Attachment(
            XML, xml, "alternative", "application/xml", "The record as certificate XML, with the record's SHA-256."
        ),
        Attachment(CODE, qr_text, "data", "text/plain", "What the code on the page says."),
    ]
    if (paper := record.document) is not None:
        made.append(
            Attachment(scan_name(paper), None, "source", paper.media_type, "The scan of the paper that was attested.")
        )
    return made


def scan_name(paper: Document) -> str:
    """What the attached scan of a paper is called."""
    return f"{SCAN}.{_ENDINGS[paper.media_type]}"
