"""Carrying a corpus over an emulated link: beside rsync, uploads item by item, and resumable uploads, in one run.

The link is one queue a direction between two network namespaces (`tests.support.netlab`). Each program runs with the
congestion control that is named. Times are from the first packet of the transfer to the last answer; making connections
counts, except that of a node which has synced before.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.figures import Figure
from tests.support.netlab import CENTRAL, NetLab, why_not

PROGRAMS: Final = (sys.executable, "-m", "tests.bench.linkprograms")
RSYNC_PORT: Final = 8873
BAD: Final = {"rate": 1e6, "delay": 0.15, "loss": 0.01}
WORSE: Final = {"rate": 128e3, "delay": 0.4, "loss": 0.05}
MIXED: Final = (150, 24, 150_000)
"""Records, files, and bytes of a file: 3.7 MB."""
LITTLE: Final = (40, 4, 150_000)
SMALL: Final = (200, 0, 0)
CUT_S: Final = 20.0
SAMPLE_S: Final = 0.25
PATIENCE_S: Final = 30.0


@dataclass(frozen=True)
class Sync:
    """What one sync of ours came to."""

    seconds: float
    payload: int
    wire: int
    """Bytes that the node put on the link."""


def over_links(folder: Path) -> list[Figure]:
    """The first rows of the figures to hold. Nothing where this machine has no namespaces."""
    if reason := why_not():
        print(f"no links measured: {reason}", file=sys.stderr)
        return []
    return [
        *_mixed(folder / "bad", "1 Mbit/s, 300 ms, 1 % loss", BAD, MIXED, 85),
        *_mixed(folder / "worse", "128 kbit/s, 800 ms, 5 % loss", WORSE, LITTLE, 65),
        *_small(folder / "small"),
        *_killed(folder / "killed"),
        *_cut(folder / "cut"),
    ]


def _mixed(folder: Path, name: str, link: dict[str, float], corpus: tuple[int, int, int], hold: int) -> list[Figure]:
    """A corpus of records and scans, under BBR and under CUBIC."""
    figures = []
    for congestion, wanted in (("bbr", 1.1), ("cubic", 1.4)):
        place = folder / congestion
        ours = _ours(place, link, corpus, congestion)
        share = 100 * ours.payload * 8 / link["rate"] / ours.seconds
        rsync = _peer(place, link, congestion, _rsync)
        told = (
            f"{ours.payload / 1e6:.2f} MB, of which {corpus[1]} files of {corpus[2] // 1000} kB nothing compresses; "
            f"{ours.seconds:.1f} s, {ours.wire / ours.payload:.2f} of it on the wire"
        )
        if congestion == "bbr":
            figures.append(held(f"mixed corpus over {name}: share of the link, bbr", share, "%", told, least=hold))
        if link is BAD:
            if congestion == "bbr":
                for what, words in (("items", "item by item over HTTPS"), ("pieces", "resumable uploads over HTTPS")):
                    told += f"; {words}: {_peer(place, link, congestion, _https(what)):.1f} s"
            peer = (f"rsync -az to its daemon, {congestion}", rsync)
            figures.append(
                held(
                    f"mixed corpus over {name}: time, both {congestion}",
                    ours.seconds,
                    "s",
                    told,
                    peer=peer,
                    at_least=wanted,
                )
            )
    return figures


def _small(folder: Path) -> list[Figure]:
    """Records that are written while the node's service is connected, as it is all day."""
    with _lab(folder, BAD, "bbr") as lab, _central(lab, folder) as central:
        node = _node(lab, folder, central, SMALL, "bbr", follow=True)
        lab.settle()
        before = lab.sent()
        answer = node.work()
        lab.settle()
        wire = (lab.sent() - before) / int(answer["payload"])
        node.kill()
    seconds = float(answer["seconds"])
    rsync = _peer(folder, BAD, "bbr", _rsync)
    told = (
        f"{int(answer['payload']) / 1000:.0f} kB in 200 records; 1 Mbit/s, 300 ms, 1 % loss, both bbr; from the first "
        "commit to central's countersignature of the last, over a stream that is open"
    )
    return [
        held("200 small records alone: time", seconds, "s", told, peer=("rsync -az to its daemon", rsync), at_least=4),
        bounded(
            "200 small records alone: bytes on the wire", wire, "× payload", 0.30, f"{told}; TLS, TCP, IP included"
        ),
    ]


def _killed(folder: Path) -> list[Figure]:
    """Bytes sent again when either end is killed in the middle, beside a run that nobody disturbs."""
    calm = _ours(folder / "calm", BAD, MIXED, "bbr")
    figures = []
    for who in ("node", "central"):
        disturbed = _ours(folder / who, BAD, MIXED, "bbr", kill=who)
        again = max(0, disturbed.wire - calm.wire) / 1024
        told = (
            f"one kill in the middle of {calm.payload / 1e6:.1f} MB; bytes on the link beyond those of "
            f"an undisturbed run ({calm.wire / 1e6:.2f} MB): what was lost, and the new handshakes"
        )
        figures.append(bounded(f"sent again after SIGKILL of the {who}", again, "KiB", 128, told))
    return figures


def _cut(folder: Path) -> list[Figure]:
    """How soon a stream is back at 80 % of its rate after the link was dark."""
    with _lab(folder, BAD, "bbr") as lab, _central(lab, folder) as central:
        node = _node(lab, folder, central, (20, 60, 150_000), "bbr", follow=True)
        node.begin()
        time.sleep(12)
        lab.cut()
        time.sleep(CUT_S)
        lab.restore()
        seconds = _until_back(lab)
        node.kill()
    told = f"1 Mbit/s, 300 ms, 1 % loss, bbr; looked at every {SAMPLE_S} s"
    return [bounded("back at 80 % of the rate after the link was dark for 20 s", seconds, "s", 3, told)]


def _until_back(lab: NetLab) -> float:
    restored, before = time.monotonic(), lab.delivered()
    while (passed := time.monotonic() - restored) < PATIENCE_S:
        time.sleep(SAMPLE_S)
        now = lab.delivered()
        if (now - before) * 8 / SAMPLE_S >= 0.8 * lab.rate:
            return time.monotonic() - restored
        before = now
    return passed


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
        return Figure(name, value, unit, None, None, None, f"≥ {least} {unit}", value >= least, told)
    ratio = peer[1] / value
    return Figure(name, value, unit, peer[0], peer[1], ratio, f"≥ {at_least} ×", ratio >= at_least, told)


def bounded(name: str, value: float, unit: str, most: float, told: str) -> Figure:
    """A figure that must be small enough."""
    return Figure(name, value, unit, None, None, None, f"≤ {most} {unit}", value <= most, told)


class _Node:
    """Our node's program on the link's edge."""

    def __init__(self, process: subprocess.Popen[str], payload: int) -> None:
        self._process = process
        self.payload = payload

    def begin(self) -> None:
        self._tell("go")

    def sync(self) -> float:
        self._tell("go")
        answer = _line(self._process)
        if not answer["complete"]:
            raise RuntimeError("not everything arrived")
        return float(answer["seconds"])

    def work(self) -> dict[str, Any]:
        self._tell("go")
        return _line(self._process)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()


def _ours(folder: Path, link: dict[str, float], corpus: tuple[int, int, int], congestion: str, kill: str = "") -> Sync:
    with _lab(folder, link, congestion) as lab, ExitStack() as stack:
        central = stack.enter_context(_central(lab, folder))
        node = _node(lab, folder, central, corpus, congestion)
        lab.settle()
        before = lab.sent()
        if not kill:
            seconds = node.sync()
        else:
            node.begin()
            time.sleep(0.5 * node.payload * 8 / link["rate"])
            if kill == "node":
                node.kill()
                node = _node(lab, folder, central, (0, 0, 0), congestion, again=node.payload)
            else:
                central.process.send_signal(signal.SIGKILL)
                central.process.wait()
                node.kill()
                central = stack.enter_context(_central(lab, folder))
                node = _node(lab, folder, central, (0, 0, 0), congestion, again=node.payload)
            seconds = node.sync()
        lab.settle()
        wire = lab.sent() - before
        node.kill()
    return Sync(seconds, node.payload, wire)


@dataclass
class _Served:
    process: subprocess.Popen[str]
    invite: str


@contextmanager
def _central(lab: NetLab, folder: Path) -> Iterator[_Served]:
    process = lab.start("central", *PROGRAMS, "central", str(folder / "central"), stdout=subprocess.PIPE)
    try:
        yield _Served(process, str(_line(process)["invite"]))
    finally:
        process.kill()
        process.wait()


def _node(
    lab: NetLab,
    folder: Path,
    central: _Served,
    corpus: tuple[int, int, int],
    congestion: str,
    *,
    again: int = 0,
    follow: bool = False,
) -> _Node:
    what = "again" if again else "follow" if follow else "node"
    process = lab.start(
        "edge",
        *PROGRAMS,
        what,
        str(folder / "node"),
        central.invite,
        *map(str, corpus),
        congestion,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    return _Node(process, again or int(_line(process)["payload"]))


@contextmanager
def _lab(folder: Path, link: dict[str, float], congestion: str) -> Iterator[NetLab]:
    folder.mkdir(parents=True, exist_ok=True)
    with NetLab("snbench", folder / "stats", congestion=congestion, **link) as lab:  # type: ignore[arg-type]
        yield lab


def _peer(folder: Path, link: dict[str, float], congestion: str, run: Callable[[NetLab, Path], float]) -> float:
    with _lab(folder / "peer", link, congestion) as lab:
        return run(lab, folder)


def _rsync(lab: NetLab, folder: Path) -> float:
    """The same corpus as files, by rsync to its daemon: compressed, without TLS and without a signature."""
    target = folder / "peer" / "target"
    target.mkdir(exist_ok=True)
    config = folder / "peer" / "rsyncd.conf"
    lines = ("use chroot = no", "uid = root", "gid = root", "[corpus]", f"path = {target}", "read only = no")
    config.write_text("\n".join(lines) + "\n")
    daemon = lab.start(
        "central",
        "rsync",
        "--daemon",
        "--no-detach",
        f"--config={config}",
        f"--port={RSYNC_PORT}",
        f"--address={CENTRAL}",
    )
    try:
        time.sleep(1)
        begun = time.monotonic()
        lab.call("edge", "rsync", "-az", f"{folder / 'corpus'}/", f"rsync://{CENTRAL}:{RSYNC_PORT}/corpus/")
        return time.monotonic() - begun
    finally:
        daemon.kill()
        daemon.wait()


def _https(what: str) -> Callable[[NetLab, Path], float]:
    def run(lab: NetLab, folder: Path) -> float:
        server = lab.start("central", *PROGRAMS, "receive", str(folder / "peer" / what), stdout=subprocess.PIPE)
        try:
            ca = str(_line(server)["ca"])
            return float(json.loads(lab.call("edge", *PROGRAMS, what, str(folder / "corpus"), ca))["seconds"])
        finally:
            server.kill()
            server.wait()

    return run


def _line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("a program on the link ended before its time")
    found: dict[str, Any] = json.loads(line)
    return found
