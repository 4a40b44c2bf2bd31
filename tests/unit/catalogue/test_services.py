"""The bundled services: that they are whole, speak two languages, share names, and reckon as the sources say."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.catalogue import (
    Service,
    Text,
    bundled,
    check_answers,
    expires_on,
    given_answers,
    load_catalogue,
    needed_papers,
    needed_roles,
    promised_days,
    reckon_fee,
    shown_fields,
    steps_for,
)
from appliance.catalogue.facts import FACTS
from appliance.catalogue.model import NO_TEXT
from appliance.catalogue.wording import SAMPLE, describe
from tests.unit.catalogue.filling import TODAY, filled, services, some_service

CATALOGUE: Final = load_catalogue([bundled()])
EVERY: Final = sorted(CATALOGUE.services)


def texts(value: object) -> Iterator[Text]:
    if isinstance(value, Text):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from texts(each)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from texts(getattr(value, field.name))


def total(name: str, answers: Mapping[str, str]) -> int:
    """The fee in whole currency units; nothing may be missing for it."""
    fee = reckon_fee(CATALOGUE.service(name), answers, TODAY)
    assert fee.waits_for == ()
    assert fee.total_minor % 100 == 0
    return fee.total_minor // 100


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def test_the_services_of_a_centre_are_there_from_the_start() -> None:
    assert EVERY == [
        "attestation",
        "birth",
        "death",
        "domicile",
        "driving_licence_duplicate",
        "driving_licence_learner",
        "driving_licence_new",
        "driving_licence_renewal",
        "fard",
        "haryana_residence",
        "vehicle_registration_new",
        "vehicle_transfer",
    ]
    titles = [service.title.en for service in CATALOGUE.services.values()]
    assert titles == sorted(titles)


@pytest.mark.parametrize("name", EVERY)
def test_every_word_of_a_service_is_in_english_and_in_the_language_of_its_citizens(name: str) -> None:
    service = CATALOGUE.service(name)
    language = {"PK": "ur", "IN": "hi"}[service.country]
    found = [text for text in texts(service) if text != NO_TEXT]
    assert len(found) > 20
    assert [text.en for text in found if not text.en or not text.has(language)] == []


@pytest.mark.parametrize("name", EVERY)
def test_every_sample_is_shown_as_one(name: str) -> None:
    service = CATALOGUE.service(name)
    assert service.samples
    assert sum(line.count(SAMPLE) for section in describe(service) for line in section.lines) >= len(
        [path for path in service.samples if not path.startswith("rules.")]
    )


def test_what_the_sources_do_not_know_is_marked() -> None:
    for name, paths in {
        "birth": {"fees.certificate", "fees.late"},
        "driving_licence_duplicate": {"fees.duplicate"},
        "driving_licence_learner": {"fees.learner", "certificate.valid"},
        "vehicle_registration_new": {"fees.penalty", "days"},
        "fard": {"fees.copy"},
        "haryana_residence": {"fees.certificate", "days"},
    }.items():
        assert paths <= set(CATALOGUE.service(name).samples)
    for name, paths in {
        "domicile": {"fees.challan", "fees.form"},
        "vehicle_registration_new": {"fees.registration_car", "fees.token_motorcycle"},
        "attestation": {"fees.degree_original", "fees.character"},
    }.items():
        assert not paths & set(CATALOGUE.service(name).samples)


def test_a_fact_is_of_one_kind_and_a_paper_proves_the_same_in_all_services() -> None:
    kinds: dict[str, str] = {}
    proves: dict[str, tuple[str, ...]] = {}
    for service in services():
        for field in service.fields:
            if field.fact is not None:
                fact = field.fact.partition(".")[2]
                assert fact in FACTS
                # A district is one of a list in one province, words in another state.
                if fact != "district":
                    assert kinds.setdefault(fact, field.kind) == field.kind, (service.id, field.id)
        for paper in service.papers:
            assert proves.setdefault(paper.kind, paper.proves) == paper.proves, (service.id, paper.id)


def test_after_a_domicile_a_learners_permit_asks_nothing_that_was_attested() -> None:
    domicile, learner = CATALOGUE.service("domicile"), CATALOGUE.service("driving_licence_learner")
    attested = {field.fact for field in domicile.fields}
    asked = {field.fact for field in learner.fields if field.fact is not None}
    assert asked - attested == {"applicant.blood_group"}
    seen = {paper.kind for paper in domicile.papers}
    needed = {paper.kind for paper in needed_papers(learner, {"home_district": "yes"}, TODAY)}
    assert needed - seen == {"medical_form"}


def test_a_paper_that_belongs_to_one_application_is_asked_each_time() -> None:
    for service in services():
        for paper in service.papers:
            if paper.kind in {"authority", "vehicle_invoice", "registration_book", "sale_agreement", "loss_report"}:
                assert paper.each_time, (service.id, paper.id)
            if paper.kind in {"photograph", "medical_form", "birth_certificate", "form_b", "ration_card"}:
                assert not paper.each_time, (service.id, paper.id)
    # What is itself to be attested must lie on the desk, though the same paper was seen before.
    attestation = CATALOGUE.service("attestation")
    for document in ("degree", "board", "cnic", "character"):
        assert any(paper.each_time for paper in needed_papers(attestation, {"document": document}, TODAY))


def test_a_field_is_filled_in_from_its_fact_unless_it_says_from_what() -> None:
    birth = CATALOGUE.service("birth")
    assert birth.field("born").prefill == birth.field("born").fact == "child.born"
    assert (birth.field("mother_name").prefill, birth.field("mother_name").fact) == ("mother.name", "child.mother_name")


def test_nobody_attests_a_telephone_number() -> None:
    contacts = [field for service in services() for field in service.fields if field.kind in ("phone", "email")]
    assert contacts
    assert all(field.fact is None and field.prefill is not None for field in contacts)


@pytest.mark.parametrize(
    ("name", "answers", "rupees"),
    [
        ("domicile", {}, 220),
        ("driving_licence_learner", {}, 300),
        ("driving_licence_new", {"urgent": "no"}, 600),
        ("driving_licence_new", {"urgent": "yes"}, 1000),
        ("driving_licence_renewal", {"expired_on": "2027-01-01"}, 600),
        ("driving_licence_renewal", {"expired_on": ago(30)}, 600),
        ("driving_licence_renewal", {"expired_on": ago(31)}, 700),
        ("driving_licence_renewal", {"expired_on": ago(90)}, 700),
        ("driving_licence_renewal", {"expired_on": ago(91)}, 1000),
        ("attestation", {"document": "degree", "originals": "2", "copies": "3", "urgent": "no"}, 4100),
        ("attestation", {"document": "degree", "originals": "1", "copies": "0", "urgent": "yes"}, 4000),
        ("attestation", {"document": "character", "originals": "1", "copies": "1"}, 1000),
        ("fard", {"khewats": "2"}, 300),
        ("haryana_residence", {}, 30),
    ],
)
def test_the_fee_is_what_the_source_says(name: str, answers: Mapping[str, str], rupees: int) -> None:
    assert total(name, answers) == rupees


@pytest.mark.parametrize(
    ("vehicle", "cc", "value", "registration"),
    [
        ("motorcycle", "", "150,000", 1500),
        ("car", "660", "2,000,000", 20_000),
        ("car", "1300", "2,000,000", 20_000),
        ("car", "1301", "2,000,000", 40_000),
        ("car", "2500", "2,000,000", 40_000),
        ("car", "2501", "2,000,000", 80_000),
        ("commercial", "", "5,000,000", 50_000),
        ("rickshaw", "", "300,000", 3000),
        ("tractor", "", "3,000,000", 1000),
        ("motorcycle", "", "150,050", 1501),
    ],
)
def test_a_vehicle_is_registered_by_its_value(vehicle: str, cc: str, value: str, registration: int) -> None:
    answers = {"vehicle": vehicle, "engine_cc": cc, "value": value, "invoice_date": ago(60)}
    fee = reckon_fee(CATALOGUE.service("vehicle_registration_new"), answers, TODAY)
    (line,) = (line for line in fee.lines if line.code.startswith("registration"))
    assert line.minor == registration * 100
    assert "penalty" not in {line.code for line in fee.lines}


@pytest.mark.parametrize(("vehicle", "rupees"), [("motorcycle", 1500), ("rickshaw", 500), ("hire", 750)])
def test_token_tax(vehicle: str, rupees: int) -> None:
    answers = {"vehicle": vehicle, "value": "100000", "invoice_date": ago(61)}
    lines = {
        line.code: line for line in reckon_fee(CATALOGUE.service("vehicle_registration_new"), answers, TODAY).lines
    }
    assert lines[f"token_{vehicle}"].minor == rupees * 100
    assert lines["penalty"].sample


@pytest.mark.parametrize(("days", "late"), [(0, False), (90, False), (91, True), (4000, True)])
def test_a_birth_and_a_death_are_late_after_ninety_days(days: int, late: bool) -> None:
    birth, death = CATALOGUE.service("birth"), CATALOGUE.service("death")
    assert ("late" in {line.code for line in reckon_fee(birth, {"born": ago(days)}, TODAY).lines}) is late
    assert ("why_late" in {field.id for field in shown_fields(birth, {"born": ago(days)}, TODAY)}) is late
    assert ("late" in {line.code for line in reckon_fee(death, {"died": ago(days)}, TODAY).lines}) is late
    approves = [step.id for step in steps_for(death, {"died": ago(days)}, TODAY) if step.by == "officer"]
    assert approves == ["chairman" if late else "secretary"]


@pytest.mark.parametrize(
    ("name", "answers", "count"),
    [
        ("domicile", {}, 10),
        ("birth", {}, 2),
        ("death", {}, 2),
        ("driving_licence_learner", {}, 0),
        ("driving_licence_new", {"district": "peshawar"}, 3),
        ("driving_licence_renewal", {"district": "Peshawar"}, 3),
        ("driving_licence_renewal", {"district": "swat"}, 10),
        ("attestation", {"document": "character"}, 7),
        ("fard", {"digitised": "yes"}, 0),
        ("fard", {"digitised": "no"}, 7),
    ],
)
def test_the_days_are_those_of_the_right_to_public_services(name: str, answers: Mapping[str, str], count: int) -> None:
    assert promised_days(CATALOGUE.service(name), answers, TODAY).count == count


def test_who_approves_a_licence_goes_by_its_class() -> None:
    licence = CATALOGUE.service("driving_licence_new")
    for kind, approver in {
        "car": "approve",
        "heavy": "approve_transport",
        "public_service": "approve_transport",
    }.items():
        *_, last = (step for step in steps_for(licence, {"class": kind}, TODAY) if step.by == "officer")
        assert last.id == approver


@pytest.mark.parametrize(
    ("kind", "born", "blocked"),
    [
        ("car", "2008-11-20", False),
        ("car", "2008-11-21", True),
        ("transport", "2005-11-20", False),
        ("transport", "2005-11-21", True),
        ("heavy", "2004-11-20", False),
        ("heavy", "2004-11-21", True),
    ],
)
def test_the_ages_for_a_licence_are_18_21_and_22(kind: str, born: str, blocked: bool) -> None:
    learner = CATALOGUE.service("driving_licence_learner")
    found = check_answers(learner, {"class": kind, "born": born}, TODAY)
    assert any("people of" in finding.sentence and finding.level == "error" for finding in found) is blocked


@pytest.mark.parametrize(
    ("name", "answers", "until"),
    [
        ("driving_licence_learner", {}, date(2027, 5, 20)),
        ("driving_licence_new", {"class": "car"}, date(2031, 11, 20)),
        ("driving_licence_new", {"class": "public_service"}, date(2029, 11, 20)),
        ("driving_licence_duplicate", {"expires_on": "1/2/2028"}, date(2028, 2, 1)),
        ("attestation", {"document": "board"}, date(2027, 5, 20)),
        ("attestation", {"document": "degree"}, None),
        ("domicile", {}, None),
    ],
)
def test_a_certificate_is_valid_as_long_as_the_source_says(
    name: str, answers: Mapping[str, str], until: date | None
) -> None:
    assert expires_on(CATALOGUE.service(name), answers, TODAY) == until


def test_a_stranger_of_haryana_needs_fifteen_years() -> None:
    haryana = CATALOGUE.service("haryana_residence")
    for since, enough in {"2011-11-20": True, "2011-11-21": False}.items():
        found = [finding.field for finding in check_answers(haryana, {"resident_since": since}, TODAY)]
        assert (found.count("resident_since") == 0) is enough
    assert haryana.currency == "INR"


def test_a_paper_of_somebody_who_takes_no_part_is_not_asked_for() -> None:
    birth = CATALOGUE.service("birth")
    answers = {"parents_are": "citizens", "relation": "custodian"}
    assert {paper.of for paper in needed_papers(birth, answers, TODAY)} == {"applicant", "child"}
    assert {role.id for role in needed_roles(birth, answers, TODAY)} == {"applicant", "child"}
    asked = {paper.id for paper in needed_papers(birth, answers, TODAY, {"representative", "mother"})}
    assert {"authority", "mother_cnic"} <= asked


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_every_form_can_be_filled_and_then_all_of_it_is_known(data: st.DataObject) -> None:
    service: Service = data.draw(some_service())
    answers = data.draw(filled(service))
    found = [finding for finding in check_answers(service, answers, TODAY) if finding.level == "error"]
    assert {finding.sentence for finding in found} <= {rule.sentence for rule in service.rules}
    fee = reckon_fee(service, answers, TODAY)
    assert fee.waits_for == ()
    assert fee.lines
    assert fee.total_minor == sum(line.minor for line in fee.lines) >= 0
    assert any(step.by == "officer" for step in steps_for(service, answers, TODAY))
    assert promised_days(service, answers, TODAY).count >= 0
    ends = expires_on(service, answers, TODAY)
    assert ends is None or ends >= TODAY


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_what_is_not_shown_is_not_kept_and_changes_nothing(data: st.DataObject) -> None:
    service: Service = data.draw(some_service())
    answers = data.draw(filled(service, whole=False))
    kept = given_answers(service, answers, TODAY)
    assert set(kept) <= {field.id for field in shown_fields(service, answers, TODAY)}
    assert given_answers(service, kept, TODAY) == kept
    assert shown_fields(service, kept, TODAY) == shown_fields(service, answers, TODAY)
    assert reckon_fee(service, kept, TODAY) == reckon_fee(service, answers, TODAY)
    assert needed_papers(service, kept, TODAY) == needed_papers(service, answers, TODAY)
    assert check_answers(service, kept, TODAY) == check_answers(service, answers, TODAY)
