"""Connecting over a link that loses packets or is just coming back: several attempts race, and the first wins.

One attempt alone repeats its first packet only after a second, and then ever more seldom; so another one begins every
`ATTEMPT_EVERY_S`, as RFC 8305 (section 5) does among addresses. A central that answers within that time sees a single
one. A name's addresses of before are used at once, while the name is looked up anew for the next time: name service
is no nearer than central is. Who answers there is no matter of this module; TLS says so.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

ATTEMPT_EVERY_S: Final = 0.4
"""Between the beginnings of two attempts."""
SELDOM_S: Final = 1.0
"""The same where many connections in a row did not come about."""
SELDOM_AFTER: Final = 60
"""Failures in a row: five minutes of darkness."""
ATTEMPT_LIFE_S: Final = 2.0
"""For one attempt: longer than any link's round trip, and no more of its packets than its first two."""
PATIENCE_S: Final = 5.0
"""For a connection to come about."""
SPARE_LIFE_S: Final = 5.0
"""How long a connection that was made ahead of time is used; central lets go of a silent one later."""
MAX_ADDRESSES: Final = 8
"""Of one name."""

Option = tuple[int, int, int | bytes]
_Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Target:
    """Where to connect to, as `getaddrinfo` says it."""

    family: int
    protocol: int
    address: tuple[object, ...]


@dataclass(slots=True)
class _Race:
    """Attempts that run beside each other.

    Args:
        targets: taken in turns.
        options: set on each socket before it connects.
        every_s: between the beginnings of two attempts.
    """

    targets: Sequence[_Target]
    options: Sequence[Option]
    every_s: float
    running: dict[int, tuple[socket.socket, _Target, float]] = field(default_factory=dict)
    failed: dict[_Target, OSError] = field(default_factory=dict)
    begun: int = 0

    def run(self, until_s: float) -> socket.socket:
        """The first that connects; all others are closed.

        Raises:
            TimeoutError: none did in time. OSError: every address refused, or there is no way to it.
        """
        poll = select.poll()
        next_s = 0.0
        try:
            while (now := time.monotonic()) < until_s:
                if now >= next_s:
                    next_s = now + self.every_s
                    self._give_up_old(poll, now)
                    self._begin(poll, now)
                for descriptor, _ in poll.poll(max(0.0, min(next_s, until_s) - now) * 1000):
                    poll.unregister(descriptor)
                    if (made := self._ended(descriptor)) is not None:
                        return made
                    next_s = 0.0
                if len(self.failed) == len(self.targets):
                    raise next(reversed(self.failed.values()))
            raise TimeoutError("nobody answered")
        finally:
            for each, *_ in self.running.values():
                each.close()

    def _give_up_old(self, poll: select.poll, now_s: float) -> None:
        for descriptor, (attempt, _, begun_s) in tuple(self.running.items()):
            if now_s - begun_s >= ATTEMPT_LIFE_S:
                poll.unregister(descriptor)
                del self.running[descriptor]
                attempt.close()

    def _begin(self, poll: select.poll, now_s: float) -> None:
        """Begin another attempt, at the next address that has not refused."""
        left = [each for each in self.targets if each not in self.failed]
        target = left[self.begun % len(left)]
        self.begun += 1
        attempt = socket.socket(target.family, socket.SOCK_STREAM, target.protocol)
        attempt.setblocking(False)
        try:
            for option in self.options:
                attempt.setsockopt(*option)
            attempt.connect(target.address)
        except BlockingIOError:
            pass
        except OSError as error:
            attempt.close()
            self.failed[target] = error
            return
        self.running[attempt.fileno()] = attempt, target, now_s
        poll.register(attempt, select.POLLOUT)

    def _ended(self, descriptor: int) -> socket.socket | None:
        """The attempt's socket, if it is connected."""
        attempt, target, _ = self.running.pop(descriptor)
        if number := attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            attempt.close()
            self.failed[target] = OSError(number, "not connected")
            return None
        return attempt


class Dialer:
    """Makes connections, and remembers where names led and a connection that was made ahead of time. Thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: dict[_Place, tuple[_Target, ...]] = {}
        self._spare: dict[_Place, tuple[socket.socket, float]] = {}
        self._failures: Counter[_Place] = Counter()

    def dial(self, host: str, port: int, options: Sequence[Option], patience_s: float = PATIENCE_S) -> socket.socket:
        """Connect, or give the connection that was made ahead.

        Returns:
            A connected socket that does not block.

        Raises:
            socket.gaierror: the name was not found. TimeoutError: nobody answered in time. OSError: nobody listens, or
                there is no way there.
        """
        return self._take_spare((host, port)) or self.fresh(host, port, options, patience_s)

    def fresh(self, host: str, port: int, options: Sequence[Option], patience_s: float = PATIENCE_S) -> socket.socket:
        """Connect; as `dial`, and never the one that was made ahead."""
        place, until_s = (host, port), time.monotonic() + patience_s
        every_s = SELDOM_S if self._failures[place] >= SELDOM_AFTER else ATTEMPT_EVERY_S
        try:
            made = _Race(self._targets(place), options, every_s).run(until_s)
        except OSError:
            with self._guard:
                self._failures[place] += 1
            raise
        with self._guard:
            del self._failures[place]
        return made

    def keep(self, host: str, port: int, made: socket.socket) -> None:
        """Keep a connection for whoever dials next."""
        with self._guard:
            older = self._spare.pop((host, port), None)
            self._spare[host, port] = made, time.monotonic()
        if older is not None:
            older[0].close()

    def _take_spare(self, place: _Place) -> socket.socket | None:
        with self._guard:
            made, since_s = self._spare.pop(place, (None, 0.0))
        if made is None or time.monotonic() - since_s < SPARE_LIFE_S:
            return made
        made.close()
        return None

    def _targets(self, place: _Place) -> tuple[_Target, ...]:
        with self._guard:
            known = self._known.get(place)
        if known is None:
            return self._look_up(place)
        threading.Thread(target=self._look_up_again, args=(place,), name="sync-name", daemon=True).start()
        return known

    def _look_up(self, place: _Place) -> tuple[_Target, ...]:
        found = socket.getaddrinfo(*place, type=socket.SOCK_STREAM)[:MAX_ADDRESSES]
        targets = tuple(dict.fromkeys(_Target(family, protocol, to) for family, _, protocol, _, to in found))
        with self._guard:
            self._known[place] = targets
        return targets

    def _look_up_again(self, place: _Place) -> None:
        with contextlib.suppress(OSError):
            self._look_up(place)
