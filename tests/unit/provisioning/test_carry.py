"""The node service's loop: what is new goes at once, a link that is down is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from appliance.journal.errors import NetworkError
from appliance.store.store import Store
from provisioning.nodeservice import carry
from sync.keeping import BACKOFF_FIRST_S, PAUSE_S
from sync.outcome import SyncOutcome
from tests.support.nodes import Node, new_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return new_node(tmp_path_factory.mktemp("node") / "home")


class Loop:
    """Time that passes only by waiting, and syncs that do what a test says."""

    def __init__(self, store: Store, rounds: int) -> None:
        self.store = store
        self.rounds = rounds
        self.waited_s = 0.0
        self.syncs_at: list[float] = []
        self.fails = False
        self.during = 0

    def sync(self, _answered: Callable[[], None]) -> SyncOutcome:
        self.syncs_at.append(self.waited_s)
        if self.fails:
            raise NetworkError("The link is down.")
        size = self.store.head().size
        for _ in range(self.during):
            # A commit that lands when the session has looked for the last time.
            self.store.recover("test")
        self.during = 0
        return SyncOutcome(size, size, 0, 0, 0, ())

    def ends_within(self, seconds: float) -> bool:
        self.waited_s += seconds
        return len(self.syncs_at) >= self.rounds

    def run(self) -> list[float]:
        carry(self.store, self.sync, self.ends_within, structlog.get_logger())
        return self.syncs_at


def test_a_commit_that_lands_while_a_sync_ends_is_carried_at_once(node: Node) -> None:
    loop = Loop(node.store, rounds=2)
    loop.during = 1
    assert loop.run() == [0.0, 0.0]


def test_with_nothing_new_it_waits_the_whole_pause(node: Node) -> None:
    assert Loop(node.store, rounds=2).run() == [0.0, PAUSE_S]


def test_new_commits_do_not_shorten_a_back_off(node: Node) -> None:
    loop = Loop(node.store, rounds=2)
    loop.fails = True
    _, second = loop.run()
    assert second >= BACKOFF_FIRST_S / 2


def test_a_second_service_of_one_home_writes_nothing(node: Node, tmp_path: Path) -> None:
    from provisioning.keyservice import AlreadyRunning
    from provisioning.nodeservice import only_one

    with only_one(tmp_path), pytest.raises(AlreadyRunning), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass
