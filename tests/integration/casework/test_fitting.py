"""Where parts of case work meet: fees and forms, exemptions and amendments, merges and lists, steps and eyes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.access.four_eyes import SameEyes
from appliance.access.session import Role
from appliance.casework import applications, exemptions, people, queries, reviewing, steps
from appliance.casework.caseview import case
from appliance.casework.changes import ChangedMeanwhile
from appliance.casework.charges import charge
from appliance.casework.forms import FormRefused
from appliance.catalogue import Catalogue, Service
from appliance.catalogue.model import PerUnit
from appliance.journal.errors import OperatorError
from tests.support.desk import ANSWERS, CATALOGUE, OMAR, SERVICE, Desk, centre_of

SERVED = CATALOGUE.service(SERVICE)


def serve(desk: Desk, service: Service) -> None:
    """From now on the service is this one."""
    desk.centre = centre_of(desk.store, Catalogue({**CATALOGUE.services, SERVICE: service}))


def test_an_officers_step_is_not_done_by_who_took_it_in(desk: Desk) -> None:
    application = desk.take_in().application
    with pytest.raises(SameEyes):
        steps.do_step(desk.centre, desk.session(OMAR, Role.OFFICER), application, "thumb")
    steps.do_step(desk.centre, desk.officer, application, "thumb")


def test_a_form_without_what_its_fee_goes_by_is_refused(desk: Desk) -> None:
    copies = replace(SERVED.field("district"), id="copies", kind="number", required=False, fact=None)
    fees = (replace(SERVED.fees[0], price=PerUnit(100_00, "copies", 0)),)
    serve(desk, replace(SERVED, fields=(*SERVED.fields, copies), fees=fees))
    form = desk.form()
    desk.begin(form)
    with pytest.raises(FormRefused, match="the fee goes by it"):
        applications.submit(desk.centre, desk.operator, form)
    paid = replace(form, answers={**form.answers, "copies": "3"})
    assert applications.submit(desk.centre, desk.operator, paid).fee_minor == 300_00


def test_all_applications_of_a_person_are_found_under_each_record_of_theirs(desk: Desk) -> None:
    one, same = desk.person(), desk.person("Gul Khaan")
    first, second = desk.take_in(one).application, desk.take_in(same).application
    people.merge(desk.store, desk.supervisor, one, same, "written down twice")
    for each in (one, same):
        assert {found.application for found in applications.applications_of(desk.store, each)} == {first, second}


def spared(desk: Desk) -> Service:
    """The service with two exemptions that cover the same line."""
    (hardship,) = CATALOGUE.service("domicile").exemptions
    both = replace(hardship, covers=("form", "urgent"))
    return replace(SERVED, exemptions=(both, replace(hardship, id="orphan", covers=("form",))))


def test_what_an_amended_form_costs_more_may_be_spared_too(desk: Desk) -> None:
    serve(desk, spared(desk))
    application = desk.take_in().application
    asked = exemptions.ask_exemption(desk.centre, desk.operator, application, "hardship", "a widow")
    exemptions.approve_exemption(desk.store, desk.officer, asked)
    assert charge(desk.centre, application).fee.owed_minor == 0
    desk.paper(application, "declaration", "declaration")
    roles = {"applicant": (desk.row(application, "applicant"),)}
    applications.amend(
        desk.centre, desk.operator, application, answers={**ANSWERS, "urgent": "yes"}, roles=roles, reason="in haste"
    )
    assert charge(desk.centre, application).fee.owed_minor == 50_00
    asked = exemptions.ask_exemption(desk.centre, desk.operator, application, "hardship", "a widow")
    exemptions.approve_exemption(desk.store, desk.officer, asked)
    assert charge(desk.centre, application).fee.owed_minor == 0
    with pytest.raises(OperatorError, match="asked for before"):
        exemptions.ask_exemption(desk.centre, desk.operator, application, "hardship", "a widow")


def test_no_line_of_a_fee_is_spared_twice(desk: Desk) -> None:
    serve(desk, spared(desk))
    application = desk.take_in().application
    exemptions.ask_exemption(desk.centre, desk.operator, application, "orphan", "an orphan")
    with pytest.raises(OperatorError, match="Another exemption covers"):
        exemptions.ask_exemption(desk.centre, desk.operator, application, "hardship", "a widow")


def test_nothing_that_waits_to_be_handed_over_falls_between_two_pages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = [desk.approved() for _ in range(2)]
    for each in issued:
        desk.issue(each)
    serve(desk, replace(SERVED, certificate=None))
    done = desk.take_in().application
    desk.make_ready(done)
    reviewing.approve(desk.centre, desk.officer, done)
    monkeypatch.setattr(queries, "PAGE_ROWS", 2)
    pages = [queries.to_hand_over(desk.centre, skip=skip) for skip in (0, 2)]
    assert [{row.application for row in page} for page in pages] == [set(issued), {done}]
    assert queries.to_issue(desk.centre) == []


def test_who_approves_is_told_that_somebody_in_the_application_was_corrected_meanwhile(desk: Desk) -> None:
    person = desk.person()
    application = desk.take_in(person).application
    desk.make_ready(application)
    shown = case(desk.store, application).last_seq
    people.correct_person(desk.store, desk.operator, person, {"name": "Somebody Else"}, "misread")
    with pytest.raises(ChangedMeanwhile, match="omar corrected the name"):
        reviewing.approve(desk.centre, desk.officer, application, seen=shown)
    reviewing.approve(desk.centre, desk.officer, application, seen=case(desk.store, application).last_seq)


def test_what_was_begun_for_one_service_is_not_handed_in_for_another(desk: Desk) -> None:
    form = desk.form()
    desk.begin(form)
    with pytest.raises(OperatorError, match="begun for another service"):
        applications.submit(desk.centre, desk.operator, replace(form, service="domicile"))
    applications.submit(desk.centre, desk.operator, form)
