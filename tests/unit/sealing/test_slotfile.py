"""Only what Sanad writes is read as key slots."""

from __future__ import annotations

import base64
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from appliance.journal.errors import DeviceError, IntegrityError
from appliance.sealing import slots
from appliance.sealing.passphrase import Cost, CostError
from appliance.sealing.slotfile import MAX_FILE, SlotsDamaged, encode_slots, load, locked, parse_slots, save

COST = Cost(memory_kib=64 * 1024, iterations=1, lanes=2)
MADE = slots.create(
    bytes(range(32)),
    "seven old ferries",
    label="Supervisor",
    at="2026-03-01T08:30:00.000Z",
    random=os.urandom,
    cost=COST,
)
WRITTEN = encode_slots(MADE.slots)


def altered(change: Callable[[dict[str, Any]], None]) -> bytes:
    raw = msgspec.json.decode(WRITTEN)
    change(raw)
    return msgspec.json.encode(raw) + b"\n"


def test_what_is_written_is_read() -> None:
    assert parse_slots(WRITTEN) == MADE.slots


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"{}",
        b"null",
        b"[" * 100_000,
        WRITTEN[:-1],
        WRITTEN + b"\n",
        b" " + WRITTEN,
        WRITTEN.replace(b":", b": ", 1),
        WRITTEN.replace(b'{"v":1', b'{"v":1,"v":1', 1),
        WRITTEN.replace(b'"v":1', b'"v":1.0', 1),
        WRITTEN.replace(b"Supervisor", b"Supervis\\u006fr"),
        WRITTEN.replace(b"Supervisor", b"\xff"),
        WRITTEN.replace(b"Supervisor", b"\\ud800"),
        b"\xef\xbb\xbf" + WRITTEN,
        WRITTEN + b" " * MAX_FILE,
    ],
    ids=lambda data: repr(data[:20]),
)
def test_any_other_form_of_the_file_is_refused(data: bytes) -> None:
    with pytest.raises(SlotsDamaged):
        parse_slots(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.update(v=2),
        lambda raw: raw.update(extra=1),
        lambda raw: raw.update(slots=[]),
        lambda raw: raw.update(slots=raw["slots"] * 17),
        lambda raw: raw.update(slots=raw["slots"] * 2),
        lambda raw: raw.update(mac="AAAA"),
        lambda raw: raw["slots"][0].update(extra=1),
        lambda raw: raw["slots"][0].update(kind="tpm"),
        lambda raw: raw["slots"][0].update(id="../../x"),
        lambda raw: raw["slots"][0].update(created="yesterday"),
        lambda raw: raw["slots"][0].update(created="٢٠٢٦-03-01T08:30:00.000Z"),
        lambda raw: raw["slots"][0].update(label=""),
        lambda raw: raw["slots"][0].update(label="two\nlines"),
        lambda raw: raw["slots"][0].update(keys=[]),
        lambda raw: raw["slots"][0].update(keys=raw["slots"][0]["keys"] * 3),
        lambda raw: raw["slots"][0].update(salt="AAAA"),
        lambda raw: raw["slots"][0].update(salt="A" * 21 + "B=="),
        lambda raw: raw["slots"][0].update(iterations="1"),
        lambda raw: raw["slots"][0].pop("salt"),
        lambda raw: raw["slots"].append({**raw["slots"][0], "id": "aaaaaaaa"}),
        lambda raw: raw["slots"].append({**raw["slots"][0], "recipient": "age1other"}),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    with pytest.raises(SlotsDamaged, match="damaged or were changed"):
        parse_slots(altered(change))


@pytest.mark.parametrize("demand", [{"memory_kib": 2**40}, {"iterations": 65}, {"lanes": 99}, {"memory_kib": 8}])
def test_a_slot_that_demands_too_much_of_the_machine_or_too_little_is_refused(demand: dict[str, int]) -> None:
    with pytest.raises(CostError, match="outside what this machine accepts"):
        parse_slots(altered(lambda raw: raw["slots"][0].update(demand)))


def test_one_slot_in_the_middle_of_a_rotation_and_another_not_is_refused() -> None:
    key = base64.b64encode(b"sealed").decode()
    other = {"id": "aaaaaaaa", "recipient": "age1other", "keys": [key, key]}
    with pytest.raises(SlotsDamaged, match="middle of a rotation"):
        parse_slots(altered(lambda raw: raw["slots"].append({**raw["slots"][0], **other})))


def test_a_saved_file_is_the_owners_alone_and_reads_back(tmp_path: Path) -> None:
    save(tmp_path, MADE.slots)
    (tmp_path / "keys/slots.json.tmp").write_bytes(b"left by a crash")
    save(tmp_path, MADE.slots)
    assert load(tmp_path) == MADE.slots
    assert (tmp_path / "keys/slots.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert [each.name for each in (tmp_path / "keys").iterdir()] == ["slots.json"]


def test_a_planted_link_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/slots.json.tmp").symlink_to(victim)
    save(tmp_path, MADE.slots)
    assert victim.read_bytes() == b"precious"


def test_a_missing_file_and_an_unreadable_one_get_different_words(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="has no key slots"):
        load(tmp_path)
    (tmp_path / "keys/slots.json").mkdir(parents=True)
    with pytest.raises(DeviceError, match="cannot be read from the disk"):
        load(tmp_path)


def test_an_enormous_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    with (tmp_path / "keys/slots.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(IntegrityError, match="too large"):
        load(tmp_path)


def test_only_one_process_changes_the_slots_at_a_time(tmp_path: Path) -> None:
    save(tmp_path, MADE.slots)
    folder = os.open(tmp_path / "keys", os.O_RDONLY)
    with locked(tmp_path) as found:
        assert found == MADE.slots
        with pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(folder)
