"""Page printing to a real IPP printer, `ippeveprinter`."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from devices import discovery, opening
from devices.contracts import JobEnd, PagePrinter, Status
from devices.errors import Refused, TimedOut
from devices.ipp import browsing
from devices.ipp.printer import IppPrinter
from devices.ipp.transport import IppPlace, exchange, read_place, with_pin
from provisioning import devicetests
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
def printing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[IppPrinter, Path]]:
    folder = tmp_path_factory.mktemp("ipp")
    command = folder / "command"
    command.write_text(COMMAND.format(folder=folder))
    command.chmod(0o755)
    with ipp_printer(folder, str(command)) as (printer, _):
        yield printer, folder


@pytest.fixture
def noted(printing: tuple[IppPrinter, Path]) -> tuple[IppPlace, Path]:
    """The printer over TLS, with its certificate noted, and where it keeps that."""
    printer, folder = printing
    return with_pin(read_place(printer.identity.port.replace("ipp:", "ipps:"))), folder / "keys" / "localhost.crt"


def test_a_pdf_is_printed_whole_on_a4(printing: tuple[IppPrinter, Path]) -> None:
    printer, folder = printing
    outcome = printer.print_pdf(PDF, title="certificate")
    assert (outcome.end, outcome.sent_bytes, outcome.total_bytes) == (JobEnd.PRINTED, len(PDF), len(PDF))
    assert (folder / "certificate.out").read_bytes() == PDF
    assert (folder / "media").read_text().strip() == "iso_a4_210x297mm"


def test_a_job_that_the_printer_gives_up_is_incomplete(printing: tuple[IppPrinter, Path]) -> None:
    outcome = printing[0].print_pdf(PDF, title="broken")
    assert outcome.end is JobEnd.INCOMPLETE
    assert outcome.next_step


def test_a_printer_without_paper_keeps_the_job_unconfirmed_and_takes_no_other(
    printing: tuple[IppPrinter, Path],
) -> None:
    printer, folder = printing
    outcome = printer.print_pdf(PDF, title="waiting", limit_s=6)
    assert (outcome.end, outcome.status) == (JobEnd.SENT_UNCONFIRMED, Status.PAPER_OUT)
    assert "A4 paper" in outcome.next_step
    assert printer.print_pdf(PDF, title="next").end is JobEnd.NOT_STARTED
    (folder / "paper").touch()


def test_what_is_no_pdf_is_refused(printing: tuple[IppPrinter, Path]) -> None:
    with pytest.raises(Refused):
        printing[0].print_pdf(b"\x1b%-12345X", title="x")


def test_a_printer_that_is_not_there_is_unplugged() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    printer = IppPrinter(f"ipp://127.0.0.1:{port}/ipp/print")
    outcome = printer.print_pdf(PDF, title="x")
    assert (printer.status(), outcome.end, outcome.status) == (Status.UNPLUGGED, JobEnd.NOT_STARTED, Status.UNPLUGGED)


def test_a_pdf_travels_over_tls_to_a_printer_whose_certificate_was_noted_and_to_no_other(
    noted: tuple[IppPlace, Path], printing: tuple[IppPrinter, Path]
) -> None:
    place, certificate = noted
    told = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split("=")[1].strip().replace(":", "").lower() == place.pin
    printer: PagePrinter = IppPrinter(place.written)
    assert printer.print_pdf(PDF, title="by-tls").end is JobEnd.PRINTED
    assert (printing[1] / "by-tls.out").read_bytes() == PDF
    other = IppPrinter(replace(place, pin="0" * 64).written)
    outcome = other.print_pdf(PDF, title="to-another")
    assert (outcome.end, outcome.sent_bytes, other.status()) == (JobEnd.NOT_STARTED, 0, Status.UNKNOWN)
    assert "assign it again" in outcome.next_step
    unknown = IppPrinter(place.uri).print_pdf(PDF, title="to-another")
    assert (unknown.end, unknown.sent_bytes) == (JobEnd.NOT_STARTED, 0)
    assert not (printing[1] / "to-another.out").exists()


def test_a_printer_that_announces_itself_is_found_once_by_name_with_its_certificate(
    noted: tuple[IppPlace, Path], printing: tuple[IppPrinter, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    if (printing[1] / "bus").exists():  # a name service of the test's own
        monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={printing[1]}/bus")
    found = [one for one in browsing.printers() if one.place.port == noted[0].port]
    assert [(one.place.secure, one.place.path, one.model) for one in found] == [(True, "/ipp/print", "Example Printer")]
    assert found[0].place.host.endswith(".local")
    assert re.fullmatch("[0-9a-f-]{36}", found[0].serial)
    listed = discovery._announced(found[0])
    assert (listed.status, listed.written()) == (Status.READY, f"{found[0].place.uri}#sha256={noted[0].pin}")
    assert opening.open_page_printer(listed.written()).status() is Status.READY


def test_a_page_printer_is_tried_and_the_picture_shows_the_page(printing: tuple[IppPrinter, Path]) -> None:
    tried = devicetests.try_device(printing[0].identity.port)
    assert (tried.end, tried.well) == (JobEnd.PRINTED, True)
    assert tried.picture is not None
    came_out = subprocess.run(
        ["pdfinfo", printing[1] / "Sanad test page.out"], capture_output=True, text=True, check=True
    )
    assert "A4" in came_out.stdout
    with Image.open(io.BytesIO(tried.picture.png)) as image:
        assert sum(level < 100 for level in image.convert("L").tobytes()) > 3000


BEGUN: bytes = b"\x16\x03\x03\x40\x00"
"""The head of a TLS record of 16 kB."""


@pytest.mark.parametrize(
    ("scheme", "answer"),
    [("ipp", b""), ("ipp", b"H"), ("ipp", b"HTTP/1.1 200 OK\r\n\r\n"), ("ipps", b""), ("ipps", BEGUN)],
)
def test_a_printer_that_answers_nothing_or_a_byte_now_and_then_is_given_up_in_time(scheme: str, answer: bytes) -> None:
    """However long it drips: only the whole exchange has a limit that ends it."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(answer)
                while answer and not stop.wait(0.02):
                    connection.sendall(b"x")
                stop.wait()

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            place = read_place(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/ipp/print")
            with pytest.raises(TimedOut):
                exchange(place, b"question", b"", 0.5)
        finally:
            stop.set()
            thread.join()
