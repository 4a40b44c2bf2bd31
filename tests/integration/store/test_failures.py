"""A store that is missing, damaged, full, read-only, or on a disk that fails: the right error, and nothing lost."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2

from appliance.journal import kinds as k
from appliance.journal.errors import BugError, SanadError
from appliance.journal.kinds import JournalOpened
from appliance.records import database as databases
from appliance.records import tables as t
from appliance.records.database import Database
from appliance.records.failures import (
    StorageBusy,
    StorageFailed,
    StorageFull,
    StorageReadOnly,
    StoreMissing,
    StoreUnreadable,
)
from appliance.store.layout import Layout
from appliance.store.store import Draft, NodeKeys, Store
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench, Template
from tests.support.nodes import Halted, SteadyClock, halt

FSYNC_FAILED = 1034
WRITE_FAILED = 778
FULL = 13
BUSY = 5
READ_ONLY = 8


def opened(home: Path, key: bytes) -> Store:
    return Store(Layout(home), key, clock=SteadyClock(), random=os.urandom, halt=halt)


# Opening


def test_a_wrong_key_opens_nothing_and_changes_nothing(bench: Bench) -> None:
    bench.store.close()
    before = bench.store.layout.database.read_bytes()
    with pytest.raises(StoreUnreadable) as caught:
        opened(bench.home, os.urandom(32))
    assert "this key is not its key" in caught.value.sentence
    assert bench.store.layout.database.read_bytes() == before


def test_a_key_of_another_length_is_a_bug(bench: Bench) -> None:
    for length in (0, 31, 33):
        with pytest.raises(BugError):
            opened(bench.home, bytes(length))


def test_no_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing):
        opened(tmp_path, bytes(32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 1, 4095, 4096, 20_000])
def test_a_database_that_was_cut_short_is_not_opened_as_a_good_one(bench: Bench, length: int) -> None:
    bench.store.close()
    os.truncate(bench.store.layout.database, length)
    before = bench.store.layout.database.read_bytes()
    with pytest.raises(StoreUnreadable):
        opened(bench.home, bench.key)
    assert bench.store.layout.database.read_bytes() == before, "no new database is made in its place"


def test_a_database_in_clear_is_not_taken_for_one(tmp_path: Path) -> None:
    connection = dbapi2.connect(str(tmp_path / "store.db"))
    connection.execute("CREATE TABLE entries (x)")
    connection.close()
    with pytest.raises(StoreUnreadable):
        opened(tmp_path, bytes(32))


def test_a_damaged_page_is_told_and_names_no_content(bench: Bench) -> None:
    bench.store.close()
    with bench.store.layout.database.open("r+b") as file:
        # Every page but the one with the schema: which of them hold tables that folding reads is SQLite's affair.
        for at in range(4096, bench.store.layout.database.stat().st_size, 4096):
            file.seek(at + 100)
            file.write(b"damaged")
    with pytest.raises(StoreUnreadable), opened(bench.home, bench.key).closing() as store:
        store.refold()


def test_a_folder_whose_name_is_awkward_in_a_uri_is_a_folder(template: Template, tmp_path: Path) -> None:
    made = template.copy(tmp_path / "a #1 50% ? home é")
    made.person()
    made.store.close()


# Making


def made(home: Path, **others: object) -> Store:
    keys = NodeKeys.generate(os.urandom)
    opening = JournalOpened(centre="PEW-01", centre_name="x", node_key="0" * 64, age_recipient="x", software="x")
    return Store.create(Layout(home), bytes(32), keys, opening, clock=SteadyClock(), random=os.urandom, halt=halt)


def test_a_store_is_never_made_over_another_one(bench: Bench) -> None:
    before = bench.state()
    with pytest.raises(BugError, match="never overwritten"):
        made(bench.home)
    assert bench.state() == before


@pytest.mark.parametrize("step", ["create", "checkpoint", "close"])
def test_a_making_that_was_interrupted_leaves_no_store_and_can_be_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(databases.Tx if step == "create" else Database, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            made(tmp_path)
    with pytest.raises(StoreMissing):
        opened(tmp_path, bytes(32))
    with made(tmp_path).closing() as store:
        assert store.head().size == 1
    assert not list(tmp_path.glob("store.db.new*"))
    assert (tmp_path / "store.db").stat().st_mode & 0o777 == 0o600


def test_the_secrets_of_a_node_show_in_no_text() -> None:
    keys = NodeKeys.generate(os.urandom)
    assert repr(keys) == "NodeKeys()"


# While writing


class Failing:
    """A connection whose COMMIT fails as a disk would make it fail."""

    def __init__(self, genuine: Any, code: int, word: str = "COMMIT") -> None:
        self._genuine = genuine
        self._code = code
        self._word = word
        self.asked = 0

    def execute(self, text: str, *args: object) -> Any:
        if text.startswith(self._word):
            self.asked += 1
            error = dbapi2.OperationalError("disk I/O error")
            error.sqlite_errorcode = self._code
            raise error
        return self._genuine.execute(text, *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._genuine, name)


@pytest.fixture
def break_disk(bench: Bench) -> Callable[[int], Failing]:
    def fail(code: int, word: str = "COMMIT") -> Failing:
        held = bench.store._database._local.held
        held.connection = Failing(held.connection, code, word)
        return held.connection  # type: ignore[no-any-return]

    return fail


@pytest.mark.parametrize("code", [FSYNC_FAILED, WRITE_FAILED])
def test_a_failed_fsync_stops_the_process_and_is_never_tried_again(
    bench: Bench, break_disk: Callable[[int], Failing], code: int
) -> None:
    disk = break_disk(code)
    before = bench.store.head().size
    with pytest.raises(Halted) as caught:
        bench.person()
    assert isinstance(caught.value.__cause__, StorageFailed)
    for attempt in (bench.person, bench.store.head, bench.store._database.checkpoint, bench.application):
        with pytest.raises(StorageFailed):
            attempt()
    with ThreadPoolExecutor(1) as pool, pytest.raises(StorageFailed):
        pool.submit(bench.person).result()
    assert disk.asked == 1
    with bench.reopen().closing() as again:
        assert again.head().size == before


def test_a_thread_that_waits_while_the_disk_fails_writes_no_more(
    bench: Bench, break_disk: Callable[[int], Failing]
) -> None:
    break_disk(FSYNC_FAILED)
    with ThreadPoolExecutor(1) as pool:
        waiting = []

        def begin(_: object) -> list[object]:
            waiting.append(pool.submit(bench.person))
            return [Draft(k.PersonAdded(name="x"), bench.store.new_id())]

        with pytest.raises(Halted):
            bench.store.commit(bench.operator, begin)  # type: ignore[arg-type]
        with pytest.raises(StorageFailed):
            waiting[0].result()


def test_a_halt_that_returns_is_no_success(bench: Bench, break_disk: Callable[[int], Failing]) -> None:
    told: list[StorageFailed] = []
    bench.store._database._halt = told.append
    break_disk(FSYNC_FAILED)
    with pytest.raises(StorageFailed):
        bench.person()
    assert len(told) == 1


@pytest.mark.parametrize(("code", "error"), [(FULL, StorageFull), (READ_ONLY, StorageReadOnly), (BUSY, StorageBusy)])
@pytest.mark.parametrize("word", ["BEGIN IMMEDIATE", "INSERT INTO entries", "COMMIT"])
def test_a_disk_that_refuses_loses_nothing_and_is_used_on(
    bench: Bench, break_disk: Callable[..., Failing], code: int, error: type[Exception], word: str
) -> None:
    before = bench.state()
    held = bench.store._database._local.held
    genuine = held.connection
    disk = break_disk(code, word)
    disk.executemany = lambda text, rows: [disk.execute(text, row) for row in rows]  # type: ignore[attr-defined]
    with pytest.raises(error):
        bench.person()
    held.connection = genuine
    assert bench.state() == before
    bench.person()
    assert verify_home(bench.store.layout, bench.key).ok


def limited(home: Path, key: bytes, room: int) -> str:
    """In another process: write until files may grow no more."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = opened(home, key)
    size = store.layout.database.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, size + room))
    try:
        for n in range(1000):
            store.remember(**{f"name {n}": "x" * 5000})
    except (StorageFull, StorageFailed, Halted) as error:
        return type(error).__name__
    return "no end"


def test_a_file_that_may_not_grow_costs_nothing_that_was_confirmed(bench: Bench) -> None:
    """The system's own refusal, by RLIMIT_FSIZE: SQLite takes it for a failing disk, so the process stops."""
    before = bench.store.head()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(limited, (bench.home, bench.key, 100_000)) == "Halted"
    with bench.reopen().closing() as again:
        assert again.head() == before
        again.recover("test")
    assert verify_home(bench.store.layout, bench.key).ok


def read_only(home: Path, key: bytes) -> str:
    """In another process that is nobody: write into a home that it may only read."""
    os.setgid(65534)
    os.setuid(65534)
    try:
        opened(home, key).remember(x="y")
    except SanadError as error:
        return type(error).__name__
    return "written"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody who may not write")
def test_a_home_that_may_only_be_read_is_told_as_such(template: Template) -> None:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        bench = template.copy(home)
        bench.store.close()
        for path in (Path(place), home, *home.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(read_only, (home, bench.key)) == "StorageReadOnly"


def test_a_lock_file_that_cannot_be_made_is_told(bench: Bench) -> None:
    bench.store.layout.lock.unlink()
    bench.store.layout.lock.mkdir()
    with pytest.raises((StorageReadOnly, StorageFailed)):
        bench.person()


def test_a_statement_that_is_refused_quotes_nothing(bench: Bench) -> None:
    with pytest.raises(BugError) as caught, bench.store._database.write() as tx:
        tx.run(t.local.insert(), {"name": "Gul Khan", "value": None})
    assert "Gul Khan" not in str(caught.value)
    assert caught.value.__cause__ is None
    for value in ("\ud800", 2**70):
        with pytest.raises(BugError), bench.store._database.write() as tx:
            tx.run(t.local.insert(), {"name": "x", "value": value})
