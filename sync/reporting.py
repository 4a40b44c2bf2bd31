"""What a node tells central of itself, for the people there: version, clock, what waits and how much that is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.entry import kept_entry
from appliance.journal.ids import BlobDigest, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.log import Log
from sync.session import Wanted
from sync.wire import NodeReport

EVERY_S: Final = 20.0
"""How often a node looks how much waits while it is connected."""
_SOFTWARE_CHARACTERS: Final = 64

_WAITING: Final = select(
    sa.func.sum(sa.func.length(t.entries.c.header) + sa.func.coalesce(sa.func.length(t.entries.c.body), 0))
).where(t.entries.c.journal == bindparam("journal"), t.entries.c.seq >= bindparam("start"))
_FIRST: Final = select(t.entries.c.header, t.entries.c.salt, t.entries.c.body).where(
    t.entries.c.journal == bindparam("journal"), t.entries.c.seq == bindparam("start")
)


def make_report(
    tx: Tx,
    journal: JournalId,
    *,
    software: str,
    now_s: int,
    wanted: Sequence[Wanted],
    missing: int,
    blob_bytes: Callable[[BlobDigest], int],
) -> NodeReport:
    """Say how a node is.

    Args:
        tx: on the node's store.
        journal: the node's.
        software: the version of this software.
        now_s: what this node's clock says, in seconds since 1970.
        wanted: sealed files that central said it lacks, and this node has.
        missing: how many central lacks that this node has not.
        blob_bytes: how large a sealed file is.
    """
    head = Log(tx, journal).head()
    start = 0 if head is None else head.cosigned_size
    key = {"journal": journal, "start": start}
    first, waiting = tx.one(_FIRST, key), tx.one(_WAITING, key)
    entry_bytes = 0 if waiting is None or waiting[0] is None else int(waiting[0])
    file_bytes = sum(max(0, blob_bytes(each.digest) - each.offset) for each in wanted)
    return NodeReport(
        software=software[:_SOFTWARE_CHARACTERS],
        clock_s=max(0, now_s),
        waiting_since="" if first is None else kept_entry(*first).header.at,
        backlog_bytes=entry_bytes + file_bytes,
        stuck=missing,
    )


@functools.cache
def software() -> str:
    """This program's version, which lies in a file."""
    return version("sanad")
