"""Receipts through real pyusb, libusb and python-escpos, to printers emulated below libusb."""

from __future__ import annotations

import io
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from tests.support.escpos_reader import Paper, read_paper
from tests.support.usb.programs import picture
from tests.support.usb.run import Ran, run

PORT = "1-1"


def on(program: str, *arguments: str, **faults: Any) -> Ran:
    return run({PORT: {"model": "printer", **faults}}, program, *arguments)


def paper_of(ran: Ran) -> Paper:
    return read_paper(bytes.fromhex(ran.devices[PORT]["received"]))


def picture_of(raster: tuple[int, list[bytes]]) -> Image.Image:
    width, rows = raster
    return Image.frombytes("1", (width, len(rows)), bytes(b ^ 0xFF for row in rows for b in row))


def test_a_receipt_stands_on_the_paper_as_it_was_asked_and_is_printed() -> None:
    ran = on("receipt")
    assert (ran.result["end"], ran.result["status"]) == ("printed", "ready")
    assert ran.result["sent"] == ran.result["total"] > 0
    paper = paper_of(ran)
    assert paper.lines == ["Citizen Facilitation Centre", "Fee: Rs 1,200 – café €5"]
    assert paper.styles["Citizen Facilitation Centre"] == (True, 1, True)
    assert paper.styles["Fee: Rs 1,200 – café €5"] == (False, 0, False)
    assert paper.qr_codes == ["https://sanad.example/t/CFC01-2026-000017-K"]
    assert (paper.cuts, paper.kicks) == (1, [2])


@pytest.mark.parametrize(
    "faults", [{"short": 7}, {"short": 1000}, {"chatter": "10000000"}, {"in_order": False}, {"low": True}]
)
def test_a_picture_arrives_whole_at_a_printer_that_is_slow_chatty_or_plain(faults: dict[str, Any]) -> None:
    ran = on("receipt" if faults.get("short") == 7 else "long", **faults)
    assert ran.result["end"] == "printed"
    assert ran.result["status"] == ("paper low" if faults.get("low") else "ready")
    if faults.get("short") != 7:
        drawn = Image.open(io.BytesIO(picture(576, 600).png)).convert("1")
        assert [picture_of(r).tobytes() for r in paper_of(ran).rasters] == [drawn.tobytes()]


def test_paper_that_ends_in_mid_job_makes_the_job_incomplete_and_never_printed() -> None:
    ran = on("long", paper_out_after=20_000)
    assert (ran.result["end"], ran.result["status"]) == ("incomplete", "paper out")
    assert 20_000 < ran.result["sent"] < ran.result["total"]
    assert "roll" in ran.result["step"]


@pytest.mark.parametrize("in_order", [True, False])
def test_paper_that_ends_with_the_last_line_makes_the_job_incomplete(in_order: bool) -> None:
    ran = on("receipt", paper_out_after=100, in_order=in_order)
    assert (ran.result["end"], ran.result["status"]) == ("incomplete", "paper out")
    assert ran.result["sent"] == ran.result["total"]


def test_a_printer_that_falls_silent_in_mid_job_leaves_it_sent_and_unconfirmed() -> None:
    ran = on("long", silent_after=20_000, in_order=False)
    assert (ran.result["end"], ran.result["status"]) == ("sent, unconfirmed", "unknown")
    assert ran.result["sent"] == ran.result["total"]


def test_a_printer_that_takes_nothing_more_is_given_up_in_time() -> None:
    ran = on("long", stuck_after=20_000)
    assert ran.result["end"] == "incomplete"
    assert ran.result["sent"] < ran.result["total"]


def test_a_printer_pulled_out_in_mid_job_says_so() -> None:
    ran = on("long", unplug_after=20_000)
    assert (ran.result["end"], ran.result["status"]) == ("incomplete", "unplugged")
    assert "disconnected" in ran.result["sentence"]


def test_a_printer_with_an_open_cover_is_sent_nothing() -> None:
    ran = on("receipt", cover_open=True)
    assert (ran.result["end"], ran.result["status"], ran.result["sent"]) == ("not started", "cover open", 0)
    paper = paper_of(ran)
    assert (paper.lines, paper.qr_codes, paper.cuts) == ([], [], 0)


def test_no_printer_at_all_is_not_started() -> None:
    ran = run({PORT: {"model": "printer"}}, "receipt", absent=(PORT,))
    assert (ran.result["end"], ran.result["status"]) == ("not started", "unplugged")


@pytest.mark.parametrize(
    ("fault", "steps"),
    [({"paper_out_after": 20_000}, ["paper"]), ({"unplug_after": 20_000}, ["plug"]), ({"cover_open": True}, ["close"])],
)
def test_what_the_operator_puts_right_is_noticed_without_a_restart(fault: dict[str, Any], steps: list[str]) -> None:
    ran = on("twice", *steps, **fault)
    assert ran.result["first"]["end"] in ("incomplete", "not started")
    assert ran.result["second"]["end"] == "printed"
    assert ran.result["status"] == "ready"


def test_the_next_receipt_is_whole_after_one_that_broke_off_inside_a_picture() -> None:
    ran = on("twice", "free", stuck_after=20_001)
    assert (ran.result["first"]["end"], ran.result["second"]["end"]) == ("incomplete", "printed")
    assert paper_of(ran).lines[-2:] == ["Citizen Facilitation Centre", "Fee: Rs 1,200 – café €5"]


def test_a_silent_printer_that_answered_nothing_is_known_once_and_unknown() -> None:
    ran = on("twice", answers=False)
    assert [ran.result[job]["end"] for job in ("first", "second")] == ["sent, unconfirmed"] * 2
    assert ran.result["status"] == "unknown"
    questions = bytes.fromhex(ran.devices[PORT]["received"]).count(b"\x10\x04")
    assert questions == 2


def test_a_small_one_way_printer_gets_its_qr_code_as_a_picture_that_zxing_reads() -> None:
    ran = run({PORT: {"model": "small-printer"}}, "small")
    assert ran.result["job"]["end"] == "sent, unconfirmed"
    assert (ran.result["answers"], ran.result["status"]) == (False, "unknown")
    paper = paper_of(ran)
    assert (paper.lines[0], paper.cuts, paper.qr_codes) == ("Receipt", 0, [])  # it has no cutter
    read = [code.text for raster in paper.rasters for code in zxingcpp.read_barcodes(picture_of(raster))]
    assert read == ["https://sanad.example/t/17"]


def test_urdu_without_a_picture_is_refused_instead_of_printed_as_question_marks() -> None:
    ran = on("refused")
    assert "character that this printer does not have" in ran.result
    assert ran.devices[PORT]["received"] == ""


def test_a_printer_is_taken_from_the_kernels_driver_for_the_job_and_given_back() -> None:
    ran = on("receipt", driver="usblp")
    assert (ran.result["end"], ran.devices[PORT]["driver"]) == ("printed", "usblp")


def test_a_printer_pulled_out_after_the_last_byte_leaves_the_receipt_sent_and_unconfirmed() -> None:
    """It may well have printed it all: nobody is told to throw it away."""
    whole = on("receipt").devices[PORT]["job"]
    ran = on("receipt", unplug_after=whole)
    assert (ran.result["end"], ran.result["status"]) == ("sent, unconfirmed", "unplugged")
    assert ran.result["sent"] == ran.result["total"]
    assert "Look at the paper" in ran.result["step"]


def test_an_endpoint_that_halts_is_set_going_again_for_the_next_receipt() -> None:
    ran = on("twice", halt_out=20_000)
    assert (ran.result["first"]["end"], ran.result["second"]["end"]) == ("incomplete", "printed")
    assert paper_of(ran).lines[-2:] == ["Citizen Facilitation Centre", "Fee: Rs 1,200 – café €5"]


def test_a_printer_whose_answers_halt_once_is_asked_again() -> None:
    ran = on("twice", halt_in=20_000)
    assert [ran.result[job]["end"] for job in ("first", "second")] == ["printed", "printed"]
