"""A stream that goes on: it follows the journal while the link holds, and ends after a bounded time.

New entries leave within `LOOK_S` of their commit, before what is left of the sealed files. A quiet stream says now and
then that it is there. What central answers meanwhile comes beside it (`heard`), from another thread.

Where entries were sent and no cosignature moves though news arrive, something on the way holds the stream back (a proxy
that first wants to have all of it): the stream ends as `stalled`, and its caller sends bounded requests instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from appliance.journal.ids import BlobDigest
from sync import frames
from sync.frames import End, Pulse
from sync.session import CentralState, ReadEntries, Sender
from sync.source import Reader, Source

LOOK_S: Final = 0.1
"""How often a stream looks for new commits."""
PIECE_S: Final = 0.125
"""How long one piece of a sealed file takes at the most, where pieces can be so small: new entries wait for its end."""
LEAST_PIECE: Final = 4 * 1024
"""Bytes; what goes around a piece is about a hundred."""
PULSE_S: Final = 5.0
"""The longest that a stream says nothing."""
SPARING_PULSE_S: Final = 20.0
"""The same over a metered link; central gives a silent request up after 30 s."""
LIFE_S: Final = 600.0
"""After so long a stream ends, so that its request has an answer; the next one begins at once."""
STALL_S: Final = 30.0
"""Without a cosignature for so long after entries were sent, a stream is taken to be held back."""


@dataclass(frozen=True, slots=True)
class Timing:
    """A clock that nobody can set, and how to wait on it.

    `wait` waits so many seconds, or less; True when the service ends.
    """

    monotonic_s: Callable[[], float]
    wait: Callable[[float], bool]
    sparing: Callable[[], bool] = lambda: False
    """Whether what is said while nothing happens costs somebody: then it is said more seldom."""


class Pace:
    """How many bytes of a sealed file leave within `PIECE_S`, by how long the last ones took."""

    _NEWEST: Final = 0.2
    """How much the newest counts."""

    def __init__(self) -> None:
        self._byte_s = PIECE_S / LEAST_PIECE

    def took(self, count: int, seconds: float) -> None:
        """So many bytes took so long to leave."""
        self._byte_s += self._NEWEST * (seconds / count - self._byte_s)

    @property
    def piece_bytes(self) -> int:
        """The size of the next piece."""
        return int(min(max(PIECE_S / max(self._byte_s, 1e-9), LEAST_PIECE), frames.MAX_PIECE))


class Follower:
    """One stream.

    Args:
        source: the node's.
        sender: plans the stream.
        timing: how time passes.
        may_send: asked before each piece of a sealed file, with its bytes at the most; entries are always sent.
    """

    def __init__(
        self, source: Source, sender: Sender, timing: Timing, may_send: Callable[[int], bool] = lambda _: True
    ) -> None:
        self.before_end: Callable[[], None] = lambda: None
        """Called before the stream says that it ends."""
        self._source = source
        self._sender = sender
        self._reader = Reader(source, sender)
        self._timing = timing
        self.may_send = may_send
        self._pace = Pace()
        self._guard = threading.Lock()
        self._news: CentralState | None = None
        self._cosigned = 0
        self._heard_at = timing.monotonic_s()
        self._covered: tuple[int, float] | None = None
        self._ending = False
        self.stalled = False
        """Whether the stream ended because something on the way holds it back."""

    @property
    def reader(self) -> Reader:
        """What the stream reads by."""
        return self._reader

    @property
    def is_awaited(self) -> bool:
        """Whether entries were sent that are not known to be countersigned. Any thread may ask."""
        return self._covered is not None

    @property
    def blobs_left(self) -> int:
        """Sealed files that are known to be wanted and not sent."""
        return self._sender.blobs_left

    @property
    def files_left(self) -> frozenset[BlobDigest]:
        """Which these are. Any thread may ask."""
        return self._sender.files_left

    def heard(self, state: CentralState, cosigned: int) -> None:
        """Central said what it has, and countersigned so many entries. Any thread may say so."""
        with self._guard:
            self._news, self._cosigned = state, cosigned
            self._heard_at = self._timing.monotonic_s()

    def end(self) -> None:
        """End the stream soon. Any thread may say so."""
        self._ending = True

    def frames(self) -> Iterator[bytes]:
        """The stream's bytes. Taking the next piece waits while there is nothing to say."""
        now = self._timing.monotonic_s
        begun = looked = said = now()
        yield frames.PREFIX + frames.encode(self._sender.opening())
        while not self._ending and now() - begun < LIFE_S:
            if now() - looked >= LOOK_S:
                looked = now()
                self._sender.grown(self._source.head().size)
            self._take_news()
            if self._is_stalled():
                self.stalled = True
                break
            need = self._sender.need()
            if need is None or (not isinstance(need, ReadEntries) and not self.may_send(need.limit)):
                if now() - said >= (SPARING_PULSE_S if self._timing.sparing() else PULSE_S):
                    said = now()
                    yield frames.encode(Pulse())
                if self._timing.wait(LOOK_S):
                    break
                continue
            began, count = now(), 0
            for part in self._reader.answer(need):
                said = now()
                count += len(part)
                yield part
            if count:
                self._pace.took(count, now() - began)
                self._sender.piece_bytes = self._pace.piece_bytes
            if isinstance(need, ReadEntries) and not isinstance(self._sender.need(), ReadEntries):
                self._covered = self._sender.position, now()
        self.before_end()
        # A stream may not end between entries and their checkpoint.
        while isinstance(need := self._sender.need(), ReadEntries):
            yield from self._reader.answer(need)
        yield frames.encode(End())

    def _take_news(self) -> None:
        with self._guard:
            news, self._news = self._news, None
        if news is not None:
            self._sender.files.stored(news.stored)
            self._sender.heard(news.wanted)

    def _is_stalled(self) -> bool:
        """Whether entries went out long ago, news came since, and no cosignature covers them."""
        if self._covered is None:
            return False
        size, at = self._covered
        with self._guard:
            if self._cosigned >= size:
                self._covered = None
                return False
            return self._timing.monotonic_s() - at > STALL_S and self._heard_at > at
