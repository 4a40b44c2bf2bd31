"""Raising at this node: what the counter sealed gets its timestamp from central, batch after batch.

A link that breaks, or a central that has no timestamps, ends it with a sentence and no failure: everything was
countersigned before, and it goes on another time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from appliance.casework.raising import Mark, marks, pending, pending_count, raise_some
from appliance.journal.errors import IntegrityError, NetworkError, OperatorError, SanadError
from appliance.store.store import NODE_KEY, Store
from sync.calls import Caller
from sync.link import Address, Link
from sync.stamping import CentralStamps

MAX_BATCHES: Final = 10_000
"""In one run; a batch that raises and marks nothing is the last one anyhow."""
FIRST_PAUSE_S: Final = 2.0
LAST_PAUSE_S: Final = 600.0
"""Between tries while central has no timestamps."""
TROUBLE: Final = "raising-trouble"


@dataclass(frozen=True, slots=True)
class Raising:
    """What a run came to."""

    numbers: tuple[str, ...]
    """Of the certificates that were raised."""
    trouble: str = ""
    """Why it ended before all were tried; empty where they were."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far this node is with raising."""

    waiting: int
    """Certificates that are countersigned and not raised."""
    marked: tuple[Mark, ...]
    """Those of them that could not be raised."""
    trouble: str

    @property
    def values(self) -> dict[str, object]:
        """For JSON."""
        told = [{"number": each.number, "reason": each.reason, "next_step": each.next_step} for each in self.marked]
        return {"waiting": self.waiting, "not_possible": told, "trouble": self.trouble or None}

    @property
    def words(self) -> str:
        """For people; empty when all is well."""
        said = [f"{each.number} gets no timestamp: {each.reason} {each.next_step}".rstrip() for each in self.marked]
        if self.waiting > len(self.marked):
            said.append(
                f"{self.waiting - len(self.marked)} certificates wait for their timestamp. {self.trouble}".rstrip()
            )
        return "\n".join(said)


def raising_standing(store: Store) -> Standing:
    """How far this node is with raising."""
    return Standing(pending_count(store), tuple(marks(store)), store.local(TROUBLE) or "")


def raise_pending(store: Store, address: Address, ends: Callable[[], bool] = lambda: False) -> Raising:
    """Raise everything that is pending; what came of it is remembered for `sync status`.

    Args:
        store: the node's, open and enrolled.
        address: where central is.
        ends: asked between batches whether to stop.

    Raises:
        DeviceError: this node's disk.
    """
    numbers: list[str] = []
    trouble = ""
    try:
        with Link(address) as link:
            caller = Caller(store.journal, store.secret(NODE_KEY), lambda: int(time.time()))
            stamps = CentralStamps(link, caller, store.head().size)
            for _ in range(MAX_BATCHES):
                done = raise_some(store, stamps)
                numbers += done.numbers
                if not done.waiting or ends() or not (done.numbers or done.marked):
                    break
    except (NetworkError, IntegrityError, OperatorError) as error:
        trouble = str(error)
    if trouble != (store.local(TROUBLE) or ""):
        store.remember(**{TROUBLE: trouble})
    return Raising(tuple(numbers), trouble)


def is_due(store: Store) -> bool:
    """Whether there is something to raise."""
    return bool(pending(store, 1))


def keep_raised(
    is_due: Callable[[], bool],
    run: Callable[[], Raising],
    ends_within: Callable[[float], bool],
    report: Callable[[Raising | SanadError], None],
) -> None:
    """Raise again and again what is pending, for the node service, beside its syncing.

    Args:
        is_due: whether there is something to raise; one short read.
        run: `raise_pending`, with its arguments.
        ends_within: waits so many seconds, or less; whether the service ends.
        report: told what each run came to, where there was something to do.
    """
    pause_s = FIRST_PAUSE_S
    while not ends_within(pause_s):
        try:
            if not is_due():
                pause_s = FIRST_PAUSE_S
                continue
            done = run()
        except SanadError as error:
            report(error)
            pause_s = LAST_PAUSE_S
            continue
        report(done)
        pause_s = min(2 * pause_s, LAST_PAUSE_S) if done.trouble else FIRST_PAUSE_S
