"""What a store stands on: its database, its folder of sealed files, its witness. The disk's are `on_disk`."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.records.database import Database, Halt
from appliance.store.blobs import BlobFolder
from appliance.store.layout import Layout
from appliance.store.witness import Witness


@dataclass(frozen=True, slots=True)
class Footing:
    """Opened, and the store's alone to close."""

    database: Database
    blobs: BlobFolder
    witness: Witness


def on_disk(layout: Layout, key: bytes, *, halt: Halt, synchronous: str) -> Footing:
    """What lies in a node's home.

    Raises:
        StoreMissing, StoreUnreadable: there is no store, or this is not its key.
    """
    database = Database(layout.database, key, lock=layout.lock, halt=halt, synchronous=synchronous)
    return Footing(database, BlobFolder(layout.blobs), Witness(layout.witness))
