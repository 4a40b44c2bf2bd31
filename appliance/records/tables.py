"""Table definitions, once, for SQLCipher at the node and for central.

`LOG` holds what is written once and kept: entries, heads, secrets. `FOLDED` holds what can be dropped and folded again.
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


def _number(name: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, _BIG, primary_key=primary_key, autoincrement=False, nullable=False)


def _text(name: str, *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=primary_key, nullable=False)


# `nodes`: the tree nodes that this entry completes, from the leaf upward (32 bytes each).
# `salt` and `body` are NULL once erased.
entries: Final = Table(
    "entries",
    LOG,
    _text("journal", primary_key=True),
    _number("seq", primary_key=True),
    _text("about"),
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
    _text("journal", primary_key=True),
    _number("size"),
    Column("root", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    _number("cosigned_size"),
    Column("cosigned", LargeBinary),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

secrets: Final = Table(
    "secrets",
    LOG,
    _text("name", primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

# What this box remembers for itself and never tells: the last contact with central, and the like.
local: Final = Table(
    "local", LOG, _text("name", primary_key=True), _text("value"), sqlite_with_rowid=False, sqlite_strict=True
)

# Which fold made the tables of FOLDED, and how far it has read.
stamps: Final = Table(
    "stamps",
    LOG,
    _text("journal", primary_key=True),
    _text("version"),
    _number("position"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)


def _folded(name: str, *columns: Column[str] | Column[int] | Column[bytes]) -> Table:
    return Table(
        FOLDED_PREFIX + name,
        FOLDED,
        _text("journal", primary_key=True),
        *columns,
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )


timeline: Final = _folded(
    "timeline",
    _text("about", primary_key=True),
    _number("seq", primary_key=True),
    _text("kind"),
    _text("at"),
    _text("by"),
)
erased: Final = _folded("erased", _text("about", primary_key=True), _number("seq"), _text("at"))
# How many applications were taken in, by the year that their headers claim: tracking numbers continue from here.
tallies: Final = _folded("tallies", _text("year", primary_key=True), _number("submitted"))
blobs: Final = _folded(
    "blobs", _text("digest", primary_key=True), _text("about", primary_key=True), _number("seq", primary_key=True)
)
Index("folded_blobs_about", blobs.c.journal, blobs.c.about)
centres: Final = _folded("centres", _text("centre"), _text("centre_name"), _text("software"), _text("opened_at"))
# Entries of a known kind whose body or subject does not fit it: kept in the journal, shown to people, no more.
unreadable: Final = _folded(
    "unreadable", _text("about", primary_key=True), _number("seq", primary_key=True), _text("kind")
)
orders_state: Final = _folded("orders_state", _number("size"), _text("root"))
number_blocks: Final = _folded(
    "number_blocks", _text("prefix", primary_key=True), _number("first", primary_key=True), _number("last")
)
operators: Final = _folded(
    "operators",
    _text("about", primary_key=True),
    _text("login"),
    _text("name"),
    _text("roles"),
    _number("active"),
    _text("password_hash"),
    _number("failed"),
    _text("locked_until"),
)
sessions: Final = _folded(
    "sessions",
    _text("about", primary_key=True),
    _text("operator"),
    _text("role"),
    _text("counter"),
    _text("opened_at"),
    _text("expires_at"),
    _text("closed_at"),
)
people: Final = _folded(
    "people",
    _text("about", primary_key=True),
    _text("name"),
    _text("name_native"),
    _text("born"),
    _text("identity_kind"),
    _text("identity_number"),
    _text("added_at"),
)
applications: Final = _folded(
    "applications",
    _text("about", primary_key=True),
    _text("tracking"),
    _text("service"),
    _text("applicant"),
    _text("fields"),
    _text("status"),
    _text("submitted_at"),
    _text("due"),
    _text("decided_by"),
    _text("decided_at"),
    _text("remark"),
)
papers: Final = _folded(
    "papers",
    _text("about", primary_key=True),
    _text("paper", primary_key=True),
    _text("label"),
    _text("media_type"),
    _number("size"),
    _text("sha256"),
    _text("digest"),
    _text("added_at"),
)

# The tables whose rows go when their subject is erased. Those that are made of headers only stay (`timeline`, `erased`,
# `tallies`), and so do those of the journal itself, which nobody can erase.
OF_A_SUBJECT: Final = (blobs, unreadable, operators, sessions, people, applications, papers)


def where_key(table: Table) -> sa.ColumnElement[bool]:
    """The row or rows of one subject, with bind parameters `k_journal` and `k_about`."""
    return sa.and_(table.c.journal == sa.bindparam("k_journal"), table.c.about == sa.bindparam("k_about"))
