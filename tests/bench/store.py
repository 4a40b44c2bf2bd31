"""Figures of the store: one act, four processes, folding again, sealing, verifying."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.access.session import Role
from appliance.journal import kinds as k
from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.entry import make_entry
from appliance.journal.ids import Kind
from appliance.journal.verify import verify_entries
from appliance.records import folding
from appliance.records.database import Database
from appliance.records.folding import Folder
from appliance.records.log import Log
from appliance.sealing import age
from appliance.store.commit import Draft
from appliance.store.verify import verify_home
from tests.bench.figures import Figure, medians_ms, timed_ms
from tests.support import casework as applications
from tests.support.casework import Person
from tests.support.nodes import Node, staffed_node

COMMITS: Final = 600
ENTRIES: Final = 100_000
PROCESSES: Final = 4
PER_PROCESS: Final = 250
SEALED_BYTES: Final = 200_000
_PAGE: Final = 5_000


class Bare:
    """The peer: the standard library's sqlite3, one row a commit, WAL and synchronous=FULL, no encryption."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=60)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS entries"
            " (seq INTEGER PRIMARY KEY, header BLOB, salt BLOB, body BLOB, nodes BLOB)"
        )

    def commit(self, row: tuple[bytes, bytes, bytes, bytes]) -> None:
        """One durable commit of one row."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO entries (header, salt, body, nodes) VALUES (?, ?, ?, ?)", row)
        self._connection.execute("COMMIT")


def fill(node: Node, count: int, body_of: Callable[[int], k.Body] | None = None) -> None:
    """Write `count` entries in bulk, as the commit would, `_PAGE` a transaction.

    They say what `body_of` answers for a position; without it, half are people and half applications.
    """
    store, by = node.store, node.session("omar", Role.OPERATOR).actor
    database = Database(store.layout.database, node.key, lock=store.layout.lock)
    start = store.head().size
    for first in range(start, start + count, _PAGE):
        with database.write() as tx:
            log = Log(tx, store.journal)
            entries = [
                make_entry(
                    journal=store.journal,
                    seq=seq,
                    at=store.now(),
                    by=by,
                    kind=Kind(body.KIND),
                    about=store.new_id(),
                    body=k.encode_body(body),
                    salt=os.urandom(16),
                )
                for seq in range(first, min(first + _PAGE, start + count))
                for body in (body_of(seq) if body_of is not None else _specimen(seq, store.new_id()),)
            ]
            frontier = log.append(entries, log.frontier())
            Folder(tx, tx, store.journal).fold(entries)
            folding.stamp(tx, store.journal, frontier.size)
            head = Checkpoint(store.signer.name, frontier.size, frontier.root())
            log.set_head(frontier, sign_checkpoint(head, store.signer))
    database.close()


def _specimen(seq: int, applicant: str) -> k.Body:
    if seq % 2:
        return k.PersonAdded(name=f"Specimen {seq}", name_native="نمونہ", identity_kind="cnic", identity_number="0")
    fields = {"purpose": "study", "district": "Peshawar", "tehsil": "Peshawar", "address": f"House {seq}, Street 1"}
    return k.ApplicationSubmitted(
        tracking=f"PEW01-2026-{seq:06d}-X", service="domicile", applicant=applicant, fields=fields
    )


def one_act(folder: Path, node: Node) -> list[Figure]:
    """One act against a bare commit of the same bytes, in turns."""
    bare = Bare(folder / "bare.db")
    session = node.session("omar", Role.OPERATOR)
    last = node.store.head().size - 1
    with node.store.read() as tx:
        header, salt, body, _ = next(Log(tx, node.store.journal).rows(last, last + 1))
    row = (header, salt or b"", body or b"", b"\0" * 64)
    draft = Draft(_specimen(1, ""), "-")

    def act() -> None:
        node.store.commit(session, lambda _: [Draft(draft.body, node.store.new_id())])

    size = node.store.head().size
    ours, theirs = medians_ms(COMMITS, act, lambda: bare.commit(row))
    ratio = theirs / ours
    return [
        Figure(
            "one act: entry, fold, tree, checkpoint, durable encrypted commit",
            ours,
            "ms",
            "bare sqlite3 commit of the same bytes",
            theirs,
            ratio,
            "≥ 0.35 ×",
            ratio >= 0.35,
            f"medians of {COMMITS} commits each, in turns; store of {size:,} entries; "
            f"fsync of 4 KiB {_fsync_ms(folder):.2f} ms",
        )
    ]


def four_processes(folder: Path, node: Node) -> list[Figure]:
    """Four processes that commit at once, into the store and into a bare database behind the same kind of lock."""
    ours = _race(_commit_some, str(node.store.layout.home), node)
    path = folder / "bare-four.db"
    Bare(path)
    theirs = _race(_commit_bare, str(path), node)
    ratio = ours / theirs
    return [
        Figure(
            "four processes committing at once",
            ours,
            "commits/s",
            "bare sqlite3, its own waiting",
            theirs,
            ratio,
            None,
            None,
            f"{PROCESSES} processes, {PER_PROCESS} commits each; all of them counted afterwards",
        )
    ]


def _race(work: object, place: str, node: Node) -> float:
    context = multiprocessing.get_context("fork")
    before = node.store.head().size
    start = time.perf_counter()
    processes = [context.Process(target=work, args=(place, node)) for _ in range(PROCESSES)]  # type: ignore[arg-type]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    elapsed = time.perf_counter() - start
    if any(process.exitcode for process in processes):
        raise RuntimeError("a writer failed")
    after = node.store.head().size
    if work is _commit_some and after - before != PROCESSES * PER_PROCESS:
        raise RuntimeError("a commit was lost")
    return PROCESSES * PER_PROCESS / elapsed


def _commit_some(_: str, node: Node) -> None:
    store = node.reopen()
    session = node.session("omar", Role.OPERATOR)
    for number in range(PER_PROCESS):
        applications.add_person(store, session, Person(f"Specimen {number}"))


def _commit_bare(path: str, _: Node) -> None:
    bare = Bare(Path(path))
    row = (b"h" * 330, b"s" * 16, b"b" * 110, b"n" * 64)
    for _number in range(PER_PROCESS):
        bare.commit(row)


def fold_again(node: Node) -> list[Figure]:
    """All tables dropped and folded again."""
    size = node.store.head().size
    seconds = timed_ms(node.store.refold) / 1000
    limit = 60 * size / 1_000_000
    return [
        Figure(
            "fold again",
            seconds,
            "s",
            None,
            None,
            None,
            "≤ 60 s a million entries",
            seconds <= limit,
            f"{size:,} entries: {seconds / size * 1e6:.1f} s a million",
        )
    ]


def verify(node: Node) -> list[Figure]:
    """Every header, body, tree node and signature of the journal; then a whole home, tables and pages too."""
    head = node.store.head()

    def journal() -> None:
        with node.store.read() as tx:
            rows = Log(tx, node.store.journal).rows(0, head.size)
            verdict = verify_entries(rows, key=node.store.verifier, head=head.checkpoint)
        if not verdict.consistent:
            raise RuntimeError(verdict.sentence)

    def home() -> None:
        report = verify_home(node.store.layout, node.key)
        if not report.ok:
            raise RuntimeError(" ".join(report.reasons))

    conditions = f"{head.size:,} entries"
    return [
        Figure("verify the journal", timed_ms(journal) / 1000, "s", None, None, None, None, None, conditions),
        Figure(
            "verify a whole home: pages, journal, tables folded again and compared",
            timed_ms(home) / 1000,
            "s",
            None,
            None,
            None,
            None,
            None,
            conditions,
        ),
    ]


def sealing() -> list[Figure]:
    """Seal to two recipients, and open."""
    identities = [age.new_identity(), age.new_identity()]
    recipients = [age.recipient_of(each) for each in identities]
    plain = os.urandom(SEALED_BYTES)
    sealed = age.seal(plain, recipients)
    seal_ms, open_ms = medians_ms(
        200, lambda: age.seal(plain, recipients), lambda: age.open_sealed(sealed, identities[0])
    )
    conditions = f"{SEALED_BYTES // 1000} KB, random; medians of 200"
    return [
        Figure("seal a paper to node and central", seal_ms, "ms", None, None, None, None, None, conditions),
        Figure("open a sealed paper", open_ms, "ms", None, None, None, None, None, conditions),
    ]


def _fsync_ms(folder: Path) -> float:
    times = []
    with (folder / "fsync").open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(b"\0" * 4096)
            times.append(timed_ms(lambda: os.fsync(file.fileno())))
    return statistics.median(times)


def prepare(folder: Path) -> Node:
    """A staffed node with `ENTRIES` entries."""
    node = staffed_node(folder / "home")
    fill(node, ENTRIES)
    return node
