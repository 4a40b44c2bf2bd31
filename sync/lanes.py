"""Lanes: connections beside a stream that carry pieces of sealed files, and nothing else.

Under loss, one connection with CUBIC fills half of a slow link, and three fill it. So where this machine has nothing
better (`sync.link.lanes_here`) and central takes lanes, a stream that follows has some beside it. The stream goes on as
ever, and alone carries entries. Each lane is a request of its own of the same session: it takes whole files from the
stream's queue (`sync.filequeue`), and ends after a while, so that its answer says that they arrived.

A lane that breaks is tried again, ever more seldom; the stream goes on without it. Where central refuses one, the
stream hears why, if it concerns it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.journal.errors import NetworkError, SanadError
from appliance.journal.ids import BlobDigest
from sync import frames
from sync.calls import Calls
from sync.filequeue import FileQueue, Share
from sync.following import LEAST_PIECE, LOOK_S, Pace
from sync.frames import BlobPiece, End
from sync.link import Link
from sync.refusals import OutOfStep, TakenOver
from sync.session import MAX_WANTED, Sender
from sync.source import Source, sliced
from sync.wire import Known

REQUEST_BYTES: Final = 1024 * 1024
REQUEST_S: Final = 5.0
"""After so many bytes and so long, and the end of the file that it is at, a lane's request ends; the next one does not
begin before that, so that few files that come one by one are the stream's, and central is not asked too often."""
RETRY_FIRST_S: Final = 1.0
RETRY_CAP_S: Final = 60.0
"""Before a lane that broke is tried again; it doubles."""
STALE_S: Final = 15.0
"""After so long without a request the connection, and the challenge kept for it, count as gone."""
END_S: Final = 10.0
"""For lanes to end well, before their stream does."""
QUEUED_S: Final = 0.2
"""What of a round trip may be waiting in queues while lanes send, or this share of the shortest round trip if that is
more: what lanes put into a queue, new work would wait behind."""
QUEUED_SHARE: Final = 0.5
ROOM_S: Final = 0.5
"""After so long a lane sends a little all the same: how long the queue is, it only learns from what it sends."""
MAX_AT_ONCE: Final = 8 * 1024
"""Bytes between two looks at the queue."""
CLOSE_S: Final = 0.2
"""For lanes that were broken off to notice."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a stream and its lanes hold to alike."""

    may_send: Callable[[int], bool]
    """Asked before each piece, with its bytes at the most."""
    spend: Callable[[int], None]
    """Told how many bytes were sent."""
    passed: Callable[[], int]
    """How many of the first files that central wants it was told to pass over."""
    awaited: Callable[[], bool] = lambda: False
    """Whether entries were sent that central has not countersigned yet."""


class Lanes:
    """The lanes beside one stream; nothing of the node's is touched after `close`.

    Args:
        sender: plans the stream.
        source: the node's.
        missing: takes sealed files that are not here, or damaged.
        rules: see `Rules`.
        monotonic_s: seconds on a clock that nobody can set.
    """

    def __init__(
        self,
        sender: Sender,
        source: Source,
        missing: set[BlobDigest],
        rules: Rules,
        monotonic_s: Callable[[], float],
    ) -> None:
        self.sender = sender
        self.source = source
        self.missing = missing
        self.rules = rules
        self.monotonic_s = monotonic_s
        self.over = threading.Event()
        self.guard = threading.Lock()
        self._closed = False
        self._running: list[threading.Thread] = []
        self._links: tuple[Link, ...] = ()

    @property
    def queue(self) -> FileQueue:
        """What files are left."""
        return self.sender.files

    def begin(self, number: int, link: Link, calls: Callable[[], Calls]) -> None:
        """Open a lane.

        Args:
            number: its own, from 1.
            link: its own.
            calls: begins a conversation in the stream's session over that link.
        """
        lane = Lane(number, self, link, calls)
        thread = threading.Thread(target=lane.run, name="sync-lane", daemon=True)
        self._running.append(thread)
        self._links += (link,)
        thread.start()

    def end(self) -> None:
        """Let all lanes end after the pieces that they are at; those that do not are broken off."""
        self.over.set()
        self._join(END_S)
        self.close()

    def close(self) -> None:
        """Break all lanes off."""
        self.over.set()
        for link in self._links:
            link.abort()
        with self.guard:
            self._closed = True
        self._join(CLOSE_S)

    def may_send(self, count: int) -> bool:
        """Whether a piece may go. All lanes, and the stream, may ask this at once."""
        with self.guard:
            return not self._closed and not self.over.is_set() and self.rules.may_send(count * (len(self._running) + 1))

    def spend(self, count: int) -> None:
        """So many bytes were sent."""
        with self.guard:
            if not self._closed:
                self.rules.spend(count)

    def has_room(self, link: Link) -> bool:
        """Whether the queue before a lane is short, and no new work waits: else what it sends would make that wait."""
        if self.rules.awaited():
            return False
        if (flight := link.flight) is None:
            return True
        others = (other.least_round_trip_s for each in self._links if (other := each.flight) is not None)
        least_s = min(others, default=flight.least_round_trip_s)
        return flight.round_trip_s - least_s <= max(QUEUED_S, QUEUED_SHARE * least_s)

    def sealed(self, digest: BlobDigest) -> bytes:
        """A sealed file, sound; nothing where it is not here, or damaged, or it is too late."""
        with self.guard:
            if self._closed:
                return b""
            sealed = self.source.sealed(digest)
            if not sealed:
                self.missing.add(digest)
            return sealed

    def _join(self, seconds: float) -> None:
        until_s = self.monotonic_s() + seconds
        for thread in self._running:
            thread.join(max(0.0, until_s - self.monotonic_s()))


class Lane:
    """One lane.

    Args:
        number: its own, from 1.
        lanes: all of them.
        link: its own.
        calls: begins a conversation over that link.
    """

    def __init__(self, number: int, lanes: Lanes, link: Link, calls: Callable[[], Calls]) -> None:
        self._number = number
        self._lanes = lanes
        self._queue = lanes.queue
        self._link = link
        self._begin = calls
        self._pace = Pace()
        self._unanswered: dict[BlobDigest, Share | None] = {}
        """Files of this request, and from where on one is to be given back."""

    def run(self) -> None:
        """Carry files until told to end, or central refuses it."""
        now_s, over = self._lanes.monotonic_s, self._lanes.over
        calls, used_s, pause_s, retry_s = self._begin(), now_s(), 0.0, RETRY_FIRST_S
        with self._link:
            while not over.wait(pause_s):
                pause_s = LOOK_S
                if not self._is_due():
                    continue
                if (begun_s := now_s()) - used_s > STALE_S:
                    calls = self._begin()
                try:
                    self._request(calls)
                    pause_s, retry_s = max(0.0, begun_s + REQUEST_S - now_s()), RETRY_FIRST_S
                except (OutOfStep, TakenOver):
                    return
                except NetworkError:
                    pause_s, retry_s = retry_s, min(2 * retry_s, RETRY_CAP_S)
                except SanadError:
                    return
                used_s = now_s()

    def _is_due(self) -> bool:
        return (self._queue.has_some_to_lend or self._queue.has_astray) and self._lanes.may_send(self._pace.piece_bytes)

    def _request(self, calls: Calls) -> None:
        offered = self._lanes.sender.offered
        if self._queue.has_astray:
            self._find(calls, offered)
        if not self._queue.has_some_to_lend:
            return
        try:
            calls.lane(sliced(self._frames()), offered, self._number)
        except BaseException:
            for digest in self._unanswered:
                self._queue.lose(digest)
            raise
        else:
            for share in self._unanswered.values():
                if share is not None:
                    self._queue.give_back(share)
        finally:
            self._unanswered = {}

    def _find(self, calls: Calls, offered: int) -> None:
        """Hear how much central has of what was on lanes that broke; nobody's list is that long: it answers at once."""
        known = Known(cosigned=0, orders=0, wanted=MAX_WANTED + 1, busy=0, spoilt=0, passed=self._lanes.rules.passed())
        wanted = calls.news(offered, known).state().wanted
        self._queue.wanted((Share(each.digest, each.offset) for each in wanted), whole=len(wanted) < MAX_WANTED)

    def _frames(self) -> Iterator[bytes]:
        yield frames.PREFIX + frames.encode(self._lanes.sender.opening())
        count, now_s = 0, self._lanes.monotonic_s
        until_s = now_s() + REQUEST_S
        while count < REQUEST_BYTES or now_s() < until_s:
            if self._lanes.over.is_set() or (share := self._queue.lend()) is None:
                break
            self._unanswered[share.digest] = None
            for part in self._file(share):
                yield part
                count += len(part)
                self._lanes.spend(len(part))
            if self._unanswered.get(share.digest) is not None:
                break
        yield frames.encode(End())

    def _file(self, share: Share) -> Iterator[bytes]:
        """The pieces of one file, until nothing may be sent any more."""
        sealed = self._lanes.sealed(share.digest)
        if not sealed:
            del self._unanswered[share.digest]
            self._queue.drop(share.digest)
            return
        now_s = self._lanes.monotonic_s
        offset = min(share.offset, len(sealed) - 1)
        while offset < len(sealed):
            limit = self._piece_bytes()
            if not self._lanes.may_send(limit):
                self._unanswered[share.digest] = Share(share.digest, offset)
                return
            data, begun_s = sealed[offset : offset + limit], now_s()
            yield frames.encode(BlobPiece(share.digest, len(sealed), offset, data))
            self._pace.took(len(data), now_s() - begun_s)
            self._queue.sent(Share(share.digest, offset), len(data), len(sealed))
            offset += len(data)

    def _piece_bytes(self) -> int:
        """How much to send next, as soon as there is room for it; a little after a while, where there is none."""
        until_s = self._lanes.monotonic_s() + ROOM_S
        while not self._lanes.has_room(self._link):
            if self._lanes.monotonic_s() >= until_s or self._lanes.over.wait(LOOK_S / 2):
                return LEAST_PIECE
        return min(self._pace.piece_bytes, MAX_AT_ONCE)
