"""One world: the machines and the links of one seed, and what happens on them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from appliance.casework import decisions
from appliance.casework.centre import Centre, CentreRules
from appliance.catalogue import Calendar, Catalogue
from appliance.journal.entry import Entry
from appliance.journal.errors import BugError, DeviceError, IntegrityError, OperatorError, SanadError
from appliance.store.blobs import BlobFolder
from appliance.store.store import Store
from appliance.store.witness import RolledBack
from sync import courier
from sync.agent import follow, sync_once
from sync.central.central import Central
from sync.following import Timing
from sync.link import Address
from sync.refusals import Fork, Rollback
from sync.way import Way
from tests.simulation.syncsim.acts import Writer
from tests.simulation.syncsim.bureau import Bureau
from tests.simulation.syncsim.checks import Ledger, see_whole
from tests.simulation.syncsim.desk import Desk
from tests.simulation.syncsim.links import MemoryLink, Wires
from tests.simulation.syncsim.machines import URL, Broken, CentralBox, CentralDisk, NodeBox
from tests.simulation.syncsim.origins import origins
from tests.simulation.syncsim.power import PowerCut
from tests.simulation.syncsim.signing import sign
from tests.simulation.syncsim.sticks import Sticks
from tests.simulation.syncsim.tapes import Tapes

ADDRESS: Final = Address(URL, b"")
RULES: Final = CentreRules("SIM01", "A centre in memory")


@dataclass(slots=True)
class World:
    """All of it.

    Attributes:
        seed: what everything is drawn from.
        draw: for what no machine draws by itself.
        lies: whether central's disk says too early that something is durable: then something must be found broken.
    """

    seed: int
    draw: random.Random
    central: CentralBox
    nodes: list[NodeBox]
    wires: Wires
    ledger: Ledger
    bureau: Bureau
    tapes: Tapes
    busy: set[str] = field(default_factory=set)
    """Names of the nodes that sync at this moment."""
    sticks: Sticks | None = None
    """What is carried, where something is."""

    @classmethod
    def make(cls, seed: int, *, nodes: int, lies: bool = False) -> World:
        """A world as it begins: everything is switched on, and nothing has happened."""
        begun = origins()
        central = CentralBox.make(begun, seed)
        central.disk.archive.lies = lies
        boxes = [NodeBox.make(number, begun.nodes[number], seed) for number in range(nodes)]
        wires = Wires(Desk(central), random.Random(f"{seed} wires"))
        bureau, tapes = Bureau(random.Random(f"{seed} bureau")), Tapes(random.Random(f"{seed} tapes"))
        ledger = Ledger.begin(begun.nodes[:nodes])
        world = cls(seed, random.Random(f"{seed} world"), central, boxes, wires, ledger, bureau, tapes)
        wires.central_died = world.central_dies
        wires.between = world.meanwhile
        wires.desk.shown = ledger.shown
        central.start()
        for box in boxes:
            box.start()
        world.look()
        return world

    def look(self) -> bytes:
        """See that nothing is broken; answers a digest of everything."""
        return self.ledger.look(self.central, self.nodes)

    # What dies and rises

    def central_dies(self) -> None:
        """Central's power failed."""
        self.central.lose_power()
        self.wires.desk.forget()

    def node_dies(self, box: NodeBox) -> None:
        """A node's power failed."""
        box.lose_power()
        see_whole(box)

    def raise_central(self) -> str:
        """Switch central on, if it is not."""
        if self.central.central is not None:
            return "on"
        try:
            self.central.start()
        except PowerCut:
            self.central_dies()
            return "died again"
        return "started"

    def raise_node(self, box: NodeBox) -> str:
        """Switch a node on, if it is not."""
        if box.store is not None or box.stopped:
            return box.stopped or "on"
        try:
            box.start()
        except PowerCut:
            self.node_dies(box)
            return "died again"
        except RolledBack:
            if not box.is_copy:
                raise Broken(f"{box.name} takes itself for an older copy") from None
            box.stopped = "rolled back"
            box.lose_power()
            return box.stopped
        except DeviceError:
            box.lose_power()
            return "no room"
        see_whole(box)
        return "started"

    def make_room(self) -> None:
        """Somebody frees space on every disk."""
        for power in (self.central.power, *(box.power for box in self.nodes)):
            power.is_full = False

    # What happens

    def act(self, box: NodeBox, write: Callable[[Writer, Store, BlobFolder], list[Entry]] = Writer.write) -> str:
        """Somebody writes something at a node."""
        if box.store is None or box.blobs is None:
            return "off"
        try:
            made = write(box.writer, box.store, box.blobs)
        except PowerCut:
            self.node_dies(box)
            return "died"
        except BugError as error:
            raise Broken(f"{box.name} has a bug: {error}") from error
        except (OperatorError, DeviceError) as error:
            return type(error).__name__
        _confirm(box, made)
        return str(len(made))

    def give(self, box: NodeBox, *, of_people: bool = False) -> str:
        """Somebody at central orders something of a node."""
        return self.at_central(lambda central: self.bureau.order(central, box.journal, of_people=of_people))

    def carry_out(self, box: NodeBox) -> str:
        """A node carries out the decisions that came down, or leaves them to people."""
        return self._at_a_node(box, lambda store: str(_carried_out(store)))

    def settle(self, box: NodeBox) -> str:
        """People at a node settle what only they can."""
        return self._at_a_node(box, box.writer.settle)

    def free(self, box: NodeBox) -> str:
        """A node makes room on its disk."""
        return self.tapes.watched(box, lambda: self._at_a_node(box, lambda _: self.tapes.free(box)))

    def _at_a_node(self, box: NodeBox, work: Callable[[Store], str]) -> str:
        if box.store is None:
            return "off"
        try:
            return work(box.store)
        except PowerCut:
            self.node_dies(box)
            return "died"
        except BugError as error:
            raise Broken(f"{box.name} has a bug: {error}") from error
        except (OperatorError, DeviceError) as error:
            return type(error).__name__

    def at_central(self, work: Callable[[Central], str]) -> str:
        """Somebody does something at central; answers what came of it."""
        central = self.central.central
        if central is None:
            return "off"
        try:
            return work(central)
        except PowerCut:
            self.central_dies()
            return "died"
        except BugError as error:
            raise Broken(f"central has a bug: {error}") from error
        except (OperatorError, DeviceError) as error:
            return type(error).__name__

    def fold(self) -> str:
        """Central folds what came."""
        try:
            self.central.later.catch_up()
        except PowerCut:
            self.central_dies()
            return "died"
        return "folded"

    def fold_again(self, box: NodeBox) -> str:
        """A node drops its tables, and folds again."""
        if box.store is None:
            return "off"
        try:
            box.store.refold()
        except PowerCut:
            self.node_dies(box)
            return "died"
        except DeviceError as error:
            return type(error).__name__
        return "folded"

    def sync(self, box: NodeBox) -> str:
        """A node syncs once."""
        return self._session(box, lambda: self._sync_once(box))

    def follow(self, box: NodeBox) -> str:
        """A node holds a stream open for a while, and hears the news beside it."""
        return self._session(box, lambda: self._follow(box))

    def meanwhile(self, box: NodeBox) -> None:
        """Between two pieces of a stream, somebody goes on writing at its node, or another node syncs."""
        chance = self.draw.random()
        if chance < 0.06:
            if box.store is None or box.blobs is None:
                return
            with suppress(OperatorError, DeviceError):
                _confirm(box, box.writer.write(box.store, box.blobs))
        elif chance < 0.09 and len(self.busy) == 1:
            self.sync(self.draw.choice(self.nodes))

    def _session(self, box: NodeBox, run: Callable[[], str]) -> str:
        if box.store is None:
            return "off"
        if box.name in self.busy:
            return "busy"
        self.busy.add(box.name)
        self.wires.flipped.discard(box.name)
        try:
            return run()
        except PowerCut as cut:
            if cut.power is not box.power:
                raise Broken("a power cut came through the link") from cut
            self.node_dies(box)
            return "died"
        except BugError as error:
            raise Broken(f"{box.name} has a bug: {error}") from error
        except (Fork, Rollback) as error:
            if not box.is_copy and box.name not in self.wires.flipped:
                raise Broken(f"{box.name} is honest, and was refused: {error}") from error
            return type(error).__name__
        except IntegrityError as error:
            if not box.is_copy and box.name not in self.wires.flipped:
                raise Broken(f"{box.name} is honest, and failed: {error}") from error
            return type(error).__name__
        except SanadError as error:
            return type(error).__name__
        finally:
            self.busy.discard(box.name)

    def _sync_once(self, box: NodeBox) -> str:
        assert box.store is not None
        way = Way(lambda _: MemoryLink(self.wires, box), sign)
        outcome = sync_once(box.store, ADDRESS, now_s=lambda: int(box.clock().timestamp()), way=way)
        if outcome.complete and self.sticks is not None:
            courier.all_there(box.store, outcome.size)
        return "complete" if outcome.complete else "done"

    def _follow(self, box: NodeBox) -> str:
        assert box.store is not None
        waits, seconds = self.draw.randint(1, 12), 0.0
        beside: list[Iterator[None]] = []

        def wait(for_s: float) -> bool:
            nonlocal waits, seconds
            seconds += for_s
            waits -= for_s > 0
            # The news wait, too: not for themselves.
            for steps in [beside.pop()] if beside else []:
                next(steps, None)
                beside.append(steps)
            self.meanwhile(box)
            return waits <= 0

        way = Way(lambda _: MemoryLink(self.wires, box), sign, beside.append)
        follow(
            box.store,
            ADDRESS,
            now_s=lambda: int(box.clock().timestamp()),
            timing=Timing(lambda: seconds, wait),
            answered=lambda: None,
            heard=lambda _: None,
            way=way,
        )
        return "followed"

    # Sticks

    def carry_sticks(self) -> None:
        """From now on, files are carried, too."""
        self.sticks = Sticks(random.Random(f"{self.seed} sticks"))
        for box in self.nodes:
            box.home = self.sticks.home(box.name)
            box.lose_power()
            box.start()

    def export(self, box: NodeBox) -> str:
        """A node writes to a stick what central lacks."""
        sticks = self.sticks
        return "no stick" if sticks is None else self._session(box, lambda: sticks.export(box))

    def take_receipt(self, box: NodeBox) -> str:
        """Somebody gives a node a receipt, which may be another's, or spoilt."""
        sticks = self.sticks
        if sticks is None or box.store is None:
            return "off"
        try:
            return sticks.take_receipt(box)
        except PowerCut:
            self.node_dies(box)
            return "died"
        except BugError as error:
            raise Broken(f"{box.name} has a bug: {error}") from error
        except SanadError as error:
            return self._spoilt(error)

    def bring(self) -> str:
        """Somebody takes an export in at central, which may be spoilt."""
        if self.sticks is None or self.central.central is None:
            return "off"
        try:
            return self.sticks.bring(self.central)
        except PowerCut:
            self.central_dies()
            return "died"
        except BugError as error:
            raise Broken(f"central has a bug: {error}") from error
        except SanadError as error:
            return self._spoilt(error)

    def _spoilt(self, error: SanadError) -> str:
        if isinstance(error, Fork) and not any(box.is_copy for box in self.nodes):
            raise Broken(f"an honest file was refused: {error}") from error
        return type(error).__name__

    # Backups and copies

    def back_up_central(self) -> str:
        """Somebody makes a backup of central."""
        return self.tapes.copy(self.central)

    def tell_of_backup(self) -> str:
        """Somebody tells central of one."""
        return self.at_central(lambda central: self.tapes.tell(self.central, central))

    def restore_central(self) -> str:
        """Central's disk dies, and the backup takes its place."""
        image = self.tapes.choose()
        if image is None:
            return "no backup"
        return self.put_back(image)

    def put_back(self, image: CentralDisk) -> str:
        """That one takes the place of central's disk."""
        self.central_dies()
        self.central.disk = image.copy()
        self.ledger.restored(self.central)
        return self.raise_central()

    def back_up_node(self, box: NodeBox) -> str:
        """Somebody makes an image of a node's disk."""
        box.image, box.imaged = box.disk.copy(), dict(box.acked)
        return "kept"

    def restore_node(self, box: NodeBox) -> str:
        """The image of a node takes the place of its disk: what no one must do."""
        if box.image is None or box.stopped:
            return "no image"
        witness = self.draw.random() < 0.5
        files = box.disk.files
        box.lose_power()
        box.disk = box.image.copy()
        if witness:
            box.disk.files = files
        box.acked = dict(box.imaged)
        box.is_copy = True
        self.ledger.copied(box)
        return self.raise_node(box)

    def clone_node(self, box: NodeBox) -> str:
        """Somebody switches on a copy of a node's disk, beside it."""
        if box.image is None or box.stopped or len(self.nodes) > 4:
            return "no image"
        other = box.copied(f"copy{len(self.nodes)}", box.image, self.seed)
        if self.sticks is not None:
            other.home = self.sticks.home(other.name)
        self.nodes.append(other)
        self.ledger.copied(other)
        return self.raise_node(other)


def _carried_out(store: Store) -> tuple[int, int]:
    out = decisions.carry_out(Centre(store, Catalogue(), Calendar(), RULES))
    return len(out.done), len(out.contested)


def _confirm(box: NodeBox, made: Sequence[Entry]) -> None:
    box.acked |= {entry.header.seq: entry.header_bytes for entry in made}
