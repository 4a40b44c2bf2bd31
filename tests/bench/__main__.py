"""`make bench`: measures, prints, and writes docs/PERFORMANCE.md and docs/bench.json.

`make bench ARGS="certificates links"` measures these groups alone; the figures of the others stay as they were written.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.bench import backlog, certificates, figures, fleet, links, search, store, verdicts
from tests.bench.figures import Figure
from tests.support.nodes import Node

_NOTHING: Final = (0.0, "", None, None, None, "is measured", False)
"""What stands in a figure that was not measured."""


def main(wanted: Sequence[str]) -> int:
    """Measure; answers 1 where a figure that is to be held does not hold, 2 where there is no such group."""
    found: dict[str, list[Figure]] = {}
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory(prefix="sanad-bench-") as name:
        folder = Path(name)
        groups = _groups(folder)
        if unknown := [each for each in wanted if each not in groups]:
            print(f"no group named {', '.join(unknown)}; there are {', '.join(groups)}", file=sys.stderr)
            return 2
        for group in wanted or groups:
            found[group] = []
            try:
                for figure in groups[group]():
                    found[group].append(figure)
                    print(figure, file=sys.stderr, flush=True)
            except Exception as error:  # noqa: BLE001  (the outermost edge of an unattended run)
                found[group].append(Figure(f"{group}: the rest was not measured", *_NOTHING, repr(error)))
                traceback.print_exc()
            # After each: a run takes long, and what it measured stays.
            figures.write(found, machine, list(groups))
    missed = [each.name for one in found.values() for each in one if each.holds is False]
    print("all figures hold" if not missed else f"missed: {', '.join(missed)}")
    return 1 if missed else 0


def _groups(folder: Path) -> dict[str, Callable[[], Iterable[Figure]]]:
    """What is measured together, by name, in the order in which it is written."""
    kept: list[Node] = []

    def node() -> Node:
        if not kept:
            kept.append(store.prepare(folder))
        return kept[0]

    return {
        "store": lambda: [
            *store.one_act(folder, node()),
            *store.four_processes(folder, node()),
            *store.fold_again(node()),
            *store.verify(node()),
            *store.sealing(),
        ],
        "certificates": lambda: [
            *certificates.one_certificate(node()),
            *certificates.a_minute(node()),
            *certificates.raising(node()),
        ],
        "verdicts": verdicts.verdicts,
        "search": lambda: [*search.quickly(node()), *search.what_a_commit_pays(node())],
        "fleet": lambda: fleet.pages(folder),
        "links": lambda: links.over_links(folder / "links"),
        "backlog": lambda: backlog.backlog(folder / "backlog"),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
