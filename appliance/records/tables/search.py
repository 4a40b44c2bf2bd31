"""What people search by: the words of each subject, and the index over them.

`searchable` is folded like every other table, one row a subject, so that it is compared and erased like every other.
The index over it (SQLite's FTS5) is made from it, some entries behind: `searched` says how far, and search looks
through the rest row by row. So a commit touches the index once in `search.INDEXED_EVERY` entries, and a refold makes it
in one go. A row's place in the index is its journal's number and its entry's position, so that the newest come first.

On PostgreSQL the index is one over an expression, which the database itself keeps; see `statements.spelled`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from appliance.records.tables.base import ALONGSIDE, BY_SEQ, LOG, number, of_a_subject, text
from appliance.records.tables.node import timeline

WORDS: Final = (
    "name",
    "name_native",
    "father_name",
    "father_name_native",
    "mother_name",
    "mother_name_native",
    "born",
    "identity_number",
    "identity_mark",
    "phone",
    "title",
    "certificate",
    "more",
)
"""The columns that hold words: those of a person by the names of `people`, then what a case is called and says."""

searchable: Final = of_a_subject(
    "searchable",
    number("seq", primary_key=True),
    text("about"),
    text("what"),
    *(text(name) for name in WORDS),
)
# No index over `about`: which entries are about a subject is in the timeline, and every index costs each commit a page.
searchable.info[BY_SEQ] = timeline

# `number`: the journal's own, in this database. `indexed`: entries whose words are in the index.
searched: Final = Table(
    "searched",
    LOG,
    text("journal", primary_key=True),
    number("number"),
    number("indexed"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

SEQ_BITS: Final = 40
PREFIXES: Final = 4
"""Beginnings of a word, up to so many characters, that the index answers at once however many begin so."""

_COLUMNS: Final = ", ".join(WORDS)
searchable.info[ALONGSIDE] = (
    f"CREATE VIEW IF NOT EXISTS folded_indexed AS SELECT (n.number << {SEQ_BITS}) | s.seq AS place,"  # noqa: S608
    f" s.journal AS journal, s.seq AS seq, s.about AS about, {', '.join(f's.{name} AS {name}' for name in WORDS)}"
    " FROM folded_searchable AS s JOIN searched AS n ON n.journal = s.journal WHERE s.seq < n.indexed",
    f"CREATE VIRTUAL TABLE IF NOT EXISTS folded_words USING fts5({_COLUMNS}, content='folded_indexed',"
    f" content_rowid='place', detail=none, columnsize=0, tokenize='ascii',"
    f" prefix='{' '.join(str(length) for length in range(1, PREFIXES + 1))}')",
    # Words leave the index, and its pages, when their row does.
    "INSERT INTO folded_words (folded_words, rank) VALUES ('secure-delete', 1)",
    "INSERT INTO folded_words (folded_words, rank) VALUES ('hashsize', 16777216)",
    # The first deleting of all changes how the index says it is written: now, so that it never changes again.
    "INSERT INTO folded_words (rowid, more) VALUES (-1, 'a')",
    "INSERT INTO folded_words (folded_words, rowid, more) VALUES ('delete', -1, 'a')",
)
