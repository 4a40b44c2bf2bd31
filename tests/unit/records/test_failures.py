"""Each thing that a disk or SQLite refuses has one error, with a sentence and a next step."""

from __future__ import annotations

import errno

import pytest
from sqlcipher3 import dbapi2

from appliance.journal.errors import SanadError
from appliance.records import failures
from appliance.records.failures import (
    StorageBusy,
    StorageFailed,
    StorageFull,
    StorageReadOnly,
    StoreMissing,
    StoreUnreadable,
)

# Codes and names: https://sqlite.org/rescode.html
CODES = {
    13: StorageFull,
    8: StorageReadOnly,
    1032: StorageReadOnly,  # SQLITE_READONLY_DBMOVED
    1034: StorageFailed,  # SQLITE_IOERR_FSYNC
    1290: StorageFailed,  # SQLITE_IOERR_DIR_FSYNC
    778: StorageFailed,  # SQLITE_IOERR_WRITE
    266: StorageFailed,  # SQLITE_IOERR_READ
    5: StorageBusy,
    517: StorageBusy,  # SQLITE_BUSY_SNAPSHOT
    26: StoreUnreadable,
    11: StoreUnreadable,
    779: StoreUnreadable,  # SQLITE_CORRUPT_INDEX
    14: StoreMissing,
}
ERRNOS = {
    errno.ENOSPC: StorageFull,
    errno.EDQUOT: StorageFull,
    errno.EFBIG: StorageFull,
    errno.EROFS: StorageReadOnly,
    errno.EACCES: StorageReadOnly,
    errno.ENOENT: StoreMissing,
    errno.EMFILE: StorageBusy,
    errno.EIO: StorageFailed,
    errno.ENODEV: StorageFailed,
}


@pytest.mark.parametrize(("code", "expected"), CODES.items())
def test_a_code_of_sqlite_has_its_error(code: int, expected: type[SanadError]) -> None:
    error = dbapi2.OperationalError("words that may quote a citizen")
    error.sqlite_errorcode = code
    found = failures.of_sqlite(error)
    assert type(found) is expected
    assert found is not None
    assert found.next_step
    assert "citizen" not in str(found)


def test_a_refused_statement_is_no_failure_of_the_disk() -> None:
    error = dbapi2.OperationalError("no such column: x")
    error.sqlite_errorcode = 1
    assert failures.of_sqlite(error) is None
    assert failures.of_sqlite(dbapi2.ProgrammingError("closed")) is None


@pytest.mark.parametrize(("number", "expected"), ERRNOS.items())
def test_an_error_of_the_system_has_its_error(number: int, expected: type[SanadError]) -> None:
    assert type(failures.of_os(OSError(number, "x"))) is expected
