"""What a central stands on: its two databases, its locker, the thread that folds. A server's are `on_disk`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from appliance.records.database import Database, Halt
from sync import signatures
from sync.central.layout import CentralLayout
from sync.central.locker import Locker
from sync.central.room import LookAtDisk, disk_of
from sync.signatures import Claims, Incoming


@dataclass(frozen=True, slots=True)
class Footing:
    """Opened, and the central's alone to close."""

    archive: Database
    index: Database
    locker: Locker
    folding: Executor
    """Does one thing after the other."""
    disk: LookAtDisk
    """The disk below."""
    verify: Callable[[Incoming, bytes], Claims] = signatures.verify
    """Checks that a request is signed by a node key, as `sync.signatures.verify` does."""


def on_disk(layout: CentralLayout, key: bytes, *, halt: Halt) -> Footing:
    """What lies in a central's home.

    Raises:
        StoreMissing, StoreUnreadable: there is no central here, or this is not its key.
    """
    archive, index = (
        Database(path, key, lock=path.with_suffix(".lock"), halt=halt) for path in (layout.archive, layout.index)
    )
    thread = ThreadPoolExecutor(1, thread_name_prefix="fold")
    return Footing(archive, index, Locker(layout.blobs, layout.incoming), thread, disk_of(layout.home))
