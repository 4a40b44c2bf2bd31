"""The entry log of one journal in a database: entries, their tree nodes, and the head.

Used by the node's store, by central's archive and for the orders journals alike. It stores what it is given; what may
be given is decided above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.entry import Entry, kept_entry, read_entry
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import JournalId
from appliance.journal.tree import EMPTY, HASH_BYTES, Frontier, frontier_at, node_place
from appliance.records import tables as t
from appliance.records.database import Row, Tx

PAGE_ENTRIES: Final = 1000

_ADD = sa.insert(t.entries)
_NODE = select(sa.func.substr(t.entries.c.nodes, bindparam("start"), HASH_BYTES)).where(
    t.entries.c.journal == bindparam("journal"), t.entries.c.seq == bindparam("seq")
)
_PAGE = (
    select(t.entries.c.header, t.entries.c.salt, t.entries.c.body, t.entries.c.nodes)
    .where(
        t.entries.c.journal == bindparam("journal"),
        t.entries.c.seq >= bindparam("start"),
        t.entries.c.seq < bindparam("stop"),
    )
    .order_by(t.entries.c.seq)
)
_EVERY = (
    select(
        t.entries.c.seq,
        t.entries.c.about,
        t.entries.c.header,
        t.entries.c.salt,
        t.entries.c.body,
        t.entries.c.nodes,
    )
    .where(t.entries.c.journal == bindparam("journal"))
    .order_by(t.entries.c.seq)
)
_COUNT = select(sa.func.count()).where(t.entries.c.journal == bindparam("journal"))
_HEAD = select(t.heads.c.size, t.heads.c.root, t.heads.c.checkpoint, t.heads.c.cosigned_size, t.heads.c.cosigned).where(
    t.heads.c.journal == bindparam("journal")
)
_FIRST_HEAD = sa.insert(t.heads)
_NEXT_HEAD = (
    sa.update(t.heads)
    .where(t.heads.c.journal == bindparam("k_journal"))
    .values(size=bindparam("size"), root=bindparam("root"), checkpoint=bindparam("checkpoint"))
)
_COSIGNED = (
    sa.update(t.heads)
    .where(t.heads.c.journal == bindparam("k_journal"), t.heads.c.cosigned_size <= bindparam("k_size"))
    .values(cosigned_size=bindparam("k_size"), cosigned=bindparam("cosigned"))
)
_ERASE = (
    sa.update(t.entries)
    .where(
        t.where_key(t.entries),
        t.ABOUT_SOMEBODY,
        t.entries.c.seq < bindparam("k_before"),
        t.entries.c.body.is_not(None),
    )
    .values(salt=sa.null(), body=sa.null())
)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a journal stands: its newest checkpoint, and the newest one that central countersigned."""

    size: int
    root: bytes
    checkpoint: bytes
    cosigned_size: int
    cosigned: bytes | None


class Log:
    """One journal's entries inside a transaction."""

    def __init__(self, tx: Tx, journal: JournalId) -> None:
        self._tx = tx
        self.journal = journal

    def head(self) -> Head | None:
        """The head, or None before the first entry."""
        row = self._tx.one(_HEAD, {"journal": self.journal})
        return None if row is None else Head(*row)

    def read_node(self, level: int, index: int) -> bytes:
        """A stored node of the tree.

        Raises:
            IntegrityError: it is not there.
        """
        seq, offset = node_place(level, index)
        row = self._tx.one(_NODE, {"journal": self.journal, "seq": seq, "start": offset + 1})
        if row is None or len(row[0]) != HASH_BYTES:
            raise IntegrityError(f"The tree of the journal has a hole at entry {seq}.", "Run `sanad journal verify`.")
        return bytes(row[0])

    def frontier(self) -> Frontier:
        """The right edge of the tree, from stored nodes.

        Raises:
            IntegrityError: the nodes do not make the root that the head names.
        """
        head = self.head()
        if head is None:
            return EMPTY
        frontier = frontier_at(head.size, self.read_node)
        if frontier.root() != head.root:
            raise IntegrityError("The tree of the journal does not match its head.", "Run `sanad journal verify`.")
        return frontier

    def count(self) -> int:
        """How many rows there are; differs from the head's size only where something is wrong."""
        row = self._tx.one(_COUNT, {"journal": self.journal})
        return 0 if row is None else int(row[0])

    def rows(self, start: int, stop: int) -> Iterator[tuple[bytes, bytes | None, bytes | None, bytes]]:
        """Header, salt, body and nodes of entries `start` to `stop` (excluded), as stored, paged."""
        for first in range(start, stop, PAGE_ENTRIES):
            last = min(first + PAGE_ENTRIES, stop)
            yield from self._tx.all(_PAGE, {"journal": self.journal, "start": first, "stop": last})

    def stored(self) -> Iterator[Row]:
        """Every row of this journal as it is stored: position, subject, header, salt, body, nodes. For verifying."""
        return self._tx.each(_EVERY, {"journal": self.journal})

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Entries `start` to `stop` (excluded), each read strictly.

        Raises:
            IntegrityError: one is missing or not what it says it is.
        """
        return self._entries(start, stop, read_entry)

    def kept(self, start: int, stop: int) -> Iterator[Entry]:
        """Entries `start` to `stop` (excluded), as they were stored: for folding, twice as quick as `entries`.

        Raises:
            IntegrityError: one is missing.
        """
        return self._entries(start, stop, kept_entry)

    def _entries(
        self, start: int, stop: int, read: Callable[[bytes, bytes | None, bytes | None], Entry]
    ) -> Iterator[Entry]:
        expected = start
        for header, salt, body, _ in self.rows(start, stop):
            entry = read(header, salt, body)
            if entry.header.seq != expected or entry.header.journal != self.journal:
                break
            expected += 1
            yield entry
        if expected < stop:
            raise IntegrityError(f"Entry {expected} of the journal is missing.", "Run `sanad journal verify`.")

    def append(self, entries: Sequence[Entry], frontier: Frontier) -> Frontier:
        """Store `entries` behind `frontier`; answers the new right edge. The head is set by `set_head`.

        Raises:
            BugError: an entry is of another journal, or does not follow.
        """
        rows = []
        for entry in entries:
            if entry.header.journal != self.journal or entry.header.seq != frontier.size:
                raise BugError("An entry was to be stored where it does not belong.")
            frontier, nodes = frontier.append(entry.leaf)
            rows.append(
                {
                    "journal": self.journal,
                    "seq": entry.header.seq,
                    "about": entry.header.about,
                    "header": entry.header_bytes,
                    "salt": entry.salt,
                    "body": entry.body,
                    "nodes": nodes,
                }
            )
        self._tx.many(_ADD, rows)
        return frontier

    def set_head(self, frontier: Frontier, checkpoint: bytes) -> None:
        """Make `checkpoint`, a signed note over `frontier`, the newest one."""
        values = {"size": frontier.size, "root": frontier.root(), "checkpoint": checkpoint}
        if not self._tx.run(_NEXT_HEAD, {**values, "k_journal": self.journal}):
            self._tx.run(_FIRST_HEAD, {**values, "journal": self.journal, "cosigned_size": 0, "cosigned": None})

    def set_cosigned(self, size: int, note: bytes) -> None:
        """Remember the note that central countersigned; an older one than is known changes nothing."""
        self._tx.run(_COSIGNED, {"k_journal": self.journal, "k_size": size, "cosigned": note})

    def erase(self, about: str, before_seq: int) -> int:
        """Forget the bodies of entries about `about` before `before_seq`; answers how many.

        What is about nobody in particular (`-`) is never forgotten.
        """
        return self._tx.run(_ERASE, {"k_journal": self.journal, "k_about": about, "k_before": before_seq})
