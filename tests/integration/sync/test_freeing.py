"""A node frees a sealed file only under central's statement that a backup holds it, and gets it back when it must."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.records.failures import StorageFull
from appliance.store.blobs import BlobFreed
from appliance.store.freeing import Freed, Rule, free_blobs, newest_backup
from appliance.store.store import Store
from appliance.store.verify import verify_home
from provisioning.blobcommands import fetch_back
from sync.agent import sync_once
from sync.central.archive import _WANT
from sync.central.backups import Lost
from sync.central.central import Central
from sync.refusals import BlobLost, UnknownBlob
from tests.support import casework
from tests.support.centrals import CENTRE, EnrolledNode, enrol, free_port, served
from tests.support.nodes import PASSWORD, halt, real_clock

KEY = b"n" * 32
PRESSED = Rule(below_percent=50, after_days=None)
"""With `FULL`, everything that may go does."""
NEVER = Rule(below_percent=0, after_days=None)


def full() -> tuple[int, int]:
    return 10**9, 0


def half_empty() -> tuple[int, int]:
    return 10**9, 6 * 10**8


@dataclass
class Desk:
    """A node with people at work."""

    node: EnrolledNode
    clerk: Session
    officer: Session
    person: EntityId

    @property
    def store(self) -> Store:
        return self.node.store

    def case(self, *papers: bytes) -> tuple[EntityId, list[BlobDigest]]:
        """A case with papers, handed in."""
        fields = {"place": "Pew"}
        made = casework.submit_application(
            self.store, self.clerk, service="domicile", applicant=self.person, fields=fields
        )
        for content in papers:
            casework.add_paper(
                self.store, self.clerk, made.application, label="scan", media_type="application/pdf", content=content
            )
        return made.application, [
            digest for digest in self.store.named_blobs() if self._about(digest) == made.application
        ]

    def ended_case(self, *papers: bytes) -> list[BlobDigest]:
        about, digests = self.case(*papers)
        casework.reject(self.store, self.officer, about, "as seen")
        return digests

    def sync(self) -> None:
        assert sync_once(self.store, self.node.address, now_s=lambda: 0).complete

    def _about(self, digest: BlobDigest) -> str:
        (entry,) = [each for each in self.store.entries(0, self.store.head().size) if digest in each.header.blobs]
        return entry.header.about


def desk_of(node: EnrolledNode) -> Desk:
    store = node.store
    operators.add_first_supervisor(store, NewOperator("sana", "Sana", (Role.SUPERVISOR,), PASSWORD), os.urandom)
    chief = operators.sign_in(store, login="sana", password=PASSWORD, role=Role.SUPERVISOR, counter="1")
    for login, role in (("omar", Role.OPERATOR), ("rabia", Role.OFFICER)):
        operators.add_operator(store, chief, NewOperator(login, login.title(), (role,), PASSWORD), os.urandom)
    clerk, officer = (
        operators.sign_in(store, login=login, password=PASSWORD, role=role, counter="1")
        for login, role in (("omar", Role.OPERATOR), ("rabia", Role.OFFICER))
    )
    person = casework.add_person(store, clerk, casework.Person(name="Specimen", born="1990"))
    return Desk(node, clerk, officer, person)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with served(tmp_path_factory.mktemp("central") / "home") as made:
        yield made


@pytest.fixture
def desk(central: Central, tmp_path: Path) -> Iterator[Desk]:
    node = enrol(tmp_path / "node", central.invite(*CENTRE), KEY)
    yield desk_of(node)
    node.store.close()


def backed_up(central: Central, name: str, desk: Desk) -> None:
    central.backups.begin(name)
    central.backups.done(name)
    desk.sync()


def is_sound(desk: Desk) -> bool:
    return verify_home(desk.store.layout, KEY).ok


def test_nothing_is_freed_before_central_says_that_a_backup_is_made(central: Central, desk: Desk) -> None:
    desk.ended_case(b"a paper")
    desk.sync()
    assert free_blobs(desk.store, PRESSED, full) == Freed()
    central.backups.begin("never done")
    desk.sync()
    assert newest_backup(desk.store) is None
    assert free_blobs(desk.store, PRESSED, full) == Freed()


def test_what_a_backup_holds_is_freed_under_pressure_and_the_journal_says_so(central: Central, desk: Desk) -> None:
    (digest,) = desk.ended_case(b"a paper")
    desk.sync()
    backed_up(central, "tape 1", desk)
    size = desk.store.blob_bytes(digest)
    assert free_blobs(desk.store, PRESSED, half_empty) == Freed()
    assert free_blobs(desk.store, NEVER, full) == Freed()
    assert free_blobs(desk.store, PRESSED, full) == Freed(1, size)
    assert not desk.store.holds_blob(digest)
    *_, last = desk.store.entries(0, desk.store.head().size)
    assert last.header.kind == "blobs.freed"
    with pytest.raises(BlobFreed, match=r"backup tape 1.*sanad blobs fetch"):
        desk.store.open_blob(digest)
    assert is_sound(desk)
    desk.sync()
    assert free_blobs(desk.store, PRESSED, full) == Freed()


def test_papers_of_open_cases_and_what_came_after_the_backup_began_stay(central: Central, desk: Desk) -> None:
    (ended,) = desk.ended_case(b"ended")
    _, (waiting,) = desk.case(b"waits")
    desk.sync()
    central.backups.begin("tape 2")
    (later,) = desk.ended_case(b"later")
    desk.sync()
    central.backups.done("tape 2")
    desk.sync()
    assert free_blobs(desk.store, PRESSED, full).files == 1
    assert [desk.store.holds_blob(each) for each in (ended, waiting, later)] == [False, True, True]


def test_a_file_that_central_lacked_when_the_backup_began_stays(central: Central, desk: Desk) -> None:
    kept, lost = desk.ended_case(b"one", b"two" * 100)
    desk.sync()
    central._locker.remove([lost])
    with central._archive_db.write() as tx:
        tx.run(_WANT, {"journal": desk.store.journal, "seq": 1, "digest": lost})
    central.backups.begin("tape 3")
    desk.sync()
    central.backups.done("tape 3")
    desk.sync()
    assert free_blobs(desk.store, PRESSED, full).files == 1
    assert (desk.store.holds_blob(kept), desk.store.holds_blob(lost)) == (False, True)


def test_by_age_only_old_files_go_however_much_room_there_is(central: Central, desk: Desk) -> None:
    desk.ended_case(b"a paper")
    desk.sync()
    backed_up(central, "tape 4", desk)
    rule = Rule(below_percent=0, after_days=30)
    assert free_blobs(desk.store, rule, half_empty) == Freed()

    def later() -> datetime:
        return real_clock() + timedelta(days=31)

    old = Store(desk.store.layout, KEY, clock=later, random=os.urandom, halt=halt)
    with old.closing():
        assert free_blobs(old, rule, half_empty).files == 1


def test_a_backup_that_is_withdrawn_lets_nothing_go(central: Central, desk: Desk) -> None:
    desk.ended_case(b"a paper")
    desk.sync()
    backed_up(central, "tape 5", desk)
    central.backups.withdraw("tape 5 cannot be read")
    desk.sync()
    assert free_blobs(desk.store, PRESSED, full) == Freed()


@pytest.mark.parametrize("moment", ["before the files went", "in the middle of them"])
def test_a_crash_after_the_entry_leaves_files_that_go_the_next_time(
    central: Central, desk: Desk, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = desk.ended_case(b"one", b"two", b"three")
    desk.sync()
    backed_up(central, f"tape 6, {moment}", desk)
    real = Path.unlink
    left = [0 if moment == "before the files went" else 1]

    class Crash(BaseException):
        pass

    def crash(path: Path, missing_ok: bool = False) -> None:
        if path.name in digests:
            if not left[0]:
                raise Crash
            left[0] -= 1
        real(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", crash)
        with pytest.raises(Crash):
            free_blobs(desk.store, PRESSED, full)
    assert is_sound(desk)
    size = desk.store.head().size
    with Store(desk.store.layout, KEY, clock=real_clock, random=os.urandom, halt=halt).closing() as again:
        again.recover("test")
        assert free_blobs(again, PRESSED, full).files == 3 - (moment != "before the files went")
        assert again.head().size == size + 1
    assert not any(map(desk.store.holds_blob, digests))
    assert is_sound(desk)


def test_a_full_disk_keeps_the_entry_and_the_files(
    central: Central, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (digest,) = desk.ended_case(b"one")
    desk.sync()
    backed_up(central, "tape 7", desk)

    def refuse(*_: object, **__: object) -> NoReturn:
        raise StorageFull

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", refuse)
        with pytest.raises(StorageFull):
            free_blobs(desk.store, PRESSED, full)
    assert desk.store.holds_blob(digest)


def test_a_freed_file_comes_back_from_central_and_another_one_is_refused(
    central: Central, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (digest,) = desk.ended_case(b"a paper")
    desk.sync()
    backed_up(central, "tape 8", desk)
    free_blobs(desk.store, PRESSED, full)
    with monkeypatch.context() as patch:
        patch.setattr(type(central.archive), "sealed", lambda *_: (io.BytesIO(b"something else"), 14))
        with pytest.raises(IntegrityError, match="is another one"):
            fetch_back(desk.store, desk.node.address, digest)
    assert not desk.store.holds_blob(digest)
    fetch_back(desk.store, desk.node.address, digest)
    assert desk.store.open_blob(digest) == b"a paper"
    desk.store.recover("test")
    assert desk.store.holds_blob(digest)
    assert free_blobs(desk.store, PRESSED, full).files == 1


def test_central_gives_a_node_no_file_that_it_did_not_name(central: Central, desk: Desk, tmp_path: Path) -> None:
    (digest,) = desk.ended_case(b"a paper")
    desk.sync()
    other = enrol(tmp_path / "other", central.invite(*CENTRE))
    with pytest.raises(UnknownBlob):
        fetch_back(other.store, other.address, digest)
    other.store.close()


def test_a_name_is_used_once_and_only_a_backup_that_was_begun_is_done(central: Central, desk: Desk) -> None:
    del desk
    central.backups.begin("tape 9")
    with pytest.raises(OperatorError, match="already"):
        central.backups.begin("tape 9")
    central.backups.done("tape 9")
    with pytest.raises(OperatorError, match="already"):
        central.backups.done("tape 9")
    with pytest.raises(OperatorError, match="begun"):
        central.backups.done("tape 10")


def test_a_central_put_back_asks_for_what_nodes_still_have_and_names_what_only_a_backup_has(tmp_path: Path) -> None:
    home, copy, port = tmp_path / "central", tmp_path / "copy", free_port()
    with served(home, port=port) as central:
        desk = desk_of(enrol(tmp_path / "node", central.invite(*CENTRE), KEY))
        desk.sync()
    shutil.copytree(home, copy)
    with served(home, port=port) as central:
        (freed,) = desk.ended_case(b"freed")
        _, (kept,) = desk.case(b"kept")
        desk.sync()
        backed_up(central, "tape 11", desk)
        assert free_blobs(desk.store, PRESSED, full).files == 1
        desk.sync()
        there = central._locker.read(freed)
    shutil.rmtree(home)
    shutil.copytree(copy, home)
    with served(home, port=port) as central:
        sync_once(desk.store, desk.node.address, now_s=lambda: 0)
        central.index.settle(30)
        desk.sync()
        assert central.holds(kept)
        assert central.backups.lost() == [Lost(desk.store.journal, freed, "tape 11")]
        with pytest.raises(BlobLost, match="backup"):
            fetch_back(desk.store, desk.node.address, freed)
        place = central._locker.path(freed)
        place.write_bytes(there)
        assert central.backups.lost() == []
        fetch_back(desk.store, desk.node.address, freed)
    assert desk.store.open_blob(freed) == b"freed"
    desk.store.close()
