"""What `sanad devices test` does with each kind of device: one small job, and a picture of what came of it."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from devices import opening, signatures
from devices.addresses import read_address
from devices.contracts import (
    Align,
    Camera,
    CaptureEnd,
    Cut,
    JobEnd,
    JobOutcome,
    Kind,
    Line,
    PagePrinter,
    Picture,
    QrCode,
    ReceiptPart,
    ReceiptPrinter,
    ScanColour,
    Scanner,
    ScanSource,
    SignaturePad,
    SigningScreen,
    Status,
)
from devices.pages import page_pictures
from devices.paper import draw_receipt
from devices.pictures import to_png
from provisioning import readertest, terminal

CODE: Final = "SANAD TEST"
RECEIPT: Final[tuple[ReceiptPart, ...]] = (
    Line("Sanad", Align.CENTER, bold=True, large=True),
    Line("This is a test of the receipt printer.", Align.CENTER),
    Line("If you can read this, it works."),
    QrCode(CODE),
    Cut(),
)
SIGNED: Final = "This is a test of the signature pad."
PAGE_DPI: Final = 150
PAGE_PX: Final = (1240, 1754)
"""A4 at that resolution."""
PAGE_WORDS: Final = ("Sanad", "This is a test of the page printer.", "If the frame is whole, it works.")
CODE_LIMIT_S: Final = 30.0
SEEN_DOTS: Final = 576
READER_STEP: Final = "Set the reader to end each code with Enter, and to type without pauses."
WELL: Final = frozenset({JobEnd.PRINTED, JobEnd.SENT_UNCONFIRMED, CaptureEnd.ACCEPTED, Status.READY})


@dataclass(frozen=True, slots=True)
class Tried:
    """How a test went. `picture` shows what was captured, or what of the test was sent to a printer."""

    kind: Kind
    end: JobEnd | CaptureEnd | Status
    sentence: str
    next_step: str
    picture: Picture | None

    @property
    def well(self) -> bool:
        """Whether the device did what it is for, as far as it can say."""
        return self.end in WELL


def try_device(address: str) -> Tried:
    """Try the device at an address.

    Raises:
        DeviceFault: it could not even begin.
        OperatorError: nothing of that kind can be tried from here.
    """
    match read_address(address)[0]:
        case Kind.RECEIPT_PRINTER:
            return _receipt(opening.open_receipt_printer(address))
        case Kind.PAGE_PRINTER:
            return _page(opening.open_page_printer(address))
        case Kind.SIGNATURE_PAD:
            return _signature(opening.open_pad(address))
        case Kind.SCANNER:
            return _scan(opening.open_scanner(address))
        case Kind.CAMERA:
            return _snapshot(opening.open_camera(address))
        case Kind.CODE_READER:
            return _code()


def _receipt(printer: ReceiptPrinter) -> Tried:
    outcome = printer.print(RECEIPT)
    sent = draw_receipt(RECEIPT, printer.width_dots, _banner(outcome)) if outcome.sent_bytes else None
    return Tried(Kind.RECEIPT_PRINTER, outcome.end, outcome.sentence, outcome.next_step, sent)


def _page(printer: PagePrinter) -> Tried:
    pdf = test_page()
    outcome = printer.print_pdf(pdf, title="Sanad test page")
    sent = page_pictures(pdf, _banner(outcome))[0] if outcome.sent_bytes else None
    return Tried(Kind.PAGE_PRINTER, outcome.end, outcome.sentence, outcome.next_step, sent)


def _banner(outcome: JobOutcome) -> str:
    """What stands across the picture of a job that is not known to have come out."""
    return "" if outcome.end is JobEnd.PRINTED else outcome.end.value.upper()


def _signature(pad: SignaturePad) -> Tried:
    accepted = threading.Event()
    if pad.capability().has_screen:
        terminal.note("Sign on the pad, and tap Accept there.")
    else:
        terminal.note("Sign on the pad, then press Enter here.")
        threading.Thread(target=_when_enter_is_pressed, args=(accepted,), daemon=True).start()
    screen = SigningScreen(hashlib.sha256(SIGNED.encode()).digest(), (SIGNED,))
    outcome = pad.capture(screen, accepted=accepted)
    drawn = None if outcome.signature is None else signatures.to_picture(outcome.signature)
    return Tried(Kind.SIGNATURE_PAD, outcome.end, outcome.sentence, outcome.next_step, drawn)


def _when_enter_is_pressed(accepted: threading.Event) -> None:
    while sys.stdin.readline():
        accepted.set()


def _scan(scanner: Scanner) -> Tried:
    end = scanner.scan(ScanSource.FLATBED, ScanColour.GREY)
    picture = None
    if end.pages:
        with Image.open(io.BytesIO(end.pages[0].jpeg), formats=["JPEG"]) as page:
            picture = to_png(page)
    return Tried(Kind.SCANNER, end.status, end.sentence, end.next_step, picture)


def _snapshot(camera: Camera) -> Tried:
    return Tried(Kind.CAMERA, Status.READY, "The camera took a picture.", "", camera.snap())


def _code() -> Tried:
    code = readertest.read_code(
        CODE_LIMIT_S, lambda: terminal.note(f"Read a code now; you have {CODE_LIMIT_S:.0f} seconds.")
    )
    if code is None:
        return Tried(Kind.CODE_READER, Status.UNKNOWN, "No code came.", READER_STEP, None)
    seen = draw_receipt((Line(code.text, Align.CENTER), QrCode(code.text)), SEEN_DOTS, "")
    return Tried(Kind.CODE_READER, Status.READY, f"A code of {len(code.text)} characters was read.", "", seen)


def test_page() -> bytes:
    """A page of A4 to try a printer with: words, a frame near the edges of the paper, and shades of grey."""
    page = Image.new("L", PAGE_PX, 255)
    pen = ImageDraw.Draw(page)
    pen.rectangle((60, 60, PAGE_PX[0] - 60, PAGE_PX[1] - 60), outline=0, width=4)
    for number, words in enumerate(
        ("Sanad", "This is a test of the page printer.", "If the frame is whole, it works.")
    ):
        size = 90 if number == 0 else 44
        at = (PAGE_PX[0] // 2, 240 + 110 * number)
        pen.text(at, words, fill=0, font=ImageFont.load_default(size), anchor="mm")
    for shade in range(8):
        pen.rectangle((180 + 110 * shade, 640, 290 + 110 * shade, 760), fill=36 * shade)
    out = io.BytesIO()
    page.save(out, "PDF", resolution=PAGE_DPI)
    return out.getvalue()
