"""Changing the key of SQLCipher databases, so that a power cut at any moment leaves one key that opens each of them.

How: alone with the file (exclusive lock), the write-ahead log is folded in and given up for a rollback journal, because
`PRAGMA rekey` rewrites every page in one transaction; that transaction is SQLite's own, and a cut in the middle is
rolled back by whoever opens the file next, whichever key they try. Then the file returns to write-ahead logging.

Guarantees: `rekey` either raises and the old key still opens the file, or returns and only the new key does, durably.
It does not wipe the disk: blocks that held pages under the old key stay readable to forensics until they are reused.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlcipher3 import dbapi2

from appliance.journal.errors import BugError, DeviceError, OperatorError
from appliance.records import failures
from appliance.records.database import KEY_BYTES
from appliance.records.disk import sync_folder
from appliance.records.failures import StorageFull, StoreUnreadable

BUSY_TIMEOUT_MS = 5_000
FREE_SPACE_MARGIN = 16 * 1024 * 1024

_SQLITE_BUSY = 5
_SQLITE_NOTADB = 26


class StoreInUse(OperatorError):
    """Another program has the database open."""

    def __init__(self) -> None:
        super().__init__(
            "The store is in use by another program, so its key cannot be changed.",
            "Stop `sanad node`, every console and the kiosk, then do it again.",
        )


class RekeyFailed(DeviceError):
    """The disk refused in the middle; the database still opens with its old key."""

    def __init__(self) -> None:
        super().__init__(
            "The key of the store could not be changed; it keeps the old one, and nothing is lost.",
            "Check that the disk has as much free space as the store is large, then do it again.",
        )


@dataclass(frozen=True, slots=True)
class EncryptedFile:
    """A database and the file that its writers lock."""

    path: Path
    lock: Path


def rekey(file: EncryptedFile, old: bytes, new: bytes) -> None:
    """Encrypts a database with another key. It takes a rollback journal as large as the database for the while.

    Raises:
        StoreInUse: another connection is open.
        StorageFull, RekeyFailed: nothing changed.
        StoreUnreadable: the old key does not open it.
    """
    if len(old) != KEY_BYTES or len(new) != KEY_BYTES:
        raise BugError(f"A store key has {KEY_BYTES} bytes.")
    with _translated():
        if shutil.disk_usage(file.path.parent).free < file.path.stat().st_size + FREE_SPACE_MARGIN:
            raise StorageFull
        with _locked(file.lock), _connected(file.path, old) as connection:
            _rewrite(connection, new)
        # The key slots may forget the old key only when the rollback journal is gone for good.
        sync_folder(file.path.parent)


def _rewrite(connection: dbapi2.Connection, new: bytes) -> None:
    for pragma in ("locking_mode = EXCLUSIVE", "synchronous = EXTRA", "journal_mode = DELETE"):
        connection.execute(f"PRAGMA {pragma}").fetchall()
    try:
        connection.execute(f"PRAGMA rekey = \"x'{new.hex()}'\"").fetchall()
    except dbapi2.Error as error:
        # SQLCipher reports every failure in here alike.
        raise RekeyFailed from error
    for pragma in ("locking_mode = NORMAL", "journal_mode = WAL"):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def key_of(path: Path, candidates: Sequence[bytes]) -> bytes:
    """Which of the candidates opens a database; opening also rolls back what a power cut left.

    Raises:
        StoreMissing: there is no such file.
        StoreUnreadable: none does.
    """
    for key in candidates:
        if _opens(path, key):
            return key
    raise StoreUnreadable


def settle(files: Sequence[EncryptedFile], candidates: Sequence[bytes]) -> bytes:
    """The one key that opens all databases, made so after an interrupted rotation.

    Where some already have the last candidate and others not yet, the others are given it.

    Args:
        files: the databases of one home.
        candidates: the store key; during a rotation the current and the next one.

    Raises:
        StoreInUse, StorageFull, RekeyFailed, StoreUnreadable, StoreMissing: as for `rekey` and `key_of`.
    """
    keys = {file: key_of(file.path, candidates) for file in files}
    if len(set(keys.values())) == 1:
        return keys[files[0]]
    for file, key in keys.items():
        if key != candidates[-1]:
            rekey(file, key, candidates[-1])
    return candidates[-1]


def _opens(path: Path, key: bytes) -> bool:
    with _translated():
        try:
            with _connected(path, key):
                return True
        except dbapi2.DatabaseError as error:
            if _code(error) == _SQLITE_NOTADB:
                return False
            raise


@contextlib.contextmanager
def _connected(path: Path, key: bytes) -> Iterator[dbapi2.Connection]:
    uri = path.absolute().as_uri() + "?mode=rw"
    connection = dbapi2.connect(uri, uri=True, isolation_level=None)
    try:
        for pragma in (
            "cipher_log_level = NONE",
            f"key = \"x'{key.hex()}'\"",
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "temp_store = MEMORY",
            "schema_version",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failures.of_os(error) from error
    except dbapi2.Error as error:
        if _code(error) == _SQLITE_BUSY:
            raise StoreInUse from error
        translated = failures.of_sqlite(error)
        if translated is None:
            raise BugError(f"The database refused a change of key ({type(error).__name__}).") from None
        raise translated from error


def _code(error: dbapi2.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


@contextlib.contextmanager
def _locked(lock: Path) -> Iterator[None]:
    descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
