"""The node's store, as a sender reads it: its head, its entries, its sealed files and which of them goes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import BlobDigest
from appliance.records import tables as t
from appliance.records.log import Head, Log
from appliance.store.blobs import BlobMissing
from appliance.store.freeing import ENDED
from appliance.store.store import Store
from sync.source import Seen

URGENT, WAITING, DULL = 0, 1, 2
"""Ranks of sealed files: small records, papers of cases that wait for somebody, all others."""
SMALL_BYTES: Final = 16 * 1024
"""Sealed files up to this size are small records (strokes of a signature, a receipt)."""

_STATUS: Final = (
    select(t.applications.c.status)
    .join(t.blobs, sa.and_(t.blobs.c.journal == t.applications.c.journal, t.blobs.c.about == t.applications.c.about))
    .where(t.blobs.c.journal == bindparam("journal"), t.blobs.c.digest == bindparam("digest"))
)


class StoreSource:
    """The node's store, as a sender reads it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def head(self) -> Seen:
        """The journal's head."""
        return _seen(self._store.head())

    def entries(self, start: int, limit: int) -> tuple[Sequence[Entry], Seen]:
        """At most `limit` entries from `start` on, and the head in the same view."""
        with self._store.read() as tx:
            log = Log(tx, self._store.journal)
            head = log.head()
            if head is None:
                raise IntegrityError("The journal has no first entry.", "Run `sanad journal verify`.")
            return list(log.entries(start, min(start + limit, head.size))), _seen(head)

    def sealed(self, digest: BlobDigest) -> bytes:
        """The blob's bytes, which the store holds against its digest; nothing where it is not here or damaged."""
        try:
            return self._store.sealed_blob(digest)
        except BlobMissing:
            return b""

    def rank(self, digest: BlobDigest) -> int:
        """Small records first, then what belongs to a case that somebody waits for, then the rest."""
        if self._store.blob_bytes(digest) <= SMALL_BYTES:
            return URGENT
        with self._store.read() as tx:
            rows = tx.all(_STATUS, {"journal": self._store.journal, "digest": digest})
        return DULL if rows and all(status in ENDED for (status,) in rows) else WAITING


def _seen(head: Head) -> Seen:
    return Seen(head.size, head.checkpoint, head.cosigned, head.cosigned_size)
