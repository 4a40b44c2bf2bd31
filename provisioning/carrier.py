"""Carrying a node's journal to central: a session, what came of it remembered, pauses and caps held."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from appliance.journal.errors import DeviceError, IntegrityError, NetworkError, OperatorError, SanadError
from appliance.records.failures import StorageFull, StorageReadOnly
from appliance.store import carried
from appliance.store.carried import Hindrance, Stuck
from appliance.store.store import Store
from provisioning import terminal
from provisioning.inforce import Hours, settings_of
from provisioning.settings import NODE_FILE, NodeSettings, load
from sync import courier
from sync.agent import HeldBack, follow, sync_once
from sync.allowance import Allowance
from sync.calls import Spare
from sync.following import Timing
from sync.link import Address, Link, LinkDown, NotOurCentral, ProxyRefused, WrongName, WrongTime
from sync.outcome import SyncOutcome, SyncProgress
from sync.refusals import CentralCannotStore, Fork, NotEnrolled, Quarantined, Rollback
from sync.way import OVER_HTTPS, Way

BOUNDED_S: Final = 3600.0
"""How long small requests are sent before a long stream is tried again."""
REMEMBER_EVERY_S: Final = 30.0
SETTINGS_S: Final = 30.0
"""How often a running session looks whether the cap or the hours for sealed files were set anew."""
PAUSE_LOOK_S: Final = 1.0
MEGABYTE: Final = 1_000_000


class Paused(OperatorError):
    """Somebody told this node to send nothing."""

    def __init__(self) -> None:
        super().__init__("Sending is paused on this node.", "Let it go on with `sanad sync resume`.")


def sync_and_remember(
    store: Store,
    address: Address,
    watch: terminal.Progress | None = None,
    *,
    ends: Callable[[], bool] = lambda: False,
    bounded: bool = False,
) -> SyncOutcome:
    """One sync; what came of it is remembered for `sync status`.

    Args:
        store: the node's.
        address: where central is.
        watch: told how far it is.
        ends: asked at every step whether the session is to end.
        bounded: whether the cap and the hours for sealed files hold; else they go whatever those say.

    Raises:
        Paused: nothing may be sent. SanadError: as `sync_once`.
    """
    if carried.is_paused(store):
        raise Paused
    allowance = allowance_of(store)
    hours = FileHours(store, allowance)

    def may_send(count: int) -> bool:
        return not bounded or (hours.open and allowance.may_send(count))

    def seen(progress: SyncProgress) -> None:
        if ends():
            raise Paused
        if watch is not None:
            left = progress.entries_left + progress.blobs_left
            watch(progress.entries_sent, progress.entries_sent + left)

    try:
        outcome = sync_once(store, address, now_s=_now_s, watch=seen, may_send=may_send, way=metered_way(allowance))
    except Paused:
        raise
    except SanadError as error:
        said = carried.hindered(hindrance(error), str(error))
        _if_room(lambda: store.remember(**said))
        raise
    finally:
        allowance.close()
    remember(store, outcome)
    return outcome


def allowance_of(store: Store) -> Allowance:
    """What this node may send in a day, by its settings."""
    return Allowance(
        cap_of(settings_of(store)),
        today=lambda: store.now()[:10],
        load=lambda day: carried.sent_on(store, day),
        save=lambda day, count: _if_room(lambda: carried.remember_sent(store, day, count)),
    )


def metered_way(allowance: Allowance) -> Way:
    """To central over HTTPS; what the connections carry is counted."""
    return replace(OVER_HTTPS, connect=lambda address: Link(address, allowance.spend))


def cap_of(settings: NodeSettings) -> int | None:
    """Bytes a day, or None for no bound."""
    cap = settings.sync.megabytes_per_day
    return None if cap is None else cap * MEGABYTE


def remember(store: Store, outcome: SyncOutcome) -> None:
    """Remember what central said."""
    values = {carried.LAST_AT: store.now(), **carried.hindered(left(outcome), trouble(outcome))}
    if outcome.skew_s is not None:
        values[carried.SKEW] = str(outcome.skew_s)
    store.remember(**values)
    carried.remember_stuck(store, stuck(outcome))
    if outcome.complete:
        courier.all_there(store, outcome.size)


def trouble(outcome: SyncOutcome) -> str:
    """What keeps everything from being at central; empty where nothing does, and where single files are stuck."""
    if outcome.disk_trouble:
        return outcome.disk_trouble
    if outcome.complete:
        return ""
    if outcome.central_scarce and outcome.wanted:
        return (
            f"Central's disk is nearly full: {outcome.wanted} sealed files wait here; entries still go. "
            "Tell central IT to make room."
        )
    if outcome.size != outcome.cosigned_size:
        return "Not everything is countersigned yet. Sync again."
    if outcome.missing:
        return ""
    return f"All entries are countersigned; {outcome.wanted} sealed files are still on their way."


def left(outcome: SyncOutcome) -> Hindrance | None:
    """What kind of thing that is."""
    if not trouble(outcome):
        return None
    if outcome.disk_trouble:
        return Hindrance.DISK
    if outcome.central_scarce and outcome.wanted:
        return Hindrance.CENTRAL_FULL
    return Hindrance.UNFINISHED if outcome.size != outcome.cosigned_size else Hindrance.FILES


def hindrance(error: SanadError) -> Hindrance:
    """What kind of thing kept everything from being at central."""
    return next((found for kind, found in _KINDS if isinstance(error, kind)), Hindrance.OTHER)


_KINDS: Final[tuple[tuple[type[SanadError], Hindrance], ...]] = (
    (LinkDown, Hindrance.LINK),
    (WrongTime, Hindrance.CLOCK),
    (WrongName, Hindrance.ADDRESS),
    (NotOurCentral, Hindrance.PORTAL),
    (ProxyRefused, Hindrance.TUNNEL),
    (HeldBack, Hindrance.PROXY),
    (Quarantined, Hindrance.STOPPED),
    (Fork, Hindrance.COPY),
    (Rollback, Hindrance.COPY),
    (NotEnrolled, Hindrance.UNKNOWN),
    (CentralCannotStore, Hindrance.CENTRAL_DISK),
    (NetworkError, Hindrance.CENTRAL),
    (DeviceError, Hindrance.DISK),
    (IntegrityError, Hindrance.DISAGREE),
)
"""The first that fits says it."""


def stuck(outcome: SyncOutcome) -> tuple[Stuck, ...]:
    """What does not get to central by itself."""
    return tuple(
        Stuck(
            f"Sealed file {digest[:12]}…",
            "It is missing or damaged on this box, and central has not got it.",
            "Check the disk (`sanad journal verify`), put it back from a backup, or call central IT.",
        )
        for digest in outcome.missing
    )


@dataclass(slots=True)
class Carrier:
    """Sessions of the node service: long streams, or small requests for a while where something holds streams back."""

    store: Store
    address: Address
    timing: Timing
    _bounded_until: float = field(default=0.0, init=False)
    _spare: Spare = field(init=False)

    def __post_init__(self) -> None:
        self._spare = Spare(self.timing.monotonic_s)

    def session(self, answered: Callable[[], None]) -> SyncOutcome:
        """One session, which ends when the service does, or breaks; what came of it is remembered for `sync status`.

        Raises:
            SanadError: as `sync_once`.
        """
        while carried.is_paused(self.store):
            if self.timing.wait(PAUSE_LOOK_S):
                raise Paused
        if self.timing.monotonic_s() < self._bounded_until:
            ends = _Pause(self.store, self.timing)
            return sync_and_remember(self.store, self.address, ends=lambda: ends.wait(0.0), bounded=True)
        allowance = allowance_of(self.store)
        hours = FileHours(self.store, allowance)
        told = _Told(self.store, allowance, hours)
        pause = _Pause(self.store, self.timing)
        try:
            return follow(
                self.store,
                self.address,
                now_s=_now_s,
                timing=replace(self.timing, wait=pause.wait, sparing=lambda: allowance.is_bounded),
                answered=answered,
                heard=told,
                may_send=lambda count: hours.open and allowance.may_send(count),
                way=metered_way(allowance),
                spare=self._spare,
            )
        except HeldBack as error:
            self._bounded_until = self.timing.monotonic_s() + BOUNDED_S
            said = carried.hindered(Hindrance.PROXY, str(error))
            self.store.remember(**said, **{carried.HELD_BACK: self.store.now()})
            raise
        except SanadError as error:
            said = carried.hindered(hindrance(error), str(error))
            _if_room(lambda: self.store.remember(**said))
            raise
        finally:
            pause.close()
            allowance.close()


class _Pause:
    """Waits for a session; whoever told this node to pause ends it. After `close` the store is not looked at."""

    def __init__(self, store: Store, timing: Timing) -> None:
        self._store = store
        self._timing = timing
        self._guard = threading.Lock()
        self._closed = False

    def wait(self, seconds: float) -> bool:
        """Wait; True when the session ends."""
        if self._timing.wait(seconds):
            return True
        with self._guard:
            return self._closed or carried.is_paused(self._store)

    def close(self) -> None:
        """The session is over, though the news beside it may still wait for an answer."""
        with self._guard:
            self._closed = True


class FileHours:
    """When this node sends sealed files, by its settings and the centre's clock; read anew at times, with the cap."""

    def __init__(self, store: Store, allowance: Allowance) -> None:
        self._store = store
        self._allowance = allowance
        self._read_s = -SETTINGS_S
        self._hours: Hours | None = None
        self._zone = ZoneInfo("UTC")
        self.said = ""

    @property
    def open(self) -> bool:
        """Whether they are sent now."""
        now_s = time.monotonic()
        if now_s - self._read_s >= SETTINGS_S:
            self._read_s = now_s
            settings = settings_of(self._store)
            self._allowance.set_cap(cap_of(settings))
            self.said = settings.sync.files_between or ""
            self._hours, self._zone = Hours.read(settings.sync.files_between), ZoneInfo(settings.casework.timezone)
        return self._hours is None or self._hours.hold(self._store.clock().astimezone(self._zone).time())


class _Told:
    """Remembers where things stand, when that has changed in what people are told, or now and then."""

    def __init__(self, store: Store, allowance: Allowance, hours: FileHours) -> None:
        self._store = store
        self._hours = hours
        self._allowance = allowance
        self._last: tuple[str, tuple[Stuck, ...], float] | None = None
        self._cosigned_before: int | None = None

    def __call__(self, outcome: SyncOutcome) -> None:
        kind, words, items, now = left(outcome), trouble(outcome), stuck(outcome), time.monotonic()
        if outcome.wanted and not self._allowance.may_send(1):
            kind = Hindrance.BOUND
            words = f"Today's bound is sent; {outcome.wanted} sealed files wait for tomorrow. Entries still go."
        elif outcome.wanted and not self._hours.open:
            kind = Hindrance.HOURS
            words = f"{outcome.wanted} sealed files wait for {self._hours.said}. Entries still go."
        self._see_through(outcome)
        if self._last is None or self._last[:2] != (words, items) or now - self._last[2] > REMEMBER_EVERY_S:
            self._last = words, items, now
            _if_room(lambda: self._remember(outcome, kind, words))

    def _remember(self, outcome: SyncOutcome, kind: Hindrance | None, words: str) -> None:
        remember(self._store, outcome)
        self._allowance.save()
        if words != trouble(outcome):
            self._store.remember(**carried.hindered(kind, words))

    def _see_through(self, outcome: SyncOutcome) -> None:
        """A cosignature that moves while a stream is open: nothing holds it back any more."""
        if self._cosigned_before is None:
            self._cosigned_before = outcome.cosigned_size
        elif outcome.cosigned_size > self._cosigned_before and self._store.local(carried.HELD_BACK):
            _if_room(lambda: self._store.remember(**{carried.HELD_BACK: ""}))


def _if_room(write: Callable[[], None]) -> None:
    """Remember something, unless this box's disk is full: then it is for the disk to be told of."""
    with suppress(StorageFull, StorageReadOnly):
        write()


def proxy_of(home: Path) -> str | None:
    """The proxy that this node's settings name."""
    return load(NodeSettings, home / NODE_FILE).central.proxy


def _now_s() -> int:
    return int(time.time())
