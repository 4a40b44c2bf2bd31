"""A counter at work in a node's home, beside `sanad node`: so many acts for each line that it is told.

Run as a program: `python -m tests.simulation.link_writer HOME SEED`, with SANAD_PASSPHRASE_FILE. It says its promises
as `tests.simulation.writer` does, `ready` once it can work, and `done` after each line.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Final

from appliance.store.layout import Layout
from provisioning.opening import node_key, real_clock
from tests.simulation import home
from tests.simulation.home import TellingStore
from tests.simulation.writer import ACTS, Writer

WORK: Final = ("person", "submit", "paper", "decide", "erase")
LARGEST_BLOB: Final = 24_000
"""Bytes: some seconds of the link hold a dozen."""


def main(folder: str, seed: str) -> None:
    """The command line."""
    place, draw = Path(folder), random.Random(f"counter {seed}")
    store = TellingStore(Layout(place), node_key(place), clock=real_clock, random=os.urandom, halt=home.stop)
    acts = {name: ACTS[name] for name in WORK}
    writer = Writer(place, draw, store, "FULL", LARGEST_BLOB, None, None, acts)
    writer.settle_in()
    home.say("ready")
    for line in sys.stdin:
        for _ in range(int(line)):
            writer.act()
        home.say("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
