"""Sticks: exports and receipts are files in folders, which are lost, taken twice, in any order, cut and tampered with.

The files are real, in a folder in memory where the system has one; the shipped code writes, seals, finds and opens
them.
"""

from __future__ import annotations

import atexit
import functools
import random
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from appliance.journal.errors import BugError, IntegrityError, OperatorError, SanadError
from sync import courier, courierdisk
from sync.central.central import Central
from sync.central.courier import Import
from sync.courierdisk import Found
from sync.courierfile import MAX_FILE
from sync.refusals import Fork
from tests.simulation.syncsim.machines import Broken, CentralBox, NodeBox

MEMORY: Final = Path("/dev/shm")
SMALL_PART: Final = 160_000
"""Bytes of a part where a stick is small: some frames of the largest kind."""
MAX_CARRIED: Final = 12
"""Files that are on their way at once; older ones are lost."""


@functools.cache
def _folder() -> Path:
    """A folder of this process."""
    made = Path(tempfile.mkdtemp(prefix="sanad-sim-", dir=MEMORY if MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@dataclass(slots=True)
class Sticks:
    """What is carried in one world.

    Attributes:
        draw: for what becomes of files.
        exports, receipts: what is on its way, by name.
    """

    draw: random.Random
    exports: list[Path] = field(default_factory=list)
    receipts: list[Path] = field(default_factory=list)
    _count: int = 0

    def home(self, name: str) -> Path:
        """A machine's folder, empty."""
        place = _folder() / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return place

    # At the node

    def export(self, box: NodeBox) -> str:
        """A node writes what central lacks.

        Raises:
            SanadError, PowerCut: it does not.
        """
        assert box.store is not None
        size = SMALL_PART if self.draw.random() < 0.3 else MAX_FILE
        out = courier.export(box.store, self._stick(), part_bytes=size, watch=lambda *_: box.power.moment("an export"))
        self.exports += out.files
        del self.exports[:-MAX_CARRIED]
        return f"{len(out.files)} of {out.first}-{out.last}"

    def take_receipt(self, box: NodeBox) -> str:
        """A node is given a receipt, whosever it is.

        Raises:
            SanadError, PowerCut: it is not taken.
        """
        place = self._any(self.receipts)
        if place is None:
            return "nothing"
        (found,) = courierdisk.find(place)
        assert box.store is not None
        taken = courier.take_receipt(box.store, found, watch=lambda *_: box.power.moment("a receipt"))
        return f"{taken.cosigned_size} {taken.orders} {len(taken.troubles)}"

    # At central

    def bring(self, box: CentralBox) -> str:
        """Somebody takes a file in at central, and writes a receipt, as `sanad central import` does.

        Raises:
            SanadError, PowerCut: it is not taken.
        """
        place = self._any(self.exports)
        if place is None or box.central is None:
            return "nothing"
        (found,) = courierdisk.find(place)
        box.central.courier.know(found)
        return self._bring(box, box.central, found)

    def _bring(self, box: CentralBox, central: Central, found: Found) -> str:
        taken, said = None, ""
        try:
            taken = central.courier.take(found, watch=lambda *_: box.power.moment("an import"))
            said = f"{taken.entries} {taken.blobs} {len(taken.refused)}"
        except (BugError, Fork):
            raise
        except (OperatorError, IntegrityError) as error:
            said = type(error).__name__
        self._answer(central, found, taken)
        return said

    def _answer(self, central: Central, found: Found, taken: Import | None) -> None:
        held, root = (0, b"") if taken is None else (taken.orders_held, taken.orders_root)
        receipt = central.courier.write_receipt(
            found.header.journal, self._stick(), number=found.header.number, orders_held=held, orders_root=root
        )
        self.receipts.append(receipt.place)
        del self.receipts[:-MAX_CARRIED]

    # On the way

    def spoil(self) -> str:
        """A file is lost, cut, or changed in one place; what it was is on its way no more."""
        carried = self.draw.choice((self.exports, self.receipts))
        if not carried:
            return "nothing"
        number = self.draw.randrange(len(carried))
        place = carried[number]
        how = self.draw.choice(("lost", "cut", "changed", "longer"))
        # The sealed bytes are others each time, and not always as many: what is drawn must not depend on that.
        data, share = bytearray(place.read_bytes()), self.draw.random()
        if how == "lost":
            carried.pop(number)
            return how
        at = int(share * len(data))
        if how == "cut":
            del data[at:]
        elif how == "changed":
            data[at] ^= 1 << self.draw.randrange(8)
        else:
            data += b"more"
        carried[number] = self._stick() / place.name
        carried[number].write_bytes(data)
        return how

    def rounds(self, central: CentralBox, box: NodeBox, most: int) -> None:
        """Carry until central has everything of a node, and the node all that central gives.

        Raises:
            Broken: it does not come to an end.
        """
        assert box.store is not None
        assert central.central is not None
        told = ""
        for _ in range(most):
            try:
                for place in courier.export(box.store, self._stick()).files:
                    (found,) = courierdisk.find(place)
                    # Where something is missing, the receipt says from where on central needs it.
                    self._bring(central, central.central, found)
                (back,) = courierdisk.find(self.receipts[-1])
                taken = courier.take_receipt(box.store, back)
            except SanadError as error:
                raise Broken(f"{box.name} is honest, and a stick failed: {error}") from error
            told = repr(taken)
            if taken.stored == taken.cosigned_size == taken.size and not (
                taken.lacking or taken.orders or taken.troubles
            ):
                return
        raise Broken(f"{box.name} does not come to an end by sticks: {told}")

    def _stick(self) -> Path:
        """An empty stick."""
        self._count += 1
        return self.home(f"stick{self._count}")

    def _any(self, carried: list[Path]) -> Path | None:
        """One of those on their way; it may be taken again later."""
        if not carried:
            return None
        number = self.draw.randrange(len(carried))
        return carried[number] if self.draw.random() < 0.5 else carried.pop(number)
