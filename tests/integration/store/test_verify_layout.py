"""Verifying a home whose database is laid out otherwise than this software does it, or holds values of other types."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from appliance.journal.errors import IntegrityError
from appliance.records import tables as t
from tests.integration.store.conftest import TABLES, Bench
from tests.integration.store.test_verify import EMPTY, found, report, spoil


@pytest.mark.parametrize("table", [table.name for table in TABLES if table.name != "secrets"])
def test_a_table_that_is_not_there_is_found(busy: Bench, table: str) -> None:
    spoil(busy, f"DROP TABLE {table}")
    assert any(f"The table {table} is missing" in reason for reason in found(busy).reasons)


def test_a_store_without_its_secrets_is_told(busy: Bench) -> None:
    spoil(busy, "DROP TABLE secrets")
    with pytest.raises(IntegrityError, match="no key of a journal"):
        report(busy)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("CREATE TRIGGER x AFTER INSERT ON entries BEGIN DELETE FROM local; END", "type trigger that is not"),
        ("CREATE TRIGGER x AFTER DELETE ON folded_people BEGIN DELETE FROM local; END", "type trigger that is not"),
        ("CREATE VIEW x AS SELECT * FROM entries", "type view that is not"),
        ("CREATE TABLE x (y)", "type table that is not"),
        ("CREATE INDEX x ON entries (seq)", "type index that is not"),
        ("DROP INDEX entries_about", "The index entries_about is missing"),
        ("DROP INDEX folded_blobs_about", "The index folded_blobs_about is missing"),
        ("ALTER TABLE entries ADD COLUMN x TEXT", "The table entries is missing, or is not"),
        ("ALTER TABLE folded_people RENAME COLUMN born TO x", "The table folded_people is missing, or is not"),
    ],
)
def test_a_database_laid_out_otherwise_is_found(busy: Bench, change: str, words: str) -> None:
    spoil(busy, change)
    assert any(words in reason for reason in found(busy).reasons)


def loosen(bench: Bench, table: sa.Table, value: str, *columns: str) -> None:
    """Make a table anew without STRICT, which would refuse the value, and put the value into columns of every row."""
    shown = ", ".join(value.format(each.name) if each.name in columns else each.name for each in table.columns)
    spoil(
        bench,
        f"CREATE TABLE loose AS SELECT {shown} FROM {table.name}",
        f"DROP TABLE {table.name}",
        f"CREATE TABLE {table.name} ({', '.join(each.name for each in table.columns)})",
        f"INSERT INTO {table.name} SELECT * FROM loose",
        "DROP TABLE loose",
    )


VALUES = ("CAST({} AS TEXT)", "CAST({} AS BLOB)", "NULL", "7", "'x'", "CAST(x'ff' AS TEXT)")


@pytest.mark.parametrize("table", [each for each in t.LOG.sorted_tables if each is not t.secrets], ids=str)
def test_values_of_other_types_never_stop_the_check(busy: Bench, table: sa.Table) -> None:
    busy.store.close()
    database = busy.store.layout.database
    whole = database.read_bytes()
    for column in table.columns:
        for value in VALUES:
            loosen(busy, table, value, column.name)
            found(busy)
            database.write_bytes(whole)


@pytest.mark.parametrize("value", VALUES)
def test_values_of_other_types_in_folded_tables_never_stop_the_check(busy: Bench, value: str) -> None:
    for table in t.FOLDED.sorted_tables:
        if table not in EMPTY:
            loosen(busy, table, value, *(each.name for each in table.columns if each.name != "journal"))
    found(busy)


@pytest.mark.parametrize("value", ["CAST('abc' AS TEXT)", "7", "NULL", "x'123456'"])
def test_secrets_of_other_types_are_told(busy: Bench, value: str) -> None:
    loosen(busy, t.secrets, value, "value")
    with pytest.raises(IntegrityError, match="no key of a journal"):
        report(busy)
