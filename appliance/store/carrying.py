"""Whether a service carries this store's journal to central: it holds a lock as long as it lives, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = "carrying.lock"
"""The file in a home. Whoever only asks locks it shared, for a moment; so it is none that decides who may serve."""


@contextmanager
def carrying(home: Path) -> Iterator[None]:
    """Somebody carries the journal of this home until the block ends."""
    with (home / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_carried(home: Path) -> bool:
    """Whether somebody does now."""
    try:
        descriptor = os.open(home / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        # Where nobody ever carried, there is no such file.
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
