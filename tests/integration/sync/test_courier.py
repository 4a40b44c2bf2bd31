"""A node and central that only a stick connects: what gets there, what does not, and that nothing is lost or harmed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.journal.kinds import NumbersLeased
from appliance.records.log import Log
from sync import courier, courierdisk
from sync.central.central import Central
from sync.central.courier import Import, Receipt
from sync.courier import Exported, Taken
from sync.courierfile import MAX_FILE
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


@pytest.fixture
def node(central: Central, tmp_path: Path) -> Iterator[EnrolledNode]:
    made = enrol(tmp_path / "node", central.invite(*CENTRE))
    yield made
    made.store.close()


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def export(node: EnrolledNode, path: Path, *, part_bytes: int = MAX_FILE, fit: bool = False) -> Exported:
    return courier.export(node.store, path, part_bytes=part_bytes, fit=fit)


def carry(central: Central, file: Path) -> Import:
    (found,) = courierdisk.find(file)
    return central.courier.take(found)


def answer(central: Central, taken: Import, folder: Path) -> Receipt:
    return central.courier.write_receipt(taken.journal, folder, number=taken.number, orders_held=taken.orders_held)


def take(node: EnrolledNode, receipt: Receipt) -> Taken:
    (found,) = courierdisk.find(receipt.place)
    return courier.take_receipt(node.store, found)


def same_on_both_sides(central: Central, node: EnrolledNode) -> bool:
    size = node.store.head().cosigned_size
    with central._archive_db.read() as tx:
        there = [(each.header_bytes, each.body) for each in Log(tx, node.store.journal).entries(0, size)]
    return there == [(each.header_bytes, each.body) for each in node.store.entries(0, size)]


def papers(node: EnrolledNode, *sizes: int) -> list[bytes]:
    """Scans that entries name."""
    made = [os.urandom(size) for size in sizes]
    for paper in made:
        node.commit(blobs=(node.store.put_blob(paper),))
    return made


def test_what_was_exported_is_at_central_and_the_receipt_closes_it(
    central: Central, node: EnrolledNode, stick: Path
) -> None:
    node.commit(700)
    scans = papers(node, 100, 200_000)
    size = node.store.head().size
    out = export(node, stick)
    assert (out.first, out.last, out.blobs, out.left, out.missing) == (1, size, 2, 0, ())
    (file,) = out.files
    taken = carry(central, file)
    assert (taken.entries, taken.blobs, taken.refused) == (size - 1, 2, {})
    central.order(node.store.journal, [NumbersLeased(prefix="PEW01", first=1, last=2)])
    receipt = answer(central, taken, stick)
    assert (receipt.stored, receipt.cosigned_size, receipt.lacking) == (size, size, 0)
    back = take(node, receipt)
    assert (back.cosigned_size, back.closed, back.lacking, back.orders, back.troubles) == (size, size - 1, 0, 1, ())
    assert back.lists
    assert same_on_both_sides(central, node)
    assert {central.fetch(digest) for digest in node.store.named_blobs()} == set(scans)
    again = export(node, stick)
    assert (again.first, again.last, again.blobs) == (size, size + 1, 0)
