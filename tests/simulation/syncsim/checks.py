"""What must be so after every step, and what at the end, when all links are good and everybody has synced."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import sqlalchemy as sa
from sqlcipher3 import dbapi2

from appliance.journal.checkpoint import open_checkpoint
from appliance.journal.entry import read_entry
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import BlobDigest, JournalId, orders_of, origin
from appliance.journal.kinds import (
    BlobsBackedUp,
    Body,
    ListsPublished,
    OperatorNamed,
    OrdersApplied,
    ServicePublished,
    ServiceWithdrawn,
    SettingOrdered,
    SettingReleased,
    SubjectErased,
    decode_body,
    encode_body,
)
from appliance.journal.notes import NOTE_SIGNATURE, Signer, VerifierKey
from appliance.journal.tree import EMPTY, Frontier, root_at
from appliance.records import folding
from appliance.records.database import Tx
from appliance.records.log import Head, Log
from sync.central import quarantine
from sync.central import tables as ct
from tests.simulation.syncsim.machines import Broken, CentralBox, NodeBox
from tests.simulation.syncsim.origins import NodeOrigin

_STAGING: Final = sa.select(ct.staging.c.journal, ct.staging.c.size).order_by(ct.staging.c.journal)
_WANTED: Final = sa.select(ct.wanted.c.journal, ct.wanted.c.digest).order_by(ct.wanted.c.journal, ct.wanted.c.digest)

REFUSED: Final = frozenset({"Fork", "Rollback", "Quarantined", "RolledBack"})
"""What a copy hears that is another than central holds; the last, from itself."""


@dataclass(slots=True)
class Chain:
    """A history that was promised once: it only ever grows."""

    headers: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    roots: list[bytes] = field(default_factory=lambda: [EMPTY.root()])
    edge: Frontier = EMPTY

    def __len__(self) -> int:
        return len(self.headers)

    def follow(self, log: Log, size: int) -> None:
        """Take up what a log holds beyond this, up to a size.

        Raises:
            Broken: it does not continue this.
        """
        common = min(size, len(self))
        if root_at(common, log.read_node) != self.roots[common]:
            raise Broken(f"another history of {log.journal} than was promised before")
        for header, salt, body, _ in log.rows(len(self), size):
            self.leaves.append(read_entry(header, salt, body).leaf)
            self.edge, _nodes = self.edge.append(self.leaves[-1])
            self.headers.append(header)
            self.roots.append(self.edge.root())


@dataclass(slots=True)
class Promised:
    """What was promised about one node's journal."""

    verifier: VerifierKey
    countersigned: Chain = field(default_factory=Chain)
    """In the life of this central: what a backup forgot of a node that was copied, another may continue."""
    lives: list[Chain] = field(default_factory=list)
    """What was countersigned in earlier lives."""
    shown: tuple[int, bytes] | None = None
    """The largest countersigned size that a node showed to this central since it was put back, and its root."""
    below: int | None = None
    """What central had countersigned then, where that is less: until it is as much again, it countersigns nothing."""
    copied: bool = False
    """Whether two boxes have, or had, this journal's key."""
    orders_of_copies: dict[str, Chain] = field(default_factory=dict)
    """What each box holds of central's orders, where a central that forgot may have given them different ones."""
    orders: Chain = field(default_factory=Chain)
    """What the node holds of central's orders."""
    taken: list[tuple[bytes, bytes | None, bytes | None]] = field(default_factory=list)
    """Those, whole."""
    given: set[bytes] = field(default_factory=set)
    """What the orders say that central gave and did not lose; all say something else."""
    notes: set[bytes] = field(default_factory=set)
    """Countersigned notes that were looked at, and were right."""
    refilling: bool = False
    """Whether central was restored from a backup, and has not all of it again."""
    forgot: bool = False
    """Whether central was ever restored from a backup: then it may lack orders until its node has synced."""
    seen: tuple[Head | None, Head | None] = (None, None)
    """What central held when it was looked at last, and was right."""

    def begin_life(self) -> None:
        """Central forgot, and two boxes may go on from what it remembers: it can know one history from now on."""
        self.lives.append(self.countersigned)
        self.countersigned, self.refilling, self.seen = Chain(), False, (None, None)

    def see_shown(self, log: Log, cosigned_size: int) -> None:
        """See that central goes on from what it was shown, and from nothing else.

        Raises:
            Broken: it does not.
        """
        if self.shown is None:
            return
        size, root = self.shown
        if cosigned_size >= size:
            self.below = None
            if root_at(size, log.read_node) != root:
                raise Broken("central was shown what it countersigned, and countersigned another history")
        elif self.below is not None and cosigned_size != self.below:
            raise Broken("central was shown that it countersigned more, and countersigned less again")
        else:
            self.below = cosigned_size

    def was_countersigned(self, size: int, root: bytes) -> bool:
        """Whether central ever countersigned that."""
        return any(size < len(each.roots) and each.roots[size] == root for each in (self.countersigned, *self.lives))

    def take(self, box: NodeBox, log: Log) -> Head | None:
        """See what a node holds of central's orders; answers their head."""
        head = log.head()
        if head is not None and self.copied and self.forgot:
            self.orders_of_copies.setdefault(box.name, Chain()).follow(log, head.size)
            return head
        if head is not None:
            self.orders.follow(log, head.size)
            self.taken += [(header, salt, body) for header, salt, body, _ in log.rows(len(self.taken), head.size)]
        return head


@dataclass(slots=True)
class Ledger:
    """All that was promised to anybody."""

    of: dict[JournalId, Promised]

    @classmethod
    def begin(cls, nodes: tuple[NodeOrigin, ...]) -> Ledger:
        """Nothing yet."""
        return cls(
            {
                each.journal: Promised(
                    VerifierKey(origin(each.journal), NOTE_SIGNATURE, Signer("-", each.seed).verifier.public)
                )
                for each in nodes
            }
        )

    looked: dict[str, tuple[dbapi2.Connection, int, bytes]] = field(default_factory=dict)
    """What each database was like when it was looked at last: how much was changed in it by then."""

    def look(self, central: CentralBox, nodes: list[NodeBox]) -> bytes:
        """See that nothing was broken by the last step.

        Returns:
            A digest of everything that the machines hold.

        Raises:
            Broken: what was.
        """
        state = hashlib.sha256()
        state.update(self._seen("central", central.disk.archive.connection, lambda tx: self._central(tx, nodes)))
        for box in nodes:
            state.update(self._seen(box.name, box.disk.store.connection, partial(self._see_node, box)))
            state.update(len(box.disk.blobs).to_bytes(4, "big"))
        shelf = central.disk.shelf
        state.update(repr(sorted(shelf.whole)).encode())
        state.update(b"".join(digest.encode() + part for digest, part in sorted(shelf.parts.items())))
        return state.digest()

    def _seen(self, name: str, connection: dbapi2.Connection, see: Callable[[Tx], object]) -> bytes:
        """What a database holds; not looked at again where nothing was changed in it."""
        found = self.looked.get(name)
        if found is None or found[0] is not connection or found[1] != connection.total_changes:
            found = connection, connection.total_changes, repr(see(Tx(connection))).encode()
            self.looked[name] = found
        return found[2]

    def _central(self, archive: Tx, nodes: list[NodeBox]) -> object:
        held = [self._see_central(archive, journal, promised) for journal, promised in self.of.items()]
        stopped = quarantine.every(archive).keys()
        if stopped - {box.journal for box in nodes if box.is_copy}:
            raise Broken("an honest node is in quarantine")
        return held, sorted(stopped), archive.all(_STAGING), archive.all(_WANTED)

    def shown(self, journal: JournalId, cosigned: bytes) -> None:
        """A node showed central what it once countersigned, and a session began."""
        promised = self.of[journal]
        note = open_checkpoint(cosigned, promised.verifier)
        if promised.shown is None or note.size > promised.shown[0]:
            promised.shown, promised.below = (note.size, note.root), None

    def copied(self, box: NodeBox) -> None:
        """A node's disk was copied, or put back to a copy."""
        promised = self.of[box.journal]
        promised.copied = True
        promised.orders_of_copies.pop(box.name, None)
        if promised.refilling:
            promised.begin_life()

    def restored(self, central: CentralBox) -> None:
        """Central was put back to a backup. Orders that no node has taken up yet are lost with the newer disk."""
        archive = Tx(central.disk.archive.connection)
        for journal, promised in self.of.items():
            promised.refilling, promised.seen = True, (None, None)
            promised.forgot, promised.shown, promised.below = True, None, None
            if promised.copied:
                promised.begin_life()
            log = Log(archive, orders_of(journal))
            kept = [entry.body or b"" for entry in log.entries(0, _size(archive, log.journal))]
            promised.given = set(kept) | {read_entry(*held).body or b"" for held in promised.taken}

    def _see_central(self, archive: Tx, journal: JournalId, promised: Promised) -> tuple[Head | None, Head | None]:
        log = Log(archive, journal)
        head = log.head()
        orders = Log(archive, orders_of(journal))
        given = orders.head()
        if promised.seen == (head, given):
            return promised.seen
        if head is None or head.cosigned is None:
            raise Broken("central has lost a node")
        if head.cosigned_size > head.size:
            raise Broken("central countersigned more than it holds")
        note = open_checkpoint(head.cosigned, promised.verifier)
        if (note.size, note.root) != (head.cosigned_size, root_at(note.size, log.read_node)):
            raise Broken("central countersigned something else than it holds")
        if head.size >= len(promised.countersigned):
            promised.refilling = False
        elif not promised.refilling:
            raise Broken(f"central lost {len(promised.countersigned) - head.size} entries that it countersigned")
        promised.see_shown(log, head.cosigned_size)
        promised.countersigned.follow(log, head.cosigned_size)
        if given is None or (given.size < len(promised.orders) and not promised.forgot):
            raise Broken("central lost orders that a node holds")
        start = 0 if promised.forgot or promised.seen[1] is None else promised.seen[1].size
        promised.given |= {entry.body or b"" for entry in orders.entries(start, given.size)}
        promised.seen = head, given
        return promised.seen

    def _see_node(self, box: NodeBox, tx: Tx) -> tuple[Head | None, Head | None]:
        promised = self.of[box.journal]
        log = Log(tx, box.journal)
        head = log.head()
        if head is None or head.size <= max(box.acked, default=0):
            raise Broken(f"{box.name} lost entries that were confirmed")
        if head.cosigned is not None and head.cosigned not in promised.notes:
            note = open_checkpoint(head.cosigned, promised.verifier)
            promised.notes.add(head.cosigned)
            if note.size >= max(len(each.roots) for each in (promised.countersigned, *promised.lives)):
                raise Broken(f"{box.name} holds a countersigned size that central's archive does not")
            if not promised.was_countersigned(note.size, note.root):
                raise Broken(f"central countersigned two histories of {box.name}")
        return head, promised.take(box, Log(tx, orders_of(box.journal)))


def _size(tx: Tx, journal: JournalId) -> int:
    return _size_of(Log(tx, journal))


def _size_of(log: Log) -> int:
    head = log.head()
    return 0 if head is None else head.size


def see_whole(box: NodeBox) -> None:
    """A node that was switched on again holds every entry that was confirmed, as it was.

    Raises:
        Broken: it does not.
    """
    tx = Tx(box.disk.store.connection)
    log = Log(tx, box.journal)
    held = [row[0] for row in log.rows(0, _size(tx, box.journal))]
    if any(seq >= len(held) or held[seq] != header for seq, header in box.acked.items()):
        raise Broken(f"{box.name} holds other entries than were confirmed")


def see_judged(box: NodeBox, central: CentralBox, said: str) -> None:
    """A copy that has another history than central holds was refused for it; one that was refused was stopped.

    Raises:
        Broken: it is not so.
    """
    archive = Tx(central.disk.archive.connection)
    log, copy = Log(Tx(box.disk.store.connection), box.journal), Log(archive, box.journal)
    common = min(_size_of(log), _size_of(copy))
    if root_at(common, log.read_node) != root_at(common, copy.read_node) and said not in REFUSED:
        raise Broken(f"{box.name} is another than central holds, and was not refused: {said}")
    if said == "Fork" and box.journal not in quarantine.every(archive):
        raise Broken(f"{box.name} was refused as a copy, and goes on")


def see_same(box: NodeBox, central: CentralBox, promised: Promised) -> None:
    """At the end: central has all of a node's entries, papers and tables, and the node all of its orders.

    Raises:
        Broken: it has not.
    """
    mine, theirs = Tx(box.disk.store.connection), Tx(central.disk.archive.connection)
    log, copy = Log(mine, box.journal), Log(theirs, box.journal)
    head, held = log.head(), copy.head()
    if head is None or held is None or not head.size == head.cosigned_size == held.size == held.cosigned_size:
        raise Broken(f"central has not countersigned all of {box.name}")
    if copy.count() != held.size or list(log.rows(0, head.size)) != list(copy.rows(0, held.size)):
        raise Broken(f"central's entries of {box.name} are not the node's")
    try:
        folding.same_tables(mine, Tx(central.disk.index.connection), box.journal)
    except IntegrityError as error:
        raise Broken(f"central's tables of {box.name} are not the node's: {error}") from error
    _see_orders(box, log, Log(theirs, orders_of(box.journal)), promised)
    _see_papers(box, central, log, head.size)


def _see_orders(box: NodeBox, log: Log, theirs: Log, promised: Promised) -> None:
    held = [read_entry(*each) for each in promised.taken]
    if [row[0] for row in theirs.rows(0, len(held) + 1)] != [each.header_bytes for each in held]:
        raise Broken(f"{box.name} has not the orders that central gave it")
    said = [decode_body(each.header.kind, each.body or b"") for each in held]
    _see_given(box, said, promised.given, forgot=promised.forgot)
    whole = log.head()
    own = [
        decode_body(entry.header.kind, entry.body)
        for entry in log.entries(0, 0 if whole is None else whole.size)
        if entry.header.kind == OrdersApplied.KIND and entry.body is not None
    ]
    applied = [(body.size, body.root) for body in own if isinstance(body, OrdersApplied)]
    if applied != sorted(set(applied)) or not applied or applied[-1][0] != len(held):
        raise Broken(f"{box.name} applied orders twice, or not at all")


def _see_given(box: NodeBox, held: list[Body | None], given: set[bytes], *, forgot: bool) -> None:
    """Every order that was given is there once; but a block that was given again may be another one.

    What every node is to have may come once more from a central that forgot to whom it had given it.
    """
    said = [encode_body(body) for body in held if body is not None]
    once = [encode_body(body) for body in held if body is not None and not _may_repeat(body, forgot=forgot)]
    if len(once) != len(set(once)):
        raise Broken(f"{box.name} was given an order twice")
    blocks = [_is_block(each) for each in said]
    if any(not _is_block(each) and each not in said for each in given) or sum(blocks) < sum(map(_is_block, given)):
        raise Broken(f"{box.name} was never given an order that central had given")


def _may_repeat(body: Body, *, forgot: bool) -> bool:
    of_all = ServicePublished | ServiceWithdrawn | SettingOrdered | ListsPublished
    standing = isinstance(body, of_all | OperatorNamed | BlobsBackedUp)
    return isinstance(body, SettingReleased) or (forgot and standing)


def _is_block(said: bytes) -> bool:
    """Whether it is a block of the centre's certificate numbers."""
    return b'"prefix":"PEW0' in said


def _see_papers(box: NodeBox, central: CentralBox, log: Log, size: int) -> None:
    erased: set[str] = set()
    named: dict[BlobDigest, set[str]] = {}
    for entry in log.entries(0, size):
        if entry.header.kind == SubjectErased.KIND:
            erased.add(entry.header.about)
        for digest in entry.header.blobs:
            named.setdefault(digest, set()).add(entry.header.about)
    for digest, subjects in named.items():
        whole = central.disk.shelf.whole.get(digest)
        if subjects <= erased:
            if whole is not None:
                raise Broken("central still holds a sealed file of somebody who was erased")
        elif whole is None:
            raise Broken(f"central lacks a sealed file of {box.name}")
        elif hashlib.sha256(whole).hexdigest() != digest:
            raise Broken("a sealed file at central is not what its name says")
