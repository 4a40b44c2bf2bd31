"""Files that the person at the command line names for output: what may stand there, and writing it.

An older file is replaced only when it is known to be of the same making, or when the person says so. A home is never
written into: what lies there is the node's, and a slip of the keyboard must not cost it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from appliance.journal.errors import OperatorError
from appliance.records.disk import PART, sync_folder

_BUFFER: Final = 1 << 16
_STDOUT: Final = 1
_STDOUT_NAMES: Final = frozenset({"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})


def refuse_unfit(path: Path, *, homes: Sequence[Path], magic: bytes | None, force: bool) -> None:
    """See whether a named file can be written, before any work is done for it.

    Pipes and character devices are written to as they are. A regular file that is there is replaced only if it begins
    with `magic`, or with `force`.

    Args:
        path: the name as it was given; links are followed.
        homes: the homes of this command, where nothing is written, whatever `force` says.
        magic: how a file begins that may be replaced; None where none may.
        force: whether any regular file may be replaced.

    Raises:
        OperatorError: it cannot or must not be written; the sentence names it.
    """
    try:
        place = path.resolve()
        refuse_homes(path, place, homes)
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            mode = None
        if mode is not None and stat.S_ISDIR(mode):
            raise OperatorError(f"{path} is a folder.", "Name a file in it.")
        if mode is not None and stat.S_ISBLK(mode):
            raise OperatorError(f"{path} is a disk.", "Name a file.")
        if mode is not None and not _is_replaced(path, mode):
            return
        if not stat.S_ISDIR(place.parent.stat().st_mode):
            raise _system_error(errno.ENOTDIR)
        if not os.access(place.parent, os.W_OK | os.X_OK):
            raise _system_error(errno.EACCES)
        if mode is not None and not force:
            _refuse_other_files(path, place, magic)
    except OSError as error:
        raise _unwritable(path, error) from error
    except RuntimeError as error:  # how Python 3.11 and 3.12 tell of links that lead in a circle
        raise OperatorError(f"{path} cannot be written: its links lead in a circle.", "Name another file.") from error


def refuse_homes(path: Path, place: Path, homes: Sequence[Path]) -> None:
    """See that a name does not lead into a home.

    Args:
        path: as it was given.
        place: where it leads.
        homes: of this command.

    Raises:
        OperatorError: it does. OSError: as the system said it.
    """
    for home in homes:
        if not home.exists():
            continue
        # By what a folder is and not by its name: the same folder may be mounted in two places.
        known = home.stat()
        for folder in (place, *place.parents):
            if folder.exists() and os.path.samestat(folder.stat(), known):
                raise OperatorError(
                    f"{path} lies in the home {home}, where only Sanad writes.", "Name a file elsewhere."
                )


def is_stdout(path: Path) -> bool:
    """Whether what is written to this name comes out at standard output, where nothing else must come then."""
    if _names_stdout(path):
        return True
    try:
        found = path.stat()
        return not stat.S_ISREG(found.st_mode) and os.path.samestat(found, os.fstat(_STDOUT))
    except OSError:
        return False


@contextlib.contextmanager
def written(
    path: Path, *, homes: Sequence[Path], magic: bytes | None, force: bool
) -> Iterator[Callable[[bytes], object]]:
    """A named file, written piece by piece. A regular file is there whole when the block ends, else as it was before.

    Raises:
        OperatorError: as `refuse_unfit`, or writing failed; the sentence names the file.
    """
    refuse_unfit(path, homes=homes, magic=magic, force=force)
    with contextlib.ExitStack() as undoing:
        temporary = None
        place = path.resolve()
        try:
            mode = path.stat().st_mode if path.exists() else None
            if mode is not None and not _is_replaced(path, mode):
                descriptor = os.dup(_STDOUT) if _names_stdout(path) else os.open(path, os.O_WRONLY | os.O_CLOEXEC)
            else:
                descriptor, temporary = tempfile.mkstemp(PART, f".{place.name[:100]}.", place.parent)
                undoing.callback(_remove, temporary)
        except OSError as error:
            raise _unwritable(path, error) from error
        undoing.callback(os.close, descriptor)
        out = _Out(path, descriptor)
        yield out.write
        out.flush()
        if temporary is not None:
            try:
                os.fsync(descriptor)
                Path(temporary).rename(place)
                sync_folder(place.parent)
            except OSError as error:
                raise _unwritable(path, error) from error


class _Out:
    """A descriptor written through a buffer; what the system refuses is said with the name that was given."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self._waiting = bytearray()

    def write(self, data: bytes) -> None:
        """Take the next piece."""
        self._waiting += data
        if len(self._waiting) >= _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Hand everything to the system."""
        data, self._waiting = bytes(self._waiting), bytearray()
        done = 0
        try:
            while done < len(data):
                done += os.write(self._descriptor, data[done : done + _BUFFER])
        except OSError as error:
            raise _unwritable(self._path, error) from error


def _refuse_other_files(path: Path, place: Path, magic: bytes | None) -> None:
    if magic is not None:
        with place.open("rb") as file:
            if file.read(len(magic)) == magic:
                return
    raise OperatorError(
        f"{path} is there already{'' if magic is None else ', and is another kind of file'}.",
        "Name another file, or add --force to replace this one.",
    )


def _is_replaced(path: Path, mode: int) -> bool:
    """Whether a file that is there is replaced by a new one, rather than written to."""
    return stat.S_ISREG(mode) and not _names_stdout(path)


def _names_stdout(path: Path) -> bool:
    return str(path.absolute()) in _STDOUT_NAMES


def _system_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _remove(temporary: str) -> None:
    with contextlib.suppress(OSError):
        Path(temporary).unlink()


def _unwritable(path: Path, error: OSError) -> OperatorError:
    why = error.strerror or type(error).__name__
    return OperatorError(f"{path} cannot be written: {why}.", "Name another file, or see to this one's folder.")
