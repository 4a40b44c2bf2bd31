"""Which sealed file goes next, and over what: one queue for a stream and the lanes beside it, without I/O. Thread-safe.

The stream takes the most urgent file, piece by piece, and may turn to a more urgent one between two pieces. A lane
takes a whole file at a time: the most urgent one that the stream has not begun, and of which central knows the entry.
No file is with two of them at once.

What a lane sent counts when its request was answered. Where a lane breaks, how much of its files arrived is not known:
they are *astray*, and nobody takes them, until central says from where on it lacks them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import RLock
from typing import Final, NamedTuple

from appliance.journal.ids import BlobDigest

NAMED_BY_CENTRAL: Final = -1
"""In the place of an entry's number: central knows the entry that names the file."""


class Place(NamedTuple):
    """Where a file stands in the queue; the smallest goes first."""

    rank: int
    order: int
    """How many were named before it."""
    digest: BlobDigest


@dataclass(frozen=True, slots=True)
class Share:
    """A file, and the byte from which on it is to be sent."""

    digest: BlobDigest
    offset: int


class FileQueue:
    """The sealed files that central lacks.

    Args:
        rank: how urgent a file is; smaller goes first, and of one rank the one that was named first.
        stored: how many entries central has.
    """

    def __init__(self, rank: Callable[[BlobDigest], int], stored: int) -> None:
        self._rank = rank
        self._stored = stored
        self._guard = RLock()
        self._places: dict[BlobDigest, Place] = {}
        self._entry: dict[BlobDigest, int] = {}
        self._offsets: dict[BlobDigest, int] = {}
        self._waiting: list[Place] = []
        self._streamed: set[BlobDigest] = set()
        self._lent: set[BlobDigest] = set()
        self._astray: set[BlobDigest] = set()
        self.bytes_sent = 0
        """Of sealed files."""

    def __len__(self) -> int:
        """How many are known to be wanted and not sent."""
        return len(self._offsets)

    @property
    def left(self) -> frozenset[BlobDigest]:
        """Which these are."""
        with self._guard:
            return frozenset(self._offsets)

    @property
    def has_astray(self) -> bool:
        """Whether central must say of some how much of them it has."""
        return bool(self._astray)

    def named(self, digest: BlobDigest, seq: int) -> None:
        """An entry that was just sent names a file."""
        with self._guard:
            self._add(digest, 0, seq)

    def stored(self, size: int) -> None:
        """Central has so many entries."""
        with self._guard:
            self._stored = max(self._stored, size)

    def wanted(self, shares: Iterable[Share], *, whole: bool = False) -> None:
        """Central lacks these. One that is on its way, or was sent already, is not sent again.

        Args:
            shares: what it lacks.
            whole: whether that is all: then it has what is astray and not among them.
        """
        with self._guard:
            for share in shares:
                if share.digest in self._astray:
                    self._return(share)
                else:
                    self._add(share.digest, share.offset, NAMED_BY_CENTRAL)
            if whole:
                for digest in tuple(self._astray):
                    self.drop(digest)

    # The stream

    def first(self) -> Share | None:
        """What the stream sends next. No lane takes that any more."""
        with self._guard:
            while self._waiting and not self._is_free(self._waiting[0]):
                heapq.heappop(self._waiting)
            if not self._waiting:
                return None
            digest = self._waiting[0].digest
            self._streamed.add(digest)
            return Share(digest, self._offsets[digest])

    def sent(self, share: Share, count: int, size: int) -> None:
        """So many bytes of a file of `size` bytes were sent."""
        with self._guard:
            self.bytes_sent += count
            if share.offset + count >= size:
                self.drop(share.digest)
            else:
                self._offsets[share.digest] = share.offset + count

    def drop(self, digest: BlobDigest) -> None:
        """It was sent whole, or is not here: it goes no more."""
        with self._guard:
            self._offsets.pop(digest, None)
            self._lent.discard(digest)
            self._astray.discard(digest)

    # Lanes

    @property
    def has_some_to_lend(self) -> bool:
        """Whether `lend` would give one."""
        with self._guard:
            return self._to_lend() is not None

    def lend(self) -> Share | None:
        """A file for a lane."""
        with self._guard:
            place = self._to_lend()
            if place is None:
                return None
            self._lent.add(place.digest)
            return Share(place.digest, self._offsets[place.digest])

    def give_back(self, share: Share) -> None:
        """A lane ended well, and central has so much of this file."""
        with self._guard:
            self._return(share)

    def lose(self, digest: BlobDigest) -> None:
        """A lane broke that had this file: how much of it arrived is not known."""
        with self._guard:
            self._lent.discard(digest)
            self._offsets.setdefault(digest, 0)
            self._astray.add(digest)

    # Steps

    def _add(self, digest: BlobDigest, offset: int, seq: int) -> None:
        if digest in self._places:
            self._entry[digest] = min(self._entry[digest], seq)
            return
        self._places[digest] = place = Place(self._rank(digest), len(self._places), digest)
        self._entry[digest], self._offsets[digest] = seq, offset
        heapq.heappush(self._waiting, place)

    def _return(self, share: Share) -> None:
        self._lent.discard(share.digest)
        self._astray.discard(share.digest)
        self._offsets[share.digest] = share.offset
        heapq.heappush(self._waiting, self._places[share.digest])

    def _is_free(self, place: Place) -> bool:
        return place.digest in self._offsets and place.digest not in self._lent and place.digest not in self._astray

    def _to_lend(self) -> Place | None:
        free = (
            place
            for place in self._waiting
            if self._is_free(place) and place.digest not in self._streamed and self._entry[place.digest] < self._stored
        )
        return min(free, default=None)
