"""A power cut at any moment of `sanad keys rotate` leaves a home that its passphrase opens, with everything in it."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from appliance.sealing import slotfile, slots
from appliance.sealing.passphrase import Cost
from provisioning.unlock import databases_of, store_key
from tests.simulation.powerloss import Survey, survey
from tests.simulation.trace import record

IMAGES = 80
TORTURE_IMAGES = 3_000
MANY_ROWS = 2_200  # larger than SQLite's cache, so that pages are written before the rewriting ends
FEW_ROWS = 200
OLD = bytes(range(32))
AT = "2026-03-01T08:30:00.000Z"
PASSPHRASE = "seven old ferries"
ROTATE = "from provisioning.keycommands import app; app(['rotate', '--json', '--home', sys.argv[1]])"
FORGETFUL = """
import os
from pathlib import Path
from appliance.records.rekey import rekey
from appliance.sealing import slotfile, slots
from provisioning.unlock import databases_of, open_home
home = Path(sys.argv[1])
opened, new = open_home(home), os.urandom(32)
slotfile.save(home, slots.finish_rotation(slots.begin_rotation(opened, new), new).slots)
for file in databases_of(home):
    rekey(file, opened.keys[0], new)
"""

pytestmark = pytest.mark.usefixtures("strace")
Figure = Callable[[str, object], None]
Cut = Callable[[str, str, int], tuple[Survey, int]]


def database(path: Path, rows: int) -> None:
    """A database as a killed program leaves it, with commits only in its log."""
    writer = path.with_name("writer.db")
    connection = dbapi2.connect(str(writer), isolation_level=None)
    for statement in (
        "PRAGMA cipher_log_level = NONE",
        f"PRAGMA key = \"x'{OLD.hex()}'\"",
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE entries (number INTEGER PRIMARY KEY, body BLOB)",
        "BEGIN",
    ):
        connection.execute(statement).fetchall()
    connection.executemany("INSERT INTO entries VALUES (?, ?)", [(number, os.urandom(1000)) for number in range(rows)])
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("UPDATE entries SET body = x'00' WHERE number % 100 = 0")
    for suffix in ("", "-wal"):
        shutil.copy(f"{writer}{suffix}", f"{path}{suffix}")
    connection.close()
    writer.unlink()


def content(path: Path, key: bytes) -> str:
    connection = dbapi2.connect(str(path), isolation_level=None)
    try:
        for statement in ("PRAGMA cipher_log_level = NONE", f"PRAGMA key = \"x'{key.hex()}'\""):
            connection.execute(statement).fetchall()
        assert connection.execute("PRAGMA cipher_integrity_check").fetchall() == []
        digest = hashlib.sha256()
        for number, body in connection.execute("SELECT number, body FROM entries ORDER BY number"):
            digest.update(b"%d %s" % (number, body))
        return digest.hexdigest()
    finally:
        connection.close()


@pytest.fixture
def power_cuts(fast_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cut:
    """Rotates the key of a home by a program, cuts the power many times, and counts which key was right afterwards."""
    home, scratch, secret = fast_folder / "home", fast_folder / "scratch", fast_folder / "passphrase"
    home.mkdir()
    scratch.mkdir()
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    monkeypatch.setenv("SANAD_PASSPHRASE_FILE", str(secret))
    cost = Cost(memory_kib=64 * 1024, iterations=1, lanes=2)
    slotfile.save(home, slots.create(OLD, PASSPHRASE, label="x", at=AT, random=os.urandom, cost=cost).slots)
    database(home / "archive.db", MANY_ROWS)
    database(home / "index.db", FEW_ROWS)
    shutil.copytree(home, fast_folder / "copy")
    before = {file.path.name: content(file.path, OLD) for file in databases_of(fast_folder / "copy")}

    def cut(program: str, name: str, images: int) -> tuple[Survey, int]:
        recording = record((sys.executable, "-c", f"import sys\n{program}", str(home)), home, fast_folder)
        old_keys = 0

        def check(image: Path, said: Sequence[str]) -> int:
            nonlocal old_keys
            key = store_key(image)
            old_keys += key == OLD
            assert key != OLD or not said, "a rotation that was reported is over"
            assert {file.path.name: content(file.path, key) for file in databases_of(image)} == before
            assert not slotfile.load(image).rotating
            return 0

        return survey(recording, [f"{name} {number}" for number in range(images)], check, scratch), old_keys

    return cut


def survives(power_cuts: Cut, name: str, images: int) -> str:
    found, old_keys = power_cuts(ROTATE, name, images)
    assert found.broken == {}
    assert found.images == images
    assert images // 20 < old_keys < images - images // 20, "cuts fell on both sides of the change"
    return f"{images} power losses in a rotation: {old_keys} kept the old key, the others had the new one"


def test_a_rotation_survives_a_power_cut_at_any_moment(power_cuts: Cut, record_property: Figure) -> None:
    record_property("figure", survives(power_cuts, "ci", IMAGES))


@pytest.mark.torture
def test_a_rotation_survives_very_many_power_cuts(power_cuts: Cut, record_property: Figure) -> None:
    record_property("figure", survives(power_cuts, "torture", TORTURE_IMAGES))


def test_a_rotation_that_forgot_the_old_key_too_early_would_lose_the_home(power_cuts: Cut) -> None:
    found, _ = power_cuts(FORGETFUL, "forgetful", IMAGES // 5)
    assert found.broken
