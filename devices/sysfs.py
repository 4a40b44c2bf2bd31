"""Device nodes of the kernel, as `/sys` tells of them: which USB device each belongs to, and how to open it.

Nothing is opened but files of text under `/sys`, so a look costs little and disturbs nobody.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SYS: Final = Path("/sys")
DEV: Final = Path("/dev")
MAX_NODES: Final = 512
MAX_TEXT: Final = 8192
MAX_DEPTH: Final = 32
LONG_BITS: Final = struct.calcsize("@L") * 8
"""The kernel prints bitmaps in words as long as ours."""


@dataclass(frozen=True, slots=True)
class Node:
    """A device node. `vendor` and `product` are 0, and `serial` is empty, where nothing tells them.

    `port` is the kernel's name of the USB plug (`1-2.3`), else where the driver says that it is, else the node's name.
    """

    device: Path
    folder: Path
    name: str
    vendor: int
    product: int
    serial: str
    port: str


def nodes(subsystem: str) -> list[Node]:
    """The nodes of a subsystem, as `input` or `video4linux`, in the order in which they were numbered."""
    try:
        folders = sorted((SYS / "class" / subsystem).iterdir(), key=lambda link: (len(link.name), link.name))
    except OSError:
        return []
    found = (_node(folder) for folder in folders[:MAX_NODES])
    return [node for node in found if node is not None]


def text(folder: Path, name: str) -> str:
    """An attribute, without what cannot be printed; empty where there is none."""
    try:
        with (folder / name).open("rb") as file:
            said = file.read(MAX_TEXT).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
    return "".join(c for c in said if c.isprintable() or c == "\n").strip()


def bits(folder: Path, name: str) -> int:
    """A bitmap (`capabilities/key`): words in hex, the most significant first."""
    value = 0
    try:
        for word in text(folder, name).split():
            value = value << LONG_BITS | int(word, 16)
    except ValueError:
        return 0
    return value


def usb_folder(folder: Path) -> Path | None:
    """The USB device that a node belongs to, or None."""
    for above in [folder, *folder.parents][:MAX_DEPTH]:
        if (above / "idVendor").exists():
            return above
    return None


def of_usb_interfaces(port: str, name: str) -> str:
    """An attribute of the first interface that has it, of the USB device at a port; empty where none has."""
    try:
        folders = sorted((SYS / "bus" / "usb" / "devices").glob(f"{port}:*"))
    except (OSError, ValueError):
        return ""
    return next((found for folder in folders if (found := text(folder, name))), "")


def _node(link: Path) -> Node | None:
    told = dict(line.partition("=")[::2] for line in text(link, "uevent").splitlines())
    if not told.get("DEVNAME"):
        return None
    try:
        folder = link.resolve()
    except OSError:
        return None
    about = folder / "device"
    usb = usb_folder(folder)
    if usb is not None:
        vendor, product = _hex(text(usb, "idVendor")), _hex(text(usb, "idProduct"))
        serial, port = text(usb, "serial"), usb.name
    else:
        vendor, product = _hex(text(about, "id/vendor")), _hex(text(about, "id/product"))
        serial, port = text(about, "uniq"), text(about, "phys") or link.name
    name = text(folder, "name") or text(about, "name")
    return Node(DEV / told["DEVNAME"].removeprefix("/dev/"), folder, name, vendor, product, serial, port)


def _hex(words: str) -> int:
    try:
        return int(words, 16) & 0xFFFF
    except ValueError:
        return 0
