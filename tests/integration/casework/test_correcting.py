"""A certificate is corrected by two people: the new one supersedes the old one, which says so everywhere."""

from __future__ import annotations

import pytest

from appliance.access.session import Role
from appliance.casework import attestation, correcting, people, reviewing, revoking
from appliance.casework.attestation import Seen
from appliance.casework.caseview import case
from appliance.casework.certificates import NotValid, open_requests
from appliance.casework.forms import FormRefused
from appliance.casework.lifecycle import IllegalStep
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from tests.support.desk import ANSWERS, NUMBER, OMAR, Desk


@pytest.fixture
def issued(desk: Desk) -> EntityId:
    """An application whose certificate was issued."""
    application = desk.approved()
    desk.issue(application)
    return application


def proof(desk: Desk, application: EntityId) -> EntityId:
    return desk.paper(application, "cnic", "cnic", b"what proves it")


def ask(
    desk: Desk, application: EntityId, papers: tuple[EntityId, ...] | None = None, **answers: str
) -> tuple[str, ...]:
    named = (proof(desk, application),) if papers is None else papers
    return correcting.ask_correction(
        desk.centre, desk.operator, application, NUMBER, answers=answers, papers=named, reason="misread"
    )


def test_what_is_asked_names_the_fields_that_change_and_keeps_all_answers(desk: Desk, issued: EntityId) -> None:
    assert ask(desk, issued, district="Mardan") == ("district",)
    (asked,) = open_requests(desk.store)
    assert (asked.what, asked.number, asked.changed, asked.reason) == ("correction", NUMBER, ("district",), "misread")
    assert asked.fields == {**desk_answers(desk, issued), "district": "Mardan"}
    assert case(desk.store, issued).case.fields["district"] == ANSWERS["district"]


def desk_answers(desk: Desk, application: EntityId) -> dict[str, str]:
    return dict(case(desk.store, application).case.fields)


def test_a_correction_needs_something_that_is_wrong_and_a_paper_that_proves_it(desk: Desk, issued: EntityId) -> None:
    before = desk.bench.state()
    for papers in ((), (EntityId("a" * 26),)):
        with pytest.raises(OperatorError, match="names a paper"):
            ask(desk, issued, papers, district="Mardan")
    assert desk.bench.state() == before
    with pytest.raises(OperatorError, match="the same again"):
        ask(desk, issued)
    with pytest.raises(FormRefused):
        ask(desk, issued, born="tomorrow")
    with pytest.raises(OperatorError, match="needs a reason"):
        correcting.ask_correction(desk.centre, desk.operator, issued, NUMBER, papers=(proof(desk, issued),), reason=" ")


def test_particulars_that_were_put_right_since_are_enough(desk: Desk) -> None:
    person = desk.person()
    application = desk.take_in(person).application
    desk.make_ready(application)
    people.correct_person(desk.store, desk.operator, person, {"name": "Gul Kahn"}, "before")
    reviewing.approve(desk.centre, desk.officer, application)
    desk.issue(application)
    with pytest.raises(OperatorError, match="the same again"):
        ask(desk, application)
    people.correct_person(desk.store, desk.operator, person, {"name": "Gul Khan"}, "misread")
    assert ask(desk, application) == ()


def test_one_thing_is_asked_about_a_certificate_at_a_time(desk: Desk, issued: EntityId) -> None:
    ask(desk, issued, district="Mardan")
    with pytest.raises(OperatorError, match="asked for before"):
        ask(desk, issued, district="Swat")
    correcting.refuse_correction(desk.store, desk.officer, issued, NUMBER, "the paper says Peshawar")
    revoking.ask_revocation(desk.store, desk.officer, issued, NUMBER, "fraud", "x")
    with pytest.raises(NotValid, match="revocation"):
        ask(desk, issued, district="Swat")


def test_a_revocation_waits_for_no_correction(desk: Desk, issued: EntityId) -> None:
    ask(desk, issued, district="Mardan")
    revoking.ask_revocation(desk.store, desk.officer, issued, NUMBER, "fraud", "x")
    revoking.revoke(desk.store, desk.supervisor, issued, NUMBER)
    assert [(each.what, each.outcome) for each in case(desk.store, issued).requests] == [
        ("correction", "refused"),
        ("revocation", "done"),
    ]


def test_an_operator_takes_back_their_own_correction_alone(desk: Desk, issued: EntityId) -> None:
    desk.hire_for_both("zara")
    ask(desk, issued, district="Mardan")
    with pytest.raises(OperatorError, match="Somebody else asked"):
        correcting.refuse_correction(desk.store, desk.session("zara", Role.OPERATOR), issued, NUMBER, "no")
    correcting.refuse_correction(desk.store, desk.session(OMAR, Role.OPERATOR), issued, NUMBER, "mistaken")
    with pytest.raises(OperatorError, match="Nobody has asked"):
        correcting.refuse_correction(desk.store, desk.officer, issued, NUMBER, "mistaken")


def test_the_paper_that_proves_it_is_attested_while_the_correction_is_open_and_only_then(
    desk: Desk, issued: EntityId
) -> None:
    paper = proof(desk, issued)
    seen = Seen(paper, EntityId(desk.row(issued, "applicant")), "the card itself", {"name": "Gul Khan"})
    with pytest.raises(IllegalStep):
        attestation.attest(desk.centre, desk.officer, issued, seen)
    ask(desk, issued, (paper,), district="Mardan")
    attestation.attest(desk.centre, desk.officer, issued, seen)
