"""Courier files on a stick: found, checked, written under a temporary name, and renamed when they are whole.

A writer that is killed leaves files that end with `.part`; the next one in that folder removes them, unless another is
still writing them. No file is ever replaced. Nothing here is in memory whole.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from appliance.journal.errors import DeviceError, IntegrityError, OperatorError, SanadError
from appliance.journal.notes import Signer
from appliance.records.disk import sync_folder
from appliance.sealing import age
from sync import courierfile
from sync.courierfile import HEADER_BYTES, BadCourierFile, Header, Kind, SignedHeader

PIECE: Final = 256 * 1024
"""Bytes that are read at once."""
MAX_FOUND: Final = 10_000
"""Files of a folder that are looked at."""
AGE_PIECE: Final = 64 * 1024
AGE_TAG: Final = 16
"""The age format adds so many bytes to each piece of so many."""
AGE_HEADER: Final = 1024
"""More than the age format writes before them for two recipients."""

SUFFIXES: Final = {".export": Kind.EXPORT, ".receipt": Kind.RECEIPT}
"""How the names of courier files end."""

_PART: Final = re.compile(r"sanad-[0-9A-Za-z]+-[a-z2-7]{8}-[0-9]{3}\.part")
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

Watch = Callable[[int, int], None]
"""Told (bytes done, bytes in all)."""


def unwatched(_done: int, _total: int) -> None:
    """Progress that nobody watches."""


class StickFull(DeviceError):
    """There is no room for what is to be written; nothing was left there."""


def room_inside(file_bytes: int) -> int:
    """Bytes of payload that fit into a file of so many bytes."""
    sealed = file_bytes - HEADER_BYTES - AGE_HEADER
    return sealed - (sealed // (AGE_PIECE + AGE_TAG) + 1) * AGE_TAG


def free_bytes(folder: Path) -> int:
    """Bytes that can still be written there.

    Raises:
        OperatorError: there is no such folder.
    """
    try:
        found = os.statvfs(folder)
    except OSError as error:
        raise _refused(folder, error) from error
    if not found.f_blocks or not os.access(folder, os.W_OK | os.X_OK):
        raise OperatorError(f"{folder} cannot be written.", "Put the stick in again, or name another folder.")
    return found.f_bavail * found.f_frsize


def sweep(folder: Path) -> int:
    """Remove what writers that were killed left; answers how many files.

    Raises:
        OperatorError: the folder cannot be read or written.
    """
    removed = 0
    try:
        for place in _list(folder):
            if _PART.fullmatch(place.name) and _remove_abandoned(place):
                removed += 1
    except OSError as error:
        raise _refused(folder, error) from error
    return removed


def _remove_abandoned(place: Path) -> bool:
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        # It is gone, a folder, a link, or somebody else's: it is in nobody's way.
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        place.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


class Writing:
    """Files that become visible together: all are written and durable before the first gets its name.

    Use as a context; what did not get its name goes at its end.

    Args:
        folder: where.
        prefix: letters and digits that temporary names hold.
        series: of the files.
    """

    def __init__(self, folder: Path, prefix: str, series: str) -> None:
        self._folder = folder
        self._prefix = prefix
        self._series = series
        self._files: list[_Temporary] = []
        self._finished = False

    def __enter__(self) -> Writing:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close(keep=self._finished)

    def seal(self, read: Callable[[int], bytes], recipients: Sequence[str]) -> tuple[int, str]:
        """Write the next file's payload, sealed; answers the sealed bytes and their SHA-256.

        Raises:
            StickFull: there is no room. OperatorError: the stick refuses. Whatever `read` raised.
        """
        place = self._folder / f"sanad-{self._prefix}-{self._series}-{len(self._files) + 1:03d}.part"
        try:
            file = _Temporary(place)
            self._files.append(file)
            age.seal_stream(read, file.write, recipients)
            file.flush()
        except OSError as error:
            raise _refused(self._folder, error) from error
        return file.sealed_bytes, file.sha256

    def finish(self, headers: Sequence[Header], signer: Signer, places: Sequence[Path]) -> None:
        """Give every file its header and its name.

        Raises:
            OperatorError: there is a file of that name, or the stick refuses.
        """
        try:
            for file, header in zip(self._files, headers, strict=True):
                file.head(courierfile.write_header(header, signer))
            for place in places:
                if os.path.lexists(place):
                    raise OperatorError(f"{place} is there already.", "Name another file, or another folder.")
            for file, place in zip(self._files, places, strict=True):
                file.rename(place)
            sync_folder(self._folder)
            self._finished = True
        except OSError as error:
            raise _refused(self._folder, error) from error


class _Temporary:
    """One file without a name of its own yet, locked as long as somebody writes it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._descriptor = os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        self._digest = hashlib.sha256()
        self._waiting = bytearray(HEADER_BYTES)
        self.sealed_bytes = 0

    @property
    def sha256(self) -> str:
        """Of all sealed bytes so far."""
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Add sealed bytes."""
        self._digest.update(data)
        self.sealed_bytes += len(data)
        self._waiting += data
        if len(self._waiting) >= PIECE:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the system."""
        view = memoryview(bytes(self._waiting))
        self._waiting.clear()
        while view:
            view = view[os.write(self._descriptor, view) :]

    def head(self, block: bytes) -> None:
        """Write the header, and make the file durable."""
        self.flush()
        done = 0
        while done < len(block):
            done += os.pwrite(self._descriptor, block[done:], done)
        os.fsync(self._descriptor)

    def rename(self, place: Path) -> None:
        """Give it its name."""
        self._place.rename(place)
        self._place = place

    def close(self, *, keep: bool) -> None:
        """Close it; what is not to be kept goes, also when it has its name already."""
        with contextlib.suppress(OSError):
            if not keep:
                self._place.unlink()
        with contextlib.suppress(OSError):
            os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class Found:
    """A courier file, its header read and not verified."""

    place: Path
    signed: SignedHeader

    @property
    def header(self) -> Header:
        """What its header says."""
        return self.signed.header

    def check(self, watch: Watch = unwatched) -> None:
        """See that the sealed bytes are those that the header names.

        Raises:
            BadCourierFile: they are not. OperatorError: the file cannot be read.
        """
        digest, done = hashlib.sha256(), 0
        with self.reading() as read:
            while data := read(PIECE):
                digest.update(data)
                done += len(data)
                if done > self.header.sealed_bytes:
                    break
                watch(done, self.header.sealed_bytes)
        if (done, digest.hexdigest()) != (self.header.sealed_bytes, self.header.sealed_sha256):
            raise BadCourierFile(
                f"{self.place.name} was damaged or cut on its way.",
                "Copy it again, or write a new one; nothing is lost.",
            )

    def open(self, identity: str, write: Callable[[bytes], object], watch: Watch = unwatched) -> None:
        """Open the payload, piece by piece.

        Raises:
            SealError: it is not sealed to this identity. OperatorError: it cannot be read. Whatever `write` raised.
        """
        done = 0
        with self.reading() as read:

            def watched(size: int) -> bytes:
                nonlocal done
                data = read(size)
                done += len(data)
                watch(done, self.header.sealed_bytes)
                return data

            age.open_stream(watched, write, identity)

    @contextlib.contextmanager
    def reading(self) -> Iterator[Callable[[int], bytes]]:
        """What reads the sealed bytes.

        Raises:
            OperatorError: the file cannot be read.
        """
        try:
            descriptor = os.open(self.place, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(self.place, error) from error
        try:
            os.lseek(descriptor, HEADER_BYTES, os.SEEK_SET)
            yield lambda size: _read(self.place, descriptor, size)
        finally:
            os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that has a courier file's name and is none, or none any more."""

    place: Path
    error: SanadError


def find(path: Path) -> list[Found]:
    """A courier file, or every courier file in a folder, in the order in which they are taken.

    Raises:
        OperatorError: there is nothing of that name, or it cannot be read. BadCourierFile: the file is none.
    """
    return find_all(path)[0]


def find_all(path: Path) -> tuple[list[Found], list[Unread]]:
    """As `find`; and the files of a folder that by their names should be courier files, and cannot be read as such.

    Raises:
        OperatorError: there is nothing of that name, or it cannot be read. BadCourierFile: the file is none.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISDIR(mode):
        return [_look(path)], []
    found: list[Found] = []
    unread: list[Unread] = []
    try:
        for place in _list(path):
            if place.suffix == ".part" or not place.is_file():
                continue
            try:
                found.append(_look(place))
            except (IntegrityError, OperatorError) as error:
                # What begins with a dot is what other systems write beside a file.
                if place.suffix in SUFFIXES and not place.name.startswith("."):
                    unread.append(Unread(place, _as_cut(error)))
    except OSError as error:
        raise _unreadable(path, error) from error
    found.sort(key=lambda each: (each.header.journal, each.header.number, each.header.part, each.place.name))
    return found, unread


def _as_cut(error: SanadError) -> SanadError:
    if not isinstance(error, IntegrityError):
        return error
    return BadCourierFile(
        "It was cut or damaged on its way, or is no courier file.",
        "Copy it again, or write a new one; nothing is lost.",
    )


def _list(folder: Path) -> list[Path]:
    """The files of a folder, by name.

    Raises:
        OperatorError: it holds more than anybody can want to be looked at.
    """
    names: list[Path] = []
    for place in folder.iterdir():
        names.append(place)
        if len(names) > MAX_FOUND:
            raise OperatorError(f"{folder} holds more than {MAX_FOUND} files.", "Name the file.")
    return sorted(names)


def _look(place: Path) -> Found:
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(place, error) from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OperatorError(f"{place} is no file.", "Name a courier file, or the folder that holds it.")
        block = b""
        while len(block) < HEADER_BYTES and (data := _read(place, descriptor, HEADER_BYTES - len(block))):
            block += data
    finally:
        os.close(descriptor)
    return Found(place, courierfile.read_header(block))


def _read(place: Path, descriptor: int, size: int) -> bytes:
    try:
        return os.read(descriptor, size)
    except OSError as error:
        raise _unreadable(place, error) from error


def place_of(path: Path, header: Header, centre: str, *, within: bool) -> Path:
    """Where a file goes, by a name that every file system takes.

    Args:
        path: as a person named it.
        header: the file's.
        centre: letters and digits that name the node to people.
        within: whether `path` is a folder; else it is the file's name, with its number where there are several.
    """
    if not within:
        if header.parts == 1:
            return path
        return path.with_name(f"{path.stem}-{header.part}of{header.parts}{path.suffix}")
    start = f"sanad-{centre}-{header.number:04d}-{header.series}"
    if header.kind is Kind.RECEIPT:
        return path / f"{start}.receipt"
    return path / f"{start}-{header.part}of{header.parts}.export"


def numbered(headers: Sequence[Header], covered_by: int) -> list[Header]:
    """The headers of a series that is complete: each says how many there are, and which holds the checkpoint."""
    return [replace(each, parts=len(headers), covered_by=covered_by) for each in headers]


def _refused(folder: Path, error: OSError) -> DeviceError | OperatorError:
    if error.errno in _NO_ROOM:
        return StickFull(f"{folder} is full; nothing was left there.", "Free space on it, or use a larger one.")
    why = error.strerror or type(error).__name__
    return OperatorError(f"{folder} cannot be written: {why}.", "Put the stick in again, or name another folder.")


def _unreadable(place: Path, error: OSError) -> OperatorError:
    why = error.strerror or type(error).__name__
    return OperatorError(f"{place} cannot be read: {why}.", "Put the stick in again, or name another file.")
