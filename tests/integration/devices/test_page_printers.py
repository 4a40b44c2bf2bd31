"""Page printing to a real IPP printer, `ippeveprinter`."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.contracts import JobEnd, PagePrinter, Status
from devices.errors import Refused
from devices.ipp.printer import IppPrinter
from tests.support.ipp_printer import ipp_printer

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 800
COMMAND = """#!/bin/sh
echo "$IPP_MEDIA" > "{folder}/media"
case "$IPP_JOB_NAME" in
broken) exit 1 ;;
waiting) echo "STATE: +media-empty" >&2
    while [ ! -e "{folder}/paper" ]; do sleep 0.1; done
    echo "STATE: -media-empty" >&2 ;;
esac
cat "$1" > "{folder}/$IPP_JOB_NAME.out"
"""


@pytest.fixture(scope="module")
def printing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PagePrinter, Path]]:
    folder = tmp_path_factory.mktemp("ipp")
    command = folder / "command"
    command.write_text(COMMAND.format(folder=folder))
    command.chmod(0o755)
    with ipp_printer(folder, str(command)) as (printer, _):
        yield printer, folder


def test_a_pdf_is_printed_whole_on_a4(printing: tuple[PagePrinter, Path]) -> None:
    printer, folder = printing
    outcome = printer.print_pdf(PDF, title="certificate")
    assert (outcome.end, outcome.sent_bytes, outcome.total_bytes) == (JobEnd.PRINTED, len(PDF), len(PDF))
    assert (folder / "certificate.out").read_bytes() == PDF
    assert (folder / "media").read_text().strip() == "iso_a4_210x297mm"


def test_a_job_that_the_printer_gives_up_is_incomplete(printing: tuple[PagePrinter, Path]) -> None:
    outcome = printing[0].print_pdf(PDF, title="broken")
    assert outcome.end is JobEnd.INCOMPLETE
    assert outcome.next_step


def test_a_printer_without_paper_keeps_the_job_unconfirmed_and_takes_no_other(
    printing: tuple[PagePrinter, Path],
) -> None:
    printer, folder = printing
    outcome = printer.print_pdf(PDF, title="waiting", limit_s=6)
    assert (outcome.end, outcome.status) == (JobEnd.SENT_UNCONFIRMED, Status.PAPER_OUT)
    assert "A4 paper" in outcome.next_step
    assert printer.print_pdf(PDF, title="next").end is JobEnd.NOT_STARTED
    (folder / "paper").touch()


def test_what_is_no_pdf_is_refused(printing: tuple[PagePrinter, Path]) -> None:
    with pytest.raises(Refused):
        printing[0].print_pdf(b"\x1b%-12345X", title="x")


def test_a_printer_that_is_not_there_is_unplugged() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    printer = IppPrinter(f"ipp://127.0.0.1:{port}/ipp/print")
    outcome = printer.print_pdf(PDF, title="x")
    assert (printer.status(), outcome.end, outcome.status) == (Status.UNPLUGGED, JobEnd.NOT_STARTED, Status.UNPLUGGED)
