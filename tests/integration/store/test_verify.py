"""Verifying a whole home: each way to spoil it is found, and the first bad entry is named where there is one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import BlobDigest
from appliance.journal.notes import COSIGNATURE, Signer
from appliance.journal.tree import frontier_at
from appliance.records import tables as t
from appliance.records.database import Database
from appliance.records.failures import StoreMissing, StoreUnreadable
from appliance.records.log import Log
from appliance.store.layout import Layout
from appliance.store.store import AGE_IDENTITY, COSIGNER, NODE_KEY, ORDERS_SIGNER, PEPPER
from appliance.store.verify import HomeReport, verify_home
from tests.integration.store.conftest import TABLES, Bench
from tests.support import casework as applications
from tests.support.pages import PAGE
from tests.support.specimens import BY_ORDERS_ALONE


def report(bench: Bench) -> HomeReport:
    return verify_home(bench.store.layout, bench.key)


def spoil(bench: Bench, *statements: str) -> None:
    """Change the database as somebody who holds its key."""
    with Database(bench.store.layout.database, bench.key, lock=bench.store.layout.lock).write() as tx:
        for statement in statements:
            assert tx._connection.execute(statement).rowcount != 0, statement


def found(bench: Bench, bad_seq: int | None = None) -> HomeReport:
    made = report(bench)
    assert not made.ok
    assert all(reason.endswith(".") for reason in made.reasons)
    if bad_seq is not None:
        assert made.bad_seq == bad_seq
    return made


def test_a_whole_home_is_found_whole(busy: Bench) -> None:
    head = busy.store.head()
    made = report(busy)
    assert made == HomeReport(busy.store.journal, head.size, head.size - 2, None, (), ())
    assert made.ok


def test_a_fresh_home_is_found_whole(bench: Bench) -> None:
    assert report(bench).ok


def test_verifying_changes_nothing(busy: Bench) -> None:
    before = busy.state()
    report(busy)
    assert busy.state() == before


# Rows


def flipped(column: str) -> str:
    """SQL for the column with one bit of its first byte changed."""
    return f"CAST(char(unicode({column}) + 1) || substr({column}, 2) AS TEXT)"


SEQ = 4
COLUMNS = {
    "journal": f"UPDATE entries SET journal = {flipped('journal')} WHERE seq = {SEQ}",
    "seq": f"UPDATE entries SET seq = 999999 WHERE seq = {SEQ}",
    "about": f"UPDATE entries SET about = {flipped('about')} WHERE seq = {SEQ}",
    "header": f"UPDATE entries SET header = CAST(replace(header, '2026', '2027') AS BLOB) WHERE seq = {SEQ}",
    "salt": f"UPDATE entries SET salt = CAST(x'00' || substr(salt, 2) AS BLOB) WHERE seq = {SEQ}",
    "body": f"UPDATE entries SET body = CAST(replace(body, ':', ': ') AS BLOB) WHERE seq = {SEQ}",
    "nodes": f"UPDATE entries SET nodes = CAST(x'00' || substr(nodes, 2) AS BLOB) WHERE seq = {SEQ}",
}


def test_a_change_of_every_column_of_a_row_is_tried() -> None:
    assert set(COLUMNS) == set(t.entries.columns.keys())


@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_in_any_column_of_a_row_is_found_and_the_entry_named(busy: Bench, column: str) -> None:
    spoil(busy, COLUMNS[column])
    found(busy, SEQ)


@pytest.mark.parametrize("seq", [0, SEQ, -1])
def test_a_row_that_was_dropped_is_found(busy: Bench, seq: int) -> None:
    seq = seq if seq >= 0 else busy.store.head().size - 1
    spoil(busy, f"DELETE FROM entries WHERE seq = {seq}")
    found(busy, seq)


def test_rows_that_were_exchanged_are_found(busy: Bench) -> None:
    spoil(
        busy,
        "UPDATE entries SET seq = -1 WHERE seq = 5",
        "UPDATE entries SET seq = 5 WHERE seq = 6",
        "UPDATE entries SET seq = 6 WHERE seq = -1",
    )
    found(busy, 5)


def test_contents_of_rows_that_were_exchanged_are_found(busy: Bench) -> None:
    spoil(
        busy,
        "CREATE TEMP TABLE kept AS SELECT * FROM entries WHERE seq IN (5, 6)",
        *(
            f"UPDATE entries SET (about, header, salt, body, nodes) = "
            f"(SELECT about, header, salt, body, nodes FROM kept WHERE seq = {other}) WHERE seq = {seq}"
            for seq, other in ((5, 6), (6, 5))
        ),
    )
    found(busy, 5)


def test_a_row_too_many_is_found(busy: Bench) -> None:
    row = "about, header, salt, body, nodes FROM entries LIMIT 1"
    for seq in (busy.store.head().size, -1):
        spoil(busy, f"INSERT INTO entries SELECT journal, {seq}, {row}")
        found(busy)
        spoil(busy, f"DELETE FROM entries WHERE seq = {seq}")
    spoil(busy, f"INSERT INTO entries SELECT 'b' || substr(journal, 2), 0, {row}")
    assert "not its own" in found(busy).reasons[0]


def test_a_body_that_is_missing_without_an_erasing_is_found(busy: Bench) -> None:
    (person,) = [each.header.seq for each in busy.store.entries(0, busy.store.head().size)][-1:]
    spoil(busy, f"UPDATE entries SET salt = NULL, body = NULL WHERE seq = {person}")
    found(busy, person)


def test_a_body_that_was_erased_and_put_back_is_found(busy: Bench) -> None:
    """It fits its header, and the tables do not show it: only the erasing tells."""
    person = busy.person("Erased")
    seq = busy.store.head().size - 1
    (entry,) = busy.store.entries(seq, seq + 1)
    applications.erase(busy.store, busy.supervisor, person, "asked to")
    assert report(busy).ok
    assert entry.salt is not None
    assert entry.body is not None
    spoil(busy, f"UPDATE entries SET salt = x'{entry.salt.hex()}', body = x'{entry.body.hex()}' WHERE seq = {seq}")
    assert "says again" in found(busy, seq).reasons[0]


# Heads, rolled back


@pytest.mark.parametrize(
    "change",
    [
        "size = size + 1",
        "size = size - 1",
        "root = zeroblob(32)",
        "checkpoint = zeroblob(64)",
        "checkpoint = cosigned",
        "cosigned_size = 1",
        "cosigned = NULL",
        "cosigned = checkpoint",
    ],
)
def test_a_change_of_the_head_is_found(busy: Bench, change: str) -> None:
    spoil(busy, f"UPDATE heads SET {change} WHERE journal = '{busy.store.journal}'")
    found(busy)


def test_a_countersignature_taken_from_the_store_is_found_until_a_start_puts_it_right(busy: Bench) -> None:
    size = busy.store.head().cosigned_size
    spoil(busy, "UPDATE heads SET cosigned = NULL, cosigned_size = 0")
    assert any("a part of it is older" in reason for reason in found(busy).reasons)
    assert any("remembered last" in reason for reason in found(busy).reasons), "also without the witness"
    busy.store.recover("test")
    assert report(busy) == HomeReport(busy.store.journal, busy.store.head().size, size, None, (), ())


def test_a_whole_older_store_that_has_every_entry_is_found_until_a_start_puts_it_right(
    busy: Bench, tmp_path: Path
) -> None:
    busy.store._database.checkpoint()
    older = tmp_path / "older.db"
    shutil.copy(busy.store.layout.database, older)
    size = busy.countersign()
    busy.store.close()
    shutil.copy(older, busy.store.layout.database)
    busy.store = busy.reopen()
    assert any("a part of it is older" in reason for reason in found(busy).reasons)
    busy.store.recover("test")
    assert report(busy) == HomeReport(busy.store.journal, busy.store.head().size, size, None, (), ())


def test_a_value_of_another_type_is_refused_by_the_table(busy: Bench) -> None:
    with pytest.raises(BugError, match="SQLITE_CONSTRAINT"):
        spoil(busy, "UPDATE entries SET header = CAST(header AS TEXT)")


def test_no_head_at_all_is_found(busy: Bench) -> None:
    spoil(busy, f"DELETE FROM heads WHERE journal = '{busy.store.journal}'")
    assert "no head" in found(busy).reasons[0]


def cut(bench: Bench, size: int) -> None:
    """Take the tail away and sign a new head, as whoever holds the node's key could; the tables are folded again."""
    with Database(bench.store.layout.database, bench.key, lock=bench.store.layout.lock).write() as tx:
        tx._connection.execute(f"DELETE FROM entries WHERE journal = '{bench.store.journal}' AND seq >= {size}")
        log = Log(tx, bench.store.journal)
        frontier = frontier_at(size, log.read_node)
        signer = bench.store.signer
        log.set_head(frontier, sign_checkpoint(Checkpoint(signer.name, size, frontier.root()), signer))
    bench.store.close()
    bench.store = bench.reopen()


def test_a_tail_that_was_cut_off_after_the_countersigned_size_cannot_be_found_here(busy: Bench) -> None:
    """What the module says of itself: whoever holds the key can rewrite what central has not countersigned."""
    cut(busy, busy.store.head().cosigned_size)
    assert report(busy).ok


def test_a_tail_that_was_cut_off_before_it_is_found(busy: Bench) -> None:
    cut(busy, busy.store.head().cosigned_size - 1)
    assert any("rolled back" in reason for reason in found(busy).reasons)


def test_a_tail_that_was_cut_off_with_its_countersignature_is_found_by_the_witness(busy: Bench) -> None:
    cut(busy, busy.store.head().cosigned_size - 1)
    spoil(busy, "UPDATE heads SET cosigned = NULL, cosigned_size = 0")
    assert any("older copy" in reason for reason in found(busy).reasons)


def test_a_whole_older_store_put_back_is_found_by_the_witness(busy: Bench, tmp_path: Path) -> None:
    busy.store._database.checkpoint()
    older = tmp_path / "older.db"
    shutil.copy(busy.store.layout.database, older)
    busy.person()
    busy.countersign()
    busy.store.close()
    shutil.copy(older, busy.store.layout.database)
    busy.store = busy.reopen()
    assert found(busy).reasons == (
        "Central has countersigned more entries than this box holds: its store is an older copy.",
    )


def test_a_witness_of_another_history_is_found(busy: Bench) -> None:
    signer = busy.store.signer
    other = sign_checkpoint(Checkpoint(signer.name, 5, os.urandom(32)), signer)
    busy.store.layout.witness.write_bytes(busy.central.cosigned(other))
    assert any("another history" in reason for reason in found(busy).reasons)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-9] + b"AAAAAAAA\n"),
        lambda path: path.write_bytes(os.urandom(100_000)),
    ],
    ids=["gone", "empty", "changed", "rubbish"],
)
def test_a_witness_that_is_missing_or_spoilt_is_found(busy: Bench, change: Callable[[Path], object]) -> None:
    change(busy.store.layout.witness)
    found(busy)


def test_a_witness_put_back_is_found(busy: Bench) -> None:
    older = busy.store.layout.witness.read_bytes()
    busy.countersign()
    busy.store.layout.witness.write_bytes(older)
    assert any("older than the store" in reason for reason in found(busy).reasons)


def test_a_countersignature_by_another_central_is_found(busy: Bench) -> None:
    other = Signer("sanad/central/other", os.urandom(32), COSIGNATURE)
    busy.store.remember(**{COSIGNER: other.verifier.text})
    found(busy)


# Orders


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET body = CAST(replace(body, '999999', '999998') AS BLOB) WHERE journal LIKE '%.orders'",
        "DELETE FROM entries WHERE journal LIKE '%.orders' AND seq = 1",
        "DELETE FROM heads WHERE journal LIKE '%.orders'",
        "DELETE FROM heads WHERE journal LIKE '%.orders'; DELETE FROM entries WHERE journal LIKE '%.orders'",
        "UPDATE heads SET size = 1 WHERE journal LIKE '%.orders'",
        "DELETE FROM folded_orders_state",
    ],
)
def test_a_change_of_the_orders_is_found(busy: Bench, change: str) -> None:
    spoil(busy, *change.split("; "))
    found(busy)


def test_orders_cut_back_to_an_older_signed_size_are_found(busy: Bench) -> None:
    """Each alone is as central signed it; the journal took up more."""
    older = type(busy.central)(busy.central.journal, busy.central.cosigner, busy.central.orders_seed)
    older.open_orders()
    with Database(busy.store.layout.database, busy.key, lock=busy.store.layout.lock).write() as tx:
        log = Log(tx, busy.central.orders[0].header.journal)
        tx._connection.execute("DELETE FROM entries WHERE journal LIKE '%.orders' AND seq = 1")
        log.set_head(older.frontier, older.note())
    assert any("took up" in reason for reason in found(busy).reasons)


def test_orders_without_a_key_to_check_them_are_found(busy: Bench) -> None:
    spoil(busy, f"DELETE FROM local WHERE name = '{ORDERS_SIGNER}'")
    assert any("no key of central" in reason for reason in found(busy).reasons)


# Tables, memory, blobs


# What a busy node has none of: here, one row too many.
EMPTY = (t.unreadable, t.set_aside, t.freed, *BY_ORDERS_ALONE)


@pytest.mark.parametrize("table", [table.name for table in t.FOLDED.sorted_tables])
def test_a_row_that_is_missing_from_any_table_is_found(busy: Bench, table: str) -> None:
    if table in {each.name for each in EMPTY}:
        columns = list(t.FOLDED.tables[table].columns)[1:]
        more = ", ".join("'x'" if isinstance(each.type, sa.Text) else "3" for each in columns)
        spoil(busy, f"INSERT INTO {table} VALUES ('{busy.store.journal}', {more})")
    else:
        spoil(busy, f"DELETE FROM {table}")
    assert any(table in reason for reason in found(busy).reasons)


def test_a_value_that_was_changed_in_a_table_is_found(busy: Bench) -> None:
    spoil(busy, "UPDATE folded_applications SET status = 'approved'")
    assert any("folded_applications" in reason for reason in found(busy).reasons)


@pytest.mark.parametrize("table", [t.people.name, t.heads.name, t.stamps.name])
def test_a_row_of_another_journal_is_found(busy: Bench, table: str) -> None:
    columns = ", ".join(column for column in {each.name: each for each in TABLES}[table].columns.keys()[1:])
    spoil(busy, f"INSERT INTO {table} SELECT 'b' || substr(journal, 2), {columns} FROM {table} LIMIT 1")
    assert any("not its own" in reason for reason in found(busy).reasons)


@pytest.mark.parametrize("change", ["DELETE FROM stamps", "UPDATE stamps SET position = position - 1"])
def test_tables_that_stand_elsewhere_are_found(busy: Bench, change: str) -> None:
    spoil(busy, change)
    assert any("do not stand" in reason for reason in found(busy).reasons)


def test_tables_laid_out_by_another_version_are_not_compared_and_that_is_said(busy: Bench) -> None:
    spoil(busy, "UPDATE stamps SET version = '1-older'", "DROP TABLE folded_centres", "CREATE TABLE folded_older (x)")
    made = report(busy)
    assert made.ok
    assert made.remarks == ("The tables are of another version of Sanad; they were not compared.",)


def test_a_stamp_of_another_version_does_not_hide_a_changed_table(busy: Bench) -> None:
    spoil(busy, "UPDATE stamps SET version = '0'")
    made = report(busy)
    assert made.ok
    assert made.remarks == ("The tables are of another version of Sanad; a start makes them anew.",)
    spoil(busy, "UPDATE folded_applications SET status = 'approved'")
    assert any("folded_applications" in reason for reason in found(busy).reasons)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE local SET value = value || 'x'",
        "DELETE FROM local WHERE name = 'locker'",
        "INSERT INTO local VALUES ('x', 'y')",
        "DELETE FROM secrets WHERE name = 'local-sum'",
        "DELETE FROM local WHERE name = 'secrets-sum'",
    ],
)
def test_a_change_of_what_the_box_remembers_is_found(busy: Bench, change: str) -> None:
    spoil(busy, change)
    assert any("remember" in reason for reason in found(busy).reasons)
    busy.store.remember(last_contact="later")
    assert any("remember" in reason for reason in found(busy).reasons), "remembering more does not cover it up"


@pytest.mark.parametrize("name", [NODE_KEY, AGE_IDENTITY, PEPPER])
def test_a_change_of_a_secret_is_found(busy: Bench, name: str) -> None:
    spoil(busy, f"UPDATE secrets SET value = x'1234' WHERE name = '{name}'")
    assert found(busy).reasons == ("The secrets of the box are not those that it was set up with.",)
    spoil(busy, f"DELETE FROM secrets WHERE name = '{name}'")
    assert found(busy).reasons == ("The secrets of the box are not those that it was set up with.",)


def test_a_blob_that_is_missing_or_damaged_is_found(busy: Bench) -> None:
    digest = BlobDigest(busy.paper(busy.application()))
    place = busy.store.layout.blobs / digest[:2] / digest
    sealed = place.read_bytes()
    place.write_bytes(sealed[:-1])
    assert any("damaged" in reason for reason in found(busy).reasons)
    place.unlink()
    assert any("missing" in reason for reason in found(busy).reasons)
    place.write_bytes(sealed)
    assert report(busy).ok


def test_a_blob_that_is_erased_while_others_are_read_is_not_missed(busy: Bench) -> None:
    case = busy.application()
    busy.paper(case)

    def meanwhile(part: str, done: int, _: int) -> None:
        if part == "blobs" and done == 0:
            applications.erase(busy.store, busy.supervisor, case, "asked to")

    made = verify_home(busy.store.layout, busy.key, meanwhile)
    assert made.ok, made.reasons


def test_a_journal_without_its_key_is_told(busy: Bench) -> None:
    for change in ("UPDATE secrets SET value = x'123456'", "DELETE FROM secrets"):
        spoil(busy, f"{change} WHERE name = 'journal-key'")
        with pytest.raises(IntegrityError, match="no key of a journal"):
            report(busy)


# Pages


def test_a_damaged_page_is_found_wherever_it_is(busy: Bench) -> None:
    busy.store.close()
    database = busy.store.layout.database
    whole = database.read_bytes()
    for at in range(0, len(whole), PAGE):
        spoilt = bytearray(whole)
        spoilt[at + 1000] ^= 1
        database.write_bytes(spoilt)
        try:
            made = report(busy)
        except StoreUnreadable:
            continue
        assert not made.ok, at // PAGE
    database.write_bytes(whole)
    assert report(busy).ok


def test_no_store_and_a_wrong_key_are_told(busy: Bench, tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadable):
        verify_home(busy.store.layout, bytes(32))
    with pytest.raises(StoreMissing):
        verify_home(Layout(tmp_path), busy.key)


# Beside others


def test_it_tells_how_far_it_is_and_can_be_interrupted(busy: Bench) -> None:
    told: list[tuple[str, int, int]] = []
    verify_home(busy.store.layout, busy.key, lambda *each: told.append(each))
    assert {part for part, _, _ in told} == {
        busy.store.journal,
        f"{busy.store.journal}.orders",
        "tables",
        "blobs",
        "pages",
    }
    assert all(0 <= done <= total for _, done, total in told)

    def interrupt(part: str, _: int, __: int) -> None:
        if part == "tables":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_home(busy.store.layout, busy.key, interrupt)
    busy.person()


def test_a_home_in_which_others_write_and_sync_meanwhile_is_found_whole(busy: Bench) -> None:
    def meanwhile(*_: object) -> None:
        busy.person()
        busy.countersign()

    made = verify_home(busy.store.layout, busy.key, meanwhile)
    assert made.ok, made.reasons


def test_a_store_that_was_found_bad_is_left_as_it_is(busy: Bench) -> None:
    spoil(busy, "UPDATE folded_applications SET status = 'approved'")
    before = busy.state()
    report(busy)
    assert busy.state() == before


def test_all_tables_of_the_store_are_known_to_these_tests(busy: Bench) -> None:
    with busy.store.read() as tx:
        names = {row[0] for row in tx._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {name for name in names if not name.startswith("folded_words")} == {table.name for table in TABLES}
