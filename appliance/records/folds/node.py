"""What the node itself says, and erasing."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import About, Ops, folds, key, row
from appliance.records.folds.search import FORGET_WORDS
from appliance.records.statements import add_once

_FORGET: Final = tuple(sa.delete(table).where(t.where_key(table)) for table in t.OF_A_SUBJECT)
_ADD_ERASED: Final = add_once(t.erased)


@folds(k.SubjectErased, by_header=True)
def _subject_erased(header: Header, _: k.SubjectErased | None) -> Ops:
    yield FORGET_WORDS, key(header)
    for forget in _FORGET:
        yield forget, key(header)
    yield _ADD_ERASED, row(header, seq=header.seq, at=header.at)


_ADD_CENTRE = add_once(t.centres)


@folds(k.JournalOpened, About.NOBODY)
def _journal_opened(header: Header, body: k.JournalOpened) -> Ops:
    yield (
        _ADD_CENTRE,
        {
            "journal": header.journal,
            "centre": body.centre,
            "centre_name": body.centre_name,
            "software": body.software,
            "opened_at": header.at,
        },
    )


_SET_SOFTWARE = (
    sa.update(t.centres).where(t.centres.c.journal == bindparam("k_journal")).values(software=bindparam("software"))
)


@folds(k.NodeStarted, About.NOBODY)
def _node_started(header: Header, body: k.NodeStarted) -> Ops:
    yield _SET_SOFTWARE, {"k_journal": header.journal, "software": body.software}


_DROP_ORDERS_STATE = sa.delete(t.orders_state).where(t.orders_state.c.journal == bindparam("k_journal"))
_ADD_ORDERS_STATE = add_once(t.orders_state)


@folds(k.OrdersApplied, About.NOBODY)
def _orders_applied(header: Header, body: k.OrdersApplied) -> Ops:
    yield _DROP_ORDERS_STATE, {"k_journal": header.journal}
    yield _ADD_ORDERS_STATE, {"journal": header.journal, "size": body.size, "root": body.root}
