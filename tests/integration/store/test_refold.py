"""An older store under newer software: the tables are folded again, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.journal.errors import IntegrityError
from appliance.records import database as databases
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database, Row
from appliance.records.log import Log
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench
from tests.support import casework as applications

NEWER = "9-newer"


def tables(bench: Bench) -> list[tuple[str, list[Row]]]:
    with bench.store.read() as tx:
        return list(folding.table_rows(tx))


@pytest.fixture
def busy(bench: Bench) -> Bench:
    """A node with something in every table."""
    case = bench.application(purpose="study")
    bench.paper(case)
    applications.send_back(bench.store, bench.officer, case, "a page lacks")
    applications.erase(bench.store, bench.supervisor, bench.person("Erased"), "asked to")
    bench.central.open_orders()
    bench.central.order()
    bench.take_orders()
    return bench


def test_a_store_of_this_version_is_not_folded_again(busy: Bench) -> None:
    told: list[int] = []
    with busy.reopen(lambda done, _: told.append(done)).closing():
        assert not told


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE stamps SET version = '1-older'",
        "DELETE FROM stamps",
        "UPDATE stamps SET position = position - 1",
        "UPDATE stamps SET version = '1-older'; DROP TABLE folded_people",
        "UPDATE stamps SET version = '1-older'; DROP TABLE folded_people; CREATE TABLE folded_people (other TEXT)",
        "UPDATE stamps SET version = '1-older'; CREATE TABLE folded_of_old (x)",
        "UPDATE stamps SET version = '1-older'; DELETE FROM folded_people; UPDATE folded_applications SET status = ''",
        "UPDATE stamps SET version = '1-older'; DROP INDEX folded_blobs_about",
    ],
)
def test_an_older_store_is_folded_again_with_progress_to_equal_tables(busy: Bench, change: str) -> None:
    before, size = tables(busy), busy.store.head().size
    with Database(busy.store.layout.database, busy.key, lock=busy.store.layout.lock).write() as tx:
        for statement in change.split("; "):
            tx._connection.execute(statement)
    told: list[tuple[int, int]] = []
    busy.store.close()
    busy.store = busy.reopen(lambda done, total: told.append((done, total)))
    assert told[-1] == (size, size)
    assert tables(busy) == before
    busy.person()
    report = verify_home(busy.store.layout, busy.key)
    assert report.ok, report.reasons


def test_a_newer_version_of_the_fold_opens_it_and_the_older_one_opens_it_again(
    busy: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables(busy)
    with monkeypatch.context() as patch:
        patch.setattr(folding, "VERSION", NEWER)
        with busy.reopen().closing() as newer, newer.read() as tx:
            assert folding.stamped(tx, newer.journal) == (NEWER, Log(tx, newer.journal).count())
    busy.store.close()
    busy.store = busy.reopen()
    assert tables(busy) == before


def test_a_version_that_knows_another_table_opens_the_store(busy: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer software with one table more, and no entry lost to the older one when it drops what it does not know."""
    before = tables(busy)
    later = sa.MetaData()
    for table in t.FOLDED.sorted_tables:
        table.to_metadata(later)
    sa.Table(t.FOLDED_PREFIX + "of_tomorrow", later, sa.Column("journal", sa.Text, primary_key=True))
    with monkeypatch.context() as patch:
        patch.setattr(t, "FOLDED", later)
        patch.setattr(folding, "VERSION", folding.fold_version(later))
        busy.reopen().close()
    busy.store.close()
    busy.store = busy.reopen()
    assert tables(busy) == before


KILLED = """
import os, sys
from pathlib import Path
from appliance.records import folding
from appliance.records import log
from appliance.store.layout import Layout
from appliance.store.store import Store
from tests.support.nodes import halt, real_clock
folding.VERSION = "9-newer"
folding.PAGE_ENTRIES = 3
def progress(done, total):
    if done >= 6:
        os.kill(os.getpid(), 9)
layout, key = Layout(Path(sys.argv[1])), bytes.fromhex(sys.argv[2])
Store(layout, key, clock=real_clock, random=os.urandom, halt=halt, progress=progress)
"""


def test_a_process_killed_while_it_folds_again_leaves_the_old_tables(busy: Bench) -> None:
    before = tables(busy)
    root = Path(databases.__file__).parents[2]
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(busy.home), busy.key.hex()],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert died.returncode == -9
    assert tables(busy) == before
    with busy.store.read() as tx:
        assert folding.is_current(tx, busy.store.journal, Log(tx, busy.store.journal).count())
    busy.person()


def test_a_journal_that_cannot_be_folded_leaves_the_old_tables(busy: Bench) -> None:
    before = tables(busy)
    with Database(busy.store.layout.database, busy.key, lock=busy.store.layout.lock).write() as tx:
        tx._connection.execute("UPDATE entries SET header = CAST(substr(header, 2) AS BLOB) WHERE seq = 5")
    with pytest.raises(IntegrityError):
        busy.store.refold()
    assert tables(busy) == before


def test_two_processes_that_find_an_older_store_fold_it_once(busy: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(busy.store.layout.database, busy.key, lock=busy.store.layout.lock).write() as tx:
        tx._connection.execute("UPDATE stamps SET version = '1-older'")
    folded: list[int] = []
    genuine = folding.refold
    asked = folding.is_current
    others: list[object] = []

    def is_current(*args: object) -> bool:
        found = asked(*args)  # type: ignore[arg-type]
        if not found and not others:
            # Between the look and the lock, another process does it.
            others.append(None)
            others.append(busy.reopen())
        return found

    def refold(*args: object, **kwargs: object) -> None:
        folded.append(1)
        genuine(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(folding, "is_current", is_current)
    monkeypatch.setattr(folding, "refold", refold)
    busy.reopen().close()
    assert folded == [1]
