"""The store loses no acknowledged entry to a power loss; with `synchronous=NORMAL` it would."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.simulation.audit import lost_promises
from tests.simulation.powerloss import Survey, survey
from tests.simulation.trace import record

ACTS = 60
SHARDS = 4
IMAGES_A_SHARD = 250
TORTURE_SHARDS = 40
TORTURE_IMAGES = int(os.environ.get("SANAD_TORTURE_IMAGES", "100000"))

pytestmark = pytest.mark.usefixtures("strace")
Figure = Callable[[str, object], None]


def _survey(folder: Path, name: str, images: int, synchronous: str = "FULL") -> Survey:
    """Records one writer, from the making of its home on, and checks what power losses leave of it."""
    home, scratch = folder / "home", folder / "scratch"
    home.mkdir()
    scratch.mkdir()
    options = ("--new", "--synchronous", synchronous)
    command = (sys.executable, "-m", "tests.simulation.writer", str(home), name, str(ACTS), *options)
    recording = record(command, home, folder)
    seeds = [f"{name} {number}" for number in range(images)]
    return survey(recording, seeds, lost_promises, scratch, lambda path: path.startswith("blobs/"))


def _loses_nothing(folder: Path, name: str, images: int, figure: Figure) -> None:
    found = _survey(folder, name, images)
    figure("figure", str(found))
    assert found.broken == {}
    assert found.entries_lost == 0
    assert found.images == images
    assert found.promised > images


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_acknowledged_entry_is_lost(shard: int, fast_folder: Path, record_property: Figure) -> None:
    _loses_nothing(fast_folder, f"ci-{shard}", IMAGES_A_SHARD, record_property)


@pytest.mark.torture
@pytest.mark.parametrize("shard", range(TORTURE_SHARDS))
def test_no_acknowledged_entry_is_lost_in_very_many(shard: int, fast_folder: Path, record_property: Figure) -> None:
    images = TORTURE_IMAGES // TORTURE_SHARDS + (shard < TORTURE_IMAGES % TORTURE_SHARDS)
    if images:
        _loses_nothing(fast_folder, f"torture-{shard}", images, record_property)


def test_without_full_synchronous_some_would_be_lost(fast_folder: Path, record_property: Figure) -> None:
    found = _survey(fast_folder, "normal", IMAGES_A_SHARD, synchronous="NORMAL")
    record_property("figure", f"with synchronous=NORMAL, {found}")
    assert found.entries_lost > 0
    assert found.images_with_loss > IMAGES_A_SHARD // 10
