"""Simulated devices keep the contracts, say SIMULATED, and fail when told."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops

from devices.contracts import (
    Camera,
    CaptureEnd,
    Code,
    CodeReader,
    Device,
    JobEnd,
    Line,
    PagePrinter,
    Picture,
    ReceiptPrinter,
    ScanColour,
    Scanner,
    ScanSource,
    SignaturePad,
    SigningScreen,
    Status,
)
from devices.errors import Unplugged, Unprintable
from devices.simulators.eyes import SimulatedCamera, SimulatedCodeReader, SimulatedScanner
from devices.simulators.fates import SIMULATED, Fate
from devices.simulators.pads import SimulatedPad
from devices.simulators.printers import SimulatedPagePrinter, SimulatedReceiptPrinter

SCREEN = SigningScreen(bytes(32), ("I agree.",))


def page() -> Picture:
    out = io.BytesIO()
    Image.new("RGB", (300, 400), "white").save(out, "PNG")
    return Picture(out.getvalue())


def pdf() -> bytes:
    """Two pages of A4 with a blue bar down their left side."""
    image = Image.new("RGB", (827, 1169), "white")
    image.paste((0, 0, 255), (40, 100, 80, 1100))
    out = io.BytesIO()
    image.save(out, "PDF", resolution=100, save_all=True, append_images=[image.copy()], quality=100, subsampling=0)
    return out.getvalue()


def black(picture: Picture) -> int:
    with Image.open(io.BytesIO(picture.png)) as image:
        return image.convert("L").tobytes().count(0)


def test_every_simulator_keeps_its_contract_and_says_that_it_is_one() -> None:
    pad: SignaturePad = SimulatedPad()
    receipts: ReceiptPrinter = SimulatedReceiptPrinter()
    pages: PagePrinter = SimulatedPagePrinter()
    scanner: Scanner = SimulatedScanner()
    camera: Camera = SimulatedCamera(page())
    reader: CodeReader = SimulatedCodeReader()
    devices: list[Device] = [pad, receipts, pages, scanner, camera, reader]
    for device in devices:
        assert device.identity.simulated
        assert SIMULATED in device.identity.model
        assert device.status() is Status.READY
        device.close()


@pytest.mark.parametrize(
    ("fate", "end"),
    [
        (Fate.WORKS, JobEnd.PRINTED),
        (Fate.FAILS, JobEnd.INCOMPLETE),
        (Fate.REFUSES, JobEnd.NOT_STARTED),
        (Fate.SILENT, JobEnd.SENT_UNCONFIRMED),
        (Fate.UNPLUGGED, JobEnd.NOT_STARTED),
    ],
)
def test_a_simulated_printer_ends_as_told_and_what_comes_out_is_marked(fate: Fate, end: JobEnd) -> None:
    printer = SimulatedReceiptPrinter(fate)
    outcome = printer.print([Line("Receipt"), Line("No. 17")])
    assert outcome.end is end
    assert SIMULATED in outcome.sentence
    assert len(printer.printed) == (end is not JobEnd.NOT_STARTED)
    assert all(black(paper) > 10_000 for paper in printer.printed)


@pytest.mark.parametrize(
    ("fate", "pages"),
    [(Fate.WORKS, 2), (Fate.FAILS, 1), (Fate.REFUSES, None), (Fate.SILENT, 2), (Fate.UNPLUGGED, None)],
)
def test_the_paper_of_a_simulated_page_printer_is_marked_and_the_pdf_is_not_touched(
    fate: Fate, pages: int | None
) -> None:
    printer, document = SimulatedPagePrinter(fate), pdf()
    kept = bytes(document)
    outcome = printer.print_pdf(document, title="certificate")
    assert outcome.total_bytes == len(kept)
    assert document == kept
    assert [len(job.pages) for job in printer.printed] == ([] if pages is None else [pages])
    for job in printer.printed:
        assert SIMULATED in job.title
        for paper in job.pages:
            with Image.open(io.BytesIO(paper.png)) as image:
                seen = image.convert("RGB")
            red, _, blue = seen.split()
            marked = ImageChops.subtract(red, blue).point(lambda level: 255 if level > 60 else 0).getbbox()
            assert marked is not None
            assert marked[2] - marked[0] > seen.width // 2
            assert marked[3] - marked[1] > seen.height // 2
            left = ImageChops.subtract(blue, red).crop((45, 110, 75, 1090))
            assert min(left.tobytes()) > 200  # what stands on the page can still be read


def test_a_simulated_page_printer_refuses_what_is_no_pdf() -> None:
    with pytest.raises(Unprintable):
        SimulatedPagePrinter().print_pdf(b"%PDF-1.7", title="x")


def test_a_simulated_printer_refuses_what_a_real_one_would() -> None:
    with pytest.raises(Unprintable):
        SimulatedReceiptPrinter().print([Line("ڈومیسائل")])


@pytest.mark.parametrize(
    ("fate", "end"),
    [(Fate.WORKS, CaptureEnd.ACCEPTED), (Fate.FAILS, CaptureEnd.VOID), (Fate.REFUSES, CaptureEnd.CANCELLED)],
)
def test_a_simulated_pad_ends_as_told_with_a_marked_screen(fate: Fate, end: CaptureEnd) -> None:
    pad = SimulatedPad(fate)
    outcome = pad.capture(SCREEN)
    assert outcome.end is end
    assert (outcome.signature is not None) == (end is CaptureEnd.ACCEPTED)
    assert pad.on_screen is not None
    assert black(pad.on_screen) > 10_000


def test_a_simulated_device_can_be_gone_and_come_back() -> None:
    pad = SimulatedPad(Fate.UNPLUGGED)
    with pytest.raises(Unplugged):
        pad.capture(SCREEN)
    assert pad.status() is Status.UNPLUGGED
    pad.fate = Fate.WORKS
    assert pad.capture(SCREEN).end is CaptureEnd.ACCEPTED


def test_a_simulated_scanner_jams_after_a_page_that_is_kept_and_marked() -> None:
    scanner = SimulatedScanner([page(), page(), page()], Fate.FAILS)
    end = scanner.scan(ScanSource.FEEDER, ScanColour.GREY)
    assert (len(end.pages), end.status) == (1, Status.JAMMED)
    with Image.open(io.BytesIO(end.pages[0].jpeg)) as scanned:
        assert sum(level < 40 for level in scanned.convert("L").tobytes()) > 5_000
    scanner.fate = Fate.WORKS
    assert len(scanner.scan(ScanSource.FEEDER, ScanColour.COLOUR).pages) == 2
    assert scanner.scan(ScanSource.FEEDER, ScanColour.COLOUR).status is Status.PAPER_OUT


def test_a_simulated_reader_reads_what_is_put_before_it() -> None:
    reader = SimulatedCodeReader([Code("A"), Code("B")])
    assert [reader.read(), reader.read(), reader.read()] == [Code("A"), Code("B"), None]
