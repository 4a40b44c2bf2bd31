"""The blob folder: sealed files, named by the SHA-256 of their bytes, durable before any entry names them.

A file is written beside its place, fsynced, renamed, and its folder fsynced. A process that has put a blob which no
commit names yet holds a shared lock; orphans of a crash are collected only under the exclusive one, so that a paper
being scanned at another counter is never taken for one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import DIGEST, BlobDigest
from appliance.records import failures
from appliance.records.disk import PART, sync_folder, write_durably
from appliance.sealing.age import digest_of

MAX_BLOB_BYTES: Final = 64 * 1024 * 1024
FOLDERS: Final = 256
_LOCK: Final = ".pending"


class BlobMissing(IntegrityError):
    """The journal names a blob that is not on this disk, cannot be read, or whose bytes have changed."""


class BlobFreed(BlobMissing):
    """The file was taken from this disk on purpose, to make room; central and one of its backups hold it."""

    def __init__(self, digest: BlobDigest, backup: str) -> None:
        super().__init__(
            f"The sealed file {digest[:12]}… was freed to make room; central holds it, and its backup {backup}.",
            f"Fetch it back with `sanad blobs fetch {digest}`.",
        )


class BlobFolder:
    """Sealed blobs under `root`, in 256 folders by the first two characters of their names."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pending: Counter[BlobDigest] = Counter()
        self._lock: int | None = None
        self._guard = threading.Lock()

    @classmethod
    def create(cls, root: Path) -> BlobFolder:
        """Make the folder and its 256 folders, durable; what is there already stays."""
        try:
            root.mkdir(mode=0o700, exist_ok=True)
            for first in range(FOLDERS):
                (root / f"{first:02x}").mkdir(mode=0o700, exist_ok=True)
            (root / _LOCK).touch(mode=0o600)
            sync_folder(root)
            sync_folder(root.parent)
        except OSError as error:
            raise failures.of_os(error) from error
        return cls(root)

    def path(self, digest: BlobDigest) -> Path:
        """Where the blob of that digest lies.

        Raises:
            BugError: it is no digest.
        """
        if not DIGEST.fullmatch(digest):
            raise BugError("A blob is named by 64 hexadecimal digits.")
        return self._root / digest[:2] / digest

    def put(self, sealed: bytes) -> BlobDigest:
        """Store sealed bytes; they are on the disk when this returns, and pending until a commit names them.

        Raises:
            StorageFull, StorageReadOnly: nothing is left behind. StorageFailed: the disk failed.
        """
        if len(sealed) > MAX_BLOB_BYTES:
            raise BugError("A blob is larger than its bound; intake refuses such files.")
        digest = digest_of(sealed)
        self._hold(digest)
        try:
            write_durably(self.path(digest), sealed)
        except BaseException:
            self.settle((digest,))
            raise
        return digest

    def size(self, digest: BlobDigest) -> int:
        """Bytes of the sealed file; 0 where it is not there."""
        try:
            return self.path(digest).stat().st_size
        except OSError:
            return 0

    def read(self, digest: BlobDigest) -> bytes:
        """The sealed bytes.

        Raises:
            BlobMissing: they are not there, cannot be read, or are not what their name says.
        """
        try:
            with self.path(digest).open("rb") as file:
                sealed = file.read(MAX_BLOB_BYTES + 1)
        except FileNotFoundError:
            raise BlobMissing(
                f"The sealed file {digest[:12]}… is missing from this box.", "It may be fetched back from central."
            ) from None
        except OSError as error:
            raise BlobMissing(
                f"The sealed file {digest[:12]}… cannot be read.",
                "See whom it belongs to, and check the disk; it may be fetched back from central.",
            ) from error
        if digest_of(sealed) != digest:
            raise BlobMissing(
                f"The sealed file {digest[:12]}… has been damaged.",
                "It may be fetched back from central; check the disk.",
            )
        return sealed

    def holds(self, digest: BlobDigest) -> bool:
        """Whether the file is there."""
        return self.path(digest).is_file()

    def is_pending(self, digest: BlobDigest) -> bool:
        """Whether this process has put it, and neither named nor given it up."""
        with self._guard:
            return digest in self._pending

    def settle(self, digests: Collection[BlobDigest]) -> None:
        """These are named by a commit now, or given up: they are not pending any more, each once."""
        with self._guard:
            self._pending.subtract(digest for digest in digests if digest in self._pending)
            self._pending = +self._pending
            if not self._pending and self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def remove(self, digests: Collection[BlobDigest]) -> None:
        """Delete these files, for good.

        Raises:
            StorageReadOnly: it cannot be done. StorageFailed: the disk failed.
        """
        try:
            for digest in digests:
                place = self.path(digest)
                with contextlib.suppress(FileNotFoundError):
                    place.unlink()
                    sync_folder(place.parent)
        except OSError as error:
            raise failures.of_os(error) from error

    def names(self) -> Iterator[BlobDigest]:
        """Every blob that is there."""
        for file in self._files():
            if DIGEST.fullmatch(file.name):
                yield BlobDigest(file.name)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[bool]:
        """Yields True while no process has a pending blob and none can begin one; False where one has."""
        descriptor = self._open_lock()
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
        finally:
            os.close(descriptor)

    def collect(self, named: Collection[str]) -> int:
        """Remove what a crash left: files half written, and blobs that no entry names. Call it while `quiet`.

        Raises:
            StorageReadOnly: it cannot be done. StorageFailed: the disk failed.
        """
        removed = 0
        try:
            for file in self._files():
                left = DIGEST.fullmatch(file.name) and file.name not in named
                if left or file.name.endswith(PART):
                    file.unlink()
                    removed += 1
        except OSError as error:
            raise failures.of_os(error) from error
        return removed

    def _files(self) -> Iterator[Path]:
        """The files in the 256 folders; whatever else somebody put there is none of ours."""
        for first in range(FOLDERS):
            folder = self._root / f"{first:02x}"
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                if file.is_file() and not file.is_symlink():
                    yield file

    def _hold(self, digest: BlobDigest) -> None:
        with self._guard:
            if self._lock is None:
                descriptor = self._open_lock()
                fcntl.flock(descriptor, fcntl.LOCK_SH)
                self._lock = descriptor
            self._pending[digest] += 1

    def _open_lock(self) -> int:
        try:
            return os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise failures.of_os(error) from error
