"""What programs do to a folder: the operations that a recording is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Create(NamedTuple):
    """A file was opened with O_CREAT; `empty` says O_TRUNC was given too."""

    path: str
    empty: bool


class Write(NamedTuple):
    """Bytes were written at an offset (bytes); None is the end of the file (O_APPEND)."""

    path: str
    offset: int | None
    data: bytes


class Resize(NamedTuple):
    """A file was set to a size in bytes."""

    path: str
    size: int


class Sync(NamedTuple):
    """A file or a folder was fsynced, successfully and completely.

    `covers` is how many operations of the recording it covers, where names changed meanwhile; None is all.
    """

    path: str
    covers: int | None = None


class Rename(NamedTuple):
    """A name was moved over another one."""

    path: str
    target: str


class Link(NamedTuple):
    """A file got a second name."""

    path: str
    target: str


class Unlink(NamedTuple):
    """A name was removed, of a file or of an empty folder."""

    path: str


class MakeFolder(NamedTuple):
    """A folder was made."""

    path: str


class Say(NamedTuple):
    """The program wrote one line to its standard output: a promise to the outside world."""

    line: str


Operation = Create | Write | Resize | Sync | Rename | Link | Unlink | MakeFolder | Say


@dataclass(frozen=True, slots=True)
class Recording:
    """A folder as it was, all of it durable, and what then happened to it. Paths are relative to it; "" is itself."""

    folders: tuple[str, ...]
    files: Mapping[str, bytes]
    operations: tuple[Operation, ...]
