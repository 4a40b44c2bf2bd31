"""`make bench`: measures, prints, and writes docs/PERFORMANCE.md and docs/bench.json."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import certificates, figures, search, store, verdicts


def main() -> int:
    """Measure everything; answers 1 where a figure that is to be held does not hold."""
    found: list[figures.Figure] = []
    with tempfile.TemporaryDirectory(prefix="sanad-bench-") as name:
        folder = Path(name)
        node = store.prepare(folder)
        measures: tuple[Callable[[], list[figures.Figure]], ...] = (
            lambda: store.one_act(folder, node),
            lambda: store.four_processes(folder, node),
            lambda: store.fold_again(node),
            lambda: store.verify(node),
            store.sealing,
            lambda: certificates.one_certificate(node),
            lambda: certificates.a_minute(node),
            lambda: certificates.raising(node),
            lambda: search.quickly(node),
            lambda: search.what_a_commit_pays(node),
            verdicts.verdicts,
        )
        for measure in measures:
            for figure in measure():
                found.append(figure)
                print(figure, file=sys.stderr)
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}"
    )
    figures.write(found, machine)
    missed = [each.name for each in found if each.holds is False]
    print("all figures hold" if not missed else f"missed: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
