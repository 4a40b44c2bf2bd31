"""What screens list: for whom, in which order, and that what is overdue rises by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from appliance.access.session import Role
from appliance.casework import applications, queries, reviewing, steps
from appliance.casework.cases import UnknownApplication
from appliance.casework.caseview import application_numbered, case
from appliance.casework.lifecycle import Status
from appliance.casework.queries import CaseRow
from appliance.casework.tracking import tracking_number
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from tests.support.desk import OMAR, RABIA, Desk

BIG = {table.name for table in t.OF_A_SUBJECT} - {t.operators.name, t.sessions.name}


def ids(rows: list[CaseRow]) -> list[EntityId]:
    return [row.application for row in rows]


def test_an_officer_sees_what_they_may_decide_and_nothing_else(desk: Desk) -> None:
    application = desk.take_in().application
    assert ids(queries.to_review(desk.centre, desk.officer)) == [application]
    assert ids(queries.to_review(desk.centre, desk.session(OMAR, Role.OFFICER))) == []
    (row,) = queries.to_review(desk.centre, desk.officer)
    assert (row.applicant, row.service, row.status) == ("Gul Khan", "residence", Status.SUBMITTED)
    reviewing.start_review(desk.store, desk.officer, application)
    assert queries.to_review(desk.centre, desk.officer)[0].reviewer == desk.officer.actor


def test_each_list_holds_what_stands_there(desk: Desk) -> None:
    form = desk.form()
    desk.begin(form)
    assert ids(queries.begun(desk.centre, desk.operator)) == [form.id]
    assert ids(queries.begun(desk.centre, desk.session(RABIA, Role.OPERATOR))) == []
    applications.submit(desk.centre, desk.operator, form)
    assert queries.begun(desk.centre, desk.operator) == []
    steps.send_outside(desk.centre, desk.officer, form.id, "police")
    assert ids(queries.waiting_outside(desk.centre)) == [form.id]
    steps.enter_answer(desk.centre, desk.officer, form.id, "police", "positive")
    reviewing.send_back(desk.store, desk.officer, form.id, "a page lacks")
    assert ids(queries.returned(desk.centre)) == [form.id]
    approved = desk.approved()
    assert ids(queries.to_issue(desk.centre)) == [approved]
    assert queries.to_hand_over(desk.centre) == []
    desk.issue(approved)
    assert queries.to_issue(desk.centre) == []
    assert ids(queries.to_hand_over(desk.centre)) == [approved]


def test_an_appeal_is_listed_for_who_may_decide_it(desk: Desk) -> None:
    application = desk.take_in().application
    reviewing.reject(desk.centre, desk.officer, application, "no")
    reviewing.appeal(desk.centre, desk.operator, application, "yes")
    for login in (OMAR, RABIA):
        assert queries.appeals(desk.centre, desk.session(login, Role.OFFICER)) == []
    assert ids(queries.appeals(desk.centre, desk.hire("zara"))) == [application]


def test_what_is_overdue_rises_by_itself(desk: Desk) -> None:
    first = desk.take_in().application
    desk.go_to(date(2026, 11, 30))
    second = desk.take_in().application
    third = desk.take_in().application
    reviewing.send_back(desk.store, desk.officer, third, "a page lacks")
    assert queries.overdue(desk.centre) == []
    assert ids(queries.to_review(desk.centre, desk.officer)) == [first, second]
    desk.go_to(date(2026, 12, 4))
    assert queries.overdue(desk.centre) == [], "it is due today"
    desk.go_to(date(2026, 12, 5))
    assert ids(queries.overdue(desk.centre)) == [first]
    assert [row.overdue for row in queries.to_review(desk.centre, desk.officer)] == [True, False]
    assert case(desk.store, first).overdue(desk.centre.today())
    desk.go_to(date(2027, 1, 15))
    assert ids(queries.overdue(desk.centre)) == [first, second], "the third stands still"
    applications.withdraw(desk.store, desk.operator, first, "too late")
    assert ids(queries.overdue(desk.centre)) == [second]


def test_an_office_that_keeps_it_too_long_makes_it_overdue_where_its_time_counts(desk: Desk) -> None:
    counted, standing = desk.take_in().application, desk.take_in().application
    steps.send_outside(desk.centre, desk.officer, counted, "patwari")
    steps.send_outside(desk.centre, desk.officer, standing, "police")
    desk.go_to(date(2027, 1, 15))
    assert ids(queries.overdue(desk.centre)) == [counted]
    assert ids(queries.waiting_outside(desk.centre)) == [counted, standing]


def test_a_list_is_read_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [desk.take_in().application for _ in range(5)]
    monkeypatch.setattr(queries, "PAGE_ROWS", 2)
    pages = [ids(queries.to_review(desk.centre, desk.officer, skip=skip)) for skip in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert {each for page in pages for each in page} == set(made)


def test_one_screen_shows_everything_about_a_case(desk: Desk) -> None:
    form = desk.form(answers={"urgent": "yes"})
    desk.begin(form, {"cnic": "cnic", "rent": "rent_deed", "declaration": "declaration"})
    applications.submit(desk.centre, desk.operator, form)
    paper = case(desk.store, form.id).papers[0]
    desk.attest(form.id, paper.id, form.roles["applicant"][0], name="Gul Khan")
    steps.do_step(desk.centre, desk.officer, form.id, "thumb")
    steps.send_outside(desk.centre, desk.officer, form.id, "police", reference="F-2")
    steps.enter_answer(desk.centre, desk.officer, form.id, "police", "positive")
    reviewing.send_back(desk.store, desk.officer, form.id, "a page lacks", items=("rent",))
    view = case(desk.store, form.id)
    assert view.case.fields["name"] == "Gul Khan"
    assert [(part.role, part.name) for part in view.people] == [("applicant", "Gul Khan")]
    assert [each.rule for each in view.papers] == ["cnic", "rent", "declaration"]
    assert desk.store.open_blob(view.papers[0].digest) == b"a scan"
    assert [(each.paper, dict(each.facts), each.by) for each in view.made_here] == [
        (paper.id, {"name": "Gul Khan"}, "Rabia")
    ]
    assert [each.reason for each in view.objections] == ["a page lacks"]
    assert view.objections[0].items == ("rent",)
    assert view.steps_done == {"thumb"}
    assert (view.fee.due_minor, view.fee.settled) == (150_00, False)
    assert [line.what.split()[0] for line in view.timeline] == [
        *("began", "added", "added", "added", "took", "did", "sent", "entered", "returned")
    ]
    assert view.last_seq == view.timeline[-1].seq
    assert not view.unsupported


def test_a_case_is_found_by_the_number_on_the_receipt(desk: Desk) -> None:
    taken_in = desk.take_in()
    assert application_numbered(desk.store, f" {taken_in.tracking.lower()} ") == taken_in.application
    with pytest.raises(OperatorError, match="a character is wrong"):
        application_numbered(desk.store, taken_in.tracking[:-1] + "?")
    with pytest.raises(UnknownApplication):
        application_numbered(desk.store, tracking_number("PEW-01", 2025, 7))


def test_a_case_that_is_not_there_is_said_not_to_be(desk: Desk) -> None:
    with pytest.raises(UnknownApplication):
        case(desk.store, EntityId("a" * 26))


LISTS: dict[str, Callable[[Desk], object]] = {
    "begun": lambda desk: queries.begun(desk.centre, desk.operator),
    "to review": lambda desk: queries.to_review(desk.centre, desk.officer),
    "appeals": lambda desk: queries.appeals(desk.centre, desk.officer),
    "waiting": lambda desk: queries.waiting_outside(desk.centre),
    "returned": lambda desk: queries.returned(desk.centre),
    "to issue": lambda desk: queries.to_issue(desk.centre),
    "to hand over": lambda desk: queries.to_hand_over(desk.centre),
    "overdue": lambda desk: queries.overdue(desk.centre),
    "unsupported": lambda desk: queries.unsupported(desk.centre),
}


@pytest.mark.parametrize("read", LISTS.values(), ids=LISTS)
def test_no_list_reads_through_a_whole_table(desk: Desk, read: Callable[[Desk], object]) -> None:
    desk.take_in()
    said: list[str] = []
    connection = desk.store._database._connection()
    connection.set_trace_callback(said.append)
    read(desk)
    connection.set_trace_callback(None)
    for text in (each for each in said if each.startswith("SELECT")):
        plan = " / ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}"))
        assert not [name for name in BIG if f"SCAN {name}" in plan], f"{text}: {plan}"
