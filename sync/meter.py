"""Counting what a connection carried, as whoever sells the link counts it: both ways, with headers and repeats.

The kernel knows (`TCP_INFO`, Linux). What is not counted: name service, connections that did not come about or broke
while TLS was agreed on, and the last packet or two after a close.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from typing import Final

IPV4_HEADER: Final = 20
IPV6_HEADER: Final = 40
TCP_HEADER: Final = 32
"""Bytes, with time stamps, as everybody sends them."""

_U32: Final = struct.Struct("=I")
_U64: Final = struct.Struct("=Q")
# Where these lie in `struct tcp_info` (linux/tcp.h); it only ever grows at its end.
_RECEIVED, _SEGMENTS_OUT, _SEGMENTS_IN, _SENT = 128, 136, 140, 200
_BYTES: Final = 208


def uncounted(_count: int) -> None:
    """Where nobody asks what a link carried."""


def carried_by(connection: socket.socket) -> int:
    """How many bytes a connection carried so far, both ways; 0 where the kernel tells nothing, or it is closed."""
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES)
    except OSError:
        return 0
    if len(info) < _BYTES:
        return 0
    header = TCP_HEADER + (IPV6_HEADER if connection.family == socket.AF_INET6 else IPV4_HEADER)
    segments = sum(int(_U32.unpack_from(info, at)[0]) for at in (_SEGMENTS_OUT, _SEGMENTS_IN))
    return segments * header + sum(int(_U64.unpack_from(info, at)[0]) for at in (_SENT, _RECEIVED))


class Meter:
    """Counts what the connections of one link carry, one after the other. Thread-safe.

    Args:
        spend: told how many bytes more.
    """

    def __init__(self, spend: Callable[[int], None] = uncounted) -> None:
        self._spend = spend
        self._guard = threading.Lock()
        self._connection: socket.socket | None = None
        self._counted = 0

    def begin(self, connection: socket.socket) -> None:
        """From here on this connection is counted, from its first byte."""
        with self._guard:
            self._connection, self._counted = connection, 0

    def count(self) -> None:
        """Tell what the connection carried since the last time."""
        with self._guard:
            if self._connection is None:
                return
            more = carried_by(self._connection) - self._counted
            if more > 0:
                self._counted += more
                self._spend(more)
