"""The first look at a paper, by its first bytes, and what is believed of what its reader says."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.casework.intake import MAX_PAPER_BYTES, PaperRefused, check_size, media_type
from appliance.casework.paperworker import limits
from appliance.casework.paperworker.message import (
    MAX_MESSAGE_BYTES,
    Answer,
    BadMessage,
    Note,
    Pixels,
    Verdict,
    decode,
    encode,
)
from appliance.casework.paperworker.syscalls import ALLOWED, DEADLY, PROCESSORS, UNLESS_EXECUTABLE, filter_program

GOOD = Answer(Verdict.SHOWN, 3, 200, 100, Note.SCRIPT | Note.LEAD_IN, Pixels(2, 1, b"abcdef"))


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\xef\xbb\xbf%PDF-1.7\n", "application/pdf"),
        (b" " * 1019 + b"%PDF-1.7\n", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"II*\x00", "image/tiff"),
        (b"MM\x00*", "image/tiff"),
    ],
)
def test_a_paper_is_what_its_first_bytes_say(start: bytes, found: str) -> None:
    assert media_type(start + bytes(2000)) == found


@pytest.mark.parametrize(
    "content",
    [b"GIF89a", b"PK\x03\x04", b"\x00" * 64, b"\xff\xd8", b"%PD", b" " * 1024 + b"%PDF-1.7", b"<html>", b"BM", b"RIFF"],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(PaperRefused, match="not a PDF, JPEG, PNG or TIFF"):
        media_type(content)


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*"])
def test_a_picture_that_is_a_pdf_too_is_refused(start: bytes) -> None:
    with pytest.raises(PaperRefused, match="a picture and a PDF at once"):
        media_type(start + bytes(900) + b"%PDF-1.7")


def test_nothing_and_too_much_are_refused() -> None:
    check_size(bytes(MAX_PAPER_BYTES))
    with pytest.raises(PaperRefused, match="empty"):
        check_size(b"")
    with pytest.raises(PaperRefused, match="larger than 32 MiB"):
        check_size(bytes(MAX_PAPER_BYTES + 1))


def test_an_answer_comes_back_as_it_was_sent() -> None:
    assert decode(encode(GOOD)) == GOOD
    largest = Pixels(limits.THUMBNAIL_PX, limits.THUMBNAIL_PX, bytes(3 * limits.THUMBNAIL_PX**2))
    assert len(encode(dataclasses.replace(GOOD, thumbnail=largest))) == MAX_MESSAGE_BYTES


@pytest.mark.parametrize(
    "wrong",
    [
        {"pages": 0},
        {"pages": limits.MAX_PAGES + 1},
        {"width_px": limits.MAX_SIDE_PX + 1},
        {"width_px": 20_000, "height_px": 20_000},
        {"height_px": 0},
        {"notes": 1 << 15},
        {"verdict": 200},
        {"thumbnail": Pixels(0, 0, b"")},
        {"thumbnail": Pixels(2, 2, b"abcdef")},
        {"thumbnail": Pixels(1, 1, b"abcdef")},
        {"thumbnail": Pixels(limits.THUMBNAIL_PX + 1, 1, bytes(3 * limits.THUMBNAIL_PX + 3))},
    ],
)
def test_an_answer_beyond_its_bounds_is_not_believed(wrong: dict[str, object]) -> None:
    with pytest.raises(BadMessage):
        decode(encode(dataclasses.replace(GOOD, **wrong)))  # type: ignore[arg-type]


@pytest.mark.parametrize("length", range(len(encode(GOOD))))
def test_an_answer_cut_short_is_not_believed(length: int) -> None:
    with pytest.raises(BadMessage):
        decode(encode(GOOD)[:length])


@given(st.binary(max_size=64))
def test_of_any_bytes_only_a_canonical_answer_is_believed(message: bytes) -> None:
    try:
        answer = decode(message)
    except BadMessage:
        return
    assert encode(answer) == message


@pytest.mark.parametrize(
    ("header", "name", "column"),
    [
        ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", "__NR_", 0),
        ("/usr/include/asm-generic/unistd.h", "__NR3264_|__NR_", 1),
    ],
)
def test_the_numbers_of_calls_are_those_of_the_kernels_headers(header: str, name: str, column: int) -> None:
    file = Path(header)
    if not file.is_file():
        pytest.skip(f"{header} is not here (linux-libc-dev)")
    numbers = {call: int(number) for call, number in re.findall(rf"#define (?:{name})(\w+) (\d+)", file.read_text())}
    calls = {**ALLOWED, **UNLESS_EXECUTABLE, **DEADLY}
    assert {call: calls[call][column] for call in calls} == {call: numbers.get(call) for call in calls}


@pytest.mark.parametrize("processor", PROCESSORS.values(), ids=PROCESSORS.keys())
def test_the_filter_is_no_longer_than_the_kernel_takes_and_ends_in_a_refusal(processor: object) -> None:
    program = filter_program(processor)  # type: ignore[arg-type]
    assert len(program) % 8 == 0
    assert len(program) // 8 <= 4096
    assert program[-8:] == bytes.fromhex("0600000001000500")
