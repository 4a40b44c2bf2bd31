"""Backups of central: begun, copied, said to be done or bad, put back; and what nodes free because of them.

What a backup holds is known here for certain, since the copies are kept: a file that goes from a node must be on the
tape that the node relies on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from appliance.journal.ids import BlobDigest, orders_of
from appliance.journal.kinds import BlobsBackedUp, decode_body
from appliance.records.database import Tx
from appliance.records.log import Log
from appliance.store.freeing import Rule, free_blobs
from sync.central.central import Central
from tests.simulation.syncsim.machines import Broken, CentralBox, CentralDisk, NodeBox

NAME: Final = "tape"
WITHDRAWN: Final = "not relied on"
WITHDRAWING: Final = 0.12
DISK_BYTES: Final = 200_000
MAX_PLAIN: Final = 2
"""Copies of which nobody tells central."""


@dataclass(slots=True)
class Tapes:
    """Copies of one central's disk."""

    draw: random.Random
    begun: list[str] = field(default_factory=list)
    """Those that central was told of, and that are not copied."""
    said: list[str] = field(default_factory=list)
    """Those that central was told to be safe, or that somebody meant to say so of."""
    copied: dict[str, CentralDisk] = field(default_factory=dict)
    plain: list[CentralDisk] = field(default_factory=list)
    put_back: CentralDisk | None = None
    """The one that took central's place last."""
    _count: int = 0

    def copy(self, box: CentralBox) -> str:
        """Copy central's disk, for the tape that was begun or for none."""
        if self.begun:
            name = self.begun.pop(0)
            self.copied[name] = box.disk.copy()
            return name
        self.plain.append(box.disk.copy())
        del self.plain[:-MAX_PLAIN]
        return "kept"

    def tell(self, box: CentralBox, central: Central) -> str:
        """The next thing that is due of a backup: it is begun, copied, said to be safe; or none is relied on any more.

        Raises:
            OperatorError: central does not know that one. DeviceError: no room.
        """
        if self.draw.random() < WITHDRAWING:
            return self.withdraw(central)
        if self.begun:
            return self.copy(box)
        unsaid = [name for name in self.copied if name not in self.said]
        if unsaid:
            name = self.draw.choice(unsaid)
            self.said.append(name)
            central.backups.done(name)
            return f"{name} done"
        self._count += 1
        name = f"{NAME} {self._count}"
        central.backups.begin(name)
        self.begun.append(name)
        return name

    def withdraw(self, central: Central) -> str:
        """No backup is relied on any more; raises as `tell`."""
        self._count += 1
        return f"withdrawn of {central.backups.withdraw(f'{WITHDRAWN} {self._count}')}"

    def make(self, box: CentralBox) -> CentralDisk:
        """A backup as it should be: begun, copied, and central told."""
        assert box.central is not None
        self._count += 1
        name = f"{NAME} {self._count}"
        box.central.backups.begin(name)
        self.copied[name] = box.disk.copy()
        box.central.backups.done(name)
        return self.copied[name]

    def choose(self) -> CentralDisk | None:
        """One to be put back."""
        images = [*self.copied.values(), *self.plain]
        self.put_back = self.draw.choice(images) if images else self.put_back
        return self.put_back

    def free(self, box: NodeBox) -> str:
        """A node makes room; `see` holds afterwards also where its power failed meanwhile.

        Raises:
            PowerCut: it died. DeviceError: no entry could be written.
        """
        assert box.store is not None
        rule = Rule(self.draw.choice((0, 50)), self.draw.choice((None, 0)))
        free_bytes = self.draw.randrange(DISK_BYTES)
        return str(free_blobs(box.store, rule, lambda: (DISK_BYTES, free_bytes)).files)

    def watched(self, box: NodeBox, work: Callable[[], str]) -> str:
        """See that whatever goes from a node meanwhile is on the tape that it relies on.

        Raises:
            Broken: it is not.
        """
        files, before = box.disk.blobs, set(box.disk.blobs)
        try:
            return work()
        finally:
            self._see(box, before - set(files))

    def _see(self, box: NodeBox, gone: set[BlobDigest]) -> None:
        if not gone:
            return
        tape = _relied_on(box)
        if tape is None:
            raise Broken(f"{box.name} freed files, and central has told it of no backup")
        image = self.copied.get(tape.backup)
        if image is None or any(digest not in image.shelf.whole for digest in gone):
            raise Broken(f"{box.name} freed a file that {tape.backup} does not hold")

    def bring_back(self, box: CentralBox) -> int:
        """People put back what central names as lost, from the tapes that it names; answers how many files.

        Raises:
            Broken: it is not there; or central had it on the disk that was put back.
        """
        assert box.central is not None
        lost = box.central.backups.lost()
        for each in lost:
            image = self.copied.get(each.backup)
            if image is None or each.digest not in image.shelf.whole:
                raise Broken(f"central says that {each.backup} holds a file, and it does not")
            if self.put_back is not None and each.digest in self.put_back.shelf.whole:
                raise Broken("central lost a freed file that was on the backup which was put back")
            box.disk.shelf.whole[each.digest] = image.shelf.whole[each.digest]
        if box.central.backups.lost():
            raise Broken("central names files as lost that were put back")
        return len(lost)


def _relied_on(box: NodeBox) -> BlobsBackedUp | None:
    """The newest statement among the orders that a node holds, read from its journal of them."""
    log = Log(Tx(box.disk.store.connection), orders_of(box.journal))
    head = log.head()
    told = None
    for order in log.entries(0, 0 if head is None else head.size):
        if order.header.kind == BlobsBackedUp.KIND:
            told = decode_body(order.header.kind, order.body or b"")
    return told if isinstance(told, BlobsBackedUp) else None
