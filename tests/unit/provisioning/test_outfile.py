"""A file that somebody names for output costs nobody anything that was there before."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import pytest

from appliance.journal.errors import OperatorError
from provisioning.outfile import refuse_unfit, written

MAGIC = b"sanad journal export v1"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    (place / "keys").mkdir(parents=True)
    (place / "store.db").write_bytes(MAGIC)
    return place


def write(path: Path, home: Path, *, magic: bytes | None = MAGIC, force: bool = False) -> None:
    with written(path, homes=(home,), magic=magic, force=force) as out:
        out(MAGIC)
        out(b" new")


@pytest.mark.parametrize("name", ["store.db", "new", "keys/new", "../home/store.db", "."])
def test_nothing_in_a_home_is_written_not_even_by_force(home: Path, name: str) -> None:
    with pytest.raises(OperatorError, match="home"):
        write(home / name, home, force=True)
    assert (home / "store.db").read_bytes() == MAGIC
    assert sorted(each.name for each in home.iterdir()) == ["keys", "store.db"]


def test_a_link_into_a_home_is_seen_through(home: Path, tmp_path: Path) -> None:
    link = tmp_path / "innocent"
    link.symlink_to(home / "store.db")
    folder = tmp_path / "folder"
    folder.symlink_to(home)
    for path in (link, folder / "x"):
        with pytest.raises(OperatorError, match="home"):
            write(path, home, force=True)


def test_a_new_file_and_an_older_one_of_the_same_kind_are_written_whole(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "export"
    write(file, home)
    write(file, home)
    assert file.read_bytes() == MAGIC + b" new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["export", "home"]


@pytest.mark.parametrize("magic", [MAGIC, None])
def test_another_file_is_replaced_only_by_force(home: Path, tmp_path: Path, magic: bytes | None) -> None:
    file = tmp_path / "thesis"
    file.write_bytes(b"years of work")
    with pytest.raises(OperatorError, match="thesis is there already"):
        write(file, home, magic=magic)
    assert file.read_bytes() == b"years of work"
    write(file, home, magic=magic, force=True)
    assert file.read_bytes() == MAGIC + b" new"


def test_what_breaks_off_leaves_the_older_file(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_bytes(MAGIC + b" old")
    with contextlib.suppress(KeyboardInterrupt), written(file, homes=(home,), magic=MAGIC, force=False) as out:
        out(b"half")
        raise KeyboardInterrupt
    assert file.read_bytes() == MAGIC + b" old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["export", "home"]


def test_what_cannot_be_written_is_said_with_its_name_before_any_work(home: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"x")
    (tmp_path / "circle").symlink_to("circle")
    for path, words in (
        (Path("/nonexist/x"), "/nonexist/x cannot be written: No such file or directory."),
        (tmp_path, f"{tmp_path} is a folder."),
        (tmp_path / "plain" / "x", f"{tmp_path}/plain/x cannot be written: Not a directory."),
        (tmp_path / ("x" * 300), "cannot be written: File name too long."),
        (tmp_path / "circle", "circle cannot be written: "),
    ):
        with pytest.raises(OperatorError) as refused:
            refuse_unfit(path, homes=(home,), magic=MAGIC, force=True)
        assert words in refused.value.sentence


def test_a_full_device_is_written_to_and_never_replaced(home: Path) -> None:
    with pytest.raises(OperatorError, match="/dev/full cannot be written: No space left on device"):
        write(Path("/dev/full"), home, force=True)
    assert Path("/dev/full").is_char_device()


def test_a_pipe_with_a_name_is_written_to(home: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write(pipe, home)
    reader.join()
    assert read == [MAGIC + b" new"]
    assert pipe.is_fifo()
