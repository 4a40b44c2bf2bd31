"""Backups of central, and what nodes may free once one of them is made.

Central copies nothing itself. Whoever does says when it begins (`begin`): what central holds in that moment, durable,
is what the backup will hold at least. When the copy is safe, they say so (`done`), and each node gets the order
`blobs.backed_up`. A backup that was begun and never said to be done gives nobody leave to free anything.

A central that was itself put back to an older copy asks its nodes for the sealed files that it lacks; `look` takes from
that list what the node has freed: only the backup has it now, and asking again and again would keep others waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, JournalId
from appliance.journal.kinds import MAX_LACKING, BlobsBackedUp, Body, is_line
from appliance.records import tables as folded
from appliance.records.database import Database, Tx
from appliance.records.log import Log
from appliance.records.moment import Clock, at_text
from sync.central import registry
from sync.central import tables as t
from sync.central.locker import Locker
from sync.central.registry import Node

Give = Callable[[Tx, Node, Sequence[Body]], None]

_OF_JOURNAL = t.wanted.c.journal == bindparam("journal")
_WANTED: Final = select(t.wanted.c.digest, sa.func.min(t.wanted.c.seq)).where(_OF_JOURNAL).group_by(t.wanted.c.digest)
_GONE: Final = select(t.gone.c.digest).where(t.gone.c.journal == bindparam("journal"))
_ALL_GONE: Final = select(t.gone.c.journal, t.gone.c.digest, t.gone.c.backup).order_by(t.gone.c.journal)
_BEGIN: Final = sa.insert(t.backups)
_OF_NAME: Final = select(t.backups).where(t.backups.c.name == bindparam("name")).order_by(t.backups.c.journal)
_DONE: Final = sa.update(t.backups).where(t.backups.c.name == bindparam("k_name")).values(done_at=bindparam("at"))
_IS_FREED: Final = select(folded.freed.c.backup).where(
    folded.freed.c.journal == bindparam("journal"), folded.freed.c.digest == bindparam("digest")
)
_WANT_NO_MORE: Final = sa.delete(t.wanted).where(_OF_JOURNAL, t.wanted.c.digest == bindparam("digest"))
_KEEP_GONE: Final = insert(t.gone).on_conflict_do_nothing()
_FOUND_AGAIN: Final = sa.delete(t.gone).where(
    t.gone.c.journal == bindparam("journal"), t.gone.c.digest == bindparam("digest")
)


@dataclass(frozen=True, slots=True)
class Lost:
    """A sealed file that only a backup has."""

    journal: JournalId
    digest: BlobDigest
    backup: str


class Backups:
    """Of one central.

    Args:
        archive: its archive.
        index: its tables.
        locker: where sealed files lie.
        give: writes orders for a node.
        clock: what time it is.
    """

    def __init__(self, archive: Database, index: Database, locker: Locker, give: Give, clock: Clock) -> None:
        self._archive = archive
        self._index = index
        self._locker = locker
        self._give = give
        self._clock = clock

    def begin(self, name: str) -> int:
        """A backup begins now: remember what central holds; answers of how many nodes.

        Args:
            name: what people call it.

        Raises:
            OperatorError: the name is used already, or is none; or no node is enrolled.
        """
        if not name or not is_line(name):
            raise OperatorError("A backup needs a name on one line.", "For example: tape 12, 2026-11-22.")
        with self._archive.write() as tx:
            if tx.all(_OF_NAME, {"name": name}):
                raise OperatorError(f"There was a backup {name} already.", "Give this one another name.")
            rows = [self._held(tx, node) for node in registry.all_nodes(tx)]
            if not rows:
                raise OperatorError("No node is enrolled, so there is nothing to tell of this backup.")
            begun = {"name": name, "begun_at": at_text(self._clock()), "done_at": ""}
            tx.many(_BEGIN, [row | begun for row in rows])
        return len(rows)

    def done(self, name: str) -> int:
        """A backup that was begun is made and safe: tell the nodes; answers how many.

        Raises:
            OperatorError: no backup of that name was begun, or it was said before.
            OrdersLost: a node holds orders that central has lost; nothing was told to any.
        """
        with self._archive.write() as tx:
            rows = tx.all(_OF_NAME, {"name": name})
            if not rows:
                raise OperatorError(
                    f"No backup {name} was begun.", "Say `sanad central backup begin NAME` before the copy is made."
                )
            if rows[0][-1]:
                raise OperatorError(f"The backup {name} was said to be made already.", "Nothing was changed.")
            for _, journal, size, lacking, begun_at, _ in rows:
                order = BlobsBackedUp(backup=name, made_at=begun_at, size=size, lacking=tuple(lacking.split()))
                self._give(tx, registry.require_node(tx, JournalId(journal)), [order])
            tx.run(_DONE, {"k_name": name, "at": at_text(self._clock())})
        return len(rows)

    def withdraw(self, why: str) -> int:
        """No backup is relied on until another one is made: nodes free nothing more; answers how many are told.

        Raises:
            OperatorError: the reason does not fit on a line.
            OrdersLost: a node holds orders that central has lost; nothing was told to any.
        """
        if not why or not is_line(why):
            raise OperatorError("Say on one line why.", "For example: tape 12 cannot be read.")
        with self._archive.write() as tx:
            nodes = registry.all_nodes(tx)
            for node in nodes:
                self._give(tx, node, [BlobsBackedUp(backup=why, made_at=at_text(self._clock()), size=0)])
        return len(nodes)

    def look(self, journal: JournalId) -> None:
        """Ask a node no more for what it has freed, until the file is found here again."""
        with self._archive.read() as tx:
            wanted = [digest for digest, _ in tx.all(_WANTED, {"journal": journal})]
        if not wanted:
            return
        with self._index.read() as tx:
            rows = {digest: tx.one(_IS_FREED, {"journal": journal, "digest": digest}) for digest in wanted}
        freed = {digest: row[0] for digest, row in rows.items() if row is not None}
        if not freed:
            return
        with self._archive.write() as tx:
            for digest, backup in freed.items():
                tx.run(_WANT_NO_MORE, {"journal": journal, "digest": digest})
                tx.run(_KEEP_GONE, {"journal": journal, "digest": digest, "backup": backup})

    def lost(self) -> list[Lost]:
        """What central has lost and no node keeps; what was put back since is forgotten."""
        with self._archive.read() as tx:
            rows = tx.all(_ALL_GONE)
        here = [row for row in rows if self._locker.holds(BlobDigest(row[1]))]
        if here:
            with self._archive.write() as tx:
                tx.many(_FOUND_AGAIN, [{"journal": journal, "digest": digest} for journal, digest, _ in here])
        return [Lost(JournalId(row[0]), BlobDigest(row[1]), row[2]) for row in rows if row not in here]

    def _held(self, tx: Tx, node: Node) -> dict[str, object]:
        """What central holds of a node: the sealed files of entries before a size, but for some."""
        head = Log(tx, node.journal).head()
        size = 0 if head is None else head.cosigned_size
        missing = sorted((seq, digest) for digest, seq in tx.all(_WANTED, {"journal": node.journal}))
        if len(missing) > MAX_LACKING:
            size = min(size, missing[MAX_LACKING][0])
        lacking = [digest for seq, digest in missing[:MAX_LACKING] if seq < size]
        lacking += [digest for (digest,) in tx.all(_GONE, {"journal": node.journal})]
        if len(lacking) > MAX_LACKING:
            # So much is lost that people must put it back before anything more may go.
            size, lacking = 0, []
        return {"journal": node.journal, "size": size, "lacking": " ".join(lacking)}
