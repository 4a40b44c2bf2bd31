"""Carrying a corpus over an emulated link: beside rsync, uploads item by item, and resumable uploads, in one run.

The link is one queue a direction between two network namespaces (`tests.support.netlab`). Each program runs with the
congestion control that is named. Times are from the first packet of the transfer to the last answer. What is measured
cold makes its connections within that time; a node that follows has them, as it does all day, and rsync, which keeps
nothing between two runs, has a daemon that listens already. A row that fails is written down as such, and the others
are measured all the same.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.bench import linklab
from tests.bench.figures import Figure
from tests.bench.linklab import Corpus, Line, load, ours, peer, progress
from tests.support.netlab import NetLab, why_not

BAD: Final = Line(1e6, 0.15, 0.01)
WORSE: Final = Line(128e3, 0.4, 0.05)
MIXED: Final[Corpus] = (150, 24, 150_000)
LITTLE: Final[Corpus] = (40, 4, 150_000)
SMALL: Final[Corpus] = (200, 0, 0)
LONG: Final[Corpus] = (20, 60, 150_000)
HOW: Final[tuple[tuple[linklab.What, str], ...]] = (("follow", "by an agent that follows"), ("node", "cold"))
RUNS: Final = 3
"""Of what one lost packet changes much: the median counts."""
RSYNC: Final = ("-az",)
RSYNC_SMALL: Final = (("-az",), ("-a",), ("-a", "--whole-file", "--no-inc-recursive"))
"""Ways to use rsync for small files; the quickest counts."""
SYNCING_S: Final = 12.0
CUT_S: Final = 20.0
WINDOW_S: Final = 0.25
LOOK_S: Final = 0.05
PATIENCE_S: Final = 30.0

Row = Callable[[Path], Iterator[Figure]]


def over_links(folder: Path) -> Iterator[Figure]:
    """The first rows of the figures to hold. Nothing where this machine has no namespaces."""
    if reason := why_not():
        print(f"no links measured: {reason}", file=sys.stderr)
        return
    rows: tuple[tuple[str, Row], ...] = (
        ("mixed corpus", lambda place: _mixed(place, BAD, MIXED, 85)),
        ("mixed corpus, worst link", lambda place: _mixed(place, WORSE, LITTLE, 65)),
        ("200 small records, following", _small),
        ("200 small records, cold", _small_cold),
        ("SIGKILL", _killed),
        ("cut", _cut),
    )
    yield from each_by_itself(folder, rows)


def each_by_itself(folder: Path, rows: tuple[tuple[str, Row], ...]) -> Iterator[Figure]:
    """Measure row by row; one that fails leaves the others, and does not hold."""
    for place, (name, row) in enumerate(rows):
        progress(name)
        try:
            yield from row(folder / str(place))
        except Exception as error:  # noqa: BLE001  (the outermost edge of an unattended run)
            yield Figure(f"{name}: not measured", 0.0, "", None, None, None, "is measured", False, repr(error))


def _mixed(folder: Path, link: Line, corpus: Corpus, hold: int) -> Iterator[Figure]:
    """A corpus of records and scans, under BBR and under CUBIC: by an agent that follows, and cold."""
    for congestion, wanted in (("bbr", 1.1), ("cubic", 1.4)):
        line, place = replace(link, congestion=congestion), folder / congestion
        theirs: dict[str, float] = {}
        for what, how in HOW:
            progress(f"{line}, {congestion}, {how}")
            # Under CUBIC chance decides how fast one run is.
            runs = RUNS if congestion == "cubic" and link is BAD and what == "follow" else 1
            lines = [line] if runs == 1 else [replace(line, seed=seed) for seed in range(runs)]
            all_runs = [ours(place / f"{what}{run}", each, corpus, what) for run, each in enumerate(lines)]
            carried = sorted(all_runs, key=lambda each: each.seconds)[runs // 2]
            told = (
                f"{carried.payload / 1e6:.2f} MB: {corpus[0]} records, {corpus[1]} files of {corpus[2] // 1000} kB "
                f"nothing compresses; {carried.wire / carried.payload:.2f} of it sent; TLS 1.3, signatures; "
                f"{'' if runs == 1 else f'medians of {runs}; '}{load()}"
            )
            name = f"mixed corpus over {line}, {how}"
            share = 100 * carried.payload * 8 / line.rate / carried.seconds
            if congestion == "bbr":
                yield held(f"{name}: share of the link, bbr", share, "%", told, least=hold)
            theirs = theirs or _peers(place / f"{what}0", lines, with_uploads=congestion == "bbr" and link is BAD)
            for words, seconds in theirs.items():
                # What is to hold beside rsync is said for the first link, and for a node as it is all day.
                least = wanted if link is BAD and what == "follow" and words.startswith("rsync") else 0.0
                compare = f"{name}: time, both {congestion}, beside {words.split()[0]}"
                yield held(compare, carried.seconds, "s", told, peer=(words, seconds), at_least=least)


def _peers(folder: Path, lines: Sequence[Line], *, with_uploads: bool) -> dict[str, float]:
    """How long others take for the corpus that lies in a folder, over the same lines."""
    line = lines[0]
    progress(f"rsync {' '.join(RSYNC)}, {line.congestion}")
    rsync = linklab.rsync(RSYNC)
    found = {"rsync -az to its daemon, no TLS": statistics.median(peer(folder, each, rsync) for each in lines)}
    if with_uploads:
        progress("uploads")
        found["HTTPS item by item"] = peer(folder, line, linklab.https("items"))
        found["tus 1.0.0 (resumable uploads) over HTTPS"] = peer(folder, line, linklab.https("tus"))
    return found


def _small(folder: Path) -> Iterator[Figure]:
    """Records that are written while the node's service is connected, as it is all day."""
    runs, payload = [], 0
    for run in range(RUNS):
        line, place = replace(BAD, seed=run), folder / str(run)
        with linklab.lab(place, line) as made, linklab.central(made, place) as served:
            node = linklab.node(made, place, served, SMALL, line.congestion, "follow")
            made.settle()
            before = made.sent()
            answer = node.work()
            made.settle()
            runs.append((float(answer["seconds"]), (made.sent() - before) / int(answer["payload"])))
            payload = int(answer["payload"])
            node.kill()
    seconds, wire = (statistics.median(each) for each in zip(*runs, strict=True))
    beside = _quickest_rsync(folder / "0")
    told = (
        f"{payload / 1000:.0f} kB in {SMALL[0]} records; {BAD}, both bbr; from the first commit to central's "
        f"countersignature of the last, over a stream that is open; medians of {RUNS}; {load()}"
    )
    name = "200 small records alone, by an agent that follows"
    yield held(f"{name}: time", seconds, "s", told, peer=beside, at_least=4)
    yield bounded(f"{name}: bytes on the wire", wire, "× payload", 0.30, f"{told}; TLS, TCP, IP included")


def _small_cold(folder: Path) -> Iterator[Figure]:
    """The same by a node that first has to connect."""
    runs = [ours(folder / str(run), replace(BAD, seed=run), SMALL) for run in range(RUNS)]
    told = (
        f"{runs[0].payload / 1000:.0f} kB in {SMALL[0]} records; {BAD}, both bbr; connecting, challenge, session, "
        f"stream and the public lists within the time; medians of {RUNS}; {load()}"
    )
    name, seconds = "200 small records alone, cold: time", statistics.median(each.seconds for each in runs)
    yield held(name, seconds, "s", told, peer=_quickest_rsync(folder / "0"))
    items = peer(folder / "0", BAD, linklab.https("items"))
    yield held(f"{name}, beside items", seconds, "s", told, peer=("HTTPS item by item", items))


def _quickest_rsync(folder: Path) -> tuple[str, float]:
    """rsync at its best for small files: of its ways, the one with the smallest median."""
    found = {}
    for options in RSYNC_SMALL:
        progress(f"rsync {' '.join(options)}")
        run = linklab.rsync(options)
        found[options] = statistics.median(peer(folder, replace(BAD, seed=seed), run) for seed in range(RUNS))
    best = min(found, key=lambda options: found[options])
    return f"rsync {' '.join(best)} to its daemon, no TLS", found[best]


def _killed(folder: Path) -> Iterator[Figure]:
    """Bytes sent again when either end is killed in the middle, beside runs that nobody disturbs."""
    calm = statistics.median(ours(folder / f"calm{run}", replace(BAD, seed=run), MIXED).carried for run in range(RUNS))
    whom: tuple[linklab.Killed, ...] = ("node", "central")
    for who in whom:
        runs = [ours(folder / f"{who}{run}", replace(BAD, seed=run), MIXED, kill=who) for run in range(RUNS)]
        again = max(0.0, statistics.median(each.carried for each in runs) - calm) / 1024
        told = (
            f"one kill in the middle of {runs[0].payload / 1e6:.1f} MB; bytes that took up the link beyond those of an "
            f"undisturbed run ({calm / 1e6:.2f} MB): what was lost, and the new handshakes; {BAD}, bbr; medians of "
            f"{RUNS}; {load()}"
        )
        yield bounded(f"sent again after SIGKILL of the {who}", again, "KiB", 128, told)


def _cut(folder: Path) -> Iterator[Figure]:
    """How soon a stream is back at 80 % of its rate after the link was dark."""
    runs = [_back_after(folder / str(run), replace(BAD, seed=run), CUT_S + 0.37 * run) for run in range(RUNS)]
    told = (
        f"{BAD}, bbr; over the last {WINDOW_S} s, looked at every {LOOK_S} s; median of {RUNS}: "
        f"{', '.join(f'{each:.1f}' for each in runs)}; {load()}"
    )
    name = "back at 80 % of the rate after the link was dark for 20 s"
    yield bounded(name, statistics.median(runs), "s", 3, told)


def _back_after(folder: Path, line: Line, dark_s: float) -> float:
    with linklab.lab(folder, line) as made, linklab.central(made, folder) as served:
        node = linklab.node(made, folder, served, LONG, line.congestion, "follow")
        node.begin()
        time.sleep(SYNCING_S)
        made.cut()
        time.sleep(dark_s)
        made.restore()
        seconds = _until_back(made)
        node.kill()
    return seconds


def _until_back(made: NetLab) -> float:
    restored_s = time.monotonic()
    seen = [made.arrived()]
    while time.monotonic() - restored_s < PATIENCE_S:
        time.sleep(LOOK_S)
        at_s, count = made.arrived()
        seen.append((at_s, count))
        before_s, before = max((each for each in seen if each[0] <= at_s - WINDOW_S), default=seen[0])
        if at_s - before_s >= WINDOW_S and (count - before) * 8 / (at_s - before_s) >= 0.8 * made.rate:
            return at_s - restored_s
    return PATIENCE_S


def held(
    name: str,
    value: float,
    unit: str,
    told: str,
    *,
    least: float = 0.0,
    peer: tuple[str, float] | None = None,
    at_least: float = 0.0,
) -> Figure:
    """A figure that must be large enough, by itself or (a time) beside a peer's."""
    if peer is None:
        return Figure(name, value, unit, None, None, None, f"≥ {least:g} {unit}", value >= least, told)
    ratio = peer[1] / value
    wanted, holds = (f"≥ {at_least:g} ×", ratio >= at_least) if at_least else (None, None)
    return Figure(name, value, unit, peer[0], peer[1], ratio, wanted, holds, told)


def bounded(name: str, value: float, unit: str, most: float, told: str) -> Figure:
    """A figure that must be small enough."""
    return Figure(name, value, unit, None, None, None, f"≤ {most:g} {unit}", value <= most, told)
