"""What SQLite and the disk say when something fails, translated to who must act."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from sqlcipher3 import dbapi2

from appliance.journal.errors import DeviceError, IntegrityError, SanadError

# SQLite's primary result codes (https://sqlite.org/rescode.html): the driver gives no extended ones.
_PERM: Final = 3
_BUSY: Final = 5
_LOCKED: Final = 6
_READONLY: Final = 8
_IOERR: Final = 10
_CORRUPT: Final = 11
_FULL: Final = 13
_CANTOPEN: Final = 14
_PROTOCOL: Final = 15
_NOTADB: Final = 26

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_ALLOWED: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NOT_THERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR})
_TOO_MUCH: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})


class StorageFull(DeviceError):
    """No space left; the act was not done, all earlier ones are safe."""

    def __init__(self) -> None:
        super().__init__(
            "The disk is full, so this was not saved.",
            "Free space on it, then do it again; nothing that was confirmed is lost.",
        )


class StorageReadOnly(DeviceError):
    """The disk or folder can't be written; the act was not done."""

    def __init__(self) -> None:
        super().__init__(
            "The disk cannot be written to, so this was not saved.",
            "See whether it is mounted read-only or belongs to another user; nothing that was confirmed is lost.",
        )


class StorageFailed(DeviceError):
    """The disk failed while it was being written. Fatal: stop, and recover on restart; never retry."""

    def __init__(self) -> None:
        super().__init__(
            "The disk failed while saving, and Sanad has stopped so that nothing is made worse.",
            "Check the disk and its cable, then start again: what was confirmed is there.",
        )


class StorageBusy(DeviceError):
    """Something else holds the database, or the machine is out of memory or open files; the act was not done."""

    def __init__(self) -> None:
        super().__init__(
            "The store could not be used just now, so this was not saved.",
            "Do it again; if it stays so, close other programs that have the store open, or start the box again.",
        )


class StoreUnreadable(IntegrityError):
    """Not a database under this key, or a damaged one."""

    def __init__(self) -> None:
        super().__init__(
            "The store cannot be read: it is damaged, or this key is not its key.",
            "Do not write to it. Keep a copy, run `sanad journal verify`, and call central IT.",
        )


class StoreMissing(DeviceError):
    """There is no database where one should be."""

    def __init__(self) -> None:
        super().__init__(
            "There is no store here, or it may not be opened.",
            "Check the folder given with --home and who it belongs to; a new box is set up with `sanad enrol`.",
        )


_FAMILIES: Final[dict[int, Callable[[], SanadError]]] = {
    _PERM: StorageReadOnly,
    _BUSY: StorageBusy,
    _LOCKED: StorageBusy,
    _READONLY: StorageReadOnly,
    _IOERR: StorageFailed,
    _CORRUPT: StoreUnreadable,
    _FULL: StorageFull,
    _CANTOPEN: StoreMissing,
    _PROTOCOL: StorageBusy,
    _NOTADB: StoreUnreadable,
}


def of_sqlite(error: dbapi2.Error) -> SanadError | None:
    """The error to raise for what the driver raised, or None where the driver's own error is a bug of ours."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    family = _FAMILIES.get(code & 0xFF)
    return None if family is None else family()


def of_os(error: OSError) -> SanadError:
    """The error to raise for a failed open, write, rename or fsync of a file of ours."""
    if error.errno in _NO_ROOM:
        return StorageFull()
    if error.errno in _NOT_ALLOWED:
        return StorageReadOnly()
    if error.errno in _NOT_THERE:
        return StoreMissing()
    if error.errno in _TOO_MUCH:
        return StorageBusy()
    return StorageFailed()
