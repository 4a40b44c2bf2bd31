"""What a fold function may touch: the rows of its entry's own subject, and nothing else."""

from __future__ import annotations

import pytest

from appliance.journal import kinds as k
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import NOBODY, BlobDigest, EntityId, JournalId, Kind, entity_id, journal_id
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database, Row, Tx
from appliance.records.folding import Folder
from appliance.records.folds import FOLDS, ORDER_FOLDS, About, header_ops
from tests.support.specimens import BY_ORDERS_ALONE, SPECIMENS

JOURNAL = journal_id(bytes(32))
MINE, THEIRS, OPERATOR = (entity_id(bytes([n]) * 16) for n in (1, 2, 3))
AT = "2026-11-22T09:00:00.000Z"


def entry(seq: int, body: k.Body, about: str, blobs: tuple[str, ...] = ()) -> Entry:
    return make_entry(
        journal=JOURNAL,
        seq=seq,
        at=AT,
        by=OPERATOR,
        kind=Kind(body.KIND),
        about=EntityId(about),
        body=k.encode_body(body),
        salt=bytes(16),
        blobs=[BlobDigest(blob) for blob in blobs],
    )


def populated() -> tuple[Tx, int]:
    """Tables that hold rows of every kind about somebody else, and how many entries made them."""
    tx = Database.in_memory((t.LOG, t.FOLDED))
    made = [
        entry(seq, SPECIMENS[kind]("theirs"), NOBODY if fold.about is About.NOBODY else THEIRS, ("cd" * 32,))
        for seq, (kind, fold) in enumerate(FOLDS.items())
        if kind not in (k.SubjectErased.KIND, k.OrdersApplied.KIND)
    ]
    # The operator in whose name all is written, whom a header alone may change.
    made.append(entry(len(FOLDS), SPECIMENS[k.OperatorAdded.KIND]("theirs"), OPERATOR))
    Folder(tx, tx, JOURNAL).fold(made)
    return tx, len(FOLDS) + 1


def rows_of_others(tx: Tx) -> dict[str, list[Row]]:
    """Every row that is not about `MINE`, and not one that headers alone make."""
    found: dict[str, list[Row]] = {}
    by_header = {t.timeline.name, t.tallies.name}
    for table in t.FOLDED.sorted_tables:
        if table.name in by_header:
            continue
        names = list(table.columns.keys())
        rows = dict(folding.table_rows(tx))[table.name]
        about = names.index("about") if "about" in names else None
        found[table.name] = [row for row in rows if about is None or row[about] != MINE]
    return found


SUBJECT_KINDS = sorted(kind for kind, fold in FOLDS.items() if fold.about is not About.NOBODY)


def test_every_kind_is_folded_or_an_order() -> None:
    assert set(SPECIMENS) == set(k.KINDS)
    assert set(FOLDS) | set(ORDER_FOLDS) == set(k.KINDS)
    assert not set(FOLDS) & set(ORDER_FOLDS)


def test_the_populated_tables_hold_something_of_everything() -> None:
    tx, _ = populated()
    empty = {name for name, rows in folding.table_rows(tx) if not rows}
    by_headers = (t.given_orders, t.erased, t.unreadable, t.set_aside, t.orders_state, t.number_blocks)
    assert empty == {table.name for table in (*by_headers, *BY_ORDERS_ALONE)}


@pytest.mark.parametrize("kind", SUBJECT_KINDS)
def test_a_fold_touches_rows_of_its_own_subject_only(kind: str) -> None:
    tx, size = populated()
    before = rows_of_others(tx)
    Folder(tx, tx, JOURNAL).fold([entry(size, SPECIMENS[kind]("mine"), MINE, ("cd" * 32,))])
    after = rows_of_others(tx)
    if kind == k.SessionOpened.KIND:
        # By its header alone, signing in forgives the operator who signed in.
        del before[t.operators.name], after[t.operators.name]
    assert after == before


@pytest.mark.parametrize("kind", SUBJECT_KINDS)
def test_after_an_entry_was_folded_erasing_its_subject_leaves_no_row_of_it(kind: str) -> None:
    tx, size = populated()
    folder = Folder(tx, tx, JOURNAL)
    folder.fold([entry(size, SPECIMENS[kind]("mine"), MINE, ("cd" * 32,))])
    folder.fold([entry(size + 1, k.SubjectErased(reason="asked to"), MINE)])
    for table in t.OF_A_SUBJECT:
        about = list(table.columns.keys()).index("about")
        assert not [row for row in dict(folding.table_rows(tx))[table.name] if row[about] == MINE]


@pytest.mark.parametrize("kind", sorted(kind for kind, fold in FOLDS.items() if fold.about is not About.EITHER))
def test_an_entry_about_the_wrong_thing_folds_to_nothing_but_a_mark(kind: str) -> None:
    tx, size = populated()
    before = rows_of_others(tx)
    wrong = MINE if FOLDS[kind].about is About.NOBODY else NOBODY
    Folder(tx, tx, JOURNAL).fold([entry(size, SPECIMENS[kind]("mine"), wrong)])
    after = rows_of_others(tx)
    if kind == k.SessionOpened.KIND:
        del before[t.operators.name], after[t.operators.name]
    marks = [row for row in dict(folding.table_rows(tx))[t.unreadable.name] if row[2] == size]
    assert marks == [(JOURNAL, wrong, size, kind)]
    after[t.unreadable.name] = [row for row in after[t.unreadable.name] if row[2] != size]
    assert after == before


@pytest.mark.parametrize("kind", sorted(ORDER_FOLDS))
def test_an_order_in_a_nodes_own_journal_says_nothing(kind: str) -> None:
    tx, size = populated()
    before = rows_of_others(tx)
    Folder(tx, tx, JOURNAL).fold([entry(size, SPECIMENS[kind]("mine"), NOBODY)])
    assert rows_of_others(tx) == before


def test_what_a_header_does_to_others_needs_no_body() -> None:
    tx, size = populated()
    opened = entry(size, SPECIMENS[k.SessionOpened.KIND]("mine"), MINE)
    bare = Entry(opened.header, opened.header_bytes, None, None)
    other, _ = populated()
    Folder(tx, tx, JOURNAL).fold([opened, entry(size + 1, k.SubjectErased(reason="x"), MINE)])
    Folder(other, other, JOURNAL).fold([bare, entry(size + 1, k.SubjectErased(reason="x"), MINE)])
    folding.same_tables(tx, other, JournalId(JOURNAL))
    assert list(header_ops(opened.header)) == list(header_ops(bare.header))
