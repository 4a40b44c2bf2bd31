"""A Wacom STU pad, and a citizen in front of it who follows a script while ink is on.

The script is a list of steps, in pad units or parts of the screen:
`["stroke", [[x, y, pressure], …]]`, `["tap", across, down]` (parts of the screen), `["drop", n]` (n numbered reports
are lost), `["raw", hex]` (any report), `["pause", ms]` (the pad's clock runs on), `["shown"]` (wait for the next
picture), `["unplug"]`, `["dead"]` (the pad answers nothing more), and `["off"]` (nothing; the citizen went away).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.usb.silence import NeverAnswers

VENDOR = 0x056A
GET, SET = (0xA1, 0x01), (0x21, 0x09)
NAMES = {0xA1: "STU-500", 0xA2: "STU-300", 0xA3: "STU-520", 0xA4: "STU-430", 0xA5: "STU-530", 0xA8: "STU-540"}
# Max x, y, pressure, width, height, flags; a short capability where flags are None. The screens are smaller than real
# ones, to spare the emulated bus: a driver must take the size that the pad tells.
SIZES = {
    0xA1: (10240, 7680, 511, 320, 240, None),
    0xA2: (9600, 2400, 511, 396, 100, None),
    0xA3: (10400, 6500, 1023, 320, 200, 4),
    0xA4: (9600, 6000, 1023, 320, 200, 2),
    0xA5: (10800, 6500, 1023, 400, 240, 15),
    0xA8: (10800, 6500, 1023, 320, 200, 8),
}
STEP_MS = 5


@dataclass
class Pad:
    """A pad. `form` is the input report it sends; `modes` the sample modes it takes; `busy` how often it says so.

    `stall` lists feature reports (numbers) that it refuses; `mute` those that it never answers; at `unplug_at` somebody
    pulls its cable.
    """

    product: int = 0xA5
    form: int = 0x34
    script: list[list[Any]] = field(default_factory=list)
    modes: tuple[int, ...] = (0, 1, 2, 3)
    clock_ms: int = 65_400
    busy: int = 0
    stall: tuple[int, ...] = ()
    mute: tuple[int, ...] = ()
    wrong_answer: bool = False
    unplug_at: int = 0
    strings: Sequence[str] = ("Wacom Co.,Ltd.", "STU", "8AQZ001")
    plugged: bool = True
    pictures: list[dict[str, Any]] = field(default_factory=list)
    sets: list[int] = field(default_factory=list)
    mode: int = 0
    inking: bool = False
    cleared: int = 0
    alive: bool = True
    _pixels: bytearray = field(default_factory=bytearray)
    _encoding: int = 0
    _reports: list[bytes] = field(default_factory=list)
    _sequence: int = 65_530
    _await: int = 0

    endpoints = ((0x81, 3, 64, 4),)
    interface_class = (3, 0, 0)

    @property
    def ids(self) -> tuple[int, int]:
        """Vendor and product."""
        return VENDOR, self.product

    def plug_in(self) -> None:
        """A pad starts with an empty screen and no ink."""
        self.plugged = self.alive = True
        self.inking, self.mode, self._reports = False, 0, []

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes) -> bytes | None:
        """Feature reports."""
        report = value & 0xFF
        if not self.alive or report in self.mute:
            raise NeverAnswers
        if report == self.unplug_at:
            self.plugged = False
            raise NeverAnswers
        if value >> 8 != 3 or report in self.stall:
            return None
        if (request_type, request) == GET:
            payload = self._get(report)
            return None if payload is None else bytes((0x77 if self.wrong_answer else report,)) + payload
        if (request_type, request) == SET and data and data[0] == report:
            self.sets.append(report)
            return b"" if self._set(report, data[1:]) else None
        return None

    def _get(self, report: int) -> bytes | None:
        max_x, max_y, pressure, width, height, flags = SIZES[self.product]
        if report == 0x03:
            state = 0
            if self.busy:
                self.busy -= 1
                state = 1
            return struct.pack(">BBH", state, 0, 0)
        if report == 0x08:
            return NAMES[self.product].encode().ljust(9, b"\0") + bytes(7)
        if report == 0x09:
            short = struct.pack(">HHHHH", max_x, max_y, pressure, width, height)
            return short if flags is None else short + struct.pack(">BHBxx", 200, 2540, flags)
        return None

    def _set(self, report: int, payload: bytes) -> bool:
        if report == 0x20:
            self.cleared += 1
        elif report == 0x21:
            self.inking = payload == b"\x01"
        elif report == 0x25:
            self._encoding, self._pixels = payload[0], bytearray()
        elif report == 0x26:
            (length,) = struct.unpack_from("<H", payload)
            if len(payload) != 255 or length > 253:
                return False
            self._pixels += payload[2 : 2 + length]
        elif report == 0x27 and payload == b"\x00":
            packed = zlib.compress(bytes(self._pixels)).hex()
            self.pictures.append({"encoding": self._encoding, "pixels": packed})
        elif report == 0x2A:
            return len(payload) == 8
        elif report == 0x32:
            if payload[0] not in self.modes:
                return False
            self.mode = payload[0]
        return True

    def read(self, endpoint: int, length: int) -> bytes | None:
        """The next report of the script."""
        if not self.inking or not self.alive:
            return None
        while not self._reports and self.script:
            step = self.script[0]
            if step[0] == "shown" and len(self.pictures) < self._await:
                return None
            self._play(self.script.pop(0))
            if not self.plugged or not self.alive:
                return None
        return self._reports.pop(0) if self._reports else None

    def _play(self, step: list[Any]) -> None:
        max_x, max_y = SIZES[self.product][:2]
        match step[0]:
            case "stroke":
                for x, y, pressure in step[1]:
                    self._pen(x, y, pressure)
                self._pen(step[1][-1][0], step[1][-1][1], 0)
            case "tap":
                at = (round(step[1] * max_x), round(step[2] * max_y))
                self._await = len(self.pictures) + 1
                self._pen(*at, 300)
                self._pen(*at, 0)
            case "drop":
                self._sequence = (self._sequence + step[1]) % 65536
            case "raw":
                self._reports.append(bytes.fromhex(step[1]))
            case "pause":
                self.clock_ms += step[1]
            case "unplug":
                self.plugged = False
            case "dead":
                self.alive = False

    def _pen(self, x: int, y: int, pressure: int) -> None:
        self.clock_ms += STEP_MS
        self._sequence = (self._sequence + 1) % 65536
        head = 0x80 | (0x10 if pressure else 0) | pressure >> 8
        report = struct.pack(">BBBHH", self.form, head, pressure & 0xFF, x, y)
        time16 = self.clock_ms % 65536
        if self.form == 0x30:
            report += struct.pack(">H", {0: 0, 1: time16, 2: self._sequence}[self.mode])
        elif self.form == 0x34:
            report += struct.pack(">HH", time16, self._sequence)
        self._reports.append(report)

    def write(self, endpoint: int, data: bytes) -> int | None:
        """There is no OUT endpoint."""
        return None

    def tell(self, name: str, value: Any) -> None:
        """`script`: the citizen does something else now."""
        if name != "script":
            raise ValueError(name)
        self.script = list(value)

    def seen(self) -> dict[str, object]:
        """What the test may look at."""
        return {"pictures": self.pictures, "mode": self.mode, "cleared": self.cleared, "sets": self.sets,
                "inking": self.inking}  # fmt: skip
