"""How IPP messages reach a printer: HTTP or HTTPS (RFC 8010 section 4, RFC 7472), each exchange within a time limit.

Printers make their own certificates, which nobody vouches for. So an `ipps` address may carry the SHA-256 of the one
that the printer had when it was assigned (`ipps://HOST/ipp/print#sha256=…`): any other is refused. Without that, the
certificate must be vouched for as on the web.

Names that end in `.local` are asked of Avahi, so that a printer is found again when its network address changes.
"""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from devices import programs, resolving
from devices.contracts import CONNECT_LIMIT_S, WRITE_STALL_LIMIT_S
from devices.errors import Refused, TimedOut, Unplugged
from devices.ipp.message import MAX_MESSAGE_BYTES

PORT: Final = 631
CHUNK_BYTES: Final = 16_384
RESOLVE_LIMIT_S: Final = 3.0
CHECK_LIMIT_S: Final = 10.0
"""How long it may take to see a printer's certificate."""
PIN: Final = re.compile(r"sha256=([0-9a-f]{64})")
LOCAL: Final = ".local"
UNREACHABLE: Final = ("The page printer cannot be reached.", "Check its power and its cable.")
SILENT: Final = ("The page printer does not answer.", "Check that it is switched on.")
ASSIGN_AGAIN: Final = "If it was replaced or reset, assign it again with `sanad devices assign`."


@dataclass(frozen=True, slots=True)
class IppPlace:
    """Where a printer is. `pin` is the SHA-256 of its certificate in hex, or empty."""

    secure: bool
    host: str
    port: int
    path: str
    pin: str = ""

    @property
    def uri(self) -> str:
        """As the printer itself knows it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORT else f":{self.port}"
        return f"{'ipps' if self.secure else 'ipp'}://{host}{port}{self.path}"

    @property
    def written(self) -> str:
        """As it is written down."""
        return f"{self.uri}#sha256={self.pin}" if self.pin else self.uri


def read_place(address: str) -> IppPlace:
    """Read an address.

    Raises:
        Refused: it is none.
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, PORT if parts.port is None else parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, 0
    pin = PIN.fullmatch(parts.fragment)
    if not host or parts.scheme not in ("ipp", "ipps") or not port or (parts.fragment and not pin):
        raise Refused("That is no address of a page printer.", "Write ipp://HOST/ipp/print.")
    if pin and parts.scheme == "ipp":
        raise Refused("An address with a certificate begins with ipps.", "Write ipps://HOST/ipp/print#sha256=….")
    return IppPlace(parts.scheme == "ipps", host, port, parts.path or "/ipp/print", pin[1] if pin else "")


def with_pin(place: IppPlace) -> IppPlace:
    """The place with the certificate that is there now, unless it needs no pin.

    Raises:
        DeviceFault: the printer cannot be reached, or does not speak TLS.
    """
    if not place.secure or place.pin:
        return place
    try:
        _check(place, _trusting())
    except Refused:
        return IppPlace(True, place.host, place.port, place.path, _check(place, _accepting()))
    return place


def exchange(
    place: IppPlace,
    message: bytes,
    document: bytes,
    limit_s: float,
    count: Callable[[int], None] = lambda _taken: None,
) -> bytes:
    """Send a message and a document, and give the answer.

    Args:
        place: the printer.
        message: an encoded request.
        document: what follows it.
        limit_s: how long the whole exchange may take.
        count: told of every part of the document that was handed over.

    Raises:
        DeviceFault: unreachable, silent, not the printer that was assigned, or no printer.
    """
    with _wire(limit_s) as wire:
        connection = wire.connect(place, _accepting() if place.pin else _trusting())
        connection.putrequest("POST", place.path)
        connection.putheader("Content-Type", "application/ipp")
        connection.putheader("Content-Length", str(len(message) + len(document)))
        connection.endheaders(message)
        for start in range(0, len(document), CHUNK_BYTES):
            piece = document[start : start + CHUNK_BYTES]
            connection.send(piece)
            count(len(piece))
        connection.sock.settimeout(limit_s)
        response = connection.getresponse()
        data = response.read(MAX_MESSAGE_BYTES + 1)
    if response.status != http.HTTPStatus.OK:
        raise Refused("The page printer refused the connection.", "Check its address in the settings.")
    return data


class _Wire:
    """One connection to a printer, which another thread may cut at any moment, TLS's beginning included."""

    def __init__(self) -> None:
        self.cut = threading.Event()
        self._socket: socket.socket | None = None  # ours: http.client forgets its own before it has read the answer

    def connect(self, place: IppPlace, context: ssl.SSLContext) -> http.client.HTTPConnection:
        """Connect, once the name was looked up within its time, and see that it is the printer that was assigned."""
        plain = resolving.connect(_resolved(place.host), place.port)
        self._take(plain)
        connection = http.client.HTTPConnection(place.host, place.port)
        connection.sock = self._secured(place, plain, context) if place.secure else plain
        connection.sock.settimeout(WRITE_STALL_LIMIT_S)
        return connection

    def end(self) -> None:
        """Cut it: whoever waits on it wakes."""
        self.cut.set()
        if self._socket is not None:
            _shut(self._socket)

    def close(self) -> None:
        """Let go of it."""
        if self._socket is not None:
            self._socket.close()

    def _secured(self, place: IppPlace, plain: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        secured = context.wrap_socket(plain, server_hostname=place.host, do_handshake_on_connect=False)
        self._take(secured)
        try:
            secured.settimeout(CONNECT_LIMIT_S)
            secured.do_handshake()
        except ssl.SSLCertVerificationError:
            raise Refused("Nobody vouches for the page printer's certificate.", ASSIGN_AGAIN) from None
        except ssl.SSLError:
            if self.cut.is_set():
                raise TimeoutError from None
            raise Refused("The page printer does not answer over TLS.", "Assign it with an ipp:// address.") from None
        if place.pin and _fingerprint(secured) != place.pin:
            raise Refused("That is not the page printer that was assigned: its certificate is another.", ASSIGN_AGAIN)
        return secured

    def _take(self, wire: socket.socket) -> None:
        self._socket = wire
        if self.cut.is_set():
            raise TimeoutError


@contextmanager
def _wire(limit_s: float) -> Iterator[_Wire]:
    """A connection that is cut when its time is over; what goes wrong with it is told in our words."""
    wire = _Wire()
    watchdog = threading.Timer(limit_s, wire.end)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield wire
    except TimeoutError:
        raise TimedOut(*SILENT) from None
    except (OSError, http.client.HTTPException):
        raise (TimedOut(*SILENT) if wire.cut.is_set() else Unplugged(*UNREACHABLE)) from None
    finally:
        watchdog.cancel()
        wire.close()
    if wire.cut.is_set():
        raise TimedOut(*SILENT)


def _check(place: IppPlace, context: ssl.SSLContext) -> str:
    """Connect once; answers the SHA-256 of the printer's certificate."""
    with _wire(CHECK_LIMIT_S) as wire:
        secured = wire.connect(place, context).sock
        return _fingerprint(secured) if isinstance(secured, ssl.SSLSocket) else ""


def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context()


def _accepting() -> ssl.SSLContext:
    """Takes any certificate: the caller compares it with the one that was noted."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _fingerprint(connection: ssl.SSLSocket) -> str:
    return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def _resolved(host: str) -> str:
    """The address of a `.local` name, from Avahi; any other name as it is.

    Raises:
        Unplugged: nobody knows it, or not in time.
    """
    if not host.lower().rstrip(".").endswith(LOCAL):
        return host
    try:
        ran = programs.run(["avahi-resolve", "-4", "-n", host], RESOLVE_LIMIT_S)
    except OSError:
        return host  # without Avahi's programs the system may still know the name
    found = ran.out.decode("ascii", "replace").split()
    try:
        return str(ipaddress.ip_address(found[1] if len(found) == 2 else ""))
    except ValueError:
        raise Unplugged(*UNREACHABLE) from None


def _shut(connection: socket.socket) -> None:
    """Wake whoever waits on it; safe at any time. Not by way of TLS, which another thread is in."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return
