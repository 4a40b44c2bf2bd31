"""The end of a schedule: good links, room on every disk, everybody syncs; then everything must be right."""

from __future__ import annotations

from typing import Final

from tests.simulation.syncsim.acts import MAX_CASES, Writer
from tests.simulation.syncsim.checks import see_judged, see_same
from tests.simulation.syncsim.machines import Broken, NodeBox
from tests.simulation.syncsim.people import see_kept, see_people
from tests.simulation.syncsim.world import World

ERASING: Final = 0.2
"""How many schedules end with somebody erased about whom people had to settle something."""
IDLE: Final = str((0, 0))
"""What a node says that had no decision to carry out."""
MAX_ROUNDS: Final = 6
"""Ways there and back that files may take until everything is at central."""
MAX_TRIES: Final = 4
"""Sessions that a node may need over good links until everything is at central."""


def heal(world: World, *, by_sticks: bool = False, from_tape: bool = False) -> None:
    """Good links, room on every disk, everything switched on: then everything must be right.

    Args:
        world: the world.
        by_sticks: whether all links stay down, and files are carried instead.
        from_tape: whether nodes free then what they may, and central is put back to the backup that they rely on, or
            to an older one.

    Raises:
        Broken: it is not.
    """
    world.make_room()
    for power in (world.central.power, *(box.power for box in world.nodes)):
        power.fuse = None
    while world.wires.late and world.central.central is not None:
        world.wires.deliver()
    world.central_dies()
    world.raise_central()
    for box in world.nodes:
        if box.power.is_off or box.store is None:
            world.raise_node(box)
    world.wires.weather.clear()
    _show_and_break(world)
    for box in world.draw.sample(world.nodes, len(world.nodes)):
        if by_sticks and world.sticks is not None and not box.is_copy:
            world.sticks.rounds(world.central, box, MAX_ROUNDS)
        else:
            _sync_whole(world, box)
    _end_with_people(world)
    if from_tape:
        _end_from_tape(world)
    for box in world.nodes:
        if not box.is_copy:
            promised = world.ledger.of[box.journal]
            see_same(box, world.central, promised)
            see_people(box, world.central, promised.taken)
            see_kept(box)


def _show_and_break(world: World) -> None:
    """Boxes with one key show a central that forgot what it countersigned, and get no further: then any may go on."""
    world.wires.weather.cut = 1.0
    for box in world.nodes:
        promised = world.ledger.of[box.journal]
        if promised.copied and promised.forgot:
            world.sync(box)
            world.look()
    world.wires.weather.clear()


def _end_with_people(world: World) -> None:
    """What was decided is carried out, what is lost brought back from tapes, and all of it synced once more."""
    world.fold()
    erasing = world.draw.random() < ERASING
    brought_back = world.tapes.bring_back(world.central)
    for box in world.nodes:
        # Where a node has nothing new to say, there is nothing to hear either.
        if not box.is_copy and (world.carry_out(box) != IDLE or brought_back or erasing):
            _sync_whole(world, box)
            if erasing and world.act(box, Writer.erase_contested) != "0":
                world.fold()
                _sync_whole(world, box)
    world.fold()
    world.look()


def _end_from_tape(world: World) -> None:
    """What is on the newest tape is freed everywhere, central is put back, and has all of it again."""
    before = world.central.disk.copy()
    honest = [box for box in world.nodes if not box.is_copy]
    for box in honest:
        for _ in range(MAX_CASES):
            world.act(box, Writer.hand_in)
        _sync_whole(world, box)
    tape = world.tapes.make(world.central)
    for box in honest:
        _sync_whole(world, box)
        world.free(box)
    if world.draw.random() < 0.3:
        _end_without_tapes(world, honest)
    # Put back to what was before the tape was made, central lacks what was freed: only the tape has it.
    image = tape if world.draw.random() < 0.6 else before
    world.look()
    world.tapes.put_back = image
    world.put_back(image)
    for box in honest:
        _sync_whole(world, box)
    _end_with_people(world)


def _end_without_tapes(world: World, honest: list[NodeBox]) -> None:
    """No backup is relied on any more: nothing goes, whatever ends."""
    world.at_central(world.tapes.withdraw)
    for box in honest:
        _sync_whole(world, box)
        for _ in range(MAX_CASES):
            world.act(box, Writer.hand_in)
        world.free(box)


def _sync_whole(world: World, box: NodeBox) -> None:
    said = ""
    for _ in range(MAX_TRIES):
        said = world.sync(box)
        if box.is_copy and said == "TakenOver":
            # By the other box, which syncs meanwhile.
            continue
        if box.is_copy:
            see_judged(box, world.central, said)
        if said == "complete" or box.is_copy:
            return
        # Central learns of files that were freed when it folds.
        world.fold()
    if not box.is_copy:
        raise Broken(f"{box.name} does not come to an end over good links: {said}")
