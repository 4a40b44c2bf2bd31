"""What was attested once is not asked for again: by whom, of whom, how long, and what happens when it is taken back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date

import pytest

from appliance.access.four_eyes import SameEyes
from appliance.access.session import NotPermitted, Role
from appliance.casework import applications, people, reviewing
from appliance.casework.attestation import Seen, attest, attestations_of, leaning_on, withdraw_attestation
from appliance.casework.attested import satisfied
from appliance.casework.caseview import case
from appliance.casework.forms import FormRefused
from appliance.casework.lifecycle import IllegalStep
from appliance.casework.queries import unsupported
from appliance.casework.reviewing import NotReady
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.store import Draft
from appliance.store.verify import verify_home
from tests.support.desk import ANSWERS, OMAR, PAPERS, RABIA, SERVICE, Desk

FACTS = {"name": "Gul Khan", "born": "1990-01-02"}


def attested(desk: Desk, person: EntityId, *, until: date | None = None, **facts: str) -> EntityId:
    """The CNIC of a person is attested in a first application."""
    form = desk.form(person)
    desk.begin(form, {"rent": "rent_deed"})
    paper = desk.paper(form.id, "cnic", "cnic")
    applications.submit(desk.centre, desk.operator, form)
    seen = Seen(paper, person, "the card itself", {**FACTS, **facts}, until)
    return attest(desk.centre, desk.officer, form.id, seen)


def test_the_second_application_asks_for_nothing_that_is_attested(desk: Desk) -> None:
    person = desk.person()
    attestation = attested(desk, person)
    found = satisfied(desk.centre, SERVICE, {"applicant": (person,)}, {}, desk.centre.today())
    assert {name: each.value for name, each in found.fields.items()} == {"name": "Gul Khan", "born": "1990-01-02"}
    assert set(found.papers) == {"cnic"}
    spared = found.papers["cnic"]
    assert (spared.by, spared.original, spared.attestation) == ("Rabia", "the card itself", attestation)
    assert spared.at == desk.store.now()
    assert spared.scan_sha256 == hashlib.sha256(desk.scan).hexdigest()
    form = desk.form(person)
    desk.begin(form, {"rent": "rent_deed"})
    taken_in = applications.submit(desk.centre, desk.operator, form)
    assert [each.application for each in leaning_on(desk.store, attestation)] == [form.id]
    view = case(desk.store, taken_in.application)
    assert [each.id for each in view.leans_on] == [attestation]
    desk.make_ready(form.id)
    reviewing.approve(desk.centre, desk.officer, form.id)


def test_facts_satisfy_in_another_service_that_names_them_alike(desk: Desk) -> None:
    person = desk.person()
    attested(desk, person)
    found = satisfied(desk.centre, "domicile", {"applicant": (person,)}, {}, desk.centre.today())
    assert {name: each.value for name, each in found.fields.items()} == {"name": "Gul Khan", "born": "1990-01-02"}


def test_a_paper_is_spared_when_every_fact_that_it_proves_is_attested(desk: Desk) -> None:
    person = desk.person()
    form = desk.form(person)
    desk.begin(form)
    applications.submit(desk.centre, desk.operator, form)
    (cnic, rent) = case(desk.store, form.id).papers
    attest(desk.centre, desk.officer, form.id, Seen(rent.id, person, "the deed", {"district": "Peshawar"}))
    found = satisfied(desk.centre, SERVICE, {"applicant": (person,)}, ANSWERS, desk.centre.today())
    assert set(found.papers) == {"rent"}
    attest(desk.centre, desk.officer, form.id, Seen(cnic.id, person, "the card", {"name": "Gul Khan"}))
    found = satisfied(desk.centre, SERVICE, {"applicant": (person,)}, ANSWERS, desk.centre.today())
    assert set(found.papers) == {"rent", "cnic"}, "the paper itself was attested, whatever of its facts"


def test_a_paper_that_is_asked_for_each_time_is_asked_for_each_time(desk: Desk) -> None:
    person = desk.person()
    form = desk.form(person, {"urgent": "yes"})
    desk.begin(form)
    paper = desk.paper(form.id, "declaration", "declaration")
    applications.submit(desk.centre, desk.operator, form)
    attest(desk.centre, desk.officer, form.id, Seen(paper, person, "the declaration"))
    other = desk.form(person, {"urgent": "yes"})
    desk.begin(other)
    with pytest.raises(FormRefused, match="Declaration"):
        applications.submit(desk.centre, desk.operator, other)


def test_another_persons_attestation_satisfies_nothing(desk: Desk) -> None:
    attested(desk, desk.person())
    other = desk.person()
    found = satisfied(desk.centre, SERVICE, {"applicant": (other,)}, ANSWERS, desk.centre.today())
    assert not found.fields
    assert not found.papers


def test_merged_persons_are_followed_and_unmerged_ones_are_not(desk: Desk) -> None:
    one, same = desk.person(), desk.person("Gul Khaan")
    attestation = attested(desk, one)
    supervisor = desk.supervisor
    people.merge(desk.store, supervisor, one, same, "written down twice")
    for each in (one, same):
        found = satisfied(desk.centre, SERVICE, {"applicant": (each,)}, {}, desk.centre.today())
        assert found.papers["cnic"].attestation == attestation
    people.unmerge(desk.store, supervisor, one, "they are two")
    found = satisfied(desk.centre, SERVICE, {"applicant": (same,)}, {}, desk.centre.today())
    assert not found.papers


def test_it_is_valid_to_the_end_of_its_last_day(desk: Desk) -> None:
    person = desk.person()
    attested(desk, person, until=date(2026, 12, 31))
    roles = {"applicant": (person,)}
    assert satisfied(desk.centre, SERVICE, roles, {}, date(2026, 12, 31)).papers
    assert not satisfied(desk.centre, SERVICE, roles, {}, date(2027, 1, 1)).papers


def test_the_newest_of_two_counts(desk: Desk) -> None:
    person = desk.person()
    attested(desk, person)
    desk.pass_days(1)
    newer = attested(desk, person, name="Gul Muhammad Khan")
    found = satisfied(desk.centre, SERVICE, {"applicant": (person,)}, {}, desk.centre.today())
    assert found.fields["name"].value == "Gul Muhammad Khan"
    assert found.fields["name"].attestation == newer


def test_a_form_that_says_otherwise_is_not_approved_until_one_of_them_is_put_right(desk: Desk) -> None:
    person = desk.person()
    attestation = attested(desk, person)
    application = desk.take_in(person, {"born": "1991-01-02"}).application
    found = satisfied(desk.centre, SERVICE, {"applicant": (person,)}, {"born": "1991-01-02"}, desk.centre.today())
    assert set(found.contradicted) == {"born"}
    desk.make_ready(application)
    with pytest.raises(NotReady, match="otherwise than what was attested: Date of birth"):
        reviewing.approve(desk.centre, desk.officer, application)
    withdraw_attestation(desk.store, desk.officer, attestation, "the card was forged")
    reviewing.approve(desk.centre, desk.officer, application)


def test_a_withdrawn_attestation_flags_what_leaned_on_it_and_holds_what_is_not_approved(desk: Desk) -> None:
    person = desk.person()
    attestation = attested(desk, person)
    form = desk.form(person)
    desk.begin(form, {"rent": "rent_deed"})
    applications.submit(desk.centre, desk.operator, form)
    desk.make_ready(form.id)
    assert not unsupported(desk.centre)
    withdraw_attestation(desk.store, desk.supervisor, attestation, "the card was forged")
    assert [row.application for row in unsupported(desk.centre)] == [form.id]
    assert case(desk.store, form.id).unsupported
    assert [each.application for each in leaning_on(desk.store, attestation)] == [form.id]
    with pytest.raises(FormRefused, match="CNIC"):
        reviewing.approve(desk.centre, desk.officer, form.id)
    with pytest.raises(OperatorError, match="withdrawn before"):
        withdraw_attestation(desk.store, desk.officer, attestation, "again")
    assert verify_home(desk.store.layout, desk.bench.key).ok


def test_an_erased_attestation_flags_too(desk: Desk) -> None:
    person = desk.person()
    attestation = attested(desk, person)
    form = desk.form(person)
    desk.begin(form, {"rent": "rent_deed"})
    applications.submit(desk.centre, desk.operator, form)
    applications.erase(desk.store, desk.supervisor, attestation, "asked to")
    assert [row.application for row in unsupported(desk.centre)] == [form.id]


def test_whoever_took_it_in_does_not_attest_it(desk: Desk) -> None:
    person = desk.person()
    form = desk.form(person)
    desk.begin(form)
    paper = desk.paper(form.id, "cnic", "cnic")
    applications.submit(desk.centre, desk.operator, form)
    seen = Seen(paper, person, "the card", FACTS)
    before = desk.bench.state()
    with pytest.raises(SameEyes, match="somebody else must attest its papers"):
        attest(desk.centre, desk.session(OMAR, Role.OFFICER), form.id, seen)
    with pytest.raises(NotPermitted):
        attest(desk.centre, desk.operator, form.id, seen)
    assert desk.bench.state() == before
    attest(desk.centre, desk.officer, form.id, seen)


def test_whoever_attested_it_takes_in_nothing_for_it(desk: Desk) -> None:
    person = desk.person()
    form = desk.form(person)
    desk.begin(form)
    applications.submit(desk.centre, desk.operator, form)
    paper = case(desk.store, form.id).papers[0].id
    attest(desk.centre, desk.officer, form.id, Seen(paper, person, "the card", FACTS))
    with pytest.raises(SameEyes, match="or attested its papers"):
        applications.amend(
            desk.centre,
            desk.session(RABIA, Role.OPERATOR),
            form.id,
            answers={**ANSWERS, "district": "Mardan"},
            roles=form.roles,
            reason="x",
        )


def test_what_cannot_be_attested_is_refused_with_what_to_do(desk: Desk) -> None:
    person, stranger = desk.person(), desk.person("Stranger")
    form = desk.form(person)
    desk.begin(form, PAPERS)
    applications.submit(desk.centre, desk.operator, form)
    paper = case(desk.store, form.id).papers[0].id
    good = Seen(paper, person, "the card", FACTS)
    for wrong in (
        replace(good, paper=EntityId("a" * 26)),
        replace(good, person=stranger),
        replace(good, original=" "),
        replace(good, facts={"blood_group": "A+"}),
        replace(good, facts={"name": " "}),
        replace(good, facts={"name": "x" * 300}),
        replace(good, valid_until=date(2026, 11, 21)),
    ):
        with pytest.raises(OperatorError) as caught:
            attest(desk.centre, desk.officer, form.id, wrong)
        assert caught.value.next_step
    applications.withdraw(desk.store, desk.operator, form.id, "moved")
    with pytest.raises(IllegalStep, match="withdrawn"):
        attest(desk.centre, desk.officer, form.id, good)


def test_facts_are_kept_as_forms_hold_them(desk: Desk) -> None:
    person = desk.person()
    attested(desk, person, born="2/1/1990", name="  Gul   Khan ")
    found = satisfied(desk.centre, SERVICE, {"applicant": (person,)}, {"name": "GUL KHAN"}, desk.centre.today())
    assert (found.fields["born"].value, found.fields["name"].value) == ("1990-01-02", "Gul Khan")


def test_of_an_aadhaar_number_only_the_last_digits_are_attested(desk: Desk) -> None:
    """A service of another state; its form and the attestation hold the same digits."""
    service = desk.centre.catalogue.service("haryana_residence")
    (field,) = [each for each in service.fields if each.kind == "aadhaar"]
    role, _, fact = (field.fact or "").partition(".")
    assert (role, fact) == ("applicant", "aadhaar")
    paper = next(each for each in service.papers if fact in each.proves)
    person = desk.person()
    form = replace(desk.form(person), service=service.id)
    desk.begin(form, {paper.id: paper.kind})
    body = k.ApplicationSubmitted(
        tracking="X", service=service.id, applicant=person, fields={}, roles={"applicant": (person,)}
    )
    desk.store.commit(desk.operator, lambda _: [Draft(body, form.id)])
    held = case(desk.store, form.id).papers[0].id
    attest(desk.centre, desk.officer, form.id, Seen(held, person, "the card", {fact: "2341 2341 2346"}))
    (made,) = case(desk.store, form.id).made_here
    assert made.facts == {fact: "xxxx-xxxx-2346"}
    found = satisfied(desk.centre, service.id, form.roles, {field.id: "xxxx-xxxx-2346"}, desk.centre.today())
    assert field.id in found.fields
    assert not found.contradicted


def test_handed_in_again_it_leans_on_what_it_rests_on_now(desk: Desk) -> None:
    person = desk.person()
    attestation = attested(desk, person)
    form = desk.form(person)
    desk.begin(form, {"rent": "rent_deed"})
    applications.submit(desk.centre, desk.operator, form)
    withdraw_attestation(desk.store, desk.officer, attestation, "the card was another one")
    assert [each.application for each in unsupported(desk.centre)] == [form.id]
    reviewing.send_back(desk.store, desk.officer, form.id, "bring the card", items=["cnic"])
    desk.paper(form.id, "cnic", "cnic")
    applications.resubmit(desk.centre, desk.operator, form.id)
    assert unsupported(desk.centre) == []
    assert not case(desk.store, form.id).unsupported


def test_an_approved_application_leans_on_what_was_attested_until_then(desk: Desk) -> None:
    person = desk.person()
    application = desk.take_in(person).application
    cnic = case(desk.store, application).papers[0]
    attestation = desk.attest(application, cnic.id, person, **FACTS)
    assert leaning_on(desk.store, attestation) == []
    desk.make_ready(application)
    reviewing.approve(desk.centre, desk.officer, application)
    assert [each.application for each in leaning_on(desk.store, attestation)] == [application]
    assert case(desk.store, application).leans_on == (), "it is shown among those made here"
    withdraw_attestation(desk.store, desk.officer, attestation, "the card was forged")
    assert [each.application for each in unsupported(desk.centre)] == [application]
    assert case(desk.store, application).unsupported
    assert verify_home(desk.store.layout, desk.bench.key).ok


def test_what_is_attested_of_a_person_is_found_and_erased_with_them(desk: Desk) -> None:
    one, same = desk.person(), desk.person("Gul Khaan")
    made = [attested(desk, one), attested(desk, same)]
    people.merge(desk.store, desk.supervisor, one, same, "written down twice")
    assert attestations_of(desk.store, one) == attestations_of(desk.store, same)
    assert set(attestations_of(desk.store, one)) == set(made)
    applications.erase(desk.store, desk.supervisor, same, "at their wish")
    for each in attestations_of(desk.store, same):
        applications.erase(desk.store, desk.supervisor, each, "at their wish")
    assert attestations_of(desk.store, same) == []
    assert verify_home(desk.store.layout, desk.bench.key).ok
