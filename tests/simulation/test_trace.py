"""The recording of a program says what it did to a folder, and refuses what it cannot say."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.simulation import trace
from tests.simulation.disk import Disk
from tests.simulation.operations import Create, Link, MakeFolder, Recording, Rename, Resize, Say, Sync, Unlink, Write
from tests.simulation.trace import TraceError


def _record(program: str, folder: Path) -> Recording:
    home, scratch = folder / "home", folder / "scratch"
    home.mkdir(exist_ok=True)
    scratch.mkdir()
    head = f"import os, mmap, threading, subprocess\nhome = {str(home)!r}\n"
    return trace.record([sys.executable, "-c", head + program], home, scratch)


@pytest.mark.usefixtures("strace")
def test_every_change_is_recorded_in_its_order(fast_folder: Path) -> None:
    recording = _record(
        """
os.mkdir(home + '/d')
with open(home + '/d/a', 'wb') as file:
    file.write(b'one')
    file.flush()
    file.write(b'two')
    file.flush()
    file.seek(1)
    file.write(b'x')
    file.flush()
    os.fsync(file.fileno())
    os.pwrite(file.fileno(), b'far', 600)
    os.writev(file.fileno(), [b'v', b'w'])
    file.truncate(601)
with open(home + '/d/a', 'ab') as file:
    file.write(b'end')
os.rename(home + '/d/a', home + '/b')
os.link(home + '/b', home + '/c')
os.unlink(home + '/b')
folder = os.open(home, os.O_RDONLY)
os.fsync(folder)
os.write(1, b'ack 1\\n')
with open(home + '/c', 'r+b') as file:
    file.read(2)
    file.write(b'Z')
""",
        fast_folder,
    )
    assert recording.operations == (
        MakeFolder("d"),
        Create("d/a", empty=True),
        Write("d/a", 0, b"one"),
        Write("d/a", 3, b"two"),
        Write("d/a", 1, b"x"),
        Sync("d/a"),
        Write("d/a", 600, b"far"),
        Write("d/a", 2, b"vw"),
        Resize("d/a", 601),
        Create("d/a", empty=False),
        Write("d/a", None, b"end"),
        Rename("d/a", "b"),
        Link("b", "c"),
        Unlink("b"),
        Sync(""),
        Say("ack 1"),
        Write("c", 2, b"Z"),
    )


@pytest.mark.usefixtures("strace")
def test_the_folder_as_it_was_before_is_part_of_the_recording(fast_folder: Path) -> None:
    (fast_folder / "home" / "d").mkdir(parents=True)
    (fast_folder / "home" / "d" / "a").write_bytes(b"before")
    recording = _record("os.fsync(os.open(home + '/d/a', os.O_RDONLY))", fast_folder)
    assert recording == Recording(("d",), {"d/a": b"before"}, (Sync("d/a"),))


@pytest.mark.usefixtures("strace")
def test_threads_are_followed(fast_folder: Path) -> None:
    program = """
def work(name):
    with open(home + '/' + name, 'wb', buffering=0) as file:
        for number in range(200):
            file.write(b'%04d' % number)
            os.fsync(file.fileno())
threads = [threading.Thread(target=work, args=(name,)) for name in 'ab']
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
    operations = _record(program, fast_folder).operations
    for name in "ab":
        expected: list[object] = [Create(name, empty=True)]
        for number in range(200):
            expected += [Write(name, 4 * number, b"%04d" % number), Sync(name)]
        assert [each for each in operations if not isinstance(each, Say) and each.path == name] == expected


@pytest.mark.usefixtures("strace")
@pytest.mark.parametrize(
    ("program", "refusal"),
    [
        ("f = open(home + '/a', 'w+b'); f.truncate(4096); mmap.mmap(f.fileno(), 4096)", "mmap on a watched file"),
        ("subprocess.run(['true'])", "started another process"),
        ("f = os.open(home, os.O_TMPFILE | os.O_RDWR)", "without a name"),
        ("open(home + '/a', 'w').close(); os.rename(home + '/a', home + '-away')", "reached out"),
        ("f = os.open(home + '/a', os.O_CREAT | os.O_RDWR); os.write(os.dup(f), b'x')", "copied descriptor"),
        ("f = os.open(home + '/a', os.O_CREAT | os.O_RDWR); os.posix_fallocate(f, 0, 9)", "fallocate on a watched"),
        ("raise SystemExit(3)", "status 3"),
    ],
)
def test_what_cannot_be_replayed_is_refused(program: str, refusal: str, fast_folder: Path) -> None:
    with pytest.raises(TraceError, match=refusal):
        _record(program, fast_folder)


def _path(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


OPENED = f'7 openat(AT_FDCWD<{_path("/")}>, "{_path("/h/a")}", O_RDWR|O_CREAT, 0600) = 3<{_path("/h/a")}>'


def test_bytes_changed_during_the_sync_of_their_file_are_refused() -> None:
    lines = [
        OPENED,
        f"7 fsync(3<{_path('/h/a')}> <unfinished ...>",
        f'8 pwrite64(3<{_path("/h/a")}>, "{_path("x")}", 1, 0) = 1',
        "7 <... fsync resumed>) = 0",
    ]
    with pytest.raises(TraceError, match="changed while it was being synced"):
        list(trace.read_trace(lines, "/h"))
    assert list(trace.read_trace([*lines[:2], lines[3]], "/h")) == [Create("a", empty=False), Sync("a")]


def test_a_name_made_during_the_sync_of_its_folder_is_not_covered() -> None:
    lines = [
        OPENED,
        f"7 fsync(4<{_path('/h')}> <unfinished ...>",
        f'8 mkdir("{_path("/h/d")}", 0700) = 0',
        "7 <... fsync resumed>) = 0",
    ]
    operations = tuple(trace.read_trace(lines, "/h"))
    assert operations == (Create("a", empty=False), MakeFolder("d"), Sync("", covers=1))
    disk = Disk(Recording((), {}, operations))
    disk.advance(3)
    assert set(disk.root.durable) == {"a"}


def test_a_machine_without_strace_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TraceError, match=r"setup\.sh test"):
        trace.require_strace()


def test_a_machine_that_forbids_tracing_is_told_what_to_allow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refusing = tmp_path / "strace"
    refusing.write_text("#!/bin/sh\necho 'strace: ptrace(PTRACE_TRACEME): Operation not permitted' >&2\nexit 1\n")
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(TraceError, match=r"allow ptrace .* not permitted"):
        trace.require_strace()
