"""The steps of an application as entries: what a reader then finds, and that none gets slower as the journal grows."""

from __future__ import annotations

import hashlib
import json

import pytest

from appliance.casework.intake import MAX_PAPER_BYTES
from appliance.casework.lifecycle import IllegalStep
from appliance.casework.tracking import is_tracking_number
from appliance.journal import kinds as k
from appliance.journal.ids import BlobDigest
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Row
from appliance.store.blobs import MAX_BLOB_BYTES
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench
from tests.support import casework as applications
from tests.support.casework import Person

LONG = "x" * (k.MAX_LINE + 1)


def rows(bench: Bench, table: str) -> list[Row]:
    with bench.store.read() as tx:
        return dict(folding.table_rows(tx))[table]


def submit(bench: Bench, fields: dict[str, str], service: str = "domicile") -> applications.Submitted:
    return applications.submit_application(
        bench.store, bench.operator, service=service, applicant=bench.person(), fields=fields, due="2026-12-01"
    )


def test_an_application_is_taken_in_with_its_form_and_a_number(bench: Bench) -> None:
    fields = {"purpose": "study\nabroad", "ضلع": "پشاور", 'quote"': "back\\slash"}
    taken_in = submit(bench, fields)
    (row,) = rows(bench, t.applications.name)
    assert is_tracking_number(taken_in.tracking)
    assert row[1:4] == (taken_in.application, taken_in.tracking, "domicile")
    assert json.loads(row[5]) == fields
    assert row[6:9] == ("submitted", "2026-11-22T09:00:00.000Z", "2026-12-01")


def test_numbers_begin_again_with_the_year(bench: Bench) -> None:
    assert submit(bench, {}).tracking.startswith("PEW01-2026-000001-")
    assert submit(bench, {}).tracking.startswith("PEW01-2026-000002-")
    bench.clock.now = bench.clock.now.replace(year=2027, month=1)
    session = bench.opened("omar")
    person = applications.add_person(bench.store, session, Person("x"))
    made = applications.submit_application(bench.store, session, service="x", applicant=person, fields={})
    assert made.tracking.startswith("PEW01-2027-000001-")


def test_a_paper_is_sealed_and_named_and_opens_to_what_was_scanned(bench: Bench) -> None:
    case = bench.application()
    digest = bench.paper(case, b"a scan")
    assert bench.store.open_blob(BlobDigest(digest)) == b"a scan"
    (row,) = rows(bench, t.papers.name)
    assert row[5:8] == (6, hashlib.sha256(b"a scan").hexdigest(), digest)


def test_a_decision_names_who_and_when_and_why(bench: Bench) -> None:
    case = bench.application()
    applications.send_back(bench.store, bench.officer, case, "a page lacks")
    (row,) = rows(bench, t.applications.name)
    assert row[6] == "returned"
    assert row[9:12] == (bench.officer.actor, "2026-11-22T09:00:00.000Z", "a page lacks")
    applications.resubmit(bench.store, bench.operator, case)
    assert rows(bench, t.applications.name)[0][6] == "submitted"
    applications.approve(bench.store, bench.officer, case, "seen")
    (row,) = rows(bench, t.applications.name)
    assert (row[6], row[11]) == ("approved", "seen")


def test_a_paper_of_the_largest_size_fits_into_a_blob() -> None:
    assert MAX_PAPER_BYTES + 100_000 < MAX_BLOB_BYTES


def test_a_paper_that_is_refused_late_leaves_no_pending_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the commit, somebody decided."""
    case = bench.application()
    genuine = bench.store.put_blob

    def meanwhile(plain: bytes) -> BlobDigest:
        digest = genuine(plain)
        applications.reject(bench.store, bench.officer, case, "no original")
        return digest

    monkeypatch.setattr(bench.store, "put_blob", meanwhile)
    with pytest.raises(IllegalStep, match="rejected"):
        bench.paper(case)
    assert bench.store.recover("test") == 1


def test_the_second_of_two_officers_is_told(bench: Bench) -> None:
    case = bench.application()
    applications.approve(bench.store, bench.officer, case)
    before = bench.state()
    with pytest.raises(IllegalStep, match="approved") as caught:
        applications.reject(bench.store, bench.officer, case, "too late")
    assert "somebody else" in caught.value.next_step
    assert bench.state() == before


# Every statement that a day's work runs finds its rows by an index.

BIG = {table.name for table in (*t.OF_A_SUBJECT, t.timeline, t.erased, t.entries)} - {t.operators.name}


def test_no_act_gets_slower_as_the_journal_grows(bench: Bench) -> None:
    said: list[str] = []
    connection = bench.store._database._connection()
    connection.set_trace_callback(said.append)
    case = bench.application(purpose="study")
    bench.paper(case)
    applications.send_back(bench.store, bench.officer, case, "a page lacks")
    applications.resubmit(bench.store, bench.operator, case)
    applications.approve(bench.store, bench.officer, case)
    applications.erase(bench.store, bench.supervisor, case, "asked to")
    bench.central.open_orders()
    bench.take_orders()
    bench.countersign()
    connection.set_trace_callback(None)
    statements = {text for text in said if text.startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))}
    assert len(statements) > 50
    for text in statements:
        plan = " / ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}"))
        assert not [name for name in BIG if f"SCAN {name}" in plan], f"{text}: {plan}"
    assert verify_home(bench.store.layout, bench.key).ok
