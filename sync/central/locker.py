"""Central's folder of sealed blobs: what arrives in pieces becomes visible when it is whole, right and durable.

A blob grows in `incoming/<digest>.part`. When its last byte is there, the file is hashed, fsynced, renamed into
`blobs/`, and both folders are fsynced; only then is it a blob. A piece that overlaps what is there adds only what is
new. After a power cut a part may hold zeros where bytes were: its hash will not fit, and it starts again from nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
from collections.abc import Collection
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final

from appliance.journal import ids
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import BlobDigest
from appliance.records import failures
from appliance.records.disk import sync_folder
from sync.frames import BlobPiece
from sync.refusals import OutOfStep

_LOCKS: Final = 64
_HASH_BYTES: Final = 1024 * 1024


class Outcome(Enum):
    """What became of a piece."""

    PARTIAL = "partial"
    WHOLE = "whole"
    SPOILT = "spoilt"
    """All bytes came, and they are not what the digest names. They are gone; the blob starts again."""


class NoSuchBlob(IntegrityError):
    """Central does not hold this blob."""


class Locker:
    """Blobs under `blobs`, pieces under `incoming`. Any number of threads and processes may use them."""

    def __init__(self, blobs: Path, incoming: Path) -> None:
        self._blobs = blobs
        self._incoming = incoming
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    @classmethod
    def create(cls, blobs: Path, incoming: Path) -> Locker:
        """Make both folders, durable."""
        try:
            for folder in (blobs, incoming, *(blobs / f"{first:02x}" for first in range(256))):
                folder.mkdir(mode=0o700)
            sync_folder(blobs)
            sync_folder(blobs.parent)
        except OSError as error:
            raise failures.of_os(error) from error
        return cls(blobs, incoming)

    def path(self, digest: BlobDigest) -> Path:
        """Where the blob lies once it is whole."""
        if not ids.DIGEST.fullmatch(digest):
            raise BugError("A blob is named by 64 hexadecimal digits.")
        return self._blobs / digest[:2] / digest

    def holds(self, digest: BlobDigest) -> bool:
        """Whether the blob is here, whole."""
        return self.path(digest).is_file()

    def offset(self, digest: BlobDigest) -> int:
        """How many bytes of a blob that is not whole are here."""
        try:
            return self._part(digest).stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, digest: BlobDigest) -> bytes:
        """The sealed bytes.

        Raises:
            NoSuchBlob: they are not here, or have changed on this disk.
        """
        try:
            sealed = self.path(digest).read_bytes()
        except FileNotFoundError:
            raise _not_here() from None
        except OSError as error:
            raise failures.of_os(error) from error
        if hashlib.sha256(sealed).hexdigest() != digest:
            raise _damaged()
        return sealed

    def open(self, digest: BlobDigest) -> tuple[BinaryIO, int]:
        """The sealed bytes as a file at its beginning, read once to see that they are what they were; and their number.

        Raises:
            NoSuchBlob: they are not here, or have changed on this disk.
        """
        try:
            file = self.path(digest).open("rb")
        except FileNotFoundError:
            raise _not_here() from None
        except OSError as error:
            raise failures.of_os(error) from error
        try:
            if _digest(file.fileno()) != digest:
                raise _damaged()
            return file, os.fstat(file.fileno()).st_size
        except OSError as error:
            file.close()
            raise failures.of_os(error) from error
        except NoSuchBlob:
            file.close()
            raise

    def add(self, piece: BlobPiece) -> Outcome:
        """Add a piece where it belongs.

        Raises:
            OutOfStep: bytes before it are missing, or an earlier piece told of a smaller blob.
            StorageFull, StorageReadOnly, StorageFailed: what the disk said; the blob is not visible.
        """
        digest = BlobDigest(piece.digest)
        with self._locks[int(digest[:8], 16) % _LOCKS]:
            if self.holds(digest):
                return Outcome.WHOLE
            try:
                return self._append(digest, piece)
            except OSError as error:
                raise failures.of_os(error) from error

    def remove(self, digests: Collection[BlobDigest]) -> None:
        """Delete blobs and what has come of them, for good."""
        try:
            for digest in digests:
                for file in (self.path(digest), self._part(digest)):
                    with contextlib.suppress(FileNotFoundError):
                        file.unlink()
                        sync_folder(file.parent)
        except OSError as error:
            raise failures.of_os(error) from error

    def parts(self) -> list[BlobDigest]:
        """The blobs of which something has come."""
        return [BlobDigest(file.stem) for file in self._incoming.glob("*.part") if ids.DIGEST.fullmatch(file.stem)]

    def _part(self, digest: BlobDigest) -> Path:
        return self._incoming / f"{digest}.part"

    def _append(self, digest: BlobDigest, piece: BlobPiece) -> Outcome:
        part = self._part(digest)
        descriptor = _open_locked(part)
        try:
            if self.holds(digest):
                part.unlink(missing_ok=True)
                return Outcome.WHOLE
            have = os.fstat(descriptor).st_size
            if have > piece.size:
                part.unlink()
                raise OutOfStep("A blob is smaller than an earlier piece of it said.", "Sync again.")
            if piece.offset > have:
                raise OutOfStep("A piece of a blob came before the bytes that it follows.", "Sync again.")
            fresh = memoryview(piece.data)[have - piece.offset :]
            while fresh:
                written = os.pwrite(descriptor, fresh, have)
                have += written
                fresh = fresh[written:]
            if have < piece.size:
                return Outcome.PARTIAL
            if _digest(descriptor) != digest:
                part.unlink()
                return Outcome.SPOILT
            os.fsync(descriptor)
            place = self.path(digest)
            part.rename(place)
        finally:
            os.close(descriptor)
        sync_folder(place.parent)
        sync_folder(self._incoming)
        return Outcome.WHOLE


def _not_here() -> NoSuchBlob:
    return NoSuchBlob(
        "Central does not hold this blob.",
        "Its node has not carried it yet, or it was erased: see `sanad central nodes`.",
    )


def _damaged() -> NoSuchBlob:
    return NoSuchBlob("This blob has been damaged on central's disk.", "Restore it from a backup.")


def _open_locked(part: Path) -> int:
    """Open a file of pieces for one at a time: an import may add to it beside the server."""
    while True:
        descriptor = os.open(part, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink > 0:
            return descriptor
        # It was spoilt and deleted while this one waited.
        os.close(descriptor)


def _digest(descriptor: int) -> str:
    found = hashlib.sha256()
    offset = 0
    while chunk := os.pread(descriptor, _HASH_BYTES, offset):
        found.update(chunk)
        offset += len(chunk)
    return found.hexdigest()
