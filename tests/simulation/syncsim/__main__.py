"""Runs one schedule, or several, and prints what happened: `python -m tests.simulation.syncsim SEED [COUNT]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.simulation.syncsim.schedule import Found, Schedule


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
    if given.count > 1:
        spent_s = time.process_time() - begun
        print(f"{given.count} schedules, {found} broken, {given.count / spent_s:.0f} a second of one core")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
