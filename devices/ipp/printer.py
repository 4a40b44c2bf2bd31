"""A page printer that speaks IPP, itself or behind CUPS: A4, and the job followed to its end.

`PRINTED` is what the printer calls completed. Behind CUPS that may only mean that CUPS handed the pages over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from devices.contracts import ANSWER_LIMIT_S, JOB_LIMIT_S, Identity, JobEnd, JobOutcome, Kind, Status
from devices.errors import DeviceFault, Refused, Unplugged
from devices.ipp.message import Answer, Attribute, Operation, Tag, read_answer, request
from devices.ipp.transport import exchange, read_place

A4: Final = "iso_a4_210x297mm"
PDF: Final = "application/pdf"
POLL_S: Final = 0.5
QUESTION_LIMIT_S: Final = 5.0
"""How long a question may take, the connection included."""
MAX_PDF_BYTES: Final = 64 * 1024 * 1024
STOPPED: Final = 5
JOB_DONE: Final = 9
JOB_ENDED: Final = frozenset({7, 8, 9})
NOT_ACCEPTING: Final = 0x0506

REASONS: Final = (
    (("media-empty", "media-needed"), Status.PAPER_OUT),
    (("media-jam",), Status.JAMMED),
    (("cover-open", "door-open", "interlock-open"), Status.COVER_OPEN),
    (("marker-supply-empty", "toner-empty", "fuser", "output-area-full", "other-error"), Status.FAULT),
    (("offline", "shutdown", "paused", "timed-out", "stopped"), Status.OFFLINE),
    (("media-low",), Status.PAPER_LOW),
)
ADVICE: Final[dict[Status, tuple[str, str]]] = {
    Status.PAPER_OUT: ("The page printer is out of paper.", "Put in A4 paper."),
    Status.JAMMED: ("The page printer has a paper jam.", "Open it, take the paper out, close it again."),
    Status.COVER_OPEN: ("The page printer is open.", "Close its doors."),
    Status.FAULT: ("The page printer reports a fault.", "Look at its display; it may need toner or ink."),
    Status.OFFLINE: ("The page printer is stopped.", "Look at its display, then try again."),
    Status.UNPLUGGED: ("The page printer cannot be reached.", "Check its power and its cable."),
    Status.UNKNOWN: ("The page printer does not answer as it should.", "Switch it off and on; then try again."),
}


class IppPrinter:
    """One page printer.

    Args:
        uri: `ipp://host[:port]/path` or `ipps://…`; a printer's own path is mostly `/ipp/print`, one of CUPS
            `/printers/NAME`. `devices.ipp.transport` says how a certificate is written into it.
        clock: monotonic seconds.
        sleep: waits between two looks at a job.
    """

    def __init__(
        self,
        uri: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = read_place(uri)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._number = 0
        self.identity = Identity(Kind.PAGE_PRINTER, "", "", "", "", self._place.uri)

    def close(self) -> None:
        """Nothing is kept open."""

    def status(self) -> Status:
        """How the printer is now."""
        if not self._lock.acquire(timeout=ANSWER_LIMIT_S):
            return Status.BUSY
        try:
            return self._status()[0]
        except Unplugged:
            return Status.UNPLUGGED
        except DeviceFault:
            return Status.UNKNOWN
        finally:
            self._lock.release()

    def print_pdf(self, pdf: bytes, *, title: str, limit_s: float = JOB_LIMIT_S) -> JobOutcome:
        """Print a PDF on A4 and follow the job to its end.

        Args:
            pdf: the document, at most 64 MB.
            title: what the printer's display and job list show; nothing personal.
            limit_s: how long to follow the job.

        Raises:
            Refused: it is no PDF that can be sent.
        """
        if not pdf.startswith(b"%PDF-") or len(pdf) > MAX_PDF_BYTES:
            raise Refused("That is no PDF that can be printed.", "Tell central IT: this is a fault of the program.")
        with self._lock:
            total = len(pdf)
            try:
                status, about = self._status()
                if not status.usable and status is not Status.BUSY:
                    return JobOutcome(JobEnd.NOT_STARTED, status, 0, total, *ADVICE[status])
                if A4 not in about.texts(Tag.PRINTER, "media-supported"):
                    return JobOutcome(
                        JobEnd.NOT_STARTED, status, 0, total, "This printer has no A4 paper.", "Use another printer."
                    )
            except DeviceFault as fault:
                state = Status.UNPLUGGED if isinstance(fault, Unplugged) else Status.UNKNOWN
                return JobOutcome(JobEnd.NOT_STARTED, state, 0, total, fault.sentence, fault.next_step)
            return self._job(pdf, title, self._clock() + limit_s)

    def _job(self, pdf: bytes, title: str, end: float) -> JobOutcome:
        total, sent = len(pdf), 0

        def count(taken: int) -> None:
            nonlocal sent
            sent += taken

        attributes: list[Attribute] = [
            (Tag.NAME, "job-name", (title[:100],)),
            (Tag.BOOLEAN, "ipp-attribute-fidelity", (True,)),
            (Tag.MIME, "document-format", (PDF,)),
        ]
        try:
            answer = self._ask(
                Operation.PRINT_JOB, attributes, ((Tag.KEYWORD, "media", (A4,)),), pdf, count, end - self._clock()
            )
        except DeviceFault as fault:
            ended = JobEnd.SENT_UNCONFIRMED if sent == total else JobEnd.INCOMPLETE if sent else JobEnd.NOT_STARTED
            step = f"{fault.next_step} Look at the paper before printing again.".strip()
            return JobOutcome(ended, Status.UNKNOWN, sent, total, fault.sentence, step)
        job = answer.number(Tag.JOB, "job-id")
        if not answer.ok or job is None:
            busy = answer.status == NOT_ACCEPTING
            return JobOutcome(
                JobEnd.NOT_STARTED,
                Status.BUSY if busy else Status.UNKNOWN,
                0,
                total,
                "The page printer takes no jobs now." if busy else "The page printer refused the document.",
                "Wait a moment, then try again." if busy else "Use another printer, or call central IT.",
            )
        return self._followed(job, total, end)

    def _followed(self, job: int, total: int, end: float) -> JobOutcome:
        """Look at the job until it ended, or the time is over."""
        status = Status.UNKNOWN
        while self._clock() < end:
            state: int | None = None
            reasons: tuple[str, ...] = ()
            try:
                told = self._ask(Operation.GET_JOB_ATTRIBUTES, [(Tag.INTEGER, "job-id", (job,))])
                state, reasons = told.number(Tag.JOB, "job-state"), told.texts(Tag.JOB, "job-state-reasons")
                status = self._status()[0]
            except DeviceFault:
                status = Status.UNKNOWN
            if state in JOB_ENDED:
                if state == JOB_DONE and not any("error" in reason for reason in reasons):
                    return JobOutcome(JobEnd.PRINTED, status, total, total, "The pages were printed.")
                return JobOutcome(
                    JobEnd.INCOMPLETE, status, total, total, "The printer ended the job before all was printed.",
                    "Throw away what came out, then print it again.",
                )  # fmt: skip
            self._sleep(POLL_S)
        sentence, step = ADVICE.get(status, ("The job still waits in the page printer.", ""))
        return JobOutcome(
            JobEnd.SENT_UNCONFIRMED, status, total, total, sentence,
            f"{step} The printer has the pages and may still print them: look at the paper first.".strip(),
        )  # fmt: skip

    def _status(self) -> tuple[Status, Answer]:
        wanted = ("printer-state", "printer-state-reasons", "media-supported", "printer-make-and-model")
        answer = self._ask(Operation.GET_PRINTER_ATTRIBUTES, [(Tag.KEYWORD, "requested-attributes", wanted)])
        if not answer.ok:
            raise Refused("The page printer refused to say how it is.", "Check its address in the settings.")
        state = answer.number(Tag.PRINTER, "printer-state")
        reasons = answer.texts(Tag.PRINTER, "printer-state-reasons")
        for words, status in REASONS:
            if any(reason.startswith(words) for reason in reasons):
                return status, answer
        known = {3: Status.READY, 4: Status.BUSY, STOPPED: Status.OFFLINE}
        return known.get(state or 0, Status.UNKNOWN), answer

    def _ask(
        self,
        operation: Operation,
        attributes: Sequence[Attribute],
        job: Sequence[Attribute] = (),
        document: bytes = b"",
        count: Callable[[int], None] = lambda _taken: None,
        limit_s: float = QUESTION_LIMIT_S,
    ) -> Answer:
        self._number += 1
        who: tuple[Attribute, ...] = (
            (Tag.URI, "printer-uri", (self._place.uri,)),
            (Tag.NAME, "requesting-user-name", ("sanad",)),
        )
        # The standard wants the target first, and job-id right after it.
        asked = request(operation, self._number, (who[0], *_target(attributes), who[1], *_rest(attributes)), job)
        return read_answer(exchange(self._place, asked, document, limit_s, count))


def _target(attributes: Sequence[Attribute]) -> list[Attribute]:
    return [attribute for attribute in attributes if attribute[1] == "job-id"]


def _rest(attributes: Sequence[Attribute]) -> list[Attribute]:
    return [attribute for attribute in attributes if attribute[1] != "job-id"]
