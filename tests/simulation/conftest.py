"""What the fault tests share: a fast scratch folder, and strace or a clear refusal."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.trace import TraceError, require_strace

IN_MEMORY = Path("/dev/shm")
ROOM_BYTES = 256 << 20


@pytest.fixture
def fast_folder() -> Iterator[Path]:
    """A folder in memory where there is room, because images are written by the thousand and need no real disk."""
    roomy = os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM_BYTES
    with tempfile.TemporaryDirectory(prefix="sanad-test-", dir=IN_MEMORY if roomy else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def strace() -> None:
    """Fails, and does not skip, where programs may not be traced: a crash test that did not run proves nothing."""
    try:
        require_strace()
    except TraceError as error:
        pytest.fail(str(error), pytrace=False)
