"""Names of devices on the network, looked up within a time limit: the system's own resolver knows none."""

from __future__ import annotations

import queue
import socket
import threading
from typing import Any, Final

from devices.contracts import CONNECT_LIMIT_S

Address = tuple[socket.AddressFamily, tuple[Any, ...]]
MAX_ADDRESSES: Final = 4


def resolve(host: str, port: int, limit_s: float = CONNECT_LIMIT_S) -> list[Address]:
    """The addresses of a host, the best first. The lookup goes on by itself where it takes longer, and is not heard.

    Raises:
        OSError: there is no such host.
        TimeoutError: nobody answered in time.
    """
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            answers.put(error)
        else:
            answers.put([(family, place) for family, _, _, _, place in found[:MAX_ADDRESSES]])

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=limit_s)
    except queue.Empty:
        raise TimeoutError("no answer") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def connect(host: str, port: int, limit_s: float = CONNECT_LIMIT_S) -> socket.socket:
    """A connection to a host, whichever of its addresses answers. Each may take its share of the time.

    Raises:
        OSError: none does.
    """
    addresses = resolve(host, port, limit_s)
    last = OSError("no address")
    for family, place in addresses:
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.settimeout(limit_s / len(addresses))
        try:
            connection.connect(place)
        except OSError as error:
            connection.close()
            last = error
        else:
            return connection
    raise last
