"""Writers are killed at random moments; what they acknowledged is there, and the home goes on."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.simulation import home
from tests.simulation.audit import lost_promises
from tests.simulation.killing import Victim

ENDLESS = 10**6
TORTURE_HOMES = 20
KILLS_A_TORTURED_HOME = 10

Figure = Callable[[str, object], None]


def _kill(folder: Path, seeds: Sequence[str], draw: random.Random) -> list[str]:
    """Starts writers beside each other, and kills them one after the other."""
    command = (sys.executable, "-m", "tests.simulation.writer", str(folder))
    writers = [
        Victim(*command, seed, str(ENDLESS), *(("--beside",) if number else ())) for number, seed in enumerate(seeds)
    ]
    return [line for writer in writers for line in writer.kill_sometime(draw)]


def _kill_often(folder: Path, seed: str, kills: int, writers: int, figure: Figure) -> None:
    draw = random.Random(seed)
    home.create(folder, draw).close()
    promises: list[str] = []
    for number in range(kills):
        promises += _kill(folder, [f"{seed} {number} {writer}" for writer in range(writers)], draw)
        assert lost_promises(folder, promises) == 0
    acknowledged = sum(line.startswith("ack") for line in promises)
    figure("figure", f"{kills} kills of {writers} writers: {acknowledged} entries acknowledged, 0 lost")
    assert acknowledged > kills


@pytest.mark.parametrize(("seed", "writers"), [("one", 1), ("another", 1), ("three", 3)])
def test_a_killed_writer_leaves_all_that_it_acknowledged(
    seed: str, writers: int, fast_folder: Path, record_property: Figure
) -> None:
    _kill_often(fast_folder, seed, 5, writers, record_property)


@pytest.mark.torture
@pytest.mark.parametrize("number", range(TORTURE_HOMES))
def test_writers_killed_very_often_leave_all_that_they_acknowledged(
    number: int, fast_folder: Path, record_property: Figure
) -> None:
    _kill_often(fast_folder, f"torture {number}", KILLS_A_TORTURED_HOME, 1 + number % 4, record_property)


def test_writers_beside_each_other_lose_nothing_and_number_every_entry_once(fast_folder: Path) -> None:
    home.create(fast_folder, random.Random(1)).close()
    command = (sys.executable, "-m", "tests.simulation.writer", str(fast_folder))
    writers = [
        subprocess.Popen((*command, f"beside {number}", "60", "--beside"), stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    said = [line for writer in writers for line in writer.communicate()[0].splitlines()]
    assert [writer.returncode for writer in writers] == [0] * 4
    acknowledged = [line.split()[1] for line in said if line.startswith("ack")]
    assert len(acknowledged) == len(set(acknowledged)) > 4 * 40
    assert lost_promises(fast_folder, said) == 0
