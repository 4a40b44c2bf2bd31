"""The devices of the one counter of a run: simulated, and marked so; what they print goes into the results' folder."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image

from appliance.casework.printing import Outcome, PrintState
from appliance.casework.signatures import Signed
from appliance.journal.errors import DeviceError
from devices.contracts import (
    CaptureEnd,
    Cut,
    JobEnd,
    JobOutcome,
    PagePrinter,
    Picture,
    Raster,
    ReceiptPrinter,
    SignaturePad,
    SigningScreen,
)
from devices.errors import DeviceFault
from devices.pictures import to_png
from devices.signatures import binding, to_bytes, to_picture
from devices.simulators.eyes import SimulatedCamera, SimulatedScanner
from devices.simulators.pads import SimulatedPad
from devices.simulators.printers import SimulatedPagePrinter, SimulatedReceiptPrinter
from provisioning.specimenpapers import specimen_page, specimen_photograph
from tui.desk import Devices

PAGES: Final = ("SPECIMEN identity card", "SPECIMEN rent deed")
SEEN: Final = ("Gul Bibi", "17301-1234567-2", "A paper of nobody, for trying out.")
STATES: Final = {
    JobEnd.PRINTED: PrintState.PRINTED,
    JobEnd.SENT_UNCONFIRMED: PrintState.UNKNOWN,
    JobEnd.INCOMPLETE: PrintState.INCOMPLETE,
    JobEnd.NOT_STARTED: PrintState.NOT_STARTED,
}


@dataclass(frozen=True, slots=True)
class CounterDevices:
    """What stands at a counter."""

    pad: SignaturePad = field(default_factory=SimulatedPad)
    receipts: ReceiptPrinter = field(default_factory=SimulatedReceiptPrinter)
    pages: PagePrinter = field(default_factory=SimulatedPagePrinter)


def console_devices(folder: Path) -> Devices:
    """Simulated devices for trying the console; what they print is laid into a folder, one picture a paper.

    Two specimen pages lie in the scanner, and the camera looks at a drawn outline of nobody.
    """
    pages = [to_png(_opened(specimen_page(title, SEEN, seed))) for seed, title in enumerate(PAGES)]
    numbers = itertools.count(1)

    def came_out(paper: Picture) -> None:
        (folder / f"printed-{next(numbers):03d}.png").write_bytes(paper.png)

    return Devices(
        SimulatedPad(),
        SimulatedReceiptPrinter(came_out=came_out),
        SimulatedPagePrinter(came_out=came_out),
        SimulatedScanner(pages),
        SimulatedCamera(to_png(_opened(specimen_photograph(0)))),
    )


def _opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg), formats=["JPEG"])


def sign_on(pad: SignaturePad, purpose: str, lines: tuple[str, ...], document_sha256: bytes) -> tuple[Signed, bytes]:
    """Let a citizen sign; answers what is kept, and the picture (PNG) for paper.

    Raises:
        DeviceError: the pad gave no signature; the sentence says why.
    """
    try:
        outcome = pad.capture(SigningScreen(document_sha256, lines))
    except DeviceFault as fault:
        raise DeviceError(fault.sentence, fault.next_step) from fault
    if outcome.end is not CaptureEnd.ACCEPTED or outcome.signature is None:
        raise DeviceError(outcome.sentence, outcome.next_step)
    strokes = to_bytes(outcome.signature)
    signed = Signed(
        purpose=purpose,
        document_sha256=document_sha256.hex(),
        binding=binding(document_sha256, strokes).hex(),
        strokes=strokes,
        pad=pad.identity.model,
        simulated=pad.identity.simulated,
    )
    return signed, to_picture(outcome.signature).png


def print_picture(printer: ReceiptPrinter, png: bytes) -> Outcome:
    """Print a receipt's picture, and cut."""
    return _asked(lambda: printer.print([Raster(Picture(png)), Cut()]))


def print_pages(printer: PagePrinter, pdf: bytes, title: str) -> Outcome:
    """Print a PDF on A4."""
    return _asked(lambda: printer.print_pdf(pdf, title=title))


def _asked(ask: Callable[[], JobOutcome]) -> Outcome:
    try:
        outcome = ask()
    except DeviceFault as fault:
        return Outcome(PrintState.NOT_STARTED, fault.sentence, fault.next_step)
    return Outcome(STATES[outcome.end], outcome.sentence, outcome.next_step)
