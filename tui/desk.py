"""What a console is given: the centre it works for, the counters, and the devices at each of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.casework.centre import Centre
from appliance.casework.signatures import Signed
from appliance.journal.errors import SanadError
from appliance.store.store import Store
from devices.contracts import (
    Camera,
    Code,
    CodeReader,
    Device,
    KeyWedge,
    PagePrinter,
    Picture,
    ReceiptPrinter,
    Scanner,
    Signature,
    SignaturePad,
)


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of one counter; None where none is assigned. `wedge` makes what tells its reader from typing."""

    pad: SignaturePad | None = None
    receipts: ReceiptPrinter | None = None
    pages: PagePrinter | None = None
    scanner: Scanner | None = None
    camera: Camera | None = None
    reader: CodeReader | None = None
    wedge: Callable[[], KeyWedge] | None = None

    def named(self) -> dict[str, Device]:
        """Those that there are, as an operator calls them."""
        named: tuple[tuple[str, Device | None], ...] = (
            ("pad", self.pad),
            ("receipt printer", self.receipts),
            ("page printer", self.pages),
            ("scanner", self.scanner),
            ("camera", self.camera),
            ("code reader", self.reader),
        )
        return {name: device for name, device in named if device is not None}

    def simulated(self) -> tuple[str, ...]:
        """Which of them are simulated."""
        return tuple(name for name, device in self.named().items() if device.identity.simulated)


NO_DEVICES: Final = Devices()


def _unreported(_error: BaseException) -> None:
    return


def _untranslated(_error: Exception) -> SanadError | None:
    return None


@dataclass(frozen=True)
class Desk:
    """Where a console stands.

    Attributes:
        centre: store, catalogue, calendar and rules.
        counters: the names of the centre's counters; at least one.
        devices: of each counter that has any.
        keymap: keys that this node gives to actions, in place of those of `tui.keymap`.
        report: told of what is a fault of ours; it keeps no values.
        translate: an error of a device driver as one of ours; None where it is none.
        seal_signature: a signature as it is kept, with its purpose; None where this node takes none.
        draw_signature: the strokes of one that is kept as a picture (PNG), for paper.
        read_codes: the codes in a picture.
        follow: tells, until its event is set, each time that a device was plugged in or pulled out; in a thread.
        renew: the centre as central's orders since have made it; the same one where nothing changed.
    """

    centre: Centre
    counters: tuple[str, ...]
    devices: Mapping[str, Devices] = field(default_factory=dict)
    keymap: Mapping[str, str] = field(default_factory=dict)
    report: Callable[[BaseException], None] = _unreported
    translate: Callable[[Exception], SanadError | None] = _untranslated
    seal_signature: Callable[[Signature, str], Signed] | None = None
    draw_signature: Callable[[bytes], bytes] | None = None
    read_codes: Callable[[Picture], Sequence[Code]] | None = None
    follow: Callable[[threading.Event, Callable[[], None]], None] | None = None
    renew: Callable[[Centre], Centre] | None = None

    @property
    def store(self) -> Store:
        """The node's store."""
        return self.centre.store

    def local_time(self) -> str:
        """The time of day at the centre, as HH:MM."""
        return self.store.clock().astimezone(self.centre.rules.zone).strftime("%H:%M")

    def at(self, counter: str) -> Devices:
        """The devices of a counter."""
        return self.devices.get(counter, NO_DEVICES)
