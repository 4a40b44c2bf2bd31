"""How bytes reach a receipt printer and come back: USB (printer class, or the maker's own), and TCP port 9100."""

from __future__ import annotations

import fcntl
import ipaddress
import select
import socket
import struct
import termios
import time
from collections.abc import Callable
from typing import Final, Protocol

from devices import resolving
from devices.addresses import RAW_PORT
from devices.errors import DeviceFault, Refused, Unplugged
from devices.finding import Which
from devices.usb import UsbInterface, UsbPort

PRINTER_CLASS: Final = 7
MAKERS_CLASS: Final = 0xFF
USB_CHUNK: Final = 4096
SEND_BUFFER: Final = 8192
"""The kernel keeps at most about this much of a job for itself, so that what was taken is nearly what arrived."""
FLUSH_STEP_S: Final = 0.01
KNOWN_FOR_S: Final = 600.0
"""How long what was learnt of a printer at an address holds: somebody may have put another there, or switched it on."""


class PrinterLink(Protocol):
    """A connection that opens itself when needed, and anew after a failure."""

    @property
    def generation(self) -> int:
        """Changes when there may be another printer at the other end: what was learnt of it holds until then."""

    @property
    def can_answer(self) -> bool:
        """Whether anything can come back at all; raises `DeviceFault` where the printer is not there."""

    def write(self, data: bytes, limit_s: float) -> int:
        """Hand over some of `data`; answers how many bytes were taken, 0 if none in time. Raises `DeviceFault`."""

    def flush(self, limit_s: float) -> int:
        """Wait until what was taken has left this machine; answers how many bytes have not. Raises `DeviceFault`."""

    def read(self, limit_s: float) -> bytes:
        """What the printer says; empty where it says nothing in time. Raises `DeviceFault`."""

    def close(self) -> None:
        """Let go; safe at any time."""


def printer_interface(interfaces: tuple[UsbInterface, ...]) -> UsbInterface | None:
    """The printer-class interface, else the maker's own that can be written to."""
    able = [i for i in interfaces if i.endpoint_out]
    for wanted in (PRINTER_CLASS, MAKERS_CLASS):
        for interface in able:
            if interface.usb_class[0] == wanted:
                return interface
    return None


class UsbLink:
    """A printer on USB."""

    def __init__(self, which: Which) -> None:
        self.port = UsbPort(which, "receipt printer", printer_interface)

    @property
    def generation(self) -> int:
        """Counts how often the printer was plugged in and opened."""
        return self.port.generation

    @property
    def can_answer(self) -> bool:
        """Whether there is an IN endpoint."""
        return bool(self.port.interface.endpoint_in)

    def write(self, data: bytes, limit_s: float) -> int:
        """Hand over at most `USB_CHUNK` bytes."""
        return self.port.write(data[:USB_CHUNK], limit_s)

    def flush(self, limit_s: float) -> int:
        """A finished transfer is at the printer: nothing waits here."""
        del limit_s
        return 0

    def read(self, limit_s: float) -> bytes:
        """What the printer says; a printer that refuses to say anything says nothing."""
        try:
            return self.port.read(limit_s)
        except Refused:
            return b""

    def close(self) -> None:
        """Let go of the device."""
        self.port.close()


class TcpLink:
    """A printer on the network. Let go of it after each job: most take one connection at a time, and counters share.

    Args:
        host: a host name or address.
        port: 9100 on nearly every printer.
        clock: monotonic seconds.
    """

    def __init__(self, host: str, port: int = RAW_PORT, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.place = f"{host}:{port}" if not _is_ipv6(host) else f"[{host}]:{port}"
        self.generation = 0
        self._learnt_s = float("-inf")
        self._address = (host, port)
        self._clock = clock
        self._socket: socket.socket | None = None

    @property
    def can_answer(self) -> bool:
        """A TCP connection carries both ways."""
        self._connected()
        return True

    def write(self, data: bytes, limit_s: float) -> int:
        """Hand over what the kernel takes now."""
        connection = self._connected()
        try:
            if not select.select([], [connection], [], limit_s)[1]:
                return 0
            return connection.send(data)
        except OSError:
            raise self._gone() from None

    def flush(self, limit_s: float) -> int:
        """Wait until the printer's side has acknowledged every byte; answers how many it has not."""
        connection = self._connected()
        end = self._clock() + limit_s
        while waiting := self._waiting(connection):
            if self._clock() >= end:
                return waiting
            time.sleep(FLUSH_STEP_S)
        return 0

    def read(self, limit_s: float) -> bytes:
        """What the printer says."""
        connection = self._connected()
        try:
            if not select.select([connection], [], [], limit_s)[0]:
                return b""
            data = connection.recv(256)
        except OSError:
            raise self._gone() from None
        if not data:
            raise self._gone()
        return data

    def close(self) -> None:
        """Close the connection."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            try:
                connection = resolving.connect(*self._address)
            except OSError:
                self._learnt_s = float("-inf")
                raise Unplugged(
                    f"The receipt printer at {self.place} cannot be reached.", "Check its power and its network cable."
                ) from None
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            self._socket = connection
            if self._clock() - self._learnt_s > KNOWN_FOR_S:
                self._learnt_s = self._clock()
                self.generation += 1
        return self._socket

    def _waiting(self, connection: socket.socket) -> int:
        try:
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise self._gone()
            return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0\0\0\0"))[0])
        except OSError:
            raise self._gone() from None

    def _gone(self) -> DeviceFault:
        self._learnt_s = float("-inf")
        self.close()
        return Unplugged(
            f"The connection to the receipt printer at {self.place} broke.", "Check its power and its network cable."
        )


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False
