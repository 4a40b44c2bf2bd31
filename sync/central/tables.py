"""Central's own tables, beside the entry log (`appliance.records.tables.LOG`) in the archive.

`staged` has the columns of `entries`, and what is needed when it becomes visible: which entries erase their subject,
and which blobs they name (digests, separated by spaces).
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, Table, Text

CENTRAL: Final = MetaData()


def _number(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, autoincrement=False, nullable=False)


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


# `floor`: a checkpoint of the node that central once countersigned, lost with all that came after a backup, and was
# shown by the node.
nodes: Final = Table(
    "nodes",
    CENTRAL,
    _text("journal", key=True),
    _bytes("journal_key"),
    _bytes("node_key"),
    _text("recipient"),
    _text("centre"),
    _text("centre_name"),
    _bytes("certificate"),
    _bytes("centre_certificate"),
    _text("enrolled_at"),
    Column("floor", LargeBinary),
    sqlite_with_rowid=False,
)

# The list of nodes, without reading their certificates.
Index("nodes_by_centre", nodes.c.centre, nodes.c.centre_name, nodes.c.enrolled_at, nodes.c.journal)

# Only the hash of an invite's secret is kept. `answer`: what its node was told, to be told again.
invites: Final = Table(
    "invites",
    CENTRAL,
    _text("id", key=True),
    _bytes("secret_sha256"),
    _text("centre"),
    _text("centre_name"),
    _number("expires_s"),
    Column("used_by", Text),
    Column("answer", LargeBinary),
    sqlite_with_rowid=False,
)

# Certificate numbers that were given to a node, for ever; blocks of one prefix never overlap.
blocks: Final = Table(
    "blocks",
    CENTRAL,
    _text("prefix", key=True),
    _number("first", key=True),
    _number("last"),
    _text("journal"),
    sqlite_with_rowid=False,
)

# Keys that are not believed any more, for ever: `key` is the SHA-256 of a signer's certificate (hexadecimal), or the
# journal of a node that was taken out of service. From `at` on; `said_at` is when central was told.
ended_keys: Final = Table(
    "ended_keys",
    CENTRAL,
    _text("key", key=True),
    _text("at"),
    _text("reason"),
    _text("said_at"),
    sqlite_with_rowid=False,
)

# What central answered to officers who asked for a certificate: at most one answer a key, and one certificate a public
# key (SHA-256 of its SubjectPublicKeyInfo, hexadecimal). `certificate` is NULL where it was refused.
officer_answers: Final = Table(
    "officer_answers",
    CENTRAL,
    _text("journal", key=True),
    _text("key", key=True),
    Column("public_sha256", Text, unique=True),
    Column("certificate", LargeBinary),
    _text("answered_at"),
    sqlite_with_rowid=False,
)

# What each node said of itself, and when it was heard last; nothing is decided by it. `skew_s` is how far its clock
# was ahead of central's, NULL before it said so. `refused_*`: what central did not take of it last; empty once all it
# sent was taken. `fold_error`: why its tables are behind its entries.
sightings: Final = Table(
    "sightings",
    CENTRAL,
    _text("journal", key=True),
    _text("seen_at"),
    _number("offered"),
    _text("software"),
    Column("skew_s", BigInteger),
    _text("waiting_since"),
    _number("backlog_bytes"),
    _number("stuck"),
    _number("spoilt"),
    _text("refused_code"),
    _text("refused_sentence"),
    _text("refused_at"),
    _text("fold_error"),
    sqlite_with_rowid=False,
)

# Nodes that central takes nothing from until a person says so; and all that was ever done about that, in order.
quarantined: Final = Table(
    "quarantined",
    CENTRAL,
    _text("journal", key=True),
    _text("since"),
    _text("cause"),
    _text("reason"),
    sqlite_with_rowid=False,
)
quarantine_acts: Final = Table(
    "quarantine_acts",
    CENTRAL,
    _text("journal", key=True),
    _number("number", key=True),
    _text("at"),
    _text("act"),
    _text("cause"),
    _text("reason"),
    _text("by"),
    sqlite_with_rowid=False,
)

# Certificate numbers that papers of two nodes bear: `settled_at` is empty until a person has settled it.
conflicts: Final = Table(
    "conflicts",
    CENTRAL,
    _text("number", key=True),
    _text("journal"),
    _text("other"),
    _text("found_at"),
    _text("settled_at"),
    _text("settlement"),
    _text("settled_by"),
    sqlite_with_rowid=False,
)

# What every node is ordered, also those that enrol later: by what it is about (`service fard`), the newest order, and
# its number among all that was ordered. And which number of each a node has been given.
standing: Final = Table(
    "standing",
    CENTRAL,
    _text("name", key=True),
    _text("kind"),
    _bytes("body"),
    _number("number"),
    _text("at"),
    sqlite_with_rowid=False,
)
standing_given: Final = Table(
    "standing_given",
    CENTRAL,
    _text("journal", key=True),
    _text("name", key=True),
    _number("number"),
    sqlite_with_rowid=False,
)
# The last version of each service that this central has published. Who ordered what, for ever; `journal` is empty for
# every node.
published: Final = Table("published", CENTRAL, _text("service", key=True), _number("version"), sqlite_with_rowid=False)
order_acts: Final = Table(
    "order_acts",
    CENTRAL,
    _number("number", key=True),
    _text("at"),
    _text("journal"),
    _text("kind"),
    _text("body_sha256"),
    _text("by"),
    sqlite_with_rowid=False,
)

# What a node's journal shows that only people can settle: a decision that could not be carried out, a login that is
# taken. `settled_at` is empty until somebody, there or here, has settled it.
node_cases: Final = Table(
    "node_cases",
    CENTRAL,
    _text("journal", key=True),
    _text("conflict", key=True),
    _text("what"),
    _text("about"),
    _text("sentence"),
    _text("found_at"),
    _text("settled_at"),
    _text("settlement"),
    _text("settled_by"),
    sqlite_with_rowid=False,
)
# Which disputed numbers a node was ordered to show to its people, and which it was told are settled.
disputes_told: Final = Table(
    "disputes_told",
    CENTRAL,
    _text("journal", key=True),
    _text("number", key=True),
    _number("closed"),
    sqlite_with_rowid=False,
)

# Who may see the pages, by name; passwords as Argon2id strings.
viewers: Final = Table(
    "viewers", CENTRAL, _text("name", key=True), _text("password"), _text("made_at"), sqlite_with_rowid=False
)

# The right edge of the tree over all that is stored and staged; `peaks` are its hashes, one after the other.
staging: Final = Table(
    "staging", CENTRAL, _text("journal", key=True), _number("size"), _bytes("peaks"), sqlite_with_rowid=False
)
staged: Final = Table(
    "staged",
    CENTRAL,
    _text("journal", key=True),
    _number("seq", key=True),
    _text("about"),
    _bytes("header"),
    Column("salt", LargeBinary),
    Column("body", LargeBinary),
    _bytes("nodes"),
    _number("erases"),
    _text("blobs"),
    sqlite_with_rowid=False,
)

# Which blobs visible entries name, and about whom; which of them are still to come; which files must go.
named: Final = Table(
    "named",
    CENTRAL,
    _text("journal", key=True),
    _text("digest", key=True),
    _text("about", key=True),
    sqlite_with_rowid=False,
)
Index("named_digest", named.c.digest)
Index("named_about", named.c.journal, named.c.about)
wanted: Final = Table(
    "wanted", CENTRAL, _text("journal", key=True), _number("seq", key=True), _text("digest", key=True),
    sqlite_with_rowid=False,
)  # fmt: skip
Index("wanted_digest", wanted.c.digest)
doomed: Final = Table("doomed", CENTRAL, _text("digest", key=True), sqlite_with_rowid=False)
forgotten: Final = Table(
    "forgotten", CENTRAL, _text("journal", key=True), _text("about", key=True), sqlite_with_rowid=False
)

# Backups that were begun, and how much of each node each of them holds: entries before `size`, but for the sealed files
# `lacking` (digests, separated by spaces). `done_at` is empty until somebody said that the backup is made.
backups: Final = Table(
    "backups",
    CENTRAL,
    _text("name", key=True),
    _text("journal", key=True),
    _number("size"),
    _text("lacking"),
    _text("begun_at"),
    _text("done_at"),
    sqlite_with_rowid=False,
)

# Sealed files that central has lost, and their nodes freed since: only the backup `backup` brings them back.
gone: Final = Table(
    "gone",
    CENTRAL,
    _text("journal", key=True),
    _text("digest", key=True),
    _text("backup"),
    sqlite_with_rowid=False,
)
