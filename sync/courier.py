"""The node's side of the courier: what central lacks goes into files on a stick, and a receipt closes it.

What central has is known from the last size that it countersigned and from its newest word on it: a receipt, or a
session over HTTPS that came to its end. An export holds the entries past that size, and the sealed files of which
central has not said that it has them; what it holds already does no harm. The receipt is kept as it came, because it
names the files that central lacks: it is signed by central and sealed to this node.

A receipt is older than what is known when it answers an earlier export, or says less of the same. Then its
cosignature, orders and lists are still taken, none of which ever goes back; only where the next export begins does not
change. A receipt that answers the newest export and says less than was known is believed: central was restored from a
backup, and what it lost goes with the next export.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import bindparam, func, select

from appliance.certificates.lists import OlderLists
from appliance.certificates.listsfile import MAX_LISTS
from appliance.journal.errors import BugError, DeviceError, IntegrityError, OperatorError, SanadError
from appliance.journal.ids import BlobDigest, orders_of
from appliance.journal.kinds import JournalOpened, decode_body
from appliance.records import tables as t
from appliance.records.disk import write_durably
from appliance.records.failures import of_os
from appliance.records.log import Log
from appliance.sealing import age
from appliance.store import carried, publiclists
from appliance.store.store import AGE_IDENTITY, LOCKER, NODE_KEY, ORDERS_SIGNER, Store
from sync import courierdisk, courierfile, lostfiles
from sync.couriercut import Cut, Pull, carried_bytes
from sync.courierdisk import Found, StickFull, Watch, unwatched
from sync.courierfile import DIGEST_BYTES, MAX_FILE, MAX_PARTS, MIN_FILE, BadCourierFile, Header, Kind, Opening
from sync.orderstream import read_orders, write_orders
from sync.session import CentralState, Sender, Wanted
from sync.storesource import StoreSource

NUMBER: Final = "courier-number"
"""Under which the store remembers how many exports there were."""
HOLDS: Final = "courier-holds"
"""Under which the store remembers central's newest word on what it has."""
ORDERS_LOST: Final = "courier-orders-lost"
"""Under which the store remembers `yes` where central lacked orders that it gave, when it was heard last."""
LACKING: Final = "courier.lacking"
"""The file in a node's home with the digests of what central lacks, 32 bytes each."""
ENTRY_EXTRA: Final = 64
"""Bytes around an entry, at the most."""
NONE: Final = "-"

_ENTRY_BYTES: Final = select(
    func.count(),
    func.coalesce(func.sum(func.length(t.entries.c.header) + func.coalesce(func.length(t.entries.c.body), 0)), 0),
).where(t.entries.c.journal == bindparam("journal"), t.entries.c.seq >= bindparam("start"))
_NAMED: Final = (
    select(t.blobs.c.digest, func.min(t.blobs.c.seq))
    .where(t.blobs.c.journal == bindparam("journal"), t.blobs.c.seq >= bindparam("start"))
    .group_by(t.blobs.c.digest)
    .order_by(func.min(t.blobs.c.seq), t.blobs.c.digest)
)


@dataclass(frozen=True, slots=True)
class Holds:
    """Central's newest word on what it has of this node."""

    number: int
    """Exports of this node that were known of then."""
    stored: int
    """Entries. The sealed files that they name are there, but for those that are lacking."""
    lacking: int
    digests: str = NONE
    """SHA-256 of the file `LACKING` that names them; `NONE` where there is none."""

    @property
    def text(self) -> str:
        """As the store remembers it."""
        return f"{self.number} {self.stored} {self.lacking} {self.digests}"

    def is_older_than(self, known: Holds | None) -> bool:
        """Whether something newer is known."""
        if known is None:
            return False
        return (self.number, self.stored, -self.lacking) < (known.number, known.stored, -known.lacking)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote."""

    files: tuple[Path, ...]
    number: int
    first: int
    """The first entry in it."""
    last: int
    """One more than the last."""
    blobs: int
    """Sealed files in it."""
    left: int
    """Sealed files that central may lack and for which there was no room."""
    missing: tuple[BlobDigest, ...]
    """Sealed files that this node has not, or not undamaged."""
    bytes: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What a receipt brought."""

    size: int
    """Entries of this node."""
    cosigned_size: int
    closed: int
    """Entries that were not countersigned before."""
    stored: int
    """Entries that central had when it wrote the receipt."""
    lacking: int
    """Sealed files that central lacked of those."""
    unknown: int
    """Of which this node has not, or not undamaged: no export has them."""
    stuck: int
    """Sealed files that central lacks and this node should have, and has not."""
    orders: int
    """Orders that were news."""
    lists: bool
    """Whether the public lists were news."""
    older: bool
    """Whether something newer was known already."""
    troubles: tuple[str, ...]
    """What of it could not be taken, and why; the rest was."""


def known(store: Store) -> Holds | None:
    """Central's newest word, as this node remembers it."""
    text = store.local(HOLDS)
    if text is None:
        return None
    number, stored, lacking, digests = text.split(" ")
    return Holds(int(number), int(stored), int(lacking), digests)


def all_there(store: Store, size: int) -> None:
    """A session over HTTPS came to its end: central has so many entries, and every sealed file that they name."""
    holds = Holds(_exports(store), size, 0)
    if known(store) != holds:
        store.remember(**{HOLDS: holds.text})


# Writing


def export(
    store: Store,
    path: Path,
    *,
    part_bytes: int = MAX_FILE,
    fit: bool = False,
    room: Callable[[Path], int] = courierdisk.free_bytes,
    watch: Watch = unwatched,
) -> Exported:
    """Write what central lacks: one file, or a series.

    Args:
        store: the node's, enrolled.
        path: a folder, in which the files get names of their own; or the name of a file that is not there yet.
        part_bytes: of one file at the most, `MIN_FILE` to `MAX_FILE`.
        fit: whether sealed files for which there is no room are left for another time; the entries always go.
        room: bytes that can still be written to a folder.
        watch: told how far it is; what it raises ends the export, and leaves nothing.

    Raises:
        StickFull: there is not enough room. OperatorError: the place cannot be written, or is taken.
        BugError: the node is not enrolled.
    """
    if not MIN_FILE <= part_bytes <= MAX_FILE:
        raise OperatorError(f"A part has {MIN_FILE} to {MAX_FILE} bytes.", "Leave --part-size out: then it fits FAT32.")
    within = path.is_dir()
    if not within and path.exists():
        raise OperatorError(f"{path} is there already.", "Name another file, or a folder.")
    folder = path if within else path.parent
    courierdisk.sweep(folder)
    plan = _plan(store)
    _refuse_small(plan, folder, room(folder), fit=fit)
    number = _exports(store) + 1
    store.remember(**{NUMBER: str(number)})
    source = StoreSource(store)
    cut = Cut(
        source,
        Sender(store.journal, plan.state, plan.offered, rank=source.rank),
        plan.opening,
        _lost_orders(store, part_bytes // 2),
        blob_bytes=store.blob_bytes,
        room=courierdisk.room_inside(part_bytes),
        total=_room_inside(room(folder)) if fit else MAX_FILE * MAX_PARTS,
        watch=lambda done: watch(min(done, plan.bytes), plan.bytes),
    )
    series = base64.b32encode(store.random(courierfile.SERIES_BYTES)).decode().lower()
    centre = _centre(store)
    headers: list[Header] = []
    with courierdisk.Writing(folder, centre, series) as writing:
        while cut.more() or not headers:
            if len(headers) == MAX_PARTS:
                raise OperatorError(f"A series has at most {MAX_PARTS} parts.", "Use larger parts (--part-size).")
            first, part = cut.position, len(headers) + 1
            sealed = writing.seal(Pull(cut.part(part)).read, _recipients(store))
            entries = (first, cut.position)
            headers.append(Header(Kind.EXPORT, store.journal, number, series, part, MAX_PARTS, 0, *entries, *sealed))
        headers = courierdisk.numbered(headers, cut.covered_by)
        places = [courierdisk.place_of(path, each, centre, within=within) for each in headers]
        writing.finish(headers, courierfile.export_signer(store.journal, store.secret(NODE_KEY)), places)
    watch(plan.bytes, plan.bytes)
    return Exported(
        files=tuple(places),
        number=number,
        first=headers[0].first,
        last=headers[-1].last,
        blobs=cut.blobs,
        left=cut.left,
        missing=lostfiles.after_export(store, cut.missing, complete=not cut.left),
        bytes=sum(courierfile.HEADER_BYTES + each.sealed_bytes for each in headers),
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an export is to hold."""

    state: CentralState
    offered: int
    opening: Opening
    entry_bytes: int
    """At the most, as all sizes here."""
    bytes: int


def _plan(store: Store) -> _Plan:
    head, orders, holds = store.head(), store.orders_head(), known(store)
    start = head.cosigned_size if holds is None else min(head.cosigned_size, holds.stored)
    # Of what was named before, central has all but what it says it lacks; where it said nothing, it may lack any.
    lacking = None if holds is None else _lacking(store, holds)
    named_from = 0 if holds is None or lacking is None else holds.stored
    with store.read() as tx:
        named = tx.all(_NAMED, {"journal": store.journal, "start": named_from})
        row = tx.one(_ENTRY_BYTES, {"journal": store.journal, "start": start})
    count, entry_bytes = (0, 0) if row is None else row
    entry_bytes = int(entry_bytes) + int(count) * ENTRY_EXTRA
    before = dict.fromkeys([*(lacking or ()), *(BlobDigest(digest) for digest, seq in named if seq < start)])
    later = {BlobDigest(digest) for digest, seq in named if seq >= start} - before.keys()
    blob_bytes = sum(carried_bytes(store.blob_bytes(digest)) for digest in (*before, *later))
    wanted = tuple(Wanted(digest, 0) for digest in before)
    held = 0 if orders is None else orders.size
    return _Plan(
        CentralState(stored=start, staged=start, cosigned=head.cosigned, wanted=wanted, orders=held),
        head.size,
        Opening(head.checkpoint, head.cosigned, held, b"" if orders is None else orders.root),
        entry_bytes,
        entry_bytes + blob_bytes + courierfile.HEADER_BYTES + courierdisk.AGE_HEADER,
    )


def _refuse_small(plan: _Plan, folder: Path, available: int, *, fit: bool) -> None:
    """See that there is room.

    Raises:
        StickFull: there is not.
    """
    inside = _room_inside(available)
    if plan.bytes <= inside or (fit and plan.entry_bytes <= inside):
        return
    larger = "Use a larger stick"
    if plan.entry_bytes <= inside:
        advice = f"{larger}, or add --fit: it takes the entries and the most urgent papers, and the rest next time."
    else:
        advice = f"{larger}, or write smaller parts (--part-size) to a folder of this box, and carry them on several."
    raise StickFull(f"Up to {plan.bytes:,} bytes must be written; {folder} has room for {max(inside, 0):,}.", advice)


def _room_inside(available: int) -> int:
    return courierdisk.room_inside(available) - courierfile.HEADER_BYTES - available // 1000


def _lacking(store: Store, holds: Holds) -> list[BlobDigest] | None:
    """What central said it lacks; None where that is not known any more."""
    if holds.digests == NONE:
        return []
    try:
        packed = (store.layout.home / LACKING).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise of_os(error) from error
    if hashlib.sha256(packed).hexdigest() != holds.digests:
        return None
    return [BlobDigest(packed[at : at + DIGEST_BYTES].hex()) for at in range(0, len(packed), DIGEST_BYTES)]


def _lost_orders(store: Store, most: int) -> bytes:
    """All orders as frames, where central lacked some when it was heard last, and there is room; else nothing."""
    if (store.local(ORDERS_LOST) or NONE) == NONE:
        return b""
    with store.read() as tx:
        log = Log(tx, orders_of(store.journal))
        head = log.head()
        if head is None:
            return b""
        lost = write_orders(log.journal, list(log.entries(0, head.size)), head.size, head.checkpoint)
    return lost if len(lost) <= min(most, courierfile.MAX_RECORD // 2) else b""


def _recipients(store: Store) -> list[str]:
    """The recipients of every sealed file of this node."""
    locker = store.local(LOCKER)
    if locker is None:
        raise BugError("A node that is not enrolled exports nothing.")
    return [age.recipient_of(store.secret(AGE_IDENTITY).decode()), locker]


def _centre(store: Store) -> str:
    for entry in store.entries(0, 1):
        body = None if entry.body is None else decode_body(entry.header.kind, entry.body)
        if isinstance(body, JournalOpened):
            return re.sub(r"[^0-9A-Za-z]", "", body.centre)
    raise IntegrityError("The journal has no first entry.", "Run `sanad journal verify`.")


def _exports(store: Store) -> int:
    return int(store.local(NUMBER) or "0")


# Taking in


def take_receipt(store: Store, found: Found, *, watch: Watch = unwatched) -> Taken:
    """Take what a receipt brings: central's cosignature, its orders, the public lists, and what it lacks.

    Args:
        store: the node's, enrolled.
        found: the file.
        watch: told how far it is; what it raises ends the taking, and what was taken stands.

    Raises:
        OperatorError: it is no receipt, or of another node. BadCourierFile: it was changed or cut on its way, or is not
            central's; nothing was taken. IntegrityError: it contradicts this node's journal. BugError: the node is not
            enrolled.
    """
    header = found.header
    if header.kind is not Kind.RECEIPT:
        raise OperatorError(f"{found.place.name} is an export, which goes to central.", "Take in central's receipt.")
    if header.journal != store.journal:
        raise OperatorError(
            f"{found.place.name} is the receipt of another node.", f"It is for journal {header.journal}."
        )
    courierfile.verify_header(found.signed, store.central_key(ORDERS_SIGNER))
    total = 2 * header.sealed_bytes
    found.check(lambda done, _: watch(done, total))
    taking = _Taking(store, known_stuck=carried.stuck_files(store))
    found.open(
        store.secret(AGE_IDENTITY).decode(), taking.feed, lambda done, _: watch(header.sealed_bytes + done, total)
    )
    return taking.finish(header.number)


@dataclass(slots=True)
class _Taking:
    """A receipt that is being taken in."""

    store: Store
    reader: courierfile.ReceiptReader = field(default_factory=courierfile.ReceiptReader)
    statement: courierfile.Statement | None = None
    cosigned_before: int = 0
    lacking: bytearray = field(default_factory=bytearray)
    known_stuck: frozenset[str] = frozenset()
    unknown: set[BlobDigest] = field(default_factory=set)
    older_copy: IntegrityError | None = None
    """Why nothing of it counts but the orders, which are central's own and have one history."""
    orders: int = 0
    orders_trouble: str = ""
    lists: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the payload."""
        for record in self.reader.feed(data):
            match record:
                case courierfile.Statement():
                    self._hear(record)
                case courierfile.Lacking():
                    self.lacking += record.packed
                    self.unknown.update(digest for digest in record.digests if self._is_lost(digest))
                case courierfile.Orders():
                    self._take_orders(record.stream)
                case courierfile.Lists():
                    self.lists += record.data
                    if len(self.lists) > MAX_LISTS:
                        raise BadCourierFile("The public lists in this receipt are larger than any.")

    def finish(self, number: int) -> Taken:
        """All came: keep what it says."""
        self.reader.finish()
        statement = self.statement
        if statement is None or statement.lacking * DIGEST_BYTES != len(self.lacking):
            raise BadCourierFile("This receipt contradicts itself.", "Ask central for another.")
        if self.older_copy is not None:
            raise self.older_copy
        holds = Holds(number, statement.stored, statement.lacking)
        older = holds.is_older_than(known(self.store))
        stuck = self.known_stuck
        if not older:
            self._keep(holds)
            stuck = lostfiles.after_receipt(self.store, self.known_stuck, self.unknown, statement.stored)
        lost = self._note_lost_orders(statement.orders)
        news, lists_trouble = self._take_lists()
        head = self.store.head()
        return Taken(
            size=head.size,
            cosigned_size=head.cosigned_size,
            closed=head.cosigned_size - self.cosigned_before,
            stored=statement.stored,
            lacking=statement.lacking,
            unknown=len(self.unknown),
            stuck=len(stuck),
            orders=self.orders,
            lists=news,
            older=older,
            troubles=tuple(filter(None, (lost, self.orders_trouble, lists_trouble))),
        )

    def _is_lost(self, digest: BlobDigest) -> bool:
        # To see that a file is damaged it must be read: the export did, and said so.
        return digest in self.known_stuck or not self.store.holds_blob(digest)

    def _hear(self, statement: courierfile.Statement) -> None:
        head = self.store.head()
        self.cosigned_before = head.cosigned_size
        if statement.stored > head.size:
            self.older_copy = IntegrityError(
                f"Central holds {statement.stored} entries of this node, which has {head.size}: this is an older copy.",
                "Do not go on working on it. Call central IT: the node must be rebuilt, or its newer disk put back.",
            )
        elif statement.cosigned is not None:
            self.store.take_cosignature(statement.cosigned)
        self.statement = statement

    def _take_orders(self, stream: bytes) -> None:
        """Take the next orders; what is wrong with them keeps nothing else from being taken."""
        if self.orders_trouble:
            return
        journal = orders_of(self.store.journal)
        with self.store.read() as tx:
            frontier = Log(tx, journal).frontier()
        try:
            found = read_orders(stream, journal, self.store.central_key(ORDERS_SIGNER), frontier)
            if found is not None:
                self.store.take_orders(*found)
                self.orders += len(found[0])
        except DeviceError:
            raise
        except SanadError as error:
            self.orders_trouble = f"Central's orders were not taken up. {error}"

    def _take_lists(self) -> tuple[bool, str]:
        if not self.lists:
            return False, ""
        try:
            return publiclists.keep(self.store, bytes(self.lists)), ""
        except OlderLists:
            return False, ""
        except IntegrityError as error:
            return False, f"The public lists were not taken up. {error}"

    def _note_lost_orders(self, known: int) -> str:
        """What central says it has of its orders; an old receipt says less, and then what goes back does no harm."""
        orders = self.store.orders_head()
        lost = "yes" if orders is not None and known < orders.size else NONE
        if (self.store.local(ORDERS_LOST) or NONE) != lost:
            self.store.remember(**{ORDERS_LOST: lost})
        return "" if lost == NONE else "Central lacks orders that it gave. Export once more: that brings them back."

    def _keep(self, holds: Holds) -> None:
        if holds.lacking:
            write_durably(self.store.layout.home / LACKING, bytes(self.lacking))
            digests = hashlib.sha256(self.lacking).hexdigest()
            holds = Holds(holds.number, holds.stored, holds.lacking, digests)
        self.store.remember(**{HOLDS: holds.text})
