"""How a device is written down in `node.toml`; nothing is opened here.

`usb:056a:00a5:serial:8AQZ001` (a serial number: any socket) · `usb:0416:5011:port:1-2` (none: always that socket) ·
`evdev:056a:0357:serial:0BB1` (a pen of the kernel) · `v4l2:046d:0825:port:1-4` (a camera) · `tcp:192.0.2.7:9100` (a
receipt printer) · `ipp://192.0.2.8/ipp/print` (a page printer) · `sane:NAME` (a scanner; `devices.sane` says what NAME
is) · `keys:0c2e:0b61:port:1-5` (a code reader that types), `keys:any` (whatever types as fast as one).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from devices.contracts import Identity, Kind
from devices.errors import Refused
from devices.ipp.transport import read_place
from devices.stu.reports import PRODUCTS, VENDOR

MAX_CHARACTERS: Final = 200
RAW_PORT: Final = 9100
PLUGGED: Final = re.compile(
    r"(usb|evdev|v4l2|keys):([0-9a-f]{4}):([0-9a-f]{4}):(serial|port):([\x21-\x7e][\x20-\x7e]{0,99})"
)
TCP: Final = "tcp:"
IPP: Final = ("ipp://", "ipps://")
SANE: Final = "sane:"
ANY_READER: Final = "keys:any"
"""Of a code reader that cannot be told from a keyboard, or that is changed often."""


@dataclass(frozen=True, slots=True)
class UsbPlace:
    """A device on USB."""

    vendor: int
    product: int
    serial: str
    port: str


@dataclass(frozen=True, slots=True)
class NodePlace:
    """A device that the kernel gives a node: a pen, a camera."""

    vendor: int
    product: int
    serial: str
    port: str


@dataclass(frozen=True, slots=True)
class TcpPlace:
    """A receipt printer on the network."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A page printer's URI, or SANE's name of a scanner."""

    name: str


_ON_A_PLUG: Final = (Kind.SIGNATURE_PAD, Kind.RECEIPT_PRINTER, Kind.CAMERA, Kind.CODE_READER)

Place = UsbPlace | NodePlace | TcpPlace | NamedPlace


def read_address(address: str) -> tuple[Kind, Place]:
    """What a written address is of, and where that is.

    Raises:
        Refused: it is none.
    """
    if len(address) <= MAX_CHARACTERS:
        plugged = PLUGGED.fullmatch(address)
        if plugged:
            return _plugged(*plugged.groups())
        if address.startswith(TCP):
            return Kind.RECEIPT_PRINTER, tcp_place(address.removeprefix(TCP))
        if address.startswith(IPP):
            return Kind.PAGE_PRINTER, NamedPlace(read_place(address).written)
        if address == ANY_READER:
            return Kind.CODE_READER, NamedPlace(address)
        if address.startswith(SANE) and address.removeprefix(SANE).lstrip("-") == address.removeprefix(SANE) != "":
            return Kind.SCANNER, NamedPlace(address.removeprefix(SANE))
    raise Refused("That is no device's address.", "Take a device from `sanad devices list`.")


def address_of(identity: Identity) -> str:
    """How to write a device down that was found.

    Raises:
        Refused: there is no way to find it again.
    """
    if identity.kind in _ON_A_PLUG and identity.vendor:
        how, value = ("serial", identity.serial) if identity.serial else ("port", identity.port)
        numbers = f"{identity.vendor}:{identity.product}"
        way = {Kind.CAMERA: "v4l2", Kind.CODE_READER: "keys"}.get(identity.kind, "usb")
        if identity.kind is Kind.SIGNATURE_PAD and not _is_stu(int(identity.vendor, 16), int(identity.product, 16)):
            way = "evdev"
        address = f"{way}:{numbers}:{how}:{value}"
        read_address(address)
        return address
    raise Refused(
        "A page printer on USB is driven by CUPS, and is written down by its queue there.",
        "Set it up in CUPS, then give ipp://localhost/printers/NAME.",
    )


def _plugged(way: str, vendor: str, product: str, how: str, value: str) -> tuple[Kind, Place]:
    numbers = int(vendor, 16), int(product, 16)
    where = (value, "") if how == "serial" else ("", value)
    if way == "usb":
        return Kind.SIGNATURE_PAD if _is_stu(*numbers) else Kind.RECEIPT_PRINTER, UsbPlace(*numbers, *where)
    return {"v4l2": Kind.CAMERA, "keys": Kind.CODE_READER}.get(way, Kind.SIGNATURE_PAD), NodePlace(*numbers, *where)


def _is_stu(vendor: int, product: int) -> bool:
    return vendor == VENDOR and product in PRODUCTS


def tcp_place(text: str) -> TcpPlace:
    """The place that `HOST[:PORT]` names.

    Raises:
        Refused: it is no such place.
    """
    try:
        place = urlsplit(f"//{text}")
        host, port, rest = place.hostname, place.port or RAW_PORT, place.path or place.query or place.username
    except ValueError:
        host, port, rest = None, 0, None
    if not host or rest:
        raise Refused("That is no network address.", "Write tcp:HOST or tcp:HOST:PORT, as tcp:192.0.2.7:9100.")
    return TcpPlace(host, port)
