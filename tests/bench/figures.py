"""A figure, measured beside its peer in the same run, and how a set of them is written down."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Figure:
    """One line of `docs/bench.json`.

    `ratio` says how we compare with the peer (above 1: we are better); `hold` what the ratio, or the value where there
    is no peer, must keep to, and `holds` whether it does. All three are None where nothing is to be held.
    """

    name: str
    value: float
    unit: str
    peer: str | None
    peer_value: float | None
    ratio: float | None
    hold: str | None
    holds: bool | None
    conditions: str


def timed_ms(work: Callable[[], object]) -> float:
    """Milliseconds that `work` takes, by the monotonic clock."""
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def medians_ms(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The median time of each work, run in turns, so that what else the machine does falls on all alike."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for each, work in zip(times, works, strict=True):
            each.append(timed_ms(work))
    return [statistics.median(each) for each in times]


def write(found: Mapping[str, Sequence[Figure]], machine: str, groups: Sequence[str]) -> None:
    """Write `docs/bench.json` and `docs/PERFORMANCE.md`; what was not measured now stays as it was written.

    Args:
        found: the figures of each group that was measured.
        machine: what they were measured on.
        groups: all groups, in the order in which they are written.
    """
    file = _ROOT / "docs" / "bench.json"
    kept: dict[str, list[dict[str, object]]] = {}
    for each in json.loads(file.read_text()):
        kept.setdefault(each.get("group", ""), []).append(each)
    kept |= {group: [asdict(each) | {"group": group} for each in made] for group, made in found.items()}
    rows = [row for group in groups for row in kept.get(group, [])]
    file.write_text(json.dumps(rows, indent=1) + "\n")
    lines = [
        "# How fast it is",
        "",
        "Written by `make bench`: medians, each beside its peer in one run on one machine. A ratio above 1 means that",
        "we are better than the peer. Figures without a peer are times on this machine, and say little about another.",
        "",
        f"Machine: {machine}",
        "",
        "| what | figure | peer | ratio | to hold | holds | conditions |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [_line(Figure(**{name: row[name] for name in Figure.__dataclass_fields__})) for row in rows]  # type: ignore[arg-type]
    file.with_name("PERFORMANCE.md").write_text("\n".join(lines) + "\n")


def _line(each: Figure) -> str:
    peer = "" if each.peer is None or each.peer_value is None else f"{each.peer}: {each.peer_value:.3g} {each.unit}"
    ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
    holds = "" if each.holds is None else ("yes" if each.holds else "**no**")
    return (
        f"| {each.name} | {each.value:.3g} {each.unit} | {peer} | {ratio} | {each.hold or ''} | {holds} "
        f"| {each.conditions} |"
    )
