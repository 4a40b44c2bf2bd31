"""A node hears by central's orders that it is in quarantine, and that it is in none any more: by link and by stick."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import orders_of
from appliance.journal.kinds import NodeQuarantined, NumbersLeased
from appliance.journal.tree import frontier_at
from appliance.records import folding, tables
from appliance.records.log import Log
from appliance.store import carried
from appliance.store.quarantine import held
from sync import courier, courierdisk
from sync.agent import sync_once
from sync.central import tables as t
from sync.central.central import Central
from sync.central.courier import Import, Receipt
from sync.central.quarantine import Cause
from sync.courier import Taken
from sync.refusals import Fork, Quarantined, Rollback
from tests.support.centrals import EnrolledNode

STOPPED = "Central takes nothing from this box: call central IT. Work here can go on."
LOSE_ORDERS = sa.delete(tables.entries).where(
    tables.entries.c.journal == sa.bindparam("lost"), tables.entries.c.seq >= sa.bindparam("from")
)


def sync(node: EnrolledNode) -> None:
    sync_once(node.store, node.address, now_s=lambda: 0)


def line(node: EnrolledNode) -> str:
    return carried.carried(node.store).words(datetime.now(UTC))


def orders_held(node: EnrolledNode) -> int:
    head = node.store.orders_head()
    return 0 if head is None else head.size


def to_central(node: EnrolledNode, central: Central, stick: Path) -> tuple[Import, Receipt]:
    out = courier.export(node.store, stick)
    (found,) = courierdisk.find(out.files[0])
    taken = central.courier.take(found)
    receipt = central.courier.write_receipt(
        *(taken.journal, stick),
        number=taken.number,
        orders_held=taken.orders_held,
        orders_root=taken.orders_root,
    )
    return taken, receipt


def back(node: EnrolledNode, receipt: Receipt) -> Taken:
    (found,) = courierdisk.find(receipt.place)
    return courier.take_receipt(node.store, found)


def restore(central: Central, node: EnrolledNode, size: int) -> None:
    """What a backup does that knows only so many orders of a node, and of no quarantine."""
    journal = node.store.journal
    with central._archive_db.write() as tx:
        log = Log(tx, orders_of(journal))
        signer = central._orders.signer(journal)
        frontier = frontier_at(size, log.read_node)
        log.set_head(frontier, sign_checkpoint(Checkpoint(signer.name, size, frontier.root()), signer))
        tx.run(LOSE_ORDERS, {"lost": log.journal, "from": size})
        tx.run(sa.delete(t.quarantined))


# Over HTTPS


def test_a_node_that_is_refused_takes_up_the_order_that_says_why_and_shows_it_without_a_network(
    central: Central, node: EnrolledNode
) -> None:
    central.fleet.stop(node.store.journal, "Its box was stolen.", "ayesha")
    with pytest.raises(Quarantined, match="Its box was stolen"):
        sync(node)
    found = held(node.store)
    assert found is not None
    assert (found.cause, found.reason, found.by) == ("person", "Its box was stolen.", "ayesha")
    standing = carried.carried(node.store)
    assert standing.hindrance is None
    assert line(node) == STOPPED
    assert "(ayesha): somebody there stopped it. “Its box was stolen.”" in standing.details[0]
    assert standing.details[1].startswith("Work can go on")


def test_asking_again_brings_nothing_twice_and_orders_go_on_reaching_it(central: Central, node: EnrolledNode) -> None:
    central.fleet.stop(node.store.journal, "A reason.", "ayesha")
    for _ in range(3):
        with pytest.raises(Quarantined):
            sync(node)
    size, orders = node.store.head().size, orders_held(node)
    central.order(node.store.journal, [NumbersLeased(prefix="PEW01", first=1, last=2)])
    with pytest.raises(Quarantined):
        sync(node)
    assert (node.store.head().size, orders_held(node)) == (size + 1, orders + 1)
    assert central.archive.state(node.store.journal).stored < size


def test_lifting_goes_away_with_the_next_session_and_both_sides_have_the_same_tables(
    central: Central, node: EnrolledNode
) -> None:
    central.fleet.stop(node.store.journal, "A reason.", "ayesha")
    with pytest.raises(Quarantined):
        sync(node)
    central.fleet.lift(node.store.journal, "It was found.", "ayesha")
    sync(node)
    assert held(node.store) is None
    assert line(node).startswith("All is well")
    sync(node)
    central.index.settle(30)
    with node.store.read() as mine, central._index_db.read() as theirs:
        folding.same_tables(mine, theirs, node.store.journal)


@pytest.mark.parametrize(("error", "times", "said"), [(Fork, 1, "contradicts"), (Rollback, 2, "older copy")])
def test_what_central_finds_by_itself_is_ordered_too(
    central: Central, node: EnrolledNode, error: type[Fork] | type[Rollback], times: int, said: str
) -> None:
    for _ in range(times):
        central.fleet.refused(node.store.journal, error("What central says."))
    with pytest.raises(Quarantined):
        sync(node)
    found = held(node.store)
    assert found is not None
    assert (said in found.words, found.by) == (True, "central")


def test_a_quarantine_from_before_there_were_such_orders_is_ordered_when_central_starts(
    central: Central, node: EnrolledNode
) -> None:
    before = orders_held(node)
    central.fleet.stop(node.store.journal, "A reason.", "ayesha")
    restore_orders_only(central, node, before)
    central.fleet.tell_held()
    central.fleet.tell_held()
    with pytest.raises(Quarantined):
        sync(node)
    found = held(node.store)
    assert found is not None
    assert (found.by, found.reason, orders_held(node)) == ("ayesha", "A reason.", before + 1)


def restore_orders_only(central: Central, node: EnrolledNode, size: int) -> None:
    with central._archive_db.read() as tx:
        kept = tx.all(sa.select(t.quarantined))
    restore(central, node, size)
    with central._archive_db.write() as tx:
        tx.many(sa.insert(t.quarantined), [dict(zip(t.quarantined.columns.keys(), row, strict=True)) for row in kept])


# By stick


def test_a_node_that_only_sticks_reach_hears_of_it_by_its_receipt_and_that_it_was_lifted_by_the_next(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    journal = node.store.journal
    node.commit(5)
    central.fleet.stop(journal, "Its box was stolen.", "ayesha")
    taken, receipt = to_central(node, central, stick)
    assert taken.stopped is not None
    assert (taken.entries, central.archive.state(journal).stored) == (0, 1)
    took = back(node, receipt)
    assert (took.orders, took.closed, took.troubles) == (1, 0, ())
    assert line(node) == STOPPED
    assert "Its box was stolen." in carried.carried(node.store).details[0]

    central.fleet.lift(journal, "It was found.", "ayesha")
    taken, receipt = to_central(node, central, stick)
    assert (taken.stopped, taken.entries) == (None, node.store.head().size - 1)
    back(node, receipt)
    assert held(node.store) is None
    assert line(node) != STOPPED


def test_a_copy_that_went_another_way_takes_the_order_though_nothing_else_of_the_receipt_counts(
    central: Central, node: EnrolledNode, stick: Path, tmp_path: Path
) -> None:
    journal = node.store.journal
    node.commit(3)
    central.fleet.refused(journal, Fork("Two histories."))
    _, receipt = to_central(node, central, stick)
    (found,) = courierdisk.find(receipt.place)
    assert back(node, receipt).orders == 1
    assert found.header.journal == journal
    assert courier.take_receipt(node.store, found).orders == 0
    assert held(node.store) is not None


def test_an_older_copy_says_so_and_takes_the_orders_all_the_same(
    central: Central, node: EnrolledNode, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    central.fleet.stop(node.store.journal, "A reason.", "ayesha")
    more = replace(central.archive.state(node.store.journal), stored=99)
    monkeypatch.setattr(central.archive, "state", lambda _: more)
    _, receipt = to_central(node, central, stick)
    with pytest.raises(IntegrityError, match="older copy"):
        back(node, receipt)
    assert held(node.store) is not None
    assert node.store.head().cosigned_size == 1


# A central that was put back from a backup


def test_a_restored_central_learns_a_quarantine_from_the_node_that_was_told_of_it(
    central: Central, node: EnrolledNode
) -> None:
    before = orders_held(node)
    central.fleet.stop(node.store.journal, "Its box was stolen.", "ayesha")
    with pytest.raises(Quarantined):
        sync(node)
    restore(central, node, before)
    with pytest.raises(Quarantined):
        sync(node)
    view = central.fleet.node(node.store.journal)
    assert view is not None
    assert view.quarantine is not None
    assert (view.quarantine.cause, view.quarantine.reason) == (Cause.PERSON, "Its box was stolen.")
    assert [each.act for each in central.fleet.acts(node.store.journal)][-1] == "quarantined"


def test_a_restored_central_learns_on_a_stick_that_it_had_lifted_a_quarantine(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    journal = node.store.journal
    central.fleet.stop(journal, "A reason.", "ayesha")
    with pytest.raises(Quarantined):
        sync(node)
    stopped = orders_held(node)
    with central._archive_db.read() as tx:
        kept = tx.all(sa.select(t.quarantined))
    central.fleet.lift(journal, "It was found.", "ayesha")
    sync(node)
    restore(central, node, stopped)
    with central._archive_db.write() as tx:
        tx.many(sa.insert(t.quarantined), [dict(zip(t.quarantined.columns.keys(), row, strict=True)) for row in kept])
    taken, receipt = to_central(node, central, stick)
    assert taken.stopped is not None
    assert "Central lacks orders" in back(node, receipt).troubles[0]
    to_central(node, central, stick)
    view = central.fleet.node(journal)
    assert view is not None
    assert view.quarantine is None
    sync(node)


def test_in_quarantine_central_takes_out_none_of_its_orders_for_those_of_a_box_that_may_be_a_copy(
    central: Central, node: EnrolledNode
) -> None:
    journal, before = node.store.journal, orders_held(node)
    central.order(journal, [NumbersLeased(prefix="PEW01", first=1, last=2)])
    sync(node)
    restore(central, node, before)
    central.fleet.stop(journal, "A reason.", "ayesha")
    with pytest.raises(Quarantined):
        sync(node)
    with central._archive_db.read() as tx:
        log = Log(tx, orders_of(journal))
        kinds = [entry.header.kind for entry in log.entries(before, log.frontier().size)]
    assert kinds == [NodeQuarantined.KIND]
    central.fleet.lift(journal, "It was found.", "ayesha")
    sync(node)
    assert held(node.store) is None
    with node.store.read() as mine, central._archive_db.read() as theirs:
        sides = [list(Log(tx, orders_of(journal)).rows(0, 20)) for tx in (mine, theirs)]
    assert sides[0] == sides[1]
