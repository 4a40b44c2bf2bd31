"""libv4l2 (of v4l-utils, LGPL-2.1 or later), as far as one picture needs it.

The library hides what cameras differ in: it turns every format, compressed or odd, into red, green, blue, and gives
`read` to those that can only stream. Structures and numbers are those of linux/videodev2.h.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
from pathlib import Path
from typing import Any, Final

LIBRARY: Final = "libv4l2.so.0"
CAPTURE: Final = 1
"""V4L2_BUF_TYPE_VIDEO_CAPTURE."""
RGB24: Final = int.from_bytes(b"RGB3", "little")
ANY_FIELD: Final = 0
MAX_SIDE_PX: Final = 4096


class PixFormat(ctypes.Structure):
    """`struct v4l2_pix_format`."""

    _fields_ = [
        (name, ctypes.c_uint32)
        for name in (
            "width", "height", "pixelformat", "field", "bytesperline", "sizeimage", "colorspace", "priv", "flags",
            "ycbcr_enc", "quantization", "xfer_func",
        )
    ]  # fmt: skip


class _FormatUnion(ctypes.Union):
    """200 bytes that begin where a pointer may."""

    _fields_ = [("pix", PixFormat), ("raw", ctypes.c_uint8 * 200), ("aligned", ctypes.c_void_p)]


class Format(ctypes.Structure):
    """`struct v4l2_format`."""

    _fields_ = [("type", ctypes.c_uint32), ("fmt", _FormatUnion)]


def _both_ways(number: int, size: int) -> int:
    """_IOWR('V', number, size)."""
    return 3 << 30 | size << 16 | ord("V") << 8 | number


SET_FORMAT: Final = _both_ways(5, ctypes.sizeof(Format))


class Video:
    """One camera, opened by the library.

    Raises:
        OSError: it cannot be opened, or the library is not installed (`errno` is then ENOSYS).
    """

    def __init__(self, path: Path) -> None:
        try:
            self._library: Any = ctypes.CDLL(LIBRARY, use_errno=True)
        except OSError:
            raise OSError(errno.ENOSYS, "libv4l2 is not installed") from None
        self._library.v4l2_read.restype = ctypes.c_ssize_t
        self._file = self._library.v4l2_open(os.fsencode(path), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise _error()

    def set_size(self, width: int, height: int) -> tuple[int, int]:
        """Ask for a size in pixels; answers the nearest that the camera has.

        Raises:
            OSError: another program films, or the camera tells sizes that cannot be (EBADMSG).
        """
        wanted = Format(type=CAPTURE)
        pix = wanted.fmt.pix
        pix.width, pix.height, pix.pixelformat, pix.field = width, height, RGB24, ANY_FIELD
        request = ctypes.c_ulong(SET_FORMAT)
        if self._library.v4l2_ioctl(self._file, request, ctypes.byref(wanted)) < 0:
            raise _error()
        usual = pix.pixelformat == RGB24 and pix.bytesperline in (0, 3 * pix.width)
        if not usual or not (0 < pix.width <= MAX_SIDE_PX and 0 < pix.height <= MAX_SIDE_PX):
            raise OSError(errno.EBADMSG, "a format that was not asked for")
        return int(pix.width), int(pix.height)

    def read(self, size: int, limit_s: float) -> bytes:
        """One picture of `size` bytes; empty where none came in time, or it came in pieces.

        Raises:
            OSError: the camera was pulled out, or its picture cannot be made out.
        """
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        poll.poll(round(limit_s * 1000))
        buffer = ctypes.create_string_buffer(size)
        taken = self._library.v4l2_read(self._file, buffer, ctypes.c_size_t(size))
        if taken == size:
            return buffer.raw
        if taken < 0 and ctypes.get_errno() != errno.EAGAIN:
            raise _error()
        return b""


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
