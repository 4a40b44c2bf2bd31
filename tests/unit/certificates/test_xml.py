"""The record as XML: well-formed whatever the data, one way to write it, and read without trusting anything outside."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.certificates.record import (
    BadRecord,
    CertificateRecord,
    Document,
    Fact,
    encode_record,
    record_hash,
)
from appliance.certificates.xml import MAX_XML_BYTES, XmlClaims, certificate_xml, read_xml
from appliance.journal.errors import IntegrityError
from tests.support.certificates import domicile, photograph, residence

HASH = "ab" * 32


def written(record: CertificateRecord) -> bytes:
    return certificate_xml(record, record_hash(encode_record(record)))


@pytest.mark.parametrize("record", [domicile(photograph()), residence()])
def test_it_has_the_shape_that_digilocker_knows_and_names_its_record(record: CertificateRecord) -> None:
    content = written(record)
    root = ET.fromstring(content)
    assert [each.tag for each in root] == ["IssuedBy", "IssuedTo", "CertificateData"]
    assert root.get("number") == record.number
    assert root.get("issueDate") == "22-11-2026"
    person = root.find("IssuedTo/Person")
    assert person is not None
    assert person.get("name") == record.holder.name
    assert [each.get("value") for each in root.iter("Fact")] == [fact.value for fact in record.facts]
    assert read_xml(content) == XmlClaims(record.number, record_hash(encode_record(record)))


def test_it_says_what_it_supersedes_and_which_scan_it_is_about() -> None:
    paper = Document(kind="degree", sha256=HASH, pages=2, media_type="image/tiff")
    root = ET.fromstring(written(msgspec.structs.replace(domicile(), replaces="PEW01-0000007", document=paper)))
    assert root.get("prevNumber") == "PEW01-0000007"
    found = root.find("CertificateData/Document")
    assert found is not None
    assert (found.get("sha256"), found.get("pages")) == (HASH, "2")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_that_a_record_can_hold_comes_back_from_the_xml(text: str) -> None:
    record = msgspec.structs.replace(domicile(), facts=(Fact({"en": "A"}, text, text),), title={"en": text})
    try:
        content = written(record)
    except (BadRecord, UnicodeError):
        return
    root = ET.fromstring(content)
    fact = root.find("CertificateData/Fact")
    assert fact is not None
    assert (fact.get("value"), root.get("name")) == (text, text)
    assert read_xml(content).number == record.number


@pytest.mark.parametrize(
    "text", ["]]><x/>", '"><Record sha256="0"/>', "&lol;", "<!DOCTYPE a>", "a\nb", "<?x y?>", "' \" <>"]
)
def test_markup_in_data_stays_text(text: str) -> None:
    record = msgspec.structs.replace(domicile(), facts=(Fact({"en": text}, text, text),))
    root = ET.fromstring(written(record))
    assert [each.get("value") for each in root.iter("Fact")] == [text]
    assert read_xml(written(record)).record_sha256 == record_hash(encode_record(record))


GOOD = written(domicile())
HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
BODY = GOOD.removeprefix(HEAD)
RECORD = b'<CertificateData><Record sha256="' + HASH.encode() + b'"/></CertificateData>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        GOOD[:-1],
        BODY,
        GOOD + b"<x/>",
        HEAD + b'<!DOCTYPE c [<!ENTITY a "b">]>' + BODY,
        HEAD + b'<!DOCTYPE c SYSTEM "file:///etc/passwd">' + BODY,
        HEAD + b"<?php x?>" + BODY,
        HEAD + b'<Certificate number="1">&a;' + RECORD + b"</Certificate>",
        HEAD + b'<Certificate number="1">' + RECORD + RECORD + b"</Certificate>",
        HEAD + b"<Certificate>" + RECORD + b"</Certificate>",
        HEAD + b'<Certificate number="1"/>',
        HEAD + b'<Certificate number="1">' + RECORD.replace(b"ab", b"AB") + b"</Certificate>",
        HEAD + b'<Certificate number="1"><x>' + RECORD + b"</x></Certificate>",
        HEAD + b'<Certificate number="1">' + b"<a>" * 50 + b"</a>" * 50 + RECORD + b"</Certificate>",
        HEAD + b"\xff",
        GOOD + b" " * MAX_XML_BYTES,
    ],
)
def test_what_is_no_such_xml_is_refused(content: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_xml(content)


def test_an_entity_is_never_looked_up() -> None:
    bomb = b"<!DOCTYPE c [" + b"".join(b'<!ENTITY a%d "&a%d;&a%d;">' % (n + 1, n, n) for n in range(30)) + b"]>"
    with pytest.raises(IntegrityError):
        read_xml(HEAD + bomb + BODY)
