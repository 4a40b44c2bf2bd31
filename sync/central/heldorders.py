"""A node's quarantine as its orders say it: what is given with each act, and what a central that was put back learns.

The table `quarantined` is what central refuses by; the orders are how the node hears of it, also where nothing but a
stick reaches it. Both are written in one transaction. Only a central that was put back from an old backup may find them
apart: then a node hands back orders that say more, and the last of them counts (`follow`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.kinds import decode_body
from appliance.records.database import Tx
from appliance.records.log import Log
from sync.central import quarantine
from sync.central.quarantine import CENTRAL, Cause, Quarantine

Said = k.NodeQuarantined | k.NodeReleased
_KINDS: Final = frozenset({k.NodeQuarantined.KIND, k.NodeReleased.KIND})
_CAUSES: Final = {each.value: each for each in Cause}
_PUT_BACK: Final = "Central was restored, and learned this from the node's orders."


def hold(found: Quarantine, by: str) -> k.NodeQuarantined:
    """The order that says a quarantine."""
    return k.NodeQuarantined(cause=found.cause.value, reason=found.reason, by=by)


def last_said(entries: Iterable[Entry]) -> Said | None:
    """What the last of these orders that speaks of quarantine says."""
    last: Said | None = None
    for entry in entries:
        if entry.header.kind in _KINDS and entry.body is not None:
            body = decode_body(entry.header.kind, entry.body)
            last = body if isinstance(body, Said) else last
    return last


def ordered(tx: Tx, journal: JournalId) -> Said | None:
    """The same of all orders for a node, as central has them."""
    log = Log(tx, orders_of(journal))
    head = log.head()
    return last_said(log.entries(0, 0 if head is None else head.size))


def untold(tx: Tx) -> dict[JournalId, Quarantine]:
    """Nodes in quarantine whose orders do not say so: an earlier version gave none."""
    return {
        journal: found
        for journal, found in quarantine.every(tx).items()
        if not isinstance(ordered(tx, journal), k.NodeQuarantined)
    }


def follow(tx: Tx, journal: JournalId, at: datetime) -> None:
    """Do what a node's orders say, of which some were forgotten here."""
    said, found = ordered(tx, journal), quarantine.find(tx, journal)
    if isinstance(said, k.NodeQuarantined) and found is None:
        cause = _CAUSES.get(said.cause, Cause.PERSON)
        quarantine.put(tx, journal, cause, said.reason or _PUT_BACK, said.by or CENTRAL, at)
    elif isinstance(said, k.NodeReleased) and found is not None:
        quarantine.lift(tx, journal, said.reason or _PUT_BACK, said.by or CENTRAL, at)
