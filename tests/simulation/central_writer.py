"""A central that takes in what one node sends, without a network, and says what it acknowledged; and its audit.

Run as a program: `python -m tests.simulation.central_writer HOME SEED STREAMS`, HOME a central's. Each line on standard
output is an answer that central gave:

    enrolled JOURNAL   the node is known
    ack SEQ SHA256     central countersigned a checkpoint that covers this entry
    holds DIGEST       central wants this blob no more
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from appliance.journal.checkpoint import open_checkpoint
from appliance.journal.entry import Entry
from appliance.journal.ids import BlobDigest, JournalId, entity_id
from appliance.journal.kinds import Body, PersonAdded, SubjectErased
from appliance.records.log import Log
from appliance.sealing import age
from sync.central.central import Central
from sync.central.ingest import Ingest
from sync.central.registry import Node
from sync.central.sessions import NodeSession
from sync.frames import VERSION
from tests.simulation import home
from tests.simulation.audit import Broken, check_tables, verified_journal
from tests.support.centrals import CENTRE, Scribe, open_central, pieces, stream

LARGEST_BLOB: Final = 9000
MOST_ENTRIES: Final = 6

SESSION = NodeSession("in memory", VERSION)


class Sender:
    """An honest node at a central, as far as central can see."""

    def __init__(self, central: Central, draw: random.Random) -> None:
        self._central = central
        self._draw = draw
        self._scribe = Scribe(draw.randbytes(32), draw.randbytes(32))
        self._blobs: dict[BlobDigest, bytes] = {}
        self._sent = 1
        self._subjects: list[str] = []
        self._told: set[tuple[str, ...]] = set()
        self._scribe.opens()
        central.enrol(msgspec.json.encode(self._scribe.request(central.invite(*CENTRE))))
        home.say("enrolled", self._scribe.journal)

    def send(self) -> None:
        """One session: new entries go up, and blobs that central wants, some of them broken off."""
        for _ in range(self._draw.randint(1, MOST_ENTRIES)):
            self._write()
        scribe, node = self._scribe, node_of(self._central, self._scribe.journal)
        wanted = self._central.archive.offer(node, scribe.checkpoint(), None).wanted
        parts = scribe.frames(self._sent)
        for each in wanted:
            parts += pieces(self._blobs[each.digest], each.offset)
        data = stream(parts)
        soon = self._central.index.soon
        ingest = Ingest(self._central.archive, node, len(scribe.entries), soon, SESSION, lambda: None)
        if self._draw.random() < 0.2:
            ingest.feed(data[: self._draw.randrange(len(data))])
            self._sent = self._central.archive.state(scribe.journal).staged
            return
        ingest.feed(data)
        state = ingest.finish()
        self._sent = state.staged
        cosigned = 0 if state.cosigned is None else open_checkpoint(state.cosigned, scribe.signer.verifier).size
        still = {each.digest for each in state.wanted}
        for entry in scribe.entries[:cosigned]:
            self._say_once("ack", str(entry.header.seq), home.fingerprint(entry.header_bytes))
            for digest in entry.header.blobs:
                if digest not in still:
                    self._say_once("holds", digest)

    def _say_once(self, *words: str) -> None:
        if words not in self._told:
            self._told.add(words)
            home.say(*words)

    def _write(self) -> None:
        if self._subjects and self._draw.random() < 0.15:
            self._scribe.erases(self._subjects.pop(self._draw.randrange(len(self._subjects))))
            return
        about = entity_id(self._draw.randbytes(16))
        blobs: tuple[BlobDigest, ...] = ()
        if self._draw.random() < 0.5:
            sealed = self._draw.randbytes(self._draw.randint(1, LARGEST_BLOB))
            blobs = (age.digest_of(sealed),)
            self._blobs[blobs[0]] = sealed
        body: Body = PersonAdded(name="x" * self._draw.randint(1, 200))
        self._scribe.write(body, about, blobs)
        self._subjects.append(about)


def node_of(central: Central, journal: JournalId) -> Node:
    """What central knows of a node.

    Raises:
        Broken: nothing.
    """
    for status in central.nodes():
        if status.node.journal == journal:
            return status.node
    raise Broken("central does not know a node that it enrolled")


def lost_answers(folder: Path, said: Sequence[str]) -> int:
    """How many acknowledged entries and blobs a central lacks, after starting it.

    Raises:
        Broken: or whatever central raises: it does not start, does not verify, or does not know its node.
    """
    central = open_central(folder)
    try:
        enrolled = [JournalId(line.split()[1]) for line in said if line.startswith("enrolled")]
        if not enrolled:
            return 0
        node = node_of(central, enrolled[0])
        with central._archive_db.read() as tx:
            entries = verified_journal(tx, node.journal, node.verifier, central.cosigner)
            head = Log(tx, node.journal).head()
            with central._index_db.read() as tables:
                check_tables(tables, tx, node.journal, len(entries))
        return _lost(central, entries, 0 if head is None else head.cosigned_size, said)
    finally:
        central.close()


def _lost(central: Central, entries: Sequence[Entry], cosigned: int, said: Sequence[str]) -> int:
    there = {entry.header.seq: home.fingerprint(entry.header_bytes) for entry in entries[:cosigned]}
    erased = {entry.header.about for entry in entries if entry.header.kind == SubjectErased.KIND}
    gone = {digest for entry in entries if entry.header.about in erased for digest in entry.header.blobs}
    lost = 0
    for line in said:
        match line.split():
            case ["ack", seq, fingerprint]:
                lost += there.get(int(seq)) != fingerprint
            case ["holds", digest] if digest not in gone:
                lost += not central.holds(BlobDigest(digest))
                central._locker.read(BlobDigest(digest))
            case ["holds", digest] if central.holds(BlobDigest(digest)):
                raise Broken("central still holds a blob that was erased")
            case _:
                pass
    return lost


def main(folder: str, seed: str, streams: str) -> None:
    """The command line."""
    draw = random.Random(f"central {seed}")
    central = open_central(Path(folder))
    sender = Sender(central, draw)
    for _ in range(int(streams)):
        sender.send()
    central.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
