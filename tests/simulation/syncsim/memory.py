"""Databases and files in memory: durable when the shipped code was told so, and not before.

A database holds what was committed. `Lying` is one that says so too early, as a disk without an fsync would: a power
cut takes its last commit away.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlcipher3 import dbapi2

from appliance.journal.checkpoint import open_checkpoint
from appliance.journal.errors import BugError
from appliance.journal.ids import BlobDigest
from appliance.journal.notes import VerifierKey
from appliance.records.database import Database, Tx
from appliance.sealing.age import digest_of
from appliance.store.blobs import BlobFolder, BlobMissing
from appliance.store.witness import Witness
from sync.central.locker import Locker, NoSuchBlob, Outcome
from sync.frames import BlobPiece
from sync.refusals import OutOfStep
from tests.simulation.syncsim.power import Power

NOWHERE: Final = Path("/nowhere")
Files = dict[BlobDigest, bytes]


def connect() -> dbapi2.Connection:
    """An empty database in memory."""
    connection = dbapi2.connect(":memory:", isolation_level=None, cached_statements=512)
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


@dataclass(slots=True, eq=False)
class Disk:
    """What a database file holds."""

    connection: dbapi2.Connection = field(default_factory=connect)
    lies: bool = False
    """Whether it says that a commit is durable before it is."""
    before: dbapi2.Connection | None = None

    def copy(self) -> Disk:
        """The same bytes on another disk."""
        return Disk(_copied(self.connection), self.lies)

    def lose_power(self) -> None:
        """What was not durable is gone."""
        if self.before is not None:
            self.connection, self.before = self.before, None

    def durable(self) -> dbapi2.Connection | None:
        """What is durable until the next commit is, where this disk lies; to be asked outside a transaction."""
        return _copied(self.connection) if self.lies else None


def _copied(connection: dbapi2.Connection) -> dbapi2.Connection:
    other = connect()
    connection.backup(other)
    return other


class MemoryDatabase(Database):
    """A database on such a disk, for one start of one machine."""

    def __init__(self, disk: Disk, power: Power) -> None:
        self._disk = disk
        self._power = power
        self._in_use = False

    @contextlib.contextmanager
    def write(self) -> Iterator[Tx]:
        """See `Database.write`."""
        self._power.moment("before a transaction")
        self._power.room()
        durable = self._disk.durable()
        with self._transaction_on("BEGIN IMMEDIATE") as connection:
            yield Tx(connection)
            self._power.moment("before a commit")
            self._disk.before = durable
            connection.execute("COMMIT")
        self._power.moment("after a commit")

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """See `Database.read`."""
        if self._power.is_off:
            self._power.moment("reading")
        if self._in_use:
            raise BugError("A transaction was begun inside another one.")
        # Nobody else is there who could write meanwhile.
        self._in_use = True
        try:
            yield Tx(self._disk.connection)
        finally:
            self._in_use = False

    def checkpoint(self) -> bool:
        """See `Database.checkpoint`."""
        return True

    def enlarge_cache(self) -> None:
        """See `Database.enlarge_cache`."""

    def close(self) -> None:
        """See `Database.close`."""

    @contextlib.contextmanager
    def _transaction_on(self, begin: str) -> Iterator[Any]:
        if self._in_use:
            raise BugError("A transaction was begun inside another one.")
        connection = self._disk.connection
        connection.execute(begin)
        self._in_use = True
        try:
            yield connection
        finally:
            self._in_use = False
            if connection.in_transaction:
                connection.execute("ROLLBACK")


class MemoryBlobs(BlobFolder):
    """A node's folder of sealed files."""

    def __init__(self, files: Files, power: Power) -> None:
        super().__init__(NOWHERE)
        self._files_here = files
        self._power = power

    def put(self, sealed: bytes) -> BlobDigest:
        """See `BlobFolder.put`."""
        digest = digest_of(sealed)
        self._power.moment("before a sealed file")
        self._power.room()
        self._pending[digest] += 1
        self._files_here[digest] = sealed
        self._power.moment("after a sealed file")
        return digest

    def size(self, digest: BlobDigest) -> int:
        """See `BlobFolder.size`."""
        return len(self._files_here.get(digest, b""))

    def read(self, digest: BlobDigest) -> bytes:
        """See `BlobFolder.read`."""
        sealed = self._files_here.get(digest)
        if sealed is None or digest_of(sealed) != digest:
            raise BlobMissing("The sealed file is missing or damaged.")
        return sealed

    def holds(self, digest: BlobDigest) -> bool:
        """See `BlobFolder.holds`."""
        return digest in self._files_here

    def remove(self, digests: Collection[BlobDigest]) -> None:
        """See `BlobFolder.remove`."""
        for digest in digests:
            self._power.moment("before a file is removed")
            self._files_here.pop(digest, None)

    def names(self) -> Iterator[BlobDigest]:
        """See `BlobFolder.names`."""
        yield from sorted(self._files_here)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[bool]:
        """See `BlobFolder.quiet`."""
        yield not self._pending

    def collect(self, named: Collection[str]) -> int:
        """See `BlobFolder.collect`."""
        left = [digest for digest in self.names() if digest not in named]
        self.remove(left)
        return len(left)


class MemoryWitness(Witness):
    """The file that says what central countersigned; its one key in `files` is `witness`."""

    def __init__(self, files: dict[str, bytes], power: Power) -> None:
        super().__init__(NOWHERE)
        self._files_here = files
        self._power = power

    def note(self) -> bytes | None:
        """See `Witness.note`."""
        return self._files_here.get("witness")

    def renew(self, note: bytes, key: VerifierKey) -> None:
        """See `Witness.renew`."""
        self._power.moment("before the witness")
        self._power.room()
        seen = self.note()
        if seen is None or open_checkpoint(seen, key).size <= open_checkpoint(note, key).size:
            self._files_here["witness"] = note
        self._power.moment("after the witness")


@dataclass(slots=True, eq=False)
class Shelf:
    """What central's locker holds: whole files, durable; parts, which a power cut may shorten or fill with zeros."""

    whole: Files = field(default_factory=dict)
    parts: dict[BlobDigest, bytearray] = field(default_factory=dict)

    def copy(self) -> Shelf:
        """The same bytes on another disk."""
        return Shelf(dict(self.whole), {digest: bytearray(part) for digest, part in self.parts.items()})

    def lose_power(self, below: Callable[[int], int]) -> None:
        """What was not durable may be gone; `below` draws a number below another one."""
        for part in self.parts.values():
            kept = below(len(part) + 1)
            if below(2):
                del part[kept:]
            else:
                part[kept:] = bytes(len(part) - kept)


class MemoryLocker(Locker):
    """Central's sealed files."""

    def __init__(self, shelf: Shelf, power: Power) -> None:
        super().__init__(NOWHERE, NOWHERE)
        self._shelf = shelf
        self._power = power

    def holds(self, digest: BlobDigest) -> bool:
        """See `Locker.holds`."""
        return digest in self._shelf.whole

    def offset(self, digest: BlobDigest) -> int:
        """See `Locker.offset`."""
        return len(self._shelf.parts.get(digest, b""))

    def read(self, digest: BlobDigest) -> bytes:
        """See `Locker.read`."""
        if digest not in self._shelf.whole:
            raise NoSuchBlob("Central does not hold this blob.")
        return self._shelf.whole[digest]

    def add(self, piece: BlobPiece) -> Outcome:
        """See `Locker.add`."""
        digest = BlobDigest(piece.digest)
        if self.holds(digest):
            return Outcome.WHOLE
        self._power.moment("before a piece")
        self._power.room()
        part = self._shelf.parts.setdefault(digest, bytearray())
        if len(part) > piece.size:
            del self._shelf.parts[digest]
            raise OutOfStep("A blob is smaller than an earlier piece of it said.", "Sync again.")
        if piece.offset > len(part):
            raise OutOfStep("A piece of a blob came before the bytes that it follows.", "Sync again.")
        part += piece.data[len(part) - piece.offset :]
        self._power.moment("after a piece")
        if len(part) < piece.size:
            return Outcome.PARTIAL
        if hashlib.sha256(part).hexdigest() != digest:
            del self._shelf.parts[digest]
            return Outcome.SPOILT
        self._shelf.whole[digest] = bytes(self._shelf.parts.pop(digest))
        self._power.moment("after a file is whole")
        return Outcome.WHOLE

    def remove(self, digests: Collection[BlobDigest]) -> None:
        """See `Locker.remove`."""
        for digest in digests:
            self._power.moment("before a file is removed")
            self._shelf.whole.pop(digest, None)
            self._shelf.parts.pop(digest, None)

    def parts(self) -> list[BlobDigest]:
        """See `Locker.parts`."""
        return sorted(self._shelf.parts)
