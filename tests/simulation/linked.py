"""`sanad node`, a counter and `sanad central serve` as real processes on the two sides of an emulated link."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from appliance.access.operators import NewOperator
from appliance.access.session import Role
from appliance.journal.entry import Entry
from appliance.journal.ids import BlobDigest
from appliance.journal.kinds import SubjectErased
from appliance.records import folding
from appliance.records.database import Database
from appliance.sealing import slotfile, slots
from appliance.store.store import COSIGNER, Store
from provisioning.centralcommands import make_central
from provisioning.centralopening import open_central
from provisioning.enrolment import enrol_node
from provisioning.opening import open_store
from provisioning.settings import CENTRAL_FILE, NODE_FILE, central_settings
from sync.central.layout import CentralLayout
from sync.central.locker import Locker
from sync.central.serve import Service, bind
from tests.simulation.audit import Broken, Promises, verified_journal
from tests.support.centrals import HOST
from tests.support.commands import CENTRE, PASSPHRASE, ROOT, Place, free_port
from tests.support.netlab import CENTRAL, NetLab

PORT: Final = 8443
LOOK_S: Final = 0.1
PATIENCE_S: Final = 90.0


@dataclass
class LinkedPlace(Place):
    """A central on one side of a link, a node on the other; both homes lie in one folder."""

    lab: NetLab = field(kw_only=True)
    _running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def placed(self, command: list[str]) -> list[str]:
        """In the network of its side."""
        side = "central" if command[3] == "central" else "edge"
        return ["ip", "netns", "exec", f"{self.lab.name}-{side}", *command]

    def make(self) -> None:
        """Make central and its node, who meet on loopback, and start both where they are to work."""
        port = free_port()
        settings = central_settings("Specimen central", HOST, port, None)
        make_central(self.central, settings, self.passphrase)
        with open_central(self.central, self.key(self.central)) as central:
            service = Service(central, [HOST], [bind(HOST, port)])
            ready = threading.Event()
            serving = threading.Thread(target=service.run, args=(ready.set,))
            serving.start()
            ready.wait()
            first = NewOperator("chief", "Chief", (Role.SUPERVISOR,), self.passphrase)
            enrol_node(self.node, central.invite(*CENTRE), first, lambda: self.passphrase)
            service.stop()
            serving.join()
        for file in (self.node / NODE_FILE, self.central / CENTRAL_FILE):
            text = file.read_text().replace(f"{HOST}:{port}", f"{CENTRAL}:{PORT}")
            file.write_text(text.replace(f'host = "{HOST}"', f'host = "{CENTRAL}"').replace(str(port), str(PORT)))
        self.up("central")
        self.up("node")

    def up(self, who: str) -> None:
        """Start `central` or `node`; it may be killed before it is ready."""
        if who in self._running:
            return
        words, home = (("central", "serve"), self.central) if who == "central" else (("node",), self.node)
        # What it says is in its way once a pipe is full: it goes to a file.
        with (self.folder / f"{who}.log").open("a") as log:
            self._running[who] = subprocess.Popen(
                self.placed([sys.executable, "-m", "provisioning", *words, "--home", str(home)]),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )

    def kill(self, *names: str) -> None:
        """SIGKILL, at one moment.

        Raises:
            Broken: one had ended by itself.
        """
        killed = [(name, self._running.pop(name)) for name in names if name in self._running]
        ended = [name for name, process in killed if process.poll() is not None]
        for _, process in killed:
            process.kill()
        for _, process in killed:
            process.wait()
        if ended:
            raise Broken(f"{ended} ended by itself: {(self.folder / f'{ended[0]}.log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End both as a person would."""
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        for process in self._running.values():
            process.wait(PATIENCE_S)
        self._running.clear()

    def give_up(self) -> None:
        """End what still runs, at once."""
        for process in self._running.values():
            process.kill()
            process.wait()

    def key(self, home: Path) -> bytes:
        """What opens a home."""
        return slots.unlock_with_passphrase(slotfile.load(home), self.passphrase).keys[0]

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The node's store, to look at."""
        with open_store(self.node, self.key(self.node)).closing() as store:
            yield store

    def wait_until_all_is_there(self, store: Store) -> None:
        """Until central has countersigned everything and holds every sealed file.

        Raises:
            Broken: that takes too long.
        """

        def is_there() -> bool:
            head = store.head()
            return head.size == head.cosigned_size and all(map(self.locker.holds, store.named_blobs()))

        if not until(is_there):
            head = store.head()
            said = (self.folder / "node.log").read_text()[-1500:]
            raise Broken(f"{head.cosigned_size} of {head.size} are countersigned, and it goes no further: {said}")

    @property
    def locker(self) -> Locker:
        """Central's sealed files."""
        layout = CentralLayout(self.central)
        return Locker(layout.blobs, layout.incoming)

    def check(self, store: Store, said: Sequence[str]) -> int:
        """Both sides, at rest, hold every promise, each entry once, the same tables, and every sealed file.

        Returns:
            How many entries there are.

        Raises:
            Broken: they do not.
        """
        layout, key = CentralLayout(self.central), self.key(self.central)
        archive, index = (
            Database(file, key, lock=file.with_suffix(".lock")) for file in (layout.archive, layout.index)
        )
        promises, cosigner = Promises.of(said), store.central_key(COSIGNER)
        try:
            with archive.read() as tx:
                theirs = verified_journal(tx, store.journal, store.verifier, cosigner)
            with store.read() as tx:
                mine = verified_journal(tx, store.journal, store.verifier, cosigner)
            if [each.header_bytes for each in mine] != [each.header_bytes for each in theirs]:
                raise Broken("node and central hold different entries")
            kept_promises(promises, theirs)
            with store.read() as here, index.read() as there:
                folding.same_tables(here, there, store.journal)
        finally:
            archive.close()
            index.close()
        erased = {entry.header.about for entry in theirs if entry.header.kind == SubjectErased.KIND}
        for entry in theirs:
            if entry.header.about not in erased:
                for digest in map(BlobDigest, entry.header.blobs):
                    self.locker.read(digest)
        return len(theirs)


def kept_promises(promises: Promises, entries: Sequence[Entry]) -> None:
    """Every entry that was acknowledged is in its place.

    Raises:
        Broken: one is not.
    """
    for seq, fingerprint in promises.entries.items():
        if seq >= len(entries) or hashlib.sha256(entries[seq].header_bytes).hexdigest() != fingerprint:
            raise Broken(f"entry {seq} was acknowledged, and is not at central")


class Counter:
    """A counter at work (`tests.simulation.link_writer`)."""

    def __init__(self, place: LinkedPlace, seed: str) -> None:
        command = [sys.executable, "-m", "tests.simulation.link_writer", str(place.node), seed]
        self._said = place.folder / f"said-{seed.replace(' ', '-')}"
        self._log = place.folder / "counter.log"
        with self._said.open("w") as said, self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=place.environment(), stdin=subprocess.PIPE, stdout=said, stderr=log, text=True
            )
        self._lines = 0

    def work(self, acts: int) -> None:
        """Begin so many acts."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{acts}\n")
        self._process.stdin.flush()
        self._lines += 1

    def wait_until_at_work(self) -> None:
        """Until it has come to its first act."""
        if not until(lambda: "ready" in self.said or self._process.poll() is not None) or "ready" not in self.said:
            raise Broken(f"the counter does not begin: {self._log.read_text()[-1500:]}")

    def wait(self) -> None:
        """Until it has done all it was told."""
        if not until(lambda: self.said.count("done") == self._lines or self._process.poll() is not None):
            raise Broken("the counter does not come to an end")

    def kill(self) -> list[str]:
        """SIGKILL; answers what it had said."""
        self._process.kill()
        self._process.communicate()
        return self.said

    @property
    def said(self) -> list[str]:
        """The whole lines that it said so far."""
        text = self._said.read_text()
        return text[: text.rfind("\n") + 1].splitlines()


def until(holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Look again and again until something holds; whether it did in time."""
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True


@contextmanager
def linked(folder: Path, seed: str, **link: Any) -> Iterator[LinkedPlace]:
    """Both sides, made and running, from `with` to its end.

    Args:
        folder: for both homes.
        seed: of the link's luck.
        link: as `NetLab` takes it.
    """
    number = random.Random(seed).randrange(1000)
    with NetLab(f"k{os.getpid() % 10**6}{number}", folder / "stats.json", seed=number, **link) as lab:
        place = LinkedPlace(folder / "place", PASSPHRASE, PORT, lab=lab)
        try:
            place.make()
            yield place
        finally:
            place.give_up()
