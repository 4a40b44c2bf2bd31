"""What comes from central: countersignatures and orders, and everything that only looks like them."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from appliance.journal import kinds as k
from appliance.journal.checkpoint import BadCheckpoint, Checkpoint, cosign, open_checkpoint, sign_checkpoint
from appliance.journal.entry import read_entry
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.notes import COSIGNATURE, Signer
from appliance.records import folding
from appliance.records import tables as t
from appliance.store.verify import verify_home
from appliance.store.witness import RolledBack, Witness
from tests.integration.store.conftest import AT_S, Bench
from tests.support.nodes import Halted

OTHER = Signer("sanad/central/other", os.urandom(32), COSIGNATURE)


def refused(bench: Bench, attempt: Callable[[], object], error: type[Exception] = IntegrityError) -> None:
    before = bench.state(), witness(bench)
    with pytest.raises(error):
        attempt()
    assert (bench.state(), witness(bench)) == before


def witness(bench: Bench) -> bytes | None:
    path = bench.store.layout.witness
    return path.read_bytes() if path.exists() else None


def ours(bench: Bench, size: int, root: bytes) -> bytes:
    """A checkpoint that the node itself signed, of whatever."""
    signer = bench.store.signer
    return sign_checkpoint(Checkpoint(signer.name, size, root), signer)


# Countersignatures


def test_a_countersignature_is_kept_in_the_store_and_beside_it(bench: Bench) -> None:
    size = bench.countersign()
    head = bench.store.head()
    assert (head.cosigned_size, size) == (head.size, head.size)
    assert head.cosigned == witness(bench) == bench.central.cosigned(head.checkpoint)


def test_an_older_one_changes_nothing(bench: Bench) -> None:
    older = bench.central.cosigned(bench.store.head().checkpoint)
    bench.person()
    bench.countersign()
    before = bench.state(), witness(bench)
    bench.store.take_cosignature(older)
    assert (bench.state(), witness(bench)) == before


def test_one_on_a_size_of_the_past_is_taken(bench: Bench) -> None:
    note = bench.central.cosigned(bench.store.head().checkpoint)
    bench.person()
    assert bench.store.take_cosignature(note) == bench.store.head().size - 1 == bench.store.head().cosigned_size


def test_what_is_not_by_our_central_or_not_of_our_journal_is_refused(bench: Bench) -> None:
    head = bench.store.head()
    note = head.checkpoint
    stranger = Signer(bench.store.signer.name, os.urandom(32))
    foreign = sign_checkpoint(Checkpoint(stranger.name, head.size, head.root), stranger)
    renamed = Signer(bench.central.cosigner.name, os.urandom(32), COSIGNATURE)
    good = bench.central.cosigned(note)
    for attempt in (
        note,
        cosign(note, OTHER, AT_S),
        cosign(note, renamed, AT_S),
        bench.central.cosigned(foreign),
        good[:-10] + b"AAAAAAAAA\n",
        good + b"\n",
        b"",
        b"\xff" * 100,
    ):
        refused(bench, lambda attempt=attempt: bench.store.take_cosignature(attempt), BadCheckpoint)  # type: ignore[misc]


def test_a_countersignature_on_more_than_there_is_shows_an_older_copy(bench: Bench) -> None:
    more = ours(bench, bench.store.head().size + 1, os.urandom(32))
    refused(bench, lambda: bench.store.take_cosignature(bench.central.cosigned(more)), RolledBack)


def test_a_countersignature_on_another_history_shows_a_fork(bench: Bench) -> None:
    for size in (1, bench.store.head().size):
        other = ours(bench, size, os.urandom(32))
        refused(bench, lambda other=other: bench.store.take_cosignature(bench.central.cosigned(other)), RolledBack)  # type: ignore[misc]


def test_a_node_that_is_not_enrolled_takes_none(bench: Bench) -> None:
    with bench.store._database.write() as tx:
        tx._connection.execute("DELETE FROM local")
    refused(bench, lambda: bench.countersign(), BugError)


def test_the_witness_is_never_ahead_of_the_store(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written after the commit: a crash between the two leaves it behind, and the store says so."""

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Witness, "renew", crash)
        with pytest.raises(KeyboardInterrupt):
            bench.countersign()
    assert witness(bench) is None
    note = bench.store.head().cosigned
    assert note is not None
    made = verify_home(bench.store.layout, bench.key)
    assert made.ok, made.reasons
    assert made.remarks
    bench.store.recover("test")
    assert witness(bench) == note
    assert not verify_home(bench.store.layout, bench.key).remarks


def test_a_store_put_back_does_not_start_nor_lose_the_witness(bench: Bench) -> None:
    bench.store._database.checkpoint()
    older = bench.store.layout.database.read_bytes()
    bench.person()
    bench.countersign()
    seen = witness(bench)
    bench.store.close()
    bench.store.layout.database.write_bytes(older)
    bench.store = bench.reopen()
    refused(bench, lambda: bench.store.recover("test"), RolledBack)
    refused(bench, lambda: bench.countersign(), RolledBack)
    assert witness(bench) == seen


def test_a_disk_that_fails_under_the_witness_stops_the_store(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Halted):
        bench.countersign()


# Orders


def blocks(bench: Bench) -> int:
    with bench.store.read() as tx:
        return len(dict(folding.table_rows(tx))[t.number_blocks.name])


def test_orders_are_taken_up_and_hold(bench: Bench) -> None:
    bench.central.open_orders()
    bench.central.order()
    assert bench.take_orders() == 2
    assert blocks(bench) == 1
    head = bench.store.orders_head()
    assert head is not None
    assert (head.size, head.checkpoint) == (2, bench.central.note())
    (entry,) = bench.store.entries(bench.store.head().size - 1, bench.store.head().size)
    assert (entry.header.kind, entry.header.by) == ("orders.applied", "node")
    assert verify_home(bench.store.layout, bench.key).ok


def test_the_same_orders_again_and_older_ones_change_nothing(bench: Bench) -> None:
    bench.central.open_orders()
    older = bench.central.note()
    bench.central.order()
    bench.take_orders()
    before = bench.state()
    assert bench.take_orders() == 2
    assert bench.store.take_orders(bench.central.orders[:1], older) == 2
    assert bench.store.take_orders([], bench.central.note()) == 2
    assert bench.state() == before


def test_more_orders_follow_with_or_without_those_that_are_held(bench: Bench) -> None:
    bench.central.open_orders()
    bench.take_orders()
    bench.central.order()
    assert bench.take_orders() == 2
    bench.central.order()
    assert bench.store.take_orders(bench.central.orders[2:], bench.central.note()) == 3
    assert blocks(bench) == 2


def test_orders_with_a_gap_or_in_another_order_or_too_few_or_too_many_are_refused(bench: Bench) -> None:
    bench.central.open_orders()
    bench.take_orders()
    bench.central.order()
    bench.central.order()
    whole, note = bench.central.orders, bench.central.note()
    for orders in (
        [],
        whole[:2],
        whole[2:],
        [*whole[:1], whole[2], whole[1]],
        [*whole, whole[2]],
        [*whole[:2], whole[1]],
    ):
        refused(bench, lambda orders=orders: bench.store.take_orders(orders, note))  # type: ignore[misc]
    assert bench.take_orders() == 3


def test_orders_signed_by_another_key_are_refused(bench: Bench) -> None:
    bench.central.open_orders()
    stranger = Signer(bench.central.orders_signer.name, os.urandom(32))
    refused(bench, lambda: bench.store.take_orders(bench.central.orders, bench.central.note(stranger)), BadCheckpoint)
    node = Signer(bench.central.orders_signer.name, bench.store.signer.seed)
    refused(bench, lambda: bench.store.take_orders(bench.central.orders, bench.central.note(node)), BadCheckpoint)


def test_orders_that_central_did_not_sign_are_refused(bench: Bench) -> None:
    bench.central.open_orders()
    note = bench.central.note()
    forged = bench.central.made(k.NumbersLeased(prefix="X", first=0, last=9), 0)
    refused(bench, lambda: bench.store.take_orders([forged], note))


def test_orders_for_another_node_are_refused(bench: Bench) -> None:
    bench.central.open_orders()
    own = next(bench.store.entries(0, 1))
    refused(bench, lambda: bench.store.take_orders([own], bench.central.note()))


def test_orders_without_what_they_say_are_refused(bench: Bench) -> None:
    bench.central.open_orders()
    bare = [read_entry(each.header_bytes, None, None) for each in bench.central.orders]
    refused(bench, lambda: bench.store.take_orders(bare, bench.central.note()))


def test_another_history_of_the_orders_is_refused_at_every_size(bench: Bench) -> None:
    """Central restored from a backup has signed other orders than the ones held here."""
    bench.central.open_orders()
    bench.central.order()
    bench.take_orders()
    fork = type(bench.central)(bench.central.journal, bench.central.cosigner, bench.central.orders_seed)
    fork.open_orders()
    fork.order(k.NumbersLeased(prefix="OTHER", first=0, last=9))
    refused(bench, lambda: bench.store.take_orders(fork.orders, fork.note()))
    fork.order()
    refused(bench, lambda: bench.store.take_orders(fork.orders, fork.note()))
    refused(bench, lambda: bench.store.take_orders(fork.orders[2:], fork.note()))


def test_a_fault_in_between_takes_no_order_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.central.open_orders()

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    before = bench.state()
    with monkeypatch.context() as patch:
        patch.setattr(folding.Folder, "fold", broken)
        with pytest.raises(KeyboardInterrupt):
            bench.take_orders()
    assert bench.state() == before
    assert bench.store.orders_head() is None
    assert bench.take_orders() == 1


def test_the_checkpoint_of_a_journal_is_no_checkpoint_of_orders(bench: Bench) -> None:
    bench.central.open_orders()
    assert open_checkpoint(bench.store.head().checkpoint, bench.store.verifier).size == bench.store.head().size
    refused(bench, lambda: bench.store.take_orders(bench.central.orders, bench.store.head().checkpoint), BadCheckpoint)
