"""Power losses find a writer that promises too early, and a careful one loses nothing to them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.simulation import raw_writer
from tests.simulation.operations import Recording
from tests.simulation.powerloss import Survey, images, moment_of, survey
from tests.simulation.raw_writer import Way
from tests.simulation.trace import record, snapshot

COMMITS = 40
SEEDS = [f"raw {number}" for number in range(200)]

pytestmark = pytest.mark.usefixtures("strace")


def _record(folder: Path, way: Way, seed: int = 7) -> Recording:
    home = folder / f"home-{way.value}"
    home.mkdir()
    command = (sys.executable, "-m", "tests.simulation.raw_writer", str(home), str(seed), str(COMMITS), way.value)
    return record(command, home, folder)


def _survey(folder: Path, way: Way) -> Survey:
    recording = _record(folder, way)
    scratch = folder / "scratch"
    scratch.mkdir()
    return survey(recording, SEEDS, raw_writer.missing, scratch, lambda path: path.startswith("blobs/"))


def test_a_careful_writer_loses_nothing(fast_folder: Path) -> None:
    found = _survey(fast_folder, Way.CAREFUL)
    assert (found.images, found.entries_lost, found.broken) == (len(SEEDS), 0, {})
    assert found.promised > len(SEEDS)


@pytest.mark.parametrize("way", [way for way in Way if way is not Way.CAREFUL])
def test_a_writer_that_promises_too_early_is_found_out(way: Way, fast_folder: Path) -> None:
    found = _survey(fast_folder, way)
    assert found.entries_lost > 0
    assert found.broken == {}


def test_the_same_seed_makes_the_same_image(fast_folder: Path) -> None:
    recording = _record(fast_folder, Way.NORMAL)
    seeds = SEEDS[:30]
    made = []
    for turn in ("first", "second"):
        scratch = fast_folder / turn
        scratch.mkdir()
        order = seeds if turn == "first" else list(reversed(seeds))
        made.append({image.seed: (image.said, snapshot(image.folder)) for image in images(recording, order, scratch)})
    assert made[0] == made[1]
    (alone,) = [(image.said, snapshot(image.folder)) for image in images(recording, [SEEDS[5]], fast_folder)]
    assert alone == made[0][SEEDS[5]]


def test_losses_come_at_every_part_of_the_recording(fast_folder: Path) -> None:
    recording = _record(fast_folder, Way.CAREFUL)
    tenths = {moment_of(recording, seed) * 10 // (len(recording.operations) + 1) for seed in SEEDS}
    assert tenths == set(range(10))
