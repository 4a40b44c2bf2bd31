"""A camera at the counter, by V4L2."""

from __future__ import annotations

import fcntl
import io
import os
import struct
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Final

from PIL import Image

from devices import programs, sysfs
from devices.contracts import ANSWER_LIMIT_S, SNAP_LIMIT_S, Identity, Kind, Picture, Status
from devices.errors import DeviceFault, Garbled, NotInstalled, Refused, TimedOut, Unplugged
from devices.finding import Which, pick
from devices.pictures import to_png
from devices.v4l2.grab import Grabbed

GET_CAPABILITY: Final = 2 << 30 | 104 << 16 | ord("V") << 8
"""VIDIOC_QUERYCAP of linux/videodev2.h."""
CAPTURES: Final = 0x0000_0001 | 0x0000_1000
CONVERTS: Final = 0x0000_4000 | 0x0000_8000
HAS_NODE_CAPABILITIES: Final = 0x8000_0000
WIDTH_PX: Final = 1920
HEIGHT_PX: Final = 1080
START_S: Final = 3.0
"""What the process that takes the picture may need beyond its limit, to begin and to end."""

FAULTS: Final[dict[int, tuple[type[DeviceFault], str, str]]] = {
    Grabbed.NOT_INSTALLED: (NotInstalled, "libv4l2 is not installed on this machine.", "Install the package libv4l-0."),
    Grabbed.GONE: (Unplugged, "The camera was disconnected.", "Put its cable in again."),
    Grabbed.DENIED: (
        Refused,
        "This program may not use the camera.",
        "Central IT must install Sanad's udev rules (provisioning/70-sanad.rules).",
    ),
    Grabbed.BUSY: (Refused, "Another program uses the camera.", "Close the other program."),
    Grabbed.SILENT: (TimedOut, "The camera gives no picture.", "Pull its cable out, put it in again; then try again."),
    Grabbed.GARBLED: (Garbled, "The camera gives broken pictures.", "Put its cable into another socket; try again."),
    Grabbed.REFUSED: (Refused, "The camera failed.", "Pull its cable out, put it in again; then try again."),
}


def cameras() -> list[sysfs.Node]:
    """The cameras of this machine: one for each device, also where it has several nodes."""
    found: dict[tuple[int, int, str, str], sysfs.Node] = {}
    for node in sysfs.nodes("video4linux"):
        if _captures(node):
            found.setdefault((node.vendor, node.product, node.serial, node.port), node)
    return list(found.values())


class V4l2Camera:
    """One camera.

    Args:
        which: the device.
        size: the picture's width and height to ask for; the camera gives the nearest that it has.
        limit_s: how long it may take for a picture.
    """

    def __init__(
        self, which: Which, *, size: tuple[int, int] = (WIDTH_PX, HEIGHT_PX), limit_s: float = SNAP_LIMIT_S
    ) -> None:
        self._which = which
        self._size = size
        self._limit_s = limit_s
        self._lock = threading.Lock()
        numbers = (f"{which.vendor:04x}", f"{which.product:04x}")
        self._identity = Identity(Kind.CAMERA, *numbers, "", which.serial, which.port)

    @property
    def identity(self) -> Identity:
        """Which camera this is; its name once it was found."""
        return self._identity

    def close(self) -> None:
        """Nothing is kept open."""

    def status(self) -> Status:
        """Whether it is there and can be opened; a camera does not tell more before it films."""
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
                if _capabilities(self._find().device) is None:
                    raise _fault(Grabbed.DENIED)
            finally:
                self._lock.release()

    def snap(self) -> Picture:
        """Take one picture.

        Raises:
            DeviceFault: the camera is not there, another program films, or it gave no picture in time.
        """
        with self._lock:
            device = self._find().device
            asked = (str(device), *(str(side) for side in self._size), f"{self._limit_s:g}")
            try:
                ran = programs.run([sys.executable, "-m", "devices.v4l2.grab", *asked], self._limit_s + START_S)
            except OSError:
                raise NotInstalled("The program that takes pictures does not start.", "Call central IT.") from None
        if ran.code is None:
            raise _fault(Grabbed.SILENT)
        if ran.code != Grabbed.OK:
            raise _fault(ran.code)
        return _picture(ran.out)

    def _find(self) -> sysfs.Node:
        node = pick(self._which, cameras())
        if node is None:
            raise Unplugged("The camera is not connected.", "Check its cable.")
        self._identity = replace(self._identity, model=node.name, serial=node.serial, port=node.port)
        return node


def _picture(ppm: bytes) -> Picture:
    try:
        with Image.open(io.BytesIO(ppm), formats=["PPM"]) as image:
            image.load()
            return to_png(image)
    except (OSError, ValueError, Image.DecompressionBombError):
        raise _fault(Grabbed.GARBLED) from None


def _fault(code: int) -> DeviceFault:
    kind, sentence, step = FAULTS.get(code, FAULTS[Grabbed.REFUSED])
    return kind(sentence, step)


def _captures(node: sysfs.Node) -> bool:
    """Whether a node gives pictures; where it may not be asked, the first of a device is taken to do so."""
    can = _capabilities(node.device)
    if can is None:
        return sysfs.text(node.folder, "index") == "0"
    return bool(can & CAPTURES) and not can & CONVERTS


def _capabilities(device: Path) -> int | None:
    """The node's V4L2 capabilities; None where it cannot be asked."""
    try:
        file = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        answer = fcntl.ioctl(file, GET_CAPABILITY, bytes(104))
    except OSError:
        return 0
    finally:
        os.close(file)
    whole, of_node = struct.unpack_from("=II", answer, 84)
    return int(of_node if whole & HAS_NODE_CAPABILITIES else whole)
