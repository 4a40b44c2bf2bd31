"""How far a sync is, and what it came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from appliance.journal.ids import BlobDigest


@dataclass(frozen=True, slots=True)
class SyncProgress:
    """How far a session is."""

    entries_sent: int
    entries_left: int
    blob_bytes_sent: int
    blobs_left: int
    """That central has asked for so far; more may follow."""


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """What a session came to, or where one that goes on stands."""

    size: int
    """Entries of the journal."""
    cosigned_size: int
    entries_sent: int
    blob_bytes_sent: int
    orders_taken: int
    missing: tuple[BlobDigest, ...]
    """Blobs that central lacks and this node has not, or not undamaged."""
    wanted: int = 0
    """Blobs that central lacks and this node has."""
    skew_s: int | None = None
    """Seconds that this node's clock is ahead of central's, where a cosignature just told."""
    lists_trouble: str = ""
    """Why the public lists are not up to date; nothing else depends on them."""
    central_scarce: bool = False
    """Whether sealed files wait because central's disk is nearly full."""
    disk_trouble: str = ""
    """Why this box keeps neither central's cosignature nor its orders; what it has still goes to central."""

    @property
    def complete(self) -> bool:
        """Whether central has everything, and has countersigned it."""
        return self.size == self.cosigned_size and not self.missing and not self.wanted


Watch = Callable[[SyncProgress], None]


def unwatched(_progress: SyncProgress) -> None:
    """Progress that nobody watches."""
