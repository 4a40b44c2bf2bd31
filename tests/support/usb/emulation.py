"""Answer a program's real pyusb and libusb calls from a device model in Python, by umockdev."""

from __future__ import annotations

import errno
import struct
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import gi

from tests.support.usb.silence import Halts, NeverAnswers

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402

REQUESTS = {  # usbdevfs ioctls that libusb makes, on a 64-bit kernel
    0x8004551A: "GET_CAPABILITIES",
    0x8004550F: "CLAIM",
    0x80045510: "RELEASE",
    0x8038550A: "SUBMIT",
    0x550B: "DISCARD",
    0x4008550C: "REAP",
    0x4008550D: "REAP_NO_DELAY",
    0x41045508: "GET_DRIVER",
    0xC0105512: "IOCTL",
    0x80045505: "SET_CONFIGURATION",
    0x8108551B: "DISCONNECT_CLAIM",
    0x5514: "RESET",
    0x80045515: "CLEAR_HALT",
}
SIMPLE = frozenset({"CLAIM", "RELEASE", "RESET", "SET_CONFIGURATION", "CLEAR_HALT", "DISCONNECT_CLAIM"})
CONNECT = 0x5517
URB_CONTROL = 2
GET_DESCRIPTOR = 6
STRING = 3
POLL_S = 0.0005


class Model(Protocol):
    """A device. `plugged` is false once it was pulled out; every call then fails with ENODEV."""

    plugged: bool
    strings: Sequence[str]

    def plug_in(self) -> None:
        """Somebody puts the cable in: the device starts anew."""

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes) -> bytes | None:
        """Answer a control transfer; None stalls it, `NeverAnswers` leaves it under way."""

    def read(self, endpoint: int, length: int) -> bytes | None:
        """Answer an IN transfer; None while there is nothing to say."""

    def write(self, endpoint: int, data: bytes) -> int | None:
        """Take an OUT transfer: how many bytes; None while the device takes none."""


@dataclass
class Urbs:
    """The transfers of one open file: as in the kernel, nobody fetches those of another."""

    pending: list[Any] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)


class Server:
    """Serves one model at one device node."""

    def __init__(self, testbed: Any, node: str, model: Model) -> None:
        self.model = model
        self._open: dict[Any, Urbs] = {}
        self._halted: set[int] = set()
        self.handler = UMockdev.IoctlBase()
        self.handler.connect("handle-ioctl", self._handle)
        testbed.attach_ioctl(node, self.handler)

    def _handle(self, _: Any, client: Any) -> bool:
        name = REQUESTS.get(client.get_property("request") & 0xFFFFFFFF, "")
        try:
            if not self.model.plugged and not name.startswith("REAP"):
                client.complete(-1, errno.ENODEV)
            elif name == "CLAIM" and self._bound():
                client.complete(-1, errno.EBUSY)
            elif name in SIMPLE:
                if name == "CLEAR_HALT":
                    self._halted.discard(bytes(client.get_property("arg").resolve(0, 4).retrieve())[0])
                client.complete(0, 0)
            else:
                self._answer(name, client, client.get_property("arg"), self._open.setdefault(client, Urbs()))
        except Exception:  # noqa: BLE001 -- whatever a model does wrong must reach the test's output, not hang it
            traceback.print_exc()
            client.complete(-1, errno.EIO)
        return True

    def _answer(self, name: str, client: Any, argument: Any, urbs: Urbs) -> None:
        if name == "GET_CAPABILITIES":
            argument.resolve(0, 4).update(0, list(struct.pack("<I", 5)))
            client.complete(0, 0)
        elif name == "GET_DRIVER":
            driver = self._bound()
            if driver:
                argument.resolve(0, 260).update(4, list(driver.encode() + b"\0"))
            client.complete(*((0, 0) if driver else (-1, errno.ENODATA)))
        elif name == "IOCTL":
            _, code = struct.unpack("<ii", bytes(argument.resolve(0, 8).retrieve()))
            vars(self.model)["driver"] = "usblp" if code == CONNECT else ""
            client.complete(0, 0)
        elif name == "SUBMIT":
            urb = argument.resolve(0, 56)
            kind, endpoint, _, _, _, length = struct.unpack_from("<BBxxiI4xQi", bytes(urb.retrieve()), 0)
            urbs.pending.append((urb, urb.resolve(16, length) if length else None, kind, endpoint, length))
            client.complete(0, 0)
        elif name == "DISCARD":
            address = struct.unpack("<Q", bytes(argument.retrieve()))[0]
            found = next((urb for urb in urbs.pending if urb[0].client_addr == address), None)
            if found is not None:
                self._finish(urbs, found, -errno.ENOENT, 0)
            client.complete(*((-1, errno.EINVAL) if found is None else (0, 0)))
        elif name in ("REAP", "REAP_NO_DELAY"):
            if not urbs.done:
                any(self._complete(urbs, urb) for urb in list(urbs.pending) if self.model.plugged)
            if not self.model.plugged:  # as the kernel does: what is under way ends, and can still be fetched
                for urb in list(urbs.pending):
                    self._finish(urbs, urb, -errno.ESHUTDOWN, 0)
            if urbs.done:
                argument.resolve(0, 8).set_ptr(0, urbs.done.pop(0))
                client.complete(0, 0)
            elif not self.model.plugged:
                client.complete(-1, errno.ENODEV)
            else:
                time.sleep(POLL_S)  # libusb asks again at once: spare the processor
                client.complete(-1, errno.EAGAIN)
        else:
            client.complete(-1, errno.ENOTTY)

    def _bound(self) -> str:
        """The kernel's driver that has the device, or empty."""
        return str(getattr(self.model, "driver", ""))

    def _finish(self, urbs: Urbs, urb: Any, status: int, actual: int) -> None:
        descriptor = urb[0]
        descriptor.update(4, list(struct.pack("<i", status)))
        descriptor.update(28, list(struct.pack("<i", actual)))
        urbs.pending.remove(urb)
        urbs.done.append(descriptor)

    def _complete(self, urbs: Urbs, urb: Any) -> bool:
        _, buffer, kind, endpoint, _ = urb
        data = bytes(buffer.retrieve()) if buffer else b""
        if kind == URB_CONTROL:
            try:
                answer = self._control(data)
            except NeverAnswers:
                return False
            if answer is None:
                self._finish(urbs, urb, -errno.EPIPE, 0)
            else:
                if answer and data[0] & 0x80:
                    buffer.update(8, list(answer))
                self._finish(urbs, urb, 0, len(answer) if data[0] & 0x80 else len(data) - 8)
        else:
            try:
                if endpoint in self._halted:
                    raise Halts
                return self._transferred(urbs, urb, data)
            except Halts:
                self._halted.add(endpoint)
                self._finish(urbs, urb, -errno.EPIPE, 0)
        return True

    def _transferred(self, urbs: Urbs, urb: Any, data: bytes) -> bool:
        _, buffer, _, endpoint, length = urb
        if endpoint & 0x80:
            answer = self.model.read(endpoint, length)
            if answer is None:
                return False
            buffer.update(0, list(answer))
            self._finish(urbs, urb, 0, len(answer))
        else:
            taken = self.model.write(endpoint, data)
            if taken is None:
                return False
            self._finish(urbs, urb, 0, taken)
        return True

    def _control(self, data: bytes) -> bytes | None:
        request_type, request, value, index, size = struct.unpack("<BBHHH", data[:8])
        if request_type == 0x80 and request == GET_DESCRIPTOR and value >> 8 == STRING:
            text = struct.pack("<H", 0x0409)
            if value & 0xFF:
                strings = self.model.strings
                if value & 0xFF > len(strings):
                    return None
                text = strings[(value & 0xFF) - 1].encode("utf-16-le")
            return (bytes((len(text) + 2, STRING)) + text)[:size]
        answer = self.model.control(request_type, request, value, index, data[8 : 8 + size])
        return answer[:size] if answer is not None and request_type & 0x80 else answer


class NodeServer:
    """Serves a device node of the kernel (`/dev/input/event…`) from a model; events go through `connect`'s file."""

    def __init__(self, testbed: Any, node: str, model: Any) -> None:
        self.model = model
        self.handler = UMockdev.IoctlBase()
        self.handler.connect("handle-ioctl", self._ioctl)
        self.handler.connect("handle-read", self._read)
        testbed.attach_ioctl(node, self.handler)
        model.connect(testbed.get_dev_fd(node), lambda recording: testbed.load_evemu_events(node, recording))

    def _ioctl(self, _: Any, client: Any) -> bool:
        request, argument = client.get_property("request") & 0xFFFFFFFF, client.get_property("arg")
        try:
            result, answer = self.model.ioctl(request, argument)
            if answer:
                argument.resolve(0, len(answer)).update(0, list(answer))
            client.complete(*((-1, -result) if result < 0 else (result, 0)))
        except Exception:  # noqa: BLE001 -- as in `Server`
            traceback.print_exc()
            client.complete(-1, errno.EIO)
        return True

    def _read(self, _: Any, client: Any) -> bool:
        if self.model.plugged:
            return False  # umockdev then reads the pipe behind the node
        client.complete(-1, errno.ENODEV)
        return True


class VideoServer:
    """Serves those ioctls of a video node that come by the C library; `syscalls` serves those that do not."""

    def __init__(self, testbed: Any, node: str, model: Any) -> None:
        self.model = model
        self.handler = UMockdev.IoctlBase()
        self.handler.connect("handle-ioctl", self._ioctl)
        testbed.attach_ioctl(node, self.handler)

    def _ioctl(self, _: Any, client: Any) -> bool:
        request = client.get_property("request") & 0xFFFFFFFF
        place = client.get_property("arg").resolve(0, request >> 16 & 0x3FFF)
        data = bytearray(place.retrieve())
        result = self.model.ioctl(request & 0xFF, data)
        place.update(0, list(data))
        client.complete(*((-1, -result) if result < 0 else (result, 0)))
        return True


def new_testbed() -> Any:
    """An empty bus."""
    return UMockdev.Testbed.new()


def describe(
    bus: int,
    number: int,
    ids: tuple[int, int],
    endpoints: Sequence[tuple[int, int, int, int]],
    interface_class: tuple[int, int, int],
    port: str,
    serial: str = "",
    interface: int = 0,
) -> tuple[str, str, str]:
    """A full-speed device for umockdev; endpoints are (address, attributes, packet size, interval).

    Returns:
        The text for `add_from_string`, the device node, the sysfs path.
    """
    vendor, product = ids
    head = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 64, vendor, product, 0x0100, 1, 2, 3, 1)
    body = struct.pack("<BBBBBBBBB", 9, 4, interface, 0, len(endpoints), *interface_class, 0)
    for address, kind, size, interval in endpoints:
        body += struct.pack("<BBBBHB", 7, 5, address, kind, size, interval)
    whole = head + struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 1, 1, 0, 0x80, 50) + body
    descriptors = whole.hex().upper()
    path = f"/devices/pci0000:00/0000:00:14.0/usb1/{port}"
    node = f"bus/usb/{bus:03}/{number:03}"
    properties = {
        "SUBSYSTEM": "usb",
        "DEVTYPE": "usb_device",
        "DEVNAME": f"/dev/{node}",
        "BUSNUM": f"{bus:03}",
        "DEVNUM": f"{number:03}",
        "ID_VENDOR_ID": f"{vendor:04x}",
        "ID_MODEL_ID": f"{product:04x}",
        "MAJOR": "189",
        "MINOR": str(number - 1),
    }
    attributes = {
        "busnum": bus,
        "devnum": number,
        "speed": 12,
        "idVendor": f"{vendor:04x}",
        "idProduct": f"{product:04x}",
        "bConfigurationValue": 1,
        "bNumConfigurations": 1,
        "bMaxPacketSize0": 64,
        "bDeviceClass": "00",
        "version": " 2.00",
        "serial": serial,
        "maxchild": 0,
    }
    lines = [f"P: {path}", f"N: {node}={descriptors}"]
    lines += [f"E: {key}={value}" for key, value in properties.items()]
    lines += [f"A: {key}={value}" for key, value in attributes.items()]
    lines += [f"H: descriptors={descriptors}"]
    return "\n".join(lines) + "\n", f"/dev/{node}", f"/sys{path}"
