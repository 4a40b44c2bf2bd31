"""A store's key is changed whole or not at all: under kills, a full disk, and beside other programs."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from appliance.journal.errors import BugError
from appliance.records.failures import StorageFull, StoreMissing, StoreUnreadable
from appliance.records.rekey import EncryptedFile, RekeyFailed, StoreInUse, key_of, rekey, settle

OLD, NEW, OTHER = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
ROWS = 15_000
KILLS = 30
REKEY = """
import sys
from pathlib import Path
from appliance.records.rekey import EncryptedFile, rekey
path = Path(sys.argv[1])
print("ready", flush=True)
rekey(EncryptedFile(path, path.with_suffix(".lock")), bytes([1]) * 32, bytes([2]) * 32)
print("done", flush=True)
"""


def connect(path: Path, key: bytes) -> dbapi2.Connection:
    connection = dbapi2.connect(str(path), isolation_level=None)
    for pragma in ("cipher_log_level = NONE", f"key = \"x'{key.hex()}'\"", "journal_mode = WAL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def content(path: Path, key: bytes) -> str:
    """A hash over every row, after SQLCipher's and SQLite's own checks of every page."""
    connection = connect(path, key)
    try:
        assert connection.execute("PRAGMA cipher_integrity_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        digest = hashlib.sha256()
        for number, body in connection.execute("SELECT number, body FROM entries ORDER BY number"):
            digest.update(b"%d %s" % (number, body))
        return digest.hexdigest()
    finally:
        connection.close()


def make(path: Path, rows: int) -> EncryptedFile:
    connection = connect(path, OLD)
    connection.execute("CREATE TABLE entries (number INTEGER PRIMARY KEY, body BLOB)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO entries VALUES (?, ?)", [(number, os.urandom(1000)) for number in range(rows)])
    connection.execute("COMMIT")
    connection.close()
    return EncryptedFile(path, path.with_suffix(".lock"))


@pytest.fixture
def small(tmp_path: Path) -> EncryptedFile:
    return make(tmp_path / "odd %3f?#name.db", 50)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> EncryptedFile:
    return make(tmp_path_factory.mktemp("rekey") / "store.db", ROWS)


def test_afterwards_only_the_new_key_opens_and_everything_is_there(small: EncryptedFile) -> None:
    before = content(small.path, OLD)
    rekey(small, OLD, NEW)
    assert key_of(small.path, (OLD, NEW)) == NEW
    assert content(small.path, NEW) == before
    with pytest.raises(StoreUnreadable):
        key_of(small.path, (OLD,))
    assert not list(small.path.parent.glob("*-journal"))


def test_what_lay_only_in_the_write_ahead_log_is_there_too(small: EncryptedFile) -> None:
    """The log of a program that was killed is left behind, and holds acknowledged commits."""
    writer = connect(small.path, OLD)
    writer.execute("INSERT INTO entries VALUES (1000, x'00')")
    killed = small.path.with_name("killed.db")
    for suffix in ("", "-wal"):
        shutil.copy(f"{small.path}{suffix}", f"{killed}{suffix}")
    writer.close()
    rekey(EncryptedFile(killed, killed.with_suffix(".lock")), OLD, NEW)
    assert content(killed, NEW) == content(small.path, OLD)


def test_a_killed_rekey_leaves_one_key_and_the_whole_content_whichever_key_is_tried_first(
    large: EncryptedFile, tmp_path: Path
) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")
    chance = random.Random(seed)
    before = content(large.path, OLD)
    found = {OLD: 0, NEW: 0}
    hot = 0
    for round_number in range(KILLS):
        path = tmp_path / f"store{round_number}.db"
        shutil.copy(large.path, path)
        child = subprocess.Popen([sys.executable, "-c", REKEY, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        # Most kills are meant to fall into the rewriting, which takes about a third of a second here.
        timer = threading.Timer(chance.uniform(0, 0.6), child.kill)
        timer.start()
        finished = child.stdout.read() == b"done\n"
        child.wait()
        timer.cancel()
        child.stdout.close()
        journal = path.with_name(path.name + "-journal")
        hot += journal.exists() and journal.stat().st_size > 0
        tried = (OLD, NEW) if round_number % 2 else (NEW, OLD)
        key = key_of(path, tried)
        found[key] += 1
        assert key == NEW or not finished
        assert content(path, key) == before
        with pytest.raises(StoreUnreadable):
            key_of(path, (OLD if key == NEW else NEW,))
        path.unlink()
    assert hot >= KILLS // 10, "too few kills fell into the rewriting to prove anything"
    assert found[OLD] + found[NEW] == KILLS


def test_a_store_that_another_program_has_open_is_refused_and_unchanged(
    small: EncryptedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.records.rekey.BUSY_TIMEOUT_MS", 50)
    console = connect(small.path, OLD)
    console.execute("SELECT count(*) FROM entries").fetchall()
    with pytest.raises(StoreInUse, match="in use by another program"):
        rekey(small, OLD, NEW)
    console.execute("INSERT INTO entries VALUES (1000, x'00')")
    console.close()
    rekey(small, OLD, NEW)
    assert key_of(small.path, (OLD, NEW)) == NEW


def test_a_rekey_that_meets_the_end_of_the_disk_keeps_the_old_key(large: EncryptedFile, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    shutil.copy(large.path, path)
    limited = "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (10 << 20, 10 << 20))\n" + REKEY
    done = subprocess.run([sys.executable, "-c", limited, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout == "ready\n"
    assert RekeyFailed.__name__ in done.stderr
    assert key_of(path, (NEW, OLD)) == OLD
    assert content(path, OLD) == content(large.path, OLD)


def test_too_little_free_space_is_noticed_before_anything_is_touched(
    small: EncryptedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.records.rekey.FREE_SPACE_MARGIN", 1 << 60)
    with pytest.raises(StorageFull):
        rekey(small, OLD, NEW)
    assert key_of(small.path, (OLD, NEW)) == OLD


def test_the_wrong_old_key_and_a_missing_store_are_told_apart(small: EncryptedFile) -> None:
    with pytest.raises(StoreUnreadable):
        rekey(small, OTHER, NEW)
    with pytest.raises(StoreUnreadable):
        key_of(small.path, (OTHER, NEW))
    with pytest.raises(StoreMissing):
        key_of(small.path.with_name("none.db"), (OLD,))
    assert content(small.path, OLD)


def test_a_key_of_another_size_is_our_bug(small: EncryptedFile) -> None:
    for old, new in ((OLD, b"short"), (b"", NEW)):
        with pytest.raises(BugError):
            rekey(small, old, new)


def test_two_databases_caught_between_two_keys_are_brought_to_the_new_one(tmp_path: Path) -> None:
    files = [make(tmp_path / name, 20) for name in ("archive.db", "index.db")]
    assert settle(files, (OLD,)) == OLD
    assert settle(files, (OLD, NEW)) == OLD
    rekey(files[0], OLD, NEW)
    assert settle(files, (OLD, NEW)) == NEW
    assert [key_of(file.path, (OLD, NEW)) for file in files] == [NEW, NEW]
    assert settle(files, (OLD, NEW)) == NEW


def test_the_rollback_journal_is_gone_for_good_before_rekey_returns(small: EncryptedFile, tmp_path: Path) -> None:
    """A power cut after the return must not bring the journal back: it would roll back to a key already forgotten."""
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=unlink,fsync,write"]
    subprocess.run([*command, sys.executable, "-c", REKEY, str(small.path)], check=True, capture_output=True)
    folder = re.escape(str(small.path.parent))
    calls = [line.split(maxsplit=1)[1] for line in trace.read_text().splitlines()]
    done = next(place for place, call in enumerate(calls) if '"done' in call)
    unlinked = max(place for place, call in enumerate(calls) if call.startswith("unlink(") and "-journal" in call)
    synced = [place for place, call in enumerate(calls) if re.match(rf"fsync\(\d+<{folder}>\) += 0", call)]
    assert any(unlinked < place < done for place in synced)
    rewritten = [place for place, call in enumerate(calls) if call.startswith("unlink(") and "-wal" in call]
    assert all(any(place < sync < unlinked for sync in synced) for place in rewritten)
