"""A process that walks both specimen cases at one node, and says after each step how far the journal is. To be killed.

python -m tests.simulation.case_walker FOLDER
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from provisioning.centre import open_centre
from provisioning.opening import open_store
from provisioning.unlock import store_key
from provisioning.walk import place as places
from provisioning.walk.case import CaseWalk
from provisioning.walk.devices import CounterDevices
from provisioning.walk.place import Walk
from provisioning.walk.plans import FIRST, SECOND, specimen_plan

T = TypeVar("T")


class Told(Walk):
    """A walk that says how many entries are safe after each step."""

    size: Callable[[], int]

    def step(self, what: str, work: Callable[[], T]) -> T:
        result = work()
        print(f"{self.size()} {what}", flush=True)
        return result


def main(folder: Path) -> None:
    found = places.resume(folder)
    walk = Told(found.place, found.passphrase)
    with open_store(walk.home, store_key(walk.home)).closing() as store:
        walk.size = lambda: store.head().size
        centre = open_centre(walk.home, store)
        counter = CounterDevices()
        for service in (FIRST, SECOND):
            CaseWalk(walk, centre, specimen_plan(service), [], counter)()
    print("done", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
