"""No act and no list about applications reads all that the journal has of them: an index finds the rows."""

from __future__ import annotations

import re
from typing import Final

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from appliance.access import four_eyes
from appliance.casework import (
    applications,
    attestation,
    attested,
    cases,
    caseview,
    changes,
    complaints,
    delivery,
    drafts,
    duedates,
    queries,
)
from appliance.records import tables as t
from appliance.records.database import Database

GROWING: Final = frozenset(table.name for table in (*t.OF_A_SUBJECT, t.timeline)) - {t.operators.name}
MODULES: Final = (
    *(applications, attestation, attested, cases, caseview, changes, complaints, delivery, drafts, duedates, four_eyes),
    queries,
)
STATEMENTS: Final = [
    (f"{module.__name__.rsplit('.', 1)[1]}.{name}", value)
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, sa.Select) and name not in ("_ROWS", "_ALL", "_ON_ERASED")
]


@pytest.mark.parametrize(("name", "wanted"), STATEMENTS, ids=[name for name, _ in STATEMENTS])
def test_rows_are_found_by_an_index(name: str, wanted: sa.Select[tuple[object, ...]]) -> None:
    tx = Database.in_memory((t.LOG, t.FOLDED))
    text = str(wanted.compile(dialect=sqlite.dialect(paramstyle="named"), compile_kwargs={"literal_binds": False}))
    values = dict.fromkeys(re.findall(r":(\w+)", text), 1)
    plan = [row[3] for row in tx._connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    assert plan
    for step in plan:
        found = re.match(r"(?:SCAN|SEARCH) (\w+?)(?:_\d+)?\b(.*)", step)
        if found is not None and found[1] in GROWING:
            assert "(journal=? AND" in found[2], f"{name}: {plan}"


def test_there_are_such_statements() -> None:
    assert len(STATEMENTS) > 40
