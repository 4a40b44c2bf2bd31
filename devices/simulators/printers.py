"""Printers that are not there: what they print is kept as pictures and pages, each marked SIMULATED."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from devices.contracts import (
    JOB_LIMIT_S,
    Identity,
    JobEnd,
    JobOutcome,
    Kind,
    Picture,
    ReceiptPart,
    Status,
)
from devices.escpos.encode import ReceiptEncoder
from devices.pages import page_pictures
from devices.paper import draw_receipt
from devices.simulators.fates import SIMULATED, Fate, Fated

MAX_KEPT: Final = 100
CameOut = Callable[[Picture], None]
"""Told of every paper that comes out, in the calling thread."""
OUTCOMES: Final[dict[Fate, tuple[JobEnd, Status, str, str]]] = {
    Fate.WORKS: (JobEnd.PRINTED, Status.READY, "printed.", ""),
    Fate.FAILS: (
        JobEnd.INCOMPLETE,
        Status.PAPER_OUT,
        "the paper ended in the middle.",
        "Put paper in. Throw away what came out, then print it again.",
    ),
    Fate.REFUSES: (JobEnd.NOT_STARTED, Status.COVER_OPEN, "the printer's cover is open.", "Close the cover."),
    Fate.SILENT: (
        JobEnd.SENT_UNCONFIRMED,
        Status.UNKNOWN,
        "sent; this printer cannot say whether it was printed.",
        "Look at the paper.",
    ),
    Fate.UNPLUGGED: (
        JobEnd.NOT_STARTED,
        Status.UNPLUGGED,
        "the printer is not connected.",
        "Check its cable and its power switch.",
    ),
}


class _Printer(Fated):
    """What both kinds share."""

    def __init__(self, kind: Kind, fate: Fate, came_out: CameOut) -> None:
        self.fate = fate
        self._came_out = came_out
        self.identity = Identity(kind, "", "", f"{SIMULATED} printer", SIMULATED, SIMULATED.lower(), simulated=True)

    def status(self) -> Status:
        """As told: after a failure the paper is out."""
        return OUTCOMES[self.fate][1]

    def close(self) -> None:
        """There is nothing to let go of."""

    def _outcome(self, total: int) -> JobOutcome:
        end, status, sentence, step = OUTCOMES[self.fate]
        sent = {JobEnd.NOT_STARTED: 0, JobEnd.INCOMPLETE: total // 2}.get(end, total)
        return JobOutcome(end, status, sent, total, f"{SIMULATED}: {sentence}", step)


class SimulatedReceiptPrinter(_Printer):
    """Prints receipts as pictures, newest last.

    It encodes as a real printer does, so what a real one refuses, it refuses too.
    """

    def __init__(self, fate: Fate = Fate.WORKS, width_dots: int = 576, came_out: CameOut = lambda _paper: None) -> None:
        super().__init__(Kind.RECEIPT_PRINTER, fate, came_out)
        self._encoder = ReceiptEncoder(width_dots=width_dots)
        self.printed: list[Picture] = []

    @property
    def width_dots(self) -> int:
        """How wide a picture may be."""
        return self._encoder.width_dots

    def can_say(self, text: str) -> bool:
        """As the most usual printer."""
        return self._encoder.can_say(text)

    def print(self, parts: Sequence[ReceiptPart]) -> JobOutcome:
        """Print a receipt, marked at its head and foot.

        Raises:
            Unprintable: as a real printer.
        """
        outcome = self._outcome(sum(map(len, self._encoder.pieces(parts))))
        if outcome.end is not JobEnd.NOT_STARTED:
            came_out = parts if outcome.end is not JobEnd.INCOMPLETE else parts[: len(parts) // 2]
            self.printed.append(draw_receipt(came_out, self.width_dots, SIMULATED))
            self._came_out(self.printed[-1])
            del self.printed[:-MAX_KEPT]
        return outcome


@dataclass(frozen=True, slots=True)
class PrintedPages:
    """What came out of a simulated page printer: a picture of each page, marked. The title is marked too."""

    title: str
    pages: tuple[Picture, ...]


class SimulatedPagePrinter(_Printer):
    """Prints PDFs as pictures of their pages, newest job last. Nothing in the PDF changes, and it is not kept."""

    def __init__(self, fate: Fate = Fate.WORKS, came_out: CameOut = lambda _paper: None) -> None:
        super().__init__(Kind.PAGE_PRINTER, fate, came_out)
        self.printed: list[PrintedPages] = []

    def print_pdf(self, pdf: bytes, *, title: str, limit_s: float = JOB_LIMIT_S) -> JobOutcome:
        """Print a PDF; `FAILS` runs out of paper after half of its pages.

        Raises:
            Unprintable: it is no PDF.
        """
        del limit_s
        pages = page_pictures(pdf, SIMULATED)
        outcome = self._outcome(len(pdf))
        if outcome.end is not JobEnd.NOT_STARTED:
            came_out = pages if outcome.end is not JobEnd.INCOMPLETE else pages[: len(pages) // 2]
            self.printed.append(PrintedPages(f"{SIMULATED} {title}", came_out))
            for page in came_out:
                self._came_out(page)
            del self.printed[:-MAX_KEPT]
        return outcome
