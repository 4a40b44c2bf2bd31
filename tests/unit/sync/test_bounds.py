"""Every named bound of frames and states, at it and over it; streams cut or changed at every byte, and out of order."""

from __future__ import annotations

import struct
from collections.abc import Callable

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal.entry import MAX_BODY, MAX_HEADER, SALT_BYTES, SEQ_LIMIT
from appliance.journal.errors import SanadError
from appliance.journal.ids import JournalId
from appliance.journal.notes import VerifierKey
from sync import frames, packing, session, wire
from sync.frames import BadFrame, BlobPiece, Checkpoint, Decoder, End, Entries, Frame, Hello, Pulse
from sync.session import Accept, Effect, Keep, Receiver, Stage
from sync.wire import SessionRequest, StateAnswer, WantedBlob
from tests.vectors import generate_sync

DIGEST = "0f" * 32
JOURNAL = "a" * 26
PACK = msgspec.msgpack.encode
WHOLE = generate_sync.stream(generate_sync.parts())
PARTS = generate_sync.parts()
KEY = VerifierKey.parse(generate_sync.SIGNER.verifier.text)


def framed(payload: object) -> bytes:
    data = PACK(payload)
    return frames.PREFIX + struct.pack(">I", len(data)) + data + frames.encode(End())


def entries(*items: packing.Item) -> object:
    columns = [[item[place] for item in items] for place in range(3)]
    return ["entries", zstandard.compress(PACK(columns))]


def read(data: bytes) -> list[Frame]:
    decoder = Decoder()
    found = list(decoder.feed(data))
    decoder.finish()
    return found


def bodies(count: int, last: int) -> list[packing.Item]:
    """Entries of as many bytes as `MAX_BATCH_BYTES`, but for `last` of the last one."""
    whole = (b"h", b"s" * SALT_BYTES, b"b" * (MAX_BODY - 1 - SALT_BYTES))
    return [*[whole] * (count - 1), (b"h", b"s" * SALT_BYTES, b"b" * (MAX_BODY - 1 - SALT_BYTES + last))]


BOUNDS: dict[str, tuple[Callable[[int], object], int]] = {
    "offered": (lambda size: ["hello", JOURNAL, size], SEQ_LIMIT),
    "checkpoint": (lambda size: ["checkpoint", bytes(size)], frames.MAX_CHECKPOINT),
    "piece": (lambda size: ["piece", DIGEST, frames.MAX_BLOB, 0, bytes(size)], frames.MAX_PIECE),
    "file": (lambda size: ["piece", DIGEST, size, 0, b"1"], frames.MAX_BLOB),
    "offset": (lambda size: ["piece", DIGEST, frames.MAX_BLOB, size, b"1"], frames.MAX_BLOB - 1),
    "entries": (lambda size: entries(*[(b"{}", None, None)] * size), frames.MAX_BATCH_ENTRIES),
    "header": (lambda size: entries((b"h" * size, None, None)), MAX_HEADER),
    "body": (lambda size: entries((b"h", b"s" * SALT_BYTES, b"b" * size)), MAX_BODY),
    "salt": (lambda size: entries((b"h", b"s" * size, b"b")), SALT_BYTES),
    "batch": (lambda size: entries(*bodies(4, size - frames.MAX_BATCH_BYTES)), frames.MAX_BATCH_BYTES),
}


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_a_frame_at_its_bound_is_read_and_one_over_it_is_refused(name: str) -> None:
    make, bound = BOUNDS[name]
    assert len(read(framed(make(bound)))) == 2
    with pytest.raises(BadFrame):
        read(framed(make(bound + 1)))


def test_a_length_at_the_bound_waits_for_its_bytes_and_one_over_it_is_refused_at_once() -> None:
    assert list(Decoder().feed(frames.PREFIX + struct.pack(">I", frames.MAX_FRAME))) == []
    over = Decoder().feed(frames.PREFIX + struct.pack(">I", frames.MAX_FRAME + 1))
    with pytest.raises(BadFrame):
        list(over)


def test_a_batch_that_unpacks_to_the_bound_is_unpacked_and_one_over_it_is_not() -> None:
    around = len(PACK([[b"h" * 70_000], [None], [None]])) - 70_000
    for more in (0, 1):
        columns = PACK([[b"h" * (packing.MAX_RAW - around + more)], [None], [None]])
        assert len(columns) == packing.MAX_RAW + more
        if more:
            with pytest.raises(packing.BadPacking):
                packing.unpack(zstandard.compress(columns))
        else:
            assert packing.unpack(zstandard.compress(columns))[0][0].startswith(b"h")


def state(**changes: object) -> bytes:
    said: dict[str, object] = {"version": 2, "stored": 1, "staged": 1, "cosigned": None, "wanted": [], "orders": 0}
    return msgspec.json.encode(said | {"challenge": ""} | changes)


@pytest.mark.parametrize(
    ("name", "make", "bound"),
    [
        ("wanted", lambda size: [WantedBlob(DIGEST, 0)] * size, session.MAX_WANTED),
        ("challenge", lambda size: "c" * size, 200),
        ("spare", lambda size: "c" * size, 200),
        ("session", lambda size: "s" * size, 64),
        ("stored", lambda size: size, SEQ_LIMIT),
        ("orders", lambda size: size, SEQ_LIMIT),
    ],
)
def test_a_state_at_its_bound_is_read_and_one_over_it_is_refused(
    name: str, make: Callable[[int], object], bound: int
) -> None:
    msgspec.json.decode(state(**{name: make(bound)}), type=StateAnswer)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(state(**{name: make(bound + 1)}), type=StateAnswer)


@pytest.mark.parametrize("count", [0, 9])
def test_a_session_request_offers_one_to_eight_versions(count: int) -> None:
    said = {"versions": list(range(count)), "checkpoint": "", "cosigned": None, "orders": 0}
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(said), type=SessionRequest)
    msgspec.json.decode(msgspec.json.encode(said | {"versions": list(range(8))}), type=SessionRequest)


def test_the_largest_session_request_and_state_fit_into_what_is_read_of_them() -> None:
    note = bytes(wire.MAX_NOTE)
    asked = SessionRequest(tuple([2**31] * 8), bytes(frames.MAX_CHECKPOINT), note, SEQ_LIMIT, None, bytes(32))
    assert len(msgspec.json.encode(asked)) <= wire.MAX_SESSION
    wanted = tuple([WantedBlob(DIGEST, frames.MAX_BLOB)] * session.MAX_WANTED)
    spoilt = (DIGEST,) * session.MAX_WANTED
    answer = StateAnswer(2, SEQ_LIMIT, SEQ_LIMIT, note, wanted, SEQ_LIMIT, "c" * 200, spoilt, "s" * 64, "c" * 200)
    assert len(msgspec.json.encode(answer)) <= wire.MAX_ANSWER


@pytest.mark.parametrize("chunk", [1, 7, len(WHOLE)])
def test_a_stream_cut_at_every_byte_gives_the_frames_before_the_cut_and_is_seen_as_cut(chunk: int) -> None:
    for end in range(len(WHOLE)):
        decoder, found = Decoder(), []
        for start in range(0, end, chunk):
            found += list(decoder.feed(WHOLE[start : min(start + chunk, end)]))
        assert found == PARTS[: len(found)]
        with pytest.raises(BadFrame):
            decoder.finish()


def judge(data: bytes) -> list[Effect]:
    """What a central that holds entry 0 takes of a stream before it refuses."""
    edge = generate_sync.edge(generate_sync.entries()[:1])
    receiver = Receiver(generate_sync.JOURNAL, KEY, offered=5, stored=1, frontier=edge)
    decoder, taken = Decoder(), []
    try:
        taken += [effect for frame in decoder.feed(data) if (effect := receiver.take(frame)) is not None]
        decoder.finish()
    except SanadError:
        return []
    return taken


def test_a_stream_changed_at_any_byte_is_refused_or_brings_the_same_entries() -> None:
    honest = judge(WHOLE)
    for place in range(len(WHOLE)):
        changed = bytearray(WHOLE)
        changed[place] ^= 1
        for effect in judge(bytes(changed)):
            if isinstance(effect, Stage | Accept):
                assert effect in honest
            else:
                # A piece is held against its digest when its file is whole.
                assert isinstance(effect, Keep)


honest_or_not: st.SearchStrategy[Frame] = st.one_of(
    st.sampled_from(PARTS),
    st.just(Entries(tuple(map(generate_sync.item, generate_sync.entries()[:2])))),
    st.just(Entries(tuple(map(generate_sync.item, generate_sync.entries()[2:4])))),
    st.just(Hello(JournalId("b" * 26), 5)),
    st.just(Checkpoint(generate_sync.note(3))),
    st.just(BlobPiece(DIGEST, 10, 0, b"0")),
    st.just(Pulse()),
)


@given(st.lists(honest_or_not, max_size=12))
@settings(max_examples=300)
def test_frames_in_any_order_raise_nothing_but_refusals_and_never_bring_another_history(parts: list[Frame]) -> None:
    edge = generate_sync.edge(generate_sync.entries()[:1])
    receiver = Receiver(generate_sync.JOURNAL, KEY, offered=5, stored=1, frontier=edge)
    staged = list(generate_sync.entries()[:1])
    for part in [PARTS[0], *parts]:
        try:
            effect = receiver.take(part)
        except SanadError:
            break
        if isinstance(effect, Stage):
            staged += effect.entries
        if isinstance(effect, Accept):
            assert effect.frontier == generate_sync.edge(generate_sync.entries())
    written = [each.header_bytes for each in generate_sync.entries()]
    assert [each.header_bytes for each in staged] == written[: len(staged)]
