"""A failing disk stops the process; a full or read-only one is named in a sentence; neither loses what was promised."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.records.failures import StorageFailed, StorageFull, StorageReadOnly
from tests.simulation import home
from tests.simulation.audit import lost_promises
from tests.simulation.faults import (
    BALLAST,
    READ_ONLY_DISK,
    SMALL_DISK,
    Outcome,
    calls_of,
    in_own_namespace,
    run_with_fault,
)
from tests.simulation.home import STOPPED
from tests.simulation.writer import PATIENCE

SEED = "f6"
ACTS = 60
TORTURE_FAULTS = 12
PLACES = {
    "log": r"store\.db-wal",
    "database": r"store\.db",
    "lock": r"store\.lock",
    "home": r"",
    "countersignature": r"\.cosigned\..*\.part",
    "blob": r"blobs/../\..*\.part",
    "blobs kept": r"blobs/../[0-9a-f]{64}",
    "folder of blobs": r"blobs/..",
    "lock of blobs": r"blobs/\.pending",
}

STRUCK = ("fsync", "pwrite64", "write", "openat", "rename", "unlink", "ftruncate")
Figure = Callable[[str, object], None]

# The paths that each kind of call touches when nothing fails, in order: the same in every run.
_CALLS: dict[str, list[str]] = {}


class Bench:
    """A home that is made new for every run, and the program that works in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.template = folder / "template"
        self.template.mkdir()
        home.create(self.template, random.Random(5)).close()
        self.command = (sys.executable, "-m", "tests.simulation.writer", str(self.home), SEED, str(ACTS))

    def renew(self) -> None:
        """The home as it was."""
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self.template, self.home)

    def calls(self, call: str, place: str) -> list[int]:
        """At which of its calls the program touches a place, counted from 1."""
        if not _CALLS:
            self.renew()
            for name, path in calls_of(self.command, STRUCK, self.folder):
                inside = path.removeprefix(str(self.home)).lstrip("/")
                _CALLS.setdefault(name, []).append(inside if path.startswith(str(self.home)) else "elsewhere")
        return [number for number, path in enumerate(_CALLS[call], 1) if re.fullmatch(PLACES[place], path)]

    def run(self, call: str, error: str, number: int) -> Outcome:
        """Runs the program with one call failing, and checks what must hold whatever happens."""
        self.renew()
        outcome = run_with_fault(self.command, call, error, str(number), self.folder)
        assert outcome.struck == 1
        self.check(self.home, outcome.status, outcome.said, outcome.complaint)
        return outcome

    def check(self, folder: Path, status: int, said: tuple[str, ...], complaint: str) -> None:
        """Nothing is lost, nothing that was refused is there, and whoever stopped said why in a sentence."""
        assert "Traceback" not in complaint
        assert status == 0 or complaint
        size = _size(folder)
        assert lost_promises(folder, said) == 0
        if status == 0:
            assert size == _size(self.template) + sum(line.startswith("ack") for line in said)


def _size(folder: Path) -> int:
    with home.reopen(folder).closing() as store:
        return store.head().size


@pytest.fixture
def bench(fast_folder: Path, strace: None) -> Bench:
    return Bench(fast_folder)


@pytest.mark.parametrize(
    ("call", "place"),
    [
        ("fsync", "log"),
        ("fsync", "database"),
        ("fsync", "countersignature"),
        ("fsync", "blob"),
        ("fsync", "folder of blobs"),
        ("pwrite64", "log"),
        ("pwrite64", "database"),
        ("write", "blob"),
        ("unlink", "blobs kept"),
    ],
)
def test_a_failing_disk_stops_the_process(call: str, place: str, bench: Bench) -> None:
    outcome = bench.run(call, "EIO", random.Random(place).choice(bench.calls(call, place)))
    assert (outcome.status, outcome.promised_after) == (STOPPED, [])
    assert str(StorageFailed()) in outcome.complaint


def test_the_name_of_the_log_is_made_durable_or_the_process_stops(bench: Bench) -> None:
    outcome = bench.run("fsync", "EIO", bench.calls("fsync", "home")[0])
    assert (outcome.status, outcome.promised_after) == (STOPPED, [])


@pytest.mark.parametrize(
    ("call", "place"),
    [("pwrite64", "log"), ("write", "blob"), ("fsync", "blob"), ("rename", "blob"), ("openat", "lock of blobs")],
)
def test_a_full_disk_refuses_one_act_and_the_process_goes_on(call: str, place: str, bench: Bench) -> None:
    numbers = bench.calls(call, place)
    outcome = bench.run(call, "ENOSPC", numbers[len(numbers) // 2])
    assert outcome.status == 0
    assert "refused StorageFull" in outcome.after
    assert str(StorageFull()) in outcome.complaint
    assert outcome.promised_after


def test_an_erasing_that_a_full_disk_cuts_short_is_finished_by_the_next_commit(bench: Bench) -> None:
    outcome = bench.run("unlink", "ENOSPC", bench.calls("unlink", "blobs kept")[0])
    assert outcome.status == 0
    assert "refused StorageFull" not in outcome.said


@pytest.mark.parametrize(
    ("call", "place"), [("openat", "lock"), ("openat", "blob"), ("rename", "blob"), ("openat", "lock of blobs")]
)
def test_a_disk_that_became_read_only_is_named(call: str, place: str, bench: Bench) -> None:
    numbers = bench.calls(call, place)
    tried = (bench.run(call, "EROFS", number) for number in numbers[len(numbers) // 2 :][:4])
    # Some of these calls only tidy up behind a commit; what fails there is done later, and nobody is told.
    outcome = next(each for each in tried if each.complaint or each.status)
    assert outcome.status == 0
    assert "refused StorageReadOnly" in outcome.after
    assert str(StorageReadOnly()) in outcome.complaint


@pytest.mark.torture
@pytest.mark.parametrize("call", STRUCK)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
def test_no_fault_anywhere_loses_a_promise(call: str, error: str, bench: Bench, record_property: Figure) -> None:
    draw = random.Random(f"{call} {error}")
    numbers = sorted(number for place in PLACES for number in bench.calls(call, place))
    ended = [bench.run(call, error, draw.choice(numbers)) for _ in range(TORTURE_FAULTS)]
    assert all(not outcome.promised_after for outcome in ended if outcome.status == STOPPED)
    record_property("figure", f"{call} {error}: statuses {sorted(outcome.status for outcome in ended)}, nothing lost")


def test_a_disk_that_is_really_full_refuses_until_there_is_room(bench: Bench) -> None:
    for largest_blob in ("1", "60000"):
        options = ("--largest-blob", largest_blob, "--ballast", str(bench.home / BALLAST))
        done, after = _on_small_disk(bench, 400_000, *bench.command[:-1], "400", *options)
        said = tuple(done.stdout.splitlines())
        bench.check(after, done.returncode, said, done.stderr)
        assert done.returncode == 0
        assert set(done.stderr.splitlines()) == {str(StorageFull())}
        assert said.count("refused StorageFull") >= PATIENCE
        assert any(line.startswith("ack") for line in said[said.index("room") :])


def test_a_home_on_a_full_disk_is_not_opened_and_says_why(bench: Bench) -> None:
    done, after = _on_small_disk(bench, 9_000_000, *bench.command)
    bench.check(after, done.returncode, (), done.stderr)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{StorageFull()}\n")


def test_a_home_on_a_read_only_disk_is_not_opened_and_says_why(bench: Bench) -> None:
    bench.renew()
    done = in_own_namespace(READ_ONLY_DISK, str(bench.home), *bench.command)
    bench.check(bench.home, done.returncode, (), done.stderr)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{StorageReadOnly()}\n")


def _on_small_disk(bench: Bench, ballast: int, *command: str) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Runs a command with the home on a disk of 1.5 MB; answers also a copy of what the home then was."""
    after = bench.folder / "after"
    for folder in (bench.home, after):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    arguments = (str(bench.home), str(bench.template), str(after), str(ballast))
    return in_own_namespace(SMALL_DISK, *arguments, *command), after
