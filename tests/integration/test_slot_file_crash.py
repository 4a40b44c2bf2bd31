"""The file of key slots, killed or refused by the disk at every system call that a save makes on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.sealing import slots
from appliance.sealing.passphrase import Cost
from appliance.sealing.slotfile import encode_slots, load, save
from appliance.sealing.slots import Unlocked

AT = "2026-03-01T08:30:00.000Z"
PASSPHRASE = "seven old ferries"
SAVE = """
import sys
from pathlib import Path
from appliance.journal.errors import DeviceError
from appliance.sealing.slotfile import parse_slots, save
new = parse_slots(Path(sys.argv[2]).read_bytes())
try:
    save(Path(sys.argv[1]), new)
except DeviceError as error:
    print(error)
    sys.exit(3)
"""

OLD = slots.create(
    bytes(32), PASSPHRASE, label="old", at=AT, random=os.urandom, cost=Cost(memory_kib=64 * 1024, iterations=1, lanes=2)
)
NEW = slots.begin_rotation(OLD, bytes(range(32)))


@dataclass(frozen=True)
class Outcome:
    status: int
    said: str
    calls: tuple[str, ...]
    found: Unlocked


def save_with(tmp_path: Path, inject: str | None) -> Outcome:
    """Saves NEW over OLD in another process, with a fault injected into one of its calls on the file or the folder."""
    keys = tmp_path / "keys"
    path, wanted, trace = keys / "slots.json", tmp_path / "new.json", tmp_path / "trace"
    save(tmp_path, OLD.slots)
    wanted.write_bytes(encode_slots(NEW.slots))
    watched = [arg for each in (keys, path, keys / "slots.json.tmp") for arg in ("-P", str(each))]
    faults = ["-e", f"inject={inject}"] if inject else []
    command = [
        "strace",
        "-f",
        "-o",
        str(trace),
        *watched,
        *faults,
        sys.executable,
        "-c",
        SAVE,
        str(tmp_path),
        str(wanted),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    calls = tuple(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    return Outcome(done.returncode, done.stdout, calls, slots.unlock_with_passphrase(load(tmp_path), PASSPHRASE))


def steps(tmp_path: Path) -> list[str]:
    """Every call of an undisturbed save, as strace names one: `fsync:when=2`."""
    calls = save_with(tmp_path, None).calls
    return [f"{name}:when={calls[: place + 1].count(name)}" for place, name in enumerate(calls)]


def test_a_kill_at_any_step_of_a_save_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    survivors = []
    for step in steps(tmp_path):
        outcome = save_with(tmp_path, f"{step}:signal=SIGKILL")
        assert outcome.status != 0, step
        survivors.append(len(outcome.found.keys))
    assert survivors == sorted(survivors), "once the new file is there, the old one never comes back"
    assert set(survivors) == {1, 2}, "kills fell on both sides of the rename"


@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_a_disk_that_refuses_any_step_of_a_save_is_reported_and_leaves_a_whole_file(tmp_path: Path, error: str) -> None:
    reported = set()
    for step in steps(tmp_path):
        outcome = save_with(tmp_path, f"{step}:error={error}")
        if outcome.status == 0:
            assert len(outcome.found.keys) == 2, "a save that reports success has saved"
        else:
            assert (outcome.status, "could not be written" in outcome.said) == (3, True), step
            reported.add(step)
    assert reported >= {"openat:when=1", "write:when=1", "fsync:when=1", "rename:when=1", "fsync:when=2"}


def test_the_new_file_is_on_the_disk_before_it_gets_its_name_and_the_name_before_the_save_returns(
    tmp_path: Path,
) -> None:
    calls = save_with(tmp_path, None).calls
    order = [name for name in calls if name in ("write", "fsync", "rename")]
    assert order == ["write", "fsync", "rename", "fsync"]
