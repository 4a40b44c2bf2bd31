"""A receipt printer as its maker's reference describes it, with the faults that counters see.

It works on commands, not on bytes found anywhere: a status question inside a picture would be taken for the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.support.escpos_reader import Splitter, Token
from tests.support.usb.silence import Halts

VENDOR, PRODUCT = 0x04B8, 0x0202
PAGE_DEVICE_ID = b"MFG:Hewlett-Packard;CMD:PJL,PCL,PDF,URF,PWGRaster;MDL:LaserJet;CLS:PRINTER;"
DEVICE_ID = b"MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;CLS:PRINTER;"


@dataclass
class Printer:
    """A printer. Faults: see the fields; `None` or the default is a printer that works.

    Attributes:
        answers: whether it answers status questions at all.
        mute: the status questions (n of DLE EOT n) that it does not answer, though it answers others.
        in_order: whether it answers GS r.
        in_order_says: its answer to GS r: bits 0 and 1 for a roll near its end, 2 and 3 for one that is at it.
        paper_out_after: bytes of the job after which the roll ends.
        silent_after: bytes of the job after which it answers nothing.
        stuck_after: bytes of the job after which it takes nothing more.
        unplug_after: bytes of the job after which somebody pulls its cable.
        short: the most bytes it takes in one transfer.
        cover_open: whether its cover is open.
        low: whether its roll is nearly at its end.
        chatter: bytes that it sends without being asked, before each answer.
        halt_in, halt_out: bytes of the job after which the endpoint halts, once.
        driver: the kernel's driver that has it at first.
    """

    strings: Sequence[str] = ("EPSON", "TM-T88V", "R1")
    answers: bool = True
    mute: Sequence[int] = ()
    in_order: bool = True
    in_order_says: int = 0
    paper_out_after: int | None = None
    silent_after: int | None = None
    stuck_after: int | None = None
    unplug_after: int | None = None
    short: int | None = None
    cover_open: bool = False
    low: bool = False
    chatter: str = ""
    halt_in: int | None = None
    halt_out: int | None = None
    device_id: bool = True
    driver: str = ""
    plugged: bool = True
    received: bytearray = field(default_factory=bytearray)
    _splitter: Splitter = field(default_factory=Splitter)
    _out: bytearray = field(default_factory=bytearray)
    _job: int = 0

    endpoints: ClassVar[Sequence[tuple[int, int, int, int]]] = ((0x81, 2, 64, 0), (0x02, 2, 64, 0))
    interface_class = (7, 1, 2)
    interface_number = 0
    ids = (VENDOR, PRODUCT)
    device_id_text: ClassVar[bytes] = DEVICE_ID

    def plug_in(self) -> None:
        """Power and cable are there again; what it had not worked through is gone."""
        self.unplug_after, self._splitter, self._out = (
            (None if not self.plugged else self.unplug_after),
            Splitter(),
            bytearray(),
        )
        self.plugged = True

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes) -> bytes | None:
        """GET_DEVICE_ID and GET_PORT_STATUS of the printer class."""
        if (request_type, request, index) == (0xA1, 0, self.interface_number << 8) and self.device_id:
            return (len(self.device_id_text) + 2).to_bytes(2, "big") + self.device_id_text
        if (request_type, request) == (0xA1, 1):
            return b"\x18"
        return None

    def read(self, endpoint: int, length: int) -> bytes | None:
        """Answers that wait."""
        if self.halt_in is not None and self._job >= self.halt_in:
            self.halt_in = None
            raise Halts
        if not self._out:
            return None
        data, self._out = bytes(self._out[:length]), self._out[length:]
        return data

    def write(self, endpoint: int, data: bytes) -> int | None:
        """Take bytes, up to what the fault allows."""
        if self.halt_out is not None and self._job >= self.halt_out:
            self.halt_out = None
            raise Halts
        if self.stuck_after is not None and self._job >= self.stuck_after:
            return None
        if self.short is not None:
            data = data[: self.short]
        for token in self._splitter.take(data):
            self._work(token)
        self.received += data
        if self.unplug_after is not None and self._job >= self.unplug_after:
            self.plugged = False
        return len(data)

    @property
    def out_of_paper(self) -> bool:
        """Whether the roll ended."""
        return self.paper_out_after is not None and self._job >= self.paper_out_after

    def _work(self, token: Token) -> None:
        if token.name == "DLE EOT":
            heard = self.answers and token.data[0] not in self.mute
            if heard and not (self.silent_after is not None and self._job >= self.silent_after):
                self._out += bytes.fromhex(self.chatter) + bytes((self._told(token.data[0]),))
        elif token.name == "GS r":
            if self.answers and self.in_order and not self.out_of_paper and not self.cover_open:
                self._out.append(self.in_order_says)
        else:
            self._job += len(token.data) + 1

    def _told(self, question: int) -> int:
        stopped = self.out_of_paper or self.cover_open
        return 0x12 | {
            1: 0x08 if stopped else 0,
            2: (0x04 if self.cover_open else 0) | (0x20 if self.out_of_paper else 0),
            3: 0,
            4: (0x60 if self.out_of_paper else 0) | (0x0C if self.low or self.out_of_paper else 0),
        }.get(question, 0)

    def tell(self, name: str, value: Any) -> None:
        """Somebody at the counter does something: `paper` puts a roll in, `close` closes the cover."""
        if name == "paper":
            self.paper_out_after = None
        elif name == "free":
            self.stuck_after = None
        elif name == "close":
            self.cover_open = False
        else:
            raise ValueError(name)

    def seen(self) -> dict[str, object]:
        """What the test may look at."""
        return {"received": bytes(self.received).hex(), "driver": self.driver, "job": self._job}


@dataclass
class SmallPrinter(Printer):
    """A cheap 58 mm printer with no device id, no serial number, and a one-way interface: it can say nothing."""

    strings: Sequence[str] = ("", "USB Printing Support", "")
    answers: bool = False
    device_id: bool = False
    endpoints: ClassVar[Sequence[tuple[int, int, int, int]]] = ((0x01, 2, 64, 0),)
    interface_class = (7, 1, 1)
    ids = (0x0416, 0x5011)


@dataclass
class PageUsbPrinter(Printer):
    """An office printer that also scans: of the same USB class, at its second interface, and no receipt printer."""

    strings: Sequence[str] = ("HP", "LaserJet", "P1")
    device_id_text: ClassVar[bytes] = PAGE_DEVICE_ID
    interface_number = 1
    ids = (0x03F0, 0x1234)
