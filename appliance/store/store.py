"""The store of one node: the one commit, and everything that reads what it wrote.

A commit, in order: blobs are already on the disk; the writers' file lock; BEGIN IMMEDIATE; the act is checked against
the state it meets; entries and tree nodes; the fold; a checkpoint signed by the journal key; COMMIT with
`synchronous=FULL`; and only then anybody is told.

Whoever holds the store key can rewrite what central has not yet countersigned: the journal proves order and integrity,
not truth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.access.session import Session, node_session, see_at_work
from appliance.journal.checkpoint import open_checkpoint, open_cosignature
from appliance.journal.entry import Entry
from appliance.journal.errors import BugError, DeviceError, IntegrityError
from appliance.journal.ids import BlobDigest, EntityId, JournalId, entity_id, orders_of
from appliance.journal.kinds import JournalOpened, NodeStarted
from appliance.journal.notes import Signer, VerifierKey
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database, Halt, Tx
from appliance.records.failures import StorageFailed
from appliance.records.folding import Progress, no_progress
from appliance.records.log import PAGE_ENTRIES, Head, Log
from appliance.records.moment import Clock, at_text
from appliance.sealing import age
from appliance.store import local
from appliance.store import orders as central_orders
from appliance.store.blobs import BlobFolder, BlobFreed, BlobMissing
from appliance.store.commit import Act, Draft, Moment, Pen, erased_by
from appliance.store.footing import Footing, on_disk
from appliance.store.keys import (
    AGE_IDENTITY,
    CENTRE_KEY,
    COSIGNER,
    JOURNAL_KEY,
    LOCKER,
    NODE_KEY,
    ORDERS_SIGNER,
    PEPPER,
    PUBLISHER,
    WITNESS_DUE,
    NodeKeys,
    Randomness,
)
from appliance.store.layout import Layout
from appliance.store.witness import see_contained

__all__ = [
    "AGE_IDENTITY", "CENTRE_KEY", "COSIGNER", "JOURNAL_KEY", "LOCKER", "NODE_KEY", "ORDERS_SIGNER", "PEPPER",
    "PUBLISHER", "Act", "Draft", "Moment", "NodeKeys", "Randomness", "Store",
]  # fmt: skip

_BLOBS: Final = select(t.blobs.c.digest).where(t.blobs.c.journal == bindparam("journal")).distinct()
_IS_NAMED: Final = (
    select(t.blobs.c.digest)
    .where(t.blobs.c.journal == bindparam("journal"), t.blobs.c.digest == bindparam("digest"))
    .limit(1)
)
_FREED: Final = select(t.freed.c.backup).where(
    t.freed.c.journal == bindparam("journal"), t.freed.c.digest == bindparam("digest")
)
_BLOBS_ABOUT: Final = select(t.blobs.c.digest).where(t.where_key(t.blobs))
# What was typed about somebody who was erased goes, too, and with it the rest of that form.
_FORGET_DRAFTS: Final = sa.delete(t.drafts).where(
    sa.or_(t.drafts.c.id == bindparam("erased"), t.drafts.c.content.contains(bindparam("erased")))
)


class Store:
    """An open store. Several processes and threads may have one open; whoever commits waits for the others.

    Args:
        layout: the node's home.
        key: the store key, 32 bytes.
        clock: what time it is; a claim.
        random: a cryptographic source of random bytes.
        halt: called when the disk failed while being written; should it return, the error is raised.
        progress: told (done, total) when tables are folded again.
        synchronous: `FULL`; a fault test lowers it to show what that would lose.
        footing: what to stand on in the place of what lies in the home.

    Raises:
        StoreMissing, StoreUnreadable: there is no store, or this is not its key.
    """

    def __init__(
        self,
        layout: Layout,
        key: bytes,
        *,
        clock: Clock,
        random: Randomness,
        halt: Halt,
        progress: Progress = no_progress,
        synchronous: str = "FULL",
        footing: Footing | None = None,
    ) -> None:
        self.layout = layout
        self._clock = clock
        self._random = random
        self._halt = halt
        footing = footing or on_disk(layout, key, halt=halt, synchronous=synchronous)
        self._database, self._blobs, self._witness = footing.database, footing.blobs, footing.witness
        self._pen = Pen(self.secret(JOURNAL_KEY), random)
        self.journal: JournalId = self._pen.journal
        # What an erasing has still to take from the disk; None where nothing is left to do.
        self._to_remove: Collection[BlobDigest] | None = None
        self._erasing = threading.Lock()
        self._fold_if_outdated(progress)

    @classmethod
    def create(
        cls,
        layout: Layout,
        key: bytes,
        keys: NodeKeys,
        opened: JournalOpened,
        *,
        clock: Clock,
        random: Randomness,
        halt: Halt,
    ) -> Store:
        """Make a store with its first entry in an existing home; a crash leaves the whole of it or none.

        Raises:
            StorageFull, StorageReadOnly: the home can't be written.
        """

        def fill(tx: Tx) -> None:
            local.keep_secrets(tx, keys.secrets())
            Pen(keys.journal, random).write(tx, node_session(), [Draft(opened)], at_text(clock()))

        BlobFolder.create(layout.blobs)
        Database.create(layout.database, key, (t.LOG, t.FOLDED), lock=layout.lock, halt=halt, fill=fill).close()
        return cls(layout, key, clock=clock, random=random, halt=halt)

    # Writing

    def commit(self, session: Session, act: Act, *, beside: Callable[[Tx], None] | None = None) -> list[Entry]:
        """Write what an act says, or nothing.

        Args:
            session: who acts; it is checked again inside the commit.
            act: looks at the state it meets and answers the entries to write, or raises to refuse.
            beside: changes what no journal holds (a draft that was handed in is no draft any more), in the same moment.

        Returns:
            The entries, durable.

        Raises:
            NotPermitted, SessionOver, SameEyes: the session may not. WasErased: a subject was erased before.
            OtherVersion: this process must be started again.
            StorageFull, StorageReadOnly, StorageBusy: nothing was written.
        """
        with self._database.write() as tx:
            at = at_text(self._clock())
            drafts = act(Moment(tx, at))
            if not drafts:
                return []
            self._check_blobs(tx, drafts)
            to_remove = [digest for about in erased_by(drafts) for digest in self._blobs_about(tx, about)]
            entries = self._pen.write(tx, session, drafts, at)
            for about in erased_by(drafts):
                tx.run(_FORGET_DRAFTS, {"erased": about})
            if beside is not None:
                beside(tx)
        if blobs := [digest for draft in drafts for digest in draft.blobs]:
            self._blobs.settle(blobs)
        if erased_by(drafts) or self._to_remove is not None:
            self._finish_erasing(to_remove)
        return entries

    def keep(self, session: Session, write: Callable[[Moment], None]) -> None:
        """Change what this box keeps for its counters, and no journal does; durable when this returns.

        Raises:
            SessionOver: the session may do nothing any more.
            StorageFull, StorageReadOnly, StorageBusy: nothing was written.
        """
        with self._database.write() as tx:
            at = at_text(self._clock())
            see_at_work(session, tx, self.journal, at)
            write(Moment(tx, at))

    def _check_blobs(self, tx: Tx, drafts: Sequence[Draft]) -> None:
        for digest in {digest for draft in drafts for digest in draft.blobs}:
            put = self._blobs.is_pending(digest) or self._is_named(tx, digest)
            if not put or not self._blobs.holds(digest):
                raise BugError("An entry names a blob that was not put.")

    def _finish_erasing(self, digests: Collection[BlobDigest]) -> None:
        """Take from the disk what was erased: the files that nothing names, and the bodies in the write-ahead log.

        What cannot be done now, because of a full disk or a reader, is done after the next commit or at the next start.
        """
        with self._erasing:
            to_remove = self._to_remove = {*digests, *(self._to_remove or ())}
            try:
                # Under the writers' lock, so that nobody names one of them in this moment.
                with self._database.write() as tx:
                    self._blobs.remove([digest for digest in to_remove if not self._is_named(tx, digest)])
                if self._database.checkpoint():
                    self._to_remove = None
            except StorageFailed:
                raise
            except DeviceError:
                # The act itself is on the disk, so it is not reported as failed.
                return

    def put_blob(self, plain: bytes) -> BlobDigest:
        """Seal bytes to this node and central's locker, and store them; durable when this returns.

        Raises:
            StorageFull, StorageReadOnly: nothing was written.
        """
        locker = self.local(LOCKER)
        if locker is None:
            raise BugError("A node that is not enrolled seals nothing.")
        own = age.recipient_of(self.secret(AGE_IDENTITY).decode())
        try:
            return self._blobs.put(age.seal(plain, [own, locker]))
        except StorageFailed as error:
            self._halt(error)
            raise

    def give_up_blob(self, digest: BlobDigest) -> None:
        """A blob that was put will not be named after all; it is collected at the next start."""
        self._blobs.settle((digest,))

    # From central

    def take_cosignature(self, note: bytes) -> int:
        """Remember that central countersigned; answers the size.

        Raises:
            IntegrityError: the note is not ours, not countersigned by our central, or of another tree.
            StorageFull, StorageReadOnly: it was not taken, or the witness not renewed; the next one, or a start, does.
        """
        checkpoint = open_checkpoint(note, self.verifier)
        open_cosignature(note, self.central_key(COSIGNER))
        with self._database.write() as tx:
            log = Log(tx, self.journal)
            see_contained(log, checkpoint)
            self._witness.check(log, self.verifier)
            self._set_cosigned(tx, checkpoint.size, note)
        self._renew_witness()
        return checkpoint.size

    def _set_cosigned(self, tx: Tx, size: int, note: bytes) -> None:
        with local.summed(tx):
            Log(tx, self.journal).set_cosigned(size, note)
        local.remember(tx, {WITNESS_DUE: "yes"})

    def _renew_witness(self) -> None:
        """Let the file say what the store does. After the commit: it is never ahead of a store that is the newest."""
        with self._database.write() as tx:
            head = Log(tx, self.journal).head()
            if local.remembered(tx, WITNESS_DUE) is not None and head is not None and head.cosigned is not None:
                self._witness.renew(head.cosigned, self.verifier)
                local.forget(tx, WITNESS_DUE)

    def take_orders(self, orders: Sequence[Entry], note: bytes) -> int:
        """Take up central's orders that follow those held, and commit that they hold from here on.

        Args:
            orders: entries of this node's orders journal, from the size held or before it.
            note: central's checkpoint over all of them.

        Returns:
            The size of the orders journal now held.

        Raises:
            IntegrityError: they do not continue what is held, or central did not sign them; nothing is taken up.
        """
        signed = open_checkpoint(note, self.central_key(ORDERS_SIGNER))

        def act(moment: Moment) -> list[Draft]:
            applied = central_orders.take_up(Log(moment.tx, orders_of(self.journal)), orders, signed, note)
            return [] if applied is None else [Draft(applied)]

        self.commit(node_session(), act)
        head = self.orders_head()
        return 0 if head is None else head.size

    # Reading

    def read(self) -> AbstractContextManager[Tx]:
        """A consistent view of the tables, for one short look."""
        return self._database.read()

    def head(self) -> Head:
        """Where the journal stands."""
        with self.read() as tx:
            head = Log(tx, self.journal).head()
        if head is None:
            raise IntegrityError("The journal has no first entry.", "Run `sanad enrol` again with a new invitation.")
        return head

    def orders_head(self) -> Head | None:
        """Where the orders taken up stand, or None before the first."""
        with self.read() as tx:
            return Log(tx, orders_of(self.journal)).head()

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Entries of this node's journal, `start` to `stop` (excluded), a page a transaction."""
        for first in range(start, stop, PAGE_ENTRIES):
            with self.read() as tx:
                page = list(Log(tx, self.journal).entries(first, min(first + PAGE_ENTRIES, stop)))
            yield from page

    @property
    def verifier(self) -> VerifierKey:
        """The public key that verifies this node's checkpoints."""
        return self._pen.signer.verifier

    @property
    def signer(self) -> Signer:
        """What signs this node's checkpoints and exports."""
        return self._pen.signer

    def central_key(self, name: str) -> VerifierKey:
        """Central's public key for cosignatures (`COSIGNER`), orders (`ORDERS_SIGNER`) or lists (`PUBLISHER`).

        Raises:
            BugError: this node is not enrolled.
        """
        text = self.local(name)
        if text is None:
            raise BugError("This node is not enrolled at any central.")
        return VerifierKey.parse(text)

    def open_blob(self, digest: BlobDigest) -> bytes:
        """What was sealed under that digest.

        Raises:
            BlobMissing: the file is not there or damaged. SealError: it is not sealed to this node.
        """
        return age.open_sealed(self.sealed_blob(digest), self.secret(AGE_IDENTITY).decode())

    def sealed_blob(self, digest: BlobDigest) -> bytes:
        """The sealed bytes, as they go to central.

        Raises:
            BlobFreed: the file was taken from this disk to make room. BlobMissing: it is not there or damaged.
        """
        try:
            return self._blobs.read(digest)
        except BlobMissing:
            with self.read() as tx:
                row = tx.one(_FREED, {"journal": self.journal, "digest": digest})
            if row is None:
                raise
            raise BlobFreed(digest, row[0]) from None

    def drop_blobs(self, choose: Callable[[Tx], Collection[BlobDigest]]) -> None:
        """Take from this disk the files that are chosen while nobody else can write an entry."""
        with self._database.write() as tx:
            self._blobs.remove(choose(tx))

    def take_back_blob(self, digest: BlobDigest, sealed: bytes) -> None:
        """Keep a sealed file again that was freed or lost.

        Raises:
            IntegrityError: it is another one. StorageFull, StorageReadOnly: nothing was written.
        """
        if age.digest_of(sealed) != digest:
            raise IntegrityError(f"What came for the sealed file {digest[:12]}… is another one.", "Tell central IT.")
        self._blobs.settle((self._blobs.put(sealed),))

    def blob_bytes(self, digest: BlobDigest) -> int:
        """How large the sealed file is, in bytes; 0 where it is not on this disk."""
        return self._blobs.size(digest)

    def holds_blob(self, digest: BlobDigest) -> bool:
        """Whether the sealed file is on this disk."""
        return self._blobs.holds(digest)

    def named_blobs(self) -> list[BlobDigest]:
        """Every blob that an entry names and that was not erased."""
        with self.read() as tx:
            return [BlobDigest(row[0]) for row in tx.all(_BLOBS, {"journal": self.journal})]

    def new_id(self) -> EntityId:
        """A fresh random identifier."""
        return entity_id(self._random(16))

    def random(self, count: int) -> bytes:
        """So many random bytes, from a cryptographic source."""
        return self._random(count)

    def now(self) -> str:
        """What the clock claims, as the journal writes it."""
        return at_text(self._clock())

    @property
    def clock(self) -> Clock:
        """The clock that entries carry."""
        return self._clock

    def secret(self, name: str) -> bytes:
        """A secret of this node.

        Raises:
            BugError: there is none of that name.
        """
        with self.read() as tx:
            found = local.secret(tx, name)
        if found is None:
            raise BugError(f"The store holds no secret named {name}.")
        return found

    def local(self, name: str) -> str | None:
        """What this box remembers for itself, or None."""
        with self.read() as tx:
            return local.remembered(tx, name)

    def remember(self, **values: str) -> None:
        """Remember things for this box alone; they are in no journal."""
        with self._database.write() as tx:
            local.remember(tx, values)

    # Starting and stopping

    def recover(self, software: str) -> int:
        """What a start needs: sees that the store is not an older copy, removes what a crash left, and says so.

        Returns:
            How many orphaned blobs were removed; none while another process has one pending.

        Raises:
            RolledBack: central has countersigned what this store does not hold; nothing was written.
        """
        with self._database.write() as tx:
            log = Log(tx, self.journal)
            note = self._witness.check(log, self.verifier)
            if note is not None:
                # An older copy of the store that has every entry: what it lacks is only that they were countersigned.
                seen, head = open_checkpoint(note, self.verifier).size, log.head()
                if head is not None and seen > head.cosigned_size:
                    self._set_cosigned(tx, seen, note)
        self._renew_witness()
        removed = 0
        with self._blobs.quiet() as quiet:
            if quiet:
                removed = self._blobs.collect(frozenset(self.named_blobs()))
        self._database.checkpoint()
        self.commit(node_session(), lambda _: [Draft(NodeStarted(software=software, orphans_removed=removed))])
        return removed

    def refold(self, progress: Progress = no_progress) -> None:
        """Drop the tables and fold the journal again, in one transaction."""
        self._database.enlarge_cache()
        with self._database.write() as tx:
            folding.refold(tx, tx, [self.journal], progress)

    def _fold_if_outdated(self, progress: Progress) -> None:
        with self.read() as tx:
            if self._is_folded(tx):
                return
        self._database.enlarge_cache()
        with self._database.write() as tx:
            # Another process may have done it while this one waited for the lock.
            if not self._is_folded(tx):
                tx.create(t.LOG)
                folding.refold(tx, tx, [self.journal], progress)

    def _is_folded(self, tx: Tx) -> bool:
        head = Log(tx, self.journal).head()
        return folding.is_current(tx, self.journal, 0 if head is None else head.size)

    def close(self) -> None:
        """Close the store's connections; nothing can be done with it any more."""
        self._database.close()

    @contextmanager
    def closing(self) -> Iterator[Store]:
        """This store, closed at the end of the block."""
        try:
            yield self
        finally:
            self.close()

    def _blobs_about(self, tx: Tx, about: str) -> list[BlobDigest]:
        rows = tx.all(_BLOBS_ABOUT, {"k_journal": self.journal, "k_about": about})
        return [BlobDigest(row[0]) for row in rows]

    def _is_named(self, tx: Tx, digest: BlobDigest) -> bool:
        return tx.one(_IS_NAMED, {"journal": self.journal, "digest": digest}) is not None
