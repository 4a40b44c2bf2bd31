"""What an ESC/POS printer says of itself: questions and answers, without any transport.

Real-time questions (DLE EOT n) are answered at once, even while the printer is off line. The in-order question (GS r 1)
is answered when the printer has worked through everything sent before it. Bits as in Epson's ESC/POS reference, DLE EOT
and GS r.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from devices.contracts import Status

IN_ORDER: Final = b"\x1d\x72\x01"
"""GS r 1: the paper sensor, told in order with the data."""


class Question(IntEnum):
    """The n of DLE EOT n."""

    PRINTER = 1
    OFFLINE_CAUSE = 2
    ERROR_CAUSE = 3
    PAPER = 4

    @property
    def command(self) -> bytes:
        """The bytes that ask it."""
        return bytes((0x10, 0x04, self.value))


@dataclass(slots=True)
class Answers:
    """Sorts the bytes that a printer sends: real-time answers, in-order answers, automatic status nobody asked for.

    Real-time answers are `0xx1xx10`; automatic status (ASB) starts with `0xx1xx00` and is four bytes long; an in-order
    answer is `0xx0xxxx`. Anything else is noise and is counted.
    """

    noise: int = 0
    _real_time: int | None = None
    _in_order: int | None = None
    _skip: int = 0

    def take(self, data: bytes) -> None:
        """Sort some bytes; the latest answer of each sort is kept."""
        for byte in data:
            if byte & 0x93 == 0x12:
                self._real_time, self._skip = byte, 0
            elif byte & 0x93 == 0x10:
                self._skip = 3
            elif byte & 0x90 == 0 and self._skip:
                self._skip -= 1
            elif byte & 0x90 == 0:
                self._in_order = byte
            else:
                self.noise += 1

    def real_time(self) -> int | None:
        """The latest real-time answer, once."""
        answer, self._real_time = self._real_time, None
        return answer

    def in_order(self) -> int | None:
        """The latest in-order answer, once."""
        answer, self._in_order = self._in_order, None
        return answer


def status_of(answers: dict[Question, int]) -> Status:
    """One status from the answers that came; what stops work comes first.

    No answer at all is `UNKNOWN`; so is one that tells of no trouble, where nothing was said of the paper.
    """
    if not answers:
        return Status.UNKNOWN
    printer = answers.get(Question.PRINTER, 0)
    cause = answers.get(Question.OFFLINE_CAUSE, 0)
    error = answers.get(Question.ERROR_CAUSE, 0)
    paper = answers.get(Question.PAPER, 0)
    rules = (
        (paper & 0x60 or cause & 0x20, Status.PAPER_OUT),
        (cause & 0x04, Status.COVER_OPEN),
        (error & 0x08, Status.JAMMED),
        (error & 0x64 or cause & 0x40, Status.FAULT),
        (printer & 0x08, Status.OFFLINE),
        (paper & 0x0C, Status.PAPER_LOW),
    )
    well = Status.READY if Question.PAPER in answers else Status.UNKNOWN
    return next((status for bits, status in rules if bits), well)


def paper_of(in_order: int) -> Status:
    """What an in-order answer says of the paper (Epson's ESC/POS reference, GS r 1)."""
    return Status.PAPER_OUT if in_order & 0x0C else Status.PAPER_LOW if in_order & 0x03 else Status.READY


ADVICE: Final[dict[Status, tuple[str, str]]] = {
    Status.PAPER_OUT: ("The receipt printer is out of paper.", "Put in a new roll and close the cover."),
    Status.COVER_OPEN: ("The receipt printer's cover is open.", "Close the cover."),
    Status.JAMMED: ("The receipt printer's cutter is jammed.", "Open the cover, take the paper out, close it again."),
    Status.FAULT: ("The receipt printer reports a fault.", "Switch it off and on again; if it stays, call central IT."),
    Status.OFFLINE: ("The receipt printer is off line.", "Look at its lamps and its feed button, then try again."),
    Status.UNPLUGGED: ("The receipt printer is not connected.", "Check its cable and its power switch."),
    Status.UNKNOWN: ("The receipt printer does not answer.", "Check that it is switched on."),
    Status.BUSY: ("The receipt printer is busy.", "Wait a moment, then try again."),
}
"""What to say of a status that stops work."""
