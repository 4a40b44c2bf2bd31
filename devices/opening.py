"""The driver of the device at a written address, or of one that was found. It looks for it only when first used."""

from __future__ import annotations

from devices.addresses import NamedPlace, NodePlace, TcpPlace, UsbPlace, read_address
from devices.contracts import Camera, Identity, Kind, PagePrinter, ReceiptPrinter, Scanner, SignaturePad
from devices.errors import Refused
from devices.escpos.encode import ReceiptEncoder
from devices.escpos.links import TcpLink, UsbLink
from devices.escpos.printer import EscposPrinter
from devices.evdev.pad import EvdevPad
from devices.finding import Which
from devices.ipp.printer import IppPrinter
from devices.sane import SaneScanner
from devices.stu.pad import StuPad
from devices.v4l2.camera import V4l2Camera
from devices.wedge import WedgeReader


def open_pad(address: str) -> SignaturePad:
    """The signature pad at an address.

    Raises:
        Refused: it is the address of something else.
    """
    match read_address(address):
        case (Kind.SIGNATURE_PAD, UsbPlace() as place):
            return StuPad(_which(place))
        case (Kind.SIGNATURE_PAD, NodePlace() as place):
            return EvdevPad(_which(place))
    raise _other()


def open_receipt_printer(address: str, encoder: ReceiptEncoder | None = None) -> ReceiptPrinter:
    """The receipt printer at an address; `encoder` says its profile and width.

    Raises:
        Refused: it is the address of something else.
    """
    match read_address(address):
        case (Kind.RECEIPT_PRINTER, UsbPlace() as place):
            which = _which(place)
            numbers = (f"{place.vendor:04x}", f"{place.product:04x}")
            identity = Identity(Kind.RECEIPT_PRINTER, *numbers, "", place.serial, place.port)
            return EscposPrinter(identity, UsbLink(which), encoder)
        case (Kind.RECEIPT_PRINTER, TcpPlace() as place):
            link = TcpLink(place.host, place.port)
            return EscposPrinter(Identity(Kind.RECEIPT_PRINTER, "", "", "", "", link.place), link, encoder)
    raise _other()


def open_page_printer(address: str) -> PagePrinter:
    """The page printer at an address.

    Raises:
        Refused: it is the address of something else.
    """
    match read_address(address):
        case (Kind.PAGE_PRINTER, NamedPlace() as place):
            return IppPrinter(place.name)
    raise _other()


def open_scanner(address: str) -> Scanner:
    """The scanner at an address.

    Raises:
        Refused: it is the address of something else.
    """
    match read_address(address):
        case (Kind.SCANNER, NamedPlace() as place):
            return SaneScanner(place.name)
    raise _other()


def open_camera(address: str) -> Camera:
    """The camera at an address.

    Raises:
        Refused: it is the address of something else.
    """
    match read_address(address):
        case (Kind.CAMERA, NodePlace() as place):
            return V4l2Camera(_which(place))
    raise _other()


def open_code_reader(address: str) -> WedgeReader:
    """The code reader at an address; who sees the keys puts its codes in.

    Raises:
        Refused: it is the address of something else.
    """
    match read_address(address):
        case (Kind.CODE_READER, NodePlace() as place):
            return WedgeReader(_which(place))
        case (Kind.CODE_READER, NamedPlace()):
            return WedgeReader()
    raise _other()


def _which(place: UsbPlace | NodePlace) -> Which:
    return Which(place.vendor, place.product, place.serial, place.port)


def _other() -> Refused:
    return Refused("That is the address of a device of another kind.", "Correct the counter's devices in node.toml.")
