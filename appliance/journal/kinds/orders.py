"""Central's orders."""

from __future__ import annotations

from appliance.journal.kinds.base import Body, Count, Id, Line, kind


@kind("orders.opened")
class OrdersOpened(Body, frozen=True, kw_only=True):
    """The first order: which node these orders are for."""

    node: Id
    centre: Line
    central_name: Line


@kind("numbers.leased")
class NumbersLeased(Body, frozen=True, kw_only=True):
    """Certificate numbers `first` to `last`, both included, are this node's alone. `prefix` holds the centre's code."""

    prefix: Line
    first: Count
    last: Count
