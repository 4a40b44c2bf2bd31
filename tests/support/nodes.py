"""A node's store for tests and benchmarks: made in a folder, with a clock and randomness that the caller may own."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.journal.kinds import JournalOpened
from appliance.records.failures import StorageFailed
from appliance.records.folding import Progress, no_progress
from appliance.sealing import age
from appliance.store.layout import Layout
from appliance.store.store import LOCKER, NodeKeys, Store

PASSWORD = "seven quiet rivers"


class Halted(BaseException):
    """The store called `halt`."""


def halt(error: StorageFailed) -> NoReturn:
    """What a test gives a store as `halt`."""
    raise Halted from error


class SteadyClock:
    """A clock that moves only when told to."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)) -> None:
        self.now = start

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


def real_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


@dataclass
class Node:
    """A store with the key that opens it, and the identity that stands for central's locker."""

    store: Store
    key: bytes
    locker_identity: str
    clock: Callable[[], datetime]
    sessions: dict[tuple[str, Role], Session] = field(default_factory=dict)

    def reopen(self, progress: Progress = no_progress) -> Store:
        """Another opening of the same home, as another process would have it."""
        return Store(self.store.layout, self.key, clock=self.clock, random=os.urandom, halt=halt, progress=progress)

    def session(self, login: str, role: Role) -> Session:
        """A session of that operator, signed in once and kept."""
        found = self.sessions.get((login, role))
        if found is None:
            found = operators.sign_in(self.store, login=login, password=PASSWORD, role=role, counter="1")
            self.sessions[(login, role)] = found
        return found


def new_node(home: Path, clock: Callable[[], datetime] = real_clock) -> Node:
    """A fresh store in `home`, with no operators."""
    key, keys, locker = os.urandom(32), NodeKeys.generate(os.urandom), age.new_identity()
    opened = JournalOpened(
        centre="PEW-01",
        centre_name="Specimen centre, Peshawar",
        node_key="0" * 64,
        age_recipient=age.recipient_of(keys.age_identity),
        software="test",
    )
    home.mkdir(parents=True, exist_ok=True)
    store = Store.create(Layout(home), key, keys, opened, clock=clock, random=os.urandom, halt=halt)
    store.remember(**{LOCKER: age.recipient_of(locker)})
    return Node(store, key, locker, clock)


def staffed_node(home: Path, clock: Callable[[], datetime] = real_clock) -> Node:
    """A fresh store with a supervisor `sana`, and `omar` and `rabia` who are operators and officers both."""
    node = new_node(home, clock)
    operators.add_first_supervisor(node.store, NewOperator("sana", "Sana", (Role.SUPERVISOR,), PASSWORD), os.urandom)
    for login in ("omar", "rabia"):
        new = NewOperator(login, login.title(), (Role.OPERATOR, Role.OFFICER), PASSWORD)
        operators.add_operator(node.store, node.session("sana", Role.SUPERVISOR), new, os.urandom)
    return node
