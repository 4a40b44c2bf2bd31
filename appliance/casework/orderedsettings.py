"""The settings that central orders of this node, as its orders say them; not which of them hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.records import tables as t
from appliance.store.store import Store

_ORDERED: Final = (
    select(t.ordered_settings.c.name, t.ordered_settings.c.value, t.ordered_settings.c.at)
    .where(t.ordered_settings.c.journal == bindparam("journal"))
    .order_by(t.ordered_settings.c.name)
)


@dataclass(frozen=True, slots=True)
class OrderedSetting:
    """One that central orders now: its value as `appliance.catalogue.orderable` writes it, and since when."""

    name: str
    text: str
    at: str


def ordered_settings(store: Store) -> list[OrderedSetting]:
    """All of them, by name; also those that this software does not know."""
    with store.read() as tx:
        return [OrderedSetting(*map(str, row)) for row in tx.all(_ORDERED, {"journal": store.journal})]
