"""DER is written in its one form, and read in no other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.certificates import der
from appliance.certificates.der import BadDer, Reader, integer, oid, sequence, tlv, whole

# X.690, 8.14 and 8.19; RFC 5754, section 2; ITU-T X.667, annex.
OIDS = {
    "2.16.840.1.101.3.4.2.1": "0609608648016503040201",
    "1.2.840.113549.1.7.2": "06092a864886f70d010702",
    "2.999.3": "0603883703",
}


@pytest.mark.parametrize(("dotted", "encoded"), OIDS.items())
def test_object_identifiers_are_written_as_published(dotted: str, encoded: str) -> None:
    assert oid(dotted).hex() == encoded


@given(st.integers(min_value=0, max_value=2**300))
def test_a_number_is_read_as_it_was_written(value: int) -> None:
    reader = Reader(integer(value))
    assert reader.integer() == value
    reader.end()


@given(st.integers(0, 30), st.binary(max_size=70_000))
def test_a_value_is_read_as_it_was_written(tag: int, content: bytes) -> None:
    written = tlv(tag, content)
    assert Reader(written).take(tag) == content
    assert Reader(written + b"more").raw() == written
    assert Reader(written).maybe(tag + 1) is None


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",  # a length that is not said
        b"\x30\x81\x01x",  # longer than it need be
        b"\x30\x82\x00\x80" + bytes(128),
        b"\x30\x85\x00\x00\x00\x00\x01x",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x03xx",  # cut
        b"\x31\x01x",  # another tag
        b"\x1f\x81\x01\x00",  # a tag of several bytes
        b"\x30\x01xy",  # more than was due
    ],
)
def test_what_is_no_der_is_refused(wrong: bytes) -> None:
    with pytest.raises(BadDer):
        whole(wrong)


@pytest.mark.parametrize("wrong", [b"\x02\x00", b"\x02\x01\xff", b"\x02\x02\x00\x7f"])
def test_a_number_has_one_form_and_is_not_negative(wrong: bytes) -> None:
    with pytest.raises(BadDer):
        Reader(wrong).integer()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    reader = Reader(data)
    try:
        while reader.tag is not None:
            assert reader.raw() in data
    except BadDer:
        pass


def test_a_sequence_holds_its_parts() -> None:
    reader = whole(sequence(integer(5), tlv(der.OCTETS, b"five")))
    assert (reader.integer(), reader.take(der.OCTETS), reader.tag) == (5, b"five", None)
    reader.end()
