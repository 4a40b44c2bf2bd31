"""Lanes over real HTTPS: they bring sealed files beside a stream, and only these; whatever breaks, all arrives."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from appliance.journal.errors import SanadError
from appliance.journal.ids import BlobDigest
from appliance.store.store import NODE_KEY
from sync import frames, wire
from sync.agent import follow, sync_once
from sync.calls import Caller, Calls
from sync.central.central import Central
from sync.central.locker import Locker, Outcome
from sync.following import Timing
from sync.frames import BlobPiece, Checkpoint, End, Entries, Frame, Hello
from sync.link import Address, Link, Reply
from sync.outcome import SyncOutcome
from sync.refusals import BadRequest, OutOfStep, OutOfTurn, TakenOver, UnknownBlob
from sync.way import Way
from sync.wire import StateAnswer, WantedBlob
from tests.support.centrals import CENTRE, EnrolledNode, enrol, pieces, served

PATIENCE_S = 60.0
FILE = 400_000
NEVER = 1 << 60


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


@pytest.fixture
def node(central: Central, tmp_path: Path) -> Iterator[EnrolledNode]:
    made = enrol(tmp_path / "node", central.invite(*CENTRE))
    sync_once(made.store, made.address, now_s=now_s)
    yield made
    made.store.close()


def now_s() -> int:
    return int(time.time())


@dataclass
class Cables:
    """The links of a node: what goes over them, and which of them break, and after how many bytes of a body."""

    breaks: dict[int, list[int]] = field(default_factory=dict)
    """For a link, by its number: bytes after which each of its bodies in turn breaks off."""
    refused: bool = False
    """Whether something on the way lets no lane through."""
    sent: list[tuple[int, Frame]] = field(default_factory=list)
    made: int = 0

    def connect(self, address: Address) -> Link:
        self.made += 1
        return Cable(address, self, self.made - 1)

    def pieces(self) -> list[tuple[int, BlobPiece]]:
        return [(number, frame) for number, frame in self.sent if isinstance(frame, BlobPiece)]


class Cable(Link):
    """One of them. The first is the stream's, the second the news', the others are the lanes'."""

    def __init__(self, address: Address, cables: Cables, number: int) -> None:
        super().__init__(address)
        self._cables = cables
        self._number = number

    def call(
        self,
        method: str,
        path: str,
        *,
        limit: int,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        sign: Callable[[requests.PreparedRequest], None] | None = None,
    ) -> Reply:
        if self._cables.refused and self._number > 1:
            raise BadRequest("There is one connection and no more.")
        told = self._told(body) if isinstance(body, Iterator) else body
        return super().call(method, path, limit=limit, body=told, headers=headers, sign=sign)

    def _told(self, body: Iterator[bytes]) -> Iterator[bytes]:
        budgets = self._cables.breaks.get(self._number, [])
        left, decoder = budgets.pop(0) if budgets else NEVER, frames.Decoder()
        for part in body:
            if (left := left - len(part)) < 0 and self._line.socket is not None:
                socket.socket.shutdown(self._line.socket, socket.SHUT_RDWR)
            self._cables.sent += [(self._number, frame) for frame in decoder.feed(part)]
            yield part


def carried(
    node: EnrolledNode,
    cables: Cables,
    until: Callable[[], bool],
    may_send: Callable[[int], bool] = lambda _: True,
    spend: Callable[[int], None] = lambda _: None,
) -> SyncOutcome | SanadError:
    """Follow with two lanes until something holds."""
    end = threading.Event()
    ended: list[SyncOutcome | SanadError] = []

    def run() -> None:
        try:
            ended.append(
                follow(
                    node.store,
                    node.address,
                    now_s=now_s,
                    timing=Timing(time.monotonic, end.wait),
                    answered=lambda: None,
                    heard=lambda _: None,
                    may_send=may_send,
                    spend=spend,
                    way=Way(cables.connect, lanes=lambda: 2),
                )
            )
        except SanadError as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(until)
    finally:
        end.set()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    return ended[0]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def files(node: EnrolledNode, count: int) -> list[BlobDigest]:
    digests = [node.store.put_blob(os.urandom(FILE)) for _ in range(count)]
    for digest in digests:
        node.commit(1, blobs=(digest,))
    return digests


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Bytes of pieces that arrived at central, by file."""
    found: Counter[str] = Counter()
    add = Locker.add

    def counted(locker: Locker, piece: BlobPiece) -> Outcome:
        found[piece.digest] += len(piece.data)
        return add(locker, piece)

    monkeypatch.setattr(Locker, "add", counted)
    return found


def slowly(_count: int) -> None:
    """So that no stream takes all files before a lane is open."""
    time.sleep(0.01)


def test_files_go_over_two_lanes_and_the_stream_and_entries_over_the_stream_alone(
    central: Central, node: EnrolledNode, added: Counter[str]
) -> None:
    digests, cables = files(node, 12), Cables()

    def all_there() -> bool:
        return all(map(central.holds, digests)) and node.store.head().cosigned_size >= size

    size = node.store.head().size
    outcome = carried(node, cables, all_there, spend=slowly)
    assert isinstance(outcome, SyncOutcome)
    assert outcome.complete
    assert outcome.blob_bytes_sent == sum(map(node.store.blob_bytes, digests))
    assert {number for number, _ in cables.pieces()} == {0, 2, 3}
    assert {number for number, frame in cables.sent if isinstance(frame, Entries | Checkpoint)} == {0}
    assert added == {digest: node.store.blob_bytes(digest) for digest in digests}


def test_lanes_that_are_cut_in_the_middle_go_on_where_central_is_and_nothing_goes_twice(
    central: Central, node: EnrolledNode, added: Counter[str]
) -> None:
    digests, cables = files(node, 12), Cables({2: [250_000, 100_000], 3: [600_000]})
    outcome = carried(node, cables, lambda: all(map(central.holds, digests)), spend=slowly)
    assert isinstance(outcome, SyncOutcome)
    begun = Counter(piece.digest for _, piece in cables.pieces() if piece.offset == 0)
    assert set(begun.values()) == {1}
    # What was read to be sent when the connection broke, and perhaps not sent, is read again: a piece of each break.
    twice = sum(added.values()) - sum(map(node.store.blob_bytes, digests))
    assert twice <= 3 * frames.MAX_PIECE
    for digest in digests:
        central.fetch(digest)


def test_a_stream_that_is_cut_breaks_its_lanes_off_and_the_next_session_goes_on(
    central: Central, node: EnrolledNode
) -> None:
    digests, cables = files(node, 12), Cables({0: [500_000]})
    ended = carried(node, cables, lambda: any(number == 0 for number in cables.breaks) and not cables.breaks[0])
    assert ended is not None
    outcome = carried(node, Cables(), lambda: all(map(central.holds, digests)))
    assert isinstance(outcome, SyncOutcome)
    wait_until(lambda: not [each for each in threading.enumerate() if each.name == "sync-lane"])


def test_where_no_second_connection_gets_through_all_goes_over_the_stream(central: Central, node: EnrolledNode) -> None:
    digests, cables = files(node, 3), Cables(refused=True)
    wanted = {*digests}
    # The news are the second connection: they go through, as no lane does.
    outcome = carried(node, cables, lambda: all(map(central.holds, wanted)))
    assert isinstance(outcome, SyncOutcome)
    assert {number for number, _ in cables.pieces()} == {0}


def test_a_central_that_says_nothing_of_lanes_is_asked_for_none(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_LANES", 0)
    digests, cables = files(node, 3), Cables()
    carried(node, cables, lambda: all(map(central.holds, digests)))
    assert cables.made == 2


def test_the_bytes_of_a_day_bound_the_stream_and_its_lanes_together(central: Central, node: EnrolledNode) -> None:
    digests, cables = files(node, 12), Cables()
    cap, spent, guard, held_back = 1_500_000, [0], threading.Lock(), threading.Event()

    def may_send(count: int) -> bool:
        with guard:
            if spent[0] + count <= cap:
                return True
        held_back.set()
        return False

    def spend(count: int) -> None:
        slowly(count)
        with guard:
            spent[0] += count

    began = node.store.head().cosigned_size
    outcome = carried(
        node, cables, lambda: held_back.is_set() and node.store.head().cosigned_size > began, may_send, spend
    )
    assert isinstance(outcome, SyncOutcome)
    assert sum(len(piece.data) for _, piece in cables.pieces()) <= cap
    assert not all(map(central.holds, digests))
    carried(node, Cables(), lambda: all(map(central.holds, digests)))


# Central's side


@dataclass
class Talk:
    """A session of a node, and what goes beside it."""

    node: EnrolledNode
    link: Link

    def calls(self, session: str = "-") -> Calls:
        store = self.node.store
        return Calls(self.link, Caller(store.journal, store.secret(NODE_KEY), now_s), session)

    def open(self, calls: Calls) -> StateAnswer:
        head, orders = self.node.store.head(), self.node.store.orders_head()
        held = 0 if orders is None else orders.size
        return calls.open(head.checkpoint, head.size, head.cosigned, held)

    def lane(self, calls: Calls, *parts: Frame, number: int = 1) -> StateAnswer:
        size = self.node.store.head().size
        said = [Hello(self.node.store.journal, size), *parts, End()]
        return calls.lane(iter([frames.PREFIX, *map(frames.encode, said)]), size, number)


@pytest.fixture
def talk(node: EnrolledNode) -> Iterator[Talk]:
    with Link(node.address) as link:
        yield Talk(node, link)


def wanted_file(node: EnrolledNode) -> tuple[BlobDigest, bytes]:
    """A file whose entry central has, and which it lacks."""
    (digest,) = files(node, 1)
    sync_once(node.store, node.address, now_s=now_s, may_send=lambda _: False)
    return digest, node.store.sealed_blob(digest)


def test_a_lane_brings_a_file_whole_and_the_same_again_is_passed_over(central: Central, talk: Talk) -> None:
    digest, sealed = wanted_file(talk.node)
    calls = talk.calls()
    assert talk.open(calls).lanes == wire.MAX_LANES
    assert talk.lane(calls, *pieces(sealed)).wanted == ()
    assert talk.lane(calls, *pieces(sealed), number=2).spoilt == ()
    assert central.holds(digest)


def open_again(talk: Talk, calls: Calls) -> None:
    """Open a session; one that was cut off by a refusal hears of it first, once."""
    try:
        talk.open(calls)
    except OutOfTurn:
        talk.open(calls)


@pytest.mark.parametrize("number", [0, 3, 10**9])
def test_no_lane_has_another_number(talk: Talk, number: int) -> None:
    calls = talk.calls()
    talk.open(calls)
    with pytest.raises(BadRequest):
        talk.lane(calls, number=number)


def test_a_lane_that_sends_entries_is_refused_and_nothing_of_them_is_staged(central: Central, talk: Talk) -> None:
    talk.node.commit(2)
    (entry,) = talk.node.store.entries(talk.node.store.head().size - 1, talk.node.store.head().size)
    batch = Entries(((entry.header_bytes, entry.salt, entry.body),))
    before = central.archive.state(talk.node.store.journal)
    for frame in (batch, Checkpoint(talk.node.store.head().checkpoint)):
        calls = talk.calls()
        open_again(talk, calls)
        with pytest.raises(OutOfTurn):
            talk.lane(calls, frame)
    after = central.archive.state(talk.node.store.journal)
    assert (after.stored, after.staged) == (before.stored, before.staged)


def test_a_file_that_no_entry_names_is_refused(talk: Talk) -> None:
    calls = talk.calls()
    talk.open(calls)
    with pytest.raises(UnknownBlob):
        talk.lane(calls, *pieces(b"nobody knows it"))


def test_a_spoilt_file_is_named_in_the_answer(talk: Talk) -> None:
    digest, sealed = wanted_file(talk.node)
    calls = talk.calls()
    talk.open(calls)
    size = len(sealed)
    parts = [
        BlobPiece(digest, size, at, b"\0" * min(frames.MAX_PIECE, size - at)) for at in range(0, size, frames.MAX_PIECE)
    ]
    assert talk.lane(calls, *parts).spoilt == (digest,)


def test_a_lane_of_an_older_session_is_out_of_step(talk: Talk) -> None:
    older = talk.calls()
    talk.open(older)
    talk.open(talk.calls())
    with pytest.raises(OutOfStep):
        talk.lane(older)


def test_a_newer_session_ends_a_lane_after_what_it_brought_is_stored(central: Central, talk: Talk) -> None:
    digest, sealed = wanted_file(talk.node)
    calls, size = talk.calls(), talk.node.store.head().size
    talk.open(calls)
    first, *_ = pieces(sealed)

    def body() -> Iterator[bytes]:
        yield frames.PREFIX + frames.encode(Hello(talk.node.store.journal, size)) + frames.encode(first)
        wait_until(lambda: central.archive.state(talk.node.store.journal).wanted[0].offset > 0)
        with Link(talk.node.address) as link:
            beside = Talk(talk.node, link)
            assert beside.open(beside.calls()).wanted == (WantedBlob(digest, frames.MAX_PIECE),)
        yield frames.encode(End())

    with pytest.raises(TakenOver):
        calls.lane(body(), size, 1)
    assert not central.holds(digest)
