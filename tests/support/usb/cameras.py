"""A camera as the kernel gives it (V4L2, streaming into mapped buffers), by `syscalls`."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.support.usb.syscalls import NeverReturns

PAGE = 4096
CAN = 0x0000_0001 | 0x0400_0000
ALL = 1 << 31
META = 0x0080_0000 | 0x0400_0000
(QUERYCAP, ENUM_FMT, G_FMT, S_FMT, REQBUFS, QUERYBUF, QBUF, DQBUF, STREAMON, STREAMOFF, TRY_FMT, FRAMESIZES) = (
    0, 2, 4, 5, 8, 9, 15, 17, 18, 19, 64, 74,
)  # fmt: skip


@dataclass
class Camera:
    """A camera that has one size and one format; `picture` is a file of what it sees.

    Faults: `garbage` sends something else than a picture for so many frames, `slow` gives none for so many asks,
    `unplug_after` frames somebody pulls its cable, `busy` has another program film, `dead` films and never gives a
    picture, `hangs` does not come back from being asked for one.
    """

    picture: str = ""
    form: str = "MJPG"
    size: tuple[int, int] = (640, 480)
    garbage: int = 0
    slow: int = 0
    unplug_after: int | None = None
    busy: bool = False
    dead: bool = False
    hangs: bool = False
    strings: Sequence[str] = ("Specimen", "HD Camera", "CAM1")
    name: str = "HD Camera: Specimen"
    plugged: bool = True
    frames: int = 0
    streaming: bool = False
    _queue: list[int] = field(default_factory=list)
    _file: int = -1

    ids: ClassVar[tuple[int, int]] = (0x046D, 0x0825)
    endpoints: ClassVar[Sequence[tuple[int, int, int, int]]] = ((0x81, 3, 64, 4),)
    interface_class = (14, 1, 0)

    def describe(self, number: int, port: str) -> tuple[str, str]:
        """Two nodes, as UVC cameras have: the second gives only metadata."""
        folder = f"/devices/pci0000:00/0000:00:14.0/usb1/{port}/{port}:1.0/video4linux"
        text = ""
        for index, node in enumerate((f"video{number}", f"video{number + 100}")):
            lines = [f"P: {folder}/{node}", f"N: {node}", "E: SUBSYSTEM=video4linux", f"E: DEVNAME=/dev/{node}",
                     "E: MAJOR=81", f"E: MINOR={number + index}", f"A: name={self.name}", f"A: index={index}",
                     ]  # fmt: skip
            text += "\n".join(lines) + "\n\n"
        return text[:-1], f"video{number}"

    def plug_in(self) -> None:
        """It starts anew."""
        self.unplug_after = None if not self.plugged else self.unplug_after
        self.plugged, self.streaming, self._queue = True, False, []

    @property
    def _length(self) -> int:
        return -(-2 * self.size[0] * self.size[1] // PAGE) * PAGE

    def memory(self) -> int:
        """A file in memory for its buffers."""
        if self._file < 0:
            self._file = os.memfd_create("video")
            os.ftruncate(self._file, 32 * self._length)
        return self._file

    def place(self) -> tuple[int, int]:
        """Which file that is."""
        found = os.fstat(self.memory())
        return found.st_dev, found.st_ino

    def ioctl(self, number: int, data: bytearray) -> int:
        """Answer an ioctl in place; negative is an error number."""
        if not self.plugged:
            return -errno.ENODEV
        if number == QUERYCAP:
            struct.pack_into(
                "=16s32s32sIII", data, 0, b"uvcvideo", self.name.encode(), b"usb-1", 0x60000, CAN | 1 << 31, CAN
            )
        elif number == ENUM_FMT:
            if struct.unpack_from("=II", data) != (0, 1):
                return -errno.EINVAL
            struct.pack_into("=I32s4s", data, 8, int(self.form == "MJPG"), b"a format", self.form.encode())
        elif number in (G_FMT, S_FMT, TRY_FMT):
            if number == S_FMT and self.busy:
                return -errno.EBUSY
            line = 0 if self.form == "MJPG" else 2 * self.size[0]
            struct.pack_into("=II4sIIII", data, 8, *self.size, self.form.encode(), 1, line, self._length, 8)
        elif number == FRAMESIZES:
            if struct.unpack_from("=I4s", data) != (0, self.form.encode()):
                return -errno.EINVAL
            struct.pack_into("=III", data, 8, 1, *self.size)
        elif number == REQBUFS:
            struct.pack_into("=I", data, 0, min(4, struct.unpack_from("=I", data)[0]))
            self._queue = []
        elif number in (STREAMON, STREAMOFF):
            self.streaming = number == STREAMON
        elif number in (QUERYBUF, QBUF, DQBUF):
            return self._buffer(number, data)
        else:
            return -errno.ENOTTY
        return 0

    def _buffer(self, number: int, data: bytearray) -> int:
        index = struct.unpack_from("=I", data)[0]
        used = 0
        if number == QBUF:
            self._queue.append(index)
        if number == DQBUF:
            if self.hangs:
                raise NeverReturns
            if self.dead or self.slow or not self._queue or not self.streaming:
                self.slow = max(0, self.slow - 1)
                return -errno.EAGAIN
            index, used = self._queue.pop(0), self._film()
            struct.pack_into("=I", data, 0, index)
        struct.pack_into("=II", data, 8, used, 0x2001 | (2 if number == QBUF else 4 if number == DQBUF else 0))
        struct.pack_into("=II", data, 56, self.frames, 1)
        struct.pack_into("=IxxxxI", data, 64, index * self._length, self._length)
        return 0

    def _film(self) -> int:
        """Put the next picture into every buffer; which one is fetched makes no difference then."""
        self.frames += 1
        if self.unplug_after is not None and self.frames >= self.unplug_after:
            self.plugged = False
        picture = Path(self.picture).read_bytes()
        if self.garbage:
            self.garbage -= 1
            picture = b"\xff\xd8 no picture " * 40
        for index in range(4):
            os.pwrite(self.memory(), picture, index * self._length)
        return len(picture)

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes) -> bytes | None:
        """As a USB device it is not spoken to."""
        return None

    def read(self, endpoint: int, length: int) -> bytes | None:
        """The kernel reads its pictures."""
        return None

    def write(self, endpoint: int, data: bytes) -> int | None:
        """There is no OUT endpoint."""
        return None

    def tell(self, name: str, value: Any) -> None:
        """`free`: the other program ends, and whatever hung is well."""
        if name != "free":
            raise ValueError(name)
        self.busy = self.dead = self.hangs = False
        self.garbage = 0

    def seen(self) -> dict[str, object]:
        """What the test may look at."""
        return {"frames": self.frames, "streaming": self.streaming}


@dataclass
class MetadataNode:
    """The second node of a camera: it gives no pictures."""

    camera: Camera

    @property
    def plugged(self) -> bool:
        """As the camera."""
        return self.camera.plugged

    def memory(self) -> int:
        """A file of its own, as the camera's tells which it is."""
        if not hasattr(self, "_file"):
            self._file = os.memfd_create("metadata")
        return self._file

    def place(self) -> tuple[int, int]:
        """Which file that is."""
        found = os.fstat(self.memory())
        return found.st_dev, found.st_ino

    def ioctl(self, number: int, data: bytearray) -> int:
        """It only says what it is."""
        if number != QUERYCAP:
            return -errno.ENOTTY
        struct.pack_into(
            "=16s32s32sIII", data, 0, b"uvcvideo", b"HD Camera", b"usb-1", 0x60000, CAN | META | 1 << 31, META
        )
        return 0
