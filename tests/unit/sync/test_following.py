"""A stream that goes on: new work overtakes old, quiet is said aloud, and it ends for a reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from appliance.journal.entry import Entry
from appliance.journal.ids import BlobDigest
from sync import frames
from sync.following import (
    LEAST_PIECE,
    LIFE_S,
    LOOK_S,
    PIECE_S,
    PULSE_S,
    SPARING_PULSE_S,
    STALL_S,
    Follower,
    Pace,
    Timing,
)
from sync.frames import BlobPiece, Checkpoint, End, Entries, Frame, Hello, Pulse
from sync.session import CentralState, Sender, Wanted
from sync.source import Seen
from tests.support.centrals import Scribe

DIGEST = BlobDigest("0f" * 32)


@dataclass
class Stage:
    """A node in memory, and time that passes only by waiting; `at` says what happens when."""

    node: Scribe
    blobs: dict[BlobDigest, bytes] = field(default_factory=dict)
    at: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    now: float = 0.0
    stop_at: float = LIFE_S * 2
    sparing: bool = False

    def monotonic_s(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        due, self.at = (
            [each for each in self.at if each[0] <= self.now],
            [each for each in self.at if each[0] > self.now],
        )
        for _, happens in due:
            happens()
        return self.now >= self.stop_at

    def commit(self) -> None:
        self.node.write()

    def head(self) -> Seen:
        return Seen(len(self.node.entries), self.node.note(), None, 0)

    def entries(self, start: int, limit: int) -> tuple[Sequence[Entry], Seen]:
        return self.node.entries[start : start + limit], self.head()

    def sealed(self, digest: BlobDigest) -> bytes:
        return self.blobs.get(digest, b"")

    def rank(self, digest: BlobDigest) -> int:
        return len(self.blobs.get(digest, b""))

    def follower(self, *wanted: Wanted, may_send: Callable[[int], bool] = lambda _: True) -> Follower:
        size = len(self.node.entries)
        sender = Sender(self.node.journal, CentralState(size, size, None, wanted, 0), size, rank=self.rank)
        return Follower(self, sender, Timing(self.monotonic_s, self.wait, lambda: self.sparing), may_send)


def stage() -> Stage:
    node = Scribe()
    node.opens()
    return Stage(node.grow(3))


def said(follower: Follower) -> list[Frame]:
    decoder = frames.Decoder()
    found = [frame for part in follower.frames() for frame in decoder.feed(part)]
    decoder.finish()
    return found


def test_a_commit_leaves_within_a_look_and_a_quiet_stream_says_that_it_is_there() -> None:
    here = stage()
    here.stop_at = PULSE_S + 3
    here.at = [(1.0, here.commit)]
    heard: list[tuple[float, Frame]] = []
    decoder = frames.Decoder()
    for part in here.follower().frames():
        heard += [(here.now, frame) for frame in decoder.feed(part)]
    kinds = [type(frame) for _, frame in heard]
    assert kinds == [Hello, Entries, Checkpoint, Pulse, End]
    assert heard[1][0] <= 1.0 + LOOK_S
    assert heard[3][0] <= 1.0 + LOOK_S + PULSE_S + LOOK_S


def test_over_a_metered_link_a_quiet_stream_says_less_and_a_commit_leaves_as_soon() -> None:
    here = stage()
    here.sparing, here.stop_at = True, 3.5 * SPARING_PULSE_S
    assert [type(frame) for frame in said(here.follower())] == [Hello, Pulse, Pulse, Pulse, End]
    here.now, here.stop_at, here.at = 0.0, 1.0 + 2 * LOOK_S, [(1.0, here.commit)]
    assert [type(frame) for frame in said(here.follower())] == [Hello, Entries, Checkpoint, End]


def test_new_entries_and_urgent_files_overtake_an_old_one() -> None:
    here = stage()
    here.stop_at = 1
    small = BlobDigest("1" * 64)
    here.blobs = {DIGEST: bytes(5 * frames.MAX_PIECE), small: b"strokes"}
    follower = here.follower(Wanted(DIGEST, 0))
    found: list[Frame] = []
    decoder = frames.Decoder()
    for part in follower.frames():
        found += decoder.feed(part)
        if len(found) == 3:
            here.node.write(blobs=(small,))
            here.now += LOOK_S
    shown = [frame.digest if isinstance(frame, BlobPiece) else type(frame) for frame in found]
    assert [each for each, _ in groupby(shown)] == [Hello, DIGEST, Entries, Checkpoint, small, DIGEST, End]
    assert shown[:4] == [Hello, DIGEST, DIGEST, Entries]


def test_where_bytes_leave_slowly_pieces_are_small_and_where_they_leave_fast_as_large_as_may_be() -> None:
    pace = Pace()
    assert pace.piece_bytes == LEAST_PIECE
    for _ in range(50):
        pace.took(10_000, 10_000 / 125_000)
    assert 0.9 * PIECE_S < pace.piece_bytes / 125_000 < 1.1 * PIECE_S
    for _ in range(50):
        pace.took(10_000, 0.0)
    assert pace.piece_bytes == frames.MAX_PIECE
    for _ in range(50):
        pace.took(10_000, 10.0)
    assert pace.piece_bytes == LEAST_PIECE


def test_a_file_that_is_missing_holds_nothing_up() -> None:
    here = stage()
    here.stop_at = 1
    follower = here.follower(Wanted(DIGEST, 0))
    assert [type(frame) for frame in said(follower)] == [Hello, End]
    assert follower.reader.missing == {DIGEST}


def test_files_wait_where_they_may_not_be_sent_and_entries_do_not() -> None:
    here = stage()
    here.stop_at = 2
    here.blobs = {DIGEST: b"scan"}
    here.at = [(1.0, here.commit)]
    found = said(here.follower(Wanted(DIGEST, 0), may_send=lambda _: False))
    assert [type(frame) for frame in found] == [Hello, Entries, Checkpoint, End]


def test_a_stream_ends_after_its_life_and_what_central_wants_meanwhile_is_sent() -> None:
    here = stage()
    here.blobs = {DIGEST: b"scan"}
    follower = here.follower()
    state = CentralState(4, 4, None, (Wanted(DIGEST, 0),), 0)
    here.at = [(10.0, lambda: follower.heard(state, 4))]
    found = said(follower)
    assert LIFE_S <= here.now <= LIFE_S + 1
    assert [frame for frame in found if isinstance(frame, BlobPiece)] == [BlobPiece(DIGEST, 4, 0, b"scan")]
    assert not follower.stalled


def test_a_stream_whose_entries_are_never_countersigned_though_news_come_is_held_back() -> None:
    here = stage()
    follower = here.follower()
    here.at = [(1.0, here.commit)]
    here.at += [
        (float(second), lambda: follower.heard(CentralState(4, 4, None, (), 0), 4)) for second in range(2, 90, 5)
    ]
    said(follower)
    assert follower.stalled
    assert STALL_S < here.now < STALL_S + 10


def test_a_stream_without_news_is_not_taken_to_be_held_back() -> None:
    here = stage()
    here.at = [(1.0, here.commit)]
    follower = here.follower()
    said(follower)
    assert not follower.stalled


def test_told_to_end_it_ends_with_what_covers_its_entries() -> None:
    here = stage()
    follower = here.follower()
    here.node.grow(2 * frames.MAX_BATCH_ENTRIES)
    found: list[Frame] = []
    decoder = frames.Decoder()
    for part in follower.frames():
        found += decoder.feed(part)
        if isinstance(found[-1], Entries):
            follower.end()
    kinds = [type(frame) for frame in found]
    assert kinds[-2:] == [Checkpoint, End]
    assert kinds.count(Entries) > 1


def test_the_pieces_of_a_file_grow_with_how_fast_they_leave() -> None:
    here = stage()
    here.stop_at = 1
    here.blobs = {DIGEST: bytes(20 * frames.MAX_PIECE)}
    pieces = [len(each.data) for each in said(here.follower(Wanted(DIGEST, 0))) if isinstance(each, BlobPiece)]
    assert LEAST_PIECE < pieces[5] < pieces[10] <= frames.MAX_PIECE
