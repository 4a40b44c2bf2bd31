"""One SQLCipher file: opened with a raw key, written by one at a time, and durable when `write` returns.

Statements are SQLAlchemy Core constructs, compiled once to text and run on the driver's connection.

Guarantees: `write` holds a file lock (SQLite's own waiting is unfair), begins IMMEDIATE, and commits with
`synchronous=FULL`; whatever it raises, nothing of it stays. A failed fsync halts: the pages in doubt are never written
again by this process. Does not guarantee that an old page put back is noticed: the journal's tree does that.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlcipher3 import dbapi2

from appliance.journal.errors import BugError
from appliance.records import failures
from appliance.records.failures import StorageFailed, StorageReadOnly, StoreMissing

KEY_BYTES: Final = 32
CACHE_KIB: Final = 16 * 1024
FOLD_CACHE_KIB: Final = 64 * 1024
# A commit waits this long for a reader that is just opening; writers wait for each other at the file lock instead.
BUSY_TIMEOUT_MS: Final = 10_000

_DIALECT: Final = sqlite.dialect(paramstyle="named")

Row = tuple[Any, ...]
Params = Mapping[str, object]
Halt = Callable[[StorageFailed], NoReturn]


def _raise(error: StorageFailed) -> NoReturn:
    raise error


class _Compiled:
    """The text of each statement, made once. Statements are module constants, so their number is bounded."""

    def __init__(self) -> None:
        self._texts: dict[int, tuple[sa.Executable, str, dict[str, Any]]] = {}

    def text(self, statement: sa.Executable) -> tuple[str, dict[str, Any]]:
        known = self._texts.get(id(statement))
        if known is None:
            if not isinstance(statement, sa.ClauseElement):
                raise BugError("Only SQLAlchemy Core statements are run.")
            compiled = statement.compile(dialect=_DIALECT)
            fixed = {name: value for name, value in (compiled.params or {}).items() if value is not None}
            known = self._texts[id(statement)] = (statement, str(compiled), fixed)
        return known[1], known[2]


_COMPILED: Final = _Compiled()


class Tx:
    """Statements inside one transaction."""

    def __init__(self, connection: dbapi2.Connection) -> None:
        self._connection = connection

    def run(self, statement: sa.Executable, params: Params | None = None) -> int:
        """Run one statement; answers how many rows it touched."""
        return int(self._execute(statement, params).rowcount)

    def many(self, statement: sa.Executable, rows: Sequence[Params]) -> None:
        """Run one statement for each of `rows`."""
        if rows:
            text, fixed = _COMPILED.text(statement)
            self._connection.executemany(text, [{**fixed, **row} for row in rows] if fixed else rows)

    def one(self, statement: sa.Executable, params: Params | None = None) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._execute(statement, params).fetchone()
        return row

    def all(self, statement: sa.Executable, params: Params | None = None) -> list[Row]:
        """Every row; the statement bounds how many."""
        rows: list[Row] = self._execute(statement, params).fetchall()
        return rows

    def _execute(self, statement: sa.Executable, params: Params | None) -> Any:
        text, fixed = _COMPILED.text(statement)
        return self._connection.execute(text, {**fixed, **(params or {})} if fixed else (params or {}))

    def create(self, tables: sa.MetaData) -> None:
        """Create every table of `tables` and its indexes."""
        for table in tables.sorted_tables:
            self._connection.execute(str(CreateTable(table).compile(dialect=_DIALECT)))
            for index in sorted(table.indexes, key=lambda each: str(each.name)):
                self._connection.execute(str(CreateIndex(index).compile(dialect=_DIALECT)))

    def drop_all_but(self, kept: sa.MetaData) -> None:
        """Drop every table that is not one of `kept`."""
        names = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            if name not in kept.tables and not name.startswith("sqlite_"):
                quoted = _DIALECT.identifier_preparer.quote_identifier(name)
                self._connection.execute(f"DROP TABLE {quoted}")

    def integrity_faults(self) -> list[str]:
        """What the database's own checks find: page HMACs, tables against indexes. Empty when all is well."""
        faults: list[str] = []
        for check in ("cipher_integrity_check", "integrity_check"):
            faults += [str(row[0]) for row in self._connection.execute(f"PRAGMA {check}") if row[0] != "ok"]
        return faults


class Database:
    """One encrypted database file, usable from several threads and processes at once.

    Args:
        path: the file.
        key: 32 raw bytes.
        lock: the file that writers lock; its folder must exist.
        halt: called when the disk failed in the middle of a commit; it must not return.
        synchronous: `FULL`; a fault test lowers it to show what that would lose.

    Raises:
        StoreMissing: no such file. StoreUnreadable: not a database under this key.
    """

    def __init__(
        self, path: Path, key: bytes, *, lock: Path, halt: Halt = _raise, synchronous: str = "FULL", new: bool = False
    ) -> None:
        if len(key) != KEY_BYTES:
            raise BugError("A store key has 32 bytes.")
        if not new and not path.is_file():
            raise StoreMissing
        self._path = path
        self._key = key
        self._lock = lock
        self._halt = halt
        self._synchronous = synchronous
        self._local = threading.local()
        self._connections: list[dbapi2.Connection] = []
        self._guard = threading.Lock()
        self._broken: StorageFailed | None = None
        with self._translated():
            self._connection()

    @classmethod
    def create(
        cls, path: Path, key: bytes, tables: Sequence[sa.MetaData], *, lock: Path, halt: Halt = _raise
    ) -> Database:
        """Make a new file with `tables`. The file and its folder are durable when this returns."""
        if path.exists():
            raise BugError("A store is there already; it is never overwritten.")
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        database = cls(path, key, lock=lock, halt=halt, new=True)
        with database.write() as tx:
            for each in tables:
                tx.create(each)
        return database

    @classmethod
    def in_memory(cls, tables: Sequence[sa.MetaData]) -> Tx:
        """A transaction on a database that lives in memory only, for folding beside the real tables."""
        connection = dbapi2.connect(":memory:", isolation_level=None)
        tx = Tx(connection)
        for each in tables:
            tx.create(each)
        return tx

    @contextlib.contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that is on the disk when the block ends, or was never there.

        Raises:
            StorageFull, StorageReadOnly: nothing was written. StorageFailed: halted.
        """
        with self._translated(), self._locked():
            connection = self._begin("BEGIN IMMEDIATE")
            try:
                yield Tx(connection)
                connection.execute("COMMIT")
            except BaseException:
                self._rollback(connection)
                raise
            finally:
                self._local.busy = False

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent view. Keep it short: an open reader lets the write-ahead log grow."""
        with self._translated():
            connection = self._begin("BEGIN DEFERRED")
            try:
                yield Tx(connection)
            finally:
                self._rollback(connection)
                self._local.busy = False

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file and empty it."""
        with self._translated(), self._locked():
            self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def enlarge_cache(self) -> None:
        """Give this thread's connection the cache that folding everything again wants."""
        self._connection().execute(f"PRAGMA cache_size = -{FOLD_CACHE_KIB}")

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._guard:
            for connection in self._connections:
                with contextlib.suppress(dbapi2.Error):
                    connection.close()
            self._connections.clear()
            self._local = threading.local()

    def _begin(self, how: str) -> dbapi2.Connection:
        if getattr(self._local, "busy", False):
            raise BugError("A transaction was begun inside another one.")
        connection = self._connection()
        connection.execute(how)
        self._local.busy = True
        return connection

    def _rollback(self, connection: dbapi2.Connection) -> None:
        if connection.in_transaction:
            with contextlib.suppress(dbapi2.Error):
                connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # Waits without limit on purpose: only our own processes take it, each for one commit, in the order they came,
        # and the kernel lets go of it when one dies.
        try:
            descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise failures.of_os(error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        if self._broken is not None:
            raise self._broken
        try:
            yield
        except StorageFailed as error:
            self._fail(error)
        except dbapi2.Error as error:
            translated = failures.of_sqlite(error)
            if isinstance(translated, StorageFailed):
                self._fail(translated)
            if isinstance(translated, StoreMissing) and self._path.exists():
                translated = StorageReadOnly()
            if translated is not None:
                raise translated from error
            # The driver's words may quote values; only the kind of error is kept.
            raise BugError(f"The database refused a statement ({type(error).__name__}).") from None

    def _fail(self, error: StorageFailed) -> NoReturn:
        self._broken = error
        self._halt(error)

    def _connection(self) -> dbapi2.Connection:
        connection: dbapi2.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection = connection
            with self._guard:
                self._connections.append(connection)
        return connection

    def _connect(self) -> dbapi2.Connection:
        uri = f"file:{_percent(self._path)}?mode=rw"
        connection = dbapi2.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512)
        try:
            for pragma in (
                # Before the key, or SQLCipher writes its complaints over the console.
                "cipher_log_level = NONE",
                f"key = \"x'{self._key.hex()}'\"",
                f"busy_timeout = {BUSY_TIMEOUT_MS}",
                "journal_mode = WAL",
                f"synchronous = {self._synchronous}",
                "secure_delete = ON",
                "temp_store = MEMORY",
                "trusted_schema = OFF",
                "cell_size_check = ON",
                f"cache_size = -{CACHE_KIB}",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except BaseException:
            connection.close()
            raise
        return connection


def _percent(path: Path) -> str:
    """A path as it stands in an SQLite URI."""
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
