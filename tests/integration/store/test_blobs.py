"""The blob folder: durable before it is named, never taken for an orphan too early, never believed when damaged."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from appliance.journal.errors import BugError, DeviceError
from appliance.journal.ids import BlobDigest
from appliance.records.failures import StorageFailed, StorageFull, StorageReadOnly
from appliance.sealing.age import digest_of
from appliance.store import blobs
from appliance.store.blobs import MAX_BLOB_BYTES, BlobFolder, BlobMissing
from tests.integration.store.conftest import Bench
from tests.support.nodes import Halted, new_node

SEALED = b"age-encryption.org/v1\n and so on"


@pytest.fixture
def folder(tmp_path: Path) -> BlobFolder:
    return BlobFolder.create(tmp_path / "blobs")


def left_over(folder: BlobFolder) -> list[str]:
    return sorted(file.name for file in folder._files())


def test_what_was_put_is_read_and_named_by_its_hash(folder: BlobFolder) -> None:
    digest = folder.put(SEALED)
    assert digest == digest_of(SEALED)
    assert folder.read(digest) == SEALED
    assert list(folder.names()) == [digest]
    assert left_over(folder) == [digest]
    assert folder.path(digest).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../" * 21 + "x",
        "/etc/passwd",
        "AB" * 32,
        "ab" * 31,
        "ab" * 32 + "\n",
        "ab" * 31 + "/.",
        "\0" * 64,
        "٠" * 64,
    ],
)
def test_a_hostile_name_reaches_no_file(folder: BlobFolder, name: str) -> None:
    for attempt in (folder.path, folder.read, folder.holds):
        with pytest.raises(BugError):
            attempt(BlobDigest(name))
    with pytest.raises(BugError):
        folder.remove([BlobDigest(name)])


def test_a_blob_that_is_missing_or_changed_is_told_apart(folder: BlobFolder) -> None:
    digest = folder.put(SEALED)
    place = folder.path(digest)
    for damaged in (SEALED[:-1], SEALED + b"\0", b"", bytes([SEALED[0] ^ 1]) + SEALED[1:]):
        place.write_bytes(damaged)
        with pytest.raises(BlobMissing, match="damaged"):
            folder.read(digest)
    place.unlink()
    with pytest.raises(BlobMissing, match="missing"):
        folder.read(digest)
    place.mkdir()
    assert not folder.holds(digest)
    with pytest.raises(BlobMissing, match="cannot be read"):
        folder.read(digest)


def test_the_same_bytes_twice_are_one_file_and_pending_until_both_are_settled(folder: BlobFolder) -> None:
    first, second = folder.put(SEALED), folder.put(SEALED)
    assert first == second
    folder.settle([first])
    assert folder.is_pending(first)
    with folder.quiet() as quiet:
        assert not quiet
    folder.settle([first])
    assert not folder.is_pending(first)
    folder.settle([first, first])
    with folder.quiet() as quiet:
        assert quiet


def test_a_blob_that_was_damaged_is_healed_by_putting_it_again(folder: BlobFolder) -> None:
    digest = folder.put(SEALED)
    folder.path(digest).write_bytes(b"")
    folder.put(SEALED)
    assert folder.read(digest) == SEALED


def test_threads_put_at_once(folder: BlobFolder) -> None:
    many = [os.urandom(999) for _ in range(40)]
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(folder.put, many * 2))
    assert sorted(set(digests)) == list(folder.names())
    assert [folder.read(digest) for digest in digests] == many * 2


def test_a_blob_over_its_bound_is_refused_before_anything_is_written(
    folder: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "MAX_BLOB_BYTES", 1000)
    folder.put(bytes(1000))
    with pytest.raises(BugError):
        folder.put(bytes(1001))
    assert len(left_over(folder)) == 1
    assert MAX_BLOB_BYTES > 32 * 1024 * 1024, "a paper of the largest size fits, sealed"


def test_a_file_that_grew_beyond_the_bound_is_not_read_into_memory(
    folder: BlobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = folder.put(SEALED)
    monkeypatch.setattr(blobs, "MAX_BLOB_BYTES", 1000)
    with folder.path(digest).open("ab") as file:
        file.truncate(10**12)
    with pytest.raises(BlobMissing):
        folder.read(digest)


# The disk


def failing(number: int) -> Callable[..., int]:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StorageFull), (errno.EROFS, StorageReadOnly)])
@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_a_disk_that_refuses_leaves_nothing_behind(
    folder: BlobFolder, monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: type[DeviceError]
) -> None:
    with monkeypatch.context() as disk:
        disk.setattr(os, call, failing(number))
        with pytest.raises(error):
            folder.put(SEALED)
    assert left_over(folder) == []
    with folder.quiet() as quiet:
        assert quiet, "what was not put is not pending"
    folder.put(SEALED)


def test_a_disk_that_takes_a_part_only_is_given_the_rest(folder: BlobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: genuine(descriptor, data[:7]))
    assert folder.read(folder.put(SEALED)) == SEALED


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_disk_that_fails_stops_the_store(bench: Bench, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    monkeypatch.setattr(os, call, failing(errno.EIO))
    with pytest.raises(Halted) as caught:
        bench.store.put_blob(b"a scan")
    assert isinstance(caught.value.__cause__, StorageFailed)


def test_a_store_without_a_locker_seals_nothing(tmp_path: Path) -> None:
    node = new_node(tmp_path / "home")
    with node.store.closing(), node.store._database.write() as tx:
        tx._connection.execute("DELETE FROM local")
    with node.reopen().closing() as store, pytest.raises(BugError):
        store.put_blob(b"a scan")


# Orphans


def test_orphans_and_halves_of_a_crash_are_collected_and_the_named_stay(bench: Bench) -> None:
    case = bench.application()
    named = BlobDigest(bench.paper(case))
    orphan = bench.store.put_blob(b"nobody came to name it")
    bench.store.give_up_blob(orphan)
    half = bench.store.layout.blobs / "ab" / f".{'ab' * 32}.1234.5678.part"
    half.write_bytes(b"half a scan")
    foreign = bench.store.layout.blobs / "ab" / "README"
    foreign.write_text("somebody else's")
    (bench.store.layout.blobs / "ab" / ("ab" * 32)).symlink_to("/etc/passwd")
    assert bench.store.recover("test") == 2
    assert bench.store.open_blob(named) == b"a scan"
    assert not bench.store.holds_blob(orphan)
    assert not half.exists()
    assert foreign.exists()
    (entry,) = list(bench.store.entries(bench.store.head().size - 1, bench.store.head().size))
    assert entry.body == b'{"software":"test","orphans_removed":2}'


def test_a_blob_that_another_process_has_put_and_not_named_yet_is_no_orphan(bench: Bench) -> None:
    other = bench.reopen()
    with other.closing():
        pending = other.put_blob(b"being scanned at the other counter")
        assert bench.store.recover("test") == 0
        assert other.open_blob(pending) == b"being scanned at the other counter"
        other.give_up_blob(pending)
        assert bench.store.recover("test") == 1


def test_nobody_puts_a_blob_while_orphans_are_collected(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    genuine = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_SH:
            asked.set()
        genuine(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    other = bench.reopen()
    with other.closing(), ThreadPoolExecutor(1) as pool:
        with bench.store._blobs.quiet() as quiet:
            assert quiet
            putting = pool.submit(other.put_blob, b"waits")
            assert asked.wait(30)
            assert list(bench.store._blobs.names()) == []
        assert other.open_blob(putting.result()) == b"waits"


def test_the_mark_of_a_process_that_died_is_gone_with_it(bench: Bench) -> None:
    lock = bench.store.layout.blobs / ".pending"
    command = ["flock", "--shared", "--no-fork", str(lock), "sh", "-c", "echo held; read line"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with bench.store._blobs.quiet() as quiet:
            assert not quiet
        other.kill()
        other.wait()
    with bench.store._blobs.quiet() as quiet:
        assert quiet


# With sealing


def test_a_blob_opens_to_what_was_sealed_with_the_nodes_key_and_with_the_lockers(bench: Bench, tmp_path: Path) -> None:
    digest = bench.store.put_blob(b"a scan")
    assert bench.store.open_blob(digest) == b"a scan"
    identity = tmp_path / "locker"
    identity.write_text(bench.locker_identity)
    age = shutil.which("age")
    assert age is not None, "Debian's age is among the tools of the tests"
    opened = subprocess.run(
        [age, "--decrypt", "--identity", str(identity), str(bench.store.layout.blobs / digest[:2] / digest)],
        check=True,
        capture_output=True,
    )
    assert opened.stdout == b"a scan"
    assert b"a scan" not in bench.store.sealed_blob(digest)
    bench.store.give_up_blob(digest)
