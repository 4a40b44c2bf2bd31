"""The record of a certificate as XML, as DigiLocker's issuers and requesters exchange it, with the record's hash in it.

Root `Certificate`; in it `IssuedBy`, `IssuedTo/Person` and `CertificateData`. The `Signature` that the scheme ends with
is not there: the file that carries the XML is signed, and the hash leads from any copy of the XML to what was signed.
One record gives one XML, byte for byte, so whoever has both compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.etree import ElementTree as ET
from xml.parsers import expat

from appliance.certificates.record import CertificateRecord, Fact, Holder, is_date
from appliance.journal.errors import IntegrityError

ATTACHMENT: Final = "certificate.xml"
MAX_XML_BYTES: Final = 512 * 1024
MAX_DEPTH: Final = 8
_DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_ROOT: Final = "Certificate"
_RECORD: Final = ("Certificate", "CertificateData", "Record")
_HASH_DIGITS: Final = 64


@dataclass(frozen=True, slots=True)
class XmlClaims:
    """What a certificate's XML says of the record that it was made from."""

    number: str
    record_sha256: str


def certificate_xml(record: CertificateRecord, record_sha256: str) -> bytes:
    """Write a record as XML.

    Args:
        record: what `encode_record` takes; so it holds nothing that XML cannot say.
        record_sha256: of its canonical bytes, hexadecimal.

    Returns:
        UTF-8, the same bytes for the same record.
    """
    root = ET.Element(_ROOT, _of_certificate(record))
    by = ET.SubElement(root, "IssuedBy")
    organisation = ET.SubElement(by, "Organization", name=record.centre_name, code=record.centre)
    _texts(organisation, "Authority", record.authority)
    officer = ET.SubElement(by, "AttestedBy", name=record.attested_by.name)
    _texts(officer, "Title", record.attested_by.title)
    ET.SubElement(root, "IssuedTo").append(_person(record.holder))
    data = ET.SubElement(root, "CertificateData")
    ET.SubElement(data, "Record", sha256=record_sha256, format=record.format, file="record.json")
    _texts(data, "Title", record.title)
    _texts(data, "Statement", record.statement)
    for fact in record.facts:
        data.append(_fact(fact))
    if record.document is not None:
        paper = record.document
        ET.SubElement(
            data, "Document", kind=paper.kind, sha256=paper.sha256, pages=str(paper.pages), mediaType=paper.media_type
        )
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=False)
    return _DECLARATION + written


def read_xml(content: bytes) -> XmlClaims:
    """Read which record a certificate's XML was made from.

    No document type, entity or processing instruction is taken, and nothing outside is looked at.

    Raises:
        IntegrityError: it is no such XML.
    """
    wrong = IntegrityError("The certificate's XML is not of its form.")
    if len(content) > MAX_XML_BYTES or not content.startswith(_DECLARATION):
        raise wrong
    found = _Found()
    try:
        _parser(found).Parse(content, True)
    except (expat.ExpatError, ValueError):
        raise wrong from None
    if found.number is None or found.record_sha256 is None:
        raise wrong
    return XmlClaims(found.number, found.record_sha256)


class _Found:
    """What was met on the way through the XML."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.number: str | None = None
        self.record_sha256: str | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(name)
        if len(self.path) > MAX_DEPTH:
            raise ValueError("too deep")
        if self.path == [_ROOT]:
            self.number = attributes.get("number")
        elif tuple(self.path) == _RECORD:
            claimed = attributes.get("sha256", "")
            if self.record_sha256 is not None or len(claimed) != _HASH_DIGITS or set(claimed) - set("0123456789abcdef"):
                raise ValueError("no hash, or two")
            self.record_sha256 = claimed

    def end(self, _name: str) -> None:
        self.path.pop()


def _parser(found: _Found) -> expat.XMLParserType:
    parser = expat.ParserCreate("UTF-8")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    parser.StartElementHandler = found.start
    parser.EndElementHandler = found.end
    return parser


def _refuse(*_anything: object) -> int:
    raise ValueError("a document type, an entity or an instruction")


def _of_certificate(record: CertificateRecord) -> dict[str, str]:
    said = {
        "language": record.languages[0],
        "name": record.title.get("en") or next(iter(record.title.values()), ""),
        "type": record.service,
        "number": record.number,
        "prevNumber": record.replaces,
        "issuedAt": record.centre_name,
        "issueDate": _day(record.issued_on),
        "validFromDate": _day(record.issued_on),
        "expiryDate": "" if record.expires_on is None else _day(record.expires_on),
        "trackingNumber": record.tracking,
        "status": "A",
    }
    if record.specimen:
        said["specimen"] = "true"
    return said


def _person(holder: Holder) -> ET.Element:
    person = ET.Element("Person", name=holder.name, nameNative=holder.name_native, dob=_day(holder.born))
    if holder.identity_number_shown:
        ET.SubElement(person, "Identity", kind=holder.identity_kind, number=holder.identity_number_shown)
    if holder.photo_sha256 is not None:
        ET.SubElement(person, "Photo", sha256=holder.photo_sha256)
    return person


def _fact(fact: Fact) -> ET.Element:
    made = ET.Element("Fact", value=fact.value, valueNative=fact.value_native)
    _texts(made, "Label", fact.label)
    return made


def _texts(parent: ET.Element, name: str, text: dict[str, str]) -> None:
    for language in sorted(text):
        ET.SubElement(parent, name, {"xml:lang": language}).text = text[language]


def _day(value: str) -> str:
    """A day as DD-MM-YYYY; what is none, as it is."""
    return f"{date.fromisoformat(value):%d-%m-%Y}" if is_date(value) else value
