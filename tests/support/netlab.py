"""One bad link between two network namespaces: for root on Linux, with neither netem nor a second machine.

As a program, `python -m tests.support.netlab NAME --rate 1e6 …` makes the namespaces NAME-edge (10.77.0.1) and
NAME-central (10.77.0.2), joins them by two TUN devices, and forwards packets through one queue a direction:
serialisation at `rate` (bit/s), one-way `delay` (s), random `loss`, a queue of `queue` bytes that drops its tail.
SIGUSR1 cuts the link, SIGUSR2 restores it, SIGTERM ends it and removes both namespaces.

`NetLab` is that program under a test's hand.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import heapq
import json
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

EDGE: Final = "10.77.0.1"
CENTRAL: Final = "10.77.0.2"
SIDES: Final = (("edge", EDGE), ("central", CENTRAL))
TUNSETIFF: Final = 0x400454CA
IFF_TUN_NO_PI: Final = 0x0001 | 0x1000
BURST_PACKETS: Final = 64
STATS_INTERVAL_S: Final = 0.05
_TUN: Final = "/dev/net/tun"


def why_not() -> str:
    """Why this machine has no namespaces for a test; empty where it has."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None or not Path(_TUN).exists():
        return "there is no `ip`, or no /dev/net/tun"
    made = subprocess.run(["ip", "netns", "add", "sanad-probe"], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", "sanad-probe"], check=False, capture_output=True)
    return "network namespaces are not allowed here" if made.returncode else ""


class NetLab:
    """A link, from `with` to its end.

    Args:
        name: of the namespaces; at most 10 letters.
        stats: where the counters are written.
        rate: bits a second, each way.
        delay: seconds, one way.
        loss: chance of a packet.
        queue: bytes.
        congestion: the congestion control of both sides.
    """

    def __init__(
        self,
        name: str,
        stats: Path,
        *,
        rate: float = 1e6,
        delay: float = 0.15,
        loss: float = 0.01,
        queue: int = 65536,
        seed: int = 42,
        congestion: str = "bbr",
    ) -> None:
        self.name = name
        self.rate = rate
        self._stats = stats
        self._congestion = congestion
        self._command = [
            *(sys.executable, "-m", "tests.support.netlab", name, "--stats", str(stats), "--seed", str(seed)),
            *("--rate", str(rate), "--delay", str(delay), "--loss", str(loss), "--queue", str(queue)),
        ]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> NetLab:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the link did not come up")
        # A namespace may only choose what the machine allows.
        allowed = Path("/proc/sys/net/ipv4/tcp_allowed_congestion_control")
        if self._congestion not in allowed.read_text().split():
            allowed.write_text(f"{allowed.read_text().strip()} {self._congestion}")
        for side, _ in SIDES:
            self.call(side, "sysctl", "-qw", f"net.ipv4.tcp_congestion_control={self._congestion}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=10)

    def start(self, side: str, *command: str, **options: Any) -> subprocess.Popen[str]:
        """Start a program on one side."""
        return subprocess.Popen(self._inside(side, command), text=True, **options)

    def call(self, side: str, *command: str) -> str:
        """Run a program on one side, and give what it wrote."""
        ended = subprocess.run(self._inside(side, command), check=True, capture_output=True, text=True)
        return ended.stdout

    def cut(self) -> None:
        """Nothing passes from now on."""
        self._signal(signal.SIGUSR1)

    def restore(self) -> None:
        """Packets pass again."""
        self._signal(signal.SIGUSR2)

    def move(self, address: str) -> None:
        """The edge gets another address, as from another modem: connections from the old one lead nowhere."""
        device = f"{self.name[:12]}0"
        self.call("edge", "ip", "addr", "flush", "dev", device)
        self.call("edge", "ip", "addr", "add", f"{address}/24", "dev", device)

    def sent(self, side: str = "edge") -> int:
        """Bytes that one side has put on the link, as of just now (`STATS_INTERVAL_S`)."""
        return int(self._counters()[side]["bytes"])

    def carried(self, side: str = "edge") -> int:
        """Bytes of one side that took up the link: all but what its full queue dropped."""
        return int(self._counters()[side]["carried_bytes"])

    def delivered(self, side: str = "edge") -> int:
        """Bytes of one side that arrived at the other."""
        return int(self._counters()[side]["delivered_bytes"])

    def arrived(self, side: str = "edge") -> tuple[float, int]:
        """When the counters were written, by the monotonic clock, and the bytes of one side that had arrived then."""
        counters = self._counters()
        return float(counters["now"]["at"]), int(counters[side]["delivered_bytes"])

    def settle(self) -> None:
        """Wait until the counters are those of now."""
        time.sleep(4 * STATS_INTERVAL_S)

    def _counters(self) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = json.loads(self._stats.read_text())
        return found

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _inside(self, side: str, command: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", f"{self.name}-{side}", *command]


class Link:
    """The queue between two TUN devices."""

    def __init__(self, tuns: list[int], options: argparse.Namespace) -> None:
        self.tuns, self.options = tuns, options
        self.random = random.Random(options.seed)
        self.cut = False
        self.free_at = [0.0, 0.0]
        self.in_flight: list[tuple[float, int, int, bytes]] = []
        self.sequence = 0
        names = ("bytes", "carried_bytes", "packets", "lost", "queue_dropped", "cut_dropped", "delivered_bytes")
        self.counters = [dict.fromkeys(names, 0) for _ in tuns]

    def accept(self, direction: int, packet: bytes) -> None:
        counters, options, now = self.counters[direction], self.options, time.monotonic()
        counters["bytes"] += len(packet)
        counters["packets"] += 1
        if self.cut:
            counters["cut_dropped"] += 1
            return
        backlog = max(0.0, self.free_at[direction] - now) * options.rate / 8
        if backlog + len(packet) > options.queue:
            counters["queue_dropped"] += 1
            return
        self.free_at[direction] = max(self.free_at[direction], now) + len(packet) * 8 / options.rate
        counters["carried_bytes"] += len(packet)
        if self.random.random() < options.loss:
            # Lost on the air: it still used the link.
            counters["lost"] += 1
            return
        self.sequence += 1
        heapq.heappush(self.in_flight, (self.free_at[direction] + options.delay, self.sequence, direction, packet))

    def deliver(self) -> None:
        now = time.monotonic()
        while self.in_flight and self.in_flight[0][0] <= now:
            _, _, direction, packet = heapq.heappop(self.in_flight)
            if self.cut:
                self.counters[direction]["cut_dropped"] += 1
                continue
            with contextlib.suppress(OSError):
                os.write(self.tuns[1 - direction], packet)
                self.counters[direction]["delivered_bytes"] += len(packet)

    def write_stats(self) -> None:
        part = Path(f"{self.options.stats}.part")
        found = {side: counters for (side, _), counters in zip(SIDES, self.counters, strict=True)}
        part.write_text(json.dumps({**found, "now": {"at": time.monotonic()}}))
        part.replace(self.options.stats)

    def serve(self) -> None:
        poll = select.epoll()
        for tun in self.tuns:
            poll.register(tun, select.EPOLLIN)
        self.write_stats()
        print("ready", flush=True)
        written_at = 0.0
        while True:
            now = time.monotonic()
            if now - written_at > STATS_INTERVAL_S:
                self.write_stats()
                written_at = now
            self.deliver()
            wait = STATS_INTERVAL_S
            if self.in_flight:
                wait = min(wait, max(0.0, self.in_flight[0][0] - time.monotonic()))
            for tun, _ in poll.poll(wait):
                self._take(tun)

    def _take(self, tun: int) -> None:
        for _ in range(BURST_PACKETS):
            try:
                packet = os.read(tun, 65536)
            except BlockingIOError:
                return
            self.accept(self.tuns.index(tun), packet)


def _run(command: str, *, check: bool = True) -> None:
    subprocess.run(command.split(), check=check, stderr=None if check else subprocess.DEVNULL)


def _open_tun(name: str) -> int:
    descriptor = os.open(_TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
    return descriptor


def _build(name: str) -> list[int]:
    tuns = []
    for index, (side, address) in enumerate(SIDES):
        device, space = f"{name[:12]}{index}", f"{name}-{side}"
        _run(f"ip netns del {space}", check=False)
        _run(f"ip netns add {space}")
        tuns.append(_open_tun(device))
        _run(f"ip link set {device} netns {space}")
        _run(f"ip -n {space} addr add {address}/24 dev {device}")
        _run(f"ip -n {space} link set {device} mtu 1500 txqueuelen 1000 up")
        _run(f"ip -n {space} link set lo up")
    return tuns


def main() -> None:
    """Make the link, and forward until told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("--rate", type=float, default=1e6)
    parser.add_argument("--delay", type=float, default=0.15)
    parser.add_argument("--loss", type=float, default=0.01)
    parser.add_argument("--queue", type=int, default=65536)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--stats", required=True)
    options = parser.parse_args()
    link = Link(_build(options.name), options)

    def finish(*_signal: object) -> None:
        link.write_stats()
        for name, _ in SIDES:
            _run(f"ip netns del {options.name}-{name}", check=False)
        os._exit(0)

    signal.signal(signal.SIGUSR1, lambda *_: setattr(link, "cut", True))
    signal.signal(signal.SIGUSR2, lambda *_: setattr(link, "cut", False))
    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    link.serve()


if __name__ == "__main__":
    main()
