"""`follow` over real HTTPS: work that goes on beside it is countersigned within seconds, whatever happens to a link."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.journal.errors import SanadError
from appliance.journal.kinds import NumbersLeased
from appliance.store import publiclists
from appliance.store.store import NODE_KEY
from sync.agent import follow
from sync.calls import Caller, Calls
from sync.central.central import Central
from sync.following import Timing
from sync.link import Address, Link, LinkDown
from sync.newsbeside import SPARING_PAUSE_S
from sync.outcome import SyncOutcome
from sync.way import OVER_HTTPS, Way
from sync.wire import Known
from tests.support.centrals import CENTRE, EnrolledNode, enrol, free_port, served
from tests.support.links import CuttingProxy

PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


class Following:
    """`follow` in a thread."""

    def __init__(
        self, node: EnrolledNode, address: Address | None = None, way: Way = OVER_HTTPS, *, sparing: bool = False
    ) -> None:
        self.node = node
        self._sparing = sparing
        self._way = way
        self.end = threading.Event()
        self.outcome: SyncOutcome | SanadError | None = None
        self.heard: list[SyncOutcome] = []
        self._address = address or node.address
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.outcome = follow(
                self.node.store,
                self._address,
                now_s=lambda: int(time.time()),
                timing=Timing(time.monotonic, self.end.wait, lambda: self._sparing),
                answered=lambda: None,
                heard=self.heard.append,
                way=self._way,
            )
        except SanadError as error:
            self.outcome = error

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


@contextmanager
def following(
    node: EnrolledNode, address: Address | None = None, way: Way = OVER_HTTPS, *, sparing: bool = False
) -> Iterator[Following]:
    made = Following(node, address, way, sparing=sparing)
    made.start()
    try:
        yield made
    finally:
        made.end.set()
        made.join()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def all_countersigned(node: EnrolledNode) -> bool:
    head = node.store.head()
    return head.size == head.cosigned_size


def test_commits_are_countersigned_and_files_arrive_while_the_stream_is_open(
    central: Central, node: EnrolledNode
) -> None:
    with following(node) as here:
        until(lambda: all_countersigned(node))
        paper = os.urandom(300_000)
        digest = node.store.put_blob(paper)
        node.commit(3, blobs=(digest,))
        until(lambda: all_countersigned(node) and central.holds(digest))
        until(lambda: here.heard[-1].complete)
    assert isinstance(here.outcome, SyncOutcome)
    assert here.outcome.complete
    assert central.fetch(digest) == paper


def test_what_the_link_carries_is_counted_while_its_stream_is_open_and_so_is_all_that_goes_beside_it(
    central: Central, node: EnrolledNode
) -> None:
    carried: list[int] = []
    way = replace(OVER_HTTPS, connect=lambda address: Link(address, carried.append))
    with following(node, way=way):
        until(lambda: all_countersigned(node))
        beside = sum(carried)
        paper = os.urandom(300_000)
        digest = node.store.put_blob(paper)
        node.commit(1, blobs=(digest,))
        until(lambda: all_countersigned(node) and central.holds(digest))
        # The last piece is counted when the next one is asked for.
        until(lambda: sum(carried) > beside + len(paper))
    # A session's requests and two handshakes of TLS.
    assert beside > 4_000
    assert sum(carried) < beside + 1.25 * len(paper) + 20_000


def test_over_a_metered_link_news_are_asked_seldom_and_a_commit_is_countersigned_as_soon(
    central: Central, node: EnrolledNode
) -> None:
    with following(node, sparing=True) as here:
        for _ in range(3):
            until(lambda: all_countersigned(node))
            node.commit(1)
        until(lambda: all_countersigned(node))
        paper = node.store.put_blob(os.urandom(30_000))
        node.commit(1, blobs=(paper,))
        until(lambda: all_countersigned(node) and central.holds(paper))
        assert SPARING_PAUSE_S > PATIENCE_S
    assert isinstance(here.outcome, SyncOutcome)


def test_orders_given_meanwhile_are_applied_and_countersigned(central: Central, node: EnrolledNode) -> None:
    with following(node):
        until(lambda: all_countersigned(node))
        before = node.store.orders_head()
        central.order(node.store.journal, [NumbersLeased(prefix="PEW01", first=1, last=2)])
        until(lambda: node.store.orders_head() != before and all_countersigned(node))


def test_a_key_that_is_revoked_meanwhile_is_ordered_to_be_known_and_the_lists_come_at_once(
    central: Central, node: EnrolledNode
) -> None:
    with following(node) as stream:
        until(lambda: publiclists.kept(node.store).lists is not None)
        key = next(each for each in central.trust.publish().lists.trust.signers if each.kind == "centre")
        central.trust.revoke(key.kid.hex(), "compromised")
        newest = central.trust.publish().lists
        until(lambda: publiclists.kept(node.store).lists == newest)
        ordered = publiclists.kept(node.store).ordered
        assert ordered is not None
        assert ordered.number == newest.number
        until(lambda: node.store.head().cosigned_size == node.store.head().size)
    assert isinstance(stream.outcome, SyncOutcome)


def test_a_request_that_is_not_answered_yet_is_ended_by_another_thread(node: EnrolledNode) -> None:
    """So that a dead link under the news holds up no new session."""
    head = node.store.head()
    with Link(node.address) as link:
        calls = Calls(link, Caller(node.store.journal, node.store.secret(NODE_KEY), lambda: int(time.time())))
        answer = calls.open(head.checkpoint, head.size, None, 0)
        stored = Known(cosigned=0, orders=answer.orders, wanted=len(answer.wanted), busy=0, spoilt=0)
        failed: list[SanadError] = []

        def ask() -> None:
            try:
                while True:
                    calls.news(head.size, stored)
            except SanadError as error:
                failed.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(0.5)
        assert asking.is_alive()
        link.abort()
        asking.join(5.0)
        assert [type(error) for error in failed] == [LinkDown]
        with pytest.raises(LinkDown):
            calls.news(head.size, stored)


def test_a_link_that_breaks_ends_it_as_down_and_nothing_is_lost(tmp_path: Path) -> None:
    port = free_port()
    proxy = CuttingProxy(port)
    with served(tmp_path / "central", port=port, url=proxy.url) as central:
        node = enrol(tmp_path / "node", central.invite(*CENTRE))
        digest = node.store.put_blob(os.urandom(400_000))
        node.commit(2, blobs=(digest,))
        proxy.budgets[:] = [60_000] * 4
        outcomes = []
        while proxy.budgets:
            here = Following(node)
            here.start()
            here.join()
            outcomes.append(here.outcome)
        with following(node):
            until(lambda: central.holds(digest) and all_countersigned(node))
        node.store.close()
    proxy.close()
    assert outcomes
    assert all(isinstance(each, LinkDown) for each in outcomes)


def test_told_to_end_it_ends_at_once(node: EnrolledNode) -> None:
    with following(node) as here:
        until(lambda: all_countersigned(node) and bool(here.heard))
        begun = time.monotonic()
    assert time.monotonic() - begun < PATIENCE_S
    assert isinstance(here.outcome, SyncOutcome)
