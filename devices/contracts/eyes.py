"""What sees: scanners, cameras, readers of bar codes and QR codes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, runtime_checkable

from devices.contracts.common import Device, Picture, Status


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

    def scan(
        self,
        source: ScanSource,
        colour: ScanColour,
        *,
        resolution_dpi: int = 200,
        paged: Callable[[int], None] = lambda _pages: None,
        cancelled: threading.Event | None = None,
    ) -> ScanEnd:
        """Scan one page from the glass, or all pages from the feeder.

        Args:
            source: where the paper lies.
            colour: what it is scanned as.
            resolution_dpi: dots per inch.
            paged: told how many pages are through, in the calling thread.
            cancelled: set by another thread to stop; pages that are through by then are kept.

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


@dataclass(frozen=True, slots=True)
class Typed:
    """Keys that a person pressed, Enter as a carriage return."""

    keys: str


ENTER: Final = "\r"


class KeyWedge(Protocol):
    """Tells a reader that types like a keyboard from a person who types. It keeps keys back for a moment."""

    @property
    def max_gap_s(self) -> float:
        """The longest that keys are kept back after the last one, in seconds."""

    def key(self, key: str, at_s: float) -> list[Typed | Code]:
        """Take one character, or `ENTER`, pressed at a moment (monotonic seconds); what is now known, in order."""

    def due(self, at_s: float) -> list[Typed | Code]:
        """What was typing after all, because no key followed in time."""
