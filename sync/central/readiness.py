"""Whether central can do its work: read its archive, write it, keep more, and fold what it keeps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from appliance.journal.errors import SanadError
from appliance.records import tables as records
from appliance.records.database import Database
from appliance.records.moment import Clock, at_text
from sync.central.fleet import free_bytes
from sync.central.index import Index
from sync.central.layout import CentralLayout
from sync.central.troubles import Limits, Trouble, central_troubles

KEPT_S: Final = 5.0
"""For how long an answer is kept: each look writes, and anybody may ask."""
LOOKED_AT: Final = "ready-at"
_DROP: Final = sa.delete(records.local).where(records.local.c.name == LOOKED_AT)
_ADD: Final = sa.insert(records.local)


class Readiness:
    """Looks whether one central is ready.

    Args:
        archive: central's archive.
        index: what folds.
        layout: central's home.
        limits: how much must be free.
        clock: what time it is.
        monotonic_s: seconds on a clock that nobody can set.
    """

    def __init__(
        self,
        archive: Database,
        index: Index,
        layout: CentralLayout,
        limits: Limits,
        *,
        clock: Clock,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._archive = archive
        self._index = index
        self._layout = layout
        self._limits = limits
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._guard = threading.Lock()
        self._kept: tuple[float, tuple[str, ...]] | None = None

    def reasons(self) -> tuple[str, ...]:
        """Why central is not ready, each a sentence; empty where it is. No older than `KEPT_S`."""
        with self._guard:
            now_s = self._monotonic_s()
            if self._kept is None or not 0 <= now_s - self._kept[0] < KEPT_S:
                self._kept = now_s, tuple(self._look())
            return self._kept[1]

    def _look(self) -> list[str]:
        found = []
        try:
            found += [each.sentence for each in self._disk()]
            with self._archive.write() as tx:
                tx.run(_DROP)
                tx.run(_ADD, {"name": LOOKED_AT, "value": at_text(self._clock())})
        except SanadError as error:
            found.append(f"The archive cannot be written: {error.sentence}")
        if self._index.stopped:
            found.append(f"The index cannot be written ({self._index.stopped}).")
        return found

    def _disk(self) -> list[Trouble]:
        troubles = central_troubles(free_bytes(self._layout), self._limits)
        return [each for each in troubles if each.code == "disk_full"]
