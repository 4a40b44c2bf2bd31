"""Over real HTTPS: while some nodes do slow things, all others, and those who look after central, are served."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from appliance.journal.errors import SanadError
from sync.agent import sync_once
from sync.central import app
from sync.central.central import Central
from sync.central.ingest import Ingest
from sync.central.pools import MAX_AT_ONCE, THREADS, Work
from tests.support.browsing import Visitor
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served

WAIT_S = 60.0


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


Nodes = Callable[[int], list[EnrolledNode]]


@pytest.fixture
def nodes(central: Central, tmp_path: Path) -> Iterator[Nodes]:
    made: list[EnrolledNode] = []

    def some(count: int) -> list[EnrolledNode]:
        fresh = [enrol(tmp_path / f"node{len(made) + at}", central.invite(*CENTRE)) for at in range(count)]
        made.extend(fresh)
        return fresh

    yield some
    for each in made:
        each.store.close()


def sync(node: EnrolledNode) -> bool:
    return sync_once(node.store, node.address, now_s=lambda: int(time.time())).complete


def trying(node: EnrolledNode) -> None:
    with suppress(SanadError):
        sync(node)


def at_once(work: list[Callable[[], object]]) -> list[threading.Thread]:
    threads = [threading.Thread(target=each, daemon=True) for each in work]
    for thread in threads:
        thread.start()
    return threads


def test_one_node_that_asks_again_and_again_takes_no_thread_from_the_others(
    central: Central, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy, other = nodes(2)
    other.commit(3)
    go, inside = threading.Event(), threading.Semaphore(0)
    session = Central.session

    def slow(self: Central, node: object, *more: object) -> object:
        if getattr(node, "journal") == greedy.store.journal:  # noqa: B009
            inside.release()
            go.wait(WAIT_S)
        return session(self, node, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Central, "session", slow)
    threads = at_once([lambda: trying(greedy)] * (THREADS[Work.NODES] + 2))
    try:
        for _ in range(MAX_AT_ONCE):
            assert inside.acquire(timeout=WAIT_S)
        assert sync(other)
        assert Visitor(central).get("/healthz").status_code == 200
        # None but its share went in.
        assert not inside.acquire(blocking=False)
    finally:
        go.set()
    for thread in threads:
        thread.join(WAIT_S)


def test_nodes_that_wait_for_a_fold_hold_no_thread(
    central: Central, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "ANSWER_WITHIN_S", WAIT_S)
    asking, (other,) = nodes(THREADS[Work.NODES] + 1), nodes(1)
    names = {each.store.journal for each in asking}
    for each in (*asking, other):
        each.commit(3)
    feed = Ingest.feed

    def asks(self: Ingest, chunk: bytes) -> None:
        feed(self, chunk)
        # As if an officer's key were among the entries.
        self.asks = self._node.journal in names

    monkeypatch.setattr(Ingest, "feed", asks)
    go, ended = threading.Event(), threading.Semaphore(0)
    central.index._thread.submit(go.wait, WAIT_S)

    def syncs(node: EnrolledNode) -> None:
        sync(node)
        ended.release()

    threads = at_once([partial(syncs, each) for each in asking])
    try:
        while any(each.cosigned_size < 4 for each in central.nodes() if each.node.journal in names):
            pass
        assert sync(other)
        assert Visitor(central).get("/healthz").status_code == 200
        assert Visitor(central).get("/readyz").status_code == 200
        assert not ended.acquire(blocking=False)
    finally:
        go.set()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


def test_people_at_the_pages_and_the_public_lists_hold_up_no_node(
    central: Central, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (node,) = nodes(1)
    go, inside = threading.Event(), threading.Semaphore(0)

    def slow(*_: object) -> None:
        inside.release()
        go.wait(WAIT_S)

    monkeypatch.setattr(central.trust, "current", slow)
    monkeypatch.setattr(central.readiness, "reasons", slow)
    visit = Visitor(central).get
    threads = at_once([lambda: visit("/v1/lists"), lambda: visit("/v1/crl"), lambda: visit("/readyz")] * 4)
    try:
        for _ in range(THREADS[Work.LISTS] + THREADS[Work.READY]):
            assert inside.acquire(timeout=WAIT_S)
        assert Visitor(central).get("/healthz").status_code == 200
        assert Visitor(central).get("/signin").status_code == 200
        monkeypatch.setattr("sync.agent._Session.take_lists", lambda *_: None)
        assert sync(node)
    finally:
        go.set()
    for thread in threads:
        thread.join(WAIT_S)
