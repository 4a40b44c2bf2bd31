"""The driver of pen displays and pen tablets that the kernel serves (evdev).

The kernel tells of the pen alone. Whatever screen is under it belongs to the desktop: nothing can be shown there and no
button drawn; the counter shows what is signed and says when the citizen is done (`SignaturePad.capture`, `accepted`).
While a signature is taken the pen is grabbed: it moves no pointer. A pen that lies still says nothing, so silence is no
sign of a fault; a cable pulled out is known at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from devices import sysfs
from devices.collecting import Collector
from devices.contracts import (
    ANSWER_LIMIT_S,
    CAPTURE_LIMIT_S,
    CaptureEnd,
    CaptureOutcome,
    Identity,
    Kind,
    PadCapability,
    PenSample,
    Picture,
    SampleClock,
    Signature,
    SigningScreen,
    Status,
)
from devices.errors import DeviceFault, Garbled, Unplugged
from devices.evdev.events import ABS_PRESSURE, ABS_X, ABS_Y, BTN_TOOL_PEN, BTN_TOUCH, Lost, Pen, Range, Report
from devices.evdev.node import InputNode
from devices.finding import Which, pick

READ_SLICE_S: Final = 0.1
"""How long one wait for the pen lasts, so that accepting and cancelling are noticed soon."""
MAX_GARBAGE: Final = 32
MM_AN_INCH: Final = 25.4
AGAIN: Final = "Ask the citizen to sign again."
GARBLED_STEP: Final = "Pull its cable out, put it in again; if it stays, call central IT."


def pens() -> list[sysfs.Node]:
    """The pens of this machine: one for each device, also where it has several nodes."""
    found: dict[tuple[int, int, str, str], sysfs.Node] = {}
    for node in sysfs.nodes("input"):
        keys, axes = (sysfs.bits(node.folder, f"device/capabilities/{which}") for which in ("key", "abs"))
        has = all(keys >> key & 1 for key in (BTN_TOOL_PEN, BTN_TOUCH)) and all(
            axes >> axis & 1 for axis in (ABS_X, ABS_Y)
        )
        if has:
            found.setdefault((node.vendor, node.product, node.serial, node.port), node)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Ranges:
    """The axes of a pen."""

    x: Range
    y: Range
    pressure: Range

    @property
    def has_pressure(self) -> bool:
        return self.pressure.high > self.pressure.low

    @property
    def axes(self) -> tuple[int, ...]:
        return (ABS_X, ABS_Y, ABS_PRESSURE) if self.has_pressure else (ABS_X, ABS_Y)

    def capability(self) -> PadCapability:
        """As the contract counts: from 0. Without pressure the greatest is 1: down."""
        width, height = self.x.high - self.x.low, self.y.high - self.y.low
        if width <= 0 or height <= 0:
            raise Garbled("The signature pad tells sizes that cannot be.", GARBLED_STEP)
        pressure = self.pressure.high - self.pressure.low if self.has_pressure else 1
        return PadCapability(width, height, pressure, 0, 0, 0, round(self.x.per_mm * MM_AN_INCH))


@dataclass(slots=True)
class _Capture:
    """One capture under way. `lifted` turns true once the pen was seen off the surface."""

    ranges: _Ranges
    capability: PadCapability
    collector: Collector
    pen: Pen = field(default_factory=Pen)
    lifted: bool = True
    began_us: int | None = None
    last_ms: int = 0
    lost: int = 0
    garbage: int = 0

    def broken(self) -> None:
        """Reports were lost: the stroke ends where it was last seen, as no line may be drawn that nobody saw."""
        self.lost += 1
        if self.collector.writing:
            self.collector.take(replace(self.collector.samples[-1], pressure=0, down=False))

    def sample(self, report: Report) -> PenSample | None:
        """One sample; None for a report that cannot be, of which a few are forgiven."""
        x, y = report.x - self.ranges.x.low, report.y - self.ranges.y.low
        pressure = report.pressure - self.ranges.pressure.low if self.ranges.has_pressure else int(report.down)
        can = self.capability
        if not (0 <= x <= can.max_x and 0 <= y <= can.max_y and 0 <= pressure <= can.max_pressure):
            self.garbage += 1
            if self.garbage > MAX_GARBAGE:
                raise Garbled("The signature pad sends reports that cannot be.", GARBLED_STEP)
            return None
        if not self.lifted:
            self.lifted = not report.down
            return None
        self.began_us = report.time_us if self.began_us is None else self.began_us
        self.last_ms = max(self.last_ms, (report.time_us - self.began_us) // 1000)
        return PenSample(self.last_ms, x, y, pressure if report.down else 0, report.down)


@dataclass(frozen=True, slots=True)
class Counterside:
    """What the counter can say while the citizen signs."""

    cancelled: threading.Event
    accepted: threading.Event
    cleared: threading.Event

    @property
    def wants_more_than_ink(self) -> bool:
        """Whether it said that the citizen is done, or wants to begin anew."""
        return self.accepted.is_set() or self.cleared.is_set()

    def heeded(self) -> None:
        """What it said is done with. Who clears takes an acceptance back that came with it."""
        self.cleared.clear()
        self.accepted.clear()


class EvdevPad:
    """One pen display or pen tablet.

    Args:
        which: the device.
        clock: monotonic seconds.
    """

    def __init__(self, which: Which, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._which = which
        self._clock = clock
        self._lock = threading.Lock()
        numbers = (f"{which.vendor:04x}", f"{which.product:04x}")
        self._identity = Identity(Kind.SIGNATURE_PAD, *numbers, "", which.serial, which.port)

    @property
    def identity(self) -> Identity:
        """Which pen this is; its name once it was found."""
        return self._identity

    def close(self) -> None:
        """Nothing is kept open between calls."""

    def status(self) -> Status:
        """Whether it is there and can be opened."""
        try:
            self.check()
        except Unplugged:
            return Status.UNPLUGGED
        except DeviceFault:
            return Status.UNKNOWN
        return Status.BUSY if self._lock.locked() else Status.READY

    def check(self) -> None:
        """As `status`, and says why where it cannot be used.

        Raises:
            DeviceFault: it is not there, or may not be opened.
        """
        if self._lock.acquire(timeout=ANSWER_LIMIT_S):
            try:
                self._find()
                with self._opened() as node:
                    _ranges(node).capability()
            finally:
                self._lock.release()

    def capability(self) -> PadCapability:
        """What the pen can do; it has no screen.

        Raises:
            DeviceFault: it is not there or does not answer.
        """
        with self._lock, self._opened() as node:
            return _ranges(node).capability()

    def can_say(self, text: str) -> bool:
        """Nothing is shown, so nothing is lacking."""
        del text
        return True

    def show(self, picture: Picture | None) -> None:
        """There is no screen to show it on."""
        del picture

    def capture(
        self,
        screen: SigningScreen,
        *,
        seen: Callable[[PenSample], None] = lambda _sample: None,
        erased: Callable[[], None] = lambda: None,
        cancelled: threading.Event | None = None,
        accepted: threading.Event | None = None,
        cleared: threading.Event | None = None,
        limit_s: float = CAPTURE_LIMIT_S,
    ) -> CaptureOutcome:
        """Collect the pen until the counter says that the citizen is done."""
        counter = Counterside(*(event or threading.Event() for event in (cancelled, accepted, cleared)))
        with self._lock, self._opened() as node:
            end = self._clock() + min(limit_s, CAPTURE_LIMIT_S)
            node.grab()
            node.use_steady_clock()
            node.forget()
            ranges = _ranges(node)
            capture = _Capture(ranges, ranges.capability(), Collector({}, seen, erased))
            capture.pen = Pen(*node.state(ranges.axes))
            capture.lifted = BTN_TOUCH not in capture.pen.keys
            try:
                return self._collect(node, capture, screen, end, counter)
            except Unplugged:
                return _void("The pad was pulled out while the citizen signed; that signature is void.",
                             f"Put the pad's cable in again. {AGAIN}")  # fmt: skip
            except DeviceFault as fault:
                return _void(f"{fault.sentence} That signature is void.", f"{fault.next_step} {AGAIN}".strip())

    def _collect(
        self,
        node: InputNode,
        capture: _Capture,
        screen: SigningScreen,
        end: float,
        counter: Counterside,
    ) -> CaptureOutcome:
        collector = capture.collector
        while not counter.cancelled.is_set():
            now = self._clock()
            if now >= end:
                return CaptureOutcome(CaptureEnd.TIMED_OUT, None, "The citizen did not sign in time.", AGAIN)
            done = counter.wants_more_than_ink and not collector.writing
            heard = self._take(node, capture, 0.0 if done else min(READ_SLICE_S, end - now))
            if collector.full:
                return _void("The signature was too long.", AGAIN)
            if not done or heard:
                continue
            if counter.cleared.is_set():
                collector.clear()
            elif collector.has_ink:
                return self._accepted(capture, screen)
            counter.heeded()
        return CaptureOutcome(CaptureEnd.CANCELLED, None, "The signature was cancelled at the counter.", "")

    def _take(self, node: InputNode, capture: _Capture, limit_s: float) -> bool:
        """Take what the pen says; false where it says nothing within the limit."""
        events = node.read(limit_s)
        for event in events:
            report = capture.pen.take(event)
            if report is Lost.RESYNC:
                capture.broken()
                capture.pen = Pen(*node.state(capture.ranges.axes))
                report = capture.pen.report(event.time_us)
            sample = capture.sample(report) if isinstance(report, Report) else None
            if sample is not None:
                capture.collector.take(sample)
        return bool(events)

    def _accepted(self, capture: _Capture, screen: SigningScreen) -> CaptureOutcome:
        signature = Signature(
            self._identity,
            capture.capability,
            screen.document_sha256,
            SampleClock.HOST,
            capture.collector.ink,
            capture.lost,
        )
        return CaptureOutcome(CaptureEnd.ACCEPTED, signature, "The citizen signed.")

    def _find(self) -> sysfs.Node:
        node = pick(self._which, pens())
        if node is None:
            raise Unplugged("The signature pad is not connected.", "Check its cable and its power.")
        self._identity = replace(self._identity, model=node.name, serial=node.serial, port=node.port)
        return node

    @contextmanager
    def _opened(self) -> Iterator[InputNode]:
        node = InputNode(self._find().device)
        try:
            yield node
        finally:
            node.close()


def _ranges(node: InputNode) -> _Ranges:
    return _Ranges(node.axis(ABS_X), node.axis(ABS_Y), node.axis(ABS_PRESSURE))


def _void(sentence: str, next_step: str) -> CaptureOutcome:
    return CaptureOutcome(CaptureEnd.VOID, None, sentence, next_step)
