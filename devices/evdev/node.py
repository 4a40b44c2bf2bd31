"""An input device of the kernel (`/dev/input/event…`), opened: asked by ioctl, and read within time limits.

Any moment it may be pulled out; every call then raises `Unplugged`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from devices.errors import DeviceFault, Refused, Unplugged
from devices.evdev.events import Event, Range, Reader, read_range

KEY_BYTES: Final = 96
"""KEY_CNT is 768 bits."""
ABS_BYTES: Final = 24
NAME_BYTES: Final = 256
EVENTS_A_READ: Final = 64
MAX_FORGOTTEN_READS: Final = 64
GONE: Final = frozenset({errno.ENODEV, errno.ENXIO, errno.ENOENT, errno.EIO, errno.EBADF})
ADVICE_GONE: Final = ("The signature pad was disconnected.", "Put its cable in again.")


def _ask(number: int, size: int) -> int:
    """_IOC(_IOC_READ, 'E', number, size) of linux/input.h."""
    return 2 << 30 | size << 16 | ord("E") << 8 | number


def _tell(number: int) -> int:
    """_IOW('E', number, int)."""
    return 1 << 30 | 4 << 16 | ord("E") << 8 | number


GET_NAME: Final = _ask(0x06, NAME_BYTES)
GET_KEYS: Final = _ask(0x18, KEY_BYTES)
GRAB: Final = _tell(0x90)
SET_CLOCK: Final = _tell(0xA0)


def get_axis(axis: int) -> int:
    """EVIOCGABS of an axis."""
    return _ask(0x40 + axis, ABS_BYTES)


class InputNode:
    """One input device, opened.

    Raises:
        DeviceFault: it is not there, or may not be used.
    """

    def __init__(self, path: Path) -> None:
        self._reader = Reader()
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _fault(error) from None
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    def close(self) -> None:
        """Let go of it, and of the grab."""
        os.close(self._file)

    def name(self) -> str:
        """What the device calls itself."""
        answer = self._ioctl(GET_NAME, bytes(NAME_BYTES))
        return "".join(c for c in answer.split(b"\0")[0].decode("utf-8", "replace") if c.isprintable())

    def axis(self, axis: int) -> Range:
        """The ends of an axis; equal where the device has no such axis."""
        return read_range(self._ioctl(get_axis(axis), bytes(ABS_BYTES)))

    def state(self, axes: Sequence[int]) -> tuple[set[int], dict[int, int]]:
        """The buttons that are held now, and where these axes stand."""
        held = int.from_bytes(self._ioctl(GET_KEYS, bytes(KEY_BYTES)), "little")
        values = {axis: struct.unpack_from("=i", self._ioctl(get_axis(axis), bytes(ABS_BYTES)))[0] for axis in axes}
        return {code for code in range(KEY_BYTES * 8) if held >> code & 1}, values

    def grab(self) -> None:
        """Have all it says for ourselves, so that signing moves no pointer and presses no button of the desktop.

        Raises:
            Refused: another program has done so before.
        """
        try:
            fcntl.ioctl(self._file, GRAB, 1)
        except OSError as error:
            raise _fault(error) from None

    def use_steady_clock(self) -> bool:
        """Have events stamped by a clock that is never set back; false on a kernel that cannot."""
        try:
            fcntl.ioctl(self._file, SET_CLOCK, struct.pack("=i", time.CLOCK_MONOTONIC))
        except OSError as error:
            if error.errno in GONE:
                raise _fault(error) from None
            return False
        return True

    def forget(self) -> None:
        """Throw away what it said before now; also what the kernel says when its clock is changed (SYN_DROPPED).

        Raises:
            Unplugged: it was pulled out.
        """
        for _ in range(MAX_FORGOTTEN_READS):
            if not self.read(0):
                return

    def read(self, limit_s: float) -> list[Event]:
        """What it says; empty where it says nothing in time.

        Raises:
            Unplugged: it was pulled out.
        """
        told = self._poll.poll(max(0, round(limit_s * 1000)))
        if not told:
            return []
        try:
            data = os.read(self._file, self._reader.event_bytes * EVENTS_A_READ)
        except BlockingIOError:
            if told[0][1] & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                raise Unplugged(*ADVICE_GONE) from None
            return []
        except OSError as error:
            raise _fault(error) from None
        if not data:
            raise Unplugged(*ADVICE_GONE)
        return list(self._reader.take(data))

    def _ioctl(self, request: int, buffer: bytes) -> bytes:
        try:
            return fcntl.ioctl(self._file, request, buffer)
        except OSError as error:
            raise _fault(error) from None


def _fault(error: OSError) -> DeviceFault:
    if error.errno in GONE:
        return Unplugged(*ADVICE_GONE)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Refused(
            "This program may not use the signature pad.",
            "Central IT must install Sanad's udev rules (provisioning/70-sanad.rules).",
        )
    if error.errno == errno.EBUSY:
        return Refused("Another program uses the signature pad.", "Close the other program.")
    return Refused("The signature pad refused a request.", "Pull its cable out, put it in again; then try again.")
