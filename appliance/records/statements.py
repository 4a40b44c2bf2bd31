"""Statements for SQLite and PostgreSQL where SQLAlchemy spells them differently, or not at all."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ClauseElement


class _AddOnce(Insert):
    inherit_cache = False


@compiles(_AddOnce)
def _compile(statement: _AddOnce, compiler: SQLCompiler, **options: Any) -> str:
    insert: str = compiler.visit_insert(statement, **options)  # type: ignore[no-untyped-call]
    return f"{insert} ON CONFLICT DO NOTHING"


def add_once(table: sa.Table) -> sa.Executable:
    """Insert a row; a second one under the same key says nothing."""
    return _AddOnce(table)


class _AddUp(Insert):
    inherit_cache = False
    table: sa.Table
    column: str = ""


@compiles(_AddUp)
def _compile_up(statement: _AddUp, compiler: SQLCompiler, **options: Any) -> str:
    insert: str = compiler.visit_insert(statement, **options)  # type: ignore[no-untyped-call]
    quote = compiler.preparer.quote
    key = ", ".join(quote(column.name) for column in statement.table.primary_key.columns)
    name = quote(statement.column)
    return f"{insert} ON CONFLICT ({key}) DO UPDATE SET {name} = {quote(statement.table.name)}.{name} + excluded.{name}"


def add_up(table: sa.Table, column: str) -> sa.Executable:
    """Insert a row; where its key is there, add this column to that of the row."""
    statement = _AddUp(table)
    statement.column = column
    return statement


def adds_to(statement: sa.Executable) -> sa.Table | None:
    """The table that a statement does nothing but add to: it comes to the same before or after one about another."""
    return statement.table if isinstance(statement, _AddOnce | _AddUp | _AddOrSet) else None  # type: ignore[return-value]


class _Spelled(sa.Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, sqlite: str, postgresql: str) -> None:
        self.sqlite, self.postgresql = sa.text(sqlite), sa.text(postgresql)


@compiles(_Spelled, "sqlite")
def _compile_for_sqlite(statement: _Spelled, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(statement.sqlite, **options))


@compiles(_Spelled, "postgresql")
def _compile_for_postgresql(statement: _Spelled, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(statement.postgresql, **options))


def spelled(*, sqlite: str, postgresql: str) -> sa.Executable:
    """A statement that each database has in words of its own; bind parameters as in `:name`."""
    return _Spelled(sqlite, postgresql)


class _AddOrSet(Insert):
    inherit_cache = False
    table: sa.Table
    columns_set: tuple[str, ...] = ()


@compiles(_AddOrSet)
def _compile_or_set(statement: _AddOrSet, compiler: SQLCompiler, **options: Any) -> str:
    insert: str = compiler.visit_insert(statement, **options)  # type: ignore[no-untyped-call]
    quote = compiler.preparer.quote
    key = ", ".join(quote(column.name) for column in statement.table.primary_key.columns)
    values = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in statement.columns_set)
    return f"{insert} ON CONFLICT ({key}) DO UPDATE SET {values}"


def add_or_set(table: sa.Table, *columns: str) -> sa.Executable:
    """Insert a row; where its key is there, set these columns of it."""
    statement = _AddOrSet(table)
    statement.columns_set = columns
    return statement


def found_by(table: sa.Table, *names: str) -> sa.ColumnElement[bool]:
    """The rows of a journal whose columns `names` are what the bind parameters of the same names say.

    There must be an index over the journal and these columns, which then is used. Without this, SQLite reads the whole
    journal's rows: it holds the key's first column, the journal, for as good a guess as any index that does not cover
    what is asked for. The index does cover `about`, which stands in the key.
    """
    inner = table.alias()
    found = sa.select(inner.c.about).where(*_equal(inner, "journal", *names))
    return sa.and_(*_equal(table, "journal"), table.c.about.in_(found), *_equal(table, *names))


def _equal(table: sa.FromClause, *names: str) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == sa.bindparam(name) for name in names]
