"""Any journal folds to the same tables, however it is read, and whatever was erased: at a node and at central."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.journal import kinds as k
from appliance.journal.entry import Entry, make_entry, read_entry
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import NOBODY, BlobDigest, EntityId, JournalId, Kind, entity_id, journal_id, orders_of
from appliance.journal.tree import EMPTY, root_at
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database, Tx
from appliance.records.folding import Folder, OrdersMissing
from appliance.records.folds import FOLDS
from appliance.records.log import Log
from tests.support.specimens import SPECIMENS

JOURNAL = journal_id(bytes(32))
SUBJECTS = [entity_id(bytes([n]) * 16) for n in range(1, 5)]
BLOBS = [f"{n:02x}" * 32 for n in range(3)]
ORDERS_HELD = 3
UNKNOWN = ("print.confirmed", "operator.added_twice")


def orders() -> list[Entry]:
    """What central has given: also a kind that is none of its own, and one that is malformed."""
    journal = orders_of(JOURNAL)
    bodies = [
        (k.OrdersOpened.KIND, k.encode_body(SPECIMENS[k.OrdersOpened.KIND]("x"))),
        (k.OperatorAdded.KIND, k.encode_body(SPECIMENS[k.OperatorAdded.KIND]("x"))),
        (k.NumbersLeased.KIND, k.encode_body(k.NumbersLeased(prefix="P", first=1, last=99))),
        (k.NumbersLeased.KIND, b'{"prefix":7}'),
    ]
    return [
        made(journal, seq, kind, NOBODY, body, by="central") for seq, (kind, body) in enumerate(bodies[:ORDERS_HELD])
    ]


def made(
    journal: JournalId,
    seq: int,
    kind: str,
    about: str,
    body: bytes,
    by: str = "node",
    year: int = 2026,
    blobs: Sequence[str] = (),
) -> Entry:
    return make_entry(
        journal=journal,
        seq=seq,
        at=f"{year}-11-22T09:00:00.000Z",
        by=by,
        kind=Kind(kind),
        about=EntityId(about),
        body=body,
        salt=seq.to_bytes(16, "big"),
        blobs=[BlobDigest(blob) for blob in blobs],
    )


def applied(size: int, *, true: bool = True) -> bytes:
    log = logged([], orders())
    held = Log(log, orders_of(JOURNAL))
    root = root_at(size, held.read_node) if true else bytes(32)
    return k.encode_body(k.OrdersApplied(size=size, root=root.hex()))


@dataclass(frozen=True)
class Sketch:
    """An entry without its position."""

    kind: str
    about: str
    by: str
    body: bytes
    year: int
    blobs: tuple[str, ...]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**53)
    | st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "fields", "size", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from(["name", "login", "roles", "size", "root", "x"]), JSON, max_size=4)


@st.composite
def sketches(draw: st.DrawFn) -> Sketch:
    kind = draw(st.sampled_from([*sorted(k.KINDS), *UNKNOWN, k.SubjectErased.KIND, k.SessionOpened.KIND]))
    mark = draw(st.sampled_from(["one", "other", "گل"]))
    bodies = [st.builds(lambda value: json.dumps(value).encode(), OBJECTS)]
    if kind in SPECIMENS:
        bodies += [st.just(k.encode_body(SPECIMENS[kind](mark)))] * 4
    if kind == k.OrdersApplied.KIND:
        bodies = [st.builds(applied, st.integers(0, ORDERS_HELD), true=st.just(True))]
    fold = FOLDS.get(kind)
    usual = [NOBODY] if fold is not None and fold.about.value == "nobody" else SUBJECTS
    about = draw(st.sampled_from(usual * 2 + [*SUBJECTS, NOBODY]))
    blobs = draw(st.lists(st.sampled_from(BLOBS), unique=True, max_size=2))
    by = draw(st.sampled_from(["node", *SUBJECTS]))
    return Sketch(kind, about, by, draw(st.one_of(bodies)), draw(st.sampled_from([2025, 2026])), tuple(blobs))


@st.composite
def journals(draw: st.DrawFn) -> list[Entry]:
    drawn = draw(st.lists(sketches(), max_size=5) | st.lists(sketches(), min_size=15, max_size=25))
    return [
        made(JOURNAL, seq, each.kind, each.about, each.body, each.by, each.year, each.blobs)
        for seq, each in enumerate(drawn)
    ]


def logged(entries: Sequence[Entry], given_orders: Sequence[Entry]) -> Tx:
    """A database with a journal and its orders, and empty tables."""
    tx = Database.in_memory((t.LOG, t.FOLDED))
    for journal, its in ((JOURNAL, entries), (orders_of(JOURNAL), given_orders)):
        log = Log(tx, journal)
        log.set_head(log.append(its, EMPTY), b"a note")
    return tx


def one_by_one(entries: Sequence[Entry]) -> Tx:
    """As the commits of a node fold, each in a process of its own."""
    tx = logged(entries, orders())
    for entry in entries:
        Folder(tx, tx, JOURNAL).fold([entry])
    return tx


def without_bodies_of_the_erased(entries: Sequence[Entry]) -> list[Entry]:
    """What a store holds after every erasing: the bodies before it about its subject are gone."""
    erased = {each.header.about: each.header.seq for each in entries if each.header.kind == k.SubjectErased.KIND}
    return [
        read_entry(each.header_bytes, None, None)
        if each.header.about != NOBODY and each.header.seq < erased.get(each.header.about, -1)
        else each
        for each in entries
    ]


def same(left: Tx, right: Tx) -> None:
    folding.same_tables(left, right, JOURNAL)
    assert list(folding.table_rows(left)) == list(folding.table_rows(right))


def in_pages(entries: Sequence[Entry], page: int) -> Tx:
    tx = logged(entries, orders())
    folder = Folder(tx, tx, JOURNAL)
    for start in range(0, len(entries), page):
        folder.fold(entries[start : start + page])
    return tx


def at_central(entries: Sequence[Entry]) -> Tx:
    """As central folds: the tables in another database than the log."""
    archive, index = logged(entries, orders()), Database.in_memory((t.LOG, t.FOLDED))
    folding.fold_range(index, archive, JOURNAL, 0, len(entries))
    return index


def only_headers_are_left(tx: Tx, entries: Sequence[Entry]) -> None:
    """Of what was erased, nothing stands in the tables but what headers say."""
    erased = {each.header.about for each in entries if each.header.kind == k.SubjectErased.KIND} - {NOBODY}
    rows = dict(folding.table_rows(tx))
    assert {row[1] for row in rows[t.erased.name]} == erased
    for table in t.OF_A_SUBJECT:
        about = list(table.columns.keys()).index("about")
        assert not {row[about] for row in rows[table.name]} & erased
    assert len(rows[t.timeline.name]) == len(entries)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(journals(), st.integers(1, 6))
def test_any_journal_folds_to_the_same_tables_however_it_is_read(entries: list[Entry], page: int) -> None:
    folded = one_by_one(entries)
    only_headers_are_left(folded, entries)
    same(in_pages(entries, page), folded)
    same(at_central(without_bodies_of_the_erased(entries)), folded)
    before = list(folding.table_rows(folded))
    folding.refold(folded, folded, [JOURNAL])
    assert list(folding.table_rows(folded)) == before
    assert folding.stamped(folded, JOURNAL) == (folding.VERSION, len(entries))


def test_two_nodes_fold_beside_each_other() -> None:
    other = journal_id(bytes(31) + b"1")
    archive = Database.in_memory((t.LOG, t.FOLDED))
    for journal in (JOURNAL, other):
        body = k.encode_body(k.PersonAdded(name=journal[:4]))
        log = Log(archive, journal)
        log.set_head(log.append([made(journal, 0, "person.added", SUBJECTS[0], body)], EMPTY), b"a note")
    index = Database.in_memory((t.LOG, t.FOLDED))
    folding.refold(index, archive, [JOURNAL, other])
    assert len(dict(folding.table_rows(index))[t.people.name]) == 2
    alone = Database.in_memory((t.LOG, t.FOLDED))
    folding.refold(alone, archive, [other])
    folding.same_tables(index, alone, other)
    with pytest.raises(IntegrityError, match="folded_"):
        folding.same_tables(index, alone, JOURNAL)


def test_an_erasing_about_nobody_erases_nothing() -> None:
    opened = made(JOURNAL, 0, "journal.opened", NOBODY, k.encode_body(SPECIMENS["journal.opened"]("x")))
    erasing = made(JOURNAL, 1, "subject.erased", NOBODY, b'{"reason":"all of it"}')
    started = made(JOURNAL, 2, "node.started", NOBODY, k.encode_body(SPECIMENS["node.started"]("later")))
    tx = logged([opened, erasing, started], [])
    folding.fold_range(tx, tx, JOURNAL, 0, 3)
    rows = dict(folding.table_rows(tx))
    assert [row[3] for row in rows[t.centres.name]] == ["later"]
    assert not rows[t.erased.name]


# Orders


def test_orders_hold_from_where_the_journal_takes_them_up() -> None:
    entries = [made(JOURNAL, seq, "orders.applied", NOBODY, applied(size)) for seq, size in enumerate((1, ORDERS_HELD))]
    tx = logged(entries, orders())
    Folder(tx, tx, JOURNAL).fold(entries[:1])
    assert not dict(folding.table_rows(tx))[t.number_blocks.name]
    Folder(tx, tx, JOURNAL).fold(entries[1:])
    rows = dict(folding.table_rows(tx))
    assert rows[t.number_blocks.name] == [(JOURNAL, "P", 1, 99, 2)]
    assert [row[1] for row in rows[t.orders_state.name]] == [ORDERS_HELD]
    assert not rows[t.operators.name], "central gives no such order"


@pytest.mark.parametrize("size", [0, 1], ids=["none", "again"])
def test_orders_that_are_not_new_hold_nothing(size: int) -> None:
    entries = [
        made(JOURNAL, 0, "orders.applied", NOBODY, applied(1)),
        made(JOURNAL, 1, "orders.applied", NOBODY, applied(size)),
    ]
    tx = logged(entries, orders())
    Folder(tx, tx, JOURNAL).fold(entries)
    rows = dict(folding.table_rows(tx))
    assert [row[1] for row in rows[t.orders_state.name]] == [1]
    assert rows[t.unreadable.name] == [(JOURNAL, NOBODY, 1, "orders.applied")]


def test_orders_that_are_not_there_yet_or_others_stop_the_fold() -> None:
    """The one thing that does: what follows depends on them, and central may still be given them back."""
    more = k.encode_body(k.OrdersApplied(size=2**52, root="ab" * 32))
    for body, held in ((more, []), (more, orders()), (applied(ORDERS_HELD, true=False), orders())):
        entry = made(JOURNAL, 0, "orders.applied", NOBODY, body)
        tx = logged([entry], held)
        with pytest.raises(OrdersMissing):
            Folder(tx, tx, JOURNAL).fold([entry])


# Folding again


def test_a_fold_that_cannot_be_finished_says_so_and_names_the_entry() -> None:
    entries = [made(JOURNAL, seq, "person.added", SUBJECTS[0], b'{"name":"x"}') for seq in range(3)]
    tx = logged(entries, [])
    tx._connection.execute("DELETE FROM entries WHERE seq = 1")
    with pytest.raises(IntegrityError, match="Entry 1"):
        folding.refold(tx, tx, [JOURNAL])


def test_folding_again_drops_what_an_older_version_folded_and_nothing_else() -> None:
    tx = logged([], [])
    for name in ("folded_of_old", "courier_state"):
        tx._connection.execute(f"CREATE TABLE {name} (x)")
    folding.refold(tx, tx, [JOURNAL])
    names = {row[0] for row in tx._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "folded_of_old" not in names
    assert "courier_state" in names


def test_progress_is_told_and_may_interrupt() -> None:
    entries = [made(JOURNAL, seq, "person.added", SUBJECTS[0], b'{"name":"x"}') for seq in range(5)]
    tx = logged(entries, [])
    told: list[tuple[int, int]] = []
    folding.refold(tx, tx, [JOURNAL], lambda done, total: told.append((done, total)))
    assert told == [(5, 5)]

    def interrupt(_: int, __: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folding.refold(tx, tx, [JOURNAL], interrupt)


def test_the_version_names_the_definitions_and_the_number() -> None:
    assert folding.fold_version(number=1) != folding.fold_version(number=2)
    assert folding.fold_version(t.LOG) != folding.fold_version(t.FOLDED)
    assert folding.fold_version() == folding.VERSION


def test_a_fold_forgets_by_heart_what_the_tables_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of erased subjects is bounded; beyond it the table is asked."""
    monkeypatch.setattr(folding, "REMEMBERED_SUBJECTS", 1)
    entries = [
        made(JOURNAL, 0, "subject.erased", SUBJECTS[0], b'{"reason":"x"}'),
        made(JOURNAL, 1, "person.added", SUBJECTS[1], b'{"name":"x"}'),
        made(JOURNAL, 2, "person.added", SUBJECTS[0], b'{"name":"back again"}'),
    ]
    tx = logged(entries, [])
    Folder(tx, tx, JOURNAL).fold(entries)
    assert [row[1] for row in dict(folding.table_rows(tx))[t.people.name]] == [SUBJECTS[1]]
