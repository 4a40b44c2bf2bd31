"""`sanad node`: unlocks a node once, hands the key to local processes, and carries the journal to central.

At start, before anybody gets the key: a rotation that was interrupted is ended, tables that older software made are
folded again, orphans of a crash are collected.
"""

from __future__ import annotations

import fcntl
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from appliance.casework.decisions import CarriedOut
from appliance.journal.errors import SanadError
from appliance.store.carrying import carrying
from appliance.store.freeing import Freed, disk_below
from appliance.store.store import Store
from provisioning import logs, terminal
from provisioning.blobcommands import keep_room
from provisioning.carrier import Carrier
from provisioning.enrolled import require_enrolled
from provisioning.keyservice import NODE_SOCKET, AlreadyRunning, KeyService, is_running
from provisioning.obeying import carry_out_due, keep_carrying_out
from provisioning.opening import HomeOption, home_of, open_store
from provisioning.raising import Raising, is_due, keep_raised, raise_pending
from provisioning.synccommands import central_address
from provisioning.unlock import store_key
from sync.following import Timing
from sync.keeping import keep_synced
from sync.link import Address
from sync.outcome import SyncOutcome

SERVICE_LOCK: Final = "node.lock"
LOOK_EVERY_S: Final = 1.0
"""How often the service looks for new commits while it waits; one short read."""


def node(home: HomeOption = None) -> None:
    """Run this node until told to stop."""
    place = home_of(home)
    address = central_address(place)
    if is_running(place, NODE_SOCKET):
        raise AlreadyRunning
    key = store_key(place)
    logs.configure()
    log = structlog.get_logger()
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    with only_one(place), carrying(place), open_store(place, key).closing() as store:
        require_enrolled(store)
        removed = store.recover(version("sanad"))
        log.info("started", journal=store.journal, size=store.head().size, orphans_removed=removed)
        with KeyService(place, NODE_SOCKET, key):
            terminal.note(f"This node is open; other commands with --home {place} need no passphrase now.")
            carrier = Carrier(store, address, Timing(time.monotonic, end.wait))
            with raising(store, address, end, log), obeying(place, store, end, log), making_room(store, end, log):
                carry(store, carrier.session, end.wait, log)
    log.info("stopped")


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Nobody else runs the service of this home until the block ends, however this process ends.

    Raises:
        AlreadyRunning: somebody does.
    """
    with (home / SERVICE_LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning from None
        yield


@contextmanager
def raising(store: Store, address: Address, end: threading.Event, log: FilteringBoundLogger) -> Iterator[None]:
    """Beside all else, give timestamps to what was countersigned, until the block ends."""

    def report(result: Raising | SanadError) -> None:
        if isinstance(result, SanadError):
            log.warning("not raised", error=type(result).__name__, sentence=result.sentence)
        else:
            log.info("raised", certificates=len(result.numbers), trouble=result.trouble or None)

    def run() -> Raising:
        return raise_pending(store, address, end.is_set)

    work = (lambda: is_due(store), run, end.wait, report)
    thread = threading.Thread(target=keep_raised, args=work, name="raising")
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


@contextmanager
def making_room(store: Store, end: threading.Event, log: FilteringBoundLogger) -> Iterator[None]:
    """Beside all else, free sealed files that may go where the settings say so, until the block ends."""

    def report(result: Freed | SanadError) -> None:
        if isinstance(result, SanadError):
            log.warning("not freed", error=type(result).__name__, sentence=result.sentence)
        else:
            log.info("freed", files=result.files, bytes=result.bytes)

    work = (store, lambda: disk_below(store), end.wait, report)
    thread = threading.Thread(target=keep_room, args=work, name="making-room")
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


@contextmanager
def obeying(home: Path, store: Store, end: threading.Event, log: FilteringBoundLogger) -> Iterator[None]:
    """Beside all else, carry out what central decided, until the block ends."""

    def report(result: CarriedOut | SanadError) -> None:
        if isinstance(result, SanadError):
            log.warning("not carried out", error=type(result).__name__, sentence=result.sentence)
        else:
            log.info("carried out", decisions=len(result.done), contested=len(result.contested))

    work = (lambda: carry_out_due(home, store), end.wait, report)
    thread = threading.Thread(target=keep_carrying_out, args=work, name="obeying")
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def carry(
    store: Store,
    sync: Callable[[Callable[[], None]], SyncOutcome],
    ends_within: Callable[[float], bool],
    log: FilteringBoundLogger,
) -> None:
    """Sync until the end: after new commits, after a pause when all is well, after a back-off when it is not.

    Args:
        store: whose new commits to look for.
        sync: one session; told what to call when central has answered.
        ends_within: waits so many seconds, or less; whether the service ends.
        log: told each outcome.
    """
    synced_size: int | None = None

    def wait(pause_s: float) -> bool:
        left_s = pause_s
        while left_s > 0:
            # New work does not shorten a back-off: a link that is down stays left alone.
            if synced_size is not None and store.head().size != synced_size:
                break
            if ends_within(min(LOOK_EVERY_S, left_s)):
                return True
            left_s -= LOOK_EVERY_S
        return ends_within(0)

    def report(result: SyncOutcome | SanadError) -> None:
        nonlocal synced_size
        if isinstance(result, SanadError):
            synced_size = None
            log.warning("not synced", error=type(result).__name__, sentence=result.sentence)
        else:
            synced_size = result.size
            log.info("synced", size=result.size, cosigned_size=result.cosigned_size, complete=result.complete)

    keep_synced(sync, wait=wait, random=random.random, report=report)
