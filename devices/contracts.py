"""What the rest of Sanad may ask of a counter's devices, and what comes back.

Every call ends within a named time limit, so a screen calls it from a worker thread and never waits without end. A
call answers with an outcome that says what is known, or raises `devices.errors.DeviceFault` with a sentence and a next
step. After any fault the same object can be used again: a driver finds its device anew once it is plugged in.

An implementation serves one caller at a time; it locks, so a second caller waits for the first. Only `status` does not
wait long: while a job or a capture is under way it answers `BUSY`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, runtime_checkable

ANSWER_LIMIT_S: Final = 1.0
"""How long a device may take to answer a question about itself, in seconds."""
WRITE_STALL_LIMIT_S: Final = 10.0
"""How long a printer may take nothing at all before its job counts as stopped, in seconds."""
JOB_LIMIT_S: Final = 120.0
"""How long one print job may last, in seconds."""
CONFIRM_LIMIT_S: Final = 15.0
"""How long a printer may take to confirm what it was sent, in seconds."""
CAPTURE_LIMIT_S: Final = 180.0
"""How long a citizen may take to sign, in seconds."""
CONNECT_LIMIT_S: Final = 3.0
"""How long a network printer may take to accept a connection, in seconds."""
SCAN_LIMIT_S: Final = 300.0
"""How long one scan may last, a full feeder included, in seconds."""
SNAP_LIMIT_S: Final = 8.0
"""How long a camera may take for a picture."""
MAX_SCAN_PAGES: Final = 100
MAX_SAMPLES: Final = 100_000
"""Pen samples in one capture: 200 a second for the longest capture, with room."""
MAX_RECEIPT_PARTS: Final = 500
MAX_PICTURE_ROWS: Final = 8_000
MAX_LINE_CHARACTERS: Final = 500


class Kind(Enum):
    """What a device is for."""

    SIGNATURE_PAD = "signature-pad"
    RECEIPT_PRINTER = "receipt-printer"
    PAGE_PRINTER = "page-printer"
    SCANNER = "scanner"
    CODE_READER = "code-reader"
    CAMERA = "camera"


class Status(Enum):
    """How a device is, as far as it says so itself. `UNKNOWN` is what silence means."""

    READY = "ready"
    BUSY = "busy"
    PAPER_LOW = "paper low"
    PAPER_OUT = "paper out"
    COVER_OPEN = "cover open"
    OFFLINE = "offline"
    JAMMED = "jammed"
    FAULT = "fault"
    UNPLUGGED = "unplugged"
    UNKNOWN = "unknown"

    @property
    def usable(self) -> bool:
        """Whether work may be started: ready, low on paper, or nobody can say."""
        return self in (Status.READY, Status.PAPER_LOW, Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Identity:
    """Which device this is. `vendor` and `product` are four lower-case hex digits, or empty where it is not USB."""

    kind: Kind
    vendor: str
    product: str
    model: str
    serial: str
    port: str
    simulated: bool = False


@runtime_checkable
class Device(Protocol):
    """What every device can do."""

    @property
    def identity(self) -> Identity:
        """Which device this is, as it was last found."""

    def status(self) -> Status:
        """How it is now, within `ANSWER_LIMIT_S` a question; never raises for a device that is silent or gone."""

    def close(self) -> None:
        """Let go of the device; the next call takes it again."""


# --- Pictures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the bytes of a PNG file."""

    png: bytes


# --- Signature pads ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PadCapability:
    """What a pad can do. Coordinates are in pad units, the screen in pixels.

    A pen of the kernel has no screen of ours (0 × 0), even where it is built into a monitor: nothing is shown on it.
    """

    max_x: int
    max_y: int
    max_pressure: int
    width_px: int
    height_px: int
    rate_hz: int = 0
    resolution_lpi: int = 0

    @property
    def has_screen(self) -> bool:
        """Whether it shows what is signed, and buttons. Where not, the counter shows both (`capture`, `accepted`)."""
        return self.width_px > 0 and self.height_px > 0


class SampleClock(Enum):
    """Whose clock stamped the samples."""

    DEVICE = "device"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class PenSample:
    """One report of the pen: milliseconds since the first one, position and pressure in pad units.

    `down` is whether the pen touched; a sample with `down` false is the pen in the air near the pad.
    """

    t_ms: int
    x: int
    y: int
    pressure: int
    down: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as data, with the pad it was made on and the hash of the document that was shown.

    The pad showed it where it has a screen (`capability.has_screen`), else the counter did. `lost` counts reports that
    the pad numbered and that never arrived; for a pen of the kernel, how often the kernel had to throw some away.
    """

    pad: Identity
    capability: PadCapability
    document_sha256: bytes
    clock: SampleClock
    samples: tuple[PenSample, ...]
    lost: int = 0


@dataclass(frozen=True, slots=True)
class SigningScreen:
    """What the citizen signs, as the pad shows it.

    `document_sha256` is the hash of that document, 32 bytes. `lines` is shown as text where the pad's font has its
    characters; `picture` (at most the pad's size) stands instead of the lines for any other script. The buttons' words
    are drawn below; they must be Latin, and `buttons` may be a picture of the whole row, cut in three equal parts.
    """

    document_sha256: bytes
    lines: tuple[str, ...] = ()
    picture: Picture | None = None
    accept: str = "Accept"
    clear: str = "Clear"
    cancel: str = "Cancel"
    buttons: Picture | None = None


class CaptureEnd(Enum):
    """How a capture ended; only `ACCEPTED` gives a signature."""

    ACCEPTED = "accepted"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class CaptureOutcome:
    """How a capture ended. `signature` is there if and only if it was accepted."""

    end: CaptureEnd
    signature: Signature | None
    sentence: str
    next_step: str = ""


@runtime_checkable
class SignaturePad(Device, Protocol):
    """A pad, or a pen tablet, that a citizen signs on."""

    def capability(self) -> PadCapability:
        """What the pad can do.

        Raises:
            DeviceFault: it is not there or does not answer.
        """

    def can_say(self, text: str) -> bool:
        """Whether the pad's own font has every character; a picture is needed where it has not.

        True for a pad without a screen: it needs no picture.
        """

    def show(self, picture: Picture | None) -> None:
        """Show a picture between captures, or nothing. The same picture is not sent twice.

        A pad without a screen shows nothing, and does not complain.

        Raises:
            DeviceFault: it is not there or does not answer.
        """

    def capture(
        self,
        screen: SigningScreen,
        *,
        seen: Callable[[PenSample], None] = lambda _sample: None,
        cancelled: threading.Event | None = None,
        accepted: threading.Event | None = None,
        limit_s: float = CAPTURE_LIMIT_S,
    ) -> CaptureOutcome:
        """Show what is signed, and collect the pen until a button ends it.

        Args:
            screen: what the citizen sees and signs.
            seen: called for each sample, in the calling thread, so that the console can draw it.
            cancelled: set by another thread to end the capture as `CANCELLED`.
            accepted: set by another thread when the citizen is done. Only a pad without a screen heeds it, as nobody
                can accept on it: the stroke under way is waited for, and without ink it is cleared again and nothing
                happens. On all others the citizen accepts.
            limit_s: the longest it may take; then it ends as `TIMED_OUT`.

        Returns:
            The outcome; a pad pulled out or gone silent in the middle is `VOID`.

        Raises:
            DeviceFault: the capture could not even be started.
        """


# --- Receipt printers -------------------------------------------------------------------------------------------------


class Align(Enum):
    """Where a line stands on the paper."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. `picture` is printed instead where the printer's code pages lack a character of it."""

    text: str
    align: Align = Align.LEFT
    bold: bool = False
    large: bool = False
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Raster:
    """A picture across the paper, black where it is darker than half."""

    picture: Picture
    align: Align = Align.LEFT


@dataclass(frozen=True, slots=True)
class QrCode:
    """A QR code of a text, its modules `size` dots wide (1 to 16)."""

    text: str
    size: int = 6


@dataclass(frozen=True, slots=True)
class Cut:
    """Feed and cut the paper."""


@dataclass(frozen=True, slots=True)
class OpenDrawer:
    """Kick the cash drawer at pin 2 or 5 of the printer's connector."""

    pin: int = 2


ReceiptPart = Line | Raster | QrCode | Cut | OpenDrawer


class JobEnd(Enum):
    """What is known of a print job.

    `PRINTED`: all was taken, and the printer answered after the last byte that it is well.
    `SENT_UNCONFIRMED`: all was taken, and the printer did not say what became of it.
    `INCOMPLETE`: some of it was taken and the job did not come to its end; the paper shows how far it came.
    `NOT_STARTED`: nothing of it was sent.
    """

    PRINTED = "printed"
    SENT_UNCONFIRMED = "sent, unconfirmed"
    INCOMPLETE = "incomplete"
    NOT_STARTED = "not started"


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What is known of a print job, and what the operator should do. Bytes are those of the encoded job."""

    end: JobEnd
    status: Status
    sent_bytes: int
    total_bytes: int
    sentence: str
    next_step: str = ""


@runtime_checkable
class ReceiptPrinter(Device, Protocol):
    """A printer of narrow paper, with a cutter and perhaps a drawer."""

    @property
    def width_dots(self) -> int:
        """How wide a picture may be."""

    def can_say(self, text: str) -> bool:
        """Whether the printer's code pages set this text rightly; a picture is needed where they do not."""

    def print(self, parts: Sequence[ReceiptPart]) -> JobOutcome:
        """Print a receipt, once; what became of it is in the outcome, also where the printer is gone.

        Raises:
            Unprintable: a line has a character that the printer lacks and no picture, or a picture is too large.
        """


# --- Page printers ----------------------------------------------------------------------------------------------------


@runtime_checkable
class PagePrinter(Device, Protocol):
    """A printer of A4 pages."""

    def print_pdf(self, pdf: bytes, *, title: str, limit_s: float = JOB_LIMIT_S) -> JobOutcome:
        """Print a PDF on A4 and follow the job to its end.

        Raises:
            DeviceFault: the printer refused the job's form, as a document that it cannot read.
        """


# --- Scanners, cameras, code readers ----------------------------------------------------------------------------------


class ScanColour(Enum):
    """What a page is scanned as."""

    GREY = "grey"
    COLOUR = "colour"


class ScanSource(Enum):
    """Where the paper lies."""

    FLATBED = "flatbed"
    FEEDER = "feeder"


@dataclass(frozen=True, slots=True)
class ScannedPage:
    """A page as the bytes of a JPEG file, upright and cut to what is on it."""

    jpeg: bytes
    width_px: int
    height_px: int
    resolution_dpi: int


@dataclass(frozen=True, slots=True)
class ScanEnd:
    """How a scan ended: pages that came before a jam are kept. `blank` counts empty pages that were left out."""

    pages: tuple[ScannedPage, ...]
    blank: int
    status: Status
    sentence: str
    next_step: str = ""


@runtime_checkable
class Scanner(Device, Protocol):
    """A flatbed or a feeder."""

    def scan(self, source: ScanSource, colour: ScanColour, *, resolution_dpi: int = 200) -> ScanEnd:
        """Scan one page from the glass, or all pages from the feeder.

        Raises:
            DeviceFault: the scanner is not there or refused.
        """


@runtime_checkable
class Camera(Device, Protocol):
    """A camera at the counter."""

    def snap(self) -> Picture:
        """Take one picture.

        Raises:
            DeviceFault: the camera is not there or gave no picture in time.
        """


@dataclass(frozen=True, slots=True)
class Code:
    """What was read. `symbology` is the reader's name of it (`QRCode`, `Code128`), or empty where it does not say."""

    text: str
    symbology: str = ""


@runtime_checkable
class CodeReader(Device, Protocol):
    """A reader of bar codes and QR codes."""

    def read(self, *, cancelled: threading.Event | None = None, limit_s: float = 30.0) -> Code | None:
        """Wait for one code; None where none came in time, or it was cancelled.

        Raises:
            DeviceFault: the reader is not there.
        """
