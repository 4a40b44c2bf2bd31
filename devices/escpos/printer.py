"""A receipt printer: asks how it is, sends a whole job, and says what is known of the paper.

A job goes through these steps, each with a time limit:

1. Ask (DLE EOT). A printer that says it cannot print gets nothing: `NOT_STARTED`.
2. Send piece by piece. After every few kilobytes ask again; a printer that says it stopped, takes nothing more, or
   vanishes, ends the job as `INCOMPLETE`.
3. After the last byte ask again. Where the printer answers in-order questions (GS r), wait for that answer: it comes
   when everything before it was worked through. A well answer is `PRINTED`, a bad one `INCOMPLETE`, none
   `SENT_UNCONFIRMED`.

Whether a printer answers at all is found out once for each time it is plugged in (or once for each network address); a
silent one is not waited for again.

What it does not promise: without in-order answers, `PRINTED` means that the printer was well right after it took the
last byte. No printer sees what stands on the paper.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from devices.contracts import (
    ANSWER_LIMIT_S,
    CONFIRM_LIMIT_S,
    JOB_LIMIT_S,
    WRITE_STALL_LIMIT_S,
    Identity,
    JobEnd,
    JobOutcome,
    ReceiptPart,
    Status,
)
from devices.errors import DeviceFault, Unplugged
from devices.escpos.encode import ReceiptEncoder
from devices.escpos.links import PrinterLink
from devices.escpos.status import ADVICE, IN_ORDER, Answers, Question, paper_of, status_of

ASK_EVERY_BYTES: Final = 4096
DRAIN_S: Final = 0.005
MAX_DRAINS: Final = 16
SILENCES: Final = 2
"""How often a printer may be silent in one job before it is not asked again until the end."""
MAX_OWED: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits in seconds; tests shorten them."""

    answer_s: float = ANSWER_LIMIT_S
    stall_s: float = WRITE_STALL_LIMIT_S
    job_s: float = JOB_LIMIT_S
    confirm_s: float = CONFIRM_LIMIT_S


class Stopped(Exception):
    """The job came to a stop before its end; raised and caught in this module."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.value)
        self.status = status


class EscposPrinter:
    """A receipt printer behind a link.

    Args:
        identity: which printer this is.
        link: how its bytes travel.
        encoder: what its paper and code pages can hold.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        identity: Identity,
        link: PrinterLink,
        encoder: ReceiptEncoder | None = None,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.identity = identity
        self._link = link
        self._encoder = encoder or ReceiptEncoder()
        self._limits = limits or Limits()
        self._clock = clock
        self._lock = threading.Lock()
        self._learnt = -1
        self._answers: bool | None = None
        self._in_order: bool | None = None
        self._spoke = False
        self._owed = 0

    @property
    def width_dots(self) -> int:
        """How wide a picture may be."""
        return self._encoder.width_dots

    @property
    def answers(self) -> bool | None:
        """Whether it answers status questions; None until it was asked."""
        return self._answers

    def can_say(self, text: str) -> bool:
        """Whether the printer's code pages set this text rightly."""
        return self._encoder.can_say(text)

    def status(self) -> Status:
        """How it is now; silence is `UNKNOWN`."""
        try:
            return self.check()
        except Unplugged:
            return Status.UNPLUGGED
        except DeviceFault:
            return Status.UNKNOWN

    def check(self) -> Status:
        """As `status`, and says why where it cannot be asked.

        Raises:
            DeviceFault: it is not there, or may not be opened.
        """
        if not self._lock.acquire(timeout=self._limits.answer_s):
            return Status.BUSY
        try:
            return self._ask()
        finally:
            self._link.close()
            self._lock.release()

    def close(self) -> None:
        """Let go of the printer."""
        with self._lock:
            self._link.close()

    def print(self, parts: Sequence[ReceiptPart]) -> JobOutcome:
        """Print a receipt, once.

        Raises:
            Unprintable: it cannot be put on this printer; nothing was sent.
        """
        pieces = self._encoder.pieces(parts)
        with self._lock:
            try:
                return self._job(pieces)
            finally:
                self._link.close()

    # --- the job ------------------------------------------------------------------------------------------------------

    def _job(self, pieces: Sequence[bytes]) -> JobOutcome:
        total = sum(map(len, pieces))
        sent = 0

        def count(taken: int) -> None:
            nonlocal sent
            sent += taken

        try:
            status = self._ask()
            silent_speaker = self._answers is True and not self._spoke
            if not status.usable or silent_speaker:
                return JobOutcome(JobEnd.NOT_STARTED, status, 0, total, *ADVICE[status])
            end = self._clock() + self._limits.job_s
            self._settle(end)
            self._send(pieces, end, count)
            return self._confirmed(total)
        except Stopped as stop:
            return self._stopped(stop.status, sent, total)
        except DeviceFault as fault:
            status = Status.UNPLUGGED if isinstance(fault, Unplugged) else Status.UNKNOWN
            if 0 < total == sent:
                return self._unconfirmed(status, total, f"The receipt was sent. {fault.sentence}", fault.next_step)
            return self._stopped(status, sent, total, fault)

    def _stopped(self, status: Status, sent: int, total: int, fault: DeviceFault | None = None) -> JobOutcome:
        sentence, step = ADVICE.get(status, ADVICE[Status.UNKNOWN])
        if fault is not None:
            sentence, step = fault.sentence, fault.next_step
        if not sent:
            return JobOutcome(JobEnd.NOT_STARTED, status, 0, total, sentence, step)
        return JobOutcome(
            JobEnd.INCOMPLETE,
            status,
            sent,
            total,
            f"{sentence} The receipt was not printed to its end.",
            f"{step} Throw away what came out, then print it again.",
        )

    def _settle(self, end: float) -> None:
        """Finish, with zeros, a command that an earlier job broke off: else it would swallow the start of this one."""
        while self._owed:
            taken = self._link.write(bytes(min(self._owed, 4096)), self._limits.stall_s)
            if not taken or self._clock() >= end:
                raise Stopped(self._cause())
            self._owed -= taken

    def _send(self, pieces: Sequence[bytes], end: float, count: Callable[[int], None]) -> None:
        unasked = silences = 0
        for piece in pieces:
            self._write(piece, end, count)
            unasked += len(piece)
            if unasked >= ASK_EVERY_BYTES and self._answers and silences < SILENCES:
                unasked = 0
                status = self._ask()
                silences = 0 if self._spoke else silences + 1
                if not status.usable:
                    raise Stopped(status)
        if self._link.flush(min(self._limits.stall_s, max(0.0, end - self._clock()))):
            raise Stopped(self._cause())

    def _write(self, piece: bytes, end: float, count: Callable[[int], None]) -> None:
        """Write a piece to its last byte."""
        done = 0
        try:
            while done < len(piece):
                left = end - self._clock()
                taken = self._link.write(piece[done:], min(self._limits.stall_s, left)) if left > 0 else 0
                if not taken:
                    raise Stopped(self._cause())
                done += taken
                count(taken)
        finally:
            if 0 < done < len(piece):
                self._owed = min(len(piece) - done, MAX_OWED)

    def _cause(self) -> Status:
        """Why it takes nothing more, if it says so."""
        status = self._ask() if self._answers else Status.UNKNOWN
        return Status.OFFLINE if status.usable and status is not Status.UNKNOWN else status

    def _confirmed(self, total: int) -> JobOutcome:
        if not self._answers:
            sentence = "The receipt was sent; this printer cannot say whether it was printed."
            return JobOutcome(JobEnd.SENT_UNCONFIRMED, Status.UNKNOWN, total, total, sentence, "Look at the paper.")
        status = self._wait_in_order() if self._in_order else self._ask()
        if status is Status.UNKNOWN:
            silence = "does not say whether it has paper" if self._spoke else "no longer answered"
            return self._unconfirmed(status, total, f"The receipt was sent, and then the printer {silence}.")
        if not status.usable:
            return self._stopped(status, total, total)
        return JobOutcome(JobEnd.PRINTED, status, total, total, "The receipt was printed.")

    def _unconfirmed(self, status: Status, total: int, sentence: str, step: str = "") -> JobOutcome:
        """All was taken, and nobody knows what became of it."""
        step = f"{step} Look at the paper; print again only if it is not whole.".strip()
        return JobOutcome(JobEnd.SENT_UNCONFIRMED, status, total, total, sentence, step)

    def _wait_in_order(self) -> Status:
        """Wait until everything sent was worked through; what stops the printer meanwhile ends the wait."""
        end = self._clock() + self._limits.confirm_s
        answers = Answers()
        self._drain(answers)
        answers.in_order()
        if not self._say(IN_ORDER):
            return Status.UNKNOWN
        while self._clock() < end:
            status = self._ask(answers)
            worked_through = answers.in_order()
            if worked_through is not None and status.usable:
                paper = paper_of(worked_through)
                return paper if self._spoke and (status is Status.UNKNOWN or not paper.usable) else status
            if not status.usable:
                return status
            answers.take(self._link.read(self._limits.answer_s))
        return Status.UNKNOWN

    # --- questions ----------------------------------------------------------------------------------------------------

    def _ask(self, heard: Answers | None = None) -> Status:
        """Ask how it is, and learn whether it answers at all. Raises `DeviceFault`."""
        self._spoke = False
        can_answer = self._link.can_answer
        if self._link.generation != self._learnt:
            self._learnt, self._answers, self._in_order, self._owed = self._link.generation, None, None, 0
        if not can_answer or self._answers is False:
            self._answers = False
            return Status.UNKNOWN
        answers = heard or Answers()
        self._drain(answers)
        told: dict[Question, int] = {}
        asked = self._put(Question.PRINTER, answers, told)
        if asked and not told and self._answers is None:
            asked = self._put(Question.PRINTER, answers, told)
        if not told:
            if asked and self._answers is None:
                self._answers = False
            return Status.UNKNOWN
        self._answers = self._spoke = True
        self._put(Question.PAPER, answers, told)
        self._put(Question.OFFLINE_CAUSE, answers, told)
        if told[Question.PRINTER] & 0x08 or told.get(Question.OFFLINE_CAUSE, 0) & 0x40:
            self._put(Question.ERROR_CAUSE, answers, told)
        status = status_of(told)
        if self._in_order is None and status.usable:
            self._in_order = self._learn_in_order(answers)
        return status

    def _put(self, question: Question, answers: Answers, told: dict[Question, int]) -> bool:
        """Put a question and wait for its answer; false if the printer did not even take the question."""
        answers.real_time()
        if not self._say(question.command):
            return False
        end = self._clock() + self._limits.answer_s
        while (left := end - self._clock()) > 0:
            answers.take(self._link.read(left))
            answer = answers.real_time()
            if answer is not None:
                told[question] = answer
                break
        return True

    def _learn_in_order(self, answers: Answers) -> bool:
        """Whether GS r is answered, found out while nothing is being printed."""
        answers.in_order()
        if not self._say(IN_ORDER):
            return False
        end = self._clock() + self._limits.answer_s
        while (left := end - self._clock()) > 0:
            answers.take(self._link.read(left))
            if answers.in_order() is not None:
                return True
        return False

    def _say(self, command: bytes) -> bool:
        """Hand over a whole question; one that was broken off is finished with zeros before anything else."""
        done = 0
        while done < len(command):
            taken = self._link.write(command[done:], self._limits.answer_s)
            if not taken:
                self._owed = max(self._owed, len(command) - done) if done else self._owed
                return False
            done += taken
        return True

    def _drain(self, answers: Answers) -> None:
        """Take what came unasked, so that it is not mistaken for an answer."""
        for _ in range(MAX_DRAINS):
            data = self._link.read(DRAIN_S)
            if not data:
                return
            answers.take(data)
