"""Driving programs on the two sides of an emulated link: our own (`tests.bench.linkprograms`), and their peers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tests.support.netlab import CENTRAL, NetLab

PROGRAMS: Final = (sys.executable, "-m", "tests.bench.linkprograms")
RSYNC_PORT: Final = 8873
Corpus = tuple[int, int, int]
"""Records, files, and bytes of a file."""
What = Literal["node", "follow"]
Killed = Literal["node", "central"]


@dataclass(frozen=True)
class Line:
    """A link: bits a second, seconds one way, the chance of a packet to be lost."""

    rate: float
    delay: float
    loss: float
    congestion: str = "bbr"
    seed: int = 42

    def __str__(self) -> str:
        rate = f"{self.rate / 1e6:g} Mbit/s" if self.rate >= 1e6 else f"{self.rate / 1e3:g} kbit/s"
        return f"{rate}, {2000 * self.delay:.0f} ms, {100 * self.loss:g} % loss"


@dataclass(frozen=True)
class Sync:
    """What one sync of ours came to."""

    seconds: float
    payload: int
    wire: int
    """Bytes that the node gave to the link."""
    carried: int
    """Those that took up the link: what a full queue drops at once, as BBR finds out the rate, does not."""


class Node:
    """Our node's program on the link's edge."""

    def __init__(self, process: subprocess.Popen[str], payload: int) -> None:
        self.process = process
        self.payload = payload

    def begin(self) -> None:
        """Let it work."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def ended(self) -> dict[str, Any]:
        """Wait until it says how it went."""
        answer = line(self.process)
        if not answer["complete"]:
            raise RuntimeError("not everything arrived")
        return answer

    def work(self) -> dict[str, Any]:
        """Let it work, and wait until it says how it went."""
        self.begin()
        return self.ended()

    def kill(self) -> None:
        """SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass
class Served:
    """Our central's program."""

    process: subprocess.Popen[str]
    invite: str

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()


def progress(what: str) -> None:
    """Say what is measured now, and how busy the machine is."""
    print(f"{time.strftime('%H:%M:%S')} load {os.getloadavg()[0]:.1f}: {what}", file=sys.stderr, flush=True)


def load() -> str:
    """How busy the machine is, for a figure's conditions."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


@contextmanager
def lab(folder: Path, link: Line) -> Iterator[NetLab]:
    """The link, in namespaces of this process's own name."""
    folder.mkdir(parents=True, exist_ok=True)
    with NetLab(
        f"sb{os.getpid() % 1_000_000}",
        folder / "stats",
        rate=link.rate,
        delay=link.delay,
        loss=link.loss,
        seed=link.seed,
        congestion=link.congestion,
    ) as made:
        yield made


@contextmanager
def central(made: NetLab, folder: Path) -> Iterator[Served]:
    """Our central, until the end; a home that is there already is served again."""
    process = made.start("central", *PROGRAMS, "central", str(folder / "central"), stdout=subprocess.PIPE)
    served = Served(process, str(line(process)["invite"]))
    try:
        yield served
    finally:
        served.kill()


def node(
    made: NetLab,
    folder: Path,
    served: Served,
    corpus: Corpus,
    congestion: str,
    what: Literal["node", "follow"] = "node",
) -> Node:
    """A new node, enrolled; it has its corpus, or follows and gets it with `begin`."""
    arguments = (str(folder / "node"), served.invite, *map(str, corpus), congestion)
    process = _start(made, what, *arguments)
    return Node(process, int(line(process)["payload"]))


def again(made: NetLab, folder: Path, congestion: str, payload: int) -> Node:
    """A node that was killed, started again."""
    process = _start(made, "again", str(folder / "node"), congestion)
    line(process)
    return Node(process, payload)


def ours(folder: Path, link: Line, corpus: Corpus, what: What = "node", kill: Killed | None = None) -> Sync:
    """One sync of a node that has synced before; with a kill of one end in its middle, if so told.

    A node that follows does the work within the time, and is done when it has heard that all of it is at central.
    """
    with lab(folder, link) as made, ExitStack() as stack:
        served = stack.enter_context(central(made, folder))
        here = node(made, folder, served, corpus, link.congestion, what)
        made.settle()
        before = made.sent(), made.carried()
        here.begin()
        if kill is not None:
            time.sleep(0.5 * here.payload * 8 / link.rate)
        if kill == "node":
            here.kill()
            here = again(made, folder, link.congestion, here.payload)
            here.begin()
        elif kill == "central":
            served.kill()
            stack.enter_context(central(made, folder))
        answer = here.ended()
        made.settle()
        wire, carried = made.sent() - before[0], made.carried() - before[1]
        here.kill()
    return Sync(float(answer["seconds"]), int(answer.get("payload", here.payload)), wire, carried)


def peer(folder: Path, link: Line, run: Callable[[NetLab, Path], float]) -> float:
    """How long a peer takes over such a link; the corpus lies in `folder`."""
    with lab(folder / "peer", link) as made:
        return run(made, folder)


def rsync(options: tuple[str, ...]) -> Callable[[NetLab, Path], float]:
    """The same corpus as files, by rsync to its daemon, which listens already: without TLS and without a signature."""

    def run(made: NetLab, folder: Path) -> float:
        target = folder / "peer" / f"target{time.monotonic_ns()}"
        target.mkdir()
        config = folder / "peer" / "rsyncd.conf"
        lines = ("use chroot = no", "uid = root", "gid = root", "[corpus]", f"path = {target}", "read only = no")
        config.write_text("\n".join(lines) + "\n")
        where = (f"--port={RSYNC_PORT}", f"--address={CENTRAL}")
        daemon = made.start("central", "rsync", "--daemon", "--no-detach", f"--config={config}", *where)
        try:
            time.sleep(1)
            begun = time.monotonic()
            made.call("edge", "rsync", *options, f"{folder / 'corpus'}/", f"rsync://{CENTRAL}:{RSYNC_PORT}/corpus/")
            return time.monotonic() - begun
        finally:
            daemon.kill()
            daemon.wait()

    return run


def https(what: Literal["items", "tus"]) -> Callable[[NetLab, Path], float]:
    """The same corpus as files, by one of the two uploads in `tests.bench.uploads`."""

    def run(made: NetLab, folder: Path) -> float:
        target = folder / "peer" / f"{what}{time.monotonic_ns()}"
        module = (sys.executable, "-m", "tests.bench.uploads")
        server = made.start("central", *module, "receive", str(target), stdout=subprocess.PIPE)
        try:
            ca = str(line(server)["ca"])
            return float(json.loads(made.call("edge", *module, what, str(folder / "corpus"), ca))["seconds"])
        finally:
            server.kill()
            server.wait()

    return run


def line(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line of JSON that a program says.

    Raises:
        RuntimeError: it ended.
    """
    assert process.stdout is not None
    said = process.stdout.readline()
    if not said:
        raise RuntimeError("a program on the link ended before its time")
    found: dict[str, Any] = json.loads(said)
    return found


def _start(made: NetLab, *arguments: str) -> subprocess.Popen[str]:
    return made.start("edge", *PROGRAMS, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
