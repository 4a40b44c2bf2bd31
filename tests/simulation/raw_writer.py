"""A plain SQLCipher writer, to prove that the crash tests can find what they look for: some of its ways are wrong.

Run as a program: `python -m tests.simulation.raw_writer FOLDER SEED COMMITS WAY`. Prints `ack SEQ` after each commit.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as driver

KEY = bytes(range(32))


class Way(Enum):
    """How the writer goes about it; only the first is right."""

    CAREFUL = "careful"
    NORMAL = "normal"
    BLOB_NOT_SYNCED = "blob-not-synced"
    NAME_NOT_SYNCED = "name-not-synced"
    ACK_TOO_EARLY = "ack-too-early"


def connect(path: Path, synchronous: str) -> Any:
    """The database with its key, in WAL mode."""
    connection = driver.connect(str(path), isolation_level=None)
    connection.execute("pragma cipher_log_level = none")
    connection.execute(f"pragma key = \"x'{KEY.hex()}'\"")
    connection.execute("pragma journal_mode = wal")
    connection.execute(f"pragma synchronous = {synchronous}")
    connection.execute("pragma wal_autocheckpoint = 60")
    return connection


def put_blob(folder: Path, content: bytes, way: Way) -> str:
    """Writes a file named by its hash: temporary name, fsync, rename, fsync of the folder."""
    name = hashlib.sha256(content).hexdigest()
    shelf = folder / name[:1]
    if not shelf.exists():
        shelf.mkdir()
        sync_folder(folder)
    part = shelf / f"{name}.part"
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        if way is not Way.BLOB_NOT_SYNCED:
            os.fsync(file.fileno())
    part.rename(shelf / name)
    if way is not Way.NAME_NOT_SYNCED:
        sync_folder(shelf)
    return name


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(folder: Path, seed: int, commits: int, way: Way) -> None:
    """Commits numbered entries, some with a blob, and says so on standard output."""
    draw = random.Random(seed)
    blobs = folder / "blobs"
    blobs.mkdir()
    connection = connect(folder / "raw.db", "normal" if way is Way.NORMAL else "full")
    connection.execute("create table entries (seq integer primary key, body blob, blob text)")
    sync_folder(folder)
    for seq in range(commits):
        blob = put_blob(blobs, draw.randbytes(draw.randint(1, 9000)), way) if draw.random() < 0.4 else None
        body = draw.randbytes(draw.randint(1, 3000))
        connection.execute("begin immediate")
        connection.execute("insert into entries values (?, ?, ?)", (seq, body, blob))
        if way is Way.ACK_TOO_EARLY:
            acknowledge(seq)
        connection.execute("commit")
        if way is not Way.ACK_TOO_EARLY:
            acknowledge(seq)
    connection.close()


def acknowledge(seq: int) -> None:
    """Tells the outside world, in one system call."""
    os.write(1, f"ack {seq}\n".encode())


def missing(folder: Path, said: Sequence[str]) -> int:
    """How many acknowledged entries, or blobs of theirs, a folder lacks; raises when it cannot be read."""
    if not said:
        return 0
    connection = connect(folder / "raw.db", "full")
    try:
        rows = dict(connection.execute("select seq, blob from entries order by seq").fetchall())
    except driver.Error:
        return len(said)
    finally:
        connection.close()
    if list(rows) != list(range(len(rows))):
        raise ValueError("the entries have a hole")
    return sum(int(line.split()[1]) not in rows or not whole(folder, rows[int(line.split()[1])]) for line in said)


def whole(folder: Path, blob: str | None) -> bool:
    """Whether a blob is there and is what its name says."""
    if blob is None:
        return True
    path = folder / "blobs" / blob[:1] / blob
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == blob


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Way(sys.argv[4]))
