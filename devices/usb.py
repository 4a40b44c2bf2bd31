"""The one place that touches pyusb: finding a device, talking to it within time limits, and saying what went wrong.

A `UsbPort` is a way to a device, not a handle: it opens the device when it is first needed, lets it go at any failure,
and finds it anew at the next call. So a device may be pulled out and put back at any moment.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import usb.backend.libusb1
import usb.core
import usb.util

from devices.errors import DeviceFault, Garbled, NotInstalled, Refused, TimedOut, Unplugged
from devices.finding import Which, pick

MAX_DEVICES: Final = 128
GONE: Final = frozenset({errno.ENODEV, errno.ESHUTDOWN, errno.ENOENT, errno.ENXIO})
STALLED: Final = frozenset({errno.EPIPE})
TIMED_OUT: Final = frozenset({errno.ETIMEDOUT})
STRINGS: Final = ("iSerialNumber", "iProduct")


@dataclass(frozen=True, slots=True)
class UsbInterface:
    """An interface of a device: its number, class triple, and endpoint addresses (0 where there is none)."""

    number: int
    usb_class: tuple[int, int, int]
    endpoint_in: int
    endpoint_out: int


@dataclass(frozen=True, slots=True)
class UsbEntry:
    """A device on the bus, as its descriptors tell. `port` is the kernel's name for the plug: `1-2.3`."""

    vendor: int
    product: int
    port: str
    interfaces: tuple[UsbInterface, ...]
    handle: Any
    _strings: dict[str, str] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """A string descriptor (`iSerialNumber`, `iProduct`); empty where it cannot be read.

        Reading opens the device, so all are read at once, before anything else opens it, and it is let go again.
        """
        if not self._strings:
            for each in STRINGS:
                self._strings[each] = _string(self.handle, each)
            usb.util.dispose_resources(self.handle)
        return self._strings[name]

    @property
    def serial(self) -> str:
        """The serial number, or empty."""
        return self.text("iSerialNumber")


def entries() -> list[UsbEntry]:
    """Every device on the bus.

    Raises:
        NotInstalled: libusb is not on this machine.
    """
    backend = usb.backend.libusb1.get_backend()
    if backend is None:
        raise NotInstalled("libusb is not installed on this machine.", "Install the package libusb-1.0-0.")
    try:
        found = list(usb.core.find(find_all=True, backend=backend))[:MAX_DEVICES]
    except (usb.core.USBError, NotImplementedError):
        return []
    return [entry for entry in map(_entry, found) if entry is not None]


def _entry(handle: Any) -> UsbEntry | None:
    try:
        interfaces = tuple(_interface(i) for i in handle[0] if i.bAlternateSetting == 0)
    except (usb.core.USBError, NotImplementedError, IndexError):
        return None
    numbers = handle.port_numbers or ()
    port = f"{handle.bus}-{'.'.join(map(str, numbers))}" if numbers else f"{handle.bus}:{handle.address}"
    return UsbEntry(handle.idVendor, handle.idProduct, port, interfaces, handle)


def _string(handle: Any, name: str) -> str:
    try:
        index = getattr(handle, name)
        found = usb.util.get_string(handle, index) if index else None
    except (usb.core.USBError, ValueError, NotImplementedError, UnicodeDecodeError):
        return ""
    return "".join(c for c in (found or "") if c.isprintable()).strip()


def _interface(found: Any) -> UsbInterface:
    ends = [e.bEndpointAddress for e in found if e.bmAttributes & 3 in (2, 3)]
    return UsbInterface(
        found.bInterfaceNumber,
        (found.bInterfaceClass, found.bInterfaceSubClass, found.bInterfaceProtocol),
        next((e for e in ends if e & 0x80), 0),
        next((e for e in ends if not e & 0x80), 0),
    )


def find(which: Which) -> UsbEntry | None:
    """The device that is meant, if it is plugged in now."""
    return pick(which, entries())


class UsbPort:
    """A way to one interface of a USB device.

    Args:
        which: the device.
        name: what to call it to the operator: "signature pad".
        choose: picks the interface; answers None where the device has none that fits.
    """

    def __init__(
        self, which: Which, name: str, choose: Callable[[tuple[UsbInterface, ...]], UsbInterface | None]
    ) -> None:
        self.which = which
        self._name = name
        self._choose = choose
        self._open: tuple[UsbEntry, UsbInterface] | None = None
        self._address = (0, 0)
        self._detached = False
        self.generation = 0
        """Counts how often the device was plugged in, as far as it was opened: state that lived in it is then gone."""

    @property
    def interface(self) -> UsbInterface:
        """The interface, opened if it was not.

        Raises:
            DeviceFault: the device is not there, or may not be opened.
        """
        return self._opened()[1]

    @property
    def entry(self) -> UsbEntry:
        """The device, opened if it was not; raises as `interface` does."""
        return self._opened()[0]

    def control_in(
        self, request_type: int, request: int, value: int, length: int, limit_s: float, *, shifted: bool = False
    ) -> bytes:
        """A control transfer to us.

        Args:
            request_type: bmRequestType.
            request: bRequest.
            value: wValue.
            length: the most that is taken.
            limit_s: how long it may take.
            shifted: the interface's number stands in the upper byte of wIndex, as GET_DEVICE_ID of printers wants it.

        Raises:
            DeviceFault: gone, silent, or the request was refused (stalled).
        """
        entry, interface = self._opened()
        index = interface.number << 8 if shifted else interface.number
        with self._translated():
            answer = entry.handle.ctrl_transfer(request_type, request, value, index, length, _milliseconds(limit_s))
            return bytes(answer)

    def control_out(self, request_type: int, request: int, value: int, data: bytes, limit_s: float) -> None:
        """A control transfer to the device, complete.

        Raises:
            DeviceFault: gone, silent, or the request was refused (stalled).
        """
        entry, interface = self._opened()
        with self._translated():
            taken = entry.handle.ctrl_transfer(
                request_type, request, value, interface.number, data, _milliseconds(limit_s)
            )
        if taken != len(data):
            raise Garbled(f"The {self._name} took only a part of a command.", "Pull its cable out, put it in again.")

    def write(self, data: bytes, limit_s: float) -> int:
        """Write to the OUT endpoint; answers how many bytes were taken, 0 if none were in time.

        Raises:
            DeviceFault: gone, or refused.
        """
        entry, interface = self._opened()
        try:
            with self._translated(interface.endpoint_out):
                return int(entry.handle.write(interface.endpoint_out, data, _milliseconds(limit_s)))
        except TimedOut:
            return 0

    def read(self, limit_s: float, length: int = 64) -> bytes:
        """Read from the IN endpoint; empty where nothing came in time, or the device cannot answer.

        Raises:
            DeviceFault: gone, or refused. A halted endpoint was set going again: the next call may succeed.
        """
        entry, interface = self._opened()
        if not interface.endpoint_in:
            return b""
        try:
            with self._translated(interface.endpoint_in):
                return bytes(entry.handle.read(interface.endpoint_in, length, _milliseconds(limit_s)))
        except TimedOut:
            return b""

    def close(self) -> None:
        """Let go of the device, and give it back to the kernel's driver that had it; safe at any time."""
        opened, self._open = self._open, None
        detached, self._detached = self._detached, False
        if opened is None:
            return
        entry, interface = opened
        try:
            if detached:
                usb.util.release_interface(entry.handle, interface.number)
                entry.handle.attach_kernel_driver(interface.number)
        except (usb.core.USBError, NotImplementedError, ValueError):
            pass  # it went away, or its driver did: nobody to give it back to
        try:
            usb.util.dispose_resources(entry.handle)
        except usb.core.USBError:
            return  # it went away first: there is nothing left to let go of

    def _opened(self) -> tuple[UsbEntry, UsbInterface]:
        if self._open is not None:
            return self._open
        entry = find(self.which)
        if entry is None:
            raise Unplugged(f"The {self._name} is not connected.", "Check its cable and its power.")
        interface = self._choose(entry.interfaces)
        if interface is None:
            raise Refused(f"The {self._name} is of a kind that is not supported.", "See docs/devices.md.")
        entry.text("iSerialNumber")  # now: later it would take the device from under us
        self._open = (entry, interface)
        with self._translated():
            if _driver_bound(entry.handle, interface.number):
                entry.handle.detach_kernel_driver(interface.number)
                self._detached = True
            usb.util.claim_interface(entry.handle, interface.number)
        address = (entry.handle.bus, entry.handle.address)
        if address != self._address:
            self._address = address
            self.generation += 1
        return self._open

    @contextmanager
    def _translated(self, endpoint: int = 0) -> Iterator[None]:
        """Turn errors into ours. A bulk or interrupt endpoint stays halted after a stall, until it is set going."""
        try:
            yield
        except usb.core.USBTimeoutError:
            raise TimedOut(f"The {self._name} does not answer.", "Check that it is switched on.") from None
        except usb.core.USBError as error:
            if error.errno in STALLED and endpoint:
                self._set_going(endpoint)
            raise self._fault(error.errno) from None
        except ValueError:  # pyusb: the handle was disposed of, or an endpoint vanished
            self.close()
            raise Unplugged(f"The {self._name} was disconnected.", "Put its cable in again.") from None

    def _set_going(self, endpoint: int) -> None:
        try:
            if self._open is not None:
                self._open[0].handle.clear_halt(endpoint)
        except (usb.core.USBError, NotImplementedError, ValueError):
            self.close()  # the next call opens it anew

    def _fault(self, number: int | None) -> DeviceFault:
        if number in TIMED_OUT:
            return TimedOut(f"The {self._name} does not answer.", "Check that it is switched on.")
        if number in STALLED:
            return Refused(f"The {self._name} refused a command.", "If it stays, call central IT.")
        self.close()
        if number in GONE or find(self.which) is None:
            return Unplugged(f"The {self._name} was disconnected.", "Put its cable in again.")
        if number in (errno.EACCES, errno.EPERM):
            return Refused(
                f"This program may not use the {self._name}.",
                "Central IT must install Sanad's udev rules (provisioning/70-sanad.rules).",
            )
        if number == errno.EBUSY:
            return Refused(f"Another program uses the {self._name}.", "Close the other program.")
        return Refused(
            f"The connection to the {self._name} failed.", "Pull its cable out, put it in again; then try again."
        )


def _driver_bound(handle: Any, interface: int) -> bool:
    try:
        return bool(handle.is_kernel_driver_active(interface))
    except NotImplementedError:
        return False


def _milliseconds(seconds: float) -> int:
    """At least one: to libusb, 0 means to wait for ever."""
    return max(1, round(seconds * 1000))
