"""Printers of receipts and of pages: what is printed, and what is known of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from devices.contracts.common import JOB_LIMIT_S, Device, Picture, Status


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


@runtime_checkable
class PagePrinter(Device, Protocol):
    """A printer of A4 pages."""

    def print_pdf(self, pdf: bytes, *, title: str, limit_s: float = JOB_LIMIT_S) -> JobOutcome:
        """Print a PDF on A4 and follow the job to its end.

        Raises:
            DeviceFault: the printer refused the job's form, as a document that it cannot read.
        """
