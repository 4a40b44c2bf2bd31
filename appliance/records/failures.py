"""What SQLite and the disk say when something fails, translated to who must act."""

from __future__ import annotations

import errno
from typing import Final

from sqlcipher3 import dbapi2

from appliance.journal.errors import DeviceError, IntegrityError, SanadError

_FULL: Final = 13
_CORRUPT: Final = 11
_NOTADB: Final = 26
_READONLY: Final = 8
_PERM: Final = 3
_CANTOPEN: Final = 14
_IOERR: Final = 10
# The shared-memory index could not be made: nothing was written yet, so nothing is in doubt (SQLite result codes).
_IOERR_SHM: Final = frozenset({4618, 4874, 5130, 5386})

FULL_NEXT_STEP: Final = "Free space on it, then do it again; nothing that was confirmed is lost."


class StorageFull(DeviceError):
    """No space left; the act was not done, all earlier ones are safe."""

    def __init__(self) -> None:
        super().__init__("The disk is full, so this was not saved.", FULL_NEXT_STEP)


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


def of_sqlite(error: dbapi2.Error) -> SanadError | None:
    """The error to raise for what the driver raised, or None where the driver's own error is a bug of ours."""
    extended = getattr(error, "sqlite_errorcode", None)
    if extended is None:
        return None
    code = extended & 0xFF
    if code == _FULL:
        return StorageFull()
    if code in (_READONLY, _PERM):
        return StorageReadOnly()
    if code == _CANTOPEN:
        return StoreMissing()
    if code in (_CORRUPT, _NOTADB):
        return StoreUnreadable()
    if code == _IOERR:
        return StorageFull() if extended in _IOERR_SHM else StorageFailed()
    return None


def of_os(error: OSError) -> SanadError:
    """The error to raise for a failed write, rename or fsync of a file of ours."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StorageFull()
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StorageReadOnly()
    return StorageFailed()
