"""A courier file, as bytes and back: what a stick carries where no link reaches. No I/O.

A file is a header of `HEADER_BYTES` and one payload, sealed in the age format. The header is a signed note (C2SP),
filled up with zeros; anybody can read whose file it is, and nothing of what is in it:

    sanad courier 1
    export                      or `receipt`
    journal JOURNAL             of the node, in either direction
    number 7                    of the node's exports; a receipt repeats the newest that central has seen
    series SERIES               of this writing: 8 random characters
    part 1 of 3 covered by 1    the part that holds the checkpoint over the series' entries; 0 where it has none
    entries 100 250             from the first, up to (not with) the last
    sealed BYTES SHA256

An export is signed by the node's key (`export_signer`), a receipt by central's key for this node's orders.

The payload of an export is one record `Opening`, then a stream of frames (`sync.frames`) exactly as over HTTPS, from
`Hello` to `End`. A series is one such stream, cut: each part has its own `Hello` and `End`, and entries without a
checkpoint continue in the next part. The payload of a receipt is records alone: `Statement` first, then `Lacking`,
`Orders` and `Lists`, `Close` last. A record is its length (4 bytes, unsigned, big-endian) and so many bytes of
MessagePack: an array of a tag and fields.

Reading is strict: what writing would not have made is refused with `BadCourierFile`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Final

import msgspec

from appliance.journal import notes
from appliance.journal.entry import SEQ_LIMIT
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import BlobDigest, JournalId
from appliance.journal.notes import Signer, VerifierKey
from appliance.journal.tree import HASH_BYTES
from sync import frames
from sync.frames import MAX_CHECKPOINT, Frame, Size

MAGIC: Final = b"sanad courier 1\n"
HEADER_BYTES: Final = 1024
MAX_FILE: Final = 2**32 - 1
"""Bytes of one file: what FAT32 can hold."""
MIN_FILE: Final = 1_000_000
"""Bytes that a part may be limited to, at the least: some frames of the largest kind."""
MAX_PARTS: Final = 999
MAX_RECORD: Final = 8 * 1024 * 1024
"""Bytes of one record after its length."""
MAX_NOTE: Final = 2 * MAX_CHECKPOINT
"""Bytes of a checkpoint with central's cosignature."""
DIGEST_BYTES: Final = 32
LACKING_DIGESTS: Final = 4096
"""Digests in one record."""
LISTS_PIECE: Final = 256 * 1024
"""Bytes of the public lists in one record."""
SERIES: Final = re.compile(r"[a-z2-7]{8}")
SERIES_BYTES: Final = 5

_LENGTH: Final = struct.Struct(">I")
_NUMBER: Final = r"(0|[1-9][0-9]{0,14})"
_HEADER: Final = re.compile(
    rf"sanad courier 1\n(export|receipt)\njournal ([a-z2-7]{{26}})\nnumber {_NUMBER}\nseries ([a-z2-7]{{8}})\n"
    rf"part {_NUMBER} of {_NUMBER} covered by {_NUMBER}\nentries {_NUMBER} {_NUMBER}\n"
    rf"sealed {_NUMBER} ([0-9a-f]{{64}})\n"
)


class BadCourierFile(IntegrityError):
    """A file that no node and no central writes, or one that was changed or cut on its way."""


class Kind(Enum):
    """Which way a file goes."""

    EXPORT = "export"
    """From a node to central."""
    RECEIPT = "receipt"
    """From central back."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands on the outside of a file."""

    kind: Kind
    journal: JournalId
    number: int
    series: str
    part: int
    parts: int
    covered_by: int
    first: int
    last: int
    sealed_bytes: int
    sealed_sha256: str

    @property
    def text(self) -> bytes:
        """The signed text."""
        return (
            f"sanad courier 1\n{self.kind.value}\njournal {self.journal}\nnumber {self.number}\nseries {self.series}\n"
            f"part {self.part} of {self.parts} covered by {self.covered_by}\nentries {self.first} {self.last}\n"
            f"sealed {self.sealed_bytes} {self.sealed_sha256}\n"
        ).encode()

    @property
    def is_sound(self) -> bool:
        """Whether the numbers fit each other."""
        return (
            1 <= self.part <= self.parts <= MAX_PARTS
            and self.covered_by <= self.parts
            and 0 <= self.first <= self.last <= SEQ_LIMIT
            and 0 < self.sealed_bytes <= MAX_FILE - HEADER_BYTES
        )


@dataclass(frozen=True, slots=True)
class SignedHeader:
    """A header as it was read; nobody has looked at its signature."""

    header: Header
    note: notes.Note


def export_signer(journal: JournalId, node_key: bytes) -> Signer:
    """What signs a node's exports."""
    return Signer(_key_name(journal), node_key)


def export_verifier(journal: JournalId, node_key: bytes) -> VerifierKey:
    """What verifies them, from the public half."""
    return VerifierKey(_key_name(journal), notes.NOTE_SIGNATURE, node_key)


def write_header(header: Header, signer: Signer) -> bytes:
    """Sign a header, and fill it up.

    Raises:
        BugError: no reader would accept it.
    """
    block = (header.text + b"\n" + signer.sign(header.text)).ljust(HEADER_BYTES, b"\x00")
    try:
        read_header(block)
    except BadCourierFile as error:
        raise BugError("The program tried to write a courier file that nobody could read.") from error
    return block


def read_header(block: bytes) -> SignedHeader:
    """Read the first `HEADER_BYTES` of a file.

    Raises:
        BadCourierFile: they are no header.
    """
    if not block.startswith(MAGIC):
        raise BadCourierFile("This is no courier file of this version.", "Look for files that end with .export.")
    try:
        note = notes.parse_note(block.rstrip(b"\x00"), limit=HEADER_BYTES)
    except notes.BadNote:
        raise _damaged() from None
    if note.encode().ljust(HEADER_BYTES, b"\x00") != block:
        raise _damaged()
    found = _HEADER.fullmatch(note.text.decode())
    if found is None:
        raise _damaged()
    kind, journal, number, series, *figures, digest = found.groups()
    part, parts, covered_by, first, last, sealed = map(int, figures)
    header = Header(
        *(Kind(kind), JournalId(journal), int(number), series, part, parts, covered_by, first, last, sealed, digest)
    )
    if not header.is_sound:
        raise _damaged()
    return SignedHeader(header, note)


def verify_header(signed: SignedHeader, key: VerifierKey) -> None:
    """See that a header was signed by this key.

    Raises:
        BadCourierFile: it was not.
    """
    try:
        notes.verify(signed.note, key)
    except notes.BadNote:
        raise BadCourierFile(
            "This file is not signed by the one that it says it comes from.", "Do not use it. Write a new one."
        ) from None


class Opening(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="opening"):
    """What a node had when it began to write: the same that opens a session over HTTPS."""

    checkpoint: bytes
    """Its newest signed checkpoint."""
    cosigned: bytes | None
    """The newest that it held central's cosignature of."""
    orders: Size
    """Orders that it had taken up."""
    orders_root: Annotated[bytes, msgspec.Meta(max_length=HASH_BYTES)] = b""
    """The root of the tree over those orders; empty where there are none."""
    lost_orders: bytes = b""
    """All of them as a stream of frames, where central lacked some when it was heard last; else nothing."""


class Statement(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="statement"):
    """What central has of the node."""

    stored: Size
    """Entries."""
    cosigned: bytes | None
    """The newest checkpoint of the node with central's cosignature."""
    lacking: Annotated[int, msgspec.Meta(ge=0)]
    """Sealed files that the stored entries name and central has not, all of which follow."""
    orders: Size
    """Orders that central has for the node. Fewer than the node holds: it hands back those beyond."""


class Lacking(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="lacking"):
    """Some of the sealed files that central has not."""

    packed: bytes
    """Their digests, 32 bytes each."""

    @classmethod
    def of(cls, digests: list[BlobDigest]) -> Lacking:
        """Pack at most `LACKING_DIGESTS`."""
        return cls(b"".join(map(bytes.fromhex, digests)))

    @property
    def digests(self) -> list[BlobDigest]:
        """The digests."""
        starts = range(0, len(self.packed), DIGEST_BYTES)
        return [BlobDigest(self.packed[at : at + DIGEST_BYTES].hex()) for at in starts]


class Orders(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="orders"):
    """Some of central's orders: a whole stream of frames, as over HTTPS."""

    stream: bytes


class Lists(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="lists"):
    """Some bytes of central's public lists, in their order."""

    data: bytes


class Close(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag="close"):
    """Nothing follows."""


Record = Opening | Statement | Lacking | Orders | Lists | Close
_DECODER: Final = msgspec.msgpack.Decoder(Record)
_ENCODER: Final = msgspec.msgpack.Encoder()


def write_record(record: Record) -> bytes:
    """Write a record with its length.

    Raises:
        BugError: no reader would accept it.
    """
    payload = _ENCODER.encode(record)
    try:
        _read_record(payload)
    except BadCourierFile as error:
        raise BugError("The program tried to write a record that nobody could read.") from error
    return _LENGTH.pack(len(payload)) + payload


class Records:
    """Reads records from bytes that come in chunks of any size."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._buffer += chunk

    def next(self) -> Record | None:
        """The next record, or None while it is not all there.

        Raises:
            BadCourierFile: it is no record.
        """
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        if not 0 < length <= MAX_RECORD:
            raise _damaged()
        stop = _LENGTH.size + int(length)
        if len(self._buffer) < stop:
            return None
        record = _read_record(bytes(self._buffer[_LENGTH.size : stop]))
        del self._buffer[:stop]
        return record

    def rest(self) -> bytes:
        """What came behind the records that were taken; it is not here any more."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest


class ExportReader:
    """Reads the payload of an export that comes in chunks of any size."""

    def __init__(self) -> None:
        self._records = Records()
        self._decoder = frames.Decoder()
        self._opened = False

    def feed(self, chunk: bytes) -> Iterator[Opening | Frame]:
        """Take the next bytes, and give what is complete with them.

        Raises:
            BadCourierFile, BadFrame: the payload is not of its form. What was given before stands.
        """
        if not self._opened:
            self._records.feed(chunk)
            opening = self._records.next()
            if opening is None:
                return
            if not isinstance(opening, Opening):
                raise _damaged()
            self._opened = True
            chunk = self._records.rest()
            yield opening
        if chunk:
            yield from self._decoder.feed(chunk)

    def finish(self) -> None:
        """Say that no more bytes come.

        Raises:
            BadFrame: the stream was cut.
        """
        self._decoder.finish()


class ReceiptReader:
    """Reads the payload of a receipt that comes in chunks of any size."""

    def __init__(self) -> None:
        self._records = Records()
        self._begun = False
        self._closed = False

    def feed(self, chunk: bytes) -> Iterator[Statement | Lacking | Orders | Lists]:
        """Take the next bytes, and give the records that are complete with them.

        Raises:
            BadCourierFile: the payload is not of its form. What was given before stands.
        """
        self._records.feed(chunk)
        while not self._closed and (record := self._records.next()) is not None:
            if isinstance(record, Opening) or isinstance(record, Statement) == self._begun:
                raise _damaged()
            self._begun = True
            if isinstance(record, Close):
                self._closed = True
            else:
                yield record

    def finish(self) -> None:
        """Say that no more bytes come.

        Raises:
            BadCourierFile: the payload was cut, or goes on after its end.
        """
        if not self._closed or self._records.rest():
            raise _damaged()


def _read_record(payload: bytes) -> Record:
    if len(payload) > MAX_RECORD:
        raise _damaged()
    try:
        record: Record = _DECODER.decode(payload)
        canonical = _ENCODER.encode(record)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, OverflowError):
        raise _damaged() from None
    if canonical != payload or not _is_bounded(record):
        raise _damaged()
    return record


def _is_bounded(record: Record) -> bool:
    match record:
        case Opening() | Statement():
            checkpoint = record.checkpoint if isinstance(record, Opening) else b""
            return len(checkpoint) <= MAX_CHECKPOINT and len(record.cosigned or b"") <= MAX_NOTE
        case Lacking():
            count, odd = divmod(len(record.packed), DIGEST_BYTES)
            return odd == 0 and 0 < count <= LACKING_DIGESTS
        case Lists():
            return 0 < len(record.data) <= LISTS_PIECE
        case _:
            return True


def _key_name(journal: JournalId) -> str:
    return f"sanad/courier/{journal}"


def _damaged() -> BadCourierFile:
    return BadCourierFile(
        "This courier file was damaged or cut on its way.", "Copy it again, or write a new one; nothing is lost."
    )
