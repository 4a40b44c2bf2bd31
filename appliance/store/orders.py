"""Taking up central's orders: they must follow the ones held here, and be the ones that central signed."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.journal.checkpoint import Checkpoint
from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError
from appliance.journal.kinds import OrdersApplied
from appliance.journal.tree import root_at
from appliance.records.log import Log


def take_up(log: Log, orders: Sequence[Entry], signed: Checkpoint, note: bytes) -> OrdersApplied | None:
    """Store the orders that are new.

    Args:
        log: this node's orders, inside a transaction.
        orders: entries that continue them; those that are held already are passed over.
        signed: central's checkpoint over all of them.
        note: the signed note of it.

    Returns:
        What the node's journal says of it; None where nothing is new.

    Raises:
        IntegrityError: they do not continue what is held, or are not what central signed.
    """
    frontier = log.frontier()
    if signed.size <= frontier.size:
        if root_at(signed.size, log.read_node) != signed.root:
            raise IntegrityError(
                "Central has signed other orders than the ones held here.", "Stop, and call central IT."
            )
        return None
    fresh = [order for order in orders if order.header.seq >= frontier.size]
    places = [(order.header.journal, order.header.seq) for order in fresh]
    if places != [(log.journal, seq) for seq in range(frontier.size, signed.size)]:
        raise IntegrityError("Central's orders do not follow the ones held here.", "Call central IT.")
    if any(order.body is None for order in fresh):
        raise IntegrityError("Central's orders came without what they say.", "Call central IT.")
    frontier = log.append(fresh, frontier)
    if frontier.root() != signed.root:
        raise IntegrityError("Central's orders are not the ones it signed.", "Call central IT.")
    log.set_head(frontier, note)
    return OrdersApplied(size=frontier.size, root=frontier.root().hex())
