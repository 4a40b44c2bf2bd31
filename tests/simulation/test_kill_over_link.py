"""`sanad node`, a counter and `sanad central serve` on the two sides of a bad link, killed at random moments.

Where network namespaces are not allowed, nothing of this is shown: the tests are skipped, and say why.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from appliance.access.session import node_session
from appliance.journal.kinds import NodeStarted
from appliance.store.store import Draft, Store
from tests.simulation.linked import Counter, LinkedPlace, linked, until
from tests.support.netlab import why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

Figure = Callable[[str, object], None]

TORTURE_SEEDS = 6
ROUNDS_OF_TORTURE = 15
NEAR: dict[str, float | int] = {"rate": 2e6, "delay": 0.02, "loss": 0.0, "queue": 16384}
"""Little is on its way at any moment, so that a figure does not depend on how busy this machine is."""
FAR: dict[str, float | int] = {"rate": 2e6, "delay": 0.1, "loss": 0.02}
THE_LINK: dict[str, float | int] = {"rate": 1e6, "delay": 0.15, "loss": 0.01}
"""That of the figures in docs/PERFORMANCE.md."""
LONGEST_MOMENT_S = 1.5
BLOB_BYTES = 600_000
"""Some seconds of the link."""
LARGE_BLOB_BYTES = 3_700_000
"""Half a minute of it: in its middle, TCP has found out how much the link bears. That of docs/PERFORMANCE.md."""
MOST_SENT_AGAIN = 128 * 1024
VICTIMS = (("node",), ("central",), ("node", "counter"), ("node", "central"), ("node", "counter", "central"))


def _kill_often(
    place: LinkedPlace, seed: str, rounds: int, figure: Figure, whom: Sequence[tuple[str, ...]] = VICTIMS
) -> None:
    draw = random.Random(seed)
    promises: list[str] = []
    counter = Counter(place, f"{seed} 0")
    for number in range(rounds):
        counter.work(draw.randint(8, 40))
        counter.wait_until_at_work()
        cut = draw.random() < 0.4
        time.sleep(draw.uniform(0, LONGEST_MOMENT_S))
        if cut:
            place.lab.cut()
        victims = draw.choice(whom)
        place.kill(*victims)
        if "counter" in victims:
            promises += counter.kill()
            counter = Counter(place, f"{seed} {number + 1}")
        time.sleep(draw.uniform(0, LONGEST_MOMENT_S / 2))
        for name in ("central", "node"):
            place.up(name)
        if cut:
            place.lab.restore()
    counter.work(5)
    counter.wait()
    promises += counter.kill()
    with place.store() as store:
        place.wait_until_all_is_there(store)
        place.stop()
        entries = place.check(store, promises)
        files = len(store.named_blobs())
    said = sum(line.startswith("ack") for line in promises)
    figure("figure", f"{rounds} kills: {said} acknowledged, 0 lost; {entries} entries and {files} files at both")
    assert said


def _send_again(
    place: LinkedPlace, seed: str, kills: int, shares: tuple[float, float], size: int, figure: Figure
) -> None:
    draw = random.Random(seed)
    with place.store() as store:
        calm = _cost_of_a_blob(place, store, draw, size)
        for who in ("node", "central"):
            again = [_cost_of_a_blob(place, store, draw, size, who, draw.uniform(*shares)) - calm for _ in range(kills)]
            told = ", ".join(f"{each / 1024:.0f}" for each in again)
            figure("figure", f"sent again after SIGKILL of the {who}: {told} KiB")
            assert statistics.median(again) <= MOST_SENT_AGAIN


def _cost_of_a_blob(
    place: LinkedPlace, store: Store, draw: random.Random, size: int, kill: str = "", share: float = 0.0
) -> int:
    """Bytes of the node that take up the link until central has one more sealed file; somebody may be killed meanwhile.

    What the link's full queue drops took up nothing: a new connection learns by it how much the link bears.
    """
    place.lab.settle()
    before = place.lab.carried()
    digest = store.put_blob(draw.randbytes(size))
    store.commit(node_session(), lambda _: [Draft(NodeStarted(software="test", orphans_removed=0), blobs=(digest,))])
    if kill:
        assert until(lambda: place.lab.carried() - before > share * size)
        place.kill(kill)
        place.up(kill)
    place.wait_until_all_is_there(store)
    place.lab.settle()
    return place.lab.carried() - before


def test_after_a_kill_little_is_sent_again_and_nothing_is_lost(fast_folder: Path, record_property: Figure) -> None:
    with linked(fast_folder, "link", **NEAR) as place:
        _send_again(place, "again", 1, (0.6, 0.8), BLOB_BYTES, record_property)
        _kill_often(place, "link", 1, record_property, (("node", "counter", "central"),))


def test_a_node_that_gets_another_address_in_the_middle_of_a_file_goes_on_from_there(fast_folder: Path) -> None:
    with linked(fast_folder, "moved", **NEAR) as place, place.store() as store:
        place.lab.settle()
        before = place.lab.carried()
        digest = store.put_blob(random.Random("moved").randbytes(BLOB_BYTES))
        store.commit(
            node_session(), lambda _: [Draft(NodeStarted(software="test", orphans_removed=0), blobs=(digest,))]
        )
        assert until(lambda: place.lab.carried() - before > 0.75 * BLOB_BYTES)
        moved = place.lab.carried()
        place.lab.move("10.77.0.9")
        place.wait_until_all_is_there(store)
        place.lab.settle()
        # A quarter was left, and what was on its way to the old address; all of it once more would be the whole.
        assert place.lab.carried() - moved < 0.75 * BLOB_BYTES
        place.stop()
        place.check(store, [])


@pytest.mark.torture
@pytest.mark.parametrize("number", range(TORTURE_SEEDS))
def test_nothing_is_lost_when_they_are_killed_very_often(
    number: int, fast_folder: Path, record_property: Figure
) -> None:
    with linked(fast_folder, f"link torture {number}", **FAR) as place:
        _kill_often(place, f"link torture {number}", ROUNDS_OF_TORTURE, record_property)


@pytest.mark.torture
def test_after_many_kills_little_is_sent_again(fast_folder: Path, record_property: Figure) -> None:
    with linked(fast_folder, "often", **THE_LINK) as place:
        _send_again(place, "often", 8, (0.4, 0.6), LARGE_BLOB_BYTES, record_property)
