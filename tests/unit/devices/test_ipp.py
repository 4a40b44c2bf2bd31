"""IPP messages laid out by RFC 8010 section 3, and anything at all; `ippeveprinter` judges the rest."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.errors import Garbled, Refused
from devices.ipp.browsing import read_announced
from devices.ipp.message import Operation, Tag, read_answer, request
from devices.ipp.printer import IppPrinter

SEEDED = settings(deadline=None, derandomize=True)

PRINT_JOB_OK = bytes.fromhex(  # a successful Print-Job response
    "0101 0000 00000001 01 47 0012 617474726962757465732d63686172736574 0005 7574662d38"
    "48 001b 617474726962757465732d6e61747572616c2d6c616e6775616765 0005 656e2d7573"
    "41 000e 7374617475732d6d657373616765 000d 7375636365737366756c2d6f6b"
    "02 21 0006 6a6f622d6964 0004 00000093"
    "45 0007 6a6f622d757269 0027 6970703a2f2f7072696e7465722e6578616d706c652e636f6d2f6970702f7072696e742f313437"
    "23 0009 6a6f622d7374617465 0004 00000003 03".replace(" ", "")
)


def test_an_answer_laid_out_by_the_standard_is_read() -> None:
    answer = read_answer(PRINT_JOB_OK)
    assert answer.ok
    assert (answer.number(Tag.JOB, "job-id"), answer.number(Tag.JOB, "job-state")) == (147, 3)
    assert answer.texts(Tag.OPERATION, "status-message") == ("successful-ok",)


def test_a_request_is_laid_out_as_in_the_standard() -> None:
    made = request(Operation.PRINT_JOB, 1, [(Tag.URI, "printer-uri", ("ipp://p/x",))], [(Tag.INTEGER, "copies", (20,))])
    assert made == (
        b"\x02\x00\x00\x02\x00\x00\x00\x01\x01"
        b"\x47\x00\x12attributes-charset\x00\x05utf-8"
        b"\x48\x00\x1battributes-natural-language\x00\x02en"
        b"\x45\x00\x0bprinter-uri\x00\x09ipp://p/x"
        b"\x02\x21\x00\x06copies\x00\x04\x00\x00\x00\x14\x03"
    )


@SEEDED
@given(st.binary(max_size=200), st.integers(0, len(PRINT_JOB_OK)))
def test_no_answer_breaks_the_reader(data: bytes, cut: int) -> None:
    for message in (data, PRINT_JOB_OK[:cut], PRINT_JOB_OK[:cut] + data):
        try:
            read_answer(message)
        except Garbled:
            continue


@pytest.mark.parametrize(
    "uri",
    ["http://x/", "x", "ipp://", "ipp://[", "ipp://h:x/", "ipp://h:0/", "ipp://h/#sha256=" + "0" * 64, "ipps://h/#x",
     "ipps://h/#sha256=00"],
)  # fmt: skip
def test_only_addresses_that_it_can_speak_to_are_taken(uri: str) -> None:
    with pytest.raises(Refused):
        IppPrinter(uri)


ANNOUNCED = (
    "+;eth0;IPv4;Office;_ipp._tcp;local\n"
    '=;eth0;IPv6;Office;_ipp._tcp;local;office.local;fe80::1;631;"rp=ipp/print"\n'
    '=;eth0;IPv4;Office\\032 2;_ipp._tcp;local;office.local;192.0.2.7;631;"txtvers=1" "ty=HP \\"Laser\\" ;x" '
    '"rp=printers/Office" "UUID=1-2-3" "note=\\195\\132"\n'
    '=;eth0;IPv4;Far;_ipp._tcp;example.com;far.example.com;192.0.2.8;8631;"ty=Far"\n'
    '=;eth0;IPv4;Bad;_ipp._tcp;local;bad.local;192.0.2.9;631;"rp=x y\\013z"\n'
    "=;short\n"
)


def test_what_avahi_tells_is_read_by_name_where_it_is_local_and_else_by_address() -> None:
    assert [(one.place.written, one.model, one.serial) for one in read_announced(ANNOUNCED, "ipp")] == [
        ("ipp://office.local/printers/Office", 'HP "Laser" ;x', "1-2-3"),
        ("ipp://192.0.2.8:8631/ipp/print", "Far", ""),
    ]


@SEEDED
@given(st.text(max_size=100), st.sampled_from([*ANNOUNCED.splitlines(), ""]), st.integers(0, 200))
def test_nothing_that_is_announced_breaks_the_reader(text: str, line: str, cut: int) -> None:
    read_announced(line[:cut] + text + line[cut:], "ipps")
