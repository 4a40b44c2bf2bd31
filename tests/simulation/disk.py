"""A disk that loses power: what of a recording must be on it, and what may be, at any moment.

The rules are POSIX's and no kinder. An fsync of a file makes its bytes and its size durable, not its name; an fsync of
a folder makes the names in it durable, not the files. Everything else is pending and may be there or not: each 512-byte
sector on its own, in any order, holding what the file held after any of the writes to it since the last fsync; the size
on its own, so that a file can be long and hold zeros or old rubbish; each change of a name on its own, except that a
rename happens whole or not at all. A sector is never half old and half new, as on real disks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.simulation.operations import (
    Create,
    Link,
    MakeFolder,
    Operation,
    Recording,
    Rename,
    Resize,
    Say,
    Sync,
    Unlink,
    Write,
)
from tests.simulation.trace import TraceError

SECTOR = 512


class Sector(NamedTuple):
    """One pending sector: the number of the write that made it, its place in the file, what it then held."""

    write: int
    place: int
    content: bytes


class File:
    """One file, whatever its names: what it holds for programs, what is durable, and what is pending between them."""

    def __init__(self, number: int, content: bytes = b"") -> None:
        self.number = number
        self.now = bytearray(content)
        self.durable = bytearray(content)
        self.pending: list[Sector] = []
        self.sizes: list[tuple[int, int]] = []
        self.cut = False
        self.synced = 0

    @property
    def clean(self) -> bool:
        """Nothing is pending: the disk holds exactly what programs see."""
        return not self.pending and not self.sizes

    def write(self, write: int, offset: int | None, data: bytes) -> None:
        """Bytes at an offset, or at the end."""
        start = len(self.now) if offset is None else offset
        end = start + len(data)
        if end > len(self.now):
            self.now.extend(bytes(end - len(self.now)))
            self.sizes.append((write, end))
        self.now[start:end] = data
        for index in range(start // SECTOR, -(-end // SECTOR)):
            self.pending.append(Sector(write, index, bytes(self.now[index * SECTOR : (index + 1) * SECTOR])))

    def resize(self, write: int, size: int) -> None:
        """Cuts the file, or lengthens it with zeros."""
        if size == len(self.now):
            return
        self.cut = self.cut or size < len(self.now)
        del self.now[size:]
        self.now.extend(bytes(size - len(self.now)))
        self.sizes.append((write, size))

    def sync(self, _covers: int) -> None:
        """All of it is durable; a recording holds no sync of a file that did not cover all of it."""
        if self.cut:
            self.durable = bytearray(self.now)
        else:
            self.durable.extend(bytes(len(self.now) - len(self.durable)))
            for _, index, content in self.pending:
                self.durable[index * SECTOR : index * SECTOR + len(content)] = content
        self.pending.clear()
        self.sizes.clear()
        self.cut = False
        self.synced += 1


@dataclass(slots=True, eq=False)
class Change:
    """A pending change of names in one folder: takes a name away from a file, gives it one, or both at once.

    `needs` is the other half of a rename between two folders: the old name goes only if the new one came.
    """

    number: int
    node: File | Folder
    gone: str | None = None
    come: str | None = None
    needs: Change | None = None
    durable: bool = False

    def apply(self, names: dict[str, File | Folder]) -> None:
        """Makes the change in a table of names."""
        if self.gone is not None and names.get(self.gone) is self.node:
            del names[self.gone]
        if self.come is not None:
            names[self.come] = self.node


@dataclass(slots=True, eq=False)
class Folder:
    """One folder: its names now, its durable names, and the pending changes."""

    now: dict[str, File | Folder] = field(default_factory=dict)
    durable: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)

    def change(self, change: Change) -> None:
        """Changes the names for programs; on the disk it is pending."""
        change.apply(self.now)
        self.pending.append(change)

    def sync(self, covers: int) -> None:
        """The covered changes are durable, but for the old half of a rename whose new half is not."""
        waiting: list[Change] = []
        for change in self.pending:
            if change.number > covers or (change.needs is not None and not change.needs.durable):
                waiting.append(change)
                continue
            change.apply(self.durable)
            change.durable = True
        self.pending = waiting


class Disk:
    """The folder of a recording, at the moment after some of its operations."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.root = Folder()
        self.done = 0
        self.said: list[str] = []
        self.files: list[File] = []
        for path in recording.folders:
            self._place(path, Folder())
        for path, content in recording.files.items():
            self._place(path, self._new_file(content))

    def _place(self, path: str, node: File | Folder) -> None:
        folder, name = self._folder_of(path)
        folder.now[name] = folder.durable[name] = node

    def _new_file(self, content: bytes = b"") -> File:
        self.files.append(File(len(self.files), content))
        return self.files[-1]

    def advance(self, until: int) -> None:
        """Carries out the operations up to a number of them."""
        while self.done < until:
            self.done += 1
            self._carry_out(self.recording.operations[self.done - 1])

    def _carry_out(self, operation: Operation) -> None:
        match operation:
            case Say(line):
                self.said.append(line)
            case Create(path, empty):
                self._create(path, empty=empty)
            case Write(path, offset, data):
                self._file(path).write(self.done, offset, data)
            case Resize(path, size):
                self._file(path).resize(self.done, size)
            case Sync(path, covers):
                self._node(path).sync(self.done if covers is None else covers)
            case Rename(path, target):
                self._rename(path, target)
            case Link(path, target):
                folder, name = self._folder_of(target)
                folder.change(Change(self.done, self._file(path), come=name))
            case Unlink(path):
                folder, name = self._folder_of(path)
                folder.change(Change(self.done, folder.now[name], gone=name))
            case MakeFolder(path):
                folder, name = self._folder_of(path)
                folder.change(Change(self.done, Folder(), come=name))

    def _create(self, path: str, *, empty: bool) -> None:
        folder, name = self._folder_of(path)
        if name not in folder.now:
            folder.change(Change(self.done, self._new_file(), come=name))
        elif empty:
            self._file(path).resize(self.done, 0)

    def _rename(self, path: str, target: str) -> None:
        (source, old), (goal, new) = self._folder_of(path), self._folder_of(target)
        node = source.now[old]
        if source is goal:
            source.change(Change(self.done, node, gone=old, come=new))
            return
        coming = Change(self.done, node, come=new)
        goal.change(coming)
        source.change(Change(self.done, node, gone=old, needs=coming))

    def _folder_of(self, path: str) -> tuple[Folder, str]:
        folder, _, name = path.rpartition("/")
        found = self._node(folder)
        if not isinstance(found, Folder):
            raise TraceError(f"{folder} is used as a folder and is a file")
        return found, name

    def _node(self, path: str) -> File | Folder:
        node: File | Folder = self.root
        for name in path.split("/") if path else ():
            if not isinstance(node, Folder) or name not in node.now:
                raise TraceError(f"the recording uses {path}, which it never made")
            node = node.now[name]
        return node

    def _file(self, path: str) -> File:
        node = self._node(path)
        if not isinstance(node, File):
            raise TraceError(f"{path} is used as a file and is a folder")
        return node
