"""Power losses without a power switch: from one recording, any number of disks as they could be found afterwards.

An image is a function of the recording and a seed, so a failure is replayed from the seed it names. The seed draws the
moment of the loss and the fate of everything that was pending (`tests.simulation.disk` has the rules).
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulation.disk import Disk, File
from tests.simulation.fate import content_after, draw_fate, tree_after
from tests.simulation.operations import Recording, Say

Check = Callable[[Path, Sequence[str]], int]
"""Opens an image as the real code would, given the lines the writer had said before the loss; returns how many
acknowledged entries are missing, and raises for anything else that is wrong."""

Still = Callable[[str], bool]
"""Whether nobody changes the file of this path in place, so that a clean one can be linked instead of copied."""


def _nothing(_: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Image:
    """A folder as a power loss left it, made of real files, and what the writer had promised by then."""

    seed: str
    moment: int
    folder: Path
    said: tuple[str, ...]


@dataclass(slots=True)
class Survey:
    """What many power losses did: how many images were looked at, what was lost, and what broke (seed: why)."""

    images: int = 0
    images_with_loss: int = 0
    entries_lost: int = 0
    promised: int = 0
    broken: dict[str, str] = field(default_factory=dict)

    def add(self, other: Survey) -> None:
        """Adds another survey's figures to this one."""
        self.images += other.images
        self.images_with_loss += other.images_with_loss
        self.entries_lost += other.entries_lost
        self.promised += other.promised
        self.broken.update(other.broken)

    def __str__(self) -> str:
        return (
            f"{self.images} power losses: {self.entries_lost} acknowledged entries lost of {self.promised} promised "
            f"({self.images_with_loss} images with a loss, {len(self.broken)} broken)"
        )


def survey(recording: Recording, seeds: Sequence[str], check: Check, scratch: Path, still: Still = _nothing) -> Survey:
    """Makes one image for each seed and checks it.

    Args:
        recording: what the writer did.
        seeds: one image each; the same seed makes the same image.
        check: what must hold.
        scratch: an empty folder on a fast file system; used and emptied.
        still: which files are never changed in place.
    """
    found = Survey()
    for image in images(recording, seeds, scratch, still):
        found.images += 1
        found.promised += len(image.said)
        try:
            lost = check(image.folder, image.said)
        except Exception as error:  # noqa: BLE001 (whatever opening a broken image raises is the finding)
            found.broken[f"{image.seed} (operation {image.moment})"] = f"{type(error).__name__}: {error}"
            continue
        found.entries_lost += lost
        found.images_with_loss += lost > 0
    return found


def images(recording: Recording, seeds: Sequence[str], scratch: Path, still: Still = _nothing) -> Iterator[Image]:
    """The images of some seeds, in the order of their moments; each is gone when the next one is asked for."""
    disk = Disk(recording)
    moments = sorted((moment_of(recording, seed), seed) for seed in seeds)
    kept, folder = scratch / "kept", scratch / "image"
    kept.mkdir()
    for moment, seed in moments:
        disk.advance(moment)
        folder.mkdir()
        made = _make(disk, random.Random(f"fate {seed}"), str(folder), str(kept), still)
        yield Image(seed, moment, folder, tuple(disk.said))
        _clear(folder, made)
    shutil.rmtree(kept)


def _clear(folder: Path, made: Sequence[str]) -> None:
    """Removes an image. A home has hundreds of folders, mostly empty: those go one by one, which is quicker."""
    for path in reversed(made):
        with contextlib.suppress(OSError):
            os.rmdir(path)  # noqa: PTH106
    shutil.rmtree(folder)


def moment_of(recording: Recording, seed: str) -> int:
    """How many operations were done when the power went; often right after a promise, when most is at stake."""
    draw = random.Random(f"moment {seed}")
    promises = [number for number, operation in enumerate(recording.operations, 1) if isinstance(operation, Say)]
    if promises and draw.random() < 0.3:
        return draw.choice(promises)
    return draw.randint(0, len(recording.operations))


def _make(disk: Disk, seed: random.Random, folder: str, kept: str, still: Still) -> list[str]:
    """Writes an image, and answers the folders in it. Plain strings: a home has hundreds of folders."""
    fate = draw_fate(seed, disk)
    folders: list[str] = []
    for path, file in tree_after(disk, fate):
        target = f"{folder}/{path}"
        if file is None:
            os.mkdir(target)  # noqa: PTH102
            folders.append(target)
        elif file.clean and still(path):
            os.link(_kept_copy(file, kept), target)
        else:
            Path(target).write_bytes(content_after(file, fate))
    return folders


def _kept_copy(file: File, kept: str) -> str:
    copy = f"{kept}/{file.number}.{file.synced}"
    if not Path(copy).exists():
        Path(copy).write_bytes(file.durable)
    return copy
