"""Noticing that a stream stands still, and that central is reached all the same: then the stream is given up.

When a link was dark for a while, TCP tries again ever more seldom; a link that has come back stays unused for many
seconds. So a stream of which nothing is confirmed any more is raced by new connections. The first that comes about
while the old one still stands proves that the link is back, and is what the next session begins on. A stream that
moves again by itself goes on.

What is confirmed is read from the kernel (`TCP_INFO`, Linux); where it tells nothing, nothing is given up.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

LOOK_S: Final = 0.25
"""How often is looked."""
STILL_S: Final = 2.0
"""Without a confirmation for so long, while some are due, a stream stands still."""
STILL_ROUNDS: Final = 3.0
"""And for so many round trips: what was lost is sent again within that."""

_BYTES: Final = 152
_U32: Final = struct.Struct("=I")
_U64: Final = struct.Struct("=Q")
# Where these lie in `struct tcp_info` (linux/tcp.h); it only ever grows at its end.
_UNACKED, _SACKED, _RTT, _ACKED, _LEAST_RTT = 24, 28, 68, 120, 148


@dataclass(frozen=True, slots=True)
class Flight:
    """What of a connection is on its way."""

    unconfirmed: int
    """Segments that were sent and are not confirmed."""
    confirmed: tuple[int, int]
    """Bytes that were, and segments beyond a gap that were: changes with every confirmation of something new."""
    round_trip_s: float
    least_round_trip_s: float = 0.0
    """The shortest of the last minutes: that of an empty link."""


def flight_of(connection: socket.socket) -> Flight | None:
    """Ask the kernel; None where it tells nothing, or the connection is closed."""
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES)
    except OSError:
        return None
    if len(info) < _BYTES:
        return None
    unacked, sacked, rtt_us, least_us = (
        int(_U32.unpack_from(info, at)[0]) for at in (_UNACKED, _SACKED, _RTT, _LEAST_RTT)
    )
    return Flight(unacked, (int(_U64.unpack_from(info, _ACKED)[0]), sacked), rtt_us / 1e6, least_us / 1e6)


class Standstill:
    """Judges one connection, look by look."""

    def __init__(self) -> None:
        self._confirmed = (-1, -1)
        self._since_s = 0.0

    def look(self, flight: Flight | None, now_s: float) -> bool:
        """Whether it stands still.

        Args:
            flight: how it is now.
            now_s: seconds on a clock that nobody can set.
        """
        if flight is None or flight.unconfirmed == 0 or flight.confirmed != self._confirmed:
            self._confirmed = (-1, -1) if flight is None else flight.confirmed
            self._since_s = now_s
            return False
        return now_s - self._since_s >= max(STILL_S, STILL_ROUNDS * flight.round_trip_s)


@contextlib.contextmanager
def raced(
    current: Callable[[], socket.socket | None],
    connect: Callable[[], socket.socket],
    keep: Callable[[socket.socket], None],
) -> Iterator[None]:
    """Race a stream by new connections whenever it stands still.

    Args:
        current: the connection that the stream uses, once there is one.
        connect: makes a new one, or raises OSError after a while.
        keep: takes a new one, when the stream's own has been shut.
    """
    over = threading.Event()

    def watch() -> None:
        still = Standstill()
        while not over.wait(LOOK_S):
            connection = current()
            if connection is None or not still.look(flight_of(connection), time.monotonic()):
                continue
            with contextlib.suppress(OSError):
                made = connect()
                if over.is_set() or not still.look(flight_of(connection), time.monotonic()):
                    made.close()
                    continue
                keep(made)
                # Not the TLS socket's own `shutdown`: that first forgets TLS, and a writer beside it would go on in
                # plain text.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
                return

    threading.Thread(target=watch, name="sync-race", daemon=True).start()
    try:
        yield
    finally:
        over.set()
