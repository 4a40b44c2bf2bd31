"""A pen tablet as the kernel gives it (evdev), and a citizen in front of it who follows a script once it is grabbed.

The script is a list of steps, in the units of the kernel: `["stroke", [[x, y, pressure], …]]`, `["eraser", [[…], …]]`,
`["down", [[…], …]]` (and not lifted), `["lift"]`, `["dropped", x, y, pressure]` (the kernel threw reports away; the pen
is down there now), `["raw", hex]`, `["sleep", ms]` (of the pen's clock), `["unplug"]`, `["enter"]`
(somebody presses Enter at the counter), and `["evemu", path]` (a
recording, written by umockdev).
"""

from __future__ import annotations

import errno
import os
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

STEP_US = 5_000
EV_SYN, EV_KEY, EV_ABS = 0, 1, 3
X, Y, PRESSURE, TILT_X, DISTANCE = 0x00, 0x01, 0x18, 0x1A, 0x19
TOOL_PEN, TOOL_RUBBER, TOUCH, STYLUS = 0x140, 0x141, 0x14A, 0x14B
LIMIT_S = 20
WAKE_BYTES = 3072  # a read that is under way takes up to 1536; the rest wakes the next one


@dataclass
class PenTablet:
    """A pen tablet. Ranges are (minimum, maximum, units a millimetre); no pressure where that is None.

    `grabbed` has another program hold it, `touching` has the pen lie on it at the start,
    `hovering` move above it; without `steady` the kernel has no clock to choose.
    """

    script: list[list[Any]] = field(default_factory=list)
    x: tuple[int, int, int] = (0, 21600, 100)
    y: tuple[int, int, int] = (0, 13500, 100)
    pressure: tuple[int, int, int] | None = (0, 2047, 0)
    grabbed: bool = False
    touching: bool = False
    steady: bool = True
    hovering: bool = False
    strings: Sequence[str] = ("Wacom Co.,Ltd.", "Intuos Pro M", "PEN1")
    plugged: bool = True
    grabs: int = 0
    clock_us: int = 1_000_000_000
    _keys: set[int] = field(default_factory=set)
    _axes: dict[int, int] = field(default_factory=dict)
    _asked: threading.Event = field(default_factory=threading.Event)
    _state_asked: bool = False
    _out: int = -1
    _load: Any = None
    _type: Any = None

    ids: ClassVar[tuple[int, int]] = (0x056A, 0x0357)
    name: ClassVar[str] = "Wacom Intuos Pro M Pen"
    keys: ClassVar[tuple[int, ...]] = (TOOL_PEN, TOOL_RUBBER, TOUCH, STYLUS)
    endpoints: ClassVar[Sequence[tuple[int, int, int, int]]] = ((0x81, 3, 64, 4),)
    interface_class = (3, 0, 0)

    def describe(self, number: int, port: str) -> tuple[str, str]:
        """The text for `add_from_string` (below the USB device), and the node."""
        folder = f"/devices/pci0000:00/0000:00:14.0/usb1/{port}/{port}:1.0/0003:056A:0357.0001/input/input{number}"
        keys = sum(1 << key for key in self.keys)
        axes = sum(1 << axis for axis in (X, Y, TILT_X, DISTANCE)) | (1 << PRESSURE if self.pressure else 0)
        vendor, product = self.ids
        attributes = {
            "name": self.name, "uniq": "", "phys": f"usb-0000:00:14.0-{port}/input0", "id/vendor": f"{vendor:04x}",
            "id/product": f"{product:04x}", "capabilities/key": words(keys), "capabilities/abs": words(axes),
        }  # fmt: skip
        device = [f"P: {folder}", "E: SUBSYSTEM=input", *(f"A: {key}={value}" for key, value in attributes.items())]
        node = [f"P: {folder}/event{number}", f"N: input/event{number}", "E: SUBSYSTEM=input",
                f"E: DEVNAME=/dev/input/event{number}", "E: MAJOR=13", f"E: MINOR={64 + number}",
                f"L: device=../../input{number}"]  # fmt: skip
        return "\n".join(device) + "\n\n" + "\n".join(node) + "\n", f"/dev/input/event{number}"

    def plug_in(self) -> None:
        """Nobody holds it, and no key is down."""
        self.plugged = True
        self._keys, self._axes = ({TOOL_PEN, TOUCH} if self.touching else set()), {X: self.x[0], Y: self.y[0]}

    def connect(self, out: int, load: Any) -> None:
        """Where its events go, and what plays a recording."""
        self._out, self._load = out, load

    def counter(self, types: Any) -> None:
        """What types at the counter."""
        self._type = types

    def ioctl(self, request: int, arg: Any) -> tuple[int, bytes]:
        """Answer an ioctl: the result (negative: an error number), and what is written to the caller."""
        if not self.plugged:
            return -errno.ENODEV, b""
        number, size = request & 0xFF, request >> 16 & 0x3FFF
        if request >> 8 & 0xFF != ord("E"):
            return -errno.ENOTTY, b""
        if number == 0x06:
            return len(self.name) + 1, self.name.encode()[: size - 1] + b"\0"
        if number == 0x18:
            self._state_asked = True
            return size, sum(1 << key for key in self._keys).to_bytes(96, "little")[:size]
        if 0x40 <= number < 0x80:
            low, high, resolution = {X: self.x, Y: self.y, PRESSURE: self.pressure}.get(number - 0x40) or (0, 0, 0)
            told = struct.pack("=6i", self._axes.get(number - 0x40, 0), low, high, 0, 0, resolution)[:size]
            if self._state_asked and number - 0x40 == (PRESSURE if self.pressure else Y):
                self._state_asked = False
                self._asked.set()
            return 0, told
        if number == 0x90:
            if self.grabbed:
                return -errno.EBUSY, b""
            self.grabs += 1
            self._asked.clear()
            threading.Thread(target=self._play, daemon=True).start()
            return 0, b""
        if number == 0xA0:
            if self.hovering:
                self._write([(EV_ABS, X, 77), (EV_SYN, 3, 0), (EV_SYN, 0, 0)])  # evdev_set_clk_type() in the kernel
            return (0 if self.steady else -errno.EINVAL), b""
        return -errno.EINVAL, b""

    def _play(self) -> None:
        self._asked.wait(LIMIT_S)  # the citizen begins when the driver is ready, so that every run is the same
        while self.script and self.plugged:
            step = self.script.pop(0)
            match step[0]:
                case "stroke" | "eraser" | "down":
                    tool = TOOL_RUBBER if step[0] == "eraser" else TOOL_PEN
                    for x, y, pressure in step[1]:
                        place = [(EV_ABS, X, x), (EV_ABS, Y, y), (EV_ABS, PRESSURE, pressure)]
                        self._say((EV_KEY, tool, 1), (EV_KEY, TOUCH, 1), *place)
                    if step[0] != "down":
                        self._say((EV_KEY, TOUCH, 0), (EV_ABS, PRESSURE, 0))
                        self._say((EV_KEY, tool, 0))
                case "lift":
                    self._say((EV_KEY, TOUCH, 0), (EV_ABS, PRESSURE, 0))
                case "dropped":
                    self._asked.clear()
                    self._keys |= {TOOL_PEN, TOUCH}
                    self._axes |= {X: step[1], Y: step[2], PRESSURE: step[3]}
                    stale = [(EV_ABS, X, 1), (EV_ABS, Y, 1), (EV_KEY, TOUCH, 0), (EV_SYN, 0, 0)]
                    self._write([(EV_SYN, 3, 0), *stale])
                    self._asked.wait(LIMIT_S)
                case "raw":
                    os.write(self._out, bytes.fromhex(step[1]))
                case "sleep":
                    self.clock_us += 1000 * step[1]
                case "enter":
                    self._type("\n")
                case "evemu":
                    self._load(step[1])
                case "unplug":
                    self.plugged = False
                    os.write(self._out, bytes(WAKE_BYTES))  # wakes whoever waits, as the kernel does

    def _say(self, *events: tuple[int, int, int]) -> None:
        """One report; as in the kernel, what did not change is not told."""
        told = []
        for kind, code, value in events:
            if kind == EV_KEY and (code in self._keys) != bool(value):
                (self._keys.add if value else self._keys.discard)(code)
                told.append((kind, code, value))
            elif kind == EV_ABS and (code != PRESSURE or self.pressure) and self._axes.get(code) != value:
                self._axes[code] = value
                told.append((kind, code, value))
        self._write([*told, (EV_SYN, 0, 0)])

    def _write(self, events: list[tuple[int, int, int]]) -> None:
        self.clock_us += STEP_US
        seconds, micros = divmod(self.clock_us, 1_000_000)
        os.write(self._out, b"".join(struct.pack("@LLHHi", seconds, micros, *event) for event in events))

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes) -> bytes | None:
        """As a USB device it is not spoken to."""
        return None

    def read(self, endpoint: int, length: int) -> bytes | None:
        """The kernel reads its reports."""
        return None

    def write(self, endpoint: int, data: bytes) -> int | None:
        """There is no OUT endpoint."""
        return None

    def tell(self, name: str, value: Any) -> None:
        """`script`: the citizen does something else now; `free`: the other program lets go."""
        if name == "script":
            self.script = list(value)
        elif name == "free":
            self.grabbed = False
        else:
            raise ValueError(name)

    def seen(self) -> dict[str, object]:
        """What the test may look at."""
        return {"grabs": self.grabs}


@dataclass
class TypingReader(PenTablet):
    """A code reader: a keyboard, in the eyes of the kernel."""

    strings: Sequence[str] = ("Specimen", "Barcode Scanner", "")
    ids = (0x1A86, 0x5456)
    name = "Specimen USB Barcode Scanner"
    keys = tuple(range(1, 60))


def words(bitmap: int) -> str:
    """As the kernel prints a bitmap on a 64-bit machine."""
    out: list[str] = []
    while bitmap or not out:
        out.append(f"{bitmap & (1 << 64) - 1:x}")
        bitmap >>= 64
    return " ".join(reversed(out))
