"""Threads for what blocks: separate ones for what may take long, and of each node no more than its share.

A thread pool answers in the order in which it was asked. So whatever may take seconds (a timestamp service outside, the
public lists, a picture of all nodes, a password) has threads of its own, and holds up only its like; and one node's
requests wait for each other before they wait for a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from typing import Final, TypeVar

from appliance.journal.ids import JournalId
from sync.refusals import Busy

T = TypeVar("T")


class Work(Enum):
    """What is done in threads, by how long it may take."""

    HEALTH = "health"
    """One look: it must answer whatever else goes on."""
    READY = "ready"
    """It writes the archive, and may wait for who writes."""
    NODES = "nodes"
    """Sessions, news, streams: milliseconds each."""
    ENROL = "enrol"
    STAMPS = "stamps"
    """May ask a service outside."""
    LISTS = "lists"
    """Making and comparing the public lists."""
    BULK = "bulk"
    """Megabytes: sealed files, orders, lists that come back."""
    PEOPLE = "people"
    """Pages of thousands of nodes, and passwords, which are slow on purpose."""


THREADS: Final = {
    Work.HEALTH: 1,
    Work.READY: 1,
    Work.NODES: 8,
    Work.ENROL: 1,
    Work.STAMPS: 2,
    Work.LISTS: 2,
    Work.BULK: 2,
    Work.PEOPLE: 2,
}
"""Each with its own connection to either database; the archive is written by one at a time anyhow."""
MAX_AT_ONCE: Final = 2
"""Requests of one node that are worked on at once: its stream, and one beside it."""
MAX_QUEUED: Final = 16
"""Further requests of one node that wait for that; the next one is told to come again."""

FEW_QUEUED: Final = 4
"""The same, of requests that bring or fetch megabytes; of one node, one of a sort goes on at once."""


class Pools:
    """The threads of one central."""

    def __init__(self) -> None:
        self._pools = {
            work: ThreadPoolExecutor(number, thread_name_prefix=f"central-{work.value}")
            for work, number in THREADS.items()
        }

    async def run(self, work: Work, what: Callable[[], T]) -> T:
        """Do what blocks, in a thread of its kind."""
        return await asyncio.get_running_loop().run_in_executor(self._pools[work], what)

    def close(self) -> None:
        """Finish what is being done."""
        for pool in self._pools.values():
            pool.shutdown(wait=True)


class Shares:
    """How much may go on for one node at a time. All calls come from the event loop's thread.

    Args:
        at_once: so much.
        queued: so much more may wait for it.
    """

    def __init__(self, at_once: int, queued: int) -> None:
        self._at_once = at_once
        self._most = at_once + queued
        self._nodes: dict[JournalId, tuple[asyncio.Semaphore, list[None]]] = {}

    @contextlib.asynccontextmanager
    async def of(self, journal: JournalId) -> AsyncIterator[None]:
        """Wait for a place among what goes on for this node.

        Raises:
            Busy: too much waits already.
        """
        places, there = self._nodes.setdefault(journal, (asyncio.Semaphore(self._at_once), []))
        if len(there) >= self._most:
            raise Busy("Too many requests of this node came at once.", "The node tries again by itself.")
        there.append(None)
        try:
            async with places:
                yield
        finally:
            there.pop()
            if not there:
                del self._nodes[journal]
