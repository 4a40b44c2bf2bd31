"""Frames: what crosses the wire between a node and central, as bytes and back. No I/O.

A stream is `PREFIX`, then frames. A frame is its length (4 bytes, unsigned, big-endian) and that many bytes of
MessagePack: an array of the frame's tag and its fields. `End` is the last frame, so a stream that was cut shows.

Entries travel compressed (`sync.packing`) and come out as the exact bytes they were written in; a frame proves nothing
by itself. Who believes what is decided in `sync.session`, by hashes and signatures.

Reading is strict: anything that writing would not have made is refused with `BadFrame`, byte for byte, but for how well
entries are compressed; a length is refused before the memory for it is taken. Which version is spoken is agreed before
(`choose_version`); a stream begins with the `PREFIX` of that version.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from appliance.journal.entry import MAX_BODY, MAX_HEADER, SALT_BYTES, SEQ_LIMIT
from appliance.journal.errors import BugError, IntegrityError
from sync import packing
from sync.packing import Item

PREFIX: Final = b"sanad frames 2\n"
VERSION: Final = 2
VERSIONS: Final = (VERSION,)
"""All that this software speaks, the best one first."""

MAX_BATCH_ENTRIES: Final = packing.MAX_ITEMS
MAX_BATCH_BYTES: Final = 256 * 1024
"""Of headers, salts and bodies together."""
MAX_PIECE: Final = 32 * 1024
"""Bytes of a blob in one frame: what a kill in the middle of a frame can cost."""
MAX_BLOB: Final = 64 * 1024 * 1024
"""Bytes of one sealed file."""
MAX_CHECKPOINT: Final = 4096
"""Bytes of a checkpoint with its signature."""
MAX_FRAME: Final = MAX_BATCH_BYTES + 32 * MAX_BATCH_ENTRIES
"""Bytes after the length: a full batch, and what MessagePack puts around each entry."""

_LENGTH: Final = struct.Struct(">I")

Size = Annotated[int, msgspec.Meta(ge=0, le=SEQ_LIMIT)]
Journal = Annotated[str, msgspec.Meta(pattern=r"\A[a-z2-7]{26}(\.orders)?\Z")]
Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
BlobSize = Annotated[int, msgspec.Meta(ge=1, le=MAX_BLOB)]


class BadFrame(IntegrityError):
    """Bytes that no sender of this protocol writes."""


class Hello(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="hello"):
    """The first frame: whose journal follows."""

    journal: Journal
    offered: Size
    """The size that the sender had when the stream began; the checkpoint may cover more."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries in the order of the journal, 1 to `MAX_BATCH_ENTRIES`."""

    items: tuple[Item, ...]


class _PackedEntries(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="entries"):
    """`Entries` on the wire."""

    packed: bytes


class Checkpoint(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="checkpoint"):
    """The journal's signed checkpoint over all entries so far."""

    note: bytes


class BlobPiece(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="piece"):
    """Bytes of one sealed file."""

    digest: Digest
    size: BlobSize
    """Of the whole file, in bytes."""
    offset: Annotated[int, msgspec.Meta(ge=0, lt=MAX_BLOB)]
    """Where `data` starts in it, in bytes."""
    data: bytes


class Pulse(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="pulse"):
    """The sender is there, and has nothing to say: it keeps a quiet stream open."""


class End(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="end"):
    """The sender has said all it had to say."""


Frame = Hello | Entries | Checkpoint | BlobPiece | Pulse | End

_Wire = Hello | _PackedEntries | Checkpoint | BlobPiece | Pulse | End
_DECODER: Final = msgspec.msgpack.Decoder(_Wire)
_ENCODER: Final = msgspec.msgpack.Encoder()


def choose_version(theirs: Iterable[int]) -> int:
    """The best version that both sides speak.

    Raises:
        BadFrame: there is none.
    """
    offered = set(theirs)
    chosen = next((version for version in VERSIONS if version in offered), None)
    if chosen is None:
        raise BadFrame(
            f"The other side speaks no version of this protocol that this one speaks ({VERSION}).",
            "Bring both to one version of Sanad; entries wait here and are not lost.",
        )
    return chosen


def item_bytes(item: Item) -> int:
    """What an entry counts for in `MAX_BATCH_BYTES`."""
    header, salt, body = item
    return len(header) + len(salt or b"") + len(body or b"")


def batches(items: Iterable[Item]) -> Iterator[Entries]:
    """Cut entries into frames, each as large as the bounds allow."""
    batch: list[Item] = []
    size = 0
    for item in items:
        more = item_bytes(item)
        if batch and (len(batch) == MAX_BATCH_ENTRIES or size + more > MAX_BATCH_BYTES):
            yield Entries(tuple(batch))
            batch, size = [], 0
        batch.append(item)
        size += more
    if batch:
        yield Entries(tuple(batch))


def encode(frame: Frame) -> bytes:
    """Write a frame with its length; `PREFIX` goes once before the first.

    Raises:
        BugError: no reader would accept it.
    """
    try:
        if isinstance(frame, Entries):
            _check_entries(frame)
            payload = _ENCODER.encode(_PackedEntries(packing.pack(frame.items)))
        else:
            payload = _ENCODER.encode(frame)
            _read(payload)
    except BadFrame as error:
        raise BugError(f"The program tried to send a frame that nobody could read: {error.sentence}") from error
    return _LENGTH.pack(len(payload)) + payload


class Decoder:
    """Reads a stream that arrives in chunks of any size. After a `BadFrame` it is of no more use."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._headed = False
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Take the next chunk, and give the frames that are complete with it.

        Holds no more than the chunk and one frame. The frames must all be taken before the next chunk is fed.

        Raises:
            BadFrame: the stream is not of this protocol. Frames given before it stand.
        """
        self._buffer += chunk
        self._take_prefix()
        return self._frames()

    def finish(self) -> None:
        """Say that no more bytes come.

        Raises:
            BadFrame: the stream does not end with `End`.
        """
        if not self._ended or self._buffer:
            raise BadFrame("A stream of frames was cut before its end.")

    def _frames(self) -> Iterator[Frame]:
        start = 0
        try:
            while self._headed and (stop := self._frame_end(start)) is not None:
                frame = _read(bytes(self._buffer[start + _LENGTH.size : stop]))
                start = stop
                self._ended = isinstance(frame, End)
                yield frame
        finally:
            del self._buffer[:start]

    def _take_prefix(self) -> None:
        if self._headed:
            return
        if not PREFIX.startswith(bytes(self._buffer[: len(PREFIX)])):
            raise BadFrame("A stream does not start as frames of this version do.", "Bring both sides to one version.")
        if len(self._buffer) >= len(PREFIX):
            del self._buffer[: len(PREFIX)]
            self._headed = True

    def _frame_end(self, start: int) -> int | None:
        """Where the frame at `start` ends, or None while it is not all there."""
        if self._ended:
            if len(self._buffer) > start:
                raise BadFrame("A stream of frames goes on after its end.")
            return None
        if len(self._buffer) < start + _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer, start)
        if not 0 < length <= MAX_FRAME:
            raise BadFrame(f"A frame has between 1 and {MAX_FRAME} bytes.")
        stop = start + _LENGTH.size + int(length)
        return stop if stop <= len(self._buffer) else None


def _read(payload: bytes) -> Frame:
    """Read one frame and hold it to every bound; `msgspec` sets none on the length of bytes."""
    if len(payload) > MAX_FRAME:
        raise BadFrame(f"A frame has at most {MAX_FRAME} bytes.")
    try:
        frame: _Wire = _DECODER.decode(payload)
        canonical = _ENCODER.encode(frame)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        # Not chained: what msgspec says may quote the bytes.
        raise BadFrame("A frame is not of any known form.") from None
    if canonical != payload:
        raise BadFrame("A frame is not written in its shortest form.")
    if isinstance(frame, _PackedEntries):
        return _unpacked(frame)
    if isinstance(frame, Checkpoint) and not 0 < len(frame.note) <= MAX_CHECKPOINT:
        raise BadFrame(f"A checkpoint has at most {MAX_CHECKPOINT} bytes.")
    if isinstance(frame, BlobPiece):
        if not 0 < len(frame.data) <= MAX_PIECE:
            raise BadFrame(f"A piece of a blob has between 1 and {MAX_PIECE} bytes.")
        if frame.offset + len(frame.data) > frame.size:
            raise BadFrame("A piece of a blob goes beyond its end.")
    return frame


def _unpacked(frame: _PackedEntries) -> Entries:
    try:
        entries = Entries(packing.unpack(frame.packed))
    except packing.BadPacking:
        raise BadFrame("The entries of a frame are not packed as they must be.") from None
    _check_entries(entries)
    return entries


def _check_entries(frame: Entries) -> None:
    if not 0 < len(frame.items) <= MAX_BATCH_ENTRIES:
        raise BadFrame(f"A batch has between 1 and {MAX_BATCH_ENTRIES} entries.")
    if sum(map(item_bytes, frame.items)) > MAX_BATCH_BYTES:
        raise BadFrame(f"A batch of entries has at most {MAX_BATCH_BYTES} bytes.")
    for header, salt, body in frame.items:
        if not 0 < len(header) <= MAX_HEADER or len(body or b"") > MAX_BODY:
            raise BadFrame("An entry in a frame is too large.")
        if packing.HOLE in header:
            raise BadFrame("An entry in a frame holds a byte that no header holds.")
        if (salt is None) != (body is None) or (salt is not None and len(salt) != SALT_BYTES):
            raise BadFrame("An entry in a frame has a salt without a body, or a body without its salt.")
