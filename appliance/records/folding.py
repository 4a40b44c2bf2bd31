"""Runs the fold: on new entries inside the commit, and over a whole journal when the tables are made again.

The tables are stamped with the version of the fold and of their own definitions, and with the position read. Where the
stamp differs, every table is dropped and folded again in one transaction. An erased subject folds to nothing but its
lines in the timeline, whether the bodies are still there or not; so a journal folds to the same tables before and
after its bodies are gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.kinds import OrdersApplied, SubjectErased, decode_body
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.folds import (
    ADD_TO_TIMELINE,
    FOLD_VERSION,
    FOLDS,
    Ops,
    blob_ops,
    header_ops,
    timeline_row,
    unreadable_ops,
)
from appliance.records.log import PAGE_ENTRIES, Log

Progress = Callable[[int, int], None]

_ERASED = select(t.erased.c.about).where(
    t.erased.c.journal == bindparam("journal"), t.erased.c.about == bindparam("about")
)
_ORDERS_SIZE = select(t.orders_state.c.size).where(t.orders_state.c.journal == bindparam("journal"))
_STAMP = select(t.stamps.c.version, t.stamps.c.position).where(t.stamps.c.journal == bindparam("journal"))
_DROP_STAMP = sa.delete(t.stamps).where(t.stamps.c.journal == bindparam("k_journal"))
_ADD_STAMP = sa.insert(t.stamps)
_MOVE_STAMP = (
    sa.update(t.stamps).where(t.stamps.c.journal == bindparam("k_journal")).values(position=bindparam("position"))
)


def no_progress(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def fold_version(tables: sa.MetaData = t.FOLDED) -> str:
    """Names this fold: its number, and the definitions of its tables."""
    dialect = sqlite.dialect()
    definitions = "".join(str(CreateTable(table).compile(dialect=dialect)) for table in tables.sorted_tables)
    return f"{FOLD_VERSION}-{hashlib.sha256(definitions.encode()).hexdigest()[:16]}"


VERSION: Final = fold_version()


class Folder:
    """Folds entries of one journal, in order, inside a transaction.

    Args:
        tx: where the tables are.
        log: where the journal's own entries and its orders are; at central another database than the tables.
        journal: a node's journal.
    """

    def __init__(self, tx: Tx, log: Tx, journal: JournalId) -> None:
        self._tx = tx
        self._log = log
        self._journal = journal
        self._erased: dict[str, bool] = {"-": False}

    def fold(self, entries: Sequence[Entry]) -> None:
        """Fold `entries`, which follow what was folded before.

        Raises:
            IntegrityError: orders are missing that were applied.
        """
        self._tx.many(ADD_TO_TIMELINE, [timeline_row(entry.header) for entry in entries])
        for entry in entries:
            self._fold_one(entry)

    def _fold_one(self, entry: Entry) -> None:
        header = entry.header
        self._run(header_ops(header))
        if self._is_erased(header.about):
            return
        self._run(blob_ops(header))
        fold = FOLDS.get(header.kind)
        if fold is None or entry.body is None:
            return
        try:
            body = decode_body(header.kind, entry.body)
        except IntegrityError:
            self._run(unreadable_ops(header))
            return
        if isinstance(body, OrdersApplied):
            self._fold_orders(body)
        self._run(fold(header, body))
        if isinstance(body, SubjectErased):
            self._erased[header.about] = True

    def _fold_orders(self, applied: OrdersApplied) -> None:
        row = self._tx.one(_ORDERS_SIZE, {"journal": self._journal})
        start = 0 if row is None else int(row[0])
        orders = Log(self._log, orders_of(self._journal))
        for order in orders.entries(start, applied.size):
            fold = FOLDS.get(order.header.kind)
            if fold is not None and order.body is not None:
                self._run(fold(order.header, decode_body(order.header.kind, order.body)))

    def _run(self, ops: Ops) -> None:
        for statement, values in ops:
            self._tx.run(statement, values)

    def _is_erased(self, about: str) -> bool:
        known = self._erased.get(about)
        if known is None:
            known = self._tx.one(_ERASED, {"journal": self._journal, "about": about}) is not None
            self._erased[about] = known
            if len(self._erased) > PAGE_ENTRIES * 100:
                self._erased = {"-": False}
        return known


def stamp(tx: Tx, journal: JournalId, position: int) -> None:
    """Say that the tables hold the fold of the first `position` entries, by this version."""
    if not tx.run(_MOVE_STAMP, {"k_journal": journal, "position": position}):
        tx.run(_ADD_STAMP, {"journal": journal, "version": VERSION, "position": position})


def stamped(tx: Tx, journal: JournalId) -> tuple[str, int] | None:
    """The version and position that the tables were stamped with, or None."""
    row = tx.one(_STAMP, {"journal": journal})
    return None if row is None else (str(row[0]), int(row[1]))


def is_current(tx: Tx, journal: JournalId) -> bool:
    """Whether this software's own fold made the tables."""
    found = stamped(tx, journal)
    return found is not None and found[0] == VERSION


def refold(tx: Tx, log: Tx, journals: Iterable[JournalId], progress: Progress = no_progress) -> None:
    """Drop the tables and fold every journal again; all of it in the transaction `tx`.

    Raises:
        IntegrityError: an entry is missing or not of its form; the old tables stay.
    """
    tx.drop_all_but(t.LOG)
    tx.create(t.FOLDED)
    for journal in journals:
        head = Log(log, journal).head()
        size = 0 if head is None else head.size
        tx.run(_DROP_STAMP, {"k_journal": journal})
        fold_range(tx, log, journal, 0, size, progress)
        stamp(tx, journal, size)


def fold_range(tx: Tx, log: Tx, journal: JournalId, start: int, stop: int, progress: Progress = no_progress) -> None:
    """Fold entries `start` to `stop` (excluded) of `journal`, page by page."""
    folder = Folder(tx, log, journal)
    source = Log(log, journal)
    for first in range(start, stop, PAGE_ENTRIES):
        last = min(first + PAGE_ENTRIES, stop)
        folder.fold(list(source.entries(first, last)))
        progress(last, stop)


def table_rows(tx: Tx) -> Iterable[tuple[str, list[Row]]]:
    """Every folded table with its rows in the order of its key: what two folds are compared by."""
    for table in t.FOLDED.sorted_tables:
        yield table.name, tx.all(select(table).order_by(*table.primary_key.columns))


def same_tables(left: Tx, right: Tx, journal: JournalId) -> None:
    """Compare two sets of folded tables.

    Raises:
        IntegrityError: names the first table that differs.
    """
    for (name, mine), (_, other) in zip(table_rows(left), table_rows(right), strict=True):
        if mine != other:
            raise IntegrityError(
                f"The table {name} of journal {journal[:8]}… is not what the journal says.",
                "Fold the tables again with `sanad journal verify --refold`.",
            )
