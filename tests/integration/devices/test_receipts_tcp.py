"""Receipts to a printer on the network: real sockets on loopback."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from devices.contracts import Identity, JobEnd, JobOutcome, Kind, Line, Raster, ReceiptPart, Status
from devices.escpos.links import KNOWN_FOR_S, TcpLink
from devices.escpos.printer import EscposPrinter, Limits
from tests.support.escpos_reader import read_paper
from tests.support.tcp_printer import TcpPrinter
from tests.support.usb.printers import Printer
from tests.support.usb.programs import RECEIPT, picture

LIMITS = Limits(answer_s=1.0, stall_s=1.0, job_s=60.0, confirm_s=20.0)
LONG: list[ReceiptPart] = [Line("Long"), *([Raster(picture(576, 600))] * 5), Line("End")]
"""Some 215 kB: more than the kernel keeps to itself."""


def printer_at(port: int) -> EscposPrinter:
    identity = Identity(Kind.RECEIPT_PRINTER, "", "", "TM-T88V", "", f"127.0.0.1:{port}")
    return EscposPrinter(identity, TcpLink("127.0.0.1", port), limits=LIMITS)


def print_long(**faults: Any) -> JobOutcome:
    with TcpPrinter(Printer(**faults)) as served:
        return printer_at(served.port).print(LONG)


def test_a_receipt_is_printed_over_the_network_one_connection_a_job() -> None:
    with TcpPrinter(Printer()) as served:
        printer = printer_at(served.port)
        assert [printer.print(RECEIPT).end for _ in range(2)] == [JobEnd.PRINTED] * 2
        assert printer.status() is Status.READY
    assert read_paper(bytes(served.model.received)).lines.count("Citizen Facilitation Centre") == 2


def test_a_long_receipt_arrives_whole_through_short_reads() -> None:
    with TcpPrinter(Printer(short=333)) as served:
        assert printer_at(served.port).print(LONG).end is JobEnd.PRINTED
    assert read_paper(bytes(served.model.received)).lines == ["Long", "End"]


@pytest.mark.parametrize(
    ("faults", "end", "status"),
    [
        ({"paper_out_after": 100_000}, JobEnd.INCOMPLETE, Status.PAPER_OUT),
        ({"stuck_after": 100_000}, JobEnd.INCOMPLETE, None),
        ({"unplug_after": 100_000}, JobEnd.INCOMPLETE, Status.UNPLUGGED),
        ({"answers": False}, JobEnd.SENT_UNCONFIRMED, Status.UNKNOWN),
        ({"cover_open": True}, JobEnd.NOT_STARTED, Status.COVER_OPEN),
    ],
)
def test_a_network_printer_that_fails_is_never_printed(
    faults: dict[str, Any], end: JobEnd, status: Status | None
) -> None:
    outcome = print_long(**faults)
    assert outcome.end is end
    assert status is None or outcome.status is status


@pytest.mark.parametrize(
    ("faults", "end", "status"),
    [
        ({"mute": (4,), "in_order": False}, JobEnd.SENT_UNCONFIRMED, Status.UNKNOWN),
        ({"mute": (4,)}, JobEnd.PRINTED, Status.READY),
        ({"mute": (4,), "in_order_says": 0x03}, JobEnd.PRINTED, Status.PAPER_LOW),
        ({"in_order_says": 0x0C}, JobEnd.INCOMPLETE, Status.PAPER_OUT),
    ],
)
def test_a_receipt_is_printed_only_where_something_was_said_of_the_paper(
    faults: dict[str, Any], end: JobEnd, status: Status
) -> None:
    with TcpPrinter(Printer(**faults)) as served:
        printer = printer_at(served.port)
        outcome = printer.print(RECEIPT)
        assert printer.status() is (Status.UNKNOWN if "mute" in faults else Status.READY)
    assert (outcome.end, outcome.status) == (end, status)


def test_bytes_that_never_left_this_machine_do_not_count_as_sent() -> None:
    with TcpPrinter(Printer(answers=False, stuck_after=0)) as served:
        outcome = printer_at(served.port).print(LONG)
    assert outcome.end is JobEnd.INCOMPLETE


def test_a_printer_at_work_says_that_it_is_busy_without_waiting_for_the_end() -> None:
    identity = Identity(Kind.RECEIPT_PRINTER, "", "", "", "", "")
    with TcpPrinter(Printer(stuck_after=1000)) as served:
        printer = EscposPrinter(identity, TcpLink("127.0.0.1", served.port), limits=Limits(answer_s=0.5, stall_s=8.0))
        job = threading.Thread(target=printer.print, args=(LONG,))
        job.start()
        while len(served.model.received) < 1000 and job.is_alive():
            job.join(0.01)
        assert printer.status() is Status.BUSY
        served.model.plugged = False
        job.join()


def test_a_printer_that_is_switched_off_is_unplugged() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    printer = printer_at(port)
    assert printer.status() is Status.UNPLUGGED
    assert printer.print(RECEIPT).end is JobEnd.NOT_STARTED


def test_a_printer_that_was_silent_is_asked_again_after_a_while() -> None:
    now = [0.0]
    identity = Identity(Kind.RECEIPT_PRINTER, "", "", "", "", "")
    with TcpPrinter(Printer(answers=False)) as served:
        link = TcpLink("127.0.0.1", served.port, clock=lambda: now[0])
        printer = EscposPrinter(identity, link, limits=Limits(answer_s=0.2))
        assert printer.status() is Status.UNKNOWN
        served.model.answers = True
        assert printer.status() is Status.UNKNOWN
        now[0] = KNOWN_FOR_S + 1
        assert printer.status() is Status.READY
