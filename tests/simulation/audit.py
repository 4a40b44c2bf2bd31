"""Opens a home after a fault as a node would, and holds it against what its writers had promised."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from sqlalchemy import delete, select

from appliance.journal.checkpoint import open_checkpoint, open_cosignature
from appliance.journal.entry import Entry, read_entry
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.kinds import SubjectErased
from appliance.journal.notes import VerifierKey
from appliance.journal.tree import EMPTY, leaf_hash
from appliance.journal.verify import verify_entries
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database, Tx
from appliance.records.failures import StoreMissing
from appliance.records.log import Head, Log
from appliance.store.store import COSIGNER, ORDERS_SIGNER, Store
from tests.simulation import home

_ROWS = {table.name: select(table).order_by(*table.primary_key.columns) for table in t.FOLDED.sorted_tables}
_WIPES = tuple(delete(table) for table in t.FOLDED.sorted_tables)


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
        _check_beginning(folder)
        return 0
    with home.reopen(folder).closing() as store:
        # A node whose enrolling was cut short knows no central yet.
        keys = {name: store.central_key(name) for name in (COSIGNER, ORDERS_SIGNER) if store.local(name)}
        cosigners = (keys[COSIGNER],) if keys else ()
        with store.read() as tx:
            entries = verified_journal(tx, store.journal, store.verifier, *cosigners)
            check_tables(tx, tx, store.journal, len(entries))
            lost = _lost(tx, store, entries, promises, keys)
        if not lost:
            _recover(store, entries, promises)
    with home.reopen(folder).closing() as store, store.read() as tx:
        if faults := tx.integrity_faults():
            raise Broken(f"the database finds faults in itself: {faults[:3]}")
    return lost


def _recover(store: Store, entries: Sequence[Entry], promises: Promises) -> None:
    acknowledged = [entry for entry in entries if entry.header.seq in promises.entries]
    _check_blobs(store, entries, acknowledged)
    store.recover("audit")
    if store.head().size != len(entries) + 1:
        raise Broken("a recovered home does not take the next entry")
    _check_blobs(store, entries, entries)


def _check_beginning(folder: Path) -> None:
    """A home that promised nothing yet has a whole store or none, and then one can be made."""
    try:
        home.reopen(folder).close()
    except StoreMissing:
        home.create(folder, random.Random(0)).close()


def verified_journal(tx: Tx, journal: JournalId, key: VerifierKey, *cosigners: VerifierKey) -> list[Entry]:
    """The entries of a journal that verifies: each there once, in its place."""
    log = Log(tx, journal)
    head = _head(log)
    rows = list(log.rows(0, max(head.size, log.count())))
    verdict = verify_entries(rows, key=key, head=head.checkpoint, cosigned=head.cosigned, cosigners=cosigners)
    if not verdict.consistent or (head.size, head.root) != _end_of(rows):
        raise Broken(f"the journal does not verify: {verdict.sentence}")
    return [read_entry(header, salt, body) for header, salt, body, _ in rows]


def _end_of(rows: Sequence[tuple[bytes, bytes | None, bytes | None, bytes]]) -> tuple[int, bytes]:
    """Size and root of the tree over some rows."""
    frontier = EMPTY
    for header, *_ in rows:
        frontier, _nodes = frontier.append(leaf_hash(header))
    return frontier.size, frontier.root()


def _head(log: Log) -> Head:
    head = log.head()
    if head is None:
        raise Broken(f"{log.journal} has no head")
    return head


def _erased(entries: Iterable[Entry]) -> dict[str, int]:
    """Which subjects were erased, and by which entry."""
    return {entry.header.about: entry.header.seq for entry in entries if entry.header.kind == SubjectErased.KIND}


def check_tables(tables: Tx, log: Tx, journal: JournalId, size: int) -> None:
    """The tables are what folding so many entries of a journal from its beginning gives.

    Raises:
        Broken: they are not.
    """
    again = _wiped()
    folding.fold_range(again, log, journal, 0, size)
    for table, rows in _ROWS.items():
        if tables.all(rows) != again.all(rows):
            raise Broken(f"the table {table} is not the fold of the journal")
    if folding.stamped(tables, journal) != (folding.VERSION, size):
        raise Broken("the tables are not stamped with the fold of the whole journal")


@cache
def _beside() -> Tx:
    return Database.in_memory((t.LOG, t.FOLDED))


def _wiped() -> Tx:
    """Empty tables in memory; made once, because making them costs more than folding a short journal."""
    tx = _beside()
    for wipe in _WIPES:
        tx.run(wipe)
    return tx


def _lost(tx: Tx, store: Store, entries: Sequence[Entry], promises: Promises, keys: Mapping[str, VerifierKey]) -> int:
    there = {entry.header.seq: home.fingerprint(entry.header_bytes) for entry in entries}
    lost = sum(there.get(seq) != fingerprint for seq, fingerprint in promises.entries.items())
    head = _head(Log(tx, store.journal))
    lost += head.cosigned_size < promises.cosigned
    if promises.cosigned:
        witness = store.layout.witness.read_bytes()
        open_cosignature(witness, keys[COSIGNER])
        lost += open_checkpoint(witness, store.verifier).size < promises.cosigned
    orders = orders_of(store.journal)
    taken_up = Log(tx, orders).count()
    if taken_up:
        verified_journal(tx, orders, keys[ORDERS_SIGNER])
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
