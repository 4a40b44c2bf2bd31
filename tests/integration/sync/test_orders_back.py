"""A central that was restored from a backup is given back the orders that it gave and lost."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import JournalId, entity_id, orders_of
from appliance.journal.kinds import NumbersLeased, OfficerKeyRefused
from appliance.journal.tree import frontier_at
from appliance.records import folding, tables
from appliance.records.log import Log
from sync import courier, courierdisk, frames
from sync.agent import sync_once
from sync.calls import Calls
from sync.central import tables as central_tables
from sync.central.central import Central
from sync.courier import Taken
from sync.frames import End, Hello
from sync.outcome import SyncOutcome
from tests.support.centrals import EnrolledNode, stream

LOSE_ORDERS = sa.delete(tables.entries).where(
    tables.entries.c.journal == sa.bindparam("lost"), tables.entries.c.seq >= sa.bindparam("from")
)
LOSE_BLOCKS = sa.delete(central_tables.blocks)
BLOCKS = sa.select(tables.number_blocks.c.prefix, tables.number_blocks.c.first).order_by(
    tables.number_blocks.c.prefix, tables.number_blocks.c.first
)
FIRSTS = sa.select(tables.number_blocks.c.first).order_by(tables.number_blocks.c.first)


def sync(node: EnrolledNode) -> SyncOutcome:
    return sync_once(node.store, node.address, now_s=lambda: 0)


def restore(central: Central, journal: JournalId, size: int) -> None:
    """What a backup does that knows only so many orders of a node."""
    with central._archive_db.write() as tx:
        log = Log(tx, orders_of(journal))
        signer = central._orders.signer(journal)
        frontier = frontier_at(size, log.read_node)
        log.set_head(frontier, sign_checkpoint(Checkpoint(signer.name, size, frontier.root()), signer))
        tx.run(LOSE_ORDERS, {"lost": log.journal, "from": size})
        tx.run(LOSE_BLOCKS)


def test_orders_that_central_has_lost_are_handed_back_and_others_follow_them(
    central: Central, node: EnrolledNode
) -> None:
    central.lease(node.store.journal)
    assert sync(node).orders_taken == 1
    restore(central, node.store.journal, 1)
    assert sync(node).complete
    central.lease(node.store.journal)
    assert sync(node).orders_taken == 1
    with node.store.read() as mine, central._archive_db.read() as theirs:
        firsts = [row[0] for row in mine.all(FIRSTS)]
        held, given = (list(Log(tx, orders_of(node.store.journal)).rows(0, 4)) for tx in (mine, theirs))
    assert firsts == [1, 10_001, 20_001]
    assert held == given


def test_orders_that_this_central_never_gave_are_not_taken_back(central: Central, node: EnrolledNode) -> None:
    journal = node.store.journal
    seen = central.nodes()[0].node
    unsigned = stream([Hello(orders_of(journal), 2), frames.Checkpoint(b"-")], end=False) + frames.encode(End())
    for body in (b"", stream([Hello(journal, 2)]), unsigned):
        with pytest.raises(IntegrityError):
            central.take_orders_back(seen, body)


def test_orders_that_cannot_be_taken_up_keep_no_entry_of_the_node_from_going_up(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    central.lease(node.store.journal)
    node.commit()
    monkeypatch.setattr(Calls, "orders", lambda *_: stream([Hello(node.store.journal, 1)]))
    with pytest.raises(IntegrityError):
        sync(node)
    head = node.store.head()
    assert head.cosigned_size == head.size == central.nodes()[0].size
    monkeypatch.undo()
    assert sync(node).orders_taken == 1


def test_orders_that_were_given_in_the_place_of_lost_ones_follow_them(central: Central, node: EnrolledNode) -> None:
    journal = node.store.journal
    central.lease(journal)
    assert sync(node).orders_taken == 1
    restore(central, journal, 1)
    other = NumbersLeased(prefix="PEW02", first=1, last=9)
    central.lease(journal)
    central.order(journal, [other])
    node.commit()
    assert sync(node).complete
    assert sync(node).complete
    assert blocks(node) == [("PEW01", 1), ("PEW01", 10_001), ("PEW01", 20_001), ("PEW02", 1)]
    assert same_orders(central, node)
    central.index.settle(30)
    with node.store.read() as mine, central._index_db.read() as theirs:
        folding.same_tables(mine, theirs, journal)


def test_an_officer_whose_key_was_certified_before_is_not_answered_twice(central: Central, node: EnrolledNode) -> None:
    journal = node.store.journal
    refused = OfficerKeyRefused(key=entity_id(bytes(16)), reason="name")
    central.order(journal, [refused])
    assert sync(node).orders_taken == 1
    held = node.store.orders_head()
    restore(central, journal, 2)
    central.order(journal, [OfficerKeyRefused(key=refused.key, reason="role")])
    assert sync(node).complete
    assert sync(node).complete
    assert node.store.orders_head() == held
    assert same_orders(central, node)


def test_orders_that_were_lost_go_back_on_a_stick(central: Central, node: EnrolledNode, tmp_path: Path) -> None:
    journal = node.store.journal
    central.lease(journal)
    assert sync(node).orders_taken == 1
    restore(central, journal, 1)
    central.lease(journal)
    node.commit()
    taken = carry(central, node, tmp_path)
    assert (taken.orders, len(taken.troubles)) == (0, 1)
    assert "brings them back" in taken.troubles[0]
    taken = carry(central, node, tmp_path)
    assert (taken.orders, taken.troubles) == (1, ())
    assert blocks(node) == [("PEW01", 1), ("PEW01", 10_001), ("PEW01", 20_001)]
    assert same_orders(central, node)
    assert carry(central, node, tmp_path).orders == 0


def carry(central: Central, node: EnrolledNode, stick: Path) -> Taken:
    (file,) = courier.export(node.store, stick).files
    (found,) = courierdisk.find(file)
    taken = central.courier.take(found)
    receipt = central.courier.write_receipt(
        *(taken.journal, stick), number=taken.number, orders_held=taken.orders_held, orders_root=taken.orders_root
    )
    (back,) = courierdisk.find(receipt.place)
    return courier.take_receipt(node.store, back)


def blocks(node: EnrolledNode) -> list[tuple[str, int]]:
    with node.store.read() as tx:
        return [(row[0], row[1]) for row in tx.all(BLOCKS)]


def same_orders(central: Central, node: EnrolledNode) -> bool:
    journal = orders_of(node.store.journal)
    with node.store.read() as mine, central._archive_db.read() as theirs:
        held, given = (list(Log(tx, journal).rows(0, 99)) for tx in (mine, theirs))
    return held == given
