"""Schedules: what happens in a world, step by step, drawn from its seed; and the trace that it leaves."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from unittest.mock import patch

from structlog.testing import capture_logs

from sync import courier
from tests.simulation.syncsim.acts import Writer
from tests.simulation.syncsim.ending import heal
from tests.simulation.syncsim.links import Weather
from tests.simulation.syncsim.machines import NodeBox
from tests.simulation.syncsim.sticks import SMALL_PART
from tests.simulation.syncsim.world import World

MAX_STEPS: Final = 28
MAX_FUSE: Final = 24
"""Moments until a power cut that was drawn comes."""
YEAR_S: Final = 365 * 24 * 3600
WITH_STICKS: Final = 0.3
"""How many schedules carry files."""
WITH_TAPES: Final = 0.4
"""How many of them make backups of central, of which it is told, and free files because of them."""
WITH_PEOPLE: Final = 0.4
"""How many of them have much that people decide."""
PREPARED: Final = 0.6
"""How many of either begin with what that takes."""
SHOWN: Final = 14
"""Steps that a failure shows."""


class Found(Exception):
    """A schedule that broke something, and how to see it again."""

    def __init__(self, seed: int, trace: list[str], why: BaseException) -> None:
        said = "\n".join(trace[-SHOWN:])
        super().__init__(f"{said}\n{type(why).__name__}: {why}\nReplay: python -m tests.simulation.syncsim {seed}")
        self.seed = seed
        self.trace = trace


@dataclass(slots=True)
class Schedule:
    """One schedule."""

    world: World
    draw: random.Random
    steps: Steps
    first: tuple[Step, ...] = ()
    """Steps that it begins with, so that something comes of those that are drawn."""
    taped: bool = False
    """Whether files are freed because of backups."""
    trace: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int, *, lies: bool = False) -> Schedule:
        """The schedule of a seed.

        Args:
            seed: what everything is drawn from.
            lies: whether central's disk says too early that something is durable.
        """
        draw = random.Random(f"{seed} schedule")
        world = World.make(seed, nodes=draw.choices((1, 2, 3), (6, 3, 1))[0], lies=lies)
        world.wires.weather = _weather(draw)
        sticks = draw.random() < WITH_STICKS
        if sticks:
            world.carry_sticks()
        taped = draw.random() < WITH_TAPES
        steps = (
            ALWAYS
            + draw.choice(((), CENTRAL_RESTORED, NODES_COPIED, CENTRAL_RESTORED + NODES_COPIED))
            + (STICKS if sticks else ())
        )
        of_people = draw.random() < WITH_PEOPLE
        steps += (FREED if taped else ()) + (PEOPLE if of_people else ())
        first = (TO_FREE if taped else ()) + (TO_DECIDE if of_people else ())
        return cls(world, draw, steps, first if draw.random() < PREPARED else (), taped)

    def run(self) -> list[str]:
        """All of it.

        Returns:
            The trace: each step, what came of it, and a digest of everything after it.

        Raises:
            Found: something is broken.
        """
        try:
            with capture_logs(), patch.object(courier, "MIN_FILE", SMALL_PART):
                self._steps()
        except Exception as error:
            raise Found(self.world.seed, self.trace, error) from error
        return self.trace

    def _steps(self) -> None:
        weights = [weight for weight, _ in self.steps]
        drawn = (self.draw.choices(self.steps, weights)[0][1] for _ in range(self.draw.randint(6, MAX_STEPS)))
        for number, step in enumerate((*self.first, *drawn)):
            self._note(number, step.__name__, step(self))
        by_sticks = self.draw.random() < 0.4
        heal(self.world, by_sticks=by_sticks, from_tape=self.taped and self.draw.random() < 0.4)
        self._note(len(self.trace), "heal", "whole")

    def _note(self, number: int, name: str, said: str) -> None:
        line = f"{number:3} {name}: {said}"
        self.trace.append(line)
        self.trace[-1] = f"{line} {self.world.look().hex()[:16]}"

    # Steps

    def act(self) -> str:
        """Some things are written at a node."""
        box = self.draw.choice(self.world.nodes)
        return " ".join([box.name, *(self.world.act(box) for _ in range(self.draw.randint(1, 4)))])

    def day(self) -> str:
        """Cases are handed in at a node, or end there, and central hears of it."""
        box = self.draw.choice(self.world.nodes)
        said = [self.world.act(box, Writer.hand_in) for _ in range(self.draw.randint(1, 4))]
        return " ".join([box.name, *said, self.world.sync(box), self.world.fold()])

    def sync(self) -> str:
        """A node syncs once."""
        return self._at_a_node(self.world.sync)

    def follow(self) -> str:
        """A node holds a stream open."""
        return self._at_a_node(self.world.follow)

    def order(self) -> str:
        """Central orders something of a node; mostly it knows what came from there."""
        if self.draw.random() < 0.6:
            self.world.fold()
        return self._at_a_node(self.world.give)

    def decide(self) -> str:
        """Central knows what came from a node, and orders something about its people."""
        box = self.draw.choice(self.world.nodes)
        return " ".join([box.name, self.world.fold(), self.world.give(box, of_people=True)])

    def fold(self) -> str:
        """Central folds what came."""
        return self.world.fold()

    def fold_again(self) -> str:
        """A node folds everything again."""
        return self._at_a_node(self.world.fold_again)

    def doom_central(self) -> str:
        """Central's power will fail soon."""
        self.world.central.power.fuse = self.draw.randrange(MAX_FUSE)
        return str(self.world.central.power.fuse)

    def doom_node(self) -> str:
        """A node's power will fail soon."""
        box = self.draw.choice(self.world.nodes)
        box.power.fuse = self.draw.randrange(MAX_FUSE)
        return f"{box.name} {box.power.fuse}"

    def switch_on(self) -> str:
        """Whatever is off is switched on; now and then the links come back, and disks have room again."""
        if self.draw.random() < 0.5:
            self.world.wires.weather.is_up = True
            self.world.make_room()
        said = [self.world.raise_central(), *map(self.world.raise_node, self.world.nodes)]
        return " ".join(said)

    def repeat(self) -> str:
        """Somebody sends again what was sent before."""
        return self.world.wires.repeat()

    def deliver(self) -> str:
        """What was late comes."""
        return self.world.wires.deliver()

    def set_clocks(self) -> str:
        """Somebody sets a clock."""
        seconds = self.draw.choice((-20 * YEAR_S, -3600, 60, 3600, 2 * YEAR_S))
        clock = self.draw.choice((self.world.central.clock, *(box.clock for box in self.world.nodes)))
        clock.jump(seconds)
        self.world.central.seconds += abs(seconds) if self.draw.random() < 0.3 else 1
        return str(seconds)

    def fill_a_disk(self) -> str:
        """A disk has no room any more, or has some again."""
        power = self.draw.choice((self.world.central.power, *(box.power for box in self.world.nodes)))
        power.is_full = not power.is_full
        return f"{power.name} {power.is_full}"

    def cut_links(self) -> str:
        """All links go, or come back."""
        weather = self.world.wires.weather
        weather.is_up = not weather.is_up
        return "up" if weather.is_up else "down"

    def back_up_central(self) -> str:
        """Somebody makes a backup of central."""
        return self.world.back_up_central()

    def tell_of_backup(self) -> str:
        """Somebody tells central that a backup begins, is safe, or is no good."""
        return " ".join(self.world.tell_of_backup() for _ in range(self.draw.randint(1, 3)))

    def free(self) -> str:
        """A node makes room on its disk."""
        return self._once_synced(self.world.free)

    def carry_out(self) -> str:
        """A node carries out what central decided."""
        return self._once_synced(self.world.carry_out)

    def settle(self) -> str:
        """People at a node settle what only they can."""
        return self._at_a_node(self.world.settle)

    def restore_central(self) -> str:
        """The backup takes the place of central."""
        return self.world.restore_central()

    def back_up_node(self) -> str:
        """Somebody makes an image of a node's disk."""
        return self._at_a_node(self.world.back_up_node)

    def restore_node(self) -> str:
        """The image takes the place of the disk."""
        return self._at_a_node(self.world.restore_node)

    def clone_node(self) -> str:
        """The image runs beside the node that it was made of."""
        return self._at_a_node(self.world.clone_node)

    def export(self) -> str:
        """A node writes to a stick."""
        return self._at_a_node(self.world.export)

    def bring(self) -> str:
        """A file is taken in at central."""
        return self.world.bring()

    def take_receipt(self) -> str:
        """A receipt is given to a node."""
        return self._at_a_node(self.world.take_receipt)

    def spoil(self) -> str:
        """A file that is carried is lost, cut or changed."""
        return "no sticks" if self.world.sticks is None else self.world.sticks.spoil()

    def _once_synced(self, do: Callable[[NodeBox], str]) -> str:
        """At a node, mostly when it has just heard of central."""
        box = self.draw.choice(self.world.nodes)
        said = self.world.sync(box) if self.draw.random() < 0.6 else "as it is"
        return f"{box.name} {said} {do(box)}"

    def _at_a_node(self, do: Callable[[NodeBox], str]) -> str:
        box = self.draw.choice(self.world.nodes)
        return f"{box.name} {do(box)}"


Step = Callable[[Schedule], str]
Steps = tuple[tuple[int, Step], ...]

ALWAYS: Final[Steps] = (
    (30, Schedule.act),
    (22, Schedule.sync),
    (8, Schedule.follow),
    (10, Schedule.order),
    (4, Schedule.carry_out),
    (2, Schedule.settle),
    (5, Schedule.fold),
    (1, Schedule.fold_again),
    (5, Schedule.doom_central),
    (5, Schedule.doom_node),
    (16, Schedule.switch_on),
    (4, Schedule.repeat),
    (8, Schedule.deliver),
    (2, Schedule.set_clocks),
    (2, Schedule.fill_a_disk),
    (2, Schedule.cut_links),
)
FREED: Final[Steps] = (
    (30, Schedule.day),
    (40, Schedule.tell_of_backup),
    (4, Schedule.back_up_central),
    (30, Schedule.free),
)
PEOPLE: Final[Steps] = ((24, Schedule.day), (40, Schedule.decide), (20, Schedule.carry_out), (8, Schedule.settle))
TO_FREE: Final[tuple[Step, ...]] = (Schedule.day, Schedule.tell_of_backup, Schedule.tell_of_backup, Schedule.sync)
TO_DECIDE: Final[tuple[Step, ...]] = (Schedule.day, Schedule.decide, Schedule.decide)
CENTRAL_RESTORED: Final[Steps] = ((14, Schedule.back_up_central), (24, Schedule.restore_central), (28, Schedule.order))
STICKS: Final[Steps] = (
    (24, Schedule.export),
    (24, Schedule.bring),
    (22, Schedule.take_receipt),
    (8, Schedule.spoil),
)
NODES_COPIED: Final[Steps] = ((12, Schedule.back_up_node), (6, Schedule.restore_node), (8, Schedule.clone_node))


def _weather(draw: random.Random) -> Weather:
    """How bad the links are in one schedule."""
    weather = Weather()
    weather.lose = draw.choice((0, 0, 0.02, 0.1))
    weather.lose_answer = draw.choice((0, 0, 0.02, 0.1))
    weather.late_request = draw.choice((0, 0, 0.05))
    weather.late_stream = draw.choice((0, 0, 0.1, 0.4))
    weather.cut = draw.choice((0, 0, 0.05, 0.2))
    weather.flip = draw.choice((0, 0, 0, 0.03))
    weather.hold_back = draw.choice((0, 0, 0.2))
    weather.side_by_side = draw.choice((0, 0.5))
    return weather
