"""Runs the fold: on new entries inside the commit, and over a whole journal when the tables are made again.

The tables are stamped with the version of the fold and of their own definitions, and with the position read. Where the
stamp differs, every table is dropped and folded again in one transaction. An erased subject folds to nothing but its
lines in the timeline, whether the bodies are still there or not; so a journal folds to the same tables before and
after its bodies are gone.

Whatever `read_entry` accepts folds to something, or to nothing; it never stops a fold. The one exception is an entry
that takes up orders which are not there yet (`OrdersMissing`): what follows depends on them. Where a fold function is
wrong and throws all the same, an order is set aside by name and the others hold; an entry of the journal raises, and
whoever folds says what becomes of it: a commit is refused, central sets it aside (`records.aside`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.entry import Entry, Header
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import NOBODY, JournalId, orders_of
from appliance.journal.kinds import OrdersApplied, SubjectErased, decode_body
from appliance.journal.tree import root_at
from appliance.records import search
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.definitions import definitions
from appliance.records.folds import (
    ADD_TO_TIMELINE,
    FOLD_VERSION,
    FOLDS,
    ORDER_FOLDS,
    Fold,
    Ops,
    blob_ops,
    given,
    header_ops,
    timeline_row,
    unreadable_ops,
)
from appliance.records.log import PAGE_ENTRIES, Log
from appliance.records.poison import is_poison, set_aside, undone_alone
from appliance.records.statements import adds_to

REMEMBERED_SUBJECTS: Final = 100_000
"""Subjects of which a fold knows by heart whether they were erased."""

Progress = Callable[[int, int], None]

_ERASED = select(t.erased.c.about).where(
    t.erased.c.journal == bindparam("journal"), t.erased.c.about == bindparam("about")
)
_ORDERS_SIZE = select(t.orders_state.c.size).where(t.orders_state.c.journal == bindparam("journal"))
_STAMP = select(t.stamps.c.version, t.stamps.c.position).where(t.stamps.c.journal == bindparam("journal"))
_DROP_STAMPS = sa.delete(t.stamps)
_ADD_STAMP = sa.insert(t.stamps)
_MOVE_STAMP = (
    sa.update(t.stamps)
    .where(t.stamps.c.journal == bindparam("k_journal"))
    .values(version=bindparam("version"), position=bindparam("position"))
)
_EVERY_ROW: Final = tuple(
    (table.name, select(table).order_by(*table.primary_key.columns)) for table in t.FOLDED.sorted_tables
)
_ROWS_OF: Final = tuple(
    (table.name, select(table).where(table.c.journal == bindparam("journal")).order_by(*table.primary_key.columns))
    for table in t.FOLDED.sorted_tables
)


class OrdersMissing(IntegrityError):
    """The journal takes up more of central's orders than are held here."""

    def __init__(self) -> None:
        super().__init__(
            "The journal takes up orders that are not held here.",
            "At central: let the node hand back the tail of its orders. At a node: run `sanad journal verify`.",
        )


def no_progress(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


def fold_version(tables: sa.MetaData = t.FOLDED, number: int = FOLD_VERSION) -> str:
    """Names this fold: its number, and the definitions of its tables."""
    text = "".join(each for table in tables.sorted_tables for each in definitions(table))
    return f"{number}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


VERSION: Final = fold_version()


class _NotMeant(Exception):
    """It went well, and is undone: it was a try."""


class Folder:
    """Folds entries of one journal, in order, inside a transaction.

    Args:
        tx: where the tables are.
        log: where the journal's own entries and its orders are; at central another database than the tables.
        journal: a node's journal.
        from_start: whether nothing of the journal was folded before, so that nothing in it was erased yet.
    """

    def __init__(self, tx: Tx, log: Tx, journal: JournalId, *, from_start: bool = False) -> None:
        self._from_start = from_start
        self._tx = tx
        self._log = log
        self._journal = journal
        self._erased: dict[str, bool] = {}
        # What only adds waits for the end of its page, or for a statement that does more, and goes in bulk.
        self._additions: dict[sa.Table, tuple[sa.Executable, list[Mapping[str, object]]]] = {}

    def fold(self, entries: Sequence[Entry]) -> None:
        """Fold `entries`, which follow what was folded before.

        Raises:
            OrdersMissing: orders are taken up that are not there.
        """
        self._tx.many(ADD_TO_TIMELINE, [timeline_row(entry.header) for entry in entries])
        for entry in entries:
            self._fold_one(entry)
        self._add()

    def fold_header(self, header: Header) -> None:
        """Fold only what an entry's header says, whatever its kind."""
        self._tx.run(ADD_TO_TIMELINE, timeline_row(header))
        self._header(header)
        self._add()

    def _header(self, header: Header) -> bool:
        """Answers whether anything more may be folded: the subject was not erased."""
        self._run(header_ops(header))
        if self._is_erased(header.about):
            return False
        self._run(blob_ops(header))
        return True

    def _fold_one(self, entry: Entry) -> None:
        header = entry.header
        if not self._header(header):
            return
        fold = FOLDS.get(header.kind)
        if fold is not None:
            self._run(self._ops(fold, header, entry.body))
        if header.kind == SubjectErased.KIND and header.about != NOBODY:
            self._erased[header.about] = True

    def _ops(self, fold: Fold, header: Header, encoded: bytes | None) -> Ops:
        if fold.by_header and fold.suits(header):
            return fold.ops(header, None)
        if encoded is None:
            return iter(())
        body = _body(fold, header, encoded)
        if body is None or (isinstance(body, OrdersApplied) and not self._take_up(body)):
            return unreadable_ops(header)
        return fold.ops(header, body)

    def _take_up(self, applied: OrdersApplied) -> bool:
        """Fold the orders that hold from here on; False where these were taken up before."""
        self._add()
        row = self._tx.one(_ORDERS_SIZE, {"journal": self._journal})
        start = 0 if row is None else int(row[0])
        if applied.size <= start:
            return False
        orders = Log(self._log, orders_of(self._journal))
        head = orders.head()
        if head is None or head.size < applied.size or root_at(applied.size, orders.read_node).hex() != applied.root:
            # Fewer, or others: central was put back from a backup, and the node has yet to show what it holds.
            raise OrdersMissing
        for order in orders.entries(start, applied.size):
            self._run(iter((given(order.header),)))
            fold = ORDER_FOLDS.get(order.header.kind)
            if fold is None or order.body is None:
                continue
            self._obey(fold, order.header, order.body)
        return True

    def _obey(self, fold: Fold, header: Header, encoded: bytes) -> None:
        """Fold one order, or set it aside: another software may be able to, and the others do not depend on it."""
        self._add()
        try:
            with undone_alone(self._tx):
                body = _body(fold, header, encoded)
                if body is not None:
                    self._run(fold.ops(header, body))
                    self._add()
        except Exception as error:
            if not is_poison(error):
                raise
            self._additions.clear()
            set_aside(self._tx, header, error)

    def try_one(self, entry: Entry) -> None:
        """Do what the kind of an entry or an order says, and nothing else; raises what its fold raises."""
        fold = (FOLDS if entry.header.journal == self._journal else ORDER_FOLDS).get(entry.header.kind)
        if fold is not None:
            self._run(self._ops(fold, entry.header, entry.body))
        self._add()

    def _run(self, ops: Ops) -> None:
        for statement, values in ops:
            table = adds_to(statement)
            if table is None:
                self._add()
                self._tx.run(statement, values)
                continue
            waiting = self._additions.get(table)
            if waiting is not None and waiting[0] is not statement:
                # Two ways of adding to one table keep their order.
                self._add()
                waiting = None
            if waiting is None:
                waiting = self._additions[table] = (statement, [])
            waiting[1].append(values)

    def _add(self) -> None:
        for statement, rows in self._additions.values():
            if len(rows) == 1:
                self._tx.run(statement, rows[0])
            else:
                self._tx.many(statement, rows)
        self._additions.clear()

    def _is_erased(self, about: str) -> bool:
        if about == NOBODY:
            return False
        known = self._erased.get(about)
        if known is None and self._from_start:
            return False
        if known is None:
            if len(self._erased) >= REMEMBERED_SUBJECTS:
                self._erased.clear()
            self._add()
            known = self._tx.one(_ERASED, {"journal": self._journal, "about": about}) is not None
            self._erased[about] = known
        return known


def try_fold(tx: Tx, log: Tx, journal: JournalId, source: JournalId, seq: int) -> bool:
    """Whether one entry or order that was set aside folds now; the tables stay as they are.

    Args:
        tx: where the tables are.
        log: where the entries are.
        journal: the node's.
        source: the journal that holds it: the node's own, or that of its orders.
        seq: its place there.
    """
    try:
        with undone_alone(tx):
            for entry in Log(log, source).kept(seq, seq + 1):
                Folder(tx, log, journal).try_one(entry)
            raise _NotMeant
    except _NotMeant:
        return True
    except Exception as error:
        if not is_poison(error):
            raise
    return False


def _body(fold: Fold, header: Header, encoded: bytes) -> Any:
    """What an entry of a known kind says; None where its body or its subject does not fit the kind."""
    if not fold.suits(header):
        return None
    try:
        return decode_body(header.kind, encoded)
    except IntegrityError:
        return None


def stamp(tx: Tx, journal: JournalId, position: int) -> None:
    """Say that the tables hold the fold of the first `position` entries, by this version; the index follows them."""
    search.follow(tx, journal, position)
    if not tx.run(_MOVE_STAMP, {"k_journal": journal, "version": VERSION, "position": position}):
        tx.run(_ADD_STAMP, {"journal": journal, "version": VERSION, "position": position})


def stamped(tx: Tx, journal: JournalId) -> tuple[str, int] | None:
    """The version and position that the tables were stamped with, or None."""
    row = tx.one(_STAMP, {"journal": journal})
    return None if row is None else (str(row[0]), int(row[1]))


def is_current(tx: Tx, journal: JournalId, size: int) -> bool:
    """Whether this software's own fold made the tables, of exactly `size` entries."""
    return stamped(tx, journal) == (VERSION, size)


def refold(tx: Tx, log: Tx, journals: Iterable[JournalId], progress: Progress = no_progress) -> None:
    """Drop the tables and fold every journal again; all of it in the transaction `tx`.

    Raises:
        IntegrityError: an entry is missing or not of its form, or orders are missing; the old tables stay.
    """
    tx.drop_all_like(t.FOLDED_PREFIX)
    tx.create(t.LOG)
    tx.create(t.FOLDED, to_fill=True)
    search.start_again(tx)
    tx.run(_DROP_STAMPS)
    for journal in journals:
        head = Log(log, journal).head()
        size = 0 if head is None else head.size
        fold_range(tx, log, journal, 0, size, progress)
        stamp(tx, journal, size)
    tx.index(t.FOLDED)


def fold_range(tx: Tx, log: Tx, journal: JournalId, start: int, stop: int, progress: Progress = no_progress) -> None:
    """Fold entries `start` to `stop` (excluded) of `journal`, page by page."""
    folder = Folder(tx, log, journal, from_start=start == 0)
    source = Log(log, journal)
    for first in range(start, stop, PAGE_ENTRIES):
        last = min(first + PAGE_ENTRIES, stop)
        folder.fold(list(source.kept(first, last)))
        progress(last, stop)


def table_rows(tx: Tx) -> Iterator[tuple[str, list[Row]]]:
    """Every folded table of all journals, with its rows in the order of its key."""
    for name, every_row in _EVERY_ROW:
        yield name, tx.all(every_row)


def same_tables(left: Tx, right: Tx, journal: JournalId) -> None:
    """Compare what two sets of folded tables hold of a journal.

    Raises:
        IntegrityError: names the first table that differs.
    """
    of_journal: Mapping[str, object] = {"journal": journal}
    for name, rows in _ROWS_OF:
        pairs = zip_longest(left.each(rows, of_journal), right.each(rows, of_journal))
        if any(mine != other for mine, other in pairs):
            raise IntegrityError(
                f"The table {name} of journal {journal[:8]}… is not what the journal says.",
                "Stop, keep it as it is, and call central IT; the journal itself may be whole.",
            )
