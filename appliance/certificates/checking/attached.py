"""What was attached to a certificate when it was sealed: record, XML, code's text, and of an attested paper the scan.

Nothing else is attached. The record is in its one form; XML and code name it by its hash and number, and a scan is the
one that the record names. The code is signed by the centre's key, which sealed the file, too, where no officer did.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from pyhanko.pdf_utils import generic

from appliance.certificates.attachments import CODE, RECORD, scan_name
from appliance.certificates.checking import code as codes
from appliance.certificates.checking.faults import Broken, Unreadable
from appliance.certificates.qr import CodeClaims
from appliance.certificates.record import CertificateRecord, decode_record, record_hash
from appliance.certificates.xml import ATTACHMENT as XML
from appliance.certificates.xml import certificate_xml, read_xml
from appliance.journal.errors import IntegrityError

NO_RECORD: Final = "The file does not carry the record of a certificate as it must."
DIFFER: Final = "What is attached to the certificate does not say what its record says."
MAX_ATTACHED: Final = 4


@dataclass(frozen=True, slots=True)
class Attached:
    """What a certificate carries."""

    record: CertificateRecord
    record_sha256: str
    code: str
    """What the code on the page must say."""
    claims: CodeClaims
    """The same, read; where an officer sealed the file, its signature is still to be checked."""


def read(root: generic.DictionaryObject, signer: bytes) -> Attached:
    """What is attached, from the catalog of one revision.

    Args:
        root: the catalog.
        signer: the certificate of the key that sealed the file, DER.

    Raises:
        Broken: something is missing, too many, or says something else.
    """
    attached = _files(root)
    try:
        record = decode_record(attached[RECORD])
    except IntegrityError as error:
        raise Broken(error.sentence) from error
    record_sha256 = record_hash(attached[RECORD])
    wanted = {RECORD, XML, CODE}
    if (paper := record.document) is not None:
        wanted.add(scan_name(paper))
    if set(attached) != wanted:
        raise Broken(NO_RECORD)
    if paper is not None and hashlib.sha256(attached[scan_name(paper)]).hexdigest() != paper.sha256:
        raise Broken(DIFFER)
    _check_xml(attached[XML], record, record_sha256)
    claims = _check_code(attached[CODE], record, record_sha256)
    if record.sealed_by == "centre":
        codes.check_signed(claims, signer)
    return Attached(record, record_sha256, attached[CODE].decode("ascii"), claims)


def _check_xml(content: bytes, record: CertificateRecord, record_sha256: str) -> None:
    try:
        said = read_xml(content)
    except IntegrityError:
        raise Broken(DIFFER) from None
    if (said.record_sha256, said.number) != (record_sha256, record.number):
        raise Broken(DIFFER)
    if content != certificate_xml(record, record_sha256):
        raise Broken(DIFFER)


def _check_code(content: bytes, record: CertificateRecord, record_sha256: str) -> CodeClaims:
    try:
        said = codes.read_text(content)
    except Unreadable:
        raise Broken(DIFFER) from None
    names = (said.record_sha256, said.number, said.centre, said.issued_on, said.expires_on)
    if names != (record_sha256, record.number, record.centre, record.issued_on, record.expires_on):
        raise Broken(DIFFER)
    return said


def _files(root: generic.DictionaryObject) -> dict[str, bytes]:
    """The attached files by their names: one flat list."""
    try:
        listed = root["/Names"]["/EmbeddedFiles"]["/Names"]
    except KeyError:
        raise Broken(NO_RECORD) from None
    if not 2 <= len(listed) <= 2 * MAX_ATTACHED:
        raise Broken(NO_RECORD)
    attached: dict[str, bytes] = {}
    for index in range(0, len(listed), 2):
        attached[str(listed[index])] = listed[index + 1]["/EF"]["/F"].data
    if 2 * len(attached) != len(listed) or RECORD not in attached:
        raise Broken(NO_RECORD)
    return attached
