"""Three days of work through one slow link, in simulated time: what runs is the shipped sender, follower and receiver.

Only time, the link and both disks are models. The link carries one byte after the other at a fixed rate, and each is
at the other end a fixed time later; what may wait unsent in the kernel is bounded as it is in `sync.link`. Both figures
are taken from minutes that were really measured over an emulated link, so loss, TCP and TLS are in them. Nothing is
cut.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from appliance.journal import kinds as k
from appliance.journal import tree
from appliance.journal.checkpoint import Checkpoint, sign_checkpoint
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import BlobDigest, Kind
from appliance.journal.tree import Frontier
from sync import frames
from sync.following import Follower, Timing
from sync.link import UNSENT_BYTES
from sync.session import MAX_WANTED, Accept, CentralState, Keep, Receiver, Sender, Stage, Wanted
from sync.source import Seen
from sync.storesource import SMALL_BYTES, URGENT, WAITING
from tests.bench import caseload
from tests.bench.caseload import Act
from tests.support.centrals import Scribe

DAY_S: Final = 8 * 3600.0
"""How long a centre is open."""
_ZEROS: Final = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class Pipe:
    """A link, as measured."""

    rate: float
    """Bytes of a stream a second."""
    there_s: float
    """From leaving the kernel's queue to central's having it."""
    back_s: float
    """From central's cosignature to the node's having that."""


@dataclass
class ModelNode:
    """A node in memory; a sealed file is so many zeros under a name of its own."""

    scribe: Scribe = field(default_factory=Scribe)
    entries_: list[Entry] = field(default_factory=list)
    files: dict[BlobDigest, int] = field(default_factory=dict)
    edge: Frontier = tree.EMPTY
    _head: Seen | None = None

    def write(self, act: Act, chance: random.Random) -> None:
        """One entry more."""
        blobs: tuple[BlobDigest, ...] = ()
        if act.file_bytes:
            blobs = (BlobDigest(chance.randbytes(32).hex()),)
            self.files[blobs[0]] = act.file_bytes
        entry = make_entry(
            journal=self.scribe.journal,
            seq=len(self.entries_),
            at="2026-11-22T09:00:00.000Z",
            by="node",
            kind=Kind(act.body.KIND),
            about=act.about,
            body=k.encode_body(act.body),
            salt=chance.randbytes(16),
            blobs=blobs,
        )
        self.entries_.append(entry)
        self.edge, _ = self.edge.append(entry.leaf)

    def head(self) -> Seen:
        """The journal's head."""
        size = len(self.entries_)
        if self._head is None or self._head.size != size:
            found = Checkpoint(self.scribe.signer.name, size, self.edge.root())
            self._head = Seen(size, sign_checkpoint(found, self.scribe.signer), None, 0)
        return self._head

    def entries(self, start: int, limit: int) -> tuple[Sequence[Entry], Seen]:
        """Some of them, and the head."""
        return self.entries_[start : start + limit], self.head()

    def sealed(self, digest: BlobDigest) -> bytes:
        """Its bytes."""
        return _ZEROS[: self.files[digest]]

    def rank(self, digest: BlobDigest) -> int:
        """As `StoreSource` ranks files of cases that somebody waits for."""
        return URGENT if self.files[digest] <= SMALL_BYTES else WAITING


@dataclass
class ModelCentral:
    """What central holds."""

    node: ModelNode
    stored: int = 0
    edge: Frontier = tree.EMPTY
    staged: Frontier = tree.EMPTY
    have: dict[BlobDigest, int] = field(default_factory=dict)
    """Bytes of the files that are named and not whole, in the order in which they were named."""
    whole: int = 0

    def receiver(self, offered: int) -> Receiver:
        """What judges the next stream."""
        scribe = self.node.scribe
        return Receiver(
            scribe.journal, scribe.signer.verifier, offered=offered, stored=self.stored, frontier=self.staged
        )

    def state(self) -> CentralState:
        """What it would answer."""
        wanted = tuple(Wanted(digest, have) for digest, have in list(self.have.items())[:MAX_WANTED])
        return CentralState(self.stored, self.staged.size, None, wanted, 0)

    def store(self, effect: Stage | Accept | Keep | None) -> bool:
        """Keep it; answers whether there is a new cosignature."""
        match effect:
            case Stage():
                for entry in effect.entries:
                    self.staged, _ = self.staged.append(entry.leaf)
                    self.have.update(dict.fromkeys(entry.header.blobs, 0))
            case Accept():
                self.stored = effect.frontier.size
                return True
            case Keep():
                digest = BlobDigest(effect.piece.digest)
                if self.have[digest] != effect.piece.offset:
                    raise AssertionError("a piece came out of order")
                self.have[digest] += len(effect.piece.data)
                if self.have[digest] == effect.piece.size:
                    del self.have[digest]
                    self.whole += 1
            case None:
                pass
        return False


@dataclass
class Drained:
    """What the whole came to."""

    entries_s: float = 0.0
    """Until every entry of the backlog was countersigned."""
    all_s: float = 0.0
    """Until every file of the backlog was at central."""
    took: list[float] = field(default_factory=list)
    """From each act's commit, meanwhile, to its cosignature."""
    sent: int = 0
    """Bytes of the streams."""
    streams: int = 0


class World:
    """A node with its backlog, its central, and the link between them, from the moment when the link is back."""

    def __init__(self, pipe: Pipe, applications: int, seed: int) -> None:
        self._pipe, self._chance = pipe, random.Random(seed)
        self.now_s = 0.0
        self.node = ModelNode(Scribe(seed=self._chance.randbytes(32)))
        for number in range(applications):
            for act in caseload.application(self._chance, number):
                self.node.write(act, self._chance)
        self.central = ModelCentral(self.node)
        self.result = Drained()
        self._backlog, self._files = len(self.node.entries_), len(self.node.files)
        self._backlog_files = set(self.node.files)
        self._acts: deque[tuple[float, Act]] = deque()
        self._next, self._next_at_s = applications, 0.0
        self._committed: deque[tuple[int, float]] = deque()
        self._free_s = 0.0
        self._flying: deque[tuple[float, bytes]] = deque()
        self._news: list[tuple[float, int, CentralState]] = []

    def run(self) -> Drained:
        """Until the backlog is at central."""
        while not self._is_drained():
            self._stream()
        return self.result

    def _stream(self) -> None:
        self.result.streams += 1
        # A session's opening and its answer.
        self._pass(2 * (self._pipe.there_s + self._pipe.back_s))
        offered = len(self.node.entries_)
        sender = Sender(self.node.scribe.journal, self.central.state(), offered, rank=self.node.rank)
        follower = Follower(self.node, sender, Timing(lambda: self.now_s, self._wait))
        receiver, decoder = self.central.receiver(offered), frames.Decoder()
        for part in follower.frames():
            # The kernel takes it once little enough waits.
            self._pass(max(0.0, self._free_s - UNSENT_BYTES / self._pipe.rate - self.now_s))
            self._free_s = max(self._free_s, self.now_s) + len(part) / self._pipe.rate
            self._flying.append((self._free_s + self._pipe.there_s, part))
            self.result.sent += len(part)
            self._arrive(receiver, decoder, follower)
            if self._is_drained():
                follower.end()
        self._pass(max(0.0, self._free_s - self.now_s) + self._pipe.there_s)
        self._arrive(receiver, decoder, follower)

    def _is_drained(self) -> bool:
        if self.central.whole < self._files or not self._backlog_files.isdisjoint(self.central.have):
            return False
        self.result.all_s = self.result.all_s or self.now_s
        return True

    def _wait(self, seconds: float) -> bool:
        self._pass(seconds)
        return self._is_drained()

    def _pass(self, seconds: float) -> None:
        """Time passes; the centre works on, at the pace of a day."""
        self.now_s += seconds
        while self._next_at_s <= self.now_s:
            acts = caseload.application(self._chance, self._next)
            every_s = DAY_S / caseload.APPLICATIONS_A_DAY
            at = sorted(self._next_at_s + self._chance.uniform(0, every_s) for _ in acts)
            self._acts.extend(zip(at, acts, strict=True))
            self._next, self._next_at_s = self._next + 1, self._next_at_s + every_s
        while self._acts and self._acts[0][0] <= self.now_s:
            at_s, act = self._acts.popleft()
            self.node.write(act, self._chance)
            self._committed.append((len(self.node.entries_), at_s))

    def _arrive(self, receiver: Receiver, decoder: frames.Decoder, follower: Follower) -> None:
        while self._flying and self._flying[0][0] <= self.now_s:
            at_s, part = self._flying.popleft()
            for frame in decoder.feed(part):
                if self.central.store(receiver.take(frame)):
                    heapq.heappush(self._news, (at_s + self._pipe.back_s, self.central.stored, self.central.state()))
        if not follower.blobs_left and self.central.have and not self._news:
            back_s = self.now_s + self._pipe.there_s + self._pipe.back_s
            heapq.heappush(self._news, (back_s, self.central.stored, self.central.state()))
        while self._news and self._news[0][0] <= self.now_s:
            at_s, size, state = heapq.heappop(self._news)
            follower.heard(state, size)
            if size >= self._backlog and not self.result.entries_s:
                self.result.entries_s = at_s
            while self._committed and self._committed[0][0] <= size:
                committed_s = self._committed.popleft()[1]
                if self.result.entries_s and committed_s > self.result.entries_s:
                    self.result.took.append(at_s - committed_s)
