"""The body of a streamed request, between the event loop that receives it and the thread that stores it.

uvicorn drops what it received and nobody read when a client vanishes; so one task reads as fast as bytes come, up to a
bound, and whatever was read is stored even when the stream then breaks. No thread waits for the network, and the
network never waits for a thread longer than the bound allows.

Also here: who may stream, and over which lanes beside it. A node's newest session ends its older ones, because a node
that comes back after a cut must not wait until central has noticed the cut.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, MutableMapping
from typing import Any, Final

from appliance.journal.errors import SanadError
from appliance.journal.ids import JournalId
from sync.refusals import BadRequest, Busy, Cut, TakenOver, TooSlow
from sync.wire import MAX_LANES

MAX_HELD: Final = 1024 * 1024
"""Bytes of one stream that wait for the thread; one more chunk of the server's may come on top."""
READ_TIMEOUT_S: Final = 30.0
"""Without a byte for so long, a request is given up."""
STREAM_LIFE_S: Final = 7200.0
"""Of one streamed request, whatever comes; a node ends its own after 600 s, and goes on where this one ended."""
BODY_TIMEOUT_S: Final = 30.0
"""For the whole of a body that is read at once."""
TURN_TIMEOUT_S: Final = 15.0
"""For an older stream to store what it has received and end."""
DRAIN_TIMEOUT_S: Final = 5.0
DRAIN_BYTES: Final = 4 * 1024 * 1024
"""What is still read of a refused stream, so that its sender hears why."""

STREAM: Final = 0
"""The node's stream itself, in the place of a lane's number."""
ANY: Final = range(MAX_LANES + 1)
_LANES: Final = frozenset(str(number) for number in ANY if number != STREAM)

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Body:
    """The messages that bring one request's body."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False
        """Whether nothing more can come."""

    async def next(self) -> bytes:
        """The next bytes; sets `ended` with the last.

        Raises:
            Cut: the client is gone.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.ended = True
            raise Cut("The stream broke before its end.", "The node tries again by itself.")
        self.ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def drain(self) -> None:
        """Read a little more of a body that was refused, so that its sender comes to hear why."""
        left = DRAIN_BYTES
        with contextlib.suppress(TimeoutError, Cut):
            async with asyncio.timeout(DRAIN_TIMEOUT_S):
                while not self.ended and left > 0:
                    left -= len(await self.next())


class Inflow:
    """The bytes of one request body, in order, until they end or break off.

    Args:
        life_s: how long it is received at the most.
    """

    def __init__(self, life_s: float = STREAM_LIFE_S) -> None:
        self._life_s = life_s
        self._held = bytearray()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ended = False
        self._error: SanadError | None = None

    async def fill(self, body: Body) -> None:
        """Receive until the body ends, breaks off, lasts too long, or `stop` was called."""
        now_s = asyncio.get_running_loop().time
        until_s = now_s() + self._life_s
        try:
            while not self._ended:
                if (left_s := until_s - now_s()) <= 0:
                    raise TimeoutError
                # Not `wait_for`: in Python 3.11 that can swallow a cancellation.
                async with asyncio.timeout(min(READ_TIMEOUT_S, left_s)):
                    self._held += await body.next()
                if body.ended:
                    self.stop(None)
                self._news.set()
                if len(self._held) >= MAX_HELD:
                    self._room.clear()
                    await self._room.wait()
        except Cut as error:
            self.stop(error)
        except TimeoutError:
            self.stop(TooSlow("No more of the request came.", "The node tries again by itself."))

    def stop(self, error: SanadError | None) -> None:
        """Say that nothing more comes, and why. What was received before is still given."""
        if not self._ended:
            self._ended, self._error = True, error
        self._news.set()
        self._room.set()

    async def take(self) -> bytes:
        """All that is held, as soon as there is some; nothing at the end.

        Raises:
            Cut, TooSlow, TakenOver: the body broke off, and all that came of it was given.
        """
        while True:
            await self._news.wait()
            data = bytes(self._held)
            self._held.clear()
            self._room.set()
            if not self._ended:
                self._news.clear()
            if data:
                return data
            if self._ended:
                if self._error is not None:
                    raise self._error
                return b""


async def pump(body: Body, inflow: Inflow, feed: Callable[[bytes], Awaitable[None]]) -> None:
    """Give a body to `feed`, while receiving goes on.

    Raises:
        SanadError: what `feed` raised, or `Inflow.take`.
    """
    receiving = asyncio.create_task(inflow.fill(body))
    try:
        while data := await inflow.take():
            await feed(data)
    finally:
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await receiving


async def read_body(body: Body, limit: int) -> bytes:
    """Read a small body whole.

    Raises:
        BadRequest: it is larger than `limit` bytes. Cut, TooSlow: it did not all come.
    """
    data = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while not body.ended:
                data += await body.next()
                if len(data) > limit:
                    raise BadRequest("A request is larger than any.")
    except TimeoutError:
        raise TooSlow("The request did not come in time.", "The node tries again by itself.") from None
    return bytes(data)


class Turns:
    """At most one stream of each node at a time, and one of each lane beside it: the newest."""

    def __init__(self) -> None:
        self._streams: dict[JournalId, dict[int, tuple[Inflow, asyncio.Event]]] = {}

    async def end(self, journal: JournalId) -> None:
        """End this node's stream and lanes, where there are any, and wait until what they received is stored.

        Raises:
            Busy: that takes too long.
        """
        await self._end(journal, ANY)

    async def _end(self, journal: JournalId, lanes: Collection[int]) -> None:
        try:
            async with asyncio.timeout(TURN_TIMEOUT_S):
                while left := [each for lane, each in self._streams.get(journal, {}).items() if lane in lanes]:
                    for inflow, _ in left:
                        inflow.stop(
                            TakenOver("A newer session of this node has begun.", "Only one can sync at a time.")
                        )
                    await left[0][1].wait()
        except TimeoutError:
            raise Busy("An earlier session of this node is still being stored.", "The node tries again.") from None

    def stop(self, journal: JournalId, error: SanadError) -> None:
        """End this node's stream and lanes, where there are any."""
        for inflow, _ in self._streams.get(journal, {}).values():
            inflow.stop(error)

    def close(self) -> None:
        """End all streams."""
        for journal in self._streams:
            self.stop(journal, Busy("Central is stopping.", "The node tries again by itself."))

    @contextlib.asynccontextmanager
    async def stream(self, journal: JournalId, lane: int = STREAM) -> AsyncIterator[Inflow]:
        """A new stream of this node, or one of its lanes, in the place of any older one.

        Raises:
            Busy: the older one takes too long to end.
        """
        await self._end(journal, (lane,))
        inflow, ended = Inflow(), asyncio.Event()
        self._streams.setdefault(journal, {})[lane] = inflow, ended
        try:
            yield inflow
        finally:
            del self._streams[journal][lane]
            if not self._streams[journal]:
                del self._streams[journal]
            ended.set()


def read_lane(query: Mapping[str, str]) -> int:
    """Which lane a request is for, from 1 to `MAX_LANES`.

    Raises:
        BadRequest: it says none of these.
    """
    said = query.get("number", "")
    if said not in _LANES:
        raise BadRequest("A lane has no such number here.")
    return int(said)
