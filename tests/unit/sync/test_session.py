"""The session's rules of acceptance, one by one; and a stream that is cut anywhere, again and again, still arrives."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.journal.checkpoint import BadCheckpoint, Checkpoint, sign_checkpoint
from appliance.journal.entry import BadEntry, Entry
from appliance.journal.errors import SanadError
from appliance.journal.ids import BlobDigest
from sync import frames, session
from sync.frames import BlobPiece, End, Entries, Frame, Hello
from sync.refusals import Fork, OutOfStep, OutOfTurn, Rollback, StartAgain, WrongJournal
from sync.session import (
    NEXT,
    Accept,
    CentralState,
    Keep,
    ReadEntries,
    ReadPiece,
    Receiver,
    Sender,
    Stage,
    State,
    Wanted,
    bodies_owed,
    judge_offer,
)
from tests.support.centrals import Scribe

DIGEST = BlobDigest("0f" * 32)
PIECE = BlobPiece(DIGEST, 10, 0, b"0123456789")


def scribe(count: int = 8) -> Scribe:
    node = Scribe()
    node.opens()
    return node.grow(count - 1)


def receiver(
    node: Scribe, *, stored: int = 0, staged: int | None = None, offered: int | None = None, floor: int | None = None
) -> Receiver:
    """What central has when it holds honest entries up to those sizes."""
    return Receiver(
        node.journal,
        node.signer.verifier,
        offered=len(node.entries) if offered is None else offered,
        stored=stored,
        frontier=node.edge(stored if staged is None else staged),
        floor=None if floor is None else node.checkpoint(floor),
    )


def take_all(into: Receiver, parts: list[Frame]) -> list[session.Effect]:
    return [effect for part in parts if (effect := into.take(part)) is not None]


def test_an_honest_stream_is_staged_and_then_accepted() -> None:
    node = scribe()
    effects = take_all(receiver(node, stored=3), [*node.frames(3), PIECE, End()])
    assert effects == [
        Stage(node.edge(3), tuple(node.entries[3:])),
        Accept(node.note(), node.edge(8)),
        Keep(PIECE),
    ]


@pytest.mark.parametrize(
    ("before", "frame"),
    [
        ([], Entries(((b"{}", None, None),))),
        ([], End()),
        (["hello"], Hello("a" * 26, 8)),
        (["hello"], frames.Checkpoint(b"note")),
        (["hello", "entries"], PIECE),
        (["hello", "entries"], End()),
        (["hello", "entries", "checkpoint"], frames.Checkpoint(b"note")),
        (["hello", "end"], PIECE),
        (["hello", "end"], End()),
    ],
)
def test_a_frame_out_of_turn_ends_the_session(before: list[str], frame: Frame) -> None:
    node = scribe()
    honest = dict(zip(("hello", "entries", "checkpoint"), node.frames(0), strict=True)) | {"end": End()}
    judge = receiver(node)
    take_all(judge, [honest[name] for name in before])
    state = judge.state
    with pytest.raises(OutOfTurn):
        judge.take(frame)
    assert judge.state is state


def test_every_state_but_the_last_leads_somewhere_and_every_frame_is_known() -> None:
    assert {state for state, _ in NEXT} == set(State) - {State.ENDED}
    assert {frame for _, frame in NEXT} == set(frames.Frame.__args__)


def test_a_stream_of_another_journal_is_refused() -> None:
    node, other = scribe(), scribe()
    with pytest.raises(WrongJournal):
        receiver(node).take(Hello(other.journal, 8))
    mixed = receiver(node)
    mixed.take(Hello(node.journal, 8))
    with pytest.raises(WrongJournal):
        mixed.take(other.frames(0)[1])


def test_a_stream_that_offers_another_size_than_was_signed_is_refused() -> None:
    node = scribe()
    with pytest.raises(OutOfTurn):
        receiver(node, offered=7).take(Hello(node.journal, 8))


@pytest.mark.parametrize("start", [0, 2, 4, 7])
def test_entries_that_do_not_start_where_central_ends_are_out_of_step(start: int) -> None:
    node = scribe()
    with pytest.raises(OutOfStep):
        take_all(receiver(node, stored=3), node.frames(start))


def test_a_changed_entry_is_refused() -> None:
    node = scribe()
    header, salt, body = node.entries[3].header_bytes, node.entries[3].salt, node.entries[3].body or b""
    judge = receiver(node, stored=3)
    judge.take(Hello(node.journal, 8))
    for item in (
        (header.replace(b"node", b"n0de"), salt, body),
        (header, salt, body + b" "),
        (header[:-1], salt, body),
    ):
        with pytest.raises(BadEntry):
            judge.take(Entries((item,)))


def test_a_checkpoint_by_another_key_is_refused() -> None:
    node, other = scribe(), scribe()
    forged = replace(other.signer, name=node.signer.name)
    judge = receiver(node)
    take_all(judge, node.frames(0, note=False))
    with pytest.raises(BadCheckpoint):
        judge.take(frames.Checkpoint(sign_checkpoint(node.checkpoint(), forged)))


def test_a_checkpoint_over_more_or_fewer_entries_than_came_is_refused() -> None:
    node = scribe()
    for size in (6, 8):
        judge = receiver(node, offered=5)
        take_all(judge, [Hello(node.journal, 5), *node.frames(0, 7)[1:-1]])
        with pytest.raises(OutOfTurn):
            judge.take(frames.Checkpoint(node.note(size)))


def test_a_stream_that_ends_before_the_offered_size_is_refused() -> None:
    node = scribe()
    judge = receiver(node)
    take_all(judge, [Hello(node.journal, 8), *node.frames(0, 6)[1:-1]])
    with pytest.raises(Rollback):
        judge.take(frames.Checkpoint(node.note(6)))


def forked(node: Scribe, at: int) -> Scribe:
    """The same keys, and another history from `at` on."""
    return Scribe(node.seed, node.node_key, node.identity, node.entries[:at]).grow(12 - at)


def test_a_fork_below_what_is_stored_is_found_by_the_root() -> None:
    node = scribe()
    with pytest.raises(Fork):
        take_all(receiver(node, stored=6, offered=12), forked(node, 4).frames(6))


def test_a_fork_within_what_was_staged_starts_again_once() -> None:
    node = scribe()
    clone = forked(node, 4)
    with pytest.raises(StartAgain):
        take_all(receiver(node, stored=3, staged=6, offered=12), clone.frames(6))
    assert take_all(receiver(node, stored=3, offered=12), clone.frames(3))


def test_staged_entries_need_no_more_than_their_checkpoint() -> None:
    node = scribe()
    judge = receiver(node, stored=3, staged=8)
    judge.take(Hello(node.journal, 8))
    assert judge.state is State.OPEN
    assert judge.take(frames.Checkpoint(node.note())) == Accept(node.note(), node.edge(8))


def test_the_tree_must_pass_through_what_was_countersigned_and_lost() -> None:
    node = scribe()
    assert take_all(receiver(node, stored=3, floor=6), node.frames(3))
    clone = forked(node, 5)
    judge = Receiver(
        node.journal,
        node.signer.verifier,
        offered=12,
        stored=3,
        frontier=node.edge(3),
        floor=node.checkpoint(7),
    )
    with pytest.raises(Fork):
        take_all(judge, clone.frames(3))


def test_nothing_smaller_than_what_was_countersigned_is_accepted() -> None:
    node = scribe()
    judge = receiver(node, stored=3, offered=5, floor=6)
    with pytest.raises(Rollback):
        take_all(judge, [Hello(node.journal, 5), *node.frames(3, 5)[1:]])


def offer(node: Scribe, offered: Checkpoint, stored: int, cosigned: Checkpoint | None = None) -> Checkpoint | None:
    held = node.checkpoint(stored) if stored else None
    return judge_offer(offered, held, cosigned, lambda size: node.edge(size).root())


def test_an_offer_that_goes_on_is_good() -> None:
    node = scribe()
    assert offer(node, node.checkpoint(8), 0) is None
    assert offer(node, node.checkpoint(8), 5, node.checkpoint(3)) is None
    assert offer(node, node.checkpoint(5), 5, node.checkpoint(5)) is None


def test_an_offer_below_what_is_stored_is_an_older_copy() -> None:
    node = scribe()
    with pytest.raises(Rollback, match="older copy"):
        offer(node, node.checkpoint(4), 5)


def test_an_offer_of_the_same_size_and_another_root_is_a_fork() -> None:
    node = scribe()
    with pytest.raises(Fork):
        offer(node, forked(node, 4).checkpoint(6), 6)


def test_a_cosignature_over_another_history_is_a_fork() -> None:
    node = scribe()
    with pytest.raises(Fork):
        offer(node, node.checkpoint(8), 6, forked(node, 2).checkpoint(5))
    with pytest.raises(Fork):
        offer(node, node.checkpoint(8), 6, forked(node, 2).checkpoint(8))


def test_a_cosignature_over_more_than_is_stored_becomes_the_floor() -> None:
    node = scribe()
    assert offer(node, node.checkpoint(8), 4, node.checkpoint(6)) == node.checkpoint(6)
    with pytest.raises(Rollback):
        offer(node, node.checkpoint(5), 4, node.checkpoint(6))


def test_a_missing_body_is_owed_unless_a_later_entry_erases_its_subject() -> None:
    assert bodies_owed({"a": 3, "b": 5, "-": 2}, {"a": 4, "b": 5}) == {"b", "-"}
    assert not bodies_owed({"a": 3}, {"a": 9})
    assert not bodies_owed({}, {"a": 9})


class Reader:
    """Gives a sender what it needs from a scribe, as an agent does from a store."""

    def __init__(self, node: Scribe, blobs: dict[BlobDigest, bytes]) -> None:
        self.node = node
        self.blobs = blobs

    def frames(self, sender: Sender) -> list[Frame]:
        parts: list[Frame] = [sender.opening()]
        while (need := sender.need()) is not None:
            if isinstance(need, ReadEntries):
                size = len(self.node.entries)
                page = self.node.entries[need.start : need.start + need.limit]
                parts += sender.entries(page, size, self.node.note())
            elif need.digest in self.blobs:
                data = self.blobs[need.digest]
                parts.append(sender.piece(len(data), data[need.offset : need.offset + need.limit]))
            else:
                sender.missing()
        return [*parts, End()]


class Mirror:
    """Keeps what a receiver says, in memory."""

    def __init__(self, node: Scribe) -> None:
        self.node = node
        self.stored: list[Entry] = []
        self.staged: list[Entry] = []
        self.blobs: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.entries_received = 0

    @property
    def state(self) -> CentralState:
        named = {digest for entry in self.stored for digest in entry.header.blobs}
        lacking = [each for each in sorted(named) if len(self.blobs.get(each, b"")) != self.sizes.get(each, -1)]
        wanted = tuple(Wanted(BlobDigest(each), len(self.blobs.get(each, b""))) for each in lacking)
        return CentralState(len(self.stored), len(self.stored) + len(self.staged), None, wanted, 0)

    def receiver(self) -> Receiver:
        node = self.node
        held = len(self.stored) + len(self.staged)
        return Receiver(
            node.journal,
            node.signer.verifier,
            offered=len(node.entries),
            stored=len(self.stored),
            frontier=node.edge(held),
        )

    def keep(self, effect: session.Effect | None) -> None:
        match effect:
            case Stage():
                self.entries_received += len(effect.entries)
                self.staged += effect.entries
            case Accept():
                self.stored, self.staged = self.stored + self.staged, []
            case Keep(piece):
                held = self.blobs.get(piece.digest, b"")
                assert piece.offset <= len(held)
                self.blobs[piece.digest] = held + piece.data[len(held) - piece.offset :]
                self.sizes[piece.digest] = piece.size
            case None:
                pass


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_a_stream_that_is_cut_anywhere_and_again_still_arrives_once(data: st.DataObject) -> None:
    node = scribe(2)
    contents = data.draw(st.lists(st.integers(1, 100_000), max_size=3))
    blobs = {BlobDigest(f"{place:064x}"): os.urandom(size) for place, size in enumerate(contents)}
    for digest in blobs:
        node.grow(data.draw(st.integers(0, 120)))
        node.write(blobs=(digest,))
    mirror = Mirror(node)
    for turn in range(12):
        sender = Sender(node.journal, mirror.state, len(node.entries), budget=40_000)
        raw = frames.PREFIX + b"".join(map(frames.encode, Reader(node, blobs).frames(sender)))
        # The first streams are cut; then come whole ones until nothing is left.
        cut = len(raw) * data.draw(st.integers(0, 1000)) // 1000 if turn < 4 else len(raw)
        judge, decoder = mirror.receiver(), frames.Decoder()
        for frame in decoder.feed(raw[:cut]):
            mirror.keep(judge.take(frame))
    assert mirror.stored == node.entries
    assert mirror.entries_received == len(node.entries)
    assert mirror.blobs == blobs


def test_a_sender_with_nothing_new_sends_nothing() -> None:
    node = scribe()
    sender = Sender(node.journal, CentralState(8, 8, None, (), 0), 8)
    assert sender.need() is None


def test_a_sender_resumes_behind_what_is_staged_and_covers_it() -> None:
    node = scribe()
    sender = Sender(node.journal, CentralState(2, 8, None, (), 0), 8)
    assert sender.need() == ReadEntries(8, frames.MAX_BATCH_ENTRIES)
    assert sender.entries([], 8, node.note()) == [frames.Checkpoint(node.note())]
    assert sender.need() is None


def test_entries_that_were_committed_meanwhile_are_sent_before_the_checkpoint() -> None:
    node = scribe()
    sender = Sender(node.journal, CentralState(0, 0, None, (), 0), 8)
    first = sender.entries(node.entries[:5], 9, b"not yet")
    assert [type(each) for each in first] == [Entries]
    node.write()
    rest = sender.entries(node.entries[5:], 9, node.note())
    assert [type(each) for each in rest] == [Entries, frames.Checkpoint]
    judge = receiver(node, offered=8)
    assert take_all(judge, [sender.opening(), *first, *rest, End()])[-1] == Accept(node.note(), node.edge(9))


def test_blobs_that_central_asked_for_go_before_those_of_new_entries_and_each_once() -> None:
    node = scribe(1)
    asked, fresh = BlobDigest("1" * 64), BlobDigest("2" * 64)
    node.write(blobs=(fresh, asked))
    sender = Sender(node.journal, CentralState(1, 1, None, (Wanted(asked, 7),), 0), 2)
    sender.entries(node.entries[1:], 2, node.note())
    assert sender.need() == ReadPiece(asked, 7, frames.MAX_PIECE)
    assert sender.piece(10, b"789") == BlobPiece(asked, 10, 7, b"789")
    assert sender.need() == ReadPiece(fresh, 0, frames.MAX_PIECE)
    sender.missing()
    assert sender.need() is None


def test_new_entries_overtake_a_blob_that_is_on_its_way() -> None:
    node = scribe()
    sender = Sender(node.journal, CentralState(8, 8, None, (Wanted(DIGEST, 0),), 0), 8)
    parts: list[Frame] = [sender.opening(), sender.piece(10, b"01234")]
    node.write()
    sender.grown(9)
    assert sender.need() == ReadEntries(8, frames.MAX_BATCH_ENTRIES)
    parts += sender.entries(node.entries[8:], 9, node.note())
    assert sender.need() == ReadPiece(DIGEST, 5, frames.MAX_PIECE)
    parts += [sender.piece(10, b"56789"), frames.Pulse()]
    assert sender.need() is None
    judge = receiver(node, stored=8, offered=8)
    kinds = [type(effect) for effect in take_all(judge, [*parts, End()])]
    assert kinds == [Keep, Stage, Accept, Keep]


def test_the_most_urgent_blob_goes_first_and_the_one_begun_goes_on_where_it_was() -> None:
    node = scribe(1)
    urgent, dull = BlobDigest("1" * 64), BlobDigest("2" * 64)
    sender = Sender(node.journal, CentralState(1, 1, None, (Wanted(dull, 3),), 0), 1, rank=lambda each: each != urgent)
    assert sender.piece(9, b"345") == BlobPiece(dull, 9, 3, b"345")
    node.write(blobs=(urgent,))
    sender.grown(2)
    sender.entries(node.entries[1:], 2, node.note())
    assert sender.piece(2, b"ab") == BlobPiece(urgent, 2, 0, b"ab")
    assert sender.need() == ReadPiece(dull, 6, frames.MAX_PIECE)


def test_what_central_asks_for_in_mid_stream_is_sent_once() -> None:
    sender = Sender(scribe().journal, CentralState(8, 8, None, (), 0), 8)
    assert sender.need() is None
    sender.heard([Wanted(DIGEST, 4)])
    sender.piece(5, b"4")
    sender.heard([Wanted(DIGEST, 5)])
    assert sender.need() is None


def test_a_stream_ends_after_its_budget_of_blobs_so_that_an_answer_comes() -> None:
    sender = Sender(scribe().journal, CentralState(8, 8, None, (Wanted(DIGEST, 0),), 0), 8, budget=10)
    sender.piece(100, b"x" * 10)
    assert sender.need() is None


def test_a_refusal_says_what_happened_and_what_to_do() -> None:
    node = scribe()
    with pytest.raises(SanadError) as caught:
        offer(node, node.checkpoint(4), 5)
    assert caught.value.next_step
