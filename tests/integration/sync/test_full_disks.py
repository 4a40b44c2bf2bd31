"""A disk that fills up, on either side of a sync: a really small one, where this user may mount one."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from appliance.records.failures import StorageFull
from appliance.store.store import Store
from sync.agent import sync_once
from sync.central.central import Central
from sync.central.room import KEPT_SHARE
from sync.outcome import SyncOutcome
from sync.refusals import CentralCannotStore
from tests.support.carrying import Session, Time, carrier_of, is_all_there, until, words
from tests.support.centrals import CENTRE, EnrolledNode, enrol, served

DISK = 8 * 1024 * 1024


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("disks can't be mounted here; tests/simulation/test_faults.py makes writes fail by strace")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


class Ballast:
    """Something else that fills a disk."""

    def __init__(self, disk: Path) -> None:
        self._file = disk / "ballast"
        self._disk = disk

    def leave(self, free: int) -> None:
        """Leave so many bytes, within a page; what others write meanwhile leaves less of them."""
        self._file.unlink(missing_ok=True)
        found = os.statvfs(self._disk)
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT)
        try:
            os.write(file, bytes(max(0, found.f_bavail * found.f_frsize - free)))  # as much of it as there is room for
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        finally:
            os.close(file)

    def clear(self) -> None:
        self._file.unlink(missing_ok=True)


@contextmanager
def both(
    tmp_path: Path, *, central_on: Path | None = None, node_on: Path | None = None
) -> Iterator[tuple[Central, EnrolledNode]]:
    with served((central_on or tmp_path) / "central") as central:
        node = enrol((node_on or tmp_path) / "node", central.invite(*CENTRE))
        yield central, node
        node.store.close()


def test_a_central_with_little_room_takes_entries_and_leaves_files_at_the_node_which_says_why(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, both(tmp_path, central_on=disk) as (central, node):
        time, ballast = Time(), Ballast(disk)
        digest = node.store.put_blob(os.urandom(100_000))
        ballast.leave(int(DISK * KEPT_SHARE) - 20_000)
        node.commit(2, blobs=(digest,))
        session = Session(carrier_of(node, time), time)
        until(lambda: is_all_there(node, central) and "Central's disk is nearly full" in words(node))
        node.commit(1)
        until(lambda: is_all_there(node, central))
        assert not central.holds(digest)
        assert "1 sealed file waits here; entries still go. Tell central IT" in words(node)
        ballast.clear()
        until(lambda: is_all_there(node, central, digest) and "Central's disk" not in words(node))
        assert isinstance(session.end(), SyncOutcome)


def test_a_bounded_sync_leaves_files_at_the_node_while_central_has_little_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, both(tmp_path, central_on=disk) as (central, node):
        ballast = Ballast(disk)
        digest = node.store.put_blob(os.urandom(100_000))
        ballast.leave(int(DISK * KEPT_SHARE) - 20_000)
        node.commit(2, blobs=(digest,))
        outcome = sync_once(node.store, node.address, now_s=lambda: 0)
        assert (outcome.cosigned_size, outcome.wanted, outcome.complete) == (outcome.size, 1, False)
        assert outcome.central_scarce
        ballast.clear()
        assert sync_once(node.store, node.address, now_s=lambda: 0).complete
        assert central.holds(digest)


@pytest.mark.parametrize("in_the_middle", [False, True])
def test_a_central_without_any_room_countersigns_nothing_and_its_node_is_told(
    tmp_path: Path, in_the_middle: bool
) -> None:
    with small_disk(tmp_path / "disk") as disk, both(tmp_path, central_on=disk) as (central, node):
        time, ballast = Time(), Ballast(disk)
        carrier = carrier_of(node, time)
        session = Session(carrier, time) if in_the_middle else None
        until(lambda: not in_the_middle or is_all_there(node, central))
        ballast.leave(0)
        node.commit(1200)
        before = node.store.head()
        (session or Session(carrier, time)).join()
        # Central may be busy with the end of the stream before.
        until(lambda: isinstance(Session(carrier, time).join(), CentralCannotStore))
        assert node.store.head() == before
        assert "Central's disk is full" in words(node)
        assert "Tell central IT to make room." in words(node)
        ballast.clear()
        again = Session(carrier, time)
        until(lambda: is_all_there(node, central) and "disk" not in words(node))
        assert isinstance(again.end(), SyncOutcome)


@contextmanager
def without_room() -> Iterator[None]:
    """A node that can write nothing: the little that a database still finds in its own files is gone, too."""

    def full(*_: object, **__: object) -> NoReturn:
        raise StorageFull

    with pytest.MonkeyPatch.context() as patch:
        for name in ("take_cosignature", "take_orders", "remember", "commit"):
            patch.setattr(Store, name, full)
        yield


def test_a_node_without_room_still_sends_and_takes_what_central_said_once_it_has_room(tmp_path: Path) -> None:
    with both(tmp_path) as (central, node):
        time = Time()
        carrier = carrier_of(node, time)
        digest = node.store.put_blob(os.urandom(300_000))
        node.commit(300, blobs=(digest,))
        central.lease(node.store.journal)
        before = node.store.head()
        with without_room():
            session = Session(carrier, time)
            until(lambda: central.holds(digest))
            (status,) = central.nodes()
            assert (status.cosigned_size, node.store.head()) == (before.size, before)
        until(lambda: is_all_there(node, central) and node.store.head().size > before.size)
        assert isinstance(session.end(), SyncOutcome)
        assert "disk" not in words(node)


def test_a_bounded_sync_of_a_node_without_room_says_so_after_it_has_sent_everything(tmp_path: Path) -> None:
    with both(tmp_path) as (central, node):
        node.commit(20)
        before = node.store.head()
        with without_room(), pytest.raises(StorageFull):
            sync_once(node.store, node.address, now_s=lambda: 0)
        assert [each.cosigned_size for each in central.nodes()] == [before.size]
        assert sync_once(node.store, node.address, now_s=lambda: 0).complete


def test_a_box_whose_disk_is_full_says_so_though_it_cannot_remember_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, both(tmp_path, node_on=disk) as (_, node):
        Ballast(disk).leave(0)
        assert words(node).startswith("This box's disk is full")
