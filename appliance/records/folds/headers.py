"""What every entry does, of whatever kind, and what spans subjects: made of headers alone, which are never erased."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, row
from appliance.records.statements import add_once, add_up

ALL: Final = 0
YEAR: Final = 4
DAY: Final = 10
COUNTED_BY: Final[dict[str, int]] = {
    k.ApplicationSubmitted.KIND: YEAR,
    k.ApplicationIssued.KIND: ALL,
    k.CertificateCorrected.KIND: ALL,
    k.PaymentTaken.KIND: YEAR,
}
"""The kinds that numbers are made of, and how much of an entry's time names the period they are counted in."""

ADD_TO_TIMELINE: Final = add_once(t.timeline)
_ADD_BLOB: Final = add_once(t.blobs)
_ADD_UNREADABLE: Final = add_once(t.unreadable)
_COUNT: Final = add_up(t.tallies, "written")
_FORGIVE: Final = sa.update(t.operators).where(t.where_key(t.operators)).values(failed=0, locked_until="")


def timeline_row(header: Header) -> dict[str, object]:
    """Every entry's line in the timeline, made of its header alone."""
    return row(header, seq=header.seq, kind=header.kind, at=header.at, by=header.by)


def header_ops(header: Header) -> Ops:
    """What an entry does beside its own subject's rows; it may only use its header, which is never erased."""
    if header.kind == k.SessionOpened.KIND:
        # Signing in forgives earlier wrong passwords.
        yield _FORGIVE, {"k_journal": header.journal, "k_about": header.by}
    length = COUNTED_BY.get(header.kind)
    if length is not None:
        period = header.at[:length]
        yield _COUNT, {"journal": header.journal, "kind": header.kind, "period": period, "written": 1}


def blob_ops(header: Header) -> Ops:
    """The blobs that an entry names."""
    for digest in header.blobs:
        yield _ADD_BLOB, row(header, digest=digest, seq=header.seq)


def unreadable_ops(header: Header) -> Ops:
    """An entry whose body or subject does not fit its kind."""
    yield _ADD_UNREADABLE, row(header, seq=header.seq, kind=header.kind)
