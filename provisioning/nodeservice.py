"""`sanad node`: unlocks a node once, hands the key to local processes, and carries the journal to central.

At start, before anybody gets the key: a rotation that was interrupted is ended, tables that older software made are
folded again, orphans of a crash are collected.
"""

from __future__ import annotations

import random
import signal
import threading
from importlib.metadata import version
from typing import Final

import structlog
from structlog.typing import FilteringBoundLogger

from appliance.journal.errors import SanadError
from appliance.store.store import Store
from provisioning import logs, terminal
from provisioning.keyservice import NODE_SOCKET, KeyService
from provisioning.opening import HomeOption, home_of, open_store
from provisioning.synccommands import central_address, sync_and_remember
from provisioning.unlock import store_key
from sync.agent import SyncOutcome, keep_synced

LOOK_EVERY_S: Final = 1.0
"""How often the service looks for new commits while it waits; one short read."""


def node(home: HomeOption = None) -> None:
    """Run this node until told to stop."""
    place = home_of(home)
    key = store_key(place)
    logs.configure()
    log = structlog.get_logger()
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    with open_store(place, key).closing() as store:
        removed = store.recover(version("sanad"))
        log.info("started", journal=store.journal, size=store.head().size, orphans_removed=removed)
        with KeyService(place, NODE_SOCKET, key):
            terminal.note(f"This node is open; other commands with --home {place} need no passphrase now.")
            carry(store, end, log)
    log.info("stopped")


def carry(store: Store, end: threading.Event, log: FilteringBoundLogger) -> None:
    """Sync until `end`: after new commits, after a pause when all is well, after a back-off when it is not."""
    address = central_address(store.layout.home)
    reached = True

    def wait(pause_s: float) -> bool:
        before = store.head().size
        waited_s = 0.0
        while waited_s < pause_s and not end.wait(min(LOOK_EVERY_S, pause_s - waited_s)):
            waited_s += LOOK_EVERY_S
            # New work does not shorten a back-off: a link that is down stays left alone.
            if reached and store.head().size != before:
                break
        return end.is_set()

    def report(result: SyncOutcome | SanadError) -> None:
        nonlocal reached
        reached = not isinstance(result, SanadError)
        if isinstance(result, SanadError):
            log.warning("not synced", error=type(result).__name__, sentence=result.sentence)
        else:
            log.info("synced", size=result.size, cosigned_size=result.cosigned_size, complete=result.complete)

    keep_synced(lambda: sync_and_remember(store, address), wait=wait, random=random.random, report=report)
