"""What central's backups hold, and what a node no longer keeps."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import ORDER_FOLDS, About, Ops, folds, of_node
from appliance.records.statements import add_once

_ADD_BACKUP: Final = add_once(t.backups)
_ADD_FREED: Final = add_once(t.freed)


@folds(k.BlobsBackedUp, About.NOBODY, ORDER_FOLDS)
def _blobs_backed_up(header: Header, body: k.BlobsBackedUp) -> Ops:
    told = {"backup": body.backup, "made_at": body.made_at, "size": body.size, "lacking": " ".join(body.lacking)}
    yield _ADD_BACKUP, {"journal": of_node(header), "seq": header.seq, **told}


@folds(k.BlobsFreed, About.NOBODY)
def _blobs_freed(header: Header, body: k.BlobsFreed) -> Ops:
    for digest in body.digests:
        yield _ADD_FREED, {"journal": header.journal, "digest": digest, "backup": body.backup, "at": header.at}
