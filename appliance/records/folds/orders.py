"""Central's orders."""

from __future__ import annotations

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import ORDER_FOLDS, About, Ops, folds
from appliance.records.statements import add_once


@folds(k.OrdersOpened, About.NOBODY, ORDER_FOLDS)
def _orders_opened(_: Header, __: k.OrdersOpened) -> Ops:
    return iter(())


_ADD_BLOCK = add_once(t.number_blocks)


@folds(k.NumbersLeased, About.NOBODY, ORDER_FOLDS)
def _numbers_leased(header: Header, body: k.NumbersLeased) -> Ops:
    yield (
        _ADD_BLOCK,
        {
            "journal": header.journal.removesuffix(".orders"),
            "prefix": body.prefix,
            "first": body.first,
            "last": body.last,
            "leased": header.seq,
        },
    )
