"""Syncing in a world drawn from a seed: cuts, repeats, delays, crashes, full disks, backups put back, copied nodes.

What must hold is in `tests/simulation/syncsim/checks.py`; a failure says how to run its seed again.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.syncsim.schedule import Schedule

SEEDS = 200
TORTURE_SEEDS = 10_000
AT_ONCE = 25
TORTURE_AT_ONCE = 50
REPLAYED = (3, 17, 86)


def _run(first: int, count: int) -> None:
    for seed in range(first, first + count):
        Schedule.of(seed).run()


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_no_schedule_loses_doubles_or_changes_anything(first: int) -> None:
    _run(first, AT_ONCE)


@pytest.mark.torture
@pytest.mark.parametrize("first", range(SEEDS, TORTURE_SEEDS, TORTURE_AT_ONCE))
def test_none_of_ten_thousand_schedules_loses_doubles_or_changes_anything(first: int) -> None:
    _run(first, min(TORTURE_AT_ONCE, TORTURE_SEEDS - first))


@pytest.mark.parametrize("seed", REPLAYED)
def test_a_seed_replays_byte_for_byte_here_and_in_another_process(seed: int) -> None:
    trace = Schedule.of(seed).run()
    assert Schedule.of(seed).run() == trace
    command = (sys.executable, "-m", "tests.simulation.syncsim", str(seed))
    other = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONHASHSEED": str(seed + 1)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.splitlines() == trace


def test_different_seeds_do_different_things() -> None:
    assert len({hashlib.sha256("".join(Schedule.of(seed).run()).encode()).digest() for seed in range(12)}) == 12
