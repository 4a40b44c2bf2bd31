"""The statements that make the tables of `appliance.records.tables`, in SQLite's words."""

from __future__ import annotations

import functools
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement

from appliance.records.tables.base import ALONGSIDE

DIALECT: Final = sqlite.dialect(paramstyle="named")


@functools.cache
def definitions(table: sa.Table) -> tuple[str, ...]:
    """The statements that make a table, its indexes, and what SQLite keeps beside it."""
    made: list[ExecutableDDLElement] = [CreateTable(table, if_not_exists=True)]
    made += (CreateIndex(index, if_not_exists=True) for index in sorted(table.indexes, key=lambda each: str(each.name)))
    return (*(str(each.compile(dialect=DIALECT)) for each in made), *table.info.get(ALONGSIDE, ()))


@functools.cache
def late_indexes(table: sa.Table) -> tuple[str, ...]:
    """The statements of the indexes that no fold asks: all but those by subject, which erasing uses."""
    made = sorted(table.indexes, key=lambda each: str(each.name))
    return tuple(
        str(CreateIndex(index, if_not_exists=True).compile(dialect=DIALECT))
        for index in made
        if [column.name for column in index.columns] != ["journal", "about"]
    )
