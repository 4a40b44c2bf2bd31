"""Sealed files that central lacks and this node has not, or not undamaged: what an export and a receipt say of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, func, select

from appliance.journal.ids import BlobDigest
from appliance.records import tables as t
from appliance.store import carried
from appliance.store.store import Store

_NAMED_AT: Final = select(func.min(t.blobs.c.seq)).where(
    t.blobs.c.journal == bindparam("journal"), t.blobs.c.digest == bindparam("digest")
)


def after_export(store: Store, missing: Iterable[BlobDigest], *, complete: bool) -> tuple[BlobDigest, ...]:
    """Remember what an export had to leave out because it is missing or damaged here; answers which files.

    Args:
        store: the node's.
        missing: what could not be read.
        complete: whether it read all that central may lack; else what was known before still holds.
    """
    lost = tuple(sorted(digest for digest in missing if _named_at(store, digest) is not None))
    before = frozenset[str]() if complete else carried.stuck_files(store)
    carried.remember_stuck(store, carried.lost_files(sorted(before.union(lost))))
    return lost


def after_receipt(store: Store, known: Iterable[str], unknown: Iterable[str], stored: int) -> frozenset[str]:
    """Remember what is stuck after a receipt; answers which files.

    Args:
        store: the node's.
        known: what was stuck before.
        unknown: of the files that central lacks, those that this node has not, or not undamaged.
        stored: entries that central had; of the files that they name, it has all others.
    """
    behind = (each for each in known if (_named_at(store, each) or 0) >= stored)
    lost = (each for each in unknown if _named_at(store, each) is not None)
    stuck = frozenset([*behind, *lost])
    carried.remember_stuck(store, carried.lost_files(sorted(stuck)))
    return stuck


def _named_at(store: Store, digest: str) -> int | None:
    """The first entry that names a sealed file; None where none does, or none does any more."""
    with store.read() as tx:
        row = tx.one(_NAMED_AT, {"journal": store.journal, "digest": digest})
    return None if row is None or row[0] is None else int(row[0])
