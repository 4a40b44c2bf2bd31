"""What a pen of the kernel says, from bytes to where the pen is; no device here.

Events are `struct input_event` (linux/input.h): a time in two words of the machine, then type, code and value. A row of
events that ends with SYN_REPORT is one report. SYN_DROPPED says that the reader was too slow: all up to the next
SYN_REPORT must be thrown away, and the state asked for anew (kernel, Documentation/input/event-codes.rst).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

EV_SYN: Final = 0x00
EV_KEY: Final = 0x01
EV_ABS: Final = 0x03
SYN_REPORT: Final = 0
SYN_DROPPED: Final = 3
ABS_X: Final = 0x00
ABS_Y: Final = 0x01
ABS_PRESSURE: Final = 0x18
BTN_TOOL_PEN: Final = 0x140
BTN_TOOL_RUBBER: Final = 0x141
BTN_TOUCH: Final = 0x14A

WORD_BYTES: Final = struct.calcsize("@L")
"""A word of this machine's kernel interface: 8 bytes, or 4."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event; the time is in microseconds."""

    time_us: int
    type: int
    code: int
    value: int


@dataclass(slots=True)
class Reader:
    """Cuts bytes into events; a part of an event waits for its rest.

    Args:
        word_bytes: 8 on a 64-bit kernel interface, 4 on a 32-bit one.
    """

    word_bytes: int = WORD_BYTES
    _rest: bytes = b""

    @property
    def event_bytes(self) -> int:
        """The size of one event: 24 or 16."""
        return 2 * self.word_bytes + 8

    def take(self, data: bytes) -> Iterator[Event]:
        """The events that are whole now."""
        form = struct.Struct("=" + {8: "QQ", 4: "LL"}[self.word_bytes] + "HHi")
        data = self._rest + data
        whole = len(data) - len(data) % form.size
        self._rest = data[whole:]
        for seconds, micros, kind, code, value in form.iter_unpack(data[:whole]):
            yield Event(seconds * 1_000_000 + micros, kind, code, value)


@dataclass(frozen=True, slots=True)
class Range:
    """An axis: its ends, and units a millimetre (0 where the pen does not say)."""

    low: int
    high: int
    per_mm: int = 0


def read_range(data: bytes) -> Range:
    """Read a `struct input_absinfo` (answer of EVIOCGABS): value, minimum, maximum, fuzz, flat, resolution."""
    _, low, high, _, _, per_mm = struct.unpack("=6i", data)
    return Range(low, high, per_mm)


class Lost(Enum):
    """What is known after SYN_DROPPED."""

    RESYNC = "ask for the state anew"


@dataclass(frozen=True, slots=True)
class Report:
    """Where the pen is, as the kernel counts. `down` is the tip on the surface; the eraser's end never writes."""

    time_us: int
    x: int
    y: int
    pressure: int
    down: bool


@dataclass(slots=True)
class Pen:
    """The state of one pen. Feed it every event; it answers at the end of each report.

    Attributes:
        keys: the buttons that are held.
        axes: the last value of each axis.
    """

    keys: set[int] = field(default_factory=set)
    axes: dict[int, int] = field(default_factory=dict)
    _dropping: bool = False
    _dirty: bool = False

    def take(self, event: Event) -> Report | Lost | None:
        """Take one event; answers a report of the pen, or that some were lost."""
        if event.type == EV_SYN and event.code == SYN_DROPPED:
            self._dropping = True
        elif event.type == EV_SYN and event.code == SYN_REPORT:
            return self._ended(event.time_us)
        elif self._dropping:
            return None
        elif event.type == EV_KEY:
            (self.keys.add if event.value else self.keys.discard)(event.code)
            self._dirty = True
        elif event.type == EV_ABS:
            self.axes[event.code] = event.value
            self._dirty = True
        return None

    def report(self, time_us: int) -> Report | None:
        """Where the pen is now; None where it is not known yet."""
        if ABS_X not in self.axes or ABS_Y not in self.axes:
            return None
        down = BTN_TOUCH in self.keys and BTN_TOOL_RUBBER not in self.keys
        pressure = self.axes.get(ABS_PRESSURE, int(down))
        return Report(time_us, self.axes[ABS_X], self.axes[ABS_Y], pressure, down)

    def _ended(self, time_us: int) -> Report | Lost | None:
        if self._dropping:
            self._dropping = self._dirty = False
            return Lost.RESYNC
        if not self._dirty:
            return None
        self._dirty = False
        return self.report(time_us)
