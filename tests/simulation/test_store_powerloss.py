"""A power loss takes nothing that the store or central acknowledged; with `synchronous=NORMAL` it would."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.simulation.audit import lost_promises
from tests.simulation.central_writer import lost_answers
from tests.simulation.powerloss import Check, Survey, survey
from tests.simulation.trace import record
from tests.support.centrals import new_central

ACTS = 60
STREAMS = 15
SHARDS = 4
IMAGES_A_SHARD = 250
IMAGES_OF_CENTRAL = 150
TORTURE_SHARDS = 40
TORTURE_SHARDS_OF_CENTRAL = 8
TORTURE_IMAGES = int(os.environ.get("SANAD_TORTURE_IMAGES", "100000"))

pytestmark = pytest.mark.usefixtures("strace")
Figure = Callable[[str, object], None]


def _survey(folder: Path, name: str, images: int, synchronous: str = "FULL") -> Survey:
    """Records one writer, from the making of its home on, and checks what power losses leave of it."""
    made = folder / "home"
    made.mkdir()
    options = (str(made), name, str(ACTS), "--new", "--synchronous", synchronous)
    return _look(folder, ("writer", *options), [f"{name} {number}" for number in range(images)], lost_promises)


def _survey_central(folder: Path, name: str, images: int) -> Survey:
    """Records a central that takes in what a node sends, and checks what power losses leave of it."""
    new_central(folder / "home").close()
    command = ("central_writer", str(folder / "home"), name, str(STREAMS))
    return _look(folder, command, [f"{name} {number}" for number in range(images)], lost_answers)


def _look(folder: Path, program: Sequence[str], seeds: Sequence[str], check: Check) -> Survey:
    scratch = folder / "scratch"
    scratch.mkdir()
    name, *arguments = program
    recording = record((sys.executable, "-m", f"tests.simulation.{name}", *arguments), folder / "home", folder)
    return survey(recording, seeds, check, scratch, lambda path: path.startswith("blobs/"))


def _lost_nothing(found: Survey, images: int, figure: Figure) -> None:
    figure("figure", str(found))
    assert found.broken == {}
    assert found.entries_lost == 0
    assert found.images == images
    assert found.promised > images


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_acknowledged_entry_is_lost(shard: int, fast_folder: Path, record_property: Figure) -> None:
    _lost_nothing(_survey(fast_folder, f"ci-{shard}", IMAGES_A_SHARD), IMAGES_A_SHARD, record_property)


def test_central_loses_nothing_that_it_acknowledged(fast_folder: Path, record_property: Figure) -> None:
    _lost_nothing(_survey_central(fast_folder, "ci", IMAGES_OF_CENTRAL), IMAGES_OF_CENTRAL, record_property)


@pytest.mark.torture
@pytest.mark.parametrize("shard", range(TORTURE_SHARDS))
def test_no_acknowledged_entry_is_lost_in_very_many(shard: int, fast_folder: Path, record_property: Figure) -> None:
    images = TORTURE_IMAGES // TORTURE_SHARDS + (shard < TORTURE_IMAGES % TORTURE_SHARDS)
    _lost_nothing(_survey(fast_folder, f"torture-{shard}", images), images, record_property)


@pytest.mark.torture
@pytest.mark.parametrize("shard", range(TORTURE_SHARDS_OF_CENTRAL))
def test_central_loses_nothing_in_very_many(shard: int, fast_folder: Path, record_property: Figure) -> None:
    images = TORTURE_IMAGES // 10 // TORTURE_SHARDS_OF_CENTRAL
    _lost_nothing(_survey_central(fast_folder, f"torture-{shard}", images), images, record_property)


def test_without_full_synchronous_some_would_be_lost(fast_folder: Path, record_property: Figure) -> None:
    found = _survey(fast_folder, "normal", IMAGES_A_SHARD, synchronous="NORMAL")
    record_property("figure", f"with synchronous=NORMAL, {found}")
    assert found.entries_lost > 0
    assert found.images_with_loss > IMAGES_A_SHARD // 10
