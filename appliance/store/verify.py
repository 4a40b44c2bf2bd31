"""Checking a whole home: the database, the journal, the orders, the tables, the blobs and the witness.

What is found: any change to an entry or to what was derived from one; entries that are missing, exchanged, or put back
with a body that was erased; tables that are not the fold of the journal; blobs that are missing or damaged; a damaged
page; an old page put back, except one that nothing uses any more; a database that is not laid out as this software
does it; an older copy of the store put back, as long as the witness was left in its place and central countersigned
something since.

What is not: an older copy of a draft, which is in no journal; an older copy of the whole home; and what whoever holds
the keys wrote anew together with all that covers it: entries after the size that central countersigned, secrets, what
is remembered. Only central can tell.

The journal is read in one transaction, so that all is checked as it stood at one moment, also while others write.
Nothing is changed; SQLite may move what was written from its write-ahead log into the database.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec
from sqlalchemy import bindparam, func, select

from appliance.journal import verify
from appliance.journal.checkpoint import open_checkpoint, open_cosignature
from appliance.journal.errors import BugError, DeviceError, IntegrityError
from appliance.journal.ids import BlobDigest, JournalId, journal_id, orders_of, origin
from appliance.journal.notes import NOTE_SIGNATURE, Signer, VerifierKey
from appliance.journal.verify import Row
from appliance.records import folding, search
from appliance.records import tables as t
from appliance.records.database import Database, Tx
from appliance.records.failures import StoreUnreadable
from appliance.records.log import Head, Log
from appliance.store import local
from appliance.store.blobs import BlobFolder
from appliance.store.keys import COSIGNER, JOURNAL_KEY, ORDERS_SIGNER, SEED_BYTES, WITNESS_DUE
from appliance.store.layout import Layout
from appliance.store.witness import Witness, see_contained

MAX_FAULTS: Final = 20
"""Faults of one part that are named; there may be more."""
LOOKS: Final = 3
"""How often pages are looked at again: while others write, the log may have grown again since it was moved."""

Progress = Callable[[str, int, int], None]
"""Told which part is being checked, how much of it is done, and of how much. An interrupt in it stops the check."""

# What reading a row raises that is not of the form in which it was written, or a table that is not there.
_NOT_AS_WRITTEN: Final = (
    BugError,
    TypeError,
    ValueError,
    LookupError,
    AttributeError,
    ArithmeticError,
    struct.error,
    msgspec.MsgspecError,
)

_JOURNALS: Final = select(t.entries.c.journal).distinct()
_HEADS: Final = select(t.heads.c.journal)
_STAMPS: Final = select(t.stamps.c.journal)
_FOLDED_OF_OTHERS: Final = tuple(
    select(table.c.journal).where(table.c.journal != bindparam("journal")).limit(1) for table in t.FOLDED.sorted_tables
)
_ORDERS_STATE: Final = select(t.orders_state.c.size, t.orders_state.c.root).where(
    t.orders_state.c.journal == bindparam("journal")
)
_BACK_AGAIN: Final = (
    select(t.entries.c.seq)
    .join(t.erased, (t.erased.c.journal == t.entries.c.journal) & (t.erased.c.about == t.entries.c.about))
    .where(
        t.entries.c.journal == bindparam("journal"),
        t.ABOUT_SOMEBODY,
        t.entries.c.seq < t.erased.c.seq,
        t.entries.c.body.is_not(None),
    )
    .order_by(t.entries.c.seq)
    .limit(1)
)
_BLOBS: Final = (
    select(t.blobs.c.digest, func.min(t.blobs.c.seq))
    .where(t.blobs.c.journal == bindparam("journal"))
    .group_by(t.blobs.c.digest)
)
_IS_FREED: Final = select(t.freed.c.digest).where(
    t.freed.c.journal == bindparam("journal"), t.freed.c.digest == bindparam("digest")
)
_IS_NAMED: Final = select(t.blobs.c.seq).where(
    t.blobs.c.journal == bindparam("journal"), t.blobs.c.digest == bindparam("digest")
)


def no_progress(_part: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class HomeReport:
    """What came out."""

    journal: JournalId
    size: int
    """Entries that were checked and found good."""
    cosigned_size: int
    """How many of them central has countersigned, by what the store holds."""
    bad_seq: int | None
    """The first bad entry, where one can be named."""
    reasons: tuple[str, ...]
    """What is wrong, each a sentence. Empty when all is well."""
    remarks: tuple[str, ...]
    """What was not checked, and why."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reasons


@dataclass(slots=True)
class _Findings:
    size: int = 0
    cosigned_size: int = 0
    bad_seq: int | None = None
    reasons: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def fault(self, sentence: str, seq: int | None = None) -> None:
        if sentence not in self.reasons:
            self.reasons.append(sentence)
        if seq is not None and (self.bad_seq is None or seq < self.bad_seq):
            self.bad_seq = seq


def verify_home(layout: Layout, key: bytes, progress: Progress = no_progress) -> HomeReport:
    """Check everything in a node's home that can be checked without central.

    Args:
        layout: the home.
        key: the store key, 32 bytes.
        progress: is called now and then; an interrupt in it stops the check.

    Raises:
        StoreMissing, StoreUnreadable: there is no store, or this is not its key, or its first pages are damaged.
        IntegrityError: the store holds no key of a journal.
    """
    database = Database(layout.database, key, lock=layout.lock)
    try:
        # Before the transaction: what was countersigned by now is in what it will show.
        seen = Witness(layout.witness).note()
        with database.read() as tx:
            checking = _Checking(layout, tx, seen, progress)
            checking.all_parts(tx)
        found = checking.found
        try:
            progress("pages", 0, 1)
            for sentence in _page_faults(database)[:MAX_FAULTS]:
                found.fault(f"The database: {sentence}.")
            progress("pages", 1, 1)
            with database.read() as tx:
                checking.lost_blobs(tx)
            if checking.comparable:
                _check_search(database, found)
        except IntegrityError as error:
            found.fault(error.sentence)
        except _NOT_AS_WRITTEN:
            found.fault("The database cannot be checked: it is not as Sanad writes it.")
    finally:
        database.close()
    return HomeReport(
        checking.journal, found.size, found.cosigned_size, found.bad_seq, tuple(found.reasons), tuple(found.remarks)
    )


class _Checking:
    """One run over one home. Each part adds what it finds; one that cannot go on raises."""

    def __init__(self, layout: Layout, tx: Tx, seen: bytes | None, progress: Progress) -> None:
        seed = _journal_key(tx)
        public = Signer("-", seed).verifier.public
        self.journal = journal_id(public)
        self.found = _Findings()
        self._key = VerifierKey(origin(self.journal), NOTE_SIGNATURE, public)
        self._orders = orders_of(self.journal)
        self._layout = layout
        self._seen = seen
        self._progress = progress
        self.comparable = True
        self._lost: list[tuple[BlobDigest, int, str]] = []

    def all_parts(self, tx: Tx) -> None:
        """Check everything that a transaction shows, part by part; a part that fails does not keep the next from it."""
        for name, part in (
            ("layout of the database", self._database_layout),
            ("journal", self._journal),
            ("journal of central's orders", self._central_orders),
            ("list of journals", self._strangers),
            ("set of tables made from the journal", self._tables),
            ("list of what was erased", self._erased_bodies),
            ("memory of the box", self._memory),
            ("witness of what central countersigned", self._witness),
            ("list of blobs", self._blobs),
        ):
            try:
                part(tx)
            except IntegrityError as error:
                self.found.fault(error.sentence)
            except _NOT_AS_WRITTEN:
                self.found.fault(f"The {name} cannot be read: it is not as Sanad writes it.")

    def _database_layout(self, tx: Tx) -> None:
        """Every table and index must be as this software makes it, and there must be nothing else."""
        there, ours = tx.layout(), Database.in_memory((t.LOG, t.FOLDED)).layout()
        differing = {name for name in there.keys() | ours.keys() if there.get(name) != ours.get(name)}
        folded = {name for name in differing if _is_folded(*(there.get(name) or ours[name]))}
        self.comparable = not folded
        if folded and self._is_of_another_version(tx):
            differing -= folded
        for name in sorted(differing & ours.keys())[:MAX_FAULTS]:
            self.found.fault(f"The {ours[name][0]} {name} is missing, or is not as this version of Sanad makes it.")
        for kind in sorted({there[name][0] for name in differing - ours.keys()}):
            self.found.fault(f"The database holds something of type {kind} that is not Sanad's.")

    def _is_of_another_version(self, tx: Tx) -> bool:
        stamp = folding.stamped(tx, self.journal)
        return stamp is not None and stamp[0] != folding.VERSION

    def _journal(self, tx: Tx) -> None:
        log = Log(tx, self.journal)
        head = log.head()
        if head is None:
            raise IntegrityError("The journal has no head.")
        cosigner = self._central_key(tx, COSIGNER)
        self.found.cosigned_size = head.cosigned_size
        verdict = self._verdict(log, self._key, head, () if cosigner is None else (cosigner,))
        self.found.size = verdict.size
        if not verdict.consistent:
            self.found.fault(verdict.sentence, verdict.bad_seq)
        self._check_head(head, self._key)

    def _central_orders(self, tx: Tx) -> None:
        log = Log(tx, self._orders)
        head = log.head()
        applied = tx.one(_ORDERS_STATE, {"journal": self.journal})
        if head is None:
            if log.count() or applied is not None:
                self.found.fault("The orders of central have no head.")
            return
        key = self._central_key(tx, ORDERS_SIGNER)
        if key is None:
            self.found.fault("There are orders, and no key of central to check them with.")
            return
        verdict = self._verdict(log, key, head, ())
        if not verdict.consistent:
            self.found.fault(f"The orders of central: {verdict.sentence}")
        self._check_head(head, key)
        if applied != (head.size, head.root.hex()):
            self.found.fault("The orders of central are not those that the journal took up.")

    def _verdict(self, log: Log, key: VerifierKey, head: Head, cosigners: tuple[VerifierKey, ...]) -> verify.Verdict:
        return verify.verify_entries(
            _rows(log),
            key=key,
            head=head.checkpoint,
            cosigned=head.cosigned,
            cosigners=cosigners,
            progress=lambda done: self._progress(log.journal, done, head.size),
        )

    def _check_head(self, head: Head, key: VerifierKey) -> None:
        """What a head says beside its notes must be what the notes say."""
        newest = open_checkpoint(head.checkpoint, key)
        cosigned = 0 if head.cosigned is None else open_checkpoint(head.cosigned, key).size
        if (head.size, head.root, head.cosigned_size) != (newest.size, newest.root, cosigned):
            self.found.fault("The head of a journal is not what its checkpoints say.")

    def _strangers(self, tx: Tx) -> None:
        known = {self.journal, self._orders}
        there = {row[0] for statement in (_JOURNALS, _HEADS, _STAMPS) for row in tx.all(statement)}
        others = (tx.one(statement, {"journal": self.journal}) for statement in _FOLDED_OF_OTHERS)
        folded = self.comparable and any(others)
        if there - known or folded:
            self.found.fault("The store holds rows of a journal that is not its own.")

    def _tables(self, tx: Tx) -> None:
        head = Log(tx, self.journal).head()
        size = 0 if head is None else head.size
        stamp = folding.stamped(tx, self.journal)
        if self._is_of_another_version(tx):
            compared = "a start makes them anew" if self.comparable else "they were not compared"
            self.found.remarks.append(f"The tables are of another version of Sanad; {compared}.")
            if not self.comparable:
                return
        if stamp is None or stamp[1] != size:
            self.found.fault("The tables do not stand where the journal does.")
        again = Database.in_memory((t.LOG, t.FOLDED))
        folding.fold_range(again, tx, self.journal, 0, size, partial(self._progress, "tables"))
        folding.same_tables(tx, again, self.journal)

    def _erased_bodies(self, tx: Tx) -> None:
        row = tx.one(_BACK_AGAIN, {"journal": self.journal})
        if row is not None:
            self.found.fault(f"Entry {row[0]} was erased, and says again what it said.", row[0])

    def _memory(self, tx: Tx) -> None:
        if not local.is_whole(tx):
            self.found.fault("What the box remembers of central is not what it remembered last.")
        if not local.are_secrets_whole(tx):
            self.found.fault("The secrets of the box are not those that it was set up with.")

    def _witness(self, tx: Tx) -> None:
        log = Log(tx, self.journal)
        head = log.head()
        countersigned = 0 if head is None else head.cosigned_size
        if self._seen is not None:
            cosigner = self._central_key(tx, COSIGNER)
            if cosigner is None:
                raise IntegrityError("There is a countersigned checkpoint, and no key of central to check it with.")
            open_cosignature(self._seen, cosigner)
            seen = open_checkpoint(self._seen, self._key)
            see_contained(log, seen)
            if seen.size > countersigned:
                self.found.fault("Central has countersigned more than the store remembers: a part of it is older.")
        # Read again: others may have gone on meanwhile.
        latest = Witness(self._layout.witness).note()
        size = 0 if latest is None else open_checkpoint(latest, self._key).size
        if size >= countersigned:
            return
        if local.remembered(tx, WITNESS_DUE) is None:
            self.found.fault("The file that witnesses what central countersigned is missing, or older than the store.")
        else:
            self.found.remarks.append("The file that witnesses what central countersigned is renewed by a start.")

    def _blobs(self, tx: Tx) -> None:
        folder = BlobFolder(self._layout.blobs)
        named = tx.all(_BLOBS, {"journal": self.journal})
        for done, (digest, seq) in enumerate(named):
            self._progress("blobs", done, len(named))
            try:
                folder.read(BlobDigest(digest))
            except IntegrityError as error:
                self._lost.append((BlobDigest(digest), seq, error.sentence))
        self._progress("blobs", len(named), len(named))

    def lost_blobs(self, tx: Tx) -> None:
        """Name the blobs that were not there, unless their subject was erased while the others were read."""
        freed = 0
        for digest, seq, sentence in self._lost:
            if tx.one(_IS_FREED, {"journal": self.journal, "digest": digest}) is not None:
                freed += 1
            elif tx.one(_IS_NAMED, {"journal": self.journal, "digest": digest}) is not None:
                self.found.fault(f"Entry {seq}: {sentence}")
        if freed:
            self.found.remarks.append(f"{freed} sealed files were freed to make room; central holds them.")

    def _central_key(self, tx: Tx, name: str) -> VerifierKey | None:
        text = local.remembered(tx, name)
        return None if text is None else VerifierKey.parse(text)


def _journal_key(tx: Tx) -> bytes:
    try:
        seed = local.secret(tx, JOURNAL_KEY)
    except BugError:
        seed = None
    if seed is None or len(seed) != SEED_BYTES:
        raise IntegrityError("The store holds no key of a journal.")
    return seed


def _is_folded(kind: str, table: str, _text: str | None) -> bool:
    """Whether it may be of a table that another version of the software folded."""
    return kind in ("table", "index", "view") and table.startswith(t.FOLDED_PREFIX)


def _rows(log: Log) -> Iterator[Row]:
    """The rows of a journal, after what stands beside each header was held against it."""
    for seq, about, header, salt, body, nodes in log.stored():
        # A page that is not the table's own shows its rows under these columns, whatever they hold.
        if not all(isinstance(each, bytes) for each in (header, nodes, salt or b"", body or b"")):
            raise IntegrityError("It is not stored as an entry is.")
        # No field of a header is free text, so these bytes stand for nothing else in it.
        if f'"seq":{seq},'.encode() not in header or f'"about":"{about}"'.encode() not in header:
            raise IntegrityError("It is stored under a position or a subject that is not its own.")
        yield header, salt, body, nodes


def _check_search(database: Database, found: _Findings) -> None:
    """Compare the index of words with the words; alone, because SQLite takes a check of it for a change."""
    try:
        with database.write() as tx:
            search.check(tx)
    except StoreUnreadable:
        found.fault("The index that search uses is not what the tables say.")
    except DeviceError:
        found.remarks.append("The index that search uses was not compared, because nothing can be written there.")


def _page_faults(database: Database) -> list[str]:
    """What the database finds wrong with its own pages."""
    with database.read() as tx:
        faults = tx.integrity_faults()
    for _ in range(LOOKS):
        if not faults:
            break
        # A page that is in the write-ahead log, and has no place in the file yet, looks damaged: move it there first,
        # and look again while nobody writes.
        try:
            database.checkpoint()
            with database.write() as tx:
                faults = tx.integrity_faults()
        except DeviceError:
            # It cannot be moved where nothing can be written, or where the log itself is damaged: the faults stand.
            break
    return faults
