"""Carrying a node's journal to central: a session, what came of it remembered, pauses and caps held."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from appliance.journal.errors import DeviceError, IntegrityError, NetworkError, OperatorError, SanadError
from appliance.store import carried
from appliance.store.carried import Hindrance, Stuck
from appliance.store.store import Store
from provisioning import terminal
from provisioning.filegate import FileGate, Kept, if_room
from provisioning.settings import NODE_FILE, NodeSettings, load
from sync import courier
from sync.agent import HeldBack, follow, sync_once
from sync.calls import Spare
from sync.following import Timing
from sync.link import Address, Link, LinkDown, NotOurCentral, ProxyRefused, WrongName, WrongTime
from sync.outcome import SyncOutcome, SyncProgress
from sync.refusals import CentralCannotStore, Fork, NotEnrolled, Quarantined, Rollback
from sync.way import OVER_HTTPS, Way

BOUNDED_S: Final = 3600.0
"""How long small requests are sent before a long stream is tried again."""
REMEMBER_EVERY_S: Final = 30.0
PAUSE_LOOK_S: Final = 1.0


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
    gate = FileGate(store)

    def may_send(count: int) -> bool:
        return not bounded or gate.may_send(count)

    def seen(progress: SyncProgress) -> None:
        if ends():
            raise Paused
        if watch is not None:
            left = progress.entries_left + progress.blobs_left
            watch(progress.entries_sent, progress.entries_sent + left)

    try:
        outcome = sync_once(store, address, now_s=_now_s, watch=seen, may_send=may_send, way=metered_way(gate))
    except Paused:
        raise
    except SanadError as error:
        said = carried.hindered(hindrance(error), str(error))
        if_room(lambda: store.remember(**said))
        raise
    finally:
        gate.close()
    remember(store, outcome, gate.kept(outcome) if bounded else None)
    return outcome


def metered_way(gate: FileGate) -> Way:
    """To central over HTTPS; what the connections carry is counted."""
    return replace(OVER_HTTPS, connect=lambda address: Link(address, gate.spend))


def remember(store: Store, outcome: SyncOutcome, kept: Kept | None = None) -> None:
    """Remember what central said, and why sealed files stay here, where this box keeps them."""
    said = (left(outcome), trouble(outcome)) if kept is None else (kept.kind, kept.words)
    values = {carried.LAST_AT: store.now(), carried.BY_STICK: "", **carried.hindered(*said)}
    values[carried.UNTIL] = "" if kept is None else kept.until
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
            f"Central's disk is nearly full: {_files_wait(outcome)} here; entries still go. "
            "Tell central IT to make room."
        )
    if outcome.size != outcome.cosigned_size:
        return "Not everything is countersigned yet. Sync again."
    if outcome.missing:
        return ""
    return f"All entries are countersigned; {_files(outcome)} still on {'its' if outcome.wanted == 1 else 'their'} way."


def _files(outcome: SyncOutcome) -> str:
    return "1 sealed file is" if outcome.wanted == 1 else f"{outcome.wanted:,} sealed files are"


def _files_wait(outcome: SyncOutcome) -> str:
    return "1 sealed file waits" if outcome.wanted == 1 else f"{outcome.wanted:,} sealed files wait"


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
    return carried.lost_files(outcome.missing)


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
        gate = FileGate(self.store)
        told = _Told(self.store, gate)
        pause = _Pause(self.store, self.timing)
        try:
            return follow(
                self.store,
                self.address,
                now_s=_now_s,
                timing=replace(self.timing, wait=pause.wait, sparing=lambda: gate.is_bounded),
                answered=answered,
                heard=told,
                may_send=gate.may_send,
                way=metered_way(gate),
                spare=self._spare,
            )
        except HeldBack as error:
            self._bounded_until = self.timing.monotonic_s() + BOUNDED_S
            said = carried.hindered(Hindrance.PROXY, str(error))
            self.store.remember(**said, **{carried.HELD_BACK: self.store.now()})
            raise
        except SanadError as error:
            said = carried.hindered(hindrance(error), str(error))
            if_room(lambda: self.store.remember(**said))
            raise
        finally:
            pause.close()
            gate.close()


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


class _Told:
    """Remembers where things stand, when that has changed in what people are told, or now and then."""

    def __init__(self, store: Store, gate: FileGate) -> None:
        self._store = store
        self._gate = gate
        self._last: tuple[str, tuple[Stuck, ...], float] | None = None
        self._cosigned_before: int | None = None

    def __call__(self, outcome: SyncOutcome) -> None:
        kept, items, now = self._gate.kept(outcome), stuck(outcome), time.monotonic()
        words = trouble(outcome) if kept is None else kept.words
        self._see_through(outcome)
        if self._last is None or self._last[:2] != (words, items) or now - self._last[2] > REMEMBER_EVERY_S:
            self._last = words, items, now
            if_room(lambda: self._remember(outcome, kept))

    def _remember(self, outcome: SyncOutcome, kept: Kept | None) -> None:
        remember(self._store, outcome, kept)
        self._gate.save()

    def _see_through(self, outcome: SyncOutcome) -> None:
        """A cosignature that moves while a stream is open: nothing holds it back any more."""
        if self._cosigned_before is None:
            self._cosigned_before = outcome.cosigned_size
        elif outcome.cosigned_size > self._cosigned_before and self._store.local(carried.HELD_BACK):
            if_room(lambda: self._store.remember(**{carried.HELD_BACK: ""}))


def proxy_of(home: Path) -> str | None:
    """The proxy that this node's settings name."""
    return load(NodeSettings, home / NODE_FILE).central.proxy


def _now_s() -> int:
    return int(time.time())
