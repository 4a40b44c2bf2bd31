"""Central's orders to this node in words, also those of a kind that this software does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.journal import kinds as k
from appliance.journal.ids import orders_of
from appliance.records import tables as t
from appliance.records.log import Log
from appliance.records.wording import lines
from appliance.store.store import Store

MAX_SHOWN: Final = 500
"""The newest that are shown."""
_GIVEN: Final = (
    select(t.given_orders.c.seq)
    .where(t.given_orders.c.journal == bindparam("journal"))
    .order_by(t.given_orders.c.seq.desc())
    .limit(MAX_SHOWN)
)

_ASIDE: Final = select(t.set_aside.c.seq).where(t.set_aside.c.log == bindparam("log"))


@dataclass(frozen=True, slots=True)
class GivenOrder:
    """An order that this node took up. `known` is false where it takes effect only once the software knows it, `aside`
    true where the software knows it and failed on it: then, too, a newer one makes it hold."""

    number: int
    at: str
    kind: str
    words: str
    known: bool
    aside: bool = False


def given_orders(store: Store) -> list[GivenOrder]:
    """The orders that were taken up, oldest first; the newest `MAX_SHOWN` of them."""
    journal = orders_of(store.journal)
    with store.read() as tx:
        taken = sorted(int(row[0]) for row in tx.all(_GIVEN, {"journal": store.journal}))
        names = lines.Names(tx, store.journal)
        aside = {int(row[0]) for row in tx.all(_ASIDE, {"log": journal})}
        found = [lines.line(entry, names) for seq in taken for entry in Log(tx, journal).entries(seq, seq + 1)]
    return [
        GivenOrder(each.seq, each.at, each.kind, each.what, each.kind in k.KINDS, each.seq in aside) for each in found
    ]
