"""What a sender sends, and what a receiver believes: the session between a node and central, without I/O.

Central says where its copy of the node's journal ends (`CentralState`); the node sends what lies past it, as frames.
The same receiver reads the orders that central sends to the node. It has four states (`NEXT` is the whole table):

    GREETING   nothing was said yet; only `Hello` is allowed
    COVERED    every entry so far lies under a verified checkpoint
    OPEN       entries came that no checkpoint covers yet
    ENDED      the sender said `End`

Rules of acceptance, in the order in which they are checked:

 1. `Hello` names the journal that the request was signed for, and the size it offered.
 2. An entry is what its header says (`read_entry`), is of this journal, and follows the one before it without a gap.
 3. Entries are folded into the frontier of the tree. What came without a checkpoint yet is *staged*: kept, so that a
    broken stream resumes there, but neither visible nor countersigned.
 4. A checkpoint is signed by the journal's key, covers exactly the entries so far, at least the size that was offered,
    and has their root. If it has another root, and all of the entries came in this stream, then the journal is not the
    one that was stored: a fork. If some were staged before, those may be at fault: they are dropped, once.
 5. Where central knows of a larger size that it once countersigned (it was restored from a backup), the tree must pass
    through that root, and no smaller checkpoint is accepted.
 6. An entry without a body needs a later entry, under the same checkpoint, that erases its subject (`bodies_owed`).
 7. A piece of a blob comes only when all entries are covered, so the entry that names the blob is already known. More
    entries may follow it, and pieces of several blobs may take turns.

Whoever calls stores what `Receiver.take` gives before it takes the next frame, and countersigns only after that is
durable. A raised error ends the session; what was given before it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from appliance.journal import checkpoint as checkpoints
from appliance.journal.checkpoint import Checkpoint
from appliance.journal.entry import Entry, read_entry
from appliance.journal.errors import BugError
from appliance.journal.ids import BlobDigest, JournalId
from appliance.journal.notes import VerifierKey
from appliance.journal.tree import Frontier
from sync import frames
from sync.filequeue import FileQueue, Share
from sync.frames import BlobPiece, End, Entries, Frame, Hello, Pulse
from sync.refusals import Fork, OutOfStep, OutOfTurn, Rollback, StartAgain, WrongJournal

MAX_WANTED: Final = 256
"""Blobs that central asks for in one answer."""
STREAM_BLOB_BYTES: Final = 8 * 1024 * 1024
"""Bytes of blobs after which a bounded stream ends, so that an answer comes back. The next stream goes on."""

_CALL_IT = "Stop this node and call central IT: either it was copied, or its journal was changed."
_OLDER = "Do not go on working on this copy. Call central IT: the node must be rebuilt, or its newer disk put back."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A blob that central lacks, and how many of its bytes it has already."""

    digest: BlobDigest
    offset: int


@dataclass(frozen=True, slots=True)
class CentralState:
    """Where central's copy of a node stands."""

    stored: int
    """Entries under a verified checkpoint."""
    staged: int
    """Entries that came, with those that no checkpoint covers yet: where a stream continues. At least `stored`."""
    cosigned: bytes | None
    """The newest note that central countersigned."""
    wanted: tuple[Wanted, ...]
    orders: int
    """Orders that central has for the node."""


def judge_offer(
    offered: Checkpoint,
    stored: Checkpoint | None,
    cosigned: Checkpoint | None,
    root_at: Callable[[int], bytes],
) -> Checkpoint | None:
    """Compare what a node offers with what central holds, before anything is sent.

    Args:
        offered: the node's newest checkpoint, its signature verified.
        stored: central's copy; None when it holds nothing.
        cosigned: the largest checkpoint that the node shows central's own cosignature of, verified.
        root_at: the root of central's copy at a size, up to the stored one.

    Returns:
        A checkpoint that central once countersigned and no longer holds (rule 5), or None.

    Raises:
        Fork: the two contradict each other. Rollback: the node is an older copy of itself.
    """
    size = 0 if stored is None else stored.size
    if offered.size < size:
        raise Rollback(
            f"This node offers {offered.size} entries, but central already holds {size} of it: it is an older copy.",
            _OLDER,
        )
    if stored is not None and offered.size == size and offered.root != stored.root:
        raise Fork(f"The {size} entries of this node are not the {size} that central holds of it.", _CALL_IT)
    if cosigned is None:
        return None
    if cosigned.size <= size:
        if root_at(cosigned.size) != cosigned.root:
            raise Fork("Central countersigned another history of this node than it holds now.", _CALL_IT)
        return None
    if offered.size < cosigned.size:
        raise Rollback("This node offers less than central once countersigned: it is an older copy.", _OLDER)
    if offered.size == cosigned.size and offered.root != cosigned.root:
        raise Fork("This node offers another history than the one that central countersigned.", _CALL_IT)
    return cosigned


def bodies_owed(bare: Mapping[str, int], erased: Mapping[str, int]) -> frozenset[str]:
    """Name the subjects of which a body is missing without having been erased (rule 6).

    Args:
        bare: per subject, the last entry that came without its body.
        erased: per subject, the last entry that erases it.
    """
    return frozenset(about for about, seq in bare.items() if erased.get(about, -1) <= seq)


class State(Enum):
    """Where a receiver is."""

    GREETING = "greeting"
    COVERED = "covered"
    OPEN = "open"
    ENDED = "ended"


NEXT: Final[dict[tuple[State, type[Frame]], State]] = {
    (State.GREETING, Hello): State.COVERED,
    (State.COVERED, Entries): State.OPEN,
    (State.OPEN, Entries): State.OPEN,
    (State.OPEN, frames.Checkpoint): State.COVERED,
    (State.COVERED, BlobPiece): State.COVERED,
    (State.COVERED, Pulse): State.COVERED,
    (State.COVERED, End): State.ENDED,
}


@dataclass(frozen=True, slots=True)
class Stage:
    """Keep these entries behind `start`, without showing them yet."""

    start: Frontier
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Accept:
    """Everything staged is the journal up to this checkpoint."""

    note: bytes
    frontier: Frontier


@dataclass(frozen=True, slots=True)
class Keep:
    """Add this piece to its blob."""

    piece: BlobPiece


Effect = Stage | Accept | Keep


class Receiver:
    """Holds a stream against the rules of acceptance, and says what is to be stored.

    Args:
        journal: whose entries are due.
        key: the key that signs its checkpoints.
        offered: the size that the signed request named.
        stored: the size under the last verified checkpoint.
        frontier: the right edge of all that is stored and staged.
        floor: what central once countersigned and no longer holds.
    """

    def __init__(
        self,
        journal: JournalId,
        key: VerifierKey,
        *,
        offered: int,
        stored: int,
        frontier: Frontier,
        floor: Checkpoint | None = None,
    ) -> None:
        self.state = State.GREETING
        self.frontier = frontier
        self._journal = journal
        self._key = key
        self._offered = offered
        self._stored = stored
        self._floor = floor
        self._staged_before = frontier.size > stored

    def take(self, frame: Frame) -> Effect | None:
        """Judge the next frame.

        Returns:
            What is to be stored, or None.

        Raises:
            OutOfTurn, WrongJournal, OutOfStep, BadEntry, BadCheckpoint, Fork, Rollback, StartAgain: see the rules.
        """
        state = NEXT.get((self.state, type(frame)))
        if state is None:
            raise OutOfTurn(f"A frame {type(frame).__name__} came when the session was {self.state.value}.")
        effect: Effect | None = None
        match frame:
            case Hello():
                self._greet(frame)
                state = State.OPEN if self._staged_before else state
            case Entries():
                effect = self._entries(frame)
            case frames.Checkpoint():
                effect = self._checkpoint(frame.note)
            case BlobPiece():
                effect = Keep(frame)
            case Pulse() | End():
                pass
        self.state = state
        return effect

    def _greet(self, hello: Hello) -> None:
        if hello.journal != self._journal:
            raise WrongJournal("The stream is of another journal than the request was signed for.")
        if hello.offered != self._offered:
            raise OutOfTurn("The stream offers another size than the request was signed for.")

    def _entries(self, frame: Entries) -> Stage:
        start, frontier = self.frontier, self.frontier
        entries: list[Entry] = []
        for item in frame.items:
            entry = read_entry(*item)
            if entry.header.journal != self._journal:
                raise WrongJournal("An entry is of another journal.")
            if entry.header.seq != frontier.size:
                raise OutOfStep(f"Entry {entry.header.seq} came where {frontier.size} was due.", "Sync again.")
            frontier, _ = frontier.append(entry.leaf)
            if self._floor is not None and frontier.size == self._floor.size and frontier.root() != self._floor.root:
                raise self._mismatch()
            entries.append(entry)
        self.frontier = frontier
        return Stage(start, tuple(entries))

    def _checkpoint(self, note: bytes) -> Accept:
        found = checkpoints.open_checkpoint(note, self._key)
        if found.size != self.frontier.size:
            raise OutOfTurn(f"A checkpoint over {found.size} entries came after {self.frontier.size}.")
        if found.size < self._offered or (self._floor is not None and found.size < self._floor.size):
            raise Rollback("The stream ends before the size that was offered.", _OLDER)
        if found.root != self.frontier.root():
            raise self._mismatch()
        self._staged_before = False
        self._stored = found.size
        return Accept(note, self.frontier)

    def _mismatch(self) -> Fork | StartAgain:
        if self._staged_before:
            return StartAgain("What an earlier stream left does not fit; it was dropped.", "Sync again.")
        return Fork(
            f"What this node sends does not continue the {self._stored} entries that central holds of it.", _CALL_IT
        )


@dataclass(frozen=True, slots=True)
class ReadEntries:
    """The sender needs entries from `start` on, at most `limit`, and the head as it was when they were read."""

    start: int
    limit: int


@dataclass(frozen=True, slots=True)
class ReadPiece:
    """The sender needs the bytes of a blob from `offset` on, at most `limit`, and its size."""

    digest: BlobDigest
    offset: int
    limit: int


class Sender:
    """Plans a stream: entries and their checkpoint, then blobs, the most urgent first; new entries overtake blobs.

    Ask `need`, read that, give it to `entries`, `piece` or `missing`, send the frames, and ask again. None means that
    there is nothing to say now: end the stream, or wait until `grown` or `heard` bring something.

    The checkpoint is the one that the journal had when the last entries were read, all in one view of the store: a
    body that was erased meanwhile is then under a checkpoint that covers the erasing entry too.

    Args:
        journal: whose stream it is.
        state: where central's copy stands.
        offered: the size that the signed request names.
        rank: how urgent a blob is; smaller goes first, and of one rank the one that was named first.
        budget: bytes of blobs after which no more are asked for.
    """

    def __init__(
        self,
        journal: JournalId,
        state: CentralState,
        offered: int,
        *,
        rank: Callable[[BlobDigest], int] = lambda _: 0,
        budget: int | None = None,
    ) -> None:
        self._journal = journal
        self.offered = offered
        self._size = offered
        self.position = state.staged
        self._covered = state.staged == state.stored == offered
        self.files = FileQueue(rank, state.stored)
        """What is left of the blobs; lanes take some of them."""
        self._current: Share | None = None
        self._budget = budget
        self.entries_sent = 0
        self.piece_bytes = frames.MAX_PIECE
        """The most of a blob that is asked for at once; `frames.MAX_PIECE`, or less where others are not to wait."""
        self.heard(state.wanted)

    @property
    def blobs_left(self) -> int:
        """Blobs that are known to be wanted and not sent."""
        return len(self.files)

    @property
    def blob_bytes_sent(self) -> int:
        """Bytes of blobs that were sent, over lanes too."""
        return self.files.bytes_sent

    @property
    def files_left(self) -> frozenset[BlobDigest]:
        """Which these are. Any thread may ask."""
        return self.files.left

    def opening(self) -> Frame:
        """The first frame."""
        return Hello(self._journal, self.offered)

    def grown(self, size: int) -> None:
        """The journal has so many entries now: they go before what is left of the blobs."""
        if size > self._size:
            self._size = size
            self._covered = False

    def heard(self, wanted: Iterable[Wanted]) -> None:
        """Central lacks these. One that is on its way, or was sent in this stream, is not sent again."""
        self.files.wanted(Share(each.digest, each.offset) for each in wanted)

    def need(self) -> ReadEntries | ReadPiece | None:
        """What must be read next; None when there is nothing to send now."""
        if not self._covered:
            return ReadEntries(self.position, frames.MAX_BATCH_ENTRIES)
        if self._budget is not None and self.blob_bytes_sent >= self._budget:
            return None
        self._current = share = self.files.first()
        return None if share is None else ReadPiece(share.digest, share.offset, self.piece_bytes)

    def entries(self, entries: Sequence[Entry], head_size: int, head_note: bytes) -> list[Frame]:
        """Send these, and the checkpoint if there are no more.

        Args:
            entries: in order, from the `start` that was asked for.
            head_size: the journal's size when they were read.
            head_note: its checkpoint at that size.

        Raises:
            BugError: they are not what was asked for.
        """
        for entry in entries:
            if entry.header.seq != self.position:
                raise BugError("The sender was given other entries than it asked for.")
            self.position += 1
            for digest in entry.header.blobs:
                self.files.named(digest, entry.header.seq)
        self.entries_sent += len(entries)
        sent: list[Frame] = list(frames.batches((each.header_bytes, each.salt, each.body) for each in entries))
        if self.position == head_size:
            self._covered = True
            self._size = head_size
            sent.append(frames.Checkpoint(head_note))
        elif not entries:
            raise BugError("The journal is smaller than what central holds of it.")
        return sent

    def piece(self, size: int, data: bytes) -> Frame:
        """Send the piece that was asked for.

        Args:
            size: of the whole blob, in bytes.
            data: from the offset that was asked for; not empty. Where central has every byte already, and died before
                it looked at them, the last one.
        """
        asked = self._asked()
        share = Share(asked.digest, min(asked.offset, size - 1))
        self.files.sent(share, len(data), size)
        return BlobPiece(share.digest, size, share.offset, data)

    def missing(self) -> None:
        """The blob that was asked for is not here, or not sound: leave it out."""
        self.files.drop(self._asked().digest)

    def _asked(self) -> Share:
        """What was asked for last, once."""
        asked, self._current = self._current or self.files.first(), None
        if asked is None:
            raise BugError("The sender was given a piece of a blob that it did not ask for.")
        return asked
