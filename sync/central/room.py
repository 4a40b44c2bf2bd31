"""How much room central's disk has. What is left last is kept for entries, which are small; sealed files wait."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

KEPT_BYTES: Final = 256 * 1024 * 1024
KEPT_SHARE: Final = 0.02
"""Of the disk; so much is kept, or `KEPT_BYTES` where that is less."""


class Usage(NamedTuple):
    """Of a disk, in bytes."""

    total: int
    free: int


LookAtDisk = Callable[[], Usage]


def disk_of(folder: Path) -> LookAtDisk:
    """Looks at the disk that holds a folder."""

    def look() -> Usage:
        found = shutil.disk_usage(folder)
        return Usage(found.total, found.free)

    return look


def endless() -> Usage:
    """A disk that is never full."""
    return Usage(1, 1)


def is_scarce(look: LookAtDisk) -> bool:
    """Whether no sealed file should come now. A disk that does not answer is found out when it is written."""
    try:
        usage = look()
    except OSError:
        return False
    return usage.free < min(KEPT_BYTES, usage.total * KEPT_SHARE)
