"""Central's archive against honest, broken and malicious streams: real databases, no network between."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from sqlcipher3 import dbapi2

from appliance.journal.checkpoint import BadCheckpoint, Checkpoint, open_checkpoint, open_cosignature, sign_checkpoint
from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError, SanadError
from appliance.journal.ids import BlobDigest, EntityId, JournalId, entity_id
from appliance.journal.kinds import OrdersApplied
from appliance.records import folding, tables
from appliance.records.database import Database
from appliance.records.failures import StorageFull
from appliance.records.log import Log
from appliance.sealing import age
from sync import frames
from sync.central import archive as archive_module
from sync.central.central import Central
from sync.central.ingest import Ingest
from sync.central.locker import NoSuchBlob
from sync.central.registry import Node, find_node
from sync.central.sessions import NodeSession
from sync.frames import BadFrame, BlobPiece, Entries, Frame, Hello
from sync.refusals import BodiesOwed, Fork, OutOfStep, Rollback, StartAgain, TakenOver, UnknownBlob
from sync.session import CentralState, ReadPiece, Sender, Wanted
from tests.support.centrals import CENTRE, Scribe, new_central, open_central, pieces, stream
from tests.support.nodes import Halted


class Desk:
    """A central that a test talks to as the routes do, and a scribe that is enrolled there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.central = new_central(home)
        self.scribe = Scribe()
        self.scribe.opens()
        self.enrol(self.scribe)

    def enrol(self, scribe: Scribe) -> None:
        self.central.enrol(msgspec.json.encode(scribe.request(self.central.invite(*CENTRE))))

    def node(self, journal: JournalId | None = None) -> Node:
        with self.central._archive_db.read() as tx:
            node = find_node(tx, journal or self.scribe.journal)
        assert node is not None
        return node

    def reopen(self, stored: Callable[[JournalId], None] = archive_module.no_fault) -> None:
        self.central.close()
        self.central = open_central(self.home, stored=stored)

    def put_back_after(self, scribe: Scribe) -> bytes | None:
        """Put central back to the backup of just now, after it took five more entries; answers the lost cosignature."""
        self.central.close()
        backup = {file.name: file.read_bytes() for file in self.home.glob("*.db*")}
        self.central = open_central(self.home)
        self.send_from(5, scribe=scribe)
        lost = self.state.cosigned
        self.central.close()
        for name, data in backup.items():
            (self.home / name).write_bytes(data)
        self.central = open_central(self.home)
        return lost

    def offer(
        self, scribe: Scribe | None = None, cosigned: bytes | None = None, size: int | None = None
    ) -> CentralState:
        scribe = scribe or self.scribe
        return self.central.archive.offer(self.node(scribe.journal), scribe.checkpoint(size), cosigned)

    def ingest(self, scribe: Scribe | None = None, offered: int | None = None) -> Ingest:
        scribe = scribe or self.scribe
        offered = len(scribe.entries) if offered is None else offered
        session = NodeSession("in memory", frames.VERSION)
        soon = self.central.index.soon
        return Ingest(self.central.archive, self.node(scribe.journal), offered, soon, session, lambda: None)

    def send(self, data: bytes, scribe: Scribe | None = None) -> CentralState:
        """Offer, and send these bytes."""
        self.offer(scribe)
        ingest = self.ingest(scribe)
        ingest.feed(data)
        return ingest.finish()

    def send_from(self, start: int, *more: Frame, scribe: Scribe | None = None) -> CentralState:
        return self.send(stream([*(scribe or self.scribe).frames(start), *more]), scribe)

    @property
    def state(self) -> CentralState:
        return self.central.archive.state(self.scribe.journal)

    def held(self, scribe: Scribe | None = None) -> list[Entry]:
        """What anybody can read of the journal at central."""
        with self.central._archive_db.read() as tx:
            log = Log(tx, (scribe or self.scribe).journal)
            head = log.head()
            assert head is not None
            assert log.count() == head.size
            assert log.frontier().root() == head.root
            return list(log.entries(0, head.size))

    def cosigned(self) -> Checkpoint:
        note = self.state.cosigned
        assert note is not None
        open_cosignature(note, self.central.cosigner)
        return open_checkpoint(note, self.scribe.signer.verifier)

    def files(self) -> set[str]:
        return {
            file.name for folder in ("blobs", "incoming") for file in (self.home / folder).rglob("*") if file.is_file()
        }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "central")
    yield made
    made.central.close()


def test_what_was_sent_is_held_once_and_countersigned(desk: Desk) -> None:
    state = desk.send(stream(desk.scribe.grow(1500).frames(1)))
    assert (state.stored, state.staged) == (1501, 1501)
    assert desk.held() == desk.scribe.entries
    assert desk.cosigned() == desk.scribe.checkpoint()


def test_nothing_is_visible_or_countersigned_before_its_checkpoint(desk: Desk) -> None:
    desk.scribe.grow(5)
    desk.offer()
    desk.ingest().feed(stream(desk.scribe.frames(1, note=False), end=False))
    assert (desk.state.stored, desk.state.staged) == (1, 6)
    assert desk.held() == desk.scribe.entries[:1]
    assert desk.cosigned().size == 1


def test_a_broken_stream_resumes_behind_what_was_staged_also_after_a_restart(desk: Desk) -> None:
    desk.scribe.grow(9)
    whole = desk.scribe.frames(1)
    desk.offer()
    desk.ingest().feed(stream([whole[0], *desk.scribe.frames(1, 4)[1:-1]], end=False))
    desk.reopen()
    assert desk.offer().staged == 4
    assert desk.send_from(4).stored == 10
    assert desk.held() == desk.scribe.entries


def test_entries_that_were_staged_are_not_taken_twice(desk: Desk) -> None:
    desk.scribe.grow(9)
    desk.offer()
    ingest = desk.ingest()
    ingest.feed(stream([desk.scribe.frames(1)[0], *desk.scribe.frames(1, 4)[1:-1]], end=False))
    with pytest.raises(OutOfStep):
        desk.send_from(1)
    assert desk.state.staged == 4


def forked(scribe: Scribe, at: int, count: int) -> Scribe:
    """The same keys on another history from `at` on: a cloned box."""
    return Scribe(scribe.seed, scribe.node_key, scribe.identity, scribe.entries[:at]).grow(count)


def test_a_clone_that_went_another_way_is_refused_and_nothing_of_it_stays(desk: Desk) -> None:
    desk.send_from(1, scribe=desk.scribe.grow(9))
    before = desk.held()
    clone = forked(desk.scribe, 6, 20)
    with pytest.raises(Fork):
        desk.send_from(10, scribe=clone)
    assert desk.held() == before
    assert desk.state.staged == 10
    assert desk.cosigned() == desk.scribe.checkpoint()
    assert desk.send_from(10, scribe=desk.scribe.grow(3)).stored == 13


def test_a_clone_of_the_same_size_is_refused_at_once(desk: Desk) -> None:
    desk.send_from(1, scribe=desk.scribe.grow(9))
    with pytest.raises(Fork):
        desk.offer(forked(desk.scribe, 6, 4))


def test_an_older_copy_of_the_node_is_refused(desk: Desk) -> None:
    desk.send_from(1, scribe=desk.scribe.grow(9))
    with pytest.raises(Rollback, match="older copy"):
        desk.offer(size=7)
    assert desk.held() == desk.scribe.entries


def test_what_a_clone_left_staged_is_dropped_once_and_the_node_goes_on(desk: Desk) -> None:
    clone = forked(desk.scribe, 1, 20)
    desk.offer(clone)
    desk.ingest(clone).feed(stream(clone.frames(1, note=False), end=False))
    desk.scribe.grow(30)
    assert desk.offer().staged == 21
    with pytest.raises(StartAgain):
        desk.send_from(21)
    assert desk.offer().staged == 1
    assert desk.send_from(1).stored == 31
    assert desk.held() == desk.scribe.entries


def test_staged_entries_beyond_what_the_node_now_offers_are_dropped(desk: Desk) -> None:
    desk.scribe.grow(9)
    desk.offer()
    desk.ingest().feed(stream(desk.scribe.frames(1, note=False), end=False))
    assert desk.offer(size=5).staged == 1


@pytest.mark.parametrize("place", range(0, 2200, 97))
def test_a_tampered_stream_is_refused_and_nothing_of_it_becomes_visible(desk: Desk, place: int) -> None:
    desk.scribe.grow(4)
    data = bytearray(stream(desk.scribe.frames(1)))
    data[place % len(data)] ^= 0x20
    with pytest.raises(SanadError):
        desk.send(bytes(data))
    assert desk.held() == desk.scribe.entries[:1]
    assert desk.cosigned().size == 1


def test_a_checkpoint_that_is_not_signed_by_the_node_is_refused(desk: Desk) -> None:
    desk.scribe.grow(4)
    other = Scribe().signer
    forged = sign_checkpoint(desk.scribe.checkpoint(), replace(other, name=desk.scribe.signer.name))
    with pytest.raises(BadCheckpoint):
        desk.send(stream([*desk.scribe.frames(1, note=False), frames.Checkpoint(forged)]))
    assert desk.held() == desk.scribe.entries[:1]


def test_a_stream_that_is_cut_before_its_end_keeps_what_was_covered(desk: Desk) -> None:
    desk.scribe.grow(4)
    desk.offer()
    ingest = desk.ingest()
    ingest.feed(stream(desk.scribe.frames(1), end=False))
    with pytest.raises(BadFrame):
        ingest.finish()
    assert desk.held() == desk.scribe.entries
    assert desk.cosigned() == desk.scribe.checkpoint()


class Killed(BaseException):
    """Central dies here."""


def test_central_killed_between_storing_and_countersigning_acknowledges_once_on_return(desk: Desk) -> None:
    def die(_journal: JournalId) -> None:
        raise Killed

    desk.reopen(stored=die)
    desk.scribe.grow(4)
    desk.offer()
    with pytest.raises(Killed):
        desk.ingest().feed(stream(desk.scribe.frames(1)))
    desk.reopen()
    assert desk.state.stored == 5
    assert desk.cosigned().size == 1
    first = desk.offer().cosigned
    assert desk.cosigned() == desk.scribe.checkpoint()
    assert desk.offer().cosigned == first
    assert desk.held() == desk.scribe.entries


def test_a_second_stream_of_the_same_node_cannot_mix_with_the_first(desk: Desk) -> None:
    desk.scribe.grow(9)
    desk.offer()
    first, second = desk.ingest(), desk.ingest()
    first.feed(stream([desk.scribe.frames(1)[0], *desk.scribe.frames(1, 4)[1:-1]], end=False))
    with pytest.raises(TakenOver):
        second.feed(stream(desk.scribe.frames(1), end=False))
    assert desk.state.staged == 4


# Erased bodies


def person() -> EntityId:
    return entity_id(os.urandom(16))


def test_an_entry_without_its_body_is_not_accepted_unless_its_subject_is_erased(desk: Desk) -> None:
    about = person()
    desk.scribe.write(about=about)
    bare = replace(desk.scribe.entries[1], salt=None, body=None)
    items = ((bare.header_bytes, None, None),)
    parts: list[Frame] = [Hello(desk.scribe.journal, 2), Entries(items), frames.Checkpoint(desk.scribe.note())]
    with pytest.raises(BodiesOwed):
        desk.send(stream(parts))
    assert desk.cosigned().size == 1
    assert desk.held() == desk.scribe.entries[:1]
    desk.scribe.erases(about)
    assert desk.send_from(2).stored == 3
    assert desk.cosigned() == desk.scribe.checkpoint()


def test_erasing_takes_the_bodies_and_the_blobs_that_only_that_subject_named(desk: Desk) -> None:
    about, other = person(), person()
    alone, shared = os.urandom(50_000), os.urandom(1000)
    digests = [age.digest_of(alone), age.digest_of(shared)]
    desk.scribe.write(about=about, blobs=tuple(digests))
    desk.scribe.write(about=other, blobs=(digests[1],))
    desk.send_from(1, *pieces(alone), *pieces(shared))
    assert desk.files() == set(digests)
    desk.scribe.erases(about)
    assert desk.send_from(3).wanted == ()
    held = desk.held()
    assert held == desk.scribe.entries
    assert [entry.body is None for entry in held] == [False, True, False, False]
    assert desk.files() == {digests[1]}


def test_a_blob_of_an_erased_subject_is_wanted_no_more_and_not_kept_if_it_still_comes(desk: Desk) -> None:
    about, sealed = person(), os.urandom(80_000)
    digest = age.digest_of(sealed)
    desk.scribe.write(about=about, blobs=(digest,))
    assert desk.send_from(1, *pieces(sealed)[:1]).wanted == (Wanted(digest, frames.MAX_PIECE),)
    desk.scribe.erases(about)
    desk.scribe.write(about=about, blobs=(digest,))
    assert desk.send_from(2, *pieces(sealed)).wanted == ()
    assert desk.files() == set()


def test_a_crash_before_the_files_of_an_erased_subject_went_is_made_good_at_the_start(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    about, sealed = person(), os.urandom(100)
    desk.scribe.write(about=about, blobs=(age.digest_of(sealed),))
    desk.send_from(1, *pieces(sealed))
    desk.scribe.erases(about)

    def die(_self: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(archive_module.Archive, "bury", die)
        with pytest.raises(Killed):
            desk.send_from(2)
    assert desk.files() == {age.digest_of(sealed)}
    desk.reopen()
    assert desk.files() == set()


# Blobs


def test_a_stream_that_is_longer_than_any_is_refused(desk: Desk) -> None:
    data = stream(desk.scribe.grow(2).frames(1))
    session = NodeSession("in memory", frames.VERSION)
    desk.offer()
    ingest = Ingest(
        *(desk.central.archive, desk.node(), 3, desk.central.index.soon, session, lambda: None), limit=len(data)
    )
    ingest.feed(data)
    with pytest.raises(IntegrityError, match="longer than any"):
        ingest.feed(b"\0")


def test_a_blob_grows_over_broken_streams_and_is_visible_when_whole(desk: Desk) -> None:
    sealed = age.seal(os.urandom(100_000), [age.recipient_of(age.new_identity())])
    digest = age.digest_of(sealed)
    desk.scribe.write(blobs=(digest,))
    parts = pieces(sealed)
    assert desk.send_from(1, *parts[:2]).wanted == (Wanted(digest, 2 * frames.MAX_PIECE),)
    with pytest.raises(NoSuchBlob):
        desk.central.fetch(digest)
    desk.reopen()
    assert desk.send(stream([Hello(desk.scribe.journal, 2), *parts[1:]])).wanted == ()
    assert desk.central._locker.read(digest) == sealed


def test_a_blob_that_no_entry_names_is_refused(desk: Desk) -> None:
    with pytest.raises(UnknownBlob):
        desk.send(stream([Hello(desk.scribe.journal, 1), *pieces(b"anything")]))
    assert desk.files() == set()


def test_a_blob_that_only_another_node_names_is_refused(desk: Desk) -> None:
    sealed = os.urandom(100)
    desk.scribe.write(blobs=(age.digest_of(sealed),))
    desk.send_from(1)
    other = Scribe()
    other.opens()
    desk.enrol(other)
    with pytest.raises(UnknownBlob):
        desk.send(stream([Hello(other.journal, 1), *pieces(sealed)]), other)


def test_a_blob_that_two_nodes_name_is_held_once(desk: Desk) -> None:
    sealed = os.urandom(100)
    other = Scribe()
    other.opens()
    desk.enrol(other)
    for node in (desk.scribe, other):
        node.write(blobs=(age.digest_of(sealed),))
        desk.send_from(1, scribe=node)
    desk.send(stream([Hello(other.journal, 2), *pieces(sealed)]), other)
    assert desk.state.wanted == ()


def test_bytes_that_are_not_what_the_digest_names_never_become_a_blob(desk: Desk) -> None:
    sealed = os.urandom(50_000)
    digest = age.digest_of(sealed)
    desk.scribe.write(blobs=(digest,))
    wrong = bytearray(sealed)
    wrong[7] ^= 1
    desk.offer()
    ingest = desk.ingest()
    spoilt = [replace_data(piece, bytes(wrong)) for piece in pieces(sealed)]
    ingest.feed(stream([*desk.scribe.frames(1), *spoilt]))
    state = ingest.finish()
    assert ingest.session.spoilt == {digest: None}
    assert state.wanted == (Wanted(digest, 0),)
    assert desk.files() == set()
    assert desk.send(stream([Hello(desk.scribe.journal, 2), *pieces(sealed)])).wanted == ()


def replace_data(piece: Frame, data: bytes) -> BlobPiece:
    assert isinstance(piece, BlobPiece)
    return BlobPiece(piece.digest, piece.size, piece.offset, data[piece.offset : piece.offset + len(piece.data)])


def test_a_gap_in_a_blob_and_a_blob_that_shrinks_are_out_of_step(desk: Desk) -> None:
    sealed = os.urandom(100_000)
    digest = age.digest_of(sealed)
    desk.scribe.write(blobs=(digest,))
    desk.send_from(1, *pieces(sealed)[:1])
    with pytest.raises(OutOfStep):
        desk.send(stream([Hello(desk.scribe.journal, 2), *pieces(sealed)[2:]]))
    with pytest.raises(OutOfStep):
        desk.send(stream([Hello(desk.scribe.journal, 2), BlobPiece(digest, 10, 0, b"x")]))


def test_a_blob_whose_file_was_whole_when_central_died_is_wanted_no_more(desk: Desk) -> None:
    sealed = os.urandom(100)
    digest = age.digest_of(sealed)
    desk.scribe.write(blobs=(digest,))
    desk.send_from(1)
    desk.central._locker.path(digest).write_bytes(sealed)
    assert desk.state.wanted == ()


def test_pieces_that_nobody_wants_are_removed_at_the_start(desk: Desk) -> None:
    (desk.home / "incoming" / ("ab" * 32 + ".part")).write_bytes(b"left")
    desk.reopen()
    assert desk.files() == set()


def test_a_failed_fsync_of_a_blob_is_fatal_and_the_blob_does_not_show(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = os.urandom(100)
    desk.scribe.write(blobs=(age.digest_of(sealed),))
    desk.send_from(1)

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(Halted):
            desk.send(stream([Hello(desk.scribe.journal, 2), *pieces(sealed)]))
    assert not desk.central._locker.holds(age.digest_of(sealed))


def test_a_blob_whose_last_byte_came_just_before_central_died_is_finished(desk: Desk) -> None:
    sealed = os.urandom(100)
    digest = age.digest_of(sealed)
    desk.scribe.write(blobs=(digest,))
    desk.send_from(1)
    (desk.home / "incoming" / f"{digest}.part").write_bytes(sealed)
    assert desk.offer().wanted == (Wanted(digest, 100),)
    sender = Sender(desk.scribe.journal, desk.state, 2)
    assert sender.need() == ReadPiece(digest, 100, frames.MAX_PIECE)
    piece = sender.piece(100, sealed[99:])
    assert sender.need() is None
    assert desk.send(stream([Hello(desk.scribe.journal, 2), piece])).wanted == ()
    assert desk.central._locker.read(digest) == sealed


# A full disk, restored backups


def test_a_central_with_a_full_disk_refuses_and_acknowledges_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = Database._connect

    def small(self: Database) -> dbapi2.Connection:
        connection = connect(self)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        return connection

    monkeypatch.setattr(Database, "_connect", small)
    desk.reopen()
    desk.scribe.grow(500)
    with pytest.raises(StorageFull):
        desk.send_from(1)
    assert desk.cosigned().size == 1
    assert desk.state.stored == 1
    monkeypatch.undo()
    desk.reopen()
    assert desk.send_from(desk.offer().staged).stored == 501
    assert desk.held() == desk.scribe.entries


def test_a_central_restored_from_a_backup_is_filled_again_and_countersigns_nothing_smaller(
    desk: Desk, tmp_path: Path
) -> None:
    desk.send_from(1, scribe=desk.scribe.grow(4))
    lost = desk.put_back_after(desk.scribe.grow(5))
    assert desk.state.stored == 5
    assert desk.offer(cosigned=lost).stored == 5
    with pytest.raises(Rollback):
        desk.offer(size=8)
    clone = forked(desk.scribe, 7, 9)
    with pytest.raises((Fork, StartAgain)):
        desk.send_from(5, scribe=clone)
    assert desk.cosigned().size == 5
    assert desk.send_from(desk.offer().staged).stored == 10
    assert desk.cosigned() == desk.scribe.checkpoint()


def test_a_restored_central_countersigns_nothing_below_what_it_once_did(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as backup_comes_first:
        backup_comes_first.setattr(archive_module.Archive, "countersign", lambda *_: None)
        desk.send_from(1, scribe=desk.scribe.grow(4))
    lost = desk.put_back_after(desk.scribe.grow(5))
    assert desk.offer(cosigned=lost).stored == 5
    assert desk.cosigned().size == 1
    assert desk.send_from(desk.offer().staged).stored == 10
    assert desk.cosigned().size == 10


def test_a_cosignature_that_central_never_gave_is_refused(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    desk.scribe.grow(3)
    other.scribe = desk.scribe
    other.enrol(desk.scribe)
    other.send_from(1)
    with pytest.raises(BadCheckpoint):
        desk.offer(cosigned=other.state.cosigned)
    other.central.close()


# The index


def test_the_index_follows_and_folds_the_same_after_a_restart(desk: Desk) -> None:
    desk.send_from(1, scribe=desk.scribe.grow(30))
    desk.central.index.settle(30)
    assert position(desk.central, desk.scribe.journal) == 31
    desk.reopen()
    assert position(desk.central, desk.scribe.journal) == 31


def test_the_index_catches_up_at_the_start_with_what_a_crash_kept_from_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(desk.central.index), "soon", lambda *_: None)
    desk.send_from(1, scribe=desk.scribe.grow(30))
    assert position(desk.central, desk.scribe.journal) < 31
    desk.reopen()
    assert position(desk.central, desk.scribe.journal) == 31


def test_a_journal_that_cannot_be_folded_keeps_no_other_from_it_and_central_from_nothing(desk: Desk) -> None:
    other = Scribe()
    other.opens()
    desk.enrol(other)
    desk.scribe.write(OrdersApplied(size=999, root="0" * 64))
    assert desk.send_from(1).stored == 2
    for _ in range(2):
        desk.send_from(len(desk.held(other)), scribe=other.grow(3))
        desk.central.index.settle(30)
        desk.reopen()
    assert position(desk.central, other.journal) == 7
    assert position(desk.central, desk.scribe.journal) < 2


def test_tables_of_another_version_are_folded_again_at_the_start(desk: Desk) -> None:
    desk.send_from(1, scribe=desk.scribe.grow(30))
    desk.central.index.settle(30)
    with desk.central._index_db.write() as tx:
        tx.run(sa.update(tables.stamps).values(version="older"))
        tx.run(sa.delete(tables.timeline))
    desk.reopen()
    assert position(desk.central, desk.scribe.journal) == 31
    with desk.central._index_db.read() as tx:
        assert tx.one(sa.select(sa.func.count()).select_from(tables.timeline)) == (31,)


def position(central: Central, journal: JournalId) -> int:
    with central._index_db.read() as tx:
        stamp = folding.stamped(tx, journal)
    return 0 if stamp is None else stamp[1]


def test_digests_are_checked_before_they_become_a_path(desk: Desk) -> None:
    with pytest.raises(SanadError):
        desk.central.fetch(BlobDigest("../../keys/tls.crt"))
