"""The machines: nodes and the central, each with what it keeps, and with what runs on it while its power is on."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn, cast

from appliance.access.session import Role, Session
from appliance.journal.ids import JournalId
from appliance.records.failures import StorageFailed
from appliance.store.footing import Footing as NodeFooting
from appliance.store.layout import Layout
from appliance.store.store import Store
from sync.central.central import Central
from sync.central.footing import Footing as CentralFooting
from sync.central.layout import CentralLayout
from sync.central.room import endless
from sync.central.timestamping import Timestamps
from sync.central.trust import Trust
from tests.simulation.syncsim.acts import Writer
from tests.simulation.syncsim.memory import (
    NOWHERE,
    Disk,
    Files,
    MemoryBlobs,
    MemoryDatabase,
    MemoryLocker,
    MemoryWitness,
    Shelf,
)
from tests.simulation.syncsim.origins import START, NodeOrigin, Origins
from tests.simulation.syncsim.power import Power
from tests.simulation.syncsim.signing import verify

KEY = bytes(32)
URL = "https://central.invalid"


class Broken(Exception):
    """Something that must never be so."""


def halt(error: StorageFailed) -> NoReturn:
    """No disk fails here but with its power."""
    raise Broken("a store halted") from error


@dataclass(slots=True)
class Clock:
    """A clock that moves with every look, and jumps when the schedule says so."""

    now: datetime = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def jump(self, seconds: int) -> None:
        """Somebody sets it."""
        self.now += timedelta(seconds=seconds)


@dataclass(slots=True, eq=False)
class NodeDisk:
    """All that a node keeps: its store, its sealed files, the witness."""

    store: Disk
    blobs: Files = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def copy(self) -> NodeDisk:
        """An image of it."""
        return NodeDisk(self.store.copy(), dict(self.blobs), dict(self.files))


@dataclass(slots=True, eq=False)
class NodeBox:
    """One node."""

    name: str
    journal: JournalId
    disk: NodeDisk
    writer: Writer
    random: random.Random
    clock: Clock = field(default_factory=Clock)
    power: Power = field(default_factory=lambda: Power("a node"))
    store: Store | None = None
    blobs: MemoryBlobs | None = None
    acked: dict[int, bytes] = field(default_factory=dict)
    """The header of each entry whose commit was confirmed to whoever wrote it, by its place in the journal."""
    is_copy: bool = False
    """Whether more than one box has, or had, this journal's key: then one of them is refused."""
    stopped: str = ""
    """Why it does not run any more."""
    image: NodeDisk | None = None
    """A backup of it."""
    imaged: dict[int, bytes] = field(default_factory=dict)
    """What was confirmed until then."""
    home: Path = NOWHERE
    """Its folder, where something lies in one."""

    @classmethod
    def make(cls, number: int, origin: NodeOrigin, seed: int) -> NodeBox:
        """The node as it begins."""
        draw = random.Random(f"{seed} node {number}")
        return cls(f"node{number}", origin.journal, NodeDisk(origin.disk.copy()), Writer(draw, origin.sessions), draw)

    def copied(self, name: str, image: NodeDisk, seed: int) -> NodeBox:
        """Another box, made from this one's image."""
        draw = random.Random(f"{seed} {name}")
        writer = Writer(draw, self.writer.sessions, list(self.writer.subjects), list(self.writer.cases))
        copy = NodeBox(name, self.journal, image.copy(), writer, draw, Clock(self.clock.now), is_copy=True)
        copy.acked = dict(self.imaged)
        self.is_copy = True
        return copy

    def start(self) -> Store:
        """Switch it on, as `sanad node` does.

        Raises:
            RolledBack: it sees by itself that it is an older copy.
        """
        self.power = Power(self.name)
        database = MemoryDatabase(self.disk.store, self.power)
        self.blobs = MemoryBlobs(self.disk.blobs, self.power)
        footing = NodeFooting(database, self.blobs, MemoryWitness(self.disk.files, self.power))
        store = Store(
            Layout(self.home), KEY, clock=self.clock, random=self.random.randbytes, halt=halt, footing=footing
        )
        store.recover("simulation")
        self.store = store
        return store

    def lose_power(self) -> None:
        """What was not durable is gone."""
        self.power.is_off = True
        self.store = self.blobs = None
        self.disk.store.lose_power()


@dataclass(slots=True, eq=False)
class CentralDisk:
    """All that central keeps."""

    archive: Disk
    index: Disk
    shelf: Shelf = field(default_factory=Shelf)

    def copy(self) -> CentralDisk:
        """A backup."""
        return CentralDisk(self.archive.copy(), self.index.copy(), self.shelf.copy())


class Later(Executor):
    """Does what it is given when the schedule says so, or when somebody waits for it."""

    def __init__(self) -> None:
        self._waiting: list[tuple[_Due, Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See `Executor.submit`."""
        due = _Due(self)
        self._waiting.append((due, lambda: fn(*args, **kwargs)))
        return due

    def catch_up(self) -> None:
        """Do all of it."""
        while self._waiting:
            due, work = self._waiting.pop(0)
            due.set_result(work())


class _Due(Future[Any]):
    """Whoever waits for it has it done."""

    def __init__(self, later: Later) -> None:
        super().__init__()
        self._later = later

    def result(self, timeout: float | None = None) -> Any:
        """See `Future.result`."""
        self._later.catch_up()
        return super().result(timeout)


class _NoLists:
    """No public lists: nothing here looks at them."""

    content = b""

    def publish(self) -> _NoLists:
        """See `Trust.publish`."""
        return self


class _NoStamps:
    """No timestamp service: nothing here asks for one."""

    remembered = None


@dataclass(slots=True, eq=False)
class CentralBox:
    """The central."""

    disk: CentralDisk
    random: random.Random
    clock: Clock = field(default_factory=Clock)
    power: Power = field(default_factory=lambda: Power("central"))
    seconds: float = 0.0
    """On a clock that nobody can set."""
    central: Central | None = None
    later: Later = field(default_factory=Later)

    @classmethod
    def make(cls, origins: Origins, seed: int) -> CentralBox:
        """The central as it begins."""
        disk = CentralDisk(origins.archive.copy(), origins.index.copy())
        return cls(disk, random.Random(f"{seed} central"))

    def start(self) -> Central:
        """Switch it on, as `sanad central serve` does."""
        self.power = Power("central")
        self.later = Later()
        footing = CentralFooting(
            MemoryDatabase(self.disk.archive, self.power),
            MemoryDatabase(self.disk.index, self.power),
            MemoryLocker(self.disk.shelf, self.power),
            self.later,
            endless,
            verify,
        )
        central = Central(
            CentralLayout(NOWHERE),
            KEY,
            url=URL,
            clock=self.clock,
            monotonic_s=self._monotonic_s,
            random=self.random.randbytes,
            halt=halt,
            timestamps=cast("Timestamps", _NoStamps()),
            footing=footing,
        )
        central.courier._trust = cast("Trust", _NoLists())
        central.start()
        self.central = central
        return central

    def lose_power(self) -> None:
        """What was not durable is gone."""
        self.power.is_off = True
        self.central = None
        self.disk.archive.lose_power()
        self.disk.index.lose_power()
        self.disk.shelf.lose_power(self.random.randrange)

    def _monotonic_s(self) -> float:
        self.seconds += 0.01
        return self.seconds


Sessions = dict[Role, Session]
