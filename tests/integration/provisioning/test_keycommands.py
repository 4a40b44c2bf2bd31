"""`sanad keys`: what opens a home is added and taken away, and the key behind it changed, also when the power goes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2
from typer.testing import CliRunner

from appliance.journal.errors import OperatorError
from appliance.records import rekey as rekeying
from appliance.records.rekey import EncryptedFile, RekeyFailed, StoreInUse, key_of
from appliance.sealing import age, slotfile, slots
from appliance.sealing.passphrase import Cost, PassphraseError
from appliance.sealing.slots import WrongPassphrase
from provisioning import keycommands
from provisioning.keyservice import CENTRAL_SOCKET, NODE_SOCKET, AlreadyRunning, KeyService
from provisioning.unlock import databases_of, read_passphrase, store_key

AT = "2026-03-01T08:30:00.000Z"
CHEAP = Cost(memory_kib=64 * 1024, iterations=1, lanes=2)
KEY = bytes(range(32))
FIRST = "seven old ferries"
SECOND = "lantern under snow"
RECOVERY = age.new_identity()


def database(path: Path) -> None:
    connection = dbapi2.connect(str(path), isolation_level=None)
    for statement in (
        "PRAGMA cipher_log_level = NONE",
        f"PRAGMA key = \"x'{KEY.hex()}'\"",
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE entries (body TEXT)",
        "INSERT INTO entries VALUES ('kept')",
    ):
        connection.execute(statement).fetchall()
    connection.close()


def made(home: Path, *names: str) -> Path:
    home.mkdir()
    opened = slots.create(KEY, FIRST, label="Supervisor", at=AT, random=os.urandom, cost=CHEAP)
    opened = slots.add_recovery(opened, age.recipient_of(RECOVERY), label="Central", at=AT, random=os.urandom)
    slotfile.save(home, opened.slots)
    for name in names:
        database(home / name)
    return home


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return made(tmp_path / "node", "store.db")


@pytest.fixture
def central(tmp_path: Path) -> Path:
    return made(tmp_path / "central", "archive.db", "index.db")


@pytest.fixture(autouse=True)
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Writes a passphrase into the file that a variable names."""
    monkeypatch.setattr(keycommands, "calibrate", lambda *, clock: CHEAP)

    def write(variable: str, text: str) -> None:
        path = tmp_path / variable
        path.write_text(text + "\n")
        path.chmod(0o600)
        monkeypatch.setenv(variable, str(path))

    write("SANAD_PASSPHRASE_FILE", FIRST)
    write("SANAD_NEW_PASSPHRASE_FILE", SECOND)
    return write


def keys(home: Path, *arguments: str) -> list[dict[str, Any]]:
    """Runs `sanad keys …` and reads its one line of JSON."""
    result = CliRunner().invoke(keycommands.app, [*arguments, "--home", str(home), "--json"])
    if result.exception is not None:
        raise result.exception
    assert result.stdout.count("\n") == 1
    rows: list[dict[str, Any]] = json.loads(result.stdout)["slots"]
    return rows


def kept(path: Path, key: bytes) -> bool:
    connection = dbapi2.connect(str(path), isolation_level=None)
    try:
        connection.execute("PRAGMA cipher_log_level = NONE")
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        return bool(connection.execute("SELECT body FROM entries").fetchall() == [("kept",)])
    finally:
        connection.close()


def test_the_slots_are_listed_without_unlocking(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SANAD_PASSPHRASE_FILE")
    rows = keys(node, "list")
    assert [(row["kind"], row["label"], row["created"]) for row in rows] == [
        ("passphrase", "Supervisor", AT),
        ("recovery", "Central", AT),
    ]


def test_people_get_a_table(node: Path) -> None:
    result = CliRunner().invoke(keycommands.app, ["list", "--home", str(node)])
    assert [line.split()[1:] for line in result.stdout.splitlines()] == [
        ["passphrase", "2026-03-01", "Supervisor"],
        ["recovery", "2026-03-01", "Central"],
    ]


def test_an_added_passphrase_opens_and_a_removed_one_does_not(node: Path, words: Callable[[str, str], None]) -> None:
    rows = keys(node, "add", "--label", "Night box")
    assert [row["label"] for row in rows] == ["Supervisor", "Central", "Night box"]
    words("SANAD_PASSPHRASE_FILE", SECOND)
    assert store_key(node) == KEY
    keys(node, "remove", rows[0]["id"])
    assert store_key(node) == KEY
    words("SANAD_PASSPHRASE_FILE", FIRST)
    with pytest.raises(WrongPassphrase):
        store_key(node)


def test_a_changed_passphrase_takes_the_place_of_the_old_one(node: Path, words: Callable[[str, str], None]) -> None:
    slot_id = keys(node, "list")[0]["id"]
    assert keys(node, "change", slot_id)[0]["id"] == slot_id
    with pytest.raises(WrongPassphrase):
        store_key(node)
    words("SANAD_PASSPHRASE_FILE", SECOND)
    assert store_key(node) == KEY


def test_nothing_is_changed_without_the_passphrase_or_with_a_weak_new_one(
    node: Path, words: Callable[[str, str], None]
) -> None:
    before = slotfile.load(node)
    words("SANAD_NEW_PASSPHRASE_FILE", "too short")
    with pytest.raises(PassphraseError):
        keys(node, "add")
    words("SANAD_PASSPHRASE_FILE", "not the words at all")
    for arguments in (("add",), ("remove", before.slots[0].id), ("rotate",), ("change", before.slots[0].id)):
        with pytest.raises(WrongPassphrase):
            keys(node, *arguments)
    assert slotfile.load(node) == before


def test_the_last_passphrase_is_not_removed(node: Path) -> None:
    with pytest.raises(OperatorError, match="last passphrase"):
        keys(node, "remove", keys(node, "list")[0]["id"])


def test_a_rotation_changes_the_key_of_every_database_and_no_passphrase(node: Path, central: Path) -> None:
    for home in (node, central):
        before = [row["id"] for row in keys(home, "list")]
        assert [row["id"] for row in keys(home, "rotate")] == before
        new_key = store_key(home)
        assert new_key != KEY
        assert slots.unlock_with_identity(slotfile.load(home), RECOVERY).keys == (new_key,)
        assert all(kept(file.path, new_key) for file in databases_of(home))


def test_a_rotation_shuts_out_who_kept_an_old_passphrase_and_the_old_slots(
    node: Path, words: Callable[[str, str], None]
) -> None:
    keys(node, "add")
    stolen = slotfile.load(node)
    keys(node, "remove", stolen.slots[2].id)
    keys(node, "rotate")
    thief = slots.unlock_with_passphrase(stolen, SECOND)
    with pytest.raises(Exception, match="cannot be read"):
        key_of(node / "store.db", thief.keys)
    with pytest.raises(WrongPassphrase):
        slots.unlock_with_passphrase(slotfile.load(node), SECOND)


@pytest.mark.parametrize("name", [NODE_SOCKET, CENTRAL_SOCKET])
def test_nothing_is_rotated_under_a_running_service(node: Path, name: str) -> None:
    with KeyService(node, name, KEY), pytest.raises(AlreadyRunning):
        keys(node, "rotate")
    assert store_key(node) == KEY


def test_nothing_is_rotated_under_an_open_console(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "BUSY_TIMEOUT_MS", 50)
    console = dbapi2.connect(str(node / "store.db"), isolation_level=None)
    console.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    console.execute("SELECT * FROM entries").fetchall()
    with pytest.raises(StoreInUse):
        keys(node, "rotate")
    console.close()
    assert store_key(node) == KEY
    assert not slotfile.load(node).rotating


class PowerCut(BaseException):
    """Ends a command where it stands."""


@pytest.mark.parametrize("survived", range(6))
def test_a_rotation_of_two_databases_cut_at_any_step_is_settled_by_the_next_unlocking(
    central: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    """The steps: save both keys, rekey one database, then the other, save the new key alone."""
    left = survived

    def cut() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise PowerCut

    real_save, real_rekey = slotfile.save, rekeying.rekey

    def save(home: Path, found: slotfile.Slots) -> None:
        cut()
        real_save(home, found)

    def rekey(file: EncryptedFile, old: bytes, new: bytes) -> None:
        cut()
        real_rekey(file, old, new)

    with monkeypatch.context() as patched:
        patched.setattr(slotfile, "save", save)
        patched.setattr(keycommands, "rekey", rekey)
        if survived < 4:
            with pytest.raises(PowerCut):
                keys(central, "rotate")
        else:
            keys(central, "rotate")
    key = store_key(central)
    assert (key == KEY) == (survived < 2)
    assert all(kept(file.path, key) for file in databases_of(central))
    assert not slotfile.load(central).rotating
    assert slots.unlock_with_identity(slotfile.load(central), RECOVERY).keys == (key,)
    assert store_key(central) == key


def test_a_rotation_that_the_disk_refuses_leaves_the_home_as_it_was(
    node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: EncryptedFile, old: bytes, new: bytes) -> None:
        raise RekeyFailed

    with monkeypatch.context() as patched:
        patched.setattr(keycommands, "rekey", refuse)
        with pytest.raises(RekeyFailed):
            keys(node, "rotate")
    assert store_key(node) == KEY
    assert keys(node, "rotate")
    assert store_key(node) != KEY


def test_a_change_by_someone_else_meanwhile_is_not_overwritten(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = read_passphrase

    def slowly(home: Path, **options: Any) -> str:
        with monkeypatch.context() as patched:
            patched.setattr(keycommands, "read_passphrase", real)
            keys(home, "add", "--label", "quicker")
        return real(home, **options)

    monkeypatch.setattr(keycommands, "read_passphrase", slowly)
    with pytest.raises(OperatorError, match="changed by someone else"):
        keys(node, "add", "--label", "slower")
    assert [slot.label for slot in slotfile.load(node).slots] == ["Supervisor", "Central", "quicker"]
