"""What a sender reads of a node: its head, its entries, its sealed files. The store is one; tests have others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.journal.entry import Entry
from appliance.journal.ids import BlobDigest
from sync import frames
from sync.frames import Frame
from sync.session import ReadEntries, ReadPiece, Sender

CHUNK: Final = 16 * 1024
"""Bytes of one piece of an upload: a time-out of the socket covers one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A node's head at one moment."""

    size: int
    checkpoint: bytes
    """Signed, over that many entries."""
    cosigned: bytes | None
    """The newest checkpoint that came back countersigned."""
    cosigned_size: int


class Source(Protocol):
    """Each look is short, and over before anything is sent."""

    def head(self) -> Seen:
        """The journal's head."""

    def entries(self, start: int, limit: int) -> tuple[Sequence[Entry], Seen]:
        """At most `limit` entries from `start` on, and the head in the same view."""

    def sealed(self, digest: BlobDigest) -> bytes:
        """A sealed file, sound; nothing where it is not here, or damaged."""

    def rank(self, digest: BlobDigest) -> int:
        """How urgent a sealed file is; smaller is more."""


class Reader:
    """Reads what a sender needs, and gives the frames.

    Args:
        source: the node's.
        sender: what asks.
    """

    def __init__(self, source: Source, sender: Sender) -> None:
        self._source = source
        self._sender = sender
        self._digest = BlobDigest("")
        self._sealed = b""
        self.missing: set[BlobDigest] = set()
        """Sealed files that were asked for and are not here, or damaged."""

    def answer(self, need: ReadEntries | ReadPiece) -> Iterator[bytes]:
        """The bytes to send for what is needed next; none for a sealed file that is missing."""
        return map(frames.encode, self.frames(need))

    def frames(self, need: ReadEntries | ReadPiece) -> Iterator[Frame]:
        """The frames for what is needed next; none for a sealed file that is missing."""
        if isinstance(need, ReadEntries):
            entries, head = self._source.entries(need.start, need.limit)
            yield from self._sender.entries(entries, head.size, head.checkpoint)
            return
        if need.digest != self._digest:
            self._digest, self._sealed = need.digest, self._source.sealed(need.digest)
        if not self._sealed:
            self.missing.add(need.digest)
            self._sender.missing()
            return
        start = min(need.offset, len(self._sealed) - 1)
        data = self._sealed[start : start + need.limit]
        yield self._sender.piece(len(self._sealed), data)


def sliced(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of at most `CHUNK`, none held back."""
    for part in parts:
        for start in range(0, len(part), CHUNK):
            yield part[start : start + CHUNK]
