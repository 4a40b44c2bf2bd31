"""Central's side of the courier: what came on a stick goes the way of a stream, and a receipt goes back.

A file is looked at in this order, and nothing is stored before the first four hold:

 1. its node is enrolled here, and not out of service;
 2. that node's key signed its header;
 3. its sealed bytes are those that the header names;
 4. it is sealed to this central, and opens with a checkpoint of that node which does not contradict what is here (as a
    session does, `Archive.offer`; of an export that is older than central's copy, its root is looked at);
 5. it begins where central's copy ends, or before: what is here already is passed over;
 6. the rest goes through `Receiver` and `Archive.store`, frame by frame, as a stream over HTTPS.

A sealed file that cannot be taken is left out and named; it keeps nothing else back. Taking the same file again does
nothing. A file that is refused still gets its receipt once its signature holds: the receipt tells the node from where
on central needs its entries.

Of a node in quarantine nothing is stored: its file is opened as far as it says which orders the node holds, and its
receipt brings the others, among them that it is in quarantine, or in none any more. It
countersigns nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import bindparam, select

from appliance.journal.checkpoint import open_checkpoint
from appliance.journal.errors import BugError, IntegrityError, NetworkError, OperatorError, SanadError
from appliance.journal.ids import BlobDigest, JournalId
from appliance.journal.tree import root_at
from appliance.records.database import Database
from appliance.records.log import Log
from sync import courierdisk, courierfile, frames
from sync.central import endedkeys, quarantine, registry
from sync.central import tables as t
from sync.central.archive import Archive
from sync.central.index import Index
from sync.central.locker import Locker, Outcome
from sync.central.orders import Orders
from sync.central.ordersback import OrdersBack
from sync.central.registry import Node
from sync.central.trust import Trust
from sync.couriercut import Pull
from sync.courierdisk import Found, Watch, unwatched
from sync.courierfile import LISTS_PIECE, Header, Kind, Opening, Statement
from sync.frames import BlobPiece, Checkpoint, End, Entries, Frame, Hello
from sync.refusals import Fork, NotEnrolled, OutOfStep, OutOfTurn, Quarantined, Rollback, StartAgain, UnknownBlob
from sync.session import Accept, Receiver, State

_log = structlog.get_logger(__name__)

SETTLE_S: Final = 60.0
"""How long the end of an import waits for what central answers to its entries."""

STOPPED_STEP: Final = "Nothing of this file counts. Its receipt tells the node so: carry it back."
"""To whoever brought the file of a node in quarantine."""

_LACKING = (
    select(t.wanted.c.digest)
    .where(t.wanted.c.journal == bindparam("journal"), t.wanted.c.digest > bindparam("after"))
    .distinct()
    .order_by(t.wanted.c.digest)
    .limit(courierfile.LACKING_DIGESTS)
)


class PartMissing(OperatorError):
    """What comes before this file is not here yet."""


class OldExport(OperatorError):
    """Central once countersigned more than this file holds, and has lost it."""

    def __init__(self) -> None:
        super().__init__(
            "This export is older than what central once countersigned of its node.",
            "Take in a newer one. Where there is none, call central IT: the node may be an older copy.",
        )


@dataclass(slots=True)
class Import:
    """What a file brought."""

    journal: JournalId
    number: int
    part: int
    parts: int
    entries: int = 0
    """That were news."""
    blobs: int = 0
    """Sealed files that came whole, and were news."""
    refused: dict[BlobDigest, str] = field(default_factory=dict)
    """Sealed files that could not be taken, and why."""
    orders_held: int = 0
    """Orders that the node had when it wrote the file."""
    orders_root: bytes = b""
    """The root of the tree over those."""
    stopped: Quarantined | None = None
    """Why nothing (more) was taken, where the node is in quarantine: then what the file says of orders counts alone."""
    folds: bool = False
    """Whether there is something to fold: entries became visible, which may have come before, or lost orders."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was written for a node."""

    place: Path
    journal: JournalId
    stored: int
    cosigned_size: int
    lacking: int
    """Sealed files that are still to come."""


class CourierDesk:
    """Takes exports and writes receipts for one central.

    Args:
        database: central's archive.
        archive: what stores.
        locker: where the blobs lie.
        orders: central's orders.
        orders_back: what brings them and the node's together.
        index: told of new entries.
        trust: gives the public lists.
        catch_up: gives a node the orders that every node is to have.
        identity: gives the age identity of the locker.
        random: gives that many random bytes.
        refused: told that a node's file contradicts what is here, before anybody else is.
    """

    def __init__(
        self,
        database: Database,
        archive: Archive,
        locker: Locker,
        orders: Orders,
        orders_back: OrdersBack,
        index: Index,
        trust: Trust,
        catch_up: Callable[[JournalId], object],
        identity: Callable[[], str],
        random: Callable[[int], bytes],
        refused: Callable[[JournalId, SanadError], object],
    ) -> None:
        self._database = database
        self._archive = archive
        self._locker = locker
        self._orders = orders
        self._orders_back = orders_back
        self._index = index
        self._trust = trust
        self._catch_up = catch_up
        self._identity = identity
        self._random = random
        self._refused = refused

    def know(self, found: Found) -> Node:
        """Say whose an export is: its node's key signed its header. Nothing of what is in it was looked at.

        Raises:
            OperatorError: it is a receipt. NotEnrolled: central does not know that node, or took it out of service.
            BadCourierFile: the node did not sign it.
        """
        header = found.header
        if header.kind is not Kind.EXPORT:
            raise OperatorError(f"{found.place.name} is a receipt, which goes to its node.", "Take in its export.")
        with self._database.read() as tx:
            node = registry.find_node(tx, header.journal)
            if node is None:
                raise NotEnrolled(
                    f"{found.place.name} is from a node that is not enrolled at this central.",
                    f"Carry it to the central of the node with journal {header.journal}.",
                )
            endedkeys.refuse_stopped(tx, node.journal)
        courierfile.verify_header(found.signed, courierfile.export_verifier(node.journal, node.node_key))
        return node

    def take(self, found: Found, *, watch: Watch = unwatched) -> Import:
        """Store what an export brings.

        Args:
            found: the file.
            watch: told how far it is; what it raises ends the import, and what was stored stands.

        Raises:
            OperatorError: it cannot be taken now; see `know`, `PartMissing`, `OldExport`. BadCourierFile, SealError:
                it was changed or cut on its way, or is for another central. Fork: it contradicts what is here.
            IntegrityError: it holds what no node sends; what came before that stands.
        """
        node = self.know(found)
        total = 2 * found.header.sealed_bytes
        found.check(lambda done, _: watch(done, total))
        try:
            taken = self._take(node, found, watch)
        except StartAgain:
            # What a broken stream had left did not fit, and is gone; the file does not depend on it.
            taken = self._take(node, found, watch)
        if taken.folds:
            self._index.soon(node.journal)
            with suppress(TimeoutError):
                self._index.settle(SETTLE_S)
        return taken

    def _take(self, node: Node, found: Found, watch: Watch) -> Import:
        size = found.header.sealed_bytes
        taking = _Taking(self._database, self._archive, self._locker, self._orders_back, node, found.header)
        try:
            found.open(self._identity(), taking.feed, lambda done, _: watch(size + done, 2 * size))
            taking.reader.finish()
        except Quarantined as refused:
            taking.done.stopped = Quarantined(refused.sentence, STOPPED_STEP)
        except (Fork, StartAgain) as error:
            self._archive.drop_staged(node.journal)
            if isinstance(error, Fork):
                self._refused(node.journal, error)
            raise
        return taking.done

    def write_receipt(
        self, journal: JournalId, folder: Path, *, number: int, orders_held: int, orders_root: bytes = b""
    ) -> Receipt:
        """Write what goes back to a node.

        Args:
            journal: the node's.
            folder: where; the file gets a name of its own.
            number: of its newest export that was seen here.
            orders_held: orders that it had then.
            orders_root: of the tree over those.

        Raises:
            StickFull: there is no room. OperatorError: the folder cannot be written.
        """
        with self._database.read() as tx:
            node = registry.require_node(tx, journal)
        courierdisk.sweep(folder)
        with self._database.read() as tx:
            stopped = quarantine.find(tx, journal) is not None
        if not stopped:
            self._archive.countersign(journal)
        lists = self._trust.publish().content
        self._catch_up(journal)
        state = self._archive.state(journal)
        with self._database.read() as tx:
            head = Log(tx, journal).head()
        lacking = sum(map(len, self._lacking(journal)))
        agreed = self._orders_back.agreed(journal, orders_held, orders_root)
        statement = Statement(state.stored, None if stopped else state.cosigned, lacking, agreed)
        series = base64.b32encode(self._random(courierfile.SERIES_BYTES)).decode().lower()
        with courierdisk.Writing(folder, node.centre, series) as writing:
            payload = self._payload(journal, statement, orders_held, lists)
            sealed = writing.seal(Pull(payload).read, [node.recipient])
            header = Header(Kind.RECEIPT, journal, number, series, 1, 1, 0, state.stored, state.stored, *sealed)
            place = courierdisk.place_of(folder, header, node.centre, within=True)
            writing.finish([header], self._orders.signer(journal), [place])
        return Receipt(place, journal, state.stored, 0 if head is None else head.cosigned_size, lacking)

    def _payload(self, journal: JournalId, statement: Statement, orders_held: int, lists: bytes) -> Iterator[bytes]:
        yield courierfile.write_record(statement)
        left = statement.lacking
        for digests in self._lacking(journal):
            # No more than the statement says: others may have come to be wanted since.
            if some := digests[:left]:
                left -= len(some)
                yield courierfile.write_record(courierfile.Lacking.of(some))
        if left:
            raise OutOfStep("What central lacks changed while it was written down.", "Do it again.")
        if statement.orders >= orders_held:
            yield from self._order_records(journal, orders_held)
        for at in range(0, len(lists), LISTS_PIECE):
            yield courierfile.write_record(courierfile.Lists(lists[at : at + LISTS_PIECE]))
        yield courierfile.write_record(courierfile.Close())

    def _order_records(self, journal: JournalId, start: int) -> Iterator[bytes]:
        while True:
            with self._database.read() as tx:
                parts = self._orders.frames(tx, journal, start)
            stop = parts[0].offered if isinstance(parts[0], Hello) else start
            if stop <= start:
                return
            yield courierfile.write_record(courierfile.Orders(frames.PREFIX + b"".join(map(frames.encode, parts))))
            start = stop

    def _lacking(self, journal: JournalId) -> Iterator[list[BlobDigest]]:
        after = ""
        while True:
            with self._database.read() as tx:
                page = [BlobDigest(row[0]) for row in tx.all(_LACKING, {"journal": journal, "after": after})]
            if not page:
                return
            after = page[-1]
            lacking = [digest for digest in page if not self._locker.holds(digest)]
            if lacking:
                yield lacking


class _Taking:
    """One file on its way into the archive."""

    def __init__(
        self, database: Database, archive: Archive, locker: Locker, orders_back: OrdersBack, node: Node, header: Header
    ) -> None:
        self._database = database
        self._orders_back = orders_back
        self._archive = archive
        self._locker = locker
        self._held: BlobDigest | None = None
        self._node = node
        self._header = header
        self._receiver: Receiver | None = None
        self._position = header.first
        self._stored = 0
        self._offered = 0
        self.reader = courierfile.ExportReader()
        self.done = Import(header.journal, header.number, header.part, header.parts)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the payload."""
        for part in self.reader.feed(data):
            if isinstance(part, Opening):
                self._open(part)
            elif self._receiver is None:
                raise BugError("A frame came before the opening.")
            else:
                self._frame(part, self._receiver)

    def _open(self, opening: Opening) -> None:
        header, node = self._header, self._node
        offered = open_checkpoint(opening.checkpoint, node.verifier)
        with self._database.read() as tx:
            stopped = quarantine.refusal(tx, node.journal)
        if stopped is not None:
            self._take_back(opening)
            raise stopped
        with self._database.read() as tx:
            log = Log(tx, node.journal)
            head = log.head()
            stored = 0 if head is None else head.size
            if offered.size < stored and root_at(offered.size, log.read_node) != offered.root:
                raise Fork(
                    f"The {offered.size} entries of this export are not those that central holds of its node.",
                    "Stop this node and call central IT: either it was copied, or its journal was changed.",
                )
        if offered.size >= stored:
            try:
                self._archive.offer(node, offered, opening.cosigned, keep_staged=True)
            except Rollback as error:
                raise OldExport from error
        state = self._archive.state(node.journal)
        self._take_back(opening)
        self._stored, self._offered = state.stored, offered.size
        brings_entries = header.part <= header.covered_by
        if (header.first > state.staged) if brings_entries else (header.last > state.stored):
            raise self._too_early(state.stored)
        if brings_entries and state.stored < header.last < state.staged and header.part == header.covered_by:
            self._archive.cut_staged(node.journal, max(header.first, state.stored))
        self._receiver = self._archive.receiver(node, offered.size, behind_staged=header.last > state.stored)

    def _take_back(self, opening: Opening) -> None:
        """Take up orders that central lost; where they cannot be, the receipt asks for them again."""
        if opening.lost_orders:
            try:
                self._orders_back.take(self._node.journal, opening.lost_orders)
                self.done.folds = True
            except (IntegrityError, NetworkError) as error:
                _log.warning("orders not taken back", journal=self._node.journal, error=type(error).__name__)
        self.done.orders_held, self.done.orders_root = opening.orders, opening.orders_root

    def _too_early(self, stored: int) -> PartMissing:
        header = self._header
        if header.part > 1:
            before = header.part - 1 if header.part <= header.covered_by else min(header.covered_by, header.part - 1)
            return PartMissing(
                f"Part {header.part} cannot be taken yet: import part {max(before, 1)} first.",
                "Nothing of it was taken. If that part is lost, carry the receipt back to the node.",
            )
        return PartMissing(
            f"This export begins at entry {header.first}, and central holds {stored} entries of its node.",
            "Take in the exports before it first; or carry the receipt back to the node: its next export has them.",
        )

    def _frame(self, frame: Frame, receiver: Receiver) -> None:
        match frame:
            case Entries():
                self._entries(frame, receiver)
            case Checkpoint():
                self._checkpoint(frame, receiver)
            case BlobPiece():
                self._piece(frame, receiver)
            case End():
                if receiver.state is not State.OPEN:
                    receiver.take(frame)
            case _:
                receiver.take(frame)

    def _entries(self, frame: Entries, receiver: Receiver) -> None:
        start, self._position = self._position, self._position + len(frame.items)
        if self._position > self._header.last:
            raise OutOfTurn("An export holds more entries than its header says.")
        items = frame.items[max(0, receiver.frontier.size - start) :]
        if items:
            self._store(Entries(items), receiver)
            self.done.entries += len(items)

    def _checkpoint(self, frame: Checkpoint, receiver: Receiver) -> None:
        found = open_checkpoint(frame.note, self._node.verifier)
        if found.size != self._header.last:
            raise OutOfTurn("The checkpoint of an export is of another size than its header says.")
        if found.size > self._stored:
            try:
                self._store(frame, receiver)
            except Rollback as error:
                raise OldExport from error
            return
        with self._database.read() as tx:
            root = root_at(found.size, Log(tx, self._node.journal).read_node)
        if root != found.root:
            raise Fork(
                f"The {found.size} entries of this export are not those that central holds of its node.",
                "Stop this node and call central IT: either it was copied, or its journal was changed.",
            )

    def _piece(self, piece: BlobPiece, receiver: Receiver) -> None:
        digest = BlobDigest(piece.digest)
        if digest in self.done.refused or digest == self._held:
            return
        if self._locker.holds(digest):
            self._held = digest
            return
        try:
            outcome = self._store(piece, receiver)
        except OutOfStep:
            self.done.refused[digest] = "it begins in another part, which is not here yet"
        except UnknownBlob:
            self.done.refused[digest] = "no entry of this node names it"
        else:
            if outcome is Outcome.SPOILT:
                self.done.refused[digest] = "it is not what its name says: it was damaged at the node"
            elif outcome is Outcome.WHOLE and self._locker.holds(digest):
                self.done.blobs += 1

    def _store(self, frame: Frame, receiver: Receiver) -> Outcome:
        effect = receiver.take(frame)
        outcome = Outcome.WHOLE
        if effect is not None:
            outcome = self._archive.store(self._node.journal, effect)
            if isinstance(effect, Accept):
                self._stored = effect.frontier.size
                self.done.folds = True
        return outcome
