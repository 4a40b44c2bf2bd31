"""Every statement and definition is text that SQLite and PostgreSQL both read."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

import appliance
from appliance.records import tables as t
from appliance.records.statements import add_once, add_or_set

POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(appliance.__path__, "appliance."):
        yield importlib.import_module(found.name)


def statements() -> list[tuple[str, sa.Executable]]:
    found: dict[int, tuple[str, sa.Executable]] = {}
    for module in modules():
        for name, value in vars(module).items():
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, sa.Executable) and isinstance(each, sa.ClauseElement):
                    found.setdefault(id(each), (f"{module.__name__}.{name}", each))
    return sorted(found.values(), key=lambda pair: pair[0])


def definitions() -> list[tuple[str, ExecutableDDLElement]]:
    made: list[tuple[str, ExecutableDDLElement]] = []
    for table in (*t.LOG.sorted_tables, *t.FOLDED.sorted_tables):
        made.append((table.name, CreateTable(table)))
        made += [
            (str(index.name), CreateIndex(index)) for index in sorted(table.indexes, key=lambda each: str(each.name))
        ]
    return made


def test_the_statements_of_all_parts_are_found() -> None:
    parts = {name.rsplit(".", 1)[0] for name, _ in statements()}
    assert len(statements()) > 60
    assert {
        "appliance.records.folds.cases",
        "appliance.records.log",
        "appliance.store.store",
        "appliance.access.session",
    } <= parts


@pytest.mark.parametrize(("name", "statement"), statements(), ids=[name for name, _ in statements()])
def test_a_statement_reads_the_same_for_both_databases(name: str, statement: sa.ClauseElement) -> None:
    named = sqlite.dialect(paramstyle="named")
    assert str(statement.compile(dialect=POSTGRESQL))
    assert "POSTCOMPILE" not in str(statement.compile(dialect=named)), "the store runs the text as it is"


@pytest.mark.parametrize(("name", "definition"), definitions(), ids=[name for name, _ in definitions()])
def test_a_definition_reads_for_both_databases(name: str, definition: ExecutableDDLElement) -> None:
    assert name in str(definition.compile(dialect=POSTGRESQL))
    assert name in str(definition.compile(dialect=sqlite.dialect()))


def test_adding_once_is_spelled_alike() -> None:
    for dialect in (POSTGRESQL, sqlite.dialect()):
        assert str(add_once(t.erased).compile(dialect=dialect)).endswith(" ON CONFLICT DO NOTHING")  # type: ignore[attr-defined]


def test_adding_or_setting_is_spelled_alike() -> None:
    for dialect in (POSTGRESQL, sqlite.dialect()):
        text = str(add_or_set(t.erased, "seq", "at").compile(dialect=dialect))  # type: ignore[attr-defined]
        assert text.endswith(" ON CONFLICT (journal, about) DO UPDATE SET seq = excluded.seq, at = excluded.at")


def test_every_key_of_a_folded_table_starts_with_the_journal() -> None:
    for table in t.FOLDED.sorted_tables:
        assert table.primary_key.columns[0].name == "journal", table.name
        assert table.name.startswith(t.FOLDED_PREFIX)


def test_no_other_table_looks_like_a_folded_one() -> None:
    assert not [table.name for table in t.LOG.sorted_tables if table.name.startswith(t.FOLDED_PREFIX)]


def test_what_is_of_a_subject_can_be_found_by_it() -> None:
    for table in t.OF_A_SUBJECT:
        assert {"journal", "about"} <= set(table.columns.keys())
