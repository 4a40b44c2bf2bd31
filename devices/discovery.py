"""Which devices there are, and how they are.

USB tells what is on the bus. A device of the printer class is a receipt printer unless its IEEE 1284 device id names a
page language; page printers are listed here and printed to by CUPS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from devices import sysfs, usb
from devices.addresses import SANE, address_of
from devices.contracts import ANSWER_LIMIT_S, Identity, Kind, Status
from devices.errors import DeviceFault, Unplugged
from devices.escpos.links import MAKERS_CLASS, PRINTER_CLASS, UsbLink, printer_interface
from devices.escpos.printer import EscposPrinter
from devices.evdev.pad import EvdevPad, pens
from devices.finding import Which
from devices.ipp import browsing
from devices.ipp.printer import IppPrinter
from devices.ipp.transport import with_pin
from devices.readers import readers
from devices.sane import SaneScanner, scanners
from devices.stu.pad import StuPad
from devices.stu.reports import PRODUCTS, VENDOR
from devices.v4l2.camera import V4l2Camera, cameras

IPP_OVER_USB: Final = 4
GET_DEVICE_ID: Final = (0xA1, 0, 0)
"""Request type, request, and the configuration's index."""
PAGE_LANGUAGES: Final = ("PCL", "POSTSCRIPT", "PDF", "PWG", "URF", "PJL", "PCLXL", "GDI", "XPS", "ESCPL")
RECEIPT_LANGUAGES: Final = ("ESC/POS", "ESCPOS", "EPOS", "STAR")
RECEIPT_MAKERS: Final = frozenset({0x04B8, 0x0416, 0x0519, 0x0DD4, 0x0FE6, 0x1504, 0x154F, 0x1D90, 0x2730})
"""Makers of receipt printers that speak ESC/POS through an interface of their own class."""


@dataclass(frozen=True, slots=True)
class Found:
    """A device that there is. `sentence` and `next_step` say why its status is what it is, where that helps.

    `address` is how to write it down (`devices.addresses`), where its identity does not tell.
    """

    identity: Identity
    status: Status
    sentence: str = ""
    next_step: str = ""
    address: str = ""

    def written(self) -> str:
        """How to write it down in `node.toml`.

        Raises:
            Refused: there is no way to find it again.
        """
        return self.address or address_of(self.identity)

    def row(self) -> dict[str, str]:
        """The row of `sanad devices list --json`."""
        who = self.identity
        return {
            "kind": who.kind.value,
            "vendor": who.vendor,
            "product": who.product,
            "model": who.model,
            "serial": who.serial,
            "port": who.port,
            "status": self.status.value,
        }


@dataclass(frozen=True, slots=True)
class Discovered:
    """What was found, and why something else may be there that was not."""

    found: tuple[Found, ...]
    troubles: tuple[DeviceFault, ...]


def discover() -> Discovered:
    """Every device that Sanad can serve and that tells of itself, with its status, by kind and port.

    Receipt printers on the network do not: they are known by their address. Where SANE or Avahi is installed this takes
    some seconds, as they ask the network.
    """
    plugged = discover_plugged()
    others = _looked(
        lambda: [Found(one.identity, SaneScanner(one.name).status(), address=SANE + one.written) for one in scanners()],
        lambda: [_announced(one) for one in browsing.printers()],
    )
    found = sorted(plugged.found + others.found, key=lambda one: (one.identity.kind.value, one.identity.port))
    return Discovered(tuple(found), plugged.troubles + others.troubles)


def discover_plugged() -> Discovered:
    """What is plugged into this machine and needs no other program to be found: pads, pens, cameras, code
    readers, printers."""
    return _looked(
        lambda: [one for entry in usb.entries() if (one := _look_at(entry)) is not None],
        lambda: [_by_kernel(Kind.SIGNATURE_PAD, node) for node in pens()],
        lambda: [_by_kernel(Kind.CAMERA, node) for node in cameras()],
        lambda: [_reader(node) for node in readers()],
    )


def _looked(*looks: Callable[[], list[Found]]) -> Discovered:
    """What each look finds; one that fails keeps nothing from the others."""
    found: list[Found] = []
    troubles: list[DeviceFault] = []
    for look in looks:
        try:
            found += look()
        except DeviceFault as fault:
            troubles.append(fault)
    return Discovered(tuple(found), tuple(troubles))


def which(identity: Identity) -> Which:
    """How to find this USB device again: by its serial number, else by its port."""
    return Which(int(identity.vendor, 16), int(identity.product, 16), identity.serial, identity.port)


def kind_of(entry: usb.UsbEntry, device_id: str) -> Kind | None:
    """What a USB device is for; None for what Sanad does not serve.

    Args:
        entry: its descriptors.
        device_id: its IEEE 1284 device id, or empty.
    """
    if entry.vendor == VENDOR and entry.product in PRODUCTS:
        return Kind.SIGNATURE_PAD
    classes = {interface.usb_class for interface in entry.interfaces}
    if any(c[0] == PRINTER_CLASS for c in classes):
        languages = device_id_field(device_id, "CMD", "COMMAND SET").upper()
        if any(language in languages for language in RECEIPT_LANGUAGES):
            return Kind.RECEIPT_PRINTER
        by_ipp = (PRINTER_CLASS, 1, IPP_OVER_USB) in classes
        return Kind.PAGE_PRINTER if by_ipp or any(p in languages for p in PAGE_LANGUAGES) else Kind.RECEIPT_PRINTER
    made_for_receipts = entry.vendor in RECEIPT_MAKERS and any(
        i.usb_class[0] == MAKERS_CLASS and i.endpoint_out for i in entry.interfaces
    )
    return Kind.RECEIPT_PRINTER if made_for_receipts else None


def device_id_field(device_id: str, *names: str) -> str:
    """A field of an IEEE 1284 device id (`MFG:EPSON;CMD:ESC/POS;…`), by any of its names."""
    for part in device_id.split(";"):
        name, _, value = part.partition(":")
        if name.strip().upper() in names:
            return value.strip()
    return ""


def _look_at(entry: usb.UsbEntry) -> Found | None:
    """Open one device, ask it who and how it is, and let it go."""
    device_id = _device_id(entry) if any(i.usb_class[0] == PRINTER_CLASS for i in entry.interfaces) else ""
    kind = kind_of(entry, device_id)
    if kind is None:
        return None
    model = entry.text("iProduct") or device_id_field(device_id, "MDL", "MODEL")
    if kind is Kind.SIGNATURE_PAD:
        model = PRODUCTS[entry.product].name
    identity = Identity(kind, f"{entry.vendor:04x}", f"{entry.product:04x}", model, entry.serial, entry.port)
    try:
        match kind:
            case Kind.SIGNATURE_PAD:
                pad = StuPad(which(identity))
                try:
                    return Found(pad.identify(), pad.status())
                finally:
                    pad.close()
            case Kind.RECEIPT_PRINTER:
                return Found(identity, EscposPrinter(identity, UsbLink(which(identity))).check())
            case _:
                return Found(identity, Status.UNKNOWN)
    except Unplugged as fault:
        return Found(identity, Status.UNPLUGGED, fault.sentence, fault.next_step)
    except DeviceFault as fault:
        return Found(identity, Status.UNKNOWN, fault.sentence, fault.next_step)


def _by_kernel(kind: Kind, node: sysfs.Node) -> Found:
    """A pen or a camera, with its status."""
    numbers = (f"{node.vendor:04x}", f"{node.product:04x}")
    identity = Identity(kind, *numbers, node.name, node.serial, node.port)
    device = V4l2Camera(which(identity)) if kind is Kind.CAMERA else EvdevPad(which(identity))
    try:
        device.check()
    except Unplugged as fault:
        return Found(identity, Status.UNPLUGGED, fault.sentence, fault.next_step)
    except DeviceFault as fault:
        return Found(identity, Status.UNKNOWN, fault.sentence, fault.next_step)
    return Found(identity, Status.READY)


def _reader(node: sysfs.Node) -> Found:
    numbers = (f"{node.vendor:04x}", f"{node.product:04x}")
    identity = Identity(Kind.CODE_READER, *numbers, node.name, node.serial, node.port)
    return Found(identity, Status.UNKNOWN, "It types like a keyboard, and says nothing of itself.")


def _announced(one: browsing.Announced) -> Found:
    """A page printer on the network, with its status. Its certificate is noted as it is now."""
    identity = Identity(Kind.PAGE_PRINTER, "", "", one.model, one.serial, one.place.uri)
    try:
        place = with_pin(one.place)
    except DeviceFault as fault:
        status = Status.UNPLUGGED if isinstance(fault, Unplugged) else Status.UNKNOWN
        return Found(identity, status, fault.sentence, fault.next_step)
    return Found(identity, IppPrinter(place.written).status(), address=place.written)


def _device_id(entry: usb.UsbEntry) -> str:
    """The IEEE 1284 device id, or empty.

    The kernel's printer driver may know it already; else the printer is asked (USB printer class, GET_DEVICE_ID), which
    takes it from whoever has it for a moment.
    """
    known = sysfs.of_usb_interfaces(entry.port, "ieee1284_id")
    if known:
        return known
    port = usb.UsbPort(Which(entry.vendor, entry.product, "", entry.port), "printer", printer_interface)
    try:
        answer = port.control_in(*GET_DEVICE_ID, 1024, ANSWER_LIMIT_S, shifted=True)
    except DeviceFault:
        return ""
    finally:
        port.close()
    return "".join(c for c in answer[2:].decode("ascii", "replace") if c.isprintable())
