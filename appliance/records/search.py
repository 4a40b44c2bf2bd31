"""The index of words: following what was folded, finding by it, and checking it.

What is found is found by the words as `records.words` compares them, all of them, each by its beginning; the newest
first. Nothing is ranked: that would cost eight times as much, and a counter wants the newest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.ids import JournalId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.failures import StoreUnreadable
from appliance.records.statements import add_once, spelled
from appliance.records.words import Asked

INDEXED_EVERY: Final = 64
"""Entries after which their words go into the index, all at once."""
TRIED_FIRST: Final = 3
"""Times as many as are wanted that are looked through at once, where short beginnings stand for longer ones."""
SELDOM: Final = 4
"""A word fits seldom that fits fewer than one in so many."""
MAX_TRIED: Final = 1000

_STATE: Final = select(t.searched.c.number, t.searched.c.indexed).where(t.searched.c.journal == bindparam("journal"))
_NEXT_NUMBER: Final = select(sa.func.coalesce(sa.func.max(t.searched.c.number) + 1, 0))
_ADD_STATE: Final = add_once(t.searched)
_MOVE_STATE: Final = (
    sa.update(t.searched).where(t.searched.c.journal == bindparam("k_journal")).values(indexed=bindparam("indexed"))
)
_START_AGAIN: Final = sa.update(t.searched).values(indexed=0)

_COLUMNS: Final = ", ".join(t.WORDS)
_INDEX: Final = spelled(
    sqlite=f"INSERT INTO folded_words (rowid, {_COLUMNS}) SELECT place, {_COLUMNS} FROM folded_indexed"  # noqa: S608
    " WHERE journal = :journal AND seq >= :start ORDER BY seq",
    postgresql="SELECT 1 WHERE FALSE",
)
_TAKE_OUT: Final = spelled(
    sqlite=f"INSERT INTO folded_words (folded_words, rowid, {_COLUMNS}) SELECT 'delete', place, {_COLUMNS}"  # noqa: S608
    " FROM folded_indexed WHERE journal = :journal",
    postgresql="SELECT 1 WHERE FALSE",
)
_TEXT_OF_S: Final = " || ' ' || ".join(f"s.{name}" for name in t.WORDS)
_FIND: Final = spelled(
    sqlite=f"SELECT s.seq, s.about, s.what, {_TEXT_OF_S} FROM folded_words AS w"  # noqa: S608
    " CROSS JOIN folded_searchable AS s ON s.journal = :journal AND s.seq = w.rowid - :low"
    " WHERE w.folded_words MATCH :query AND w.rowid >= :low AND w.rowid < :high ORDER BY w.rowid DESC LIMIT :limit",
    # `query` as `to_tsquery` reads it: ('gul':* | 'gull':*) & 'khan':*
    postgresql=f"SELECT s.seq, s.about, s.what, {_TEXT_OF_S} FROM folded_searchable AS s"  # noqa: S608
    " WHERE s.journal = :journal AND s.seq >= 0 * :low AND s.seq < :high - :low"
    f" AND to_tsvector('simple', {_TEXT_OF_S}) @@ to_tsquery('simple', :query)"
    " ORDER BY s.seq DESC LIMIT :limit",
)
_CHECK: Final = spelled(
    sqlite="INSERT INTO folded_words (folded_words, rank) VALUES ('integrity-check', 1)",
    postgresql="SELECT 1 WHERE FALSE",
)
# How FTS5 keeps a segment: https://sqlite.org/src/file/ext/fts5/fts5_index.c, FTS5_SEGMENT_ROWID.
_LEAVES: Final = spelled(
    sqlite="SELECT id >> 37, id & 0x7fffffff, length(block), substr(block, 3, 2) FROM folded_words_data"
    " WHERE id > 10 AND (id >> 31) & 0x3f = 0",
    postgresql="SELECT 1 WHERE FALSE",
)
_FIRST_TERMS: Final = spelled(sqlite="SELECT segid, pgno >> 1 FROM folded_words_idx", postgresql="SELECT 1 WHERE FALSE")
_FOUND: Final = (t.searchable.c.seq, t.searchable.c.about, t.searchable.c.what)
_TEXT: Final[sa.ColumnElement[str]] = sa.literal_column(
    " || ' ' || ".join(f"{t.searchable.name}.{name}" for name in t.WORDS), sa.Text
)
_NOT_YET: Final = (
    select(*_FOUND, _TEXT)
    .where(
        t.searchable.c.journal == bindparam("journal"),
        t.searchable.c.seq >= bindparam("start"),
        t.searchable.c.seq < bindparam("stop"),
    )
    .order_by(t.searchable.c.seq.desc())
)


@dataclass(frozen=True, slots=True)
class Found:
    """A subject that was found.

    Attributes:
        seq: the entry that began it.
        about: the subject.
        what: `person`, `application` and the like: what its fold calls it.
        text: all the words by which it is found, each behind a space.
    """

    seq: int
    about: str
    what: str
    text: str


# Following


def follow(tx: Tx, journal: JournalId, size: int) -> None:
    """Bring the index up to the first `size` entries, if enough of them are new to it."""
    row = tx.one(_STATE, {"journal": journal})
    if row is None:
        number = tx.one(_NEXT_NUMBER)
        tx.run(_ADD_STATE, {"journal": journal, "number": 0 if number is None else number[0], "indexed": 0})
    indexed = 0 if row is None else int(row[1])
    if size - indexed >= INDEXED_EVERY:
        tx.run(_MOVE_STATE, {"k_journal": journal, "indexed": size})
        tx.run(_INDEX, {"journal": journal, "start": indexed})


def start_again(tx: Tx) -> None:
    """Forget how far the index had come, because it was dropped; the journals keep their numbers."""
    tx.run(_START_AGAIN)


def forget(tx: Tx, journal: JournalId) -> None:
    """Take the words of a journal out of the index, before its rows go."""
    tx.run(_TAKE_OUT, {"journal": journal})
    tx.run(_MOVE_STATE, {"k_journal": journal, "indexed": 0})


def check(tx: Tx) -> None:
    """Compare the index with the words that it was made from, every one of them. Takes the database's write lock.

    Raises:
        StoreUnreadable: it differs.
    """
    tx.run(_CHECK)
    # It does not see that a page of words is missing from the list of their first words.
    listed = {(row[0], row[1]) for row in tx.each(_FIRST_TERMS)}
    for segment, page, length, words_end in tx.each(_LEAVES):
        if int.from_bytes(words_end, "big") < length and (segment, page) not in listed:
            raise StoreUnreadable


# Finding


def find(tx: Tx, journal: JournalId, asked: Asked, *, limit: int, before: int | None = None) -> list[Found]:
    """The subjects that have a word for every group of `asked`, the newest first.

    Args:
        tx: inside which transaction.
        journal: of which node.
        asked: groups of beginnings; each group is met by any one of its own.
        limit: how many at the most.
        before: only what began before this entry: the `seq` of the last one of the page before.
    """
    if not asked or limit <= 0:
        return []
    row = tx.one(_STATE, {"journal": journal})
    number, indexed = (0, 0) if row is None else (int(row[0]), int(row[1]))
    stop = 1 << t.SEQ_BITS if before is None else before
    recent = (_found(each) for each in tx.all(_NOT_YET, {"journal": journal, "start": indexed, "stop": stop}))
    found = [each for each in recent if fits(each, asked)][:limit]
    if len(found) < limit:
        older = _Index(tx, journal, number, min(stop, indexed))
        found += older.find(asked, limit - len(found))
    return found


def fits(found: Found, asked: Asked) -> bool:
    """Whether a subject has a word for every group."""
    return all(any(f" {word}" in found.text for word in group) for group in asked)


class _Index:
    """The index of one journal, up to an entry."""

    def __init__(self, tx: Tx, journal: JournalId, number: int, stop: int) -> None:
        self._tx = tx
        self._journal = journal
        self._low = number << t.SEQ_BITS
        self._stop = stop

    def find(self, asked: Asked, limit: int) -> list[Found]:
        # The index answers short beginnings at once; a longer one costs as much as there are words that begin so. So
        # the short ones are asked for, and what is found is looked through; a word that seldom fits it is rare enough
        # to be asked for as a whole from there on.
        now = tuple(tuple(word if _is_rare(word) else word[: t.PREFIXES] for word in group) for group in asked)
        wanted = limit if now == asked else min(limit * TRIED_FIRST, MAX_TRIED)
        found: list[Found] = []
        stop = self._stop
        while True:
            tried = self._matching(now, wanted, stop)
            found += [each for each in tried if fits(each, asked)]
            if len(found) >= limit or len(tried) < wanted:
                return found[:limit]
            stop = tried[-1].seq
            now = tuple(
                whole if sum(fits(each, (whole,)) for each in tried) * SELDOM < wanted else short
                for whole, short in zip(asked, now, strict=True)
            )

    def _matching(self, asked: Asked, limit: int, stop: int) -> list[Found]:
        values = {"query": _query(asked), "low": self._low, "high": self._low | stop, "limit": limit}
        return [_found(row) for row in self._tx.all(_FIND, {**values, "journal": self._journal})]


def _is_rare(word: str) -> bool:
    """Whether few words can begin as this one does: it is most of a number."""
    return len(word) > t.PREFIXES and word[: t.PREFIXES].isdigit()


def _found(row: Row) -> Found:
    return Found(row[0], row[1], row[2], f" {row[3]}")


def _query(asked: Asked) -> str:
    """As FTS5 reads it. A folded word holds no quotation mark."""
    return " AND ".join("(" + " OR ".join(f'"{word}"*' for word in group) + ")" for group in asked)
