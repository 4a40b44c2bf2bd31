"""Table definitions, once, for SQLCipher at the node and for central.

`LOG` holds what no fold makes: entries, heads, secrets, drafts. `FOLDED` holds what can be dropped and folded again.
Every key of `FOLDED` starts with the journal. A row of `FOLDED` belongs to one subject (`about`), so that erasing a
subject is deleting its rows; whatever spans subjects is made of headers only, which are never erased. The names of its
tables start with `FOLDED_PREFIX`: by it another version of the software knows what it may drop.

Nothing here shuts PostgreSQL out: text, bytes, integers; dates as RFC 3339 text; JSON as text. SQLite's tables are
STRICT, as PostgreSQL's are by nature: a value of another type is refused.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

LOG: Final = MetaData()
FOLDED: Final = MetaData()
FOLDED_PREFIX: Final = "folded_"


# STRICT knows no BIGINT; SQLite's INTEGER has 64 bits.
_BIG: Final = BigInteger().with_variant(Integer(), "sqlite")


def number(name: str, *, primary_key: bool = False) -> Column[int]:
    """A column of whole numbers, 64 bits."""
    return Column(name, _BIG, primary_key=primary_key, autoincrement=False, nullable=False)


def text(name: str, *, primary_key: bool = False) -> Column[str]:
    """A column of text."""
    return Column(name, Text, primary_key=primary_key, nullable=False)


# `nodes`: the tree nodes that this entry completes, from the leaf upward (32 bytes each).
# `salt` and `body` are NULL once erased.
entries: Final = Table(
    "entries",
    LOG,
    text("journal", primary_key=True),
    number("seq", primary_key=True),
    text("about"),
    Column("header", LargeBinary, nullable=False),
    Column("salt", LargeBinary),
    Column("body", LargeBinary),
    Column("nodes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
# A statement uses this index only if it repeats its condition, letter by letter.
ABOUT_SOMEBODY: Final = entries.c.about != sa.literal_column("'-'")
Index(
    "entries_about",
    entries.c.journal,
    entries.c.about,
    sqlite_where=ABOUT_SOMEBODY,
    postgresql_where=ABOUT_SOMEBODY,
)

# `checkpoint`: the newest signed note. `cosigned`: the newest note that central countersigned, and its size.
heads: Final = Table(
    "heads",
    LOG,
    text("journal", primary_key=True),
    number("size"),
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    number("cosigned_size"),
    Column("cosigned", LargeBinary),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

secrets: Final = Table(
    "secrets",
    LOG,
    text("name", primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

# What this box remembers for itself and never tells: the last contact with central, and the like.
local: Final = Table(
    "local", LOG, text("name", primary_key=True), text("value"), sqlite_with_rowid=False, sqlite_strict=True
)

# What is typed at a counter and not handed in yet: in no journal, and gone when it is.
drafts: Final = Table(
    "drafts",
    LOG,
    text("id", primary_key=True),
    text("operator"),
    text("content"),
    text("saved_at"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

# Which fold made the tables of FOLDED, and how far it has read.
stamps: Final = Table(
    "stamps",
    LOG,
    text("journal", primary_key=True),
    text("version"),
    number("position"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)


ALONGSIDE: Final = "alongside"
"""Under which a table's `info` names the statements that make what SQLite keeps beside it: views, indexes of words.

Their names start with `FOLDED_PREFIX`, too, and each says nothing when it is run again.
"""

BY_SEQ: Final = "by seq"
"""Under which a table's `info` names the timeline, where it has a subject's rows at the subject's entries alone."""

OF_A_SUBJECT: Final[list[Table]] = []
"""The tables whose rows go when their subject is erased.

Those that are made of headers only stay (`timeline`, `erased`, `tallies`), and so do those of the journal itself, which
nobody can erase.
"""


def folded(name: str, *columns: Column[str] | Column[int] | Column[bytes]) -> Table:
    """A table that can be dropped and folded again; its key starts with the journal."""
    return Table(
        FOLDED_PREFIX + name,
        FOLDED,
        text("journal", primary_key=True),
        *columns,
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )


def of_a_subject(name: str, *columns: Column[str] | Column[int] | Column[bytes]) -> Table:
    """A folded table with rows about somebody or something; they go when that is erased. It has a column `about`."""
    table = folded(name, *columns)
    OF_A_SUBJECT.append(table)
    return table


def where_key(table: Table) -> sa.ColumnElement[bool]:
    """The row or rows of one subject, with bind parameters `k_journal` and `k_about`."""
    own = sa.and_(table.c.journal == sa.bindparam("k_journal"), table.c.about == sa.bindparam("k_about"))
    timeline = table.info.get(BY_SEQ)
    return (
        own if timeline is None else sa.and_(own, table.c.seq.in_(sa.select(timeline.c.seq).where(where_key(timeline))))
    )
