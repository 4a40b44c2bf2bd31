"""Bad links: a proxy that cuts connections at a byte, and servers that answer in central's place."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sync.central.serve import bind
from tests.support.centrals import HOST

NEVER = 1 << 60


@dataclass
class CuttingProxy:
    """Passes bytes on to central, until so many have gone up; then both sides are reset.

    `budgets` holds how many bytes each connection may send, in order; afterwards there is no limit.
    """

    target: int
    budgets: list[int] = field(default_factory=list)
    carried: list[int] = field(default_factory=list)
    """Bytes that went up, for each connection."""
    _sockets: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = bind(HOST, 0)
        self._listener.listen()
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                budget = self.budgets.pop(0) if self.budgets else NEVER
                self.carried.append(0)
                central = socket.create_connection((HOST, self.target))
                self._sockets += [client, central]
                place = len(self.carried) - 1
                threading.Thread(target=self._up, args=(client, central, budget, place), daemon=True).start()
                threading.Thread(target=self._down, args=(central, client), daemon=True).start()

    def _up(self, client: socket.socket, central: socket.socket, budget: int, place: int) -> None:
        with contextlib.suppress(OSError):
            while (left := budget - self.carried[place]) > 0 and (data := client.recv(min(65536, left))):
                central.sendall(data)
                self.carried[place] += len(data)
            if self.carried[place] < budget:
                central.shutdown(socket.SHUT_WR)
                return
        _reset(client)
        _reset(central)

    def _down(self, central: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := central.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


def _reset(each: socket.socket) -> None:
    """Close as a dying link does: with a reset, and without what was on its way."""
    with contextlib.suppress(OSError):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # `shutdown` wakes the thread that waits in `recv`; closing alone would not.
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()


@contextlib.contextmanager
def answering(answer: bytes, wrap: Callable[[socket.socket], socket.socket] = lambda raw: raw) -> Iterator[int]:
    """A server that gives the same answer to whatever comes; gives its port."""
    listener = bind(HOST, 0)
    listener.listen()

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = listener.accept()
                with contextlib.suppress(OSError, ssl.SSLError), raw, wrap(raw) as client:
                    client.recv(65536)
                    client.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()


OK_PAGE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
REDIRECT = b"HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
