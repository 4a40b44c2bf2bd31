"""How carrying the journal to central stands: remembered by whoever carries it, shown by whoever asks.

It lies beside the journal, on this box alone. The words are for an operator: one line that says whether all is well,
and if not, what to do.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from appliance.records.failures import StorageFull
from appliance.store.store import Store

LAST_AT: Final = "sync-last-at"
TROUBLE: Final = "sync-last-trouble"
STUCK: Final = "sync-stuck"
SKEW: Final = "sync-clock-skew-s"
PAUSED: Final = "sync-paused-at"
HELD_BACK: Final = "sync-held-back-at"
SENT: Final = "sync-sent"
SKEW_SHOWN_S: Final = 120
"""Seconds that a clock may be off before anybody is told."""
FULL_BYTES: Final = 64 * 1024
"""With less that is free, a disk is full: an entry may need as much."""
SILENT_FOR: Final = timedelta(hours=24)
"""Without a word from central for so long, somebody should see to the link."""


_HELD_BACK: Final = (
    "Something on the way (a proxy) holds streams back, so small requests are sent, which is slower. "
    "Ask whoever runs the network to let streams pass."
)


class Stuck(msgspec.Struct, frozen=True):
    """Something that does not get to central by itself; everything else goes on."""

    what: str
    reason: str
    next_step: str


class Sent(msgspec.Struct, frozen=True):
    """Bytes that were sent on a day (UTC)."""

    day: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Carried:
    """How things stand."""

    enrolled: bool
    size: int
    cosigned_size: int
    last_complete_contact: str | None
    """When central last said something."""
    trouble: str
    """What is in the way, and what to do."""
    paused_at: str | None
    skew_s: int | None
    """Seconds that this box's clock is ahead of central's, where they are known to differ."""
    sent_today: int
    """Bytes."""
    stuck: tuple[Stuck, ...]
    disk_full: bool = False
    """Whether this box's disk is: then it cannot even remember that."""
    held_back_at: str | None = None
    """When something on the way was seen to hold streams back, where it did when last tried: small requests go."""

    @property
    def waiting(self) -> int:
        """Entries that central has not countersigned."""
        return self.size - self.cosigned_size

    @property
    def values(self) -> dict[str, object]:
        """Everything, as plain values."""
        values = asdict(self) | {"waiting": self.waiting, "trouble": self.trouble or None}
        return values | {"stuck": [msgspec.to_builtins(each) for each in self.stuck]}

    def words(self, now: datetime) -> str:
        """One line: whether all is well, and if not, what to do.

        Args:
            now: the present, aware.
        """
        if not self.enrolled:
            return "This node is not enrolled yet. Enrol it with `sanad enrol INVITE`."
        where = self._where()
        if self.paused_at is not None:
            return f"{where} Sending is paused since {self.paused_at}. `sanad sync resume` lets it go on."
        if self.disk_full:
            return f"{where} {StorageFull()}"
        if self.trouble:
            return f"{where} {self.trouble}"
        if self.stuck:
            first = self.stuck[0]
            more = f" ({len(self.stuck) - 1} more: `sanad sync status --json`)" if len(self.stuck) > 1 else ""
            return f"{where} {first.what}: {first.reason} {first.next_step}{more}"
        if self._is_silent(now):
            return f"{where} Central has not been heard for a day. Check the link, or carry a stick: `sanad courier`."
        if self.skew_s is not None and abs(self.skew_s) > SKEW_SHOWN_S:
            off = "ahead of" if self.skew_s > 0 else "behind"
            return f"{where} This box's clock is {_spell(abs(self.skew_s))} {off} central's. Set it."
        if self.held_back_at is not None:
            return f"{where} {_HELD_BACK}"
        return where

    @property
    def well(self) -> bool:
        """Whether nobody has to do anything."""
        return self.enrolled and not (self.trouble or self.stuck or self.paused_at)

    def _where(self) -> str:
        heard = f"last contact {self.last_complete_contact or 'never'}"
        if self.waiting:
            return f"{self.waiting} entries wait for central; {heard}."
        return f"All {self.size} entries are at central; {heard}."

    def _is_silent(self, now: datetime) -> bool:
        if self.waiting == 0:
            return False
        try:
            heard = datetime.fromisoformat(self.last_complete_contact or "")
        except ValueError:
            return True
        return now.astimezone(UTC) - heard > SILENT_FOR


def carried(store: Store, *, enrolled: bool = True) -> Carried:
    """How carrying this store's journal stands."""
    head = store.head()
    skew = store.local(SKEW)
    return Carried(
        enrolled=enrolled,
        size=head.size,
        cosigned_size=head.cosigned_size,
        last_complete_contact=store.local(LAST_AT),
        trouble=store.local(TROUBLE) or "",
        paused_at=store.local(PAUSED) or None,
        skew_s=int(skew) if skew else None,
        sent_today=sent_on(store, store.now()[:10]),
        stuck=_stuck(store),
        held_back_at=store.local(HELD_BACK) or None,
        disk_full=_is_full(store),
    )


def is_paused(store: Store) -> bool:
    """Whether somebody told this node to send nothing."""
    return bool(store.local(PAUSED))


def pause(store: Store, *, paused: bool) -> None:
    """Send nothing until told otherwise, or go on."""
    store.remember(**{PAUSED: store.now() if paused else ""})


def sent_on(store: Store, day: str) -> int:
    """How many bytes were sent on a day, UTC, `YYYY-MM-DD`."""
    try:
        sent = msgspec.json.decode(store.local(SENT) or "", type=Sent)
    except msgspec.MsgspecError:
        return 0
    return sent.bytes if sent.day == day else 0


def remember_sent(store: Store, day: str, count: int) -> None:
    """Remember how many bytes were sent on a day."""
    store.remember(**{SENT: msgspec.json.encode(Sent(day, count)).decode()})


def remember_stuck(store: Store, stuck: tuple[Stuck, ...]) -> None:
    """Remember what does not get to central by itself."""
    if stuck != _stuck(store):
        store.remember(**{STUCK: msgspec.json.encode(stuck).decode()})


def _is_full(store: Store) -> bool:
    try:
        return shutil.disk_usage(store.layout.home).free < FULL_BYTES
    except OSError:
        return False


def _stuck(store: Store) -> tuple[Stuck, ...]:
    try:
        return msgspec.json.decode(store.local(STUCK) or "[]", type=tuple[Stuck, ...])
    except msgspec.MsgspecError:
        return ()


def _spell(seconds: int) -> str:
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"
