"""How carrying the journal to central stands: remembered by whoever carries it, shown by whoever asks.

It lies beside the journal, on this box alone. The words are for an operator: one line of at most `MAX_LINE` characters
that says whether all is well, and if not, what to do. What else is known stands in `details`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

import msgspec

from appliance.records.wording.quarantine import NEXT_STEP
from appliance.store.carrying import is_carried
from appliance.store.quarantine import Held, held
from appliance.store.store import Store

LAST_AT: Final = "sync-last-at"
BY_STICK: Final = "sync-last-by-stick"
"""`yes` where the last contact was a receipt on a stick."""
TROUBLE: Final = "sync-last-trouble"
HINDRANCE: Final = "sync-hindrance"
STUCK: Final = "sync-stuck"
SKEW: Final = "sync-clock-skew-s"
PAUSED: Final = "sync-paused-at"
HELD_BACK: Final = "sync-held-back-at"
SENT: Final = "sync-sent"
UNTIL: Final = "sync-files-wait-until"
MAX_LINE: Final = 80
"""Characters of the one line: a terminal's width."""
SKEW_SHOWN_S: Final = 120
"""Seconds that a clock may be off before anybody is told."""
FULL_BYTES: Final = 64 * 1024
"""With less that is free, a disk is full: an entry may need as much."""
SILENT_FOR: Final = timedelta(hours=24)
"""Without a word from central for so long while something waits, somebody should see to the link."""
QUIET_FOR: Final = timedelta(days=7)
"""The same where nothing waits: orders, revocations and timestamps come down by the same way."""
STICK_FOR: Final = timedelta(days=14)
"""The same where the last word came on a stick, whether something waits or not."""


class Hindrance(Enum):
    """What keeps something from central, by what an operator can do about it."""

    LINK = "link"
    PORTAL = "portal"
    """Something else answers at central's address."""
    CLOCK = "clock"
    """Central's certificate is not valid at the time that this box shows."""
    ADDRESS = "address"
    """Central answers, and its certificate is for another address."""
    TUNNEL = "tunnel"
    """The proxy that the settings name does not let this box through."""
    PROXY = "proxy"
    """Something on the way holds streams back."""
    CENTRAL = "central"
    """Central is in trouble, and knows it."""
    STOPPED = "stopped"
    """Central put this box into quarantine."""
    COPY = "copy"
    """Central holds another history of this box, or a newer one."""
    UNKNOWN = "unknown"
    """Central does not know this box, or took it out of service."""
    DISAGREE = "disagree"
    """One of the two sent what the other refuses."""
    CENTRAL_DISK = "central_disk"
    """Central's disk is full or failing: it takes nothing."""
    CENTRAL_FULL = "central_full"
    """Central's disk has room for entries and not for papers."""
    DISK = "disk"
    STICK = "stick"
    """Of a receipt on a stick, not all was taken."""
    LACKING = "lacking"
    """By the last receipt, central lacks papers."""
    UNFINISHED = "unfinished"
    FILES = "files"
    """Nothing: papers are on their way."""
    BOUND = "bound"
    """Nothing: papers wait for tomorrow, because this box may send no more today."""
    HOURS = "hours"
    """Nothing: papers wait for the hours in which this box sends them."""
    OTHER = "other"


_SAYS: Final[dict[Hindrance, str]] = {
    Hindrance.LINK: "No link, {waits}: check cable and modem. It goes on by itself.",
    Hindrance.PORTAL: "Another machine answers for central: sign in to this network, or call IT.",
    Hindrance.CLOCK: "This box's clock is wrong, so central is not believed: set the clock.",
    Hindrance.ADDRESS: "Central answers under another address than this box knows: call central IT.",
    Hindrance.TUNNEL: "The proxy refuses this box, {waits}: ask who runs the proxy.",
    Hindrance.PROXY: "A proxy slows sending, {waits}: have it let streams pass.",
    Hindrance.CENTRAL: "Central is in trouble, {waits}. It goes on by itself.",
    Hindrance.STOPPED: "Central takes nothing from this box: call central IT. Work here can go on.",
    Hindrance.COPY: "This box is a copy, or older than itself: stop work here, call central IT.",
    Hindrance.UNKNOWN: "Central does not know this box: call central IT. Work here can go on.",
    Hindrance.DISAGREE: "Central and this box disagree: call central IT. Work here can go on.",
    Hindrance.CENTRAL_DISK: "Central's disk is full or failing, {waits}: tell central IT.",
    Hindrance.CENTRAL_FULL: "Central's disk is nearly full, papers wait here: tell central IT.",
    Hindrance.DISK: "This box's disk is full or failing, {waits}: tell IT now.",
    Hindrance.STICK: "Not all of the last stick was taken: see `sanad sync status`.",
    Hindrance.LACKING: "Central lacks papers of the last stick: sync, or export again.",
    Hindrance.UNFINISHED: "The last sync was cut short, {waits}: run `sanad sync now`.",
    Hindrance.OTHER: "Sending met trouble, {waits}: see `sanad sync status`.",
}
_BY_HAND: Final[dict[Hindrance, str]] = {
    Hindrance.LINK: "No link, {waits}: check cable and modem, or use a stick.",
    Hindrance.CENTRAL: "Central is in trouble, {waits}: try later, or use a stick.",
}
"""What passes by itself only where a service tries again."""
_WELL: Final[dict[Hindrance, str]] = {
    Hindrance.FILES: "All is well: every entry is at central, papers are on their way.",
    Hindrance.BOUND: "All is well: today's megabytes are used up, papers go on {until}.",
    Hindrance.HOURS: "All is well: entries go now, papers wait {until}.",
}
_BESIDE_A_PROXY: Final[dict[Hindrance, str]] = {
    Hindrance.BOUND: "A proxy slows sending. Today's megabytes are used up, papers go on {until}.",
    Hindrance.HOURS: "A proxy slows sending: have it let streams pass. Papers wait {until}.",
}
_LATER: Final = {Hindrance.BOUND: "tomorrow", Hindrance.HOURS: "for the hours that are set"}
_LET_PASS: Final = "A proxy holds back what is sent: ask whoever runs the network to let streams pass."


class Stuck(msgspec.Struct, frozen=True):
    """Something that does not get to central by itself; everything else goes on."""

    what: str
    reason: str
    next_step: str
    digest: str = ""
    """Of a sealed file."""


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
    hindrance: Hindrance | None
    """What is in the way."""
    trouble: str
    """The same in full, as whoever met it said."""
    paused_at: str | None
    skew_s: int | None
    """Seconds that this box's clock is ahead of central's, where they are known to differ."""
    sent_today: int
    """Bytes."""
    stuck: tuple[Stuck, ...]
    disk_full: bool = False
    """Whether this box's disk is: then it cannot even remember that."""
    quarantine: Held | None = None
    """The one that this box is in, by central's orders."""
    files_until: str | None = None
    """When sealed files go on, where this box keeps them: by the centre's clock, `HH:MM`."""
    held_back_at: str | None = None
    """When something on the way was seen to hold streams back, where it did when last tried: small requests go."""
    carrying: bool = True
    """Whether a service carries the journal now."""
    by_stick: bool = False
    """Whether the last contact was a receipt on a stick."""

    @property
    def waiting(self) -> int:
        """Entries that central has not countersigned."""
        return self.size - self.cosigned_size

    @property
    def values(self) -> dict[str, object]:
        """Everything, as plain values."""
        values = asdict(self) | {"waiting": self.waiting, "trouble": self.trouble or None}
        values["hindrance"] = None if self.hindrance is None else self.hindrance.value
        return values | {"stuck": [msgspec.to_builtins(each) for each in self.stuck]}

    def words(self, now: datetime) -> str:
        """One line: whether all is well, and if not, what to do.

        Args:
            now: the present, aware.
        """
        return self._wrong(now) or self._right(now)

    def well(self, now: datetime) -> bool:
        """Whether nobody has to do anything.

        Args:
            now: the present, aware.
        """
        return not self._wrong(now)

    @property
    def details(self) -> tuple[str, ...]:
        """What else is known of what is in the way, for whoever asks: not bound to a line."""
        stuck = (f"{each.what}: {each.reason} {each.next_step}" for each in self.stuck)
        if self.quarantine is None:
            proxy = _LET_PASS if self.held_back_at is not None and self.hindrance is not Hindrance.PROXY else ""
            return tuple(filter(None, (self.trouble, proxy, *stuck)))
        # What central answered says the same with fewer words.
        trouble = "" if self.hindrance is Hindrance.STOPPED else self.trouble
        return tuple(filter(None, (self.quarantine.words, NEXT_STEP, trouble, *stuck)))

    def _wrong(self, now: datetime) -> str:
        """What somebody has to see to; empty where nothing is."""
        if not self.enrolled:
            return "Not enrolled yet: run `sanad enrol INVITE` with the line that central gave."
        if self.quarantine is not None and self.hindrance is not Hindrance.COPY:
            return _SAYS[Hindrance.STOPPED]
        if self.paused_at is not None:
            since = self.paused_at[:16].replace("T", " ")
            return f"Paused since {since}, {self._waits}: run `sanad sync resume`."
        if self.disk_full:
            return _SAYS[Hindrance.DISK].format(waits=self._waits)
        if self._idle:
            return f"Nothing carries, {self._left}: start `sanad node`, or `sanad sync now`."
        behind, silent = self._behind(now), self._silent(now)
        if self.hindrance in _SAYS and not ((silent or behind) and self.hindrance in _BY_HAND):
            says = _SAYS if self.carrying else _SAYS | _BY_HAND
            return says[self.hindrance].format(waits=self._waits)
        if self.stuck:
            files = "1 paper is" if len(self.stuck) == 1 else f"{len(self.stuck):,} papers are"
            return f"{files} missing or damaged on this box: call central IT."
        if behind:
            return f"This box's clock is {_spell(behind)} behind its last contact: set it, then sync."
        if silent:
            todo = "check the link or use a stick" if self.carrying or self.by_stick else "start `sanad node`"
            return f"{silent}, {self._left}: {todo}."
        if self.skew_s is not None and abs(self.skew_s) > SKEW_SHOWN_S:
            off = "ahead of" if self.skew_s > 0 else "behind"
            return f"This box's clock is {_spell(abs(self.skew_s))} {off} central's: set it."
        if self.held_back_at is None:
            return ""
        line = _SAYS[Hindrance.PROXY]
        if self.files_until is not None and self.hindrance in _BESIDE_A_PROXY:
            line = _BESIDE_A_PROXY[self.hindrance]
        return line.format(waits=self._waits, until=self._until)

    def _right(self, now: datetime) -> str:
        if self.hindrance in _WELL:
            return _WELL[self.hindrance].format(until=self._until)
        if self.waiting and not self.carrying:
            return f"All is well: {self.waiting:,} of {self.size:,} entries wait here for the next stick."
        if self.waiting:
            return f"All is well: {self.waiting:,} of {self.size:,} entries are on their way to central."
        return f"All is well: all {self.size:,} entries are at central{self._heard(now)}."

    @property
    def _until(self) -> str:
        if self.hindrance not in _LATER:
            return ""
        word = "at" if self.hindrance is Hindrance.BOUND else "until"
        return _LATER[self.hindrance] if self.files_until is None else f"{word} {self.files_until}"

    @property
    def _waits(self) -> str:
        if self.waiting == 0:
            return "papers wait" if self.hindrance in _WELL else "nothing waits"
        return "1 entry waits" if self.waiting == 1 else f"{self.waiting:,} entries wait"

    @property
    def _left(self) -> str:
        if self.waiting == 0:
            return "papers wait" if self.hindrance in _WELL else "nothing waits"
        return "1 waits" if self.waiting == 1 else f"{self.waiting:,} wait"

    @property
    def _idle(self) -> bool:
        """Whether something waits that nobody carries, where nothing else is to be done first."""
        if self.carrying or self.by_stick:
            return False
        if self.hindrance is None or self.hindrance in _BY_HAND:
            return self.waiting > 0
        return self.hindrance in _WELL

    def _behind(self, now: datetime) -> int:
        """Seconds by which this box's clock is behind when it last heard central; 0 where it is not."""
        past = self._past(now)
        behind_s = 0 if past is None else -int(past.total_seconds())
        return behind_s if behind_s > SKEW_SHOWN_S else 0

    def _past(self, now: datetime) -> timedelta | None:
        """How long ago central was heard; None where it never was."""
        try:
            return now.astimezone(UTC) - datetime.fromisoformat(self.last_complete_contact or "")
        except ValueError:
            return None

    def _heard(self, now: datetime) -> str:
        past = self._past(now)
        if past is None:
            return ""
        return ", heard " + ("just now" if past < timedelta(minutes=2) else f"{_spell(int(past.total_seconds()))} ago")

    def _silent(self, now: datetime) -> str:
        """That central was not heard for too long; empty where it was."""
        past = self._past(now)
        if past is None and self.waiting == 0:
            return ""
        limit = STICK_FOR if self.by_stick else SILENT_FOR if self.waiting else QUIET_FOR
        if past is not None and past <= limit:
            return ""
        if past is None:
            return "Central was never heard"
        return f"Central not heard for {_spell(int(past.total_seconds()))}"


def carried(store: Store, *, enrolled: bool = True) -> Carried:
    """How carrying this store's journal stands."""
    head = store.head()
    skew = store.local(SKEW)
    return Carried(
        enrolled=enrolled,
        size=head.size,
        cosigned_size=head.cosigned_size,
        last_complete_contact=store.local(LAST_AT),
        hindrance=_hindrance(store),
        trouble=store.local(TROUBLE) or "",
        paused_at=store.local(PAUSED) or None,
        skew_s=int(skew) if skew else None,
        sent_today=sent_on(store, store.now()[:10]),
        stuck=_stuck(store),
        quarantine=held(store),
        files_until=store.local(UNTIL) or None,
        held_back_at=store.local(HELD_BACK) or None,
        disk_full=_is_full(store),
        carrying=is_carried(store.layout.home),
        by_stick=store.local(BY_STICK) == "yes",
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


def stuck_files(store: Store) -> frozenset[str]:
    """The sealed files that are known not to get to central by themselves, by digest."""
    return frozenset(each.digest for each in _stuck(store) if each.digest)


def lost_files(digests: Iterable[str]) -> tuple[Stuck, ...]:
    """Sealed files that are missing or damaged on this box, and that central has not got."""
    return tuple(
        Stuck(
            f"Sealed file {digest[:12]}…",
            "It is missing or damaged on this box, and central has not got it.",
            "Check the disk (`sanad journal verify`), put it back from a backup, or call central IT.",
            digest,
        )
        for digest in digests
    )


def remember_stuck(store: Store, stuck: tuple[Stuck, ...]) -> None:
    """Remember what does not get to central by itself."""
    if stuck != _stuck(store):
        store.remember(**{STUCK: msgspec.json.encode(stuck).decode()})


def hindered(hindrance: Hindrance | None, trouble: str = "") -> dict[str, str]:
    """What to remember of what is in the way; None where nothing is."""
    return {HINDRANCE: "" if hindrance is None else hindrance.value, TROUBLE: trouble}


def forget_quarantine(store: Store) -> None:
    """Central's orders say that this box is in none any more, whatever central answered before that."""
    if _hindrance(store) is Hindrance.STOPPED:
        store.remember(**hindered(None))


def _hindrance(store: Store) -> Hindrance | None:
    said = store.local(HINDRANCE)
    if said:
        return next((each for each in Hindrance if each.value == said), Hindrance.OTHER)
    # What an earlier version remembered has no kind.
    return Hindrance.OTHER if store.local(TROUBLE) else None


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
