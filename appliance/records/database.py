"""One SQLCipher file: opened with a raw key, written by one at a time, and durable when `write` returns.

Statements are SQLAlchemy Core constructs, compiled once to text and run on the driver's connection.

Guarantees: `write` holds a file lock (SQLite's own waiting is unfair), begins IMMEDIATE, and commits with
`synchronous=FULL`; when it raises an error of ours, nothing of it stays. A failed fsync halts: the pages in doubt are
never written again by this process. Does not guarantee that an old page put back is noticed: the journal's tree does
that. An interrupt from outside (`KeyboardInterrupt`) may come when the transaction is already on the disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import sqlalchemy as sa
from sqlcipher3 import dbapi2

from appliance.journal.errors import BugError, SanadError
from appliance.records import failures
from appliance.records.definitions import DIALECT, definitions, late_indexes
from appliance.records.disk import sync_folder
from appliance.records.failures import (
    StorageBusy,
    StorageFailed,
    StorageFull,
    StorageReadOnly,
    StoreMissing,
    StoreUnreadable,
)

KEY_BYTES: Final = 32
PAGE_BYTES: Final = 4096
CACHE_KIB: Final = 16 * 1024
FOLD_CACHE_KIB: Final = 64 * 1024
# A commit waits this long for a reader that is just opening; writers wait for each other at the file lock instead.
BUSY_TIMEOUT_MS: Final = 10_000
FETCH_ROWS: Final = 500

# Rows changed by one connection after which it moves the write-ahead log into the file; about 4 MB of log.
LOG_ROWS: Final = 500
# SQLite needs an index of its log, in a file of its own, before it can open a database.
INDEX_BYTES: Final = 32 * 1024


Row = tuple[Any, ...]
Params = Mapping[str, object]
Halt = Callable[[StorageFailed], object]


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
            compiled = statement.compile(dialect=DIALECT)
            fixed = {name: value for name, value in (compiled.params or {}).items() if value is not None}
            # The statement is kept with its text, so that its identity is never given to another one.
            known = self._texts[id(statement)] = (statement, str(compiled), fixed)
        return known[1], known[2]


_COMPILED: Final = _Compiled()


_THEIRS: Final = (dbapi2.Error, UnicodeError, OverflowError, MemoryError)


def _ours(error: Exception) -> SanadError:
    """What to raise for one of `_THEIRS`. Never chained: its own words may quote values."""
    if isinstance(error, MemoryError):
        return StorageBusy()
    if isinstance(error, dbapi2.OperationalError) and not hasattr(error, "sqlite_errorcode"):
        # The driver's own: a text that is no UTF-8.
        return StoreUnreadable()
    if isinstance(error, dbapi2.Error):
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return failures.of_sqlite(error) or BugError(f"The database refused a statement ({name}).")
    return BugError("The database was given a value that it cannot hold.")


class Tx:
    """Statements inside one transaction.

    Every method raises StoreUnreadable for a damaged page, and StorageFull, StorageReadOnly, StorageBusy or
    StorageFailed for what the disk refuses.
    """

    def __init__(self, connection: dbapi2.Connection) -> None:
        self._connection = connection

    def run(self, statement: sa.Executable, params: Params | None = None) -> int:
        """Run one statement; answers how many rows it touched."""
        return int(self._execute(statement, params).rowcount)

    def many(self, statement: sa.Executable, rows: Sequence[Params]) -> None:
        """Run one statement for each of `rows`."""
        if rows:
            text, fixed = _COMPILED.text(statement)
            try:
                self._connection.executemany(text, [{**fixed, **row} for row in rows] if fixed else rows)
            except _THEIRS as error:
                raise _ours(error) from None

    def one(self, statement: sa.Executable, params: Params | None = None) -> Row | None:
        """The first row, or None."""
        cursor = self._execute(statement, params)
        try:
            row: Row | None = cursor.fetchone()
        except _THEIRS as error:
            raise _ours(error) from None
        return row

    def all(self, statement: sa.Executable, params: Params | None = None) -> list[Row]:
        """Every row; the statement bounds how many."""
        cursor = self._execute(statement, params)
        try:
            rows: list[Row] = cursor.fetchall()
        except _THEIRS as error:
            raise _ours(error) from None
        return rows

    def each(self, statement: sa.Executable, params: Params | None = None) -> Iterator[Row]:
        """Every row, some at a time, for what need not fit into memory."""
        cursor = self._execute(statement, params)
        while True:
            try:
                rows = cursor.fetchmany(FETCH_ROWS)
            except _THEIRS as error:
                raise _ours(error) from None
            if not rows:
                return
            yield from rows

    def _execute(self, statement: sa.Executable, params: Params | None) -> Any:
        text, fixed = _COMPILED.text(statement)
        return self._run(text, {**fixed, **(params or {})} if fixed else (params or {}))

    def _run(self, text: str, params: Params) -> Any:
        try:
            return self._connection.execute(text, params)
        except _THEIRS as error:
            raise _ours(error) from None

    def create(self, tables: sa.MetaData, *, to_fill: bool = False) -> None:
        """Create every table of `tables` that is not there, with its indexes.

        Args:
            tables: which.
            to_fill: whether they are filled at once: then `index` makes the indexes that only readers use, afterwards,
                which is much quicker than keeping them up row by row.
        """
        for table in tables.sorted_tables:
            late = set(late_indexes(table)) if to_fill else set()
            for text in definitions(table):
                if text not in late:
                    self._run(text, {})

    def index(self, tables: sa.MetaData) -> None:
        """Make what `create` left for later."""
        for table in tables.sorted_tables:
            for text in late_indexes(table):
                self._run(text, {})

    def drop_all_like(self, prefix: str) -> None:
        """Drop every table and view whose name starts with `prefix`, of whatever version of the software."""
        # A virtual table takes its own tables with it; they cannot be dropped before it.
        for made in ("CREATE VIEW%", "CREATE VIRTUAL TABLE%", "CREATE TABLE%"):
            found = self._run("SELECT type, name FROM sqlite_master WHERE sql LIKE :made", {"made": made}).fetchall()
            for kind, name in found:
                if name.startswith(prefix):
                    self._run(f"DROP {kind} {DIALECT.identifier_preparer.quote_identifier(name)}", {})

    def layout(self) -> dict[str, tuple[str, str, str | None]]:
        """Everything that the database is made of, by name: type, the table it belongs to, and the words that made it.

        Raises:
            StoreUnreadable: the database cannot make sense of it.
        """
        rows = self._run("SELECT name, type, tbl_name, sql FROM sqlite_master", {}).fetchall()
        return {str(name): (str(kind), str(table), text) for name, kind, table, text in rows}

    def integrity_faults(self) -> list[str]:
        """What the database's own checks find: page HMACs, tables against indexes. Empty when all is well.

        Raises:
            StoreUnreadable: a page is so damaged that the checks stop.
        """
        faults: list[str] = []
        for check in ("cipher_integrity_check", "integrity_check"):
            try:
                rows = self._run(f"PRAGMA {check}", {}).fetchall()
            except _THEIRS as error:
                raise _ours(error) from None
            faults += [str(row[0]) for row in rows if row[0] != "ok"]
        return faults


class _Held:
    """A thread's connection. It goes, and closes, with the thread."""

    def __init__(self, connection: dbapi2.Connection) -> None:
        self.connection = connection
        self.changes_moved = connection.total_changes
        self.busy = False


class Database:
    """One encrypted database file, usable from several threads and processes at once, but not across a fork.

    Args:
        path: the file.
        key: 32 raw bytes.
        lock: the file that writers lock; its folder must exist.
        halt: called when the disk failed in the middle of a commit; should it return, the error is raised.
        synchronous: `FULL`; a fault test lowers it to show what that would lose.
        empty: whether the file may be empty yet; see `create`.

    Raises:
        StoreMissing: no such file. StoreUnreadable: not a database under this key.
    """

    def __init__(
        self, path: Path, key: bytes, *, lock: Path, halt: Halt = _raise, synchronous: str = "FULL", empty: bool = False
    ) -> None:
        if len(key) != KEY_BYTES:
            raise BugError("A store key has 32 bytes.")
        if not path.is_file():
            raise StoreMissing
        if path.stat().st_size < PAGE_BYTES and not empty:
            # SQLite would take it for a new database, and make one.
            raise StoreUnreadable
        self._path = path
        self._key = key
        self._lock = lock
        self._halt = halt
        self._synchronous = synchronous
        self._process = os.getpid()
        self._local = threading.local()
        self._held: weakref.WeakSet[_Held] = weakref.WeakSet()
        self._guard = threading.Lock()
        self._broken = False
        self._closed = False
        with self._translated():
            self._connection()

    @classmethod
    def create(
        cls,
        path: Path,
        key: bytes,
        tables: Sequence[sa.MetaData],
        *,
        lock: Path,
        halt: Halt = _raise,
        fill: Callable[[Tx], object] | None = None,
    ) -> Database:
        """Make a new file with `tables` and what `fill` puts into them; durable when this returns.

        It is built beside its place and renamed: a crash leaves the whole of it or nothing. What an earlier crash left
        half built is thrown away.

        Raises:
            StorageFull, StorageReadOnly: nothing was made.
        """
        building = path.with_name(path.name + ".new")
        try:
            for suffix in ("", "-wal", "-shm"):
                building.with_name(building.name + suffix).unlink(missing_ok=True)
            os.close(os.open(building, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
            database = cls(building, key, lock=lock, halt=halt, empty=True)
            with database.write() as tx:
                for each in tables:
                    tx.create(each)
                if fill is not None:
                    fill(tx)
            database.checkpoint()
            database.close()
            with database._locked():
                if path.exists():
                    raise BugError("A store is there already; it is never overwritten.")
                building.rename(path)
                sync_folder(path.parent)
        except OSError as error:
            raise failures.of_os(error) from error
        return cls(path, key, lock=lock, halt=halt)

    @classmethod
    def in_memory(cls, tables: Sequence[sa.MetaData]) -> Tx:
        """A transaction on a database that lives in memory only, for folding beside the real tables."""
        connection = dbapi2.connect(":memory:", isolation_level=None)
        # Without it, a large sort would go to a file, in clear.
        connection.execute("PRAGMA temp_store = MEMORY")
        tx = Tx(connection)
        for each in tables:
            tx.create(each)
        return tx

    @contextlib.contextmanager
    def write(self) -> Iterator[Tx]:
        """A transaction that is on the disk when the block ends, or was never there.

        Raises:
            StorageFull, StorageReadOnly, StorageBusy: nothing was written. StorageFailed: halted.
        """
        self._refuse_nesting()
        with self._locked(), self._translated(), self._transaction("BEGIN IMMEDIATE") as connection:
            yield Tx(connection)
            connection.execute("COMMIT")
            self._move_long_log()

    @contextlib.contextmanager
    def read(self) -> Iterator[Tx]:
        """A consistent view. Keep it short: an open reader lets the write-ahead log grow."""
        self._refuse_nesting()
        with self._translated(), self._transaction("BEGIN DEFERRED") as connection:
            yield Tx(connection)

    def _move_long_log(self) -> None:
        # SQLite would do it by itself, and pass over a failed fsync.
        held: _Held = self._local.held
        changes = held.connection.total_changes
        if changes - held.changes_moved >= LOG_ROWS:
            held.changes_moved = changes
            self._move_log(held.connection)

    def _move_log(self, connection: dbapi2.Connection) -> None:
        """Move what can be moved of the write-ahead log into the file; waits for nobody.

        Where there is no room, the log grows until there is: what was committed is in it, and durable.
        """
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except dbapi2.Error as error:
            if isinstance(failures.of_sqlite(error), StorageFailed):
                raise

    def checkpoint(self) -> bool:
        """Move the write-ahead log into the file and empty it, if nobody reads in it just now.

        Returns:
            Whether the log is empty.
        """
        self._refuse_nesting()
        with self._locked(), self._translated():
            connection = self._connection()
            # Does not wait for readers while other writers wait for the lock.
            connection.execute("PRAGMA busy_timeout = 0")
            try:
                (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        return not busy

    def enlarge_cache(self) -> None:
        """Give this thread's connection the cache that folding everything again wants."""
        with self._translated():
            self._connection().execute(f"PRAGMA cache_size = -{FOLD_CACHE_KIB}")

    def close(self) -> None:
        """Close every connection of every thread; nothing can be done with this object any more."""
        with self._guard:
            all_held = list(self._held)
            if not self._closed and not self._broken and self._process == os.getpid():
                with self._translated():
                    for held in all_held[:1]:
                        self._move_log(held.connection)
            self._closed = True
            for held in all_held:
                with contextlib.suppress(dbapi2.Error):
                    held.connection.close()

    def _refuse_nesting(self) -> None:
        # Before the lock: a writer inside a writer would wait for itself.
        held: _Held | None = getattr(self._local, "held", None)
        if held is not None and held.busy:
            raise BugError("A transaction was begun inside another one.")

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[dbapi2.Connection]:
        connection = self._connection()
        connection.execute(begin)
        self._local.held.busy = True
        try:
            yield connection
        finally:
            self._local.held.busy = False
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
        # Inside the lock: whoever waited for it while the disk failed elsewhere in this process is refused, too.
        if self._broken:
            raise StorageFailed
        try:
            yield
        except StorageFailed as error:
            self._broken = True
            self._halt(error)
            raise
        except dbapi2.Error as error:
            translated = _ours(error)
            if isinstance(translated, StorageFailed):
                self._broken = True
                self._halt(translated)
            if isinstance(translated, StoreMissing) and self._path.exists():
                translated = StorageReadOnly()
            raise translated from None

    def _connection(self) -> dbapi2.Connection:
        if self._closed or self._process != os.getpid():
            raise BugError("A database is used after it was closed, or in a process that forked from its own.")
        held: _Held | None = getattr(self._local, "held", None)
        if held is None:
            held = self._local.held = _Held(self._connect())
            with self._guard:
                self._held.add(held)
        return held.connection

    def _connect(self) -> dbapi2.Connection:
        uri = f"file:{_percent(self._path)}?mode=rw"
        connection = dbapi2.connect(uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=512)
        try:
            for pragma in (
                # Before the key, or SQLCipher writes its complaints over the console.
                "cipher_log_level = NONE",
                f"key = \"x'{self._key.hex()}'\"",
                f"busy_timeout = {BUSY_TIMEOUT_MS}",
                f"synchronous = {self._synchronous}",
                "wal_autocheckpoint = 0",
                "secure_delete = ON",
                "temp_store = MEMORY",
                "trusted_schema = OFF",
                "cell_size_check = ON",
                f"cache_size = -{CACHE_KIB}",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            # SQLite answers with another mode, and no error, where it cannot have this one.
            if connection.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
                raise StorageReadOnly
            # The log is a file by now. SQLite makes its name durable later, but passes over a failure.
            sync_folder(self._path.parent)
        except BaseException as error:
            connection.close()
            if isinstance(error, OSError):
                raise failures.of_os(error) from error
            if isinstance(error, dbapi2.Error) and self._lacks_room():
                raise StorageFull from error
            raise
        return connection

    def _lacks_room(self) -> bool:
        """Whether opening failed for lack of room: the driver calls that an I/O error like any other."""
        try:
            return shutil.disk_usage(self._path.parent).free < INDEX_BYTES
        except OSError:
            return False


def _percent(path: Path) -> str:
    """A path as it stands in an SQLite URI."""
    return str(path.resolve()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
