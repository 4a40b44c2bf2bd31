"""Takes one picture and ends: `python -m devices.v4l2.grab /dev/video0 WIDTH HEIGHT SECONDS`.

A process of its own, because drivers and decoders are of many makers: one that hangs is ended when its time is over,
and one that crashes takes nothing of ours with it. The picture goes to standard output as PPM; the exit code says why
there is none.
"""

from __future__ import annotations

import errno
import sys
import time
from enum import IntEnum
from pathlib import Path
from typing import Final

from devices.v4l2.library import Video

SETTLE_FRAMES: Final = 12
"""Pictures thrown away first, while the camera finds the light."""
SETTLE_S: Final = 1.5
"""The longest wait for that; the first picture after it is taken."""
MAX_BAD_FRAMES: Final = 60
STEP_S: Final = 0.1
PAUSE_S: Final = 0.005


class Grabbed(IntEnum):
    """Exit codes."""

    OK = 0
    NOT_INSTALLED = 10
    GONE = 11
    DENIED = 12
    BUSY = 13
    SILENT = 14
    GARBLED = 15
    REFUSED = 16


REASONS: Final = {
    errno.ENOSYS: Grabbed.NOT_INSTALLED,
    errno.ENODEV: Grabbed.GONE,
    errno.ENOENT: Grabbed.GONE,
    errno.ENXIO: Grabbed.GONE,
    errno.EACCES: Grabbed.DENIED,
    errno.EPERM: Grabbed.DENIED,
    errno.EBUSY: Grabbed.BUSY,
    errno.EBADMSG: Grabbed.GARBLED,
}


def main(arguments: list[str]) -> Grabbed:
    """Take a picture."""
    path, width, height, limit_s = Path(arguments[0]), int(arguments[1]), int(arguments[2]), float(arguments[3])
    try:
        video = Video(path)
        size = video.set_size(width, height)
        why, data = _grab(video, 3 * size[0] * size[1], limit_s)
    except OSError as error:
        return REASONS.get(error.errno or 0, Grabbed.REFUSED)
    if why is Grabbed.OK:
        sys.stdout.buffer.write(b"P6 %d %d 255\n" % size + data)
        sys.stdout.buffer.flush()
    return why


def _grab(video: Video, size: int, limit_s: float) -> tuple[Grabbed, bytes]:
    """Read pictures until the light is right, or the time for that is over; a few bad ones are forgiven."""
    begun = time.monotonic()
    good = bad = 0
    while (passed := time.monotonic() - begun) < limit_s:
        try:
            data = video.read(size, STEP_S)
        except OSError as error:
            if error.errno in REASONS:
                raise
            bad, data = bad + 1, b""
        if data:
            good += 1
            if good > SETTLE_FRAMES or passed > SETTLE_S:
                return Grabbed.OK, data
        elif bad > MAX_BAD_FRAMES:
            return Grabbed.GARBLED, b""
        else:
            time.sleep(PAUSE_S)
    return (Grabbed.GARBLED if bad else Grabbed.SILENT), b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
