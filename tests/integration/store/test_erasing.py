"""Erasing a subject: what it said is gone from every table, page and file, and the journal still verifies."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from appliance.access import operators
from appliance.access.session import NotPermitted, Role
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.failures import StorageFull
from appliance.store.blobs import BlobFolder
from appliance.store.commit import WasErased
from appliance.store.store import Draft
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench
from tests.support import casework as applications
from tests.support.casework import Person
from tests.support.pages import holds, pages

CANARY = "Zarmina-7f3c9"


def erase(bench: Bench, about: str) -> None:
    applications.erase(bench.store, bench.supervisor, EntityId(about), "asked to")


def plain_copy(bench: Bench, place: Path) -> bytes:
    """What SQLCipher itself exports in clear: all that is in use."""
    connection = dbapi2.connect(str(bench.store.layout.database), isolation_level=None)
    with contextlib.closing(connection):
        connection.execute(f"PRAGMA key = \"x'{bench.key.hex()}'\"")
        connection.execute("ATTACH DATABASE ? AS plain KEY ''", (str(place),))
        connection.execute("SELECT sqlcipher_export('plain')")
        connection.execute("DETACH DATABASE plain")
    return place.read_bytes()


def rows_about(bench: Bench, about: str) -> dict[str, int]:
    """How many rows of each table are about a subject."""
    found = {}
    with bench.store.read() as tx:
        for name, rows in folding.table_rows(tx):
            number = sum(about in row for row in rows)
            if number:
                found[name] = number
    return found


def test_nothing_that_was_said_of_the_subject_is_left_in_any_page(bench: Bench, tmp_path: Path) -> None:
    """Small and long bodies, used pages and free ones, the write-ahead log too."""
    database = bench.store.layout.database
    person = applications.add_person(bench.store, bench.operator, Person(CANARY, name_native="زرمینہ"))
    fields = {f"field {n}": CANARY + "x" * 900 for n in range(20)}
    case = applications.submit_application(
        bench.store, bench.operator, service="domicile", applicant=person, fields=fields
    ).application
    assert holds(database, bench.key, CANARY.encode())
    assert CANARY.encode() in plain_copy(bench, tmp_path / "before.db")
    erase(bench, person)
    erase(bench, case)
    assert not holds(database, bench.key, CANARY.encode())
    assert not holds(database, bench.key, "زرمینہ".encode())
    assert CANARY.encode() not in plain_copy(bench, tmp_path / "after.db")
    assert sum(len(page) for page in pages(database, bench.key)) > 100_000, "the pages were read"


def test_the_journal_verifies_after_it_and_folds_to_the_same_tables(bench: Bench) -> None:
    case = bench.application(a="b")
    bench.paper(case)
    erase(bench, case)
    with bench.store.read() as tx:
        before = list(folding.table_rows(tx))
    bench.store.refold()
    with bench.store.read() as tx:
        assert list(folding.table_rows(tx)) == before
    report = verify_home(bench.store.layout, bench.key)
    assert report.ok, report.reasons


def test_the_headers_stay_and_the_erasing_is_one_of_them(bench: Bench) -> None:
    case = bench.application(a="b")
    bench.paper(case)
    applications.send_back(bench.store, bench.officer, case, CANARY)
    erase(bench, case)
    entries = [each for each in bench.store.entries(0, bench.store.head().size) if each.header.about == case]
    assert [each.header.kind for each in entries] == [
        "application.submitted",
        "paper.added",
        "application.review_started",
        "application.returned",
        "subject.erased",
    ]
    assert [each.body is None for each in entries] == [True, True, True, True, False]
    assert rows_about(bench, case) == {t.timeline.name: 5, t.erased.name: 1}


def test_other_subjects_keep_what_was_said(bench: Bench) -> None:
    one, other = bench.person("One"), bench.person("Other")
    erase(bench, one)
    assert rows_about(bench, other) == {t.timeline.name: 1, t.people.name: 1, t.searchable.name: 1}


def test_files_that_nothing_else_names_are_gone_and_the_others_stay(bench: Bench) -> None:
    case, other = bench.application(), bench.application()
    own, shared = BlobDigest(bench.paper(case, b"own")), BlobDigest(bench.paper(case, b"shared"))
    body = k.PaperAdded(paper=bench.store.new_id(), label="x", media_type="x", size=6, sha256="ab" * 32)
    bench.store.commit(bench.operator, lambda _: [Draft(body, other, (shared,))])
    erase(bench, case)
    assert not bench.store.holds_blob(own)
    assert bench.store.open_blob(shared) == b"shared"
    assert bench.store.named_blobs() == [shared]
    erase(bench, other)
    assert not bench.store.holds_blob(shared)
    assert list(BlobFolder(bench.store.layout.blobs).names()) == []


def test_nothing_more_is_written_about_what_was_erased(bench: Bench) -> None:
    person, case = bench.person(), bench.application()
    erase(bench, person)
    erase(bench, case)
    before = bench.state()
    with pytest.raises(WasErased):
        bench.store.commit(bench.operator, lambda _: [Draft(k.PersonAdded(name="back"), person)])
    with pytest.raises(OperatorError):
        bench.paper(case)
    with pytest.raises(OperatorError):
        applications.approve(bench.store, bench.officer, case)
    with pytest.raises(WasErased):
        erase(bench, person)
    with pytest.raises(OperatorError, match="not written down"):
        applications.submit_application(bench.store, bench.operator, service="x", applicant=person, fields={})
    assert bench.state() == before


def test_only_a_supervisor_erases_with_a_reason_and_what_is_there(bench: Bench) -> None:
    person = bench.person()
    before = bench.state()
    for session in (bench.operator, bench.officer):
        with pytest.raises(NotPermitted):
            applications.erase(bench.store, session, person, "x")
    for about, reason in ((person, " "), (EntityId("a" * 26), "x"), (EntityId("-"), "x")):
        with pytest.raises(OperatorError):
            applications.erase(bench.store, bench.supervisor, about, reason)
    assert bench.state() == before


def test_an_operator_who_left_can_be_erased_and_what_they_did_keeps_their_identifier(bench: Bench) -> None:
    omar = EntityId(bench.operator.actor)
    person = bench.person()
    operators.change_operator(bench.store, bench.supervisor, omar, roles=(Role.OPERATOR,), active=False, reason="left")
    erase(bench, omar)
    assert not holds(bench.store.layout.database, bench.key, b'"name":"Omar"')
    (entry,) = [each for each in bench.store.entries(0, bench.store.head().size) if each.header.about == person]
    assert entry.header.by == omar
    report = verify_home(bench.store.layout, bench.key)
    assert report.ok, report.reasons


# What cannot be finished at once


def test_bodies_that_a_reader_still_sees_leave_the_log_after_a_later_commit(bench: Bench) -> None:
    database = bench.store.layout.database
    person = bench.person(CANARY)
    reader = bench.reopen()
    with reader.closing():
        with reader.read() as tx:
            assert CANARY in str(list(folding.table_rows(tx)))
            erase(bench, person)
            assert holds(database, bench.key, CANARY.encode()), "the reader holds the log"
        bench.person("somebody else")
        assert not holds(database, bench.key, CANARY.encode())


def test_bodies_and_files_that_a_crash_kept_go_at_the_next_start(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    database = bench.store.layout.database
    case = bench.application(name=CANARY)
    digest = BlobDigest(bench.paper(case))
    with monkeypatch.context() as crash:
        crash.setattr(type(bench.store), "_finish_erasing", lambda *_: None)
        erase(bench, case)
    assert bench.store.holds_blob(digest)
    assert holds(database, bench.key, CANARY.encode())
    with bench.reopen().closing() as started:
        assert started.recover("test") == 1
    assert not bench.store.holds_blob(digest)
    assert not holds(database, bench.key, CANARY.encode())


def test_an_erasing_whose_files_cannot_be_removed_now_is_done_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = bench.application()
    digest = BlobDigest(bench.paper(case))

    def full(*_: object) -> None:
        raise StorageFull

    with monkeypatch.context() as disk:
        disk.setattr(BlobFolder, "remove", full)
        erase(bench, case)
    assert bench.store.holds_blob(digest)
    bench.person()
    assert not bench.store.holds_blob(digest)


def test_a_file_that_somebody_names_in_this_moment_is_not_removed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the commit that erases and the removal, another entry names the same file."""
    case, other = bench.application(), bench.application()
    digest = BlobDigest(bench.paper(case, b"shared"))
    body = k.PaperAdded(paper=bench.store.new_id(), label="x", media_type="x", size=6, sha256="ab" * 32)
    second = bench.reopen()
    genuine = type(bench.store)._finish_erasing
    other_digest = BlobDigest(bench.paper(other, b"keeps the file named while it is taken over"))

    def meanwhile(store: object, digests: object) -> None:
        monkeypatch.setattr(type(bench.store), "_finish_erasing", genuine)
        second._blobs._pending[digest] += 1  # as if that process had just put the same bytes
        second.commit(bench.operator, lambda _: [Draft(body, other, (digest,))])
        genuine(store, digests)  # type: ignore[arg-type]

    monkeypatch.setattr(type(bench.store), "_finish_erasing", meanwhile)
    with second.closing():
        erase(bench, case)
    assert bench.store.open_blob(digest) == b"shared"
    assert bench.store.holds_blob(other_digest)
    assert verify_home(bench.store.layout, bench.key).ok
