"""Writers and the central they sync with are killed at random moments; both hold each entry exactly once."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.agent import sync_once
from tests.simulation import home
from tests.simulation.audit import lost_promises
from tests.simulation.central_service import CentralHome
from tests.simulation.killing import A_MOMENT_S, MOST_LINES, Victim, start

TORTURE_HOMES = 10
KILLS_A_TORTURED_HOME = 12

Figure = Callable[[str, object], None]


def _round(node: Path, central: CentralHome, address: Path, seed: str, draw: random.Random) -> list[str]:
    """One writer and one central at work; one of them is killed first, then the other one."""
    command = (sys.executable, "-m", "tests.simulation.writer", str(node), seed, "1000000", "--central", str(address))
    service, writer = start(central.command), Victim(*command)
    if draw.random() < 0.5:
        said = writer.kill_sometime(draw)
        service.kill(draw.uniform(0, A_MOMENT_S))
        return said
    writer.wait_until_ready()
    writer.listen(draw.randint(0, MOST_LINES))
    service.kill(draw.uniform(0, A_MOMENT_S))
    return writer.kill_sometime(draw)


def _sync_all(node: Path, central: CentralHome, address: Path) -> None:
    service = start(central.command)
    with home.reopen(node).closing() as store:
        outcome = sync_once(store, home.read_address(address), now_s=lambda: int(store.clock().timestamp()))
    service.kill()
    assert outcome.complete


def _kill_often(folder: Path, seed: str, kills: int, figure: Figure) -> None:
    draw = random.Random(seed)
    node, address = folder / "node", folder / "address"
    node.mkdir()
    central = CentralHome.make(folder / "central")
    invite = central.invite()
    service = start(central.command)
    home.enrol(node, invite, draw, address)
    service.kill()
    promises: list[str] = []
    for number in range(kills):
        promises += _round(node, central, address, f"{seed} {number}", draw)
        assert lost_promises(node, promises) == 0
        with home.reopen(node).closing() as store:
            central.check(store, promises, complete=False)
    _sync_all(node, central, address)
    with home.reopen(node).closing() as store:
        central.check(store, promises, complete=True)
        size = store.head().size
    synced = sum(line.startswith("cosigned") for line in promises)
    figure("figure", f"{kills} kills each of a writer and a central: {size} entries at both, {synced} syncs, 0 lost")
    assert synced


def test_a_killed_writer_and_a_killed_central_hold_each_entry_once(fast_folder: Path, record_property: Figure) -> None:
    _kill_often(fast_folder, "synced", 4, record_property)


@pytest.mark.torture
@pytest.mark.parametrize("number", range(TORTURE_HOMES))
def test_writers_and_centrals_killed_very_often_hold_each_entry_once(
    number: int, fast_folder: Path, record_property: Figure
) -> None:
    _kill_often(fast_folder, f"torture {number}", KILLS_A_TORTURED_HOME, record_property)
