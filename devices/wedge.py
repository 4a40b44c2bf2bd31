"""A code reader that types like a keyboard, told from a person by its pace.

Nearly every code reader is a keyboard to the machine. What gives it away: many characters, a few milliseconds apart,
and Enter at the end. Keys are therefore held back for a moment; what turns out to be typing is given on unchanged and
in order.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field, replace
from typing import Final

from devices.contracts import ENTER, Code, Identity, Kind, Status, Typed
from devices.finding import Which, pick
from devices.readers import readers

MAX_GAP_S: Final = 0.035
"""The longest pause between two characters of a reader; people take 60 ms and more."""
MIN_BURST: Final = 5
"""Fewer characters are typing, however fast: two or three keys do get pressed nearly at once."""
MAX_BURST: Final = 4_096
MAX_WAITING: Final = 16
WAIT_STEP_S: Final = 0.1


@dataclass(slots=True)
class Wedge:
    """Tells bursts from typing. Feed it every key with its time; ask again after `MAX_GAP_S` of silence."""

    _held: str = ""
    _last_s: float = field(default=float("-inf"))

    @property
    def max_gap_s(self) -> float:
        """The longest that keys are held back after the last one."""
        return MAX_GAP_S

    @property
    def holding(self) -> bool:
        """Whether keys are held back, so `due` must be asked soon."""
        return bool(self._held)

    def key(self, key: str, at_s: float) -> list[Typed | Code]:
        """Take one key: a character, or `ENTER`; answers what is now known, in order."""
        known = self.due(at_s)
        self._last_s = at_s
        if key != ENTER:
            self._held += key
            if len(self._held) > MAX_BURST:
                known.append(self._release())
            return known
        if len(self._held) >= MIN_BURST:
            code, self._held = Code(self._held), ""
            return [*known, code]
        self._held += key
        return [*known, self._release()]

    def due(self, at_s: float) -> list[Typed | Code]:
        """What was typing after all, because the next key did not follow in time."""
        return [self._release()] if self._held and at_s - self._last_s > MAX_GAP_S else []

    def _release(self) -> Typed:
        typed, self._held = Typed(self._held), ""
        return typed


class WedgeReader:
    """A reader that types, behind the contract: whoever sees the keys puts the codes in with `put`.

    Args:
        which: the one that was assigned; None for any. Keys do not say whose they are: it only tells whether that
            reader is plugged in.
    """

    def __init__(self, which: Which | None = None) -> None:
        self._which = which
        self._identity = Identity(Kind.CODE_READER, "", "", "keyboard wedge", "", "keyboard")
        if which is not None:
            numbers = (f"{which.vendor:04x}", f"{which.product:04x}")
            self._identity = Identity(Kind.CODE_READER, *numbers, "", which.serial, which.port)
        self._codes: queue.Queue[Code] = queue.Queue(MAX_WAITING)
        self._heard = False

    @property
    def identity(self) -> Identity:
        """Which reader this is; its name once it was found."""
        return self._identity

    def put(self, code: Code) -> None:
        """A code that a `Wedge` found; the oldest is dropped where nobody reads."""
        self._heard = True
        while True:
            try:
                self._codes.put_nowait(code)
                return
            except queue.Full:
                self._drop()

    def status(self) -> Status:
        """A keyboard says nothing of itself: unknown, until the first code was read."""
        if self._which is not None:
            node = pick(self._which, readers())
            if node is None:
                return Status.UNPLUGGED
            self._identity = replace(self._identity, model=node.name, serial=node.serial, port=node.port)
        return Status.READY if self._heard else Status.UNKNOWN

    def close(self) -> None:
        """Forget codes that nobody read."""
        while not self._codes.empty():
            self._drop()

    def read(self, *, cancelled: threading.Event | None = None, limit_s: float = 30.0) -> Code | None:
        """Wait for one code; None where none came in time, or it was cancelled."""
        steps = max(1, round(limit_s / WAIT_STEP_S))
        for _ in range(steps):
            if cancelled is not None and cancelled.is_set():
                return None
            try:
                return self._codes.get(timeout=min(limit_s, WAIT_STEP_S))
            except queue.Empty:
                continue
        return None

    def _drop(self) -> None:
        try:
            self._codes.get_nowait()
        except queue.Empty:
            return
