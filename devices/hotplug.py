"""What comes and goes: looked for every second, so that a device is noticed within a named time.

A look reads descriptors and `/sys`; it opens no device and asks none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from devices import sysfs, usb

LOOK_EVERY_S: Final = 1.0
SUBSYSTEMS: Final = ("input", "video4linux")
"""Nodes of the kernel that pens, code readers and cameras are behind."""


@dataclass(frozen=True, slots=True)
class Plug:
    """A device as two looks tell it apart: `address` changes at every replug."""

    vendor: int
    product: int
    port: str
    address: str


Change = tuple[frozenset[Plug], frozenset[Plug]]


@dataclass(slots=True)
class Watch:
    """Tells what came and went between two looks."""

    _known: frozenset[Plug] = field(default_factory=frozenset)

    def look(self) -> Change:
        """What appeared and what vanished since the last look; the first look finds all appeared.

        Raises:
            NotInstalled: libusb is not on this machine.
        """
        on_usb = {Plug(e.vendor, e.product, e.port, f"usb {e.handle.address}") for e in usb.entries()}
        nodes = [node for subsystem in SUBSYSTEMS for node in sysfs.nodes(subsystem)]
        by_kernel = {Plug(n.vendor, n.product, n.port, str(n.folder)) for n in nodes}
        now = frozenset(on_usb | by_kernel)
        before, self._known = self._known, now
        return now - before, before - now


def follow(stop: threading.Event, tell: Callable[[Change], None], *, every_s: float = LOOK_EVERY_S) -> None:
    """Look until `stop` is set, in a worker thread, and tell of every change; the first call tells what is there.

    Raises:
        NotInstalled: libusb is not on this machine.
    """
    watch = Watch()
    while not stop.is_set():
        appeared, vanished = watch.look()
        if appeared or vanished:
            tell((appeared, vanished))
        stop.wait(every_s)
