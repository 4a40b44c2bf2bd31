"""The model of a backlog: all of it arrives as the link allows, and new acts do not wait for old papers."""

from __future__ import annotations

from sync.frames import MAX_PIECE
from tests.bench.backlogmodel import Pipe, World

RATE = 30_000.0
ONE_WAY_S = 0.25


def test_everything_arrives_in_the_time_that_its_bytes_take() -> None:
    world = World(Pipe(RATE, ONE_WAY_S, ONE_WAY_S), 4, seed=1)
    files = sum(world.node.files.values())
    drained = world.run()
    assert world.central.whole >= 4
    assert files < drained.sent < 1.1 * files
    assert drained.sent / RATE <= drained.all_s < 1.1 * drained.sent / RATE + 10


def test_an_act_meanwhile_waits_for_a_piece_and_not_for_the_papers() -> None:
    drained = World(Pipe(RATE, ONE_WAY_S, ONE_WAY_S), 20, seed=2).run()
    assert drained.took
    assert max(drained.took) < 2 * ONE_WAY_S + 2 * MAX_PIECE / RATE


def test_a_seed_gives_the_same_again() -> None:
    first, second = (World(Pipe(RATE, ONE_WAY_S, ONE_WAY_S), 2, seed=3).run() for _ in range(2))
    assert first.all_s == second.all_s
    assert first.took == second.took
