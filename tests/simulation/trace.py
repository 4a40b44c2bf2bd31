"""What a program did to one folder, as `strace` saw it: every write, sync and change of a name, in order.

Guarantees that nothing in the folder changed in a way that is not in the recording: a call it cannot describe (a mapped
file, a copy inside the kernel, a cut string, a forked child) raises `TraceError` instead of being passed over. SQLite's
WAL index (`-shm`) is left out: it is mapped, never synced, and rebuilt from the WAL by whoever opens the database next.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
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

LONGEST_WRITE = 8 << 20
LEFT_OUT_SUFFIX = "-shm"

MODELLED = (
    *("openat", "?open", "?creat", "close", "lseek", "read"),
    *("write", "pwrite64", "writev", "pwritev", "?pwritev2", "ftruncate", "truncate", "fsync", "fdatasync"),
    *("?rename", "renameat", "renameat2", "?unlink", "unlinkat", "?mkdir", "mkdirat", "?rmdir", "?link", "linkat"),
)
REFUSED = ("fallocate", "mmap", "sendfile", "copy_file_range", "splice", "?symlink", "symlinkat")
FORKING = ("clone", "clone3", "?fork", "?vfork")


class TraceError(Exception):
    """The trace cannot be made, or holds something that cannot be replayed faithfully."""


def record(command: Sequence[str], folder: Path, scratch: Path, *, cwd: Path | None = None) -> Recording:
    """Runs a program under strace and returns what it did to a folder.

    Args:
        command: the program and its arguments; one process, any number of threads.
        folder: the folder to watch; what it holds before is taken as durable.
        scratch: a folder for the trace file, outside the watched one.
        cwd: the program's working folder.

    Raises:
        TraceError: strace is missing or may not trace here, the program failed, or the trace cannot be replayed.
    """
    folder = folder.resolve()
    folders, files = snapshot(folder)
    trace = scratch / "strace.txt"
    calls = ",".join((*MODELLED, *REFUSED, *FORKING))
    options = ("-f", "--seccomp-bpf", "-y", "-xx", "-qq", "-s", str(LONGEST_WRITE), "-e", "raw=read")
    require_strace()
    done = subprocess.run(
        ["strace", *options, "-e", f"trace={calls}", "-e", "signal=none", "-o", str(trace), *command],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise TraceError(f"the traced program ended with status {done.returncode}: {done.stderr[-2000:]}")
    with trace.open("r", encoding="ascii") as lines:
        operations = tuple(read_trace(lines, str(folder)))
    trace.unlink()
    return Recording(folders, files, operations)


def require_strace() -> None:
    """Raises TraceError with what to do, when strace is missing or this machine forbids tracing."""
    try:
        done = subprocess.run(
            ["strace", "-qq", "-e", "trace=none", "true"], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise TraceError("strace is not installed: run provisioning/setup.sh test as root") from None
    if done.returncode != 0:
        raise TraceError(
            "strace may not trace programs on this machine, so what survives a power loss cannot be tested: allow "
            "ptrace (kernel.yama.ptrace_scope, the container's seccomp profile or CAP_SYS_PTRACE). "
            f"It said: {done.stderr.strip()}"
        )


def snapshot(folder: Path) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """Every folder (parents first) and every file with its content, by path relative to `folder`."""
    folders: list[str] = []
    files: dict[str, bytes] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            folders.append(name)
        elif path.is_file() and not name.endswith(LEFT_OUT_SUFFIX):
            files[name] = path.read_bytes()
    return tuple(folders), files


def read_trace(lines: Iterable[str], folder: str) -> Iterator[Operation]:
    """Turns the lines of `strace -f -y -xx` into operations on a folder.

    Raises:
        TraceError: a line cannot be read or described.
    """
    reader = _Reader(folder)
    for line in lines:
        call = reader.whole_call(line.rstrip("\n"))
        if call is not None:
            yield from reader.operations(call)


class _Call(NamedTuple):
    thread: str
    name: str
    arguments: str
    result: int
    covers: int | None


@dataclass(slots=True)
class _Syncing:
    """A sync that is not done yet: of what, how many operations were done before it began, whether it met another."""

    path: str
    covers: int
    overlapped: bool = False


_LINE = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+|\?|0x[0-9a-f]+)(?:<.*>(?:\(deleted\))?)?(?: .*)?")
_STARTED = re.compile(r"(\d+) +(\w+\(.*) <unfinished \.\.\.>")
_RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)")
_STRING = r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?'
_DESCRIPTOR = re.compile(r"(-?\d+)<([^>]*)>(\(deleted\))?")
_PLACE = re.compile(r"(?:(?:AT_FDCWD|-?\d+)<([^>]*)>(?:\(deleted\))?, )?" + _STRING)
_DATA = re.compile(_STRING)


def _bytes(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


@dataclass(slots=True)
class _Reader:
    folder: str
    started: dict[str, str] = field(default_factory=dict)
    syncing: dict[str, _Syncing] = field(default_factory=dict)
    emitted: int = 0
    positions: dict[int, int | None] = field(default_factory=dict)

    def whole_call(self, line: str) -> _Call | None:
        """Joins a call that strace cut in two, because another thread's came between; None while it is not complete."""
        if match := _STARTED.fullmatch(line):
            thread, beginning = match.groups()
            self.started[thread] = beginning
            if beginning.startswith(("fsync(", "fdatasync(")):
                path = self._descriptor_path(beginning.partition("(")[2])
                if path is not None:
                    self.syncing[thread] = _Syncing(path, self.emitted)
            return None
        covers = None
        if match := _RESUMED.fullmatch(line):
            thread, rest = match.groups()
            line = f"{thread} {self.started.pop(thread)}{rest}"
            syncing = self.syncing.pop(thread, None)
            covers = syncing.covers if syncing is not None and syncing.overlapped else None
        match = _LINE.fullmatch(line)
        if match is None:
            if "+++" in line or "---" in line:
                return None
            raise TraceError(f"cannot read this line of strace: {line[:200]}")
        thread, name, arguments, result = match.groups()
        return _Call(thread, name, arguments, -1 if result == "?" else int(result, 0), covers)

    def operations(self, call: _Call) -> Iterator[Operation]:
        """What one completed call did to the folder."""
        if call.name.startswith(("clone", "fork", "vfork")):
            if "CLONE_THREAD" not in call.arguments:
                raise TraceError("the traced program started another process; only one is followed")
            return
        if call.result < 0:
            return
        found = _CALLS.get(call.name, _Reader._refuse)(self, call)
        for operation in found:
            self._note_overlap(operation)
            self.emitted += 1
            yield operation

    def _note_overlap(self, operation: Operation) -> None:
        """Names changed while their folder is being synced may not be covered; bytes changed so are refused."""
        if isinstance(operation, Sync | Say):
            return
        changed = {_parent(operation.path)}
        if isinstance(operation, Rename | Link):
            changed.add(_parent(operation.target))
        for syncing in self.syncing.values():
            if isinstance(operation, Write | Resize):
                if syncing.path == operation.path:
                    raise TraceError(f"{operation.path} was changed while it was being synced: how far?")
            elif syncing.path in changed:
                syncing.overlapped = True

    def _inside(self, path: str) -> str | None:
        path = os.path.normpath(path)
        if path == self.folder:
            return ""
        if not path.startswith(self.folder + "/") or path.endswith(LEFT_OUT_SUFFIX):
            return None
        return path[len(self.folder) + 1 :]

    def _descriptor_path(self, arguments: str) -> str | None:
        match = _DESCRIPTOR.match(arguments)
        if match is None or match[3]:
            return None
        return self._inside(os.fsdecode(_bytes(match[2])))

    def _places(self, call: _Call) -> list[str | None]:
        found = []
        for match in _PLACE.finditer(call.arguments):
            if match[3]:
                raise TraceError("a path was cut short in the trace")
            base = os.fsdecode(_bytes(match[1])) if match[1] else self.folder
            path = os.fsdecode(_bytes(match[2]))
            if match[1] is None and not path.startswith("/"):
                raise TraceError(f"{call.name} was given a relative path, and the trace does not say from where")
            found.append(self._inside(str(PurePosixPath(base) / path)))
        return found

    def _open(self, call: _Call) -> Iterator[Operation]:
        (path,) = self._places(call)
        if path is not None and "O_TMPFILE" in call.arguments:
            raise TraceError("a file without a name was opened in the watched folder")
        self.positions[call.result] = None if "O_APPEND" in call.arguments else 0
        if path is not None and ("O_CREAT" in call.arguments or call.name == "creat"):
            yield Create(path, empty="O_TRUNC" in call.arguments or call.name == "creat")
        elif path is not None and "O_TRUNC" in call.arguments:
            yield Resize(path, 0)

    def _seek(self, call: _Call) -> Iterator[Operation]:
        number = int(call.arguments.partition("<")[0])
        if self.positions.get(number) is not None:
            self.positions[number] = call.result
        return iter(())

    def _read(self, call: _Call) -> Iterator[Operation]:
        number = int(call.arguments.partition(",")[0], 0)
        position = self.positions.get(number)
        if position is not None:
            self.positions[number] = position + call.result
        return iter(())

    def _close(self, call: _Call) -> Iterator[Operation]:
        self.positions.pop(int(call.arguments.partition("<")[0].rstrip(")")), None)
        return iter(())

    def _write(self, call: _Call) -> Iterator[Operation]:
        number = int(call.arguments.partition("<")[0])
        if number == 1:
            text = b"".join(_bytes(match[1]) for match in _DATA.finditer(call.arguments)).decode()
            yield from (Say(line) for line in text.splitlines())
            return
        path = self._descriptor_path(call.arguments)
        if path is None:
            return
        pieces = _DATA.findall(call.arguments)
        if any(cut for _, cut in pieces):
            raise TraceError(f"a write of more than {LONGEST_WRITE} bytes was cut short in the trace")
        data = b"".join(_bytes(escaped) for escaped, _ in pieces)[: call.result]
        if call.name.startswith("pwrite"):
            yield Write(path, int(call.arguments.rpartition('"')[2].strip("}], ").split(", ")[-1]), data)
            return
        if number not in self.positions:
            raise TraceError(f"{path} was written through a copied descriptor: its position is not known")
        offset = self.positions[number]
        if offset is not None:
            self.positions[number] = offset + call.result
        yield Write(path, offset, data)

    def _resize(self, call: _Call) -> Iterator[Operation]:
        path = self._places(call)[0] if call.name == "truncate" else self._descriptor_path(call.arguments)
        if path is not None:
            yield Resize(path, int(call.arguments.rpartition(", ")[2]))

    def _sync(self, call: _Call) -> Iterator[Operation]:
        path = self._descriptor_path(call.arguments)
        if path is not None:
            yield Sync(path, call.covers)

    def _names(self, call: _Call) -> Iterator[Operation]:
        places = self._places(call)
        if all(place is None for place in places):
            return
        if any(place is None for place in places) or "RENAME_EXCHANGE" in call.arguments:
            raise TraceError(f"{call.name} reached out of the watched folder, or swapped two names")
        first, *others = (place for place in places if place is not None)
        for prefix, kind in (("rename", Rename), ("link", Link)):
            if call.name.startswith(prefix):
                yield kind(first, others[0])
        if call.name.startswith(("unlink", "rmdir")):
            yield Unlink(first)
        if call.name.startswith("mkdir"):
            yield MakeFolder(first)

    def _refuse(self, call: _Call) -> Iterator[Operation]:
        harmless = call.name == "mmap" and not ("MAP_SHARED" in call.arguments and "PROT_WRITE" in call.arguments)
        named = [
            os.fsdecode(_bytes(escaped)) for escaped in re.findall(r"[<\"]((?:\\x[0-9a-f]{2})+)[>\"]", call.arguments)
        ]
        if not harmless and any(self._inside(name) is not None for name in named):
            raise TraceError(f"{call.name} on a watched file cannot be replayed: {named}")
        return iter(())


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


_CALLS = {
    **dict.fromkeys(("open", "openat", "creat"), _Reader._open),
    **dict.fromkeys(("write", "pwrite64", "writev", "pwritev", "pwritev2"), _Reader._write),
    **dict.fromkeys(("ftruncate", "truncate"), _Reader._resize),
    **dict.fromkeys(("fsync", "fdatasync"), _Reader._sync),
    **dict.fromkeys(
        ("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "link", "linkat"),
        _Reader._names,
    ),
    "lseek": _Reader._seek,
    "read": _Reader._read,
    "close": _Reader._close,
}
