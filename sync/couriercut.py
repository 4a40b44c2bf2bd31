"""One stream of frames, cut into the parts of a series that each fit into a file. No I/O but the source's.

A part begins with its own `Opening` and `Hello`, and ends with `End`. Entries come first, in all parts that they need,
then their checkpoint, then sealed files; one that fits into a part of its own is not cut in two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from appliance.journal.errors import BugError
from appliance.journal.ids import BlobDigest
from sync import courierfile, frames
from sync.courierfile import Opening
from sync.frames import BlobPiece, Checkpoint, End, Entries, Frame
from sync.session import ReadPiece, Sender
from sync.source import Reader, Source

PIECE_EXTRA: Final = 128
"""Bytes around a piece of a sealed file, at the most."""

_END: Final = frames.encode(End())


def carried_bytes(blob_bytes: int) -> int:
    """Bytes of payload that a sealed file takes, at the most."""
    return blob_bytes + (blob_bytes // frames.MAX_PIECE + 1) * PIECE_EXTRA


class Cut:
    """Gives the parts one after the other.

    Args:
        source: of entries and sealed files.
        sender: plans the stream.
        opening: what each part opens with.
        lost_orders: what the first part brings besides.
        blob_bytes: how large a sealed file is.
        room: bytes of payload in one part.
        total: bytes of payload in all; sealed files for which that leaves no room are left out.
        watch: told the bytes of payload so far.
    """

    def __init__(
        self,
        source: Source,
        sender: Sender,
        opening: Opening,
        lost_orders: bytes = b"",
        *,
        blob_bytes: Callable[[BlobDigest], int],
        room: int,
        total: int,
        watch: Callable[[int], None],
    ) -> None:
        self._sender = sender
        self._reader = Reader(source, sender)
        self._opening = courierfile.write_record(opening)
        self._first = courierfile.write_record(msgspec.structs.replace(opening, lost_orders=lost_orders))
        self._blob_bytes = blob_bytes
        self._room = room
        self._total = total
        self._watch = watch
        self._spent = 0
        self._frames = self._all_frames()
        self._ahead: Frame | None = None
        self.position = sender.position
        """Of the next entry."""
        self.covered_by = 0
        """The part that holds the checkpoint."""
        self.blobs = 0
        """Sealed files so far, also those of which the last piece is still to come."""
        self.left = 0
        """Sealed files that were left out."""

    @property
    def missing(self) -> set[BlobDigest]:
        """Sealed files that are not here, or damaged."""
        return self._reader.missing

    def more(self) -> bool:
        """Whether another part is needed."""
        if self._ahead is None:
            self._ahead = next(self._frames, None)
        return self._ahead is not None

    def part(self, number: int) -> Iterator[bytes]:
        """The payload of the next part; `number` counts from 1."""
        start = (self._first if number == 1 else self._opening) + frames.PREFIX + frames.encode(self._sender.opening())
        used, empty = len(start) + len(_END), True
        yield start
        while self.more() and (frame := self._ahead) is not None:
            data = frames.encode(frame)
            if used + len(data) > self._room or (not empty and self._fits_better_later(frame, used)):
                if empty:
                    raise BugError("A part is too small for a frame.")
                break
            self._ahead, empty = None, False
            used += len(data)
            if isinstance(frame, Entries):
                self.position += len(frame.items)
            elif isinstance(frame, Checkpoint):
                self.covered_by = number
            yield data
            self._spent += len(data)
            self._watch(self._spent)
        yield _END

    def _fits_better_later(self, frame: Frame, used: int) -> bool:
        if not isinstance(frame, BlobPiece) or frame.offset:
            return False
        whole = carried_bytes(frame.size)
        return used + whole > self._room >= whole + len(self._opening) + PIECE_EXTRA

    def _all_frames(self) -> Iterator[Frame]:
        current: BlobDigest | None = None
        while (need := self._sender.need()) is not None:
            if isinstance(need, ReadPiece) and need.digest != current:
                current = need.digest
                if self._spent + carried_bytes(self._blob_bytes(current)) > self._total:
                    self._sender.missing()
                    self.left += 1
                    continue
                self.blobs += 1
            before = len(self.missing)
            yield from self._reader.frames(need)
            self.blobs -= len(self.missing) - before


class Pull:
    """Bytes that come in pieces of any size, read in pieces of the size that is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most so many bytes; nothing at the end."""
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._held = memoryview(piece)
        data, self._held = bytes(self._held[:size]), self._held[size:]
        return data
