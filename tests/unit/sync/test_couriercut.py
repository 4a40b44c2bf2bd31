"""A stream cut into parts: each begins and ends by itself, none is too large, and together they are the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal.entry import Entry
from appliance.journal.ids import BlobDigest
from appliance.sealing import age
from sync import frames
from sync.couriercut import Cut, Pull, carried_bytes
from sync.courierfile import ExportReader, Opening
from sync.frames import BlobPiece, Checkpoint, End, Entries, Frame, Hello
from sync.session import CentralState, Sender
from sync.source import Seen
from tests.support.centrals import Scribe

ROOM = 400_000


@dataclass
class Here:
    """A source in memory."""

    scribe: Scribe
    blobs: dict[BlobDigest, bytes] = field(default_factory=dict)

    def head(self) -> Seen:
        return Seen(len(self.scribe.entries), self.scribe.note(), None, 0)

    def entries(self, start: int, limit: int) -> tuple[Sequence[Entry], Seen]:
        return self.scribe.entries[start : start + limit], self.head()

    def sealed(self, digest: BlobDigest) -> bytes:
        return self.blobs.get(digest, b"")

    def rank(self, digest: BlobDigest) -> int:
        return 0

    def add(self, size: int, mark: int) -> BlobDigest:
        sealed = mark.to_bytes(2, "big") * (size // 2 + 1)
        digest = age.digest_of(sealed[:size])
        self.blobs[digest] = sealed[:size]
        self.scribe.write(blobs=(digest,))
        return digest


def parts_of(here: Here, *, total: int = 10**12) -> tuple[list[list[Frame]], Cut]:
    size = len(here.scribe.entries)
    sender = Sender(here.scribe.journal, CentralState(0, 0, None, (), 0), size)
    cut = Cut(
        here,
        sender,
        Opening(here.scribe.note(), None, 0),
        blob_bytes=lambda digest: len(here.blobs.get(digest, b"")),
        room=ROOM,
        total=total,
        watch=lambda _: None,
    )
    parts: list[list[Frame]] = []
    while cut.more():
        payload = b"".join(cut.part(len(parts) + 1))
        assert len(payload) <= ROOM
        reader = ExportReader()
        opening, *stream = reader.feed(payload)
        reader.finish()
        assert isinstance(opening, Opening)
        parts.append([each for each in stream if not isinstance(each, Opening)])
    return parts, cut


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 900_000), max_size=6))
def test_parts_hold_every_entry_and_every_byte_once_and_in_order(sizes: list[int]) -> None:
    here = Here(Scribe())
    here.scribe.opens()
    for mark, size in enumerate(sizes):
        here.add(size, mark)
    parts, cut = parts_of(here)
    inside = []
    for part in parts:
        assert isinstance(part[0], Hello)
        assert isinstance(part[-1], End)
        inside += part[1:-1]
    items = [item for each in inside if isinstance(each, Entries) for item in each.items]
    assert items == [(each.header_bytes, each.salt, each.body) for each in here.scribe.entries]
    assert [type(each) for each in inside].index(Checkpoint) < len(inside) - sum(
        isinstance(each, BlobPiece) for each in inside
    )
    carried: dict[str, bytes] = {}
    for each in inside:
        if isinstance(each, BlobPiece):
            assert len(carried.get(each.digest, b"")) == each.offset
            carried[each.digest] = carried.get(each.digest, b"") + each.data
    assert carried == here.blobs
    assert (cut.position, cut.covered_by, cut.blobs, cut.left) == (len(here.scribe.entries), 1, len(here.blobs), 0)


def test_a_paper_that_fits_into_a_part_is_not_cut_in_two() -> None:
    here = Here(Scribe())
    here.scribe.opens()
    for mark in range(3):
        here.add(250_000, mark)
    parts, _ = parts_of(here)
    digests = [{each.digest for each in part if isinstance(each, BlobPiece)} for part in parts]
    assert [len(each) for each in digests] == [1, 1, 1]


def test_papers_without_room_are_left_out_and_smaller_ones_still_go() -> None:
    here = Here(Scribe())
    here.scribe.opens()
    here.add(300_000, 1)
    small = here.add(1000, 2)
    parts, cut = parts_of(here, total=carried_bytes(1000) + 10_000)
    assert {each.digest for part in parts for each in part if isinstance(each, BlobPiece)} == {small}
    assert (cut.blobs, cut.left) == (1, 1)


def test_papers_that_are_not_here_are_named_and_not_counted() -> None:
    here = Here(Scribe())
    here.scribe.opens()
    gone = here.add(1000, 1)
    del here.blobs[gone]
    _, cut = parts_of(here)
    assert (cut.blobs, cut.missing) == (0, {gone})


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 30))
def test_pulled_bytes_are_the_bytes_that_came(pieces: list[bytes], size: int) -> None:
    pull = Pull(iter(pieces))
    read = []
    while data := pull.read(size):
        assert len(data) <= size
        read.append(data)
    assert b"".join(read) == b"".join(pieces)


def test_carried_bytes_are_never_less_than_what_is_written() -> None:
    for size in (1, frames.MAX_PIECE, frames.MAX_PIECE + 1, 10 * frames.MAX_PIECE):
        pieces = [
            BlobPiece("0" * 64, size, at, b"\xff" * min(frames.MAX_PIECE, size - at))
            for at in range(0, size, frames.MAX_PIECE)
        ]
        assert sum(len(frames.encode(each)) for each in pieces) <= carried_bytes(size)
