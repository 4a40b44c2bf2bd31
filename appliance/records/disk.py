"""Files that are whole or not there, also after the power went."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Final

from appliance.records import failures

PART: Final = ".part"
"""How the name of a file ends that is not whole yet; a crash may leave one."""


def write_durably(place: Path, data: bytes) -> None:
    """Write a file whole or not at all: temporary file, fsync, rename, fsync of the folder.

    Raises:
        StorageFull, StorageReadOnly: nothing was written.
        StorageFailed: the disk failed, and nobody knows what is on it.
    """
    temporary = _beside(place)
    try:
        try:
            _write_synced(temporary, data)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        temporary.rename(place)
        sync_folder(place.parent)
    except OSError as error:
        raise failures.of_os(error) from error


def _beside(place: Path) -> Path:
    return place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}{PART}")


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: as the system said it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
