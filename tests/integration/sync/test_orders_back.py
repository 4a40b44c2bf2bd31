"""A central that was restored from a backup is given back the orders that it gave and lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import JournalId, orders_of
from appliance.journal.tree import frontier_at
from appliance.records import tables
from appliance.records.log import Log
from sync import frames
from sync.agent import sync_once
from sync.calls import Calls
from sync.central import tables as central_tables
from sync.central.central import Central, OrdersLost
from sync.frames import End, Hello
from sync.outcome import SyncOutcome
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served, stream

LOSE_ORDERS = sa.delete(tables.entries).where(
    tables.entries.c.journal == sa.bindparam("lost"), tables.entries.c.seq >= sa.bindparam("from")
)
LOSE_BLOCKS = sa.delete(central_tables.blocks)
FIRSTS = sa.select(tables.number_blocks.c.first).order_by(tables.number_blocks.c.first)


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    with served(tmp_path / "central") as made:
        yield made


@pytest.fixture
def node(central: Central, tmp_path: Path) -> Iterator[EnrolledNode]:
    made = enrol(tmp_path / "node", central.invite(*CENTRE))
    yield made
    made.store.close()


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


def test_a_central_that_has_lost_orders_gives_no_others_before_they_are_back(
    central: Central, node: EnrolledNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore(central, node.store.journal, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Calls, "hand_back", lambda *_: None)
        assert sync(node).complete
    with pytest.raises(OrdersLost):
        central.lease(node.store.journal)


def test_orders_that_this_central_never_gave_are_not_taken_back(central: Central, node: EnrolledNode) -> None:
    journal = node.store.journal
    seen = central.nodes()[0].node
    unsigned = stream([Hello(orders_of(journal), 2), frames.Checkpoint(b"-")], end=False) + frames.encode(End())
    for body in (b"", stream([Hello(journal, 2)]), unsigned):
        with pytest.raises(IntegrityError):
            central.take_orders_back(seen, body)


def test_orders_that_contradict_those_given_since_are_refused_and_keep_no_entry_back(
    central: Central, node: EnrolledNode
) -> None:
    central.lease(node.store.journal)
    assert sync(node).orders_taken == 1
    restore(central, node.store.journal, 1)
    central.lease(node.store.journal)
    node.commit()
    with pytest.raises(IntegrityError):
        sync(node)
    head = node.store.head()
    assert head.size == head.cosigned_size
