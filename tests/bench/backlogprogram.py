"""A node with three days of work behind it, on one side of an emulated link.

python -m tests.bench.backlogprogram HOME INVITE APPLICATIONS SECONDS

Enrols, writes the backlog while the link rests, says `ready`. At a line of standard input it follows, as the node's
service does; tells when all entries are countersigned; then an act is done every few seconds while the sealed files go
up, and how long each took to come back countersigned is told at the end.
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from appliance.access.session import Session
from appliance.journal import kinds as k
from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import BlobDigest, Kind
from appliance.records import folding
from appliance.records.database import Database
from appliance.records.folding import Folder
from appliance.records.log import Log
from appliance.store.commit import Draft
from appliance.store.store import Store
from sync import frames
from sync.agent import follow, sync_once
from sync.calls import Spare
from sync.following import Timing
from sync.invite import parse_invite
from sync.keeping import keep_synced
from sync.link import Address
from sync.outcome import SyncOutcome
from tests.bench import caseload
from tests.bench.caseload import Act
from tests.bench.linkprograms import KEY, now_s, say, staff
from tests.support.centrals import enrol

EVERY_S: Final = (2.0, 6.0)
"""Between two acts at the counters."""
PATIENCE_S: Final = 120.0
AT_ONCE: Final = 25
"""Applications that are written in one transaction."""


@contextlib.contextmanager
def unhurried_disk() -> Iterator[None]:
    """Nothing is forced to the disk meanwhile: preparing is not measured, and three days of work are many files."""
    forced = os.fsync
    setattr(os, "fsync", lambda _: None)  # noqa: B010
    try:
        yield
    finally:
        setattr(os, "fsync", forced)  # noqa: B010


def write(store: Store, session: Session, acts: Sequence[Act], chance: random.Random) -> list[Entry]:
    """Write acts in bulk, as commits would; their files are sealed before."""
    blobs = [(store.put_blob(chance.randbytes(act.file_bytes)),) if act.file_bytes else () for act in acts]
    database = Database(store.layout.database, KEY, lock=store.layout.lock)
    with database.write() as tx:
        log = Log(tx, store.journal)
        edge = log.frontier()
        entries = [
            make_entry(
                journal=store.journal,
                seq=edge.size + place,
                at=store.now(),
                by=session.actor,
                kind=Kind(act.body.KIND),
                about=act.about,
                body=k.encode_body(act.body),
                salt=os.urandom(16),
                blobs=tuple(map(BlobDigest, digests)),
            )
            for place, (act, digests) in enumerate(zip(acts, blobs, strict=True))
        ]
        frontier = log.append(entries, edge)
        Folder(tx, tx, store.journal).fold(entries)
        folding.stamp(tx, store.journal, frontier.size)
        head = Checkpoint(store.signer.name, frontier.size, frontier.root())
        log.set_head(frontier, sign_checkpoint(head, store.signer))
    database.close()
    return entries


class Kept:
    """A node that is kept in step in a thread, and when each size came back countersigned."""

    def __init__(self, store: Store, address: Address) -> None:
        self._store, self._address = store, address
        self._forever = threading.Event()
        self._news = threading.Condition()
        self._cosigned = store.head().cosigned_size
        self._spare = Spare(time.monotonic)

    def start(self) -> None:
        arguments = {"wait": self._forever.wait, "random": random.random, "report": lambda _: None}
        threading.Thread(target=keep_synced, args=(self._session,), kwargs=arguments, daemon=True).start()

    def until_countersigned(self, size: int, patience_s: float = PATIENCE_S) -> None:
        """Wait until central has countersigned so many entries."""
        with self._news:
            if not self._news.wait_for(lambda: self._cosigned >= size, patience_s):
                raise TimeoutError("an entry was not countersigned")

    def _session(self, answered: Callable[[], None]) -> SyncOutcome:
        timing = Timing(time.monotonic, self._forever.wait)
        return follow(
            self._store,
            self._address,
            now_s=now_s,
            timing=timing,
            answered=answered,
            heard=self._heard,
            spare=self._spare,
        )

    def _heard(self, outcome: SyncOutcome) -> None:
        with self._news:
            self._cosigned = outcome.cosigned_size
            self._news.notify_all()


def main(home: str, invite: str, applications: str, seconds: str) -> None:
    """See the module."""
    chance = random.Random(72)
    made = enrol(Path(home), parse_invite(invite), KEY)
    store, session = made.store, staff(made.store)
    sync_once(store, made.address, now_s=now_s)
    first = store.head().size
    entries: list[Entry] = []
    with unhurried_disk():
        for start in range(0, int(applications), AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, int(applications)))
            acts = [act for number in numbers for act in caseload.application(chance, number)]
            entries += write(store, session, acts, chance)
    files = sum(store.blob_bytes(BlobDigest(digest)) for entry in entries for digest in entry.header.blobs)
    items = [(entry.header_bytes, entry.salt, entry.body) for entry in entries]
    packed = sum(
        len(frames.encode(each))
        for start in range(0, len(items), frames.MAX_BATCH_ENTRIES)
        for each in frames.batches(items[start : start + frames.MAX_BATCH_ENTRIES])
    )
    written = sum(map(frames.item_bytes, items))
    say(ready=True, entries=len(entries), written=written, packed=packed, files=files)
    sys.stdin.readline()
    kept, begun = Kept(store, made.address), time.monotonic()
    kept.start()
    kept.until_countersigned(first + len(entries), 1800)
    say(countersigned_s=time.monotonic() - begun)
    end, took = time.monotonic() + float(seconds), []
    while time.monotonic() < end:
        time.sleep(chance.uniform(*EVERY_S))
        act = caseload.one_entry(chance)
        done = time.monotonic()
        store.commit(session, lambda _, act=act: [Draft(act.body, act.about)])  # type: ignore[misc]
        kept.until_countersigned(store.head().size)
        took.append(time.monotonic() - done)
    say(took=took, p50=statistics.median(took), p95=statistics.quantiles(took, n=20)[-1])


if __name__ == "__main__":
    main(*sys.argv[1:])
