"""What a lane does without a link: whole files, one after the other, and no more than there is room for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from appliance.journal.ids import BlobDigest, JournalId
from sync import frames, lanes
from sync.calls import Calls
from sync.frames import BlobPiece, End, Frame, Hello
from sync.lanes import Lane, Lanes, Rules
from sync.link import Link, LinkDown
from sync.refusals import Quarantined
from sync.session import CentralState, ReadPiece, Sender, Wanted
from sync.source import Source
from sync.standstill import Flight
from sync.way import OVER_HTTPS
from sync.wire import Known, StateAnswer

NODE = JournalId("a" * 26)
ONE, TWO = (BlobDigest(digit * 64) for digit in "12")


class Fake:
    """A node's files, a link, and a central, in memory."""

    def __init__(self, *wanted: BlobDigest) -> None:
        self.files = {ONE: b"1" * 70_000, TWO: b"2" * 50_000}
        self.flight: Flight | None = None
        self.now_s = self.answered_s = 0.0
        self.requests: list[list[Frame]] = []
        self.failures: list[Exception] = []
        self.has: dict[BlobDigest, int] = {}
        self.asked = 0
        self.missing: set[BlobDigest] = set()
        self.may_send: Callable[[int], bool] = lambda _: True
        self.spent = 0
        state = CentralState(5, 5, None, tuple(Wanted(each, 0) for each in wanted), 0)
        self.sender = Sender(NODE, state, 5)
        rules = Rules(lambda count: self.may_send(count), self.spend, lambda: 0)
        self.lanes = Lanes(self.sender, cast("Source", self), self.missing, rules, lambda: self.now_s)

    def spend(self, count: int) -> None:
        self.spent += count

    def run(self) -> None:
        """A lane, until nothing is left for it."""
        lane = Lane(1, self.lanes, cast("Link", self), lambda: cast("Calls", self))
        self.lanes.over = cast("threading.Event", self)
        lane.run()

    # As the event that ends it

    def wait(self, seconds: float) -> bool:
        self.now_s += seconds
        return self.now_s > 300 or not self.sender.blobs_left

    def is_set(self) -> bool:
        return False

    # As the node's files

    def sealed(self, digest: BlobDigest) -> bytes:
        return self.files.get(digest, b"")

    # As a link

    def __enter__(self) -> Fake:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    # As central

    def lane(self, body: Iterator[bytes], _offered: int, _number: int) -> None:
        decoder, said = frames.Decoder(), list[Frame]()
        self.requests.append(said)
        for part in body:
            for frame in decoder.feed(part):
                said.append(frame)
                if isinstance(frame, BlobPiece):
                    assert frame.offset <= self.has.get(BlobDigest(frame.digest), 0)
                    if self.failures and frame.offset > 0:
                        raise self.failures.pop(0)
                    self.has[BlobDigest(frame.digest)] = frame.offset + len(frame.data)
        decoder.finish()
        self.answered_s = self.now_s

    def news(self, _offered: int, known: Known) -> StateAnswer:
        assert not known.busy
        self.asked += 1
        lacking = [Wanted(each, self.has.get(each, 0)) for each in self.files]
        wanted = tuple(each for each in lacking if each.offset < len(self.files[each.digest]))
        return StateAnswer.of(CentralState(5, 5, None, wanted, 0), "", version=2, session="s")


def test_a_lane_takes_whole_files_one_after_the_other_in_one_request() -> None:
    fake = Fake(ONE, TWO)
    fake.run()
    (said,) = fake.requests
    assert said[0] == Hello(NODE, 5)
    assert said[-1] == End()
    names = [each.digest for each in said if isinstance(each, BlobPiece)]
    assert names == sorted(names)
    assert fake.has == {ONE: 70_000, TWO: 50_000}
    assert fake.sender.blob_bytes_sent == 120_000
    assert 120_000 < fake.spent < 125_000


def test_after_a_break_central_is_asked_and_the_file_goes_on_from_there() -> None:
    fake = Fake(ONE, TWO)
    fake.failures = [LinkDown("The link broke.")]
    fake.run()
    assert fake.asked == 1
    assert len(fake.requests) == 2
    resumed = next(each for each in fake.requests[1] if isinstance(each, BlobPiece))
    assert resumed.offset > 0
    assert fake.has == {ONE: 70_000, TWO: 50_000}


def test_a_lane_that_is_refused_is_not_tried_again_and_its_file_waits_for_central() -> None:
    fake = Fake(ONE)
    fake.failures = [Quarantined("No.", "Ask.")]
    fake.run()
    assert len(fake.requests) == 1
    assert fake.sender.need() is None
    fake.sender.heard([Wanted(ONE, 9)])
    assert fake.sender.need() == ReadPiece(ONE, 9, frames.MAX_PIECE)


def test_a_file_that_is_missing_holds_nothing_up() -> None:
    fake = Fake(ONE, TWO)
    del fake.files[ONE]
    fake.run()
    assert fake.missing == {ONE}
    assert fake.has == {TWO: 50_000}


def test_where_no_more_may_be_sent_a_lane_ends_well_and_gives_its_file_back() -> None:
    fake = Fake(ONE)
    left = [6, 6]

    def may_send(_count: int) -> bool:
        left[0] -= 1
        return left[0] >= 0

    fake.may_send = may_send
    fake.run()
    (said,) = fake.requests
    assert said[-1] == End()
    assert fake.sender.need() == ReadPiece(ONE, fake.has[ONE], frames.MAX_PIECE)


def test_a_piece_is_asked_for_as_if_all_lanes_and_the_stream_sent_one() -> None:
    fake = Fake(ONE)
    asked: list[int] = []

    def may_send(count: int) -> bool:
        asked.append(count)
        return True

    fake.may_send = may_send
    fake.lanes._running = [threading.Thread(), threading.Thread()]
    assert fake.lanes.may_send(100)
    assert asked == [300]


def test_a_lane_waits_while_the_queue_is_long_and_sends_a_piece_now_and_then_to_learn_of_it() -> None:
    quick, slow = Fake(ONE), Fake(ONE)
    quick.flight = Flight(1, (0, 0), 0.35, 0.3)
    slow.flight = Flight(1, (0, 0), 0.6, 0.3)
    for each in (quick, slow):
        each.lanes._links = (cast("Link", each),)
        each.run()
        assert each.has == {ONE: 70_000}
    pieces = sum(isinstance(frame, BlobPiece) for request in slow.requests for frame in request)
    assert slow.answered_s - quick.answered_s >= (pieces - 1) * lanes.ROOM_S


def test_the_shortest_round_trip_is_that_of_any_lane() -> None:
    mine, other = Fake(), Fake()
    mine.flight, other.flight = Flight(1, (0, 0), 0.6, 0.6), Flight(1, (0, 0), 0.3, 0.3)
    mine.lanes._links = (cast("Link", mine), cast("Link", other))
    assert not mine.lanes.has_room(cast("Link", mine))
    assert mine.lanes.has_room(cast("Link", other))


def test_nothing_of_the_node_is_touched_once_lanes_are_closed() -> None:
    fake = Fake(ONE)
    fake.lanes.close()
    assert not fake.lanes.may_send(1)
    assert fake.lanes.sealed(ONE) == b""
    fake.lanes.spend(7)
    assert fake.spent == 0
    assert not fake.missing


@pytest.mark.parametrize(("used", "count"), [("bbr", 0), ("cubic", 2), ("reno", 2)])
def test_lanes_are_for_machines_whose_congestion_control_does_not_fill_the_link(
    monkeypatch: pytest.MonkeyPatch, used: str, count: int
) -> None:
    monkeypatch.setattr("sync.link.best_congestion_control", lambda: used)

    assert OVER_HTTPS.lanes() == count
