"""Central's archive: the nodes' journals and blobs, stored before they are acknowledged, acknowledged once.

What a stream brings is judged by `sync.session.Receiver`; this module stores what it says to store:

 1. `Stage`: entries are kept beside the journal, invisible, and a broken stream resumes behind them.
 2. `Accept`: in one transaction the staged entries become the journal, the head becomes the node's checkpoint, bodies
    of erased subjects go, and the blobs that are now named are wanted.
 3. When that is durable, central countersigns the checkpoint, and stores the cosignature. If it dies between the two,
    the next session finds a head that is not countersigned yet and does it then. One size is countersigned once.
 4. `Keep`: pieces of blobs that a visible entry of this node names, and that are still wanted.

Each step first sees that the archive still is as the stream took it to be; two streams of one node cannot mix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from appliance.journal.checkpoint import Checkpoint, cosign, open_checkpoint, open_cosignature
from appliance.journal.entry import Entry
from appliance.journal.ids import NOBODY, BlobDigest, JournalId, orders_of
from appliance.journal.kinds import SubjectErased
from appliance.journal.notes import Signer
from appliance.journal.tree import HASH_BYTES, Frontier, leaf_hash, root_at
from appliance.records import tables as log_tables
from appliance.records.database import Database, Halt, Tx
from appliance.records.failures import StorageFailed
from appliance.records.log import Log
from appliance.records.moment import Clock
from sync.central import quarantine, registry
from sync.central import tables as t
from sync.central.locker import Locker, NoSuchBlob, Outcome
from sync.central.registry import Node
from sync.frames import BlobPiece
from sync.refusals import BlobLost, BodiesOwed, TakenOver, UnknownBlob
from sync.session import (
    MAX_WANTED,
    Accept,
    CentralState,
    Effect,
    Keep,
    Receiver,
    Stage,
    Wanted,
    bodies_owed,
    judge_offer,
)


def _of_journal(table: sa.Table) -> sa.ColumnElement[bool]:
    return table.c.journal == bindparam("journal")


_STAGING = select(t.staging.c.size, t.staging.c.peaks).where(_of_journal(t.staging))
_ADD_STAGING = sa.insert(t.staging)
_ADD_STAGED = sa.insert(t.staged)
_DROPS: Final = tuple(sa.delete(table).where(_of_journal(table)) for table in (t.staging, t.staged))
_STAGED_BEFORE = (
    select(t.staged.c.header).where(_of_journal(t.staged), t.staged.c.seq < bindparam("size")).order_by(t.staged.c.seq)
)
_CUT = sa.delete(t.staged).where(t.staged.c.journal == bindparam("k_journal"), t.staged.c.seq >= bindparam("size"))
_BARE = (
    select(t.staged.c.about, sa.func.max(t.staged.c.seq))
    .where(_of_journal(t.staged), t.staged.c.body.is_(None))
    .group_by(t.staged.c.about)
)
_ERASING = (
    select(t.staged.c.about, sa.func.max(t.staged.c.seq))
    .where(_of_journal(t.staged), t.staged.c.erases == 1)
    .group_by(t.staged.c.about)
)
_SHOW = sa.insert(log_tables.entries).from_select(
    [column.name for column in log_tables.entries.c],
    select(*(t.staged.c[column.name] for column in log_tables.entries.c)).where(_of_journal(t.staged)),
)
_TELLING = (
    select(t.staged.c.seq, t.staged.c.about, t.staged.c.blobs, t.staged.c.erases)
    .where(_of_journal(t.staged), sa.or_(t.staged.c.blobs != "", t.staged.c.erases == 1))
    .order_by(t.staged.c.seq)
)

_IS_FORGOTTEN = select(t.forgotten.c.about).where(_of_journal(t.forgotten), t.forgotten.c.about == bindparam("about"))
_FORGET = insert(t.forgotten).on_conflict_do_nothing()
_NAMED_ABOUT = select(t.named.c.digest).where(_of_journal(t.named), t.named.c.about == bindparam("about"))
_NAMES = select(t.named.c.digest).where(_of_journal(t.named), t.named.c.digest == bindparam("digest")).limit(1)
_STILL_NAMED = (
    select(t.named.c.digest)
    .outerjoin(t.forgotten, sa.and_(t.forgotten.c.journal == t.named.c.journal, t.forgotten.c.about == t.named.c.about))
    .where(t.named.c.digest == bindparam("digest"), t.forgotten.c.about.is_(None))
    .limit(1)
)
_NAMES_STILL = (
    select(t.named.c.digest)
    .outerjoin(t.forgotten, sa.and_(t.forgotten.c.journal == t.named.c.journal, t.forgotten.c.about == t.named.c.about))
    .where(_of_journal(t.named), t.named.c.digest == bindparam("digest"), t.forgotten.c.about.is_(None))
    .limit(1)
)
_NAME = insert(t.named).on_conflict_do_nothing()
_WANT = insert(t.wanted).on_conflict_do_nothing()
_WANTED = (
    select(t.wanted.c.digest)
    .where(_of_journal(t.wanted))
    .order_by(t.wanted.c.seq, t.wanted.c.digest)
    .limit(MAX_WANTED)
    .offset(bindparam("passed"))
)
_IS_WANTED = select(t.wanted.c.digest).where(t.wanted.c.digest == bindparam("digest")).limit(1)
_ALL_WANTED = select(t.wanted.c.digest).distinct()
_WANT_NO_MORE = sa.delete(t.wanted).where(t.wanted.c.digest == bindparam("digest"))
_DOOM = insert(t.doomed).on_conflict_do_nothing()
_DOOMED = select(t.doomed.c.digest)
_BURIED = sa.delete(t.doomed).where(t.doomed.c.digest == bindparam("digest"))


def no_fault(_journal: JournalId) -> None:
    """What happens between storing and countersigning: nothing. A fault test stops here."""


class Archive:
    """The archive of one central, for several threads.

    Args:
        database: with the tables of the entry log and of `sync.central.tables`.
        locker: where the blobs lie.
        cosigner: central's key for cosignatures.
        clock: what time it is.
        halt: called, and never returns, when the disk failed under a blob: its bytes are in doubt from then on.
        stored: called with the journal when its new head is durable, before it is countersigned.
    """

    def __init__(
        self,
        database: Database,
        locker: Locker,
        cosigner: Signer,
        *,
        clock: Clock,
        halt: Halt,
        stored: Callable[[JournalId], None] = no_fault,
    ) -> None:
        self._database = database
        self._locker = locker
        self._cosigner = cosigner
        self._clock = clock
        self._halt = halt
        self._stored = stored

    # A session

    def offer(
        self, node: Node, offered: Checkpoint, cosigned: bytes | None, *, keep_staged: bool = False
    ) -> CentralState:
        """Open a session: hold what the node offers against what is here.

        Args:
            node: who asks.
            offered: its newest checkpoint, its signature verified.
            cosigned: the newest note of it that it holds central's cosignature of.
            keep_staged: whether what is staged stays, also beyond what is offered: what comes is no stream of its own.

        Raises:
            Fork, Rollback: see `judge_offer`. BadCheckpoint: the cosigned note is not what it must be.
        """
        shown: Checkpoint | None = None
        if cosigned is not None:
            shown = open_checkpoint(cosigned, node.verifier)
            open_cosignature(cosigned, self._cosigner.verifier)
        known = self._floor(node)
        if known is not None and (shown is None or shown.size < known.size):
            cosigned, shown = node.floor, known
        with self._database.read() as tx:
            log = Log(tx, node.journal)
            head = log.head()
            held = None if head is None else Checkpoint(offered.origin, head.size, head.root)
            floor = judge_offer(offered, held, shown, lambda size: root_at(size, log.read_node))
            staged = self._edge(tx, log).size
        raised = floor is not None and cosigned is not None and cosigned != node.floor
        outgrown = staged > offered.size and not keep_staged
        if raised or outgrown:
            with self._database.write() as tx:
                self._drop(tx, node.journal)
                if raised and cosigned is not None:
                    registry.set_floor(tx, node.journal, cosigned)
        self.countersign(node.journal)
        return self.state(node.journal)

    def state(self, journal: JournalId, passed: int = 0) -> CentralState:
        """Where central's copy of a node stands now.

        Args:
            journal: the node's.
            passed: so many first ones of the wanted blobs are not named.
        """
        while True:
            with self._database.read() as tx:
                log = Log(tx, journal)
                head = log.head()
                staged = self._edge(tx, log).size
                digests = list(
                    dict.fromkeys(BlobDigest(row[0]) for row in tx.all(_WANTED, {"journal": journal, "passed": passed}))
                )
                orders = Log(tx, orders_of(journal)).head()
            arrived = [digest for digest in digests if self._locker.holds(digest)]
            if not arrived:
                break
            # Central died when the file was whole, or another node sent the same.
            with self._database.write() as tx:
                tx.many(_WANT_NO_MORE, [{"digest": digest} for digest in arrived])
        return CentralState(
            stored=0 if head is None else head.size,
            staged=staged,
            cosigned=None if head is None else head.cosigned,
            wanted=tuple(Wanted(digest, self._locker.offset(digest)) for digest in digests),
            orders=0 if orders is None else orders.size,
        )

    def receiver(self, node: Node, offered: int, *, behind_staged: bool = True) -> Receiver:
        """What judges a stream of this node, from where its last one ended.

        Args:
            node: whose it is.
            offered: the size that it offers.
            behind_staged: whether it goes on behind what is staged; else it brings nothing but sealed files.
        """
        with self._database.read() as tx:
            log = Log(tx, node.journal)
            head = log.head()
            edge = self._edge(tx, log) if behind_staged else log.frontier()
        size = 0 if head is None else head.size
        floor = self._floor(node)
        if floor is not None and floor.size <= size:
            floor = None
        return Receiver(node.journal, node.verifier, offered=offered, stored=size, frontier=edge, floor=floor)

    def store(self, journal: JournalId, effect: Effect) -> Outcome:
        """Do what the receiver said; durable when this returns, except for a blob that is not whole yet.

        Raises:
            Quarantined: the node is in quarantine since its stream began.
            TakenOver: another stream of this node went on meanwhile. BodiesOwed, UnknownBlob: see `sync.session`.
            StorageFull, StorageReadOnly, StorageFailed: nothing was stored, and nothing is acknowledged.
        """
        match effect:
            case Stage():
                self._stage(journal, effect)
            case Accept():
                erased = self._accept(journal, effect)
                self._stored(journal)
                self.countersign(journal)
                if erased:
                    self.bury()
            case Keep():
                return self._keep(journal, effect.piece)
        return Outcome.WHOLE

    def drop_staged(self, journal: JournalId) -> None:
        """Forget what was staged: it does not fit."""
        with self._database.write() as tx:
            self._drop(tx, journal)

    def cut_staged(self, journal: JournalId, size: int) -> None:
        """Forget what was staged from `size` on: it comes again, under a checkpoint that ends earlier."""
        with self._database.write() as tx:
            log = Log(tx, journal)
            if size >= self._edge(tx, log).size:
                return
            frontier = log.frontier()
            for (header,) in tx.all(_STAGED_BEFORE, {"journal": journal, "size": size}):
                frontier, _ = frontier.append(leaf_hash(header))
            tx.run(_CUT, {"k_journal": journal, "size": size})
            self._set_edge(tx, journal, frontier)

    def countersign(self, journal: JournalId) -> None:
        """Countersign the head, if it is not yet. Everything under it is durable and no body is owed.

        Nothing below a size that was countersigned before is countersigned again (a restored backup, rule 5).
        """
        with self._database.read() as tx:
            head = Log(tx, journal).head()
            floor = self._floor(registry.require_node(tx, journal))
        if head is None or head.cosigned_size == head.size or (floor is not None and head.size < floor.size):
            return
        note = cosign(head.checkpoint, self._cosigner, int(self._clock().timestamp()))
        with self._database.write() as tx:
            log = Log(tx, journal)
            now = log.head()
            if now is not None and now.cosigned_size < head.size:
                log.set_cosigned(head.size, note)

    def sealed(self, journal: JournalId, digest: BlobDigest) -> tuple[BinaryIO, int]:
        """A sealed file that entries of this node name, for the node to keep it again, open; and its size in bytes.

        Raises:
            UnknownBlob: none does, or only about who was erased. BlobLost: it is not here, or damaged.
        """
        with self._database.read() as tx:
            if tx.one(_NAMES_STILL, {"journal": journal, "digest": digest}) is None:
                raise UnknownBlob("No entry of this node names that sealed file.", "Check the digest.")
        try:
            return self._locker.open(digest)
        except NoSuchBlob:
            raise BlobLost(
                f"Central does not hold the sealed file {digest[:12]}….",
                "Ask central IT to bring it back from a backup: `sanad central backup lost`.",
            ) from None

    # Starting

    def tidy(self) -> None:
        """What a start after a crash needs: files that an erasing doomed go, and pieces that nobody wants."""
        self.bury()
        with self._database.read() as tx:
            wanted = {row[0] for row in tx.all(_ALL_WANTED)}
        self._locker.remove([digest for digest in self._locker.parts() if digest not in wanted])

    def bury(self) -> None:
        """Delete the files of blobs that only erased subjects named, and what the database's log still holds."""
        # The files go while nobody else can accept an entry that names one of them again.
        with self._database.write() as tx:
            doomed = [BlobDigest(row[0]) for row in tx.all(_DOOMED)]
            self._locker.remove([each for each in doomed if tx.one(_STILL_NAMED, {"digest": each}) is None])
            tx.many(_BURIED, [{"digest": digest} for digest in doomed])
        self._database.checkpoint()

    # Steps

    def _stage(self, journal: JournalId, effect: Stage) -> None:
        rows, frontier = _staged_rows(effect.start, effect.entries)
        with self._database.write() as tx:
            log = Log(tx, journal)
            self._expect(tx, log, effect.start)
            tx.many(_ADD_STAGED, rows)
            self._set_edge(tx, journal, frontier)

    def _accept(self, journal: JournalId, effect: Accept) -> bool:
        """Make the staged entries the journal; answers whether one of them erases a subject."""
        key = {"journal": journal}
        with self._database.write() as tx:
            quarantine.refuse_quarantined(tx, journal)
            log = Log(tx, journal)
            self._expect(tx, log, effect.frontier)
            owed = bodies_owed(dict(tx.all(_BARE, key)), dict(tx.all(_ERASING, key)))
            if owed:
                raise BodiesOwed(f"The bodies of entries about {len(owed)} subjects are missing.", "Call central IT.")
            telling = tx.all(_TELLING, key)
            tx.run(_SHOW, key)
            self._drop(tx, journal)
            log.set_head(effect.frontier, effect.note)
            for seq, about, blobs, erases in telling:
                if erases:
                    self._erase(tx, log, about, seq)
                elif blobs and tx.one(_IS_FORGOTTEN, {**key, "about": about}) is None:
                    self._name(tx, journal, seq, about, blobs.split(" "))
        return any(erases for *_, erases in telling)

    def _name(self, tx: Tx, journal: JournalId, seq: int, about: str, digests: Sequence[str]) -> None:
        for digest in digests:
            tx.run(_NAME, {"journal": journal, "digest": digest, "about": about})
            if not self._locker.holds(BlobDigest(digest)):
                tx.run(_WANT, {"journal": journal, "seq": seq, "digest": digest})

    def _erase(self, tx: Tx, log: Log, about: str, seq: int) -> None:
        log.erase(about, seq)
        tx.run(_FORGET, {"journal": log.journal, "about": about})
        for (digest,) in tx.all(_NAMED_ABOUT, {"journal": log.journal, "about": about}):
            if tx.one(_STILL_NAMED, {"digest": digest}) is None:
                tx.run(_WANT_NO_MORE, {"digest": digest})
                tx.run(_DOOM, {"digest": digest})

    def _add(self, piece: BlobPiece) -> Outcome:
        try:
            return self._locker.add(piece)
        except StorageFailed as error:
            self._halt(error)
            raise

    def _keep(self, journal: JournalId, piece: BlobPiece) -> Outcome:
        with self._database.read() as tx:
            known = tx.one(_NAMES, {"journal": journal, "digest": piece.digest}) is not None
            wanted = tx.one(_IS_WANTED, {"digest": piece.digest}) is not None
        if not known:
            raise UnknownBlob("A blob came that no entry of this node names.", "Call central IT.")
        if not wanted:
            # It is here already, or its subject was erased while it was on its way.
            return Outcome.WHOLE
        outcome = self._add(piece)
        if outcome is Outcome.WHOLE:
            with self._database.write() as tx:
                tx.run(_WANT_NO_MORE, {"digest": piece.digest})
                if tx.one(_STILL_NAMED, {"digest": piece.digest}) is None:
                    self._locker.remove([BlobDigest(piece.digest)])
        return outcome

    def _floor(self, node: Node) -> Checkpoint | None:
        return None if node.floor is None else open_checkpoint(node.floor, node.verifier)

    def _edge(self, tx: Tx, log: Log) -> Frontier:
        """The right edge over all that is stored and staged."""
        row = tx.one(_STAGING, {"journal": log.journal})
        if row is None:
            return log.frontier()
        size, peaks = row
        return Frontier(size, tuple(peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)))

    def _set_edge(self, tx: Tx, journal: JournalId, edge: Frontier) -> None:
        tx.run(_DROPS[0], {"journal": journal})
        tx.run(_ADD_STAGING, {"journal": journal, "size": edge.size, "peaks": b"".join(edge.peaks)})

    def _expect(self, tx: Tx, log: Log, edge: Frontier) -> None:
        if self._edge(tx, log) != edge:
            raise TakenOver("A newer session of this node has begun.", "The node tries again by itself.")

    def _drop(self, tx: Tx, journal: JournalId) -> None:
        for drop in _DROPS:
            tx.run(drop, {"journal": journal})


def _staged_rows(frontier: Frontier, entries: Sequence[Entry]) -> tuple[list[dict[str, object]], Frontier]:
    rows: list[dict[str, object]] = []
    for entry in entries:
        frontier, nodes = frontier.append(entry.leaf)
        header = entry.header
        rows.append(
            {
                "journal": header.journal,
                "seq": header.seq,
                "about": header.about,
                "header": entry.header_bytes,
                "salt": entry.salt,
                "body": entry.body,
                "nodes": nodes,
                "erases": int(header.kind == SubjectErased.KIND and header.about != NOBODY),
                "blobs": " ".join(header.blobs),
            }
        )
    return rows, frontier
