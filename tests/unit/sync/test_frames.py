"""Frames: what is written is read back whatever the chunks; anything else is refused before it costs memory."""

from __future__ import annotations

import contextlib
import itertools
import struct
from collections.abc import Iterable, Sequence

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal.entry import MAX_BODY, MAX_HEADER
from appliance.journal.errors import BugError
from sync import frames, packing
from sync.frames import BadFrame, BlobPiece, Checkpoint, Decoder, End, Entries, Frame, Hello, Pulse

JOURNAL = "a" * 26
DIGEST = "0f" * 32
STREAM: tuple[Frame, ...] = (
    Hello(JOURNAL, 3),
    Entries(((b"{}", b"s" * 16, b"{}"), (b"{}", None, None))),
    Checkpoint(b"note"),
    BlobPiece(DIGEST, 10, 4, b"123456"),
    Pulse(),
    End(),
)


def stream(parts: Iterable[Frame]) -> bytes:
    return frames.PREFIX + b"".join(map(frames.encode, parts))


def read(chunks: Iterable[bytes]) -> list[Frame]:
    decoder = Decoder()
    found = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    decoder.finish()
    return found


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


def framed(payload: bytes) -> bytes:
    return frames.PREFIX + struct.pack(">I", len(payload)) + payload


salts = st.binary(min_size=16, max_size=16)
headers = st.binary(min_size=1, max_size=4096).map(lambda data: data.replace(packing.HOLE, b"0"))
items = st.one_of(
    st.tuples(headers, salts, st.binary(max_size=2000)),
    st.tuples(headers, st.none(), st.none()),
)
pieces = st.binary(min_size=1, max_size=frames.MAX_PIECE).flatmap(
    lambda data: st.integers(0, frames.MAX_BLOB - len(data)).flatmap(
        lambda offset: st.builds(
            BlobPiece,
            st.just(DIGEST),
            st.integers(offset + len(data), frames.MAX_BLOB),
            st.just(offset),
            st.just(data),
        )
    )
)
any_frame: st.SearchStrategy[Frame] = st.one_of(
    st.builds(Hello, st.from_regex(r"\A[a-z2-7]{26}(\.orders)?\Z"), st.integers(0, 2**53)),
    st.builds(Entries, st.lists(items, min_size=1, max_size=20).map(tuple)),
    st.builds(Checkpoint, st.binary(min_size=1, max_size=frames.MAX_CHECKPOINT)),
    pieces,
    st.just(Pulse()),
)


def packed(*items: object) -> bytes:
    """A frame of entries, written without a look at its bounds."""
    columns = [[item[place] for item in items] for place in range(3)]  # type: ignore[index]
    return PACK(["entries", zstandard.compress(PACK(columns))])


PACK = msgspec.msgpack.encode


@given(st.lists(any_frame, max_size=6), st.lists(st.integers(0, 2**20), max_size=12))
def test_what_is_written_is_read_back_whatever_the_chunks(parts: list[Frame], places: list[int]) -> None:
    whole = [*parts, End()]
    assert read(cut(stream(whole), places)) == whole


def test_a_stream_can_be_read_byte_by_byte() -> None:
    data = stream(STREAM)
    assert read(data[at : at + 1] for at in range(len(data))) == list(STREAM)


@given(st.integers(0, 2**20))
def test_a_stream_cut_anywhere_is_seen_as_cut(place: int) -> None:
    data = stream(STREAM)
    with pytest.raises(BadFrame):
        read([data[: place % len(data)]])


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=4))
@settings(max_examples=300)
def test_random_bytes_raise_nothing_but_bad_frame(noise: bytes, places: list[int]) -> None:
    for data in (noise, frames.PREFIX + noise, framed(noise or b"\x00")):
        with pytest.raises(BadFrame):
            read(cut(data, places))


@given(st.integers(0, 2**20), st.integers(1, 255))
def test_a_changed_byte_never_gives_the_same_frames(place: int, change: int) -> None:
    data = bytearray(stream(STREAM))
    data[place % len(data)] ^= change
    with contextlib.suppress(BadFrame):
        # How well entries are compressed is free: other bytes may say the same, but then they say just that.
        found = read([bytes(data)])
        assert found != list(STREAM) or stream(found) == stream(STREAM)


NESTED = b"\x91" * 100_000


@pytest.mark.parametrize(
    "payload",
    [
        PACK(["later", 1]),
        PACK(End()) + b"\x00",
        PACK(["end", 1]),
        PACK(["hello", JOURNAL]),
        PACK(["hello", JOURNAL + "\n", 1]),
        PACK(["hello", JOURNAL, 2**53 + 1]),
        PACK(["hello", JOURNAL, -1]),
        PACK(["hello", JOURNAL, True]),
        PACK(["hello", JOURNAL, 2**64 - 1]),
        # 3, written in more bytes than it needs.
        PACK(["hello", JOURNAL, 3])[:-1] + b"\xcd\x00\x03",
        PACK(["hello", "\ud800".encode("utf-8", "surrogatepass"), 1]),
        PACK(["entries", []]),
        PACK(["entries", b""]),
        PACK(["entries", b"noise"]),
        PACK(["entries", zstandard.compress(b"")]),
        PACK(["entries", zstandard.compress(PACK([[b"{}"], [None]]))]),
        PACK(["entries", zstandard.compress(PACK([[b"{}"], [None], []]))]),
        PACK(["entries", zstandard.compress(PACK([[b"{}"], [None], [None]]) + b"\x00")]),
        PACK(["entries", zstandard.compress(PACK([[b"{}"], [None], [None]])) + b"\x00"]),
        PACK(["entries", zstandard.compress(NESTED)]),
        PACK(["entries", zstandard.compress(bytes(packing.MAX_RAW + 1))]),
        PACK(["entries", zstandard.ZstdCompressor(write_content_size=False).compress(bytes(100))]),
        packed(),
        packed((b"", None, None)),
        packed((b"{\x00}", None, None)),
        packed((b"h" * (MAX_HEADER + 1), None, None)),
        packed((b"{}", b"s" * 16, b"b" * (MAX_BODY + 1))),
        packed((b"{}", b"s" * 16, None)),
        packed((b"{}", b"", b"{}")),
        packed((b"{}", None, b"{}")),
        packed(*[(b"{}", None, None)] * 513),
        packed(*[(b"{}", b"s" * 16, b"b" * MAX_BODY)] * 4),
        PACK(["pulse", 1]),
        PACK(["checkpoint", b""]),
        PACK(["checkpoint", b"n" * 4097]),
        PACK(["checkpoint", "note"]),
        PACK(["piece", DIGEST, 10, 4, b"1234567"]),
        PACK(["piece", DIGEST, 10, 4, b""]),
        PACK(["piece", DIGEST.upper(), 10, 4, b"1"]),
        PACK(["piece", DIGEST, 10**6, 0, b"1" * (frames.MAX_PIECE + 1)]),
        PACK(["piece", DIGEST, frames.MAX_BLOB + 1, 0, b"1"]),
        PACK({"tag": "end"}),
        NESTED,
    ],
)
def test_a_frame_outside_its_bounds_is_refused(payload: bytes) -> None:
    with pytest.raises(BadFrame) as caught:
        read([framed(payload) + frames.encode(End())])
    assert caught.value.sentence


def test_a_length_beyond_the_bound_is_refused_before_its_bytes_arrive() -> None:
    decoder = Decoder()
    with pytest.raises(BadFrame):
        list(decoder.feed(frames.PREFIX + struct.pack(">I", frames.MAX_FRAME + 1)))


def test_a_stream_of_another_version_is_refused_at_its_first_different_byte() -> None:
    decoder = Decoder()
    with pytest.raises(BadFrame):
        list(decoder.feed(b"HTTP"))


def test_nothing_may_follow_the_end() -> None:
    with pytest.raises(BadFrame):
        read([stream([End()]), b"\x00"])


def test_frames_before_a_bad_one_are_given_first() -> None:
    decoder = Decoder()
    found = decoder.feed(stream(STREAM[:2]) + b"\xff\xff\xff\xff")
    assert [next(found), next(found)] == list(STREAM[:2])
    with pytest.raises(BadFrame):
        next(found)


@given(st.lists(items, max_size=40))
def test_batches_keep_every_entry_in_order_and_can_all_be_sent(entries: list[packing.Item]) -> None:
    found = list(frames.batches(entries))
    assert [item for batch in found for item in batch.items] == entries
    assert read([stream([*found, End()])])[:-1] == found


def test_the_largest_batch_fits_into_a_frame() -> None:
    many = list(frames.batches([(b"h" * 496, b"s" * 16, b"")] * 513))
    large = list(frames.batches([(b"h" * MAX_HEADER, b"s" * 16, b"b" * MAX_BODY)] * 5))
    assert [len(each.items) for each in many] == [512, 1]
    assert [len(each.items) for each in large] == [3, 2]
    read([stream([*many, *large, End()])])


def test_a_frame_that_nobody_could_read_is_not_sent() -> None:
    with pytest.raises(BugError):
        frames.encode(BlobPiece(DIGEST, 1, 5, b"12"))


def test_both_sides_speak_the_best_version_that_both_know() -> None:
    assert frames.choose_version((1, 2, 9)) == 2
    with pytest.raises(BadFrame) as caught:
        frames.choose_version((1, 9))
    assert "one version" in caught.value.next_step
