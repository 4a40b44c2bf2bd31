"""The record: canonical bytes, one hash, and nothing in it that could mislead a reader."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest

from appliance.certificates.record import (
    BadRecord,
    CertificateRecord,
    Document,
    Fact,
    decode_record,
    encode_record,
    is_date,
    new_salt,
    record_hash,
)
from appliance.journal.errors import BugError, IntegrityError
from tests.support.certificates import domicile, residence


def with_name(record: CertificateRecord, name: str) -> CertificateRecord:
    return msgspec.structs.replace(record, holder=msgspec.structs.replace(record.holder, name=name))


def test_the_bytes_are_those_that_any_program_writes_as_canonical_json() -> None:
    for record in (domicile(), residence(), with_name(domicile(), 'a"\\b /é\u2028😀')):
        content = encode_record(record)
        again = json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert content == again.encode()


def test_a_record_comes_back_from_its_bytes_and_from_no_others() -> None:
    content = encode_record(domicile())
    assert decode_record(content) == domicile()
    loose = json.dumps(json.loads(content), ensure_ascii=False).encode()
    changed = content.replace(b'"specimen":true', b'"specimen":true,"more":1')
    for bad in (loose, changed, content + b" ", content[:-1], b"[" * 9999, b"\xff", b"x" * 70_000):
        with pytest.raises(IntegrityError):
            decode_record(bad)


def test_the_hash_is_over_the_bytes_and_the_salt_changes_it() -> None:
    content = encode_record(domicile())
    assert record_hash(content) == hashlib.sha256(content).hexdigest()
    other = encode_record(msgspec.structs.replace(domicile(), salt=new_salt(bytes(range(16)))))
    assert record_hash(other) != record_hash(content)


@pytest.mark.parametrize(
    "name", ["", "a\nb", "a\x00b", "17301\u202e1234567", "\u2066a\u2069", "x" * 201, "a\ufeffb", "a\x7fb"]
)
def test_a_name_that_cannot_be_printed_or_turns_its_reading_around_is_refused_without_saying_it(name: str) -> None:
    with pytest.raises(BadRecord) as refused:
        encode_record(with_name(domicile(), name))
    assert "holder.name" in str(refused.value)
    assert not name or name not in str(refused.value)


def test_joiners_that_urdu_and_hindi_need_are_kept() -> None:
    for name in ("می\u200cخواہم", "क्\u200dष", "abc\u200e"):
        assert decode_record(encode_record(with_name(domicile(), name))).holder.name == name


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "pew 1"},
        {"issued_on": "22.11.2026"},
        {"issued_on": "2026-02-30"},
        {"expires_on": "2026-13-01"},
        {"salt": "00"},
        {"languages": ()},
        {"languages": ("en", "fr")},
        {"title": {"fr": "Certificat"}},
        {"facts": (Fact({"en": "A"}, "x" * 2001),)},
        {"facts": tuple(Fact({"en": "A"}, "x") for _ in range(65))},
        {"format": "sanad-certificate/2"},
    ],
)
def test_what_is_out_of_bounds_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadRecord):
        encode_record(msgspec.structs.replace(domicile(), **changes))


def test_a_record_that_is_too_large_as_a_whole_is_refused() -> None:
    facts = tuple(Fact({"en": "A"}, "x" * 2000) for _ in range(40))
    with pytest.raises(BadRecord, match="too much"):
        encode_record(msgspec.structs.replace(domicile(), facts=facts))


def test_a_value_is_a_date_only_if_the_calendar_has_it() -> None:
    assert is_date("2024-02-29")
    assert not any(map(is_date, ("2026-02-29", "1234-56-78", "2026-1-1", "20260101", "2026-01-01 ", "")))


def test_a_salt_is_made_from_sixteen_bytes() -> None:
    assert new_salt(b"\x01" * 16) == "01" * 16
    with pytest.raises(BugError):
        new_salt(b"\x01" * 15)


OLD = (
    b'{"attested_by":{"name":"SPECIMEN Rabia","title":{"en":"ADC"}},"authority":{},"centre":"PEW01",'
    b'"centre_name":"Centre","expires_on":null,"facts":[{"label":{"en":"Tehsil"},"value":"Peshawar","value_native":""}],'
    b'"format":"sanad-certificate/1","holder":{"born":"","identity_kind":"","identity_number_shown":"",'
    b'"name":"SPECIMEN Gul","name_native":"","photo_sha256":null},"issued_on":"2026-11-22","languages":["en"],'
    b'"number":"PEW01-0000001","salt":"00112233445566778899aabbccddeeff","service":"domicile","specimen":true,'
    b'"statement":{},"title":{"en":"Domicile"},"tracking":"PEW01-2026-000001-A"}'
)
DOCUMENT = Document(kind="degree", sha256="ab" * 32, pages=2, media_type="application/pdf")


def test_the_bytes_of_the_first_records_are_still_canonical() -> None:
    assert encode_record(decode_record(OLD)) == OLD
    assert decode_record(OLD).sealed_by == "centre"


@pytest.mark.parametrize("changes", [{"replaces": "PEW01-0000007"}, {"document": DOCUMENT}, {"sealed_by": "officer"}])
def test_what_records_gained_later_comes_back_and_stands_in_them_only_where_it_says_something(
    changes: dict[str, object],
) -> None:
    record = msgspec.structs.replace(domicile(), **changes)
    content = encode_record(record)
    assert decode_record(content) == record
    assert set(json.loads(content)) - set(json.loads(encode_record(domicile()))) == set(changes)


def test_how_a_fact_is_shown_stands_in_it_only_where_it_is_no_plain_row() -> None:
    plain, large = Fact({"en": "A"}, "x"), Fact({"en": "B"}, "y", heading={"en": "Part"}, shown="large")
    content = encode_record(msgspec.structs.replace(domicile(), facts=(plain, large)))
    assert decode_record(content).facts == (plain, large)
    assert json.loads(content)["facts"][0] == {"label": {"en": "A"}, "value": "x", "value_native": ""}


@pytest.mark.parametrize("silent", [b'"replaces":"",', b'"document":null,', b'"sealed_by":"centre",'])
def test_there_is_one_way_to_write_a_record_that_says_nothing_of_what_came_later(silent: bytes) -> None:
    fields = json.loads(OLD)
    fields.update(json.loads(b"{" + silent[:-1] + b"}"))
    with pytest.raises(IntegrityError):
        decode_record(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"replaces": "pew 7"},
        {"sealed_by": "nobody"},
        {"document": msgspec.structs.replace(DOCUMENT, pages=0)},
        {"document": msgspec.structs.replace(DOCUMENT, media_type="text/html")},
        {"document": msgspec.structs.replace(DOCUMENT, sha256="AB" * 32)},
    ],
)
def test_what_came_later_is_bounded_too(changes: dict[str, object]) -> None:
    with pytest.raises(BadRecord):
        encode_record(msgspec.structs.replace(domicile(), **changes))
