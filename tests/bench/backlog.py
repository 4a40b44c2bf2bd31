"""A centre that was dark for 72 hours, and has a link of 256 kbit/s again: real minutes, and the whole in a model.

The whole takes hours. So ten minutes are really measured over the emulated link, with a node that holds all of the
backlog and goes on working; and the whole runs in simulated time (`tests.bench.backlogmodel`), with the link as those
minutes showed it. The model's delays are set so that its median is the measured one; its other figures follow.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench import backlogmodel, caseload, linklab
from tests.bench.backlogmodel import Pipe
from tests.bench.figures import Figure
from tests.bench.linklab import Line, load, progress
from tests.bench.links import bounded, each_by_itself
from tests.support.netlab import why_not

LINE: Final = Line(256e3, 0.15, 0.01)
MINUTES: Final = float(os.environ.get("SANAD_BENCH_BACKLOG_MINUTES", "10"))
APPLICATIONS: Final = int(os.environ.get("SANAD_BENCH_BACKLOG_APPLICATIONS", str(caseload.BACKLOG)))
HOLD_S: Final = 2.0
CALIBRATING: Final = 40
"""Applications; the median does not hang on how many there are."""
PROGRAM: Final = (sys.executable, "-m", "tests.bench.backlogprogram")


@dataclass(frozen=True)
class Minutes:
    """What the real minutes came to."""

    entries: int
    packed: int
    """Bytes of the backlog's entries as frames."""
    written: int
    """The same as they were written: headers, salts and bodies."""
    files: int
    """Bytes of its sealed files."""
    countersigned_s: float
    took: tuple[float, ...]
    wire: int
    seconds: float
    files_sent: int

    @property
    def p95(self) -> float:
        """Of the times from commit to cosignature."""
        return statistics.quantiles(self.took, n=20)[-1]

    @property
    def median(self) -> float:
        """The same."""
        return statistics.median(self.took)


def backlog(folder: Path) -> Iterator[Figure]:
    """Figures of a backlog. Nothing where this machine has no namespaces."""
    if reason := why_not():
        print(f"no backlog measured: {reason}", file=sys.stderr)
        return
    yield from each_by_itself(folder, (("backlog of 72 hours", _rows),))


def _rows(folder: Path) -> Iterator[Figure]:
    found = _minutes(folder)
    whole = f"{APPLICATIONS} applications ({caseload.APPLICATIONS_A_DAY} a day)"
    told = f"{whole}; {LINE}, bbr; TLS and signatures on; {load()}"
    name = "backlog of 72 hours at 256 kbit/s"
    busy = f"{len(found.took)} acts in {found.seconds / 60:.1f} real minutes, while papers go up; {told}"
    rate = found.files_sent / found.seconds
    yield bounded(f"{name}: an act until it is countersigned, p95", found.p95, "s", HOLD_S, busy)
    yield _plain(f"{name}: the same, median", found.median, "s", busy)
    yield _plain(f"{name}: share of the link meanwhile", 800 * found.wire / found.seconds / LINE.rate, "%", busy)
    yield _plain(f"{name}: share that sealed files had of it", 800 * rate / LINE.rate, "%", busy)
    yield _plain(
        f"{name}: every entry countersigned after", found.countersigned_s, "s", f"{found.entries} entries; {told}"
    )
    each = f"{found.written / APPLICATIONS:.0f} bytes as written; {found.entries / APPLICATIONS:.1f} entries; {whole}"
    yield _plain("bytes an application: its entries, packed", found.packed / APPLICATIONS, "bytes", each)
    yield _plain(
        "bytes an application: its sealed files", found.files / APPLICATIONS, "bytes", f"scans, strokes, PDF; {whole}"
    )
    progress("the whole backlog, in simulated time")
    yield from _whole(found, rate, f"{name}, simulated")


def _whole(found: Minutes, rate: float, name: str) -> Iterator[Figure]:
    delay_s = _delay_s(found.median, rate)
    drained = backlogmodel.World(_pipe(rate, delay_s), APPLICATIONS, seed=72).run()
    told = (
        f"simulated time: the shipped sender, follower and receiver over a model of the link, {rate:.0f} bytes of "
        f"files a second as measured above and {delay_s:.2f} s of delay so that the medians agree; no cuts, and no "
        f"tail of lost packets; the centre works on, {caseload.APPLICATIONS_A_DAY} applications in 8 hours"
    )
    p95 = statistics.quantiles(drained.took, n=20)[-1]
    yield _plain(f"{name}: every entry countersigned after", drained.entries_s, "s", told)
    yield _plain(f"{name}: everything at central after", drained.all_s / 3600, "h", told)
    yield bounded(
        f"{name}: an act until it is countersigned, p95", p95, "s", HOLD_S, f"{len(drained.took)} acts; {told}"
    )


def _delay_s(median: float, rate: float) -> float:
    """What the model must add, there and back, so that an act takes as long as it did."""
    bare = backlogmodel.World(_pipe(rate, 0.0), CALIBRATING, seed=1).run()
    return max(0.0, median - statistics.median(bare.took))


def _pipe(rate: float, delay_s: float) -> Pipe:
    return Pipe(rate, delay_s - min(delay_s, LINE.delay), min(delay_s, LINE.delay))


def _minutes(folder: Path) -> Minutes:
    """The real ones: over the emulated link, with the whole of the backlog at the node."""
    with linklab.lab(folder, LINE) as made, linklab.central(made, folder) as served:
        progress(f"writing {APPLICATIONS} applications")
        arguments = (str(folder / "node"), served.invite, str(APPLICATIONS), str(60 * MINUTES))
        process = made.start("edge", *PROGRAM, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            written = linklab.line(process)
            progress("the link is back: entries first")
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            countersigned_s = float(linklab.line(process)["countersigned_s"])
            progress(f"all entries countersigned; {MINUTES:g} minutes of work while papers go up")
            made.settle()
            begun_s, before = made.arrived()
            files_before = _bytes_at(folder)
            answer = linklab.line(process)
            made.settle()
            ended_s, after = made.arrived()
            files_after = _bytes_at(folder)
        finally:
            process.kill()
            process.wait()
    shutil.rmtree(folder / "node")
    return Minutes(
        int(written["entries"]),
        int(written["packed"]),
        int(written["written"]),
        int(written["files"]),
        countersigned_s,
        tuple(answer["took"]),
        int(after - before),
        ended_s - begun_s,
        files_after - files_before,
    )


def _bytes_at(folder: Path) -> int:
    """Of sealed files, whole or not, that central has."""
    places = (folder / "central" / "blobs", folder / "central" / "incoming")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            return sum(file.stat().st_size for place in places for file in place.rglob("*") if file.is_file())
        except FileNotFoundError:
            # One became whole, and moved, just then.
            continue
    raise TimeoutError("central's files do not rest")


def _plain(name: str, value: float, unit: str, told: str) -> Figure:
    return Figure(name, value, unit, None, None, None, None, None, told)
