"""Courier files on a stick: whole or not there, nothing foreign touched, what a killed writer left removed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.sealing import age
from sync import courierdisk, courierfile
from sync.couriercut import Pull
from sync.courierdisk import Found, Writing
from sync.courierfile import HEADER_BYTES, BadCourierFile, Header, Kind
from tests.support.commands import ROOT

JOURNAL = JournalId("a" * 26)
SIGNER = courierfile.export_signer(JOURNAL, b"s" * 32)
IDENTITY = age.new_identity()
RECIPIENTS = [age.recipient_of(IDENTITY)]
HEADER = Header(Kind.EXPORT, JOURNAL, 7, "k3j5x7qa", 1, 1, 1, 0, 9, 1, "0" * 64)

KILLED = f"""
import os, signal, sys
from pathlib import Path
from sync.courierdisk import Writing
left = [3]
def read(size):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return b"x" * size
with Writing(Path(sys.argv[1]), "PEW01", "k3j5x7qa") as writing:
    writing.seal(read, ["{RECIPIENTS[0]}"])
"""


def write(place: Path, content: bytes, header: Header = HEADER) -> Found:
    with Writing(place.parent, "PEW01", header.series) as writing:
        sealed = writing.seal(Pull(iter([content])).read, RECIPIENTS)
        writing.finish([replace(header, sealed_bytes=sealed[0], sealed_sha256=sealed[1])], SIGNER, [place])
    (found,) = courierdisk.find(place)
    return found


def opened(found: Found) -> bytes:
    content = bytearray()
    found.open(IDENTITY, content.extend)
    return bytes(content)


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_000_000])
def test_what_is_written_is_found_whole_and_opens_for_the_age_tool_as_well(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    found = write(tmp_path / "a.export", content)
    found.check()
    assert opened(found) == content
    assert age.open_sealed(found.place.read_bytes()[HEADER_BYTES:], IDENTITY) == content
    assert courierdisk.room_inside(found.place.stat().st_size + 1024) >= size
    assert [each.name for each in tmp_path.iterdir()] == ["a.export"]


def test_a_writer_that_was_killed_leaves_one_file_that_the_next_removes(tmp_path: Path) -> None:
    mine = tmp_path / "sanad-notes.part"
    mine.write_text("somebody's own")
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=ROOT, check=False)
    assert ended.returncode == -signal.SIGKILL
    (left,) = [each for each in tmp_path.iterdir() if each != mine]
    assert left.suffix == ".part"
    assert courierdisk.find(tmp_path) == []
    assert courierdisk.sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == [mine]


def test_what_only_bears_the_name_of_such_a_file_keeps_nobody_from_writing(tmp_path: Path) -> None:
    link, folder = (tmp_path / f"sanad-PEW01-{series}-001.part" for series in ("aaaaaaaa", "bbbbbbbb"))
    link.symlink_to(tmp_path / "elsewhere")
    folder.mkdir()
    assert courierdisk.sweep(tmp_path) == 0
    assert link.is_symlink()
    assert folder.is_dir()


def test_what_somebody_is_still_writing_is_left_alone(tmp_path: Path) -> None:
    def sweeping(size: int) -> bytes:
        assert courierdisk.sweep(tmp_path) == 0
        return b""

    with Writing(tmp_path, "PEW01", "k3j5x7qa") as writing:
        sealed = writing.seal(sweeping, RECIPIENTS)
        header = replace(HEADER, sealed_bytes=sealed[0], sealed_sha256=sealed[1])
        writing.finish([header], SIGNER, [tmp_path / "a.export"])
    assert opened(courierdisk.find(tmp_path)[0]) == b""


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    place = tmp_path / "a.export"
    place.write_text("somebody's own")
    with pytest.raises(OperatorError, match="there already"):
        write(place, b"content")
    assert place.read_text() == "somebody's own"
    assert list(tmp_path.iterdir()) == [place]


def test_a_series_that_cannot_get_all_its_names_gets_none(tmp_path: Path) -> None:
    with Writing(tmp_path, "PEW01", "k3j5x7qa") as writing:
        sealed = [writing.seal(Pull(iter([b"x"])).read, RECIPIENTS) for _ in range(2)]
        headers = [replace(HEADER, sealed_bytes=size, sealed_sha256=digest) for size, digest in sealed]
        with pytest.raises(OperatorError):
            writing.finish(headers, SIGNER, [tmp_path / "a.export", tmp_path / "nowhere" / "b.export"])
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_source_comes_out_as_it_was_and_leaves_nothing(tmp_path: Path) -> None:
    def broken(_size: int) -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Writing(tmp_path, "PEW01", "k3j5x7qa") as writing:
        writing.seal(broken, RECIPIENTS)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_searched_for_courier_files_alone_in_the_order_of_taking(tmp_path: Path) -> None:
    for number, part in ((8, 1), (7, 2), (7, 1)):
        write(tmp_path / f"{number}-{part}.export", b"x", replace(HEADER, number=number, part=part, parts=2))
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam")
    (tmp_path / "empty.export").touch()
    (tmp_path / "folder.export").mkdir()
    os.mkfifo(tmp_path / "pipe.export")
    (tmp_path / "nowhere.export").symlink_to("nothing")
    found = courierdisk.find(tmp_path)
    assert [(each.header.number, each.header.part) for each in found] == [(7, 1), (7, 2), (8, 1)]


@pytest.mark.parametrize("make", [lambda place: None, lambda place: os.mkfifo(place)], ids=["nothing", "a pipe"])
def test_a_name_that_is_no_file_is_refused_in_words(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a")
    with pytest.raises(OperatorError):
        courierdisk.find(tmp_path / "a")


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x"], ids=["shorter", "longer"])
def test_a_file_of_another_length_is_found_out(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    found = write(tmp_path / "a.export", b"content")
    found.place.write_bytes(change(found.place.read_bytes()))
    with pytest.raises(BadCourierFile):
        found.check()


def test_names_are_of_letters_that_every_file_system_takes() -> None:
    many = replace(HEADER, part=2, parts=3)
    folder = Path("/stick")
    names = [
        courierdisk.place_of(folder, many, "PEW01", within=True).name,
        courierdisk.place_of(folder, replace(HEADER, kind=Kind.RECEIPT), "PEW01", within=True).name,
        courierdisk.place_of(folder / "week.export", many, "PEW01", within=False).name,
        courierdisk.place_of(folder / "week.export", HEADER, "PEW01", within=False).name,
    ]
    assert names == [
        "sanad-PEW01-0007-k3j5x7qa-2of3.export",
        "sanad-PEW01-0007-k3j5x7qa.receipt",
        "week-2of3.export",
        "week.export",
    ]
