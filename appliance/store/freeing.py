"""Freeing sealed files: taking from this disk what central and one of its backups hold, to make room.

A file may go only where central's newest statement (`blobs.backed_up`) covers it, and everything that names it is a
case that has ended; what belongs to a person, or to a case that is open, stays. It goes once it is old enough, or when
the disk has too little room, the oldest first: the `Rule` says when.

The entry `blobs.freed` comes first, the files after it, each step looked at again under the writers' lock. A crash in
between leaves files that the next time takes; never one that is gone without an entry.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, func, select

from appliance.access.session import node_session
from appliance.journal.ids import BlobDigest
from appliance.journal.kinds import MAX_FREED, BlobsFreed
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.failures import of_os
from appliance.store.commit import Draft, Moment
from appliance.store.store import Store

ENDED: Final = frozenset({"delivered", "rejected", "withdrawn", "discarded", "revoked"})
"""Cases that nobody waits for."""

_NEWEST: Final = (
    select(t.backups.c.backup, t.backups.c.made_at, t.backups.c.size, t.backups.c.lacking)
    .where(t.backups.c.journal == bindparam("journal"))
    .order_by(t.backups.c.seq.desc())
    .limit(1)
)
_HAS_ENDED = sa.or_(*(t.applications.c.status == status for status in sorted(ENDED)))
_NAMED_BY_ENDED: Final = (
    select(t.blobs.c.digest, func.min(t.blobs.c.seq), func.max(t.timeline.c.at), func.max(t.freed.c.digest))
    .join(
        t.timeline,
        sa.and_(
            t.timeline.c.journal == t.blobs.c.journal,
            t.timeline.c.about == t.blobs.c.about,
            t.timeline.c.seq == t.blobs.c.seq,
        ),
    )
    .outerjoin(
        t.applications,
        sa.and_(t.applications.c.journal == t.blobs.c.journal, t.applications.c.about == t.blobs.c.about),
    )
    .outerjoin(t.freed, sa.and_(t.freed.c.journal == t.blobs.c.journal, t.freed.c.digest == t.blobs.c.digest))
    .where(t.blobs.c.journal == bindparam("journal"))
    .group_by(t.blobs.c.digest)
    .having(
        func.min(t.blobs.c.seq) < bindparam("size"),
        # Counted over the rows of cases that ended; a row of anything else is one too few.
        func.sum(sa.case((_HAS_ENDED, 1), else_=0)) == func.count(),
    )
    .order_by(func.min(t.blobs.c.seq))
)


@dataclass(frozen=True, slots=True)
class Rule:
    """When files go, besides that they may."""

    below_percent: int
    """While less of the disk is free."""
    after_days: int | None
    """So long after the newest entry that names one; None for never by age alone."""


@dataclass(frozen=True, slots=True)
class Backup:
    """Central's newest statement."""

    name: str
    made_at: str
    size: int
    lacking: frozenset[str]


@dataclass(frozen=True, slots=True)
class Freed:
    """What was taken from the disk."""

    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Spare:
    digest: BlobDigest
    at: str
    told: bool
    """Whether an entry says already that it is freed."""


Disk = Callable[[], tuple[int, int]]
"""Says how large the disk is and how much of it is free, in bytes."""


def disk_below(store: Store) -> tuple[int, int]:
    """Of the disk that holds a store's files."""
    try:
        usage = shutil.disk_usage(store.layout.blobs)
    except OSError as error:
        raise of_os(error) from error
    return usage.total, usage.free


def newest_backup(store: Store) -> Backup | None:
    """What central said last that its backups hold, if anything."""
    with store.read() as tx:
        return _newest(tx, store)


def free_blobs(store: Store, rule: Rule, disk: Disk) -> Freed:
    """Take from this disk what may go and should.

    Raises:
        StorageFull, StorageReadOnly, StorageFailed: what the disk said; what was freed before stays so.
    """
    with store.read() as tx:
        backup = _newest(tx, store)
        spare = [] if backup is None else _spare(tx, store, backup)
    if backup is None:
        return Freed()
    chosen = _chosen(store, spare, rule, disk)
    freed = Freed()
    for start in range(0, len(chosen), MAX_FREED):
        some = chosen[start : start + MAX_FREED]
        size = sum(map(store.blob_bytes, some))
        _free(store, some)
        gone = [digest for digest in some if not store.holds_blob(digest)]
        freed = Freed(freed.files + len(gone), freed.bytes + size - sum(map(store.blob_bytes, some)))
    return freed


def _chosen(store: Store, spare: Sequence[_Spare], rule: Rule, disk: Disk) -> list[BlobDigest]:
    total, free = disk()
    wanted_bytes = total * rule.below_percent // 100 - free
    oldest = None if rule.after_days is None else store.clock() - timedelta(days=rule.after_days)
    found = []
    for each in spare:
        size = store.blob_bytes(each.digest)
        is_old = oldest is not None and datetime.fromisoformat(each.at) <= oldest
        if size and (is_old or wanted_bytes > 0):
            found.append(each.digest)
            wanted_bytes -= size
    return found


def _free(store: Store, digests: Collection[BlobDigest]) -> None:
    def still(tx: Tx) -> tuple[Backup | None, list[_Spare]]:
        backup = _newest(tx, store)
        return backup, [] if backup is None else [each for each in _spare(tx, store, backup) if each.digest in digests]

    def act(moment: Moment) -> list[Draft]:
        backup, spare = still(moment.tx)
        untold = tuple(each.digest for each in spare if not each.told)
        return [Draft(BlobsFreed(backup=backup.name, digests=untold))] if backup is not None and untold else []

    store.commit(node_session(), act)
    store.drop_blobs(lambda tx: [each.digest for each in still(tx)[1] if each.told])


def _newest(tx: Tx, store: Store) -> Backup | None:
    row = tx.one(_NEWEST, {"journal": store.journal})
    if row is None:
        return None
    name, made_at, size, lacking = row
    return Backup(name, made_at, size, frozenset(lacking.split()))


def _spare(tx: Tx, store: Store, backup: Backup) -> list[_Spare]:
    rows = tx.all(_NAMED_BY_ENDED, {"journal": store.journal, "size": backup.size})
    return [
        _Spare(BlobDigest(digest), at, told is not None) for digest, _, at, told in rows if digest not in backup.lacking
    ]
