"""Orders that central gave and lost: the node hands them back, and central goes on behind them.

A central that was restored from a backup has given orders that it does not know any more. They bear its own signature,
so the node's copy of them is as good as its own; until they are back it gives no others (`Central.order`). Blocks of
numbers that were leased by them are leased again, so that nobody else is given the same.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from appliance.journal.entry import Entry
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.kinds import NumbersLeased, decode_body
from appliance.records.database import Database, Tx
from appliance.records.log import Log
from sync import frames
from sync.central import tables as t
from sync.central.orders import Orders
from sync.refusals import BadRequest
from sync.session import Accept, Receiver, Stage

_LEASED: Final[sa.Executable] = insert(t.blocks).on_conflict_do_nothing()


def take_back(database: Database, orders: Orders, journal: JournalId, body: bytes) -> int:
    """Take up orders that follow those that are here; durable when this returns.

    Args:
        database: the archive.
        orders: central's.
        journal: the node's.
        body: frames: the orders from the size that is here, under a checkpoint that central signed.

    Returns:
        How many orders the node has been given.

    Raises:
        OutOfStep: they begin elsewhere. Fork: orders were given since that contradict them.
        IntegrityError: they are not orders that this central signed.
    """
    decoder = frames.Decoder()
    parts = list(decoder.feed(body))
    decoder.finish()
    if not parts or not isinstance(parts[0], frames.Hello):
        raise BadRequest("Orders that are handed back do not say whose they are.")
    with database.write() as tx:
        log = Log(tx, orders_of(journal))
        frontier = log.frontier()
        receiver = Receiver(
            log.journal,
            orders.signer(journal).verifier,
            offered=parts[0].offered,
            stored=frontier.size,
            frontier=frontier,
        )
        staged: list[Entry] = []
        for effect in map(receiver.take, parts):
            if isinstance(effect, Stage):
                staged += effect.entries
            elif isinstance(effect, Accept):
                log.append(staged, frontier)
                log.set_head(effect.frontier, effect.note)
                frontier = effect.frontier
                _lease_again(tx, journal, staged)
                staged = []
    return frontier.size


def _lease_again(tx: Tx, journal: JournalId, orders: list[Entry]) -> None:
    for order in orders:
        body = None if order.body is None else decode_body(order.header.kind, order.body)
        if isinstance(body, NumbersLeased):
            block = {"prefix": body.prefix, "first": body.first, "last": body.last, "journal": journal}
            tx.run(_LEASED, block)
