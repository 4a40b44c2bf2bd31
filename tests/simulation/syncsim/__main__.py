"""Runs one schedule, or several, and prints what happened: `python -m tests.simulation.syncsim SEED [COUNT]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Final

from tests.simulation.syncsim.schedule import Found, Schedule

SHOWN_EVERY: Final = 250
"""Schedules after which it is said how far it is."""


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.syncsim", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument(
        "count", type=int, nargs="?", default=1, help="how many, from SEED on; then no steps are printed"
    )
    parser.add_argument("--lies", action="store_true", help="central's disk says too early that something is durable")
    given = parser.parse_args(arguments)
    found = 0
    begun = time.process_time()
    for seed in range(given.seed, given.seed + given.count):
        try:
            trace = Schedule.of(seed, lies=given.lies).run()
        except Found as error:
            found += 1
            print(error, file=sys.stderr)
        else:
            if given.count == 1:
                print("\n".join(trace))
        done = seed + 1 - given.seed
        if done % SHOWN_EVERY == 0:
            print(f"{done} of {given.count}, {found} broken", file=sys.stderr, flush=True)
    if given.count > 1:
        spent_s = time.process_time() - begun
        print(f"{given.count} schedules, {found} broken, {given.count / spent_s:.0f} a second of one core")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
