"""A real central in a process of its own, to be killed, and what must be true of its home afterwards.

Run as a program: `python -m tests.simulation.central_service HOME PORT`. Prints `ready`, and serves until it is killed.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.journal.entry import Entry
from appliance.journal.ids import BlobDigest
from appliance.journal.kinds import SubjectErased
from appliance.records import folding
from appliance.records.database import Database
from appliance.records.log import Log
from appliance.store.store import COSIGNER, Store
from sync.central.layout import CentralLayout
from sync.central.locker import Locker
from sync.invite import Invite
from tests.simulation import home
from tests.simulation.audit import Broken, Promises, verified_journal
from tests.support.centrals import CENTRE, HOST, new_central, open_central, served

KEY: Final = b"k" * 32


@dataclass(frozen=True, slots=True)
class CentralHome:
    """A central's home and the port that it serves on."""

    folder: Path
    port: int

    @classmethod
    def make(cls, folder: Path) -> CentralHome:
        """Makes a central, at a port that is free now."""
        with socket.socket() as free:
            free.bind((HOST, 0))
            port = int(free.getsockname()[1])
        new_central(folder, cls(folder, port).url, KEY).close()
        return cls(folder, port)

    @property
    def url(self) -> str:
        """Where nodes find it."""
        return f"https://{HOST}:{self.port}"

    @property
    def command(self) -> tuple[str, ...]:
        """Serves until it is killed."""
        return (sys.executable, "-m", "tests.simulation.central_service", str(self.folder), str(self.port))

    def invite(self) -> Invite:
        """An invite for one node; while nobody serves."""
        central = open_central(self.folder, self.url, KEY)
        try:
            return central.invite(*CENTRE)
        finally:
            central.close()

    def check(self, store: Store, said: Sequence[str], *, complete: bool) -> None:
        """Central holds each entry of a node once, as it is there, and what it countersigned.

        Args:
            store: the node's.
            said: what the node's writers promised.
            complete: whether the last sync was; then nothing may be lacking.

        Raises:
            Broken: it does not.
        """
        layout = CentralLayout(self.folder)
        archive = Database(layout.archive, KEY, lock=layout.archive.with_suffix(".lock"))
        cosigner = store.central_key(COSIGNER)
        try:
            with archive.read() as tx:
                entries = verified_journal(tx, store.journal, store.verifier, cosigner)
                head = Log(tx, store.journal).head()
        finally:
            archive.close()
        mine = list(store.entries(0, store.head().size))
        if [entry.header_bytes for entry in entries] != [entry.header_bytes for entry in mine[: len(entries)]]:
            raise Broken("central holds other entries than the node wrote")
        if head is None or head.cosigned_size < Promises.of(said).cosigned:
            raise Broken("central forgot what it countersigned")
        if complete:
            if not len(entries) == head.cosigned_size == len(mine):
                raise Broken("central lacks entries after a complete sync")
            self._check_blobs(entries)
            self._check_tables(store)

    def _check_blobs(self, entries: Sequence[Entry]) -> None:
        layout = CentralLayout(self.folder)
        locker = Locker(layout.blobs, layout.incoming)
        erased = {entry.header.about for entry in entries if entry.header.kind == SubjectErased.KIND}
        for entry in entries:
            for digest in map(BlobDigest, entry.header.blobs):
                if entry.header.about not in erased:
                    locker.read(digest)
                elif locker.holds(digest):
                    raise Broken(f"central still holds a blob of entry {entry.header.seq}, which was erased")

    def _check_tables(self, store: Store) -> None:
        """While nobody serves: central's tables are the node's."""
        open_central(self.folder, self.url, KEY).close()
        layout = CentralLayout(self.folder)
        index = Database(layout.index, KEY, lock=layout.index.with_suffix(".lock"))
        try:
            with store.read() as mine, index.read() as theirs:
                folding.same_tables(mine, theirs, store.journal)
        finally:
            index.close()


def main(folder: str, port: str) -> None:
    """Serves until it is killed."""
    with served(Path(folder), port=int(port)):
        home.say("ready")
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
