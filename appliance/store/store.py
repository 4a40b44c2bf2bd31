"""The store of one node: the one commit, and everything that reads what it wrote.

A commit, in order: blobs are already on the disk; the writers' file lock; BEGIN IMMEDIATE; the act is checked against
the state it meets; entries and tree nodes; the fold; a checkpoint signed by the journal key; COMMIT with
`synchronous=FULL`; and only then anybody is told.

Whoever holds the store key can rewrite what central has not yet countersigned: the journal proves order and integrity,
not truth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.access.session import Session, node_session
from appliance.journal.checkpoint import Checkpoint, open_checkpoint, open_cosignature, sign_checkpoint
from appliance.journal.entry import SALT_BYTES, Entry, make_entry
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import BlobDigest, EntityId, JournalId, Kind, entity_id, journal_id, orders_of, origin
from appliance.journal.kinds import Body, JournalOpened, NodeStarted, OrdersApplied, SubjectErased, encode_body
from appliance.journal.notes import Signer, VerifierKey
from appliance.journal.tree import EMPTY, Frontier, root_at
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database, Halt, Tx
from appliance.records.disk import write_durably
from appliance.records.failures import StorageFailed
from appliance.records.folding import Folder, Progress, no_progress
from appliance.records.log import PAGE_ENTRIES, Head, Log
from appliance.records.moment import Clock, at_text
from appliance.sealing import age
from appliance.store.blobs import BlobFolder
from appliance.store.layout import Layout

MAX_DRAFTS: Final = 64
JOURNAL_KEY: Final = "journal-key"
NODE_KEY: Final = "node-key"
AGE_IDENTITY: Final = "age-identity"
PEPPER: Final = "pepper"
COSIGNER: Final = "cosigner"
ORDERS_SIGNER: Final = "orders-signer"
LOCKER: Final = "locker"

Randomness = Callable[[int], bytes]

_SECRET = select(t.secrets.c.value).where(t.secrets.c.name == bindparam("name"))
_LOCAL = select(t.local.c.value).where(t.local.c.name == bindparam("name"))
_DROP_LOCAL = sa.delete(t.local).where(t.local.c.name == bindparam("k_name"))
_BLOBS = select(t.blobs.c.digest).where(t.blobs.c.journal == bindparam("journal")).distinct()
_NAMED = select(t.blobs.c.digest).where(
    t.blobs.c.journal == bindparam("journal"), t.blobs.c.digest == bindparam("digest")
)
_BLOBS_OF = select(t.blobs.c.digest).where(
    t.blobs.c.journal == bindparam("journal"), t.blobs.c.about == bindparam("about")
)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be: whom it is about, what it says, and the blobs it names (already put)."""

    body: Body
    about: EntityId | str = "-"
    blobs: tuple[BlobDigest, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """What an act is checked against: the state inside the commit, and the time it will carry."""

    tx: Tx
    at: str


Act = Callable[[Moment], Sequence[Draft]]


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """The secrets of a node; they live in the store alone.

    `journal` and `node` are Ed25519 seeds (32 bytes), `age_identity` an age identity, `pepper` 32 bytes.
    """

    journal: bytes
    node: bytes
    age_identity: str
    pepper: bytes

    @classmethod
    def generate(cls, random: Randomness) -> NodeKeys:
        """Fresh keys."""
        return cls(random(32), random(32), age.new_identity(), random(32))


class Store:
    """An open store. Several processes and threads may have one open; whoever commits waits for the others.

    Args:
        layout: the node's home.
        key: the store key, 32 bytes.
        clock: what time it is; a claim.
        random: a cryptographic source of random bytes.
        halt: called, and never returns, when the disk failed while being written.
        progress: told (done, total) when tables are folded again.

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
    ) -> None:
        self.layout = layout
        self._clock = clock
        self._random = random
        self._halt = halt
        self._frontier = EMPTY
        self._database = Database(layout.database, key, lock=layout.lock, halt=halt, synchronous=synchronous)
        self._blobs = BlobFolder(layout.blobs)
        self._signer = Signer("sanad", self.secret(JOURNAL_KEY))
        self.journal: JournalId = journal_id(self._signer.verifier.public)
        self._signer = Signer(origin(self.journal), self._signer.seed)
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
        """Make a store in an existing, empty home, and its first entry.

        Raises:
            StorageFull, StorageReadOnly: the home can't be written.
        """
        BlobFolder.create(layout.blobs)
        database = Database.create(layout.database, key, (t.LOG, t.FOLDED), lock=layout.lock, halt=halt)
        secrets = {
            JOURNAL_KEY: keys.journal,
            NODE_KEY: keys.node,
            AGE_IDENTITY: keys.age_identity.encode(),
            PEPPER: keys.pepper,
        }
        with database.write() as tx:
            tx.many(_ADD_SECRET, [{"name": name, "value": value} for name, value in secrets.items()])
        database.close()
        store = cls(layout, key, clock=clock, random=random, halt=halt)
        store.commit(node_session(), lambda _: [Draft(opened)])
        return store

    # Writing

    def commit(self, session: Session, act: Act) -> list[Entry]:
        """Write what an act says, or nothing.

        Args:
            session: who acts; it is checked again inside the commit.
            act: looks at the state it meets and answers the entries to write, or raises to refuse.

        Returns:
            The entries, durable.

        Raises:
            NotPermitted, SessionOver, SameEyes: the session may not.
            StorageFull, StorageReadOnly: nothing was written.
        """
        with self._database.write() as tx:
            at = at_text(self._clock())
            drafts = act(Moment(tx, at))
            if not drafts:
                return []
            if len(drafts) > MAX_DRAFTS:
                raise BugError(f"One act writes at most {MAX_DRAFTS} entries.")
            for draft in drafts:
                session.authorise(tx, self.journal, draft.body.KIND, draft.about, at)
            entries, frontier, gone = self._append(tx, session, drafts, at)
        self._frontier = frontier
        self._blobs.settle([BlobDigest(digest) for draft in drafts for digest in draft.blobs])
        self._finish_erasing(gone)
        return entries

    def _append(
        self, tx: Tx, session: Session, drafts: Sequence[Draft], at: str
    ) -> tuple[list[Entry], Frontier, list[BlobDigest] | None]:
        log = Log(tx, self.journal)
        frontier = self._edge(log)
        entries = [self._entry(frontier.size + n, session, draft, at) for n, draft in enumerate(drafts)]
        gone: list[BlobDigest] | None = None
        for draft in drafts:
            if isinstance(draft.body, SubjectErased):
                gone = [*(gone or ()), *self._blobs_of(tx, draft.about)]
        frontier = log.append(entries, frontier)
        for entry in entries:
            if entry.header.kind == SubjectErased.KIND:
                log.erase(entry.header.about, entry.header.seq)
        Folder(tx, tx, self.journal).fold(entries)
        folding.stamp(tx, self.journal, frontier.size)
        log.set_head(
            frontier, sign_checkpoint(Checkpoint(self._signer.name, frontier.size, frontier.root()), self._signer)
        )
        if gone is not None:
            gone = [digest for digest in gone if tx.one(_NAMED, {"journal": self.journal, "digest": digest}) is None]
        return entries, frontier, gone

    def _entry(self, seq: int, session: Session, draft: Draft, at: str) -> Entry:
        for digest in draft.blobs:
            if not self._blobs.holds(digest):
                raise BugError("An entry names a blob that was not put.")
        return make_entry(
            journal=self.journal,
            seq=seq,
            at=at,
            by=session.actor,
            kind=Kind(draft.body.KIND),
            about=draft.about,
            body=encode_body(draft.body),
            salt=self._random(SALT_BYTES),
            blobs=draft.blobs,
        )

    def _edge(self, log: Log) -> Frontier:
        """The right edge of the tree: this process's own, where nobody else has committed since."""
        head = log.head()
        if head is None:
            return EMPTY
        if head.size == self._frontier.size and head.root == self._frontier.root():
            return self._frontier
        return log.frontier()

    def _finish_erasing(self, gone: list[BlobDigest] | None) -> None:
        if gone is not None:
            self._blobs.remove(gone)
            self._database.checkpoint()

    def put_blob(self, plain: bytes) -> BlobDigest:
        """Seal bytes to this node and central's locker, and store them; durable when this returns.

        Raises:
            StorageFull, StorageReadOnly: nothing was written.
        """
        recipients = [age.recipient_of(self.secret(AGE_IDENTITY).decode())]
        locker = self.local(LOCKER)
        if locker is None:
            raise BugError("A node that is not enrolled seals nothing.")
        sealed = age.seal(plain, [*recipients, locker])
        try:
            return self._blobs.put(sealed)
        except StorageFailed as error:
            self._halt(error)

    def give_up_blob(self, digest: BlobDigest) -> None:
        """A blob that was put will not be named after all; it is collected at the next start."""
        self._blobs.settle((digest,))

    # From central

    def take_cosignature(self, note: bytes) -> int:
        """Remember that central countersigned; answers the size.

        Raises:
            IntegrityError: the note is not ours, not countersigned by our central, or of another tree.
        """
        checkpoint = open_checkpoint(note, self.verifier)
        open_cosignature(note, self.central_key(COSIGNER))
        with self._database.write() as tx:
            log = Log(tx, self.journal)
            head = log.head()
            if head is None or checkpoint.size > head.size:
                raise IntegrityError(
                    "Central has countersigned more entries than this box holds.",
                    "This box runs from an older copy of its store: stop, and call central IT.",
                )
            if root_at(checkpoint.size, log.read_node) != checkpoint.root:
                raise IntegrityError(
                    "Central has countersigned another history of this box.", "Stop, and call central IT."
                )
            log.set_cosigned(checkpoint.size, note)
            newest = log.head()
        if newest is not None and newest.cosigned is not None:
            write_durably(self.layout.witness, newest.cosigned)
        return checkpoint.size

    def take_orders(self, orders: Sequence[Entry], note: bytes) -> int:
        """Take up central's orders that follow those held, and commit that they hold from here on.

        Args:
            orders: entries of this node's orders journal, from the size held.
            note: central's checkpoint over all of them.

        Returns:
            The size of the orders journal now held.

        Raises:
            IntegrityError: they do not continue what is held, or central did not sign them; nothing is taken up.
        """
        checkpoint = open_checkpoint(note, self.central_key(ORDERS_SIGNER))

        def act(moment: Moment) -> list[Draft]:
            log = Log(moment.tx, orders_of(self.journal))
            frontier = log.frontier()
            fresh = [order for order in orders if order.header.seq >= frontier.size]
            if any(order.header.journal != log.journal for order in fresh) or [o.header.seq for o in fresh] != list(
                range(frontier.size, checkpoint.size)
            ):
                raise IntegrityError("Central's orders do not follow the ones held here.", "Call central IT.")
            if not fresh:
                return []
            frontier = log.append(fresh, frontier)
            if frontier.root() != checkpoint.root:
                raise IntegrityError("Central's orders are not the ones it signed.", "Call central IT.")
            log.set_head(frontier, note)
            return [Draft(OrdersApplied(size=frontier.size, root=frontier.root().hex()))]

        self.commit(node_session(), act)
        return checkpoint.size

    # Reading

    def read(self) -> AbstractContextManager[Tx]:
        """A consistent view of the tables, for one short look."""
        return self._database.read()

    def head(self) -> Head:
        """Where the journal stands."""
        return self._head(self.journal)

    def orders_head(self) -> Head | None:
        """Where the orders taken up stand, or None before the first."""
        with self.read() as tx:
            return Log(tx, orders_of(self.journal)).head()

    def _head(self, journal: JournalId) -> Head:
        with self.read() as tx:
            head = Log(tx, journal).head()
        if head is None:
            raise IntegrityError("The journal has no first entry.", "Run `sanad enrol` again with a new invitation.")
        return head

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Entries of this node's journal, `start` to `stop` (excluded), a page a transaction."""
        for first in range(start, stop, PAGE_ENTRIES):
            with self.read() as tx:
                page = list(Log(tx, self.journal).entries(first, min(first + PAGE_ENTRIES, stop)))
            yield from page

    @property
    def verifier(self) -> VerifierKey:
        """The public key that verifies this node's checkpoints."""
        return self._signer.verifier

    @property
    def signer(self) -> Signer:
        """What signs this node's checkpoints and exports."""
        return self._signer

    def central_key(self, name: str) -> VerifierKey:
        """Central's public key for cosignatures (`COSIGNER`) or for orders (`ORDERS_SIGNER`).

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
        return age.open_sealed(self._blobs.read(digest), self.secret(AGE_IDENTITY).decode())

    def sealed_blob(self, digest: BlobDigest) -> bytes:
        """The sealed bytes, as they go to central.

        Raises:
            BlobMissing: the file is not there or damaged.
        """
        return self._blobs.read(digest)

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
            row = tx.one(_SECRET, {"name": name})
        if row is None:
            raise BugError(f"The store holds no secret named {name}.")
        return bytes(row[0])

    def local(self, name: str) -> str | None:
        """What this box remembers for itself, or None."""
        with self.read() as tx:
            row = tx.one(_LOCAL, {"name": name})
        return None if row is None else str(row[0])

    def remember(self, **values: str) -> None:
        """Remember things for this box alone; they are in no journal."""
        with self._database.write() as tx:
            for name, value in values.items():
                tx.run(_DROP_LOCAL, {"k_name": name})
                tx.run(_ADD_LOCAL, {"name": name, "value": value})

    # Starting and stopping

    def recover(self, software: str) -> int:
        """What a start after a crash needs: removes orphaned blobs, and says in the journal that the node started.

        Returns:
            How many orphans were removed; none while another process has one pending.
        """
        removed = 0
        with self._blobs.quiet() as quiet:
            if quiet:
                removed = self._blobs.collect(frozenset(self.named_blobs()))
        self.commit(node_session(), lambda _: [Draft(NodeStarted(software=software, orphans_removed=removed))])
        return removed

    def refold(self, progress: Progress = no_progress) -> None:
        """Drop the tables and fold the journal again, in one transaction."""
        self._database.enlarge_cache()
        with self._database.write() as tx:
            folding.refold(tx, tx, [self.journal], progress)

    def _fold_if_outdated(self, progress: Progress) -> None:
        with self.read() as tx:
            current = folding.is_current(tx, self.journal) or Log(tx, self.journal).head() is None
        if not current:
            self.refold(progress)

    def close(self) -> None:
        """Close the store's connections."""
        self._database.close()

    @contextmanager
    def closing(self) -> Iterator[Store]:
        """This store, closed at the end of the block."""
        try:
            yield self
        finally:
            self.close()

    def _blobs_of(self, tx: Tx, about: str) -> Collection[BlobDigest]:
        return {BlobDigest(row[0]) for row in tx.all(_BLOBS_OF, {"journal": self.journal, "about": about})}


_ADD_SECRET = sa.insert(t.secrets)
_ADD_LOCAL = sa.insert(t.local)
