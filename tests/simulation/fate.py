"""What one power loss does to a disk: a seed draws it, then it decides for every pending sector, size and name."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.simulation.disk import SECTOR, Change, Disk, File, Folder

Keeps = Callable[[int], bool]
"""Whether what the operation of this number did reached the disk; asked once for each sector and each change."""


@dataclass(frozen=True, slots=True)
class Fate:
    """How one power loss treats what was pending: drawn once from a seed, then asked for every sector and name.

    Args:
        random: where the single decisions come from.
        sectors: whether a pending sector of this write reached the disk.
        names: whether a pending change of names of this operation did.
        rubbish: what a sector holds that was given to a file and never written, by its length.
    """

    random: random.Random
    sectors: Keeps
    names: Keeps
    rubbish: Callable[[int], bytes]


def draw_fate(seed: random.Random, disk: Disk) -> Fate:
    """One of the ways in which disks lose power: nothing, all, a torn prefix, whole writes, single sectors."""

    def some(chance: float) -> Keeps:
        return lambda _: seed.random() < chance

    def up_to(last: int) -> Keeps:
        return lambda number: number < last or (number == last and seed.random() < 0.5)

    def whole(chance: float) -> Keeps:
        decided: dict[int, bool] = {}
        return lambda number: decided.setdefault(number, seed.random() < chance)

    def any_of() -> Keeps:
        chance = seed.choice((0.03, 0.5, 0.97, seed.random()))
        recent = seed.randint(max(0, disk.done - 40), disk.done)
        return seed.choice((some(0.0), some(1.0), up_to(recent), whole(chance), some(chance), some(chance)))

    contents = [file.durable for file in disk.files if len(file.durable) >= SECTOR] or [bytearray(SECTOR)]

    def old(length: int) -> bytes:
        content = seed.choice(contents)
        start = seed.randrange(len(content) // SECTOR) * SECTOR
        return bytes(content[start : start + length]).ljust(length, b"\0")

    rubbish = seed.choice((bytes, old, lambda length: bytes(length) if seed.random() < 0.5 else old(length)))
    return Fate(seed, any_of(), any_of(), rubbish)


def content_after(file: File, fate: Fate) -> bytes:
    """What a file holds after the power loss."""
    if file.clean:
        return bytes(file.durable)
    content = bytearray(file.durable)
    written = len(content)
    kept = [sector for sector in file.pending if fate.sectors(sector.write)]
    size = _size_after(file, fate)
    length = max([size, *((sector.place + 1) * SECTOR for sector in kept)])
    for start in range(-(-written // SECTOR) * SECTOR, min(length, size), SECTOR):
        content.extend(bytes(start - len(content)))
        content.extend(fate.rubbish(SECTOR))
    content.extend(bytes(max(0, length - len(content))))
    for _, index, data in kept:
        content[index * SECTOR : index * SECTOR + len(data)] = data
    del content[size:]
    return bytes(content)


def _size_after(file: File, fate: Fate) -> int:
    """The last size that reached the disk by the same fate as the sectors, or any size since the last fsync."""
    if fate.random.random() < 0.3:
        return fate.random.choice([len(file.durable), *(size for _, size in file.sizes)])
    return [len(file.durable), *(size for write, size in file.sizes if fate.sectors(write))][-1]


def names_after(folder: Folder, fate: Fate, decided: dict[Change, bool]) -> dict[str, File | Folder]:
    """The names in a folder after the power loss; `decided` holds the changes already asked for."""
    names = dict(folder.durable)
    for change in folder.pending:
        if _kept(change, fate, decided):
            change.apply(names)
    return names


def _kept(change: Change, fate: Fate, decided: dict[Change, bool]) -> bool:
    if change.durable:
        return True
    if change not in decided:
        wanted = fate.names(change.number)
        decided[change] = wanted and (change.needs is None or _kept(change.needs, fate, decided))
    return decided[change]


def tree_after(disk: Disk, fate: Fate) -> Iterator[tuple[str, File | None]]:
    """Every path after the power loss, parents first: with its file, or None for a folder."""
    decided: dict[Change, bool] = {}
    waiting = [("", disk.root)]
    while waiting:
        prefix, folder = waiting.pop()
        for name, node in names_after(folder, fate, decided).items():
            if isinstance(node, Folder):
                yield prefix + name, None
                waiting.append((f"{prefix}{name}/", node))
            else:
                yield prefix + name, node
