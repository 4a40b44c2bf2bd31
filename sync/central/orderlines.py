"""All orders of one node in words, and how far the node has taken them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.journal.ids import JournalId, orders_of
from appliance.records import tables as t
from appliance.records.log import Log
from appliance.records.wording import lines
from sync.central.ordering import Ordering

_TAKEN: Final = select(t.orders_state.c.size).where(t.orders_state.c.journal == bindparam("journal"))


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order. `taken`: the node's journal says that it holds there."""

    number: int
    at: str
    kind: str
    words: str
    taken: bool


def order_lines(ordering: Ordering, journal: JournalId) -> list[OrderLine]:
    """The orders of a node, oldest first."""
    with ordering.index.read() as tx, ordering.archive.read() as log_tx:
        row = tx.one(_TAKEN, {"journal": journal})
        taken = 0 if row is None else int(row[0])
        names = lines.Names(tx, journal)
        log = Log(log_tx, orders_of(journal))
        head = log.head()
        found = [lines.line(entry, names) for entry in log.entries(0, 0 if head is None else head.size)]
    return [OrderLine(each.seq, each.at, each.kind, each.what, each.seq < taken) for each in found]
