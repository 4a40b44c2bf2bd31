"""Whether sealed files leave this box now: the bytes of a day, and the hours; and if not, why and until when."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from appliance.records.failures import StorageFull, StorageReadOnly
from appliance.store import carried
from appliance.store.carried import Hindrance
from appliance.store.store import Store
from provisioning.inforce import Hours, settings_of
from provisioning.settings import NodeSettings
from sync.allowance import Allowance
from sync.outcome import SyncOutcome

SETTINGS_S: Final = 30.0
"""How often a running session looks whether the cap or the hours for sealed files were set anew."""
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """Why sealed files stay here for now."""

    kind: Hindrance
    words: str
    until: str
    """By the centre's clock, `HH:MM`."""


class FileGate:
    """What this node may send of sealed files, by its settings and the centre's clock; they are read anew at times.

    Args:
        store: the node's.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._settings = settings_of(store)
        self._read_s = time.monotonic()
        self._allowance = Allowance(
            _cap_of(self._settings),
            today=lambda: store.now()[:10],
            load=lambda day: carried.sent_on(store, day),
            save=lambda day, count: if_room(lambda: carried.remember_sent(store, day, count)),
        )
        self._refused = 1

    @property
    def is_bounded(self) -> bool:
        """Whether a day has a bound."""
        return self._allowance.is_bounded

    def may_send(self, count: int) -> bool:
        """Whether so many bytes of a sealed file may be sent now."""
        self._read()
        if not self._is_open():
            return False
        if self._allowance.may_send(count):
            return True
        self._refused = count
        return False

    def spend(self, count: int) -> None:
        """So many bytes went or came, whatever they are."""
        self._allowance.spend(count)

    def save(self) -> None:
        """Save what was counted."""
        self._allowance.save()

    def close(self) -> None:
        """Save what was counted, and count no more."""
        self._allowance.close()

    def kept(self, outcome: SyncOutcome) -> Kept | None:
        """Why what central lacks stays here for now; None where nothing does, or something else is in its way."""
        if not outcome.wanted or outcome.central_scarce or outcome.disk_trouble:
            return None
        self._read()
        files = "1 sealed file waits" if outcome.wanted == 1 else f"{outcome.wanted} sealed files wait"
        if not self._is_open():
            between = self._settings.sync.files_between or ""
            words = f"{files} for {between} by the centre's clock. Entries still go."
            return Kept(Hindrance.HOURS, words, between[:5])
        if self._allowance.may_send(self._refused):
            return None
        until = self._new_day().strftime("%H:%M")
        cap = self._settings.sync.megabytes_per_day
        words = (
            f"Today's bound of {cap} megabytes is sent; {files} until {until} by the centre's clock. Entries still go."
        )
        return Kept(Hindrance.BOUND, words, until)

    def _read(self) -> None:
        now_s = time.monotonic()
        if now_s - self._read_s >= SETTINGS_S:
            self._read_s = now_s
            self._settings = settings_of(self._store)
            self._allowance.set_cap(_cap_of(self._settings))

    def _is_open(self) -> bool:
        hours = Hours.read(self._settings.sync.files_between)
        return hours is None or hours.hold(self._store.clock().astimezone(self._zone()).time())

    def _new_day(self) -> datetime:
        """When the next day begins for what is counted, UTC, by the centre's clock."""
        now = self._store.clock().astimezone(UTC)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return midnight.astimezone(self._zone())

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._settings.casework.timezone)


def if_room(write: Callable[[], None]) -> None:
    """Remember something, unless this box's disk is full: then it is for the disk to be told of."""
    with suppress(StorageFull, StorageReadOnly):
        write()


def _cap_of(settings: NodeSettings) -> int | None:
    """Bytes a day, or None for no bound."""
    cap = settings.sync.megabytes_per_day
    return None if cap is None else cap * MEGABYTE
