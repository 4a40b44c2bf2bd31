"""A pad that takes each report in time and its picture never: no wait is without end, and no text is left on it."""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from devices.contracts import SigningScreen
from devices.errors import Refused, TimedOut
from devices.finding import Which
from devices.pictures import to_png
from devices.stu.pad import StuPad
from devices.stu.reports import VENDOR, Report
from devices.usb import UsbEntry

REPORT_S = 0.9


class SlowPort:
    """A USB port to an STU-500 that needs its time for every report that it is sent."""

    generation = 1
    which = Which(VENDOR, 0xA1)

    def __init__(self, refuses: bytes = b"") -> None:
        self.now_s = 0.0
        self.entry = UsbEntry(VENDOR, 0xA1, "1-1", (), None, {"iSerialNumber": "S1", "iProduct": ""})
        self.sent: list[bytes] = []
        self._refuses = refuses

    def control_in(self, request_type: int, request: int, value: int, length: int, limit_s: float) -> bytes:
        """Capability, or ready."""
        del request_type, request, length, limit_s
        if value & 0xFF == Report.CAPABILITY:
            return bytes((Report.CAPABILITY,)) + struct.pack(">HHHHH", 10240, 7680, 511, 640, 480)
        return bytes((Report.STATUS, 0, 0, 0, 0))

    def control_out(self, request_type: int, request: int, value: int, data: bytes, limit_s: float) -> None:
        """Take a report."""
        del request_type, request, value, limit_s
        self.now_s += REPORT_S
        self.sent.append(data)
        if data == self._refuses:
            raise Refused("Refused.")

    def read(self, limit_s: float) -> bytes:
        """Nothing."""
        del limit_s
        return b""

    def close(self) -> None:
        """Nothing to let go of."""


def pad_at(port: SlowPort, picture_s: float) -> StuPad:
    pad = StuPad(port.which, clock=lambda: port.now_s, picture_s=picture_s)
    pad._port = port  # type: ignore[assignment]
    return pad


def test_a_picture_that_goes_too_slowly_is_given_up_and_abandoned() -> None:
    port = SlowPort()
    with pytest.raises(TimedOut, match="too slowly"):
        pad_at(port, 30.0).show(to_png(Image.new("RGB", (640, 480), "white")))
    assert port.now_s < 33.0
    assert port.sent[-1] == bytes((Report.IMAGE_END, 1))


def test_what_was_to_be_signed_does_not_stay_on_a_pad_that_takes_no_ink() -> None:
    port = SlowPort(bytes((Report.INKING, 1)))
    with pytest.raises(Refused):
        pad_at(port, 3600.0).capture(SigningScreen(bytes(32), ("I apply for: Domicile",)))
    assert bytes((Report.IMAGE_END, 0)) in port.sent
    assert port.sent[-1] == bytes((Report.CLEAR_SCREEN, 0))
