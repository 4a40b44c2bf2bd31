"""What all devices share: kinds, how they are, who they are, and how long anything may take."""

from __future__ import annotations

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
SCAN_STALL_LIMIT_S: Final = 30.0
"""How long a scanner may give nothing at all before its scan counts as stopped, in seconds."""
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


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the bytes of a PNG file."""

    png: bytes


@runtime_checkable
class Simulated(Protocol):
    """A device that is not there, and that can be told what is to become of its calls."""

    @property
    def fates(self) -> tuple[str, ...]:
        """What it can be told, in words; the first one is that it works."""

    @property
    def fate_word(self) -> str:
        """What it was told."""

    def befall(self, fate: str) -> None:
        """Tell it.

        Raises:
            ValueError: it is none of `fates`.
        """
