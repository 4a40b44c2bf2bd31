"""Receipt encoding and status bits, without any transport."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from devices.contracts import Line, OpenDrawer, Picture, QrCode, Raster, Status
from devices.errors import Unprintable
from devices.escpos.encode import ReceiptEncoder
from devices.escpos.status import Answers, Question, status_of
from tests.support.escpos_reader import Splitter, read_paper

SEEDED = settings(deadline=None, derandomize=True)
ENCODER = ReceiptEncoder()


def png(width: int, height: int) -> Picture:
    out = io.BytesIO()
    Image.new("L", (width, height), 0).save(out, "PNG")
    return Picture(out.getvalue())


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({}, Status.UNKNOWN),
        ({Question.PRINTER: 0x16, Question.PAPER: 0x12}, Status.READY),
        ({Question.PRINTER: 0x1E, Question.OFFLINE_CAUSE: 0x16}, Status.COVER_OPEN),
        ({Question.PRINTER: 0x1E, Question.OFFLINE_CAUSE: 0x32}, Status.PAPER_OUT),
        ({Question.PRINTER: 0x16, Question.PAPER: 0x7E}, Status.PAPER_OUT),
        ({Question.PRINTER: 0x16, Question.PAPER: 0x1E}, Status.PAPER_LOW),
        ({Question.PRINTER: 0x1E, Question.ERROR_CAUSE: 0x1A}, Status.JAMMED),
        ({Question.PRINTER: 0x1E, Question.OFFLINE_CAUSE: 0x52, Question.ERROR_CAUSE: 0x32}, Status.FAULT),
        ({Question.PRINTER: 0x1E}, Status.OFFLINE),
        ({Question.PRINTER: 0x16, Question.OFFLINE_CAUSE: 0x12}, Status.UNKNOWN),
    ],
)
def test_the_bits_of_the_reference_give_the_status(answers: dict[Question, int], status: Status) -> None:
    assert status_of(answers) is status


def test_automatic_status_is_not_taken_for_an_answer() -> None:
    answers = Answers()
    answers.take(b"\x10\x00\x00\x0f")
    assert (answers.real_time(), answers.in_order()) == (None, None)
    answers.take(b"\x14\x00\x00\x0f\x16\x00")
    assert (answers.real_time(), answers.in_order()) == (0x16, 0)


@SEEDED
@given(st.binary(max_size=200))
def test_no_bytes_from_a_printer_break_the_sorting(data: bytes) -> None:
    answers = Answers()
    answers.take(data)
    answer = answers.real_time()
    assert answer is None or status_of({Question.PRINTER: answer}) in Status


@pytest.mark.parametrize(
    "text", ["ڈومیسائل", "डोमिसाइल", "குடியிருப்பு", "₹ 50", "ښار", "a\x1b@", "two\nlines", "日本", "e\u0301"]
)
def test_what_a_printer_cannot_set_rightly_is_not_said_as_text(text: str) -> None:
    assert not ENCODER.can_say(text)
    with pytest.raises(Unprintable) as refused:
        ENCODER.pieces([Line(text)])
    assert text not in str(refused.value)


def test_a_line_that_cannot_be_said_is_printed_from_its_picture() -> None:
    paper = read_paper(b"".join(ENCODER.pieces([Line("ڈومیسائل", picture=png(100, 60)), Line("plain")])))
    assert (paper.lines, [(w, len(rows)) for w, rows in paper.rasters]) == (["plain"], [(104, 60)])


@SEEDED
@given(st.text(max_size=40))
def test_every_text_is_either_refused_or_said_without_a_question_mark_in_its_place(text: str) -> None:
    if not ENCODER.can_say(text):
        with pytest.raises(Unprintable):
            ENCODER.pieces([Line(text)])
        return
    said = [t.data for t in Splitter().take(b"".join(ENCODER.pieces([Line(text)]))) if t.name == "text"]
    assert len(b"".join(said)) == len(text)
    assert b"".join(said).count(b"?") == text.count("?")


def test_no_piece_ends_inside_a_command_so_a_question_may_follow_it() -> None:
    pieces = ENCODER.pieces([Line("x"), Raster(png(500, 300)), QrCode("y" * 300), OpenDrawer(5)])
    for piece in pieces:
        splitter = Splitter()
        splitter.take(piece)
        assert not splitter.waiting
        assert len(piece) < 4096


@pytest.mark.parametrize(
    "part", [Raster(png(577, 10)), Raster(Picture(b"GIF89a")), QrCode(""), QrCode("x", 17), OpenDrawer(3)]
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(part: Raster | QrCode | OpenDrawer) -> None:
    with pytest.raises(Unprintable):
        ENCODER.pieces([part])
