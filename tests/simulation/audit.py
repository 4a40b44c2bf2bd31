"""Opens a home after a fault as a node would, and holds it against what its writers had promised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import bindparam, select

from appliance.journal.checkpoint import open_checkpoint, open_cosignature
from appliance.journal.entry import Entry
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.kinds import SubjectErased
from appliance.journal.notes import VerifierKey
from appliance.journal.tree import EMPTY
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database, Tx
from appliance.records.log import Head, Log
from appliance.store.store import Store
from tests.simulation import home

_NODES = select(t.entries.c.nodes).where(t.entries.c.journal == bindparam("journal")).order_by(t.entries.c.seq)


class Broken(Exception):
    """Something is wrong that is worse than a lost promise."""


@dataclass(slots=True)
class Promises:
    """What writers said, read from their lines."""

    entries: dict[int, str] = field(default_factory=dict)
    orders: int = 0
    cosigned: int = 0

    @classmethod
    def of(cls, said: Iterable[str]) -> Promises:
        """Reads the lines; what is no promise is passed over."""
        promises = cls()
        for line in said:
            match line.split():
                case ["ack", seq, fingerprint]:
                    if promises.entries.setdefault(int(seq), fingerprint) != fingerprint:
                        raise Broken(f"two different entries were acknowledged as number {seq}")
                case ["orders", size]:
                    promises.orders = max(promises.orders, int(size))
                case ["cosigned", size]:
                    promises.cosigned = max(promises.cosigned, int(size))
                case _:
                    pass
        return promises


def lost_promises(folder: Path, said: Sequence[str]) -> int:
    """How many promises a home does not keep: acknowledged entries, orders or a cosignature that are not there.

    Raises:
        Broken: or whatever the store raises: the home does not open, does not verify, or lacks a blob.
    """
    promises = Promises.of(said)
    if not promises.entries:
        return 0
    with home.reopen(folder).closing() as store:
        with store.read() as tx:
            entries = _verified_journal(tx, store.journal, store.verifier)
            _check_tables(tx, store, entries)
            lost = _lost(tx, store, entries, promises)
        acknowledged = [entry for entry in entries if entry.header.seq in promises.entries]
        _check_blobs(store, entries, acknowledged)
        store.recover("audit")
        if store.head().size != len(entries) + 1:
            raise Broken("a recovered home does not take the next entry")
        _check_blobs(store, entries, acknowledged)
    return lost


def _verified_journal(tx: Tx, journal: JournalId, key: VerifierKey) -> list[Entry]:
    """The entries of a journal, after its tree, its head and its bodies were all found to agree."""
    log = Log(tx, journal)
    head = _head(log)
    if log.count() != head.size:
        raise Broken(f"the head of {journal} says {head.size} entries, and there are {log.count()}")
    entries = list(log.entries(0, head.size))
    frontier = EMPTY
    for entry, (stored,) in zip(entries, tx.all(_NODES, {"journal": journal}), strict=True):
        frontier, nodes = frontier.append(entry.leaf)
        if stored != nodes:
            raise Broken(f"the tree nodes of entry {entry.header.seq} are not those of the tree")
    checkpoint = open_checkpoint(head.checkpoint, key)
    if (checkpoint.size, checkpoint.root) != (head.size, head.root) or head.root != frontier.root():
        raise Broken(f"the checkpoint of {journal} is not of this tree")
    erased = _erased(entries)
    for entry in entries:
        if entry.body is None and entry.header.seq >= erased.get(entry.header.about, 0):
            raise Broken(f"entry {entry.header.seq} has lost its body")
    return entries


def _head(log: Log) -> Head:
    head = log.head()
    if head is None:
        raise Broken(f"{log.journal} has no head")
    return head


def _erased(entries: Iterable[Entry]) -> dict[str, int]:
    """Which subjects were erased, and by which entry."""
    return {entry.header.about: entry.header.seq for entry in entries if entry.header.kind == SubjectErased.KIND}


def _check_tables(tx: Tx, store: Store, entries: Sequence[Entry]) -> None:
    again = Database.in_memory((t.FOLDED,))
    folding.fold_range(again, tx, store.journal, 0, len(entries))
    folding.same_tables(tx, again, store.journal)
    if folding.stamped(tx, store.journal) != (folding.VERSION, len(entries)):
        raise Broken("the tables are not stamped with the fold of the whole journal")
    if faults := tx.integrity_faults():
        raise Broken(f"the database finds faults in itself: {faults[:3]}")


def _lost(tx: Tx, store: Store, entries: Sequence[Entry], promises: Promises) -> int:
    there = {entry.header.seq: home.fingerprint(entry.header_bytes) for entry in entries}
    lost = sum(there.get(seq) != fingerprint for seq, fingerprint in promises.entries.items())
    head = _head(Log(tx, store.journal))
    lost += head.cosigned_size < promises.cosigned
    if head.cosigned is not None:
        open_cosignature(head.cosigned, home.cosigner().verifier)
    if promises.cosigned:
        witness = store.layout.witness.read_bytes()
        open_cosignature(witness, home.cosigner().verifier)
        lost += open_checkpoint(witness, store.verifier).size < promises.cosigned
    orders = orders_of(store.journal)
    taken_up = Log(tx, orders).count()
    if taken_up:
        _verified_journal(tx, orders, home.orders_signer(store).verifier)
    return lost + (taken_up < promises.orders)


def _check_blobs(store: Store, entries: Sequence[Entry], acknowledged: Sequence[Entry]) -> None:
    """Every blob that an entry names is whole; those of a subject whose erasing was acknowledged are gone."""
    erased, gone = _erased(entries), _erased(acknowledged)
    for entry in entries:
        for digest in entry.header.blobs:
            if entry.header.about not in erased:
                store.sealed_blob(digest)
            elif entry.header.about in gone and store.holds_blob(digest):
                raise Broken(f"a blob of entry {entry.header.seq} is still there after it was erased")
