"""An entry or an order that a fold throws at: all else goes on, people see which it is, and newer software mends it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.access.session import node_session
from appliance.casework.givenorders import given_orders
from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.journal.ids import JournalId, entity_id, orders_of
from appliance.records import folding, search, tables
from appliance.records.aside import Poison
from appliance.records.folds import FOLDS, ORDER_FOLDS, Ops
from appliance.store.store import Draft
from sync.agent import sync_once
from sync.central import index as index_module
from sync.central.index import STEP_ENTRIES
from sync.central.metrics import Metrics
from tests.integration.sync.test_archive import Desk
from tests.support.centrals import CENTRE, Scribe, enrol, served
from tests.support.nodes import real_clock
from tests.support.specimens import SPECIMENS

ONE, OTHER = (entity_id(bytes([number]) * 16) for number in (7, 9))
SECRET = "Words of a citizen"


def throws(_header: Header, _body: object) -> Ops:
    raise KeyError(SECRET)


def hands_on_what_no_database_holds(header: Header, _body: object) -> Ops:
    yield tables.blobs.insert(), {"journal": header.journal, "about": header.about, "digest": "x", "seq": 1 << 70}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "central")
    yield made
    made.central.close()


def break_fold(patch: pytest.MonkeyPatch, kind: str, how: Callable[[Header, object], Ops] = throws) -> None:
    where = FOLDS if kind in FOLDS else ORDER_FOLDS
    patch.setitem(where, kind, where[kind]._replace(ops=how))


def people(desk: Desk, scribe: Scribe | None = None) -> dict[str, str]:
    """Each person in the tables, and what they are called."""
    found = tables.people.c
    with desk.central._index_db.read() as tx:
        rows = tx.all(sa.select(found.about, found.name).where(found.journal == (scribe or desk.scribe).journal), {})
    return dict(rows)


def added(name: str) -> k.Body:
    return SPECIMENS[k.PersonAdded.KIND](name)


def corrected(name: str) -> k.Body:
    return k.PersonCorrected(changes={"name": name}, reason="x")


def send(desk: Desk, *written: tuple[k.Body, str], scribe: Scribe | None = None) -> None:
    scribe = scribe or desk.scribe
    held = len(desk.held(scribe))
    for body, about in written:
        scribe.write(body, about)
    assert desk.send_from(held, scribe=scribe).stored == len(scribe.entries)
    desk.central.index.settle(30)
    desk.central.fleet.forget_picture()


@pytest.mark.parametrize("how", [throws, hands_on_what_no_database_holds])
def test_what_a_fold_throws_at_is_set_aside_with_its_subject_and_the_rest_goes_on(
    desk: Desk, how: Callable[[Header, object], Ops]
) -> None:
    send(desk, (added("First"), ONE), (added("Second"), OTHER))
    with pytest.MonkeyPatch.context() as patch:
        break_fold(patch, k.PersonVerified.KIND, how)
        send(
            desk,
            (corrected("Before"), ONE),
            (SPECIMENS[k.PersonVerified.KIND]("x"), ONE),
            (corrected("Behind"), ONE),
            (corrected("Other"), OTHER),
        )
        send(desk, (corrected("Further"), OTHER), (corrected("Further"), ONE))
        assert people(desk) == {ONE: "Before", OTHER: "Further"}
        assert desk.held() == desk.scribe.entries
        assert desk.cosigned() == desk.scribe.checkpoint()
        (poison,) = desk.central.index.set_aside(desk.scribe.journal, 9)
    assert (poison.log, poison.seq, poison.kind) == (desk.scribe.journal, 4, k.PersonVerified.KIND)


def test_people_see_which_entry_it_is_and_what_to_do_and_nothing_of_what_it_says(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_fold(monkeypatch, k.PersonAdded.KIND)
    send(desk, (added(SECRET), ONE), (added(SECRET), OTHER))
    node = desk.central.fleet.node(desk.scribe.journal)
    assert node is not None
    (trouble,) = [each for each in node.troubles if each.code == "set_aside"]
    assert node.gravity == trouble.gravity == 3
    assert "entry 1 (person.added): KeyError. So are 1 more." in trouble.sentence
    assert "sanad central aside" in trouble.next_step
    assert node.aside == tuple(Poison(desk.scribe.journal, seq, "person.added", "KeyError") for seq in (1, 2))
    text = Metrics(desk.central.fleet.view, "x").text().decode()
    assert re.search(r"sanad_node_entries_set_aside\{[^}]*\} 2\.0", text)
    assert re.search(r'sanad_node_first_set_aside_seq\{[^}]*kind="person.added"[^}]*\} 1\.0', text)
    assert 'sanad_central_troubles{kind="set_aside"} 1.0' in text
    assert SECRET not in text + repr(node)


def test_a_start_of_software_that_can_fold_it_folds_that_journal_anew(desk: Desk) -> None:
    other = Scribe()
    other.opens()
    desk.enrol(other)
    with pytest.MonkeyPatch.context() as patch:
        break_fold(patch, k.PersonVerified.KIND)
        send(desk, (added("First"), ONE), (SPECIMENS[k.PersonVerified.KIND]("x"), ONE), (corrected("Behind"), ONE))
        send(desk, (added("Second"), OTHER), scribe=other)
        desk.scribe.grow(100)
        send(desk)
        desk.reopen()
        assert people(desk) == {ONE: "First"}
        assert len(desk.central.index.set_aside(desk.scribe.journal, 9)) == 1
    desk.reopen()
    assert people(desk) == {ONE: "Behind"}
    assert people(desk, other) == {OTHER: "Second"}
    assert desk.central.index.set_aside(desk.scribe.journal, 9) == []
    with desk.central._archive_db.read() as log, desk.central._index_db.write() as tx:
        made = dict(folding.table_rows(tx))
        folding.refold(tx, log, [desk.scribe.journal, other.journal])
        assert dict(folding.table_rows(tx)) == made
        search.check(tx)


def test_whoever_is_erased_goes_though_an_entry_about_them_was_set_aside(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_fold(monkeypatch, k.PersonVerified.KIND)
    send(desk, (added("First"), ONE), (SPECIMENS[k.PersonVerified.KIND]("x"), ONE))
    send(desk, (k.SubjectErased(reason="x"), ONE))
    assert people(desk) == {}
    assert desk.central.index.set_aside(desk.scribe.journal, 9) == []


def test_an_entry_about_the_node_itself_stops_its_fold_there_and_not_the_archive(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_fold(monkeypatch, k.SlipsReserved.KIND)
    send(desk, (added("First"), ONE), (SPECIMENS[k.SlipsReserved.KIND]("x"), "-"), (corrected("Behind"), ONE))
    send(desk, (corrected("Further"), ONE))
    assert people(desk) == {ONE: "First"}
    assert desk.cosigned() == desk.scribe.checkpoint()
    node = desk.central.fleet.node(desk.scribe.journal)
    assert node is not None
    assert "stopped before entry 2 (slips.reserved): KeyError" in node.troubles[0].sentence
    monkeypatch.undo()
    send(desk, (corrected("Mended"), ONE))
    assert people(desk) == {ONE: "Mended"}
    node = desk.central.fleet.node(desk.scribe.journal)
    assert node is not None
    assert "fold_stopped" not in {each.code for each in node.troubles}


def test_what_follows_the_fold_fails_each_for_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[JournalId] = []
    monkeypatch.setattr(type(desk.central.conflicts), "look", lambda *_: SPECIMENS["none"])
    monkeypatch.setattr(type(desk.central.backups), "look", lambda _, journal: looked.append(journal))
    send(desk, (added("First"), ONE))
    assert people(desk) == {ONE: "First"}
    assert set(looked) == {desk.scribe.journal}
    node = desk.central.fleet.node(desk.scribe.journal)
    assert node is not None
    assert "conflicts (KeyError)" in node.troubles[0].sentence


def test_a_long_journal_lets_others_have_their_turn(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "STEP_ENTRIES", 10)
    assert STEP_ENTRIES > 10
    other = Scribe()
    other.opens()
    desk.enrol(other)
    desk.central.index.settle(30)
    folded: list[str] = []
    stamp = folding.stamp

    def stamped(tx: object, journal: str, position: int) -> None:
        folded.append(journal)
        if len(folded) == 1:
            desk.central.index.soon(other.journal)
        stamp(tx, journal, position)  # type: ignore[arg-type]

    monkeypatch.setattr(type(desk.central.index), "soon", lambda *_: None)
    desk.send_from(1, scribe=desk.scribe.grow(95))
    desk.send_from(1, scribe=other.grow(5))
    monkeypatch.undo()
    monkeypatch.setattr(index_module, "STEP_ENTRIES", 10)
    monkeypatch.setattr(folding, "stamp", stamped)
    desk.central.index.soon(desk.scribe.journal).result(30)
    assert folded[:2] == [desk.scribe.journal, other.journal]
    assert folded.count(desk.scribe.journal) == 10


def test_an_order_that_a_node_cannot_fold_blocks_neither_the_others_nor_its_own_entries(tmp_path: Path) -> None:
    with served(tmp_path / "central") as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        journal = node.store.journal
        with pytest.MonkeyPatch.context() as patch:
            break_fold(patch, k.SettingOrdered.KIND)
            central.order(journal, [k.SettingOrdered(name="casework.language", value='"ur"')])
            central.order(journal, [k.NumbersLeased(prefix="Z", first=1, last=9)])
            node.commit(3)
            done = sync_once(node.store, node.address, now_s=lambda: int(real_clock().timestamp()))
            assert done.complete
            assert done.orders_taken >= 2
            with node.store.read() as tx:
                blocks = tx.all(sa.select(tables.number_blocks.c.prefix), {})
                (aside,) = tx.all(sa.select(tables.set_aside.c.log, tables.set_aside.c.kind), {})
            assert ("Z",) in blocks
            assert aside == (orders_of(journal), "setting.ordered")
            assert [each.kind for each in given_orders(node.store) if each.aside] == ["setting.ordered"]
            # What this box itself would write is refused, and nothing of it stays: no act is half done.
            break_fold(patch, k.NodeStarted.KIND)
            size = node.store.head().size
            with pytest.raises(KeyError):
                node.store.commit(node_session(), lambda _: [Draft(k.NodeStarted(software="x", orphans_removed=0))])
            assert node.store.head().size == size
        node.store.refold()
        with node.store.read() as tx:
            assert tx.all(sa.select(tables.set_aside.c.seq), {}) == []
            assert tx.all(sa.select(tables.ordered_settings.c.name), {}) == [("casework.language",)]
        node.store.close()
