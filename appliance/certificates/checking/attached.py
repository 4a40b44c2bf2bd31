"""What was attached to a certificate when it was sealed: the record in its one form, the XML that it gives, the code's
text that names it, and for an attested copy the scan. Nothing else is attached, and all of them say the same.
"""

from __future__ import annotations

import hashlib
from typing import Final

from pyhanko.pdf_utils import generic

from appliance.certificates.attachments import CODE, RECORD, scan_name
from appliance.certificates.checking import code as codes
from appliance.certificates.checking.faults import Broken, Unreadable
from appliance.certificates.record import CertificateRecord, decode_record, record_hash
from appliance.certificates.xml import ATTACHMENT as XML
from appliance.certificates.xml import certificate_xml
from appliance.journal.errors import IntegrityError

NO_RECORD: Final = "The file does not carry the record of a certificate as it must."
DIFFER: Final = "What is attached to the certificate does not say what its record says."
MAX_ATTACHED: Final = 4


def read(root: generic.DictionaryObject) -> tuple[CertificateRecord, str]:
    """The record and its hash, hexadecimal, from the catalog of one revision.

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
    if attached[XML] != certificate_xml(record, record_sha256):
        raise Broken(DIFFER)
    _check_code(attached[CODE], record, record_sha256)
    return record, record_sha256


def _check_code(content: bytes, record: CertificateRecord, record_sha256: str) -> None:
    try:
        said = codes.read_text(content)
    except Unreadable:
        raise Broken(DIFFER) from None
    if (said.record_sha256, said.number) != (record_sha256, record.number):
        raise Broken(DIFFER)


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
