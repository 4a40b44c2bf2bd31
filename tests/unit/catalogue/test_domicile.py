"""The first bundled service, from what is typed to fee, papers and day."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.catalogue import (
    Calendar,
    Service,
    bundled,
    check_answers,
    due_date,
    given_answers,
    load_catalogue,
    needed_papers,
    needed_roles,
    promised_days,
    reckon_fee,
    shown_fields,
    steps_for,
)

TODAY = date(2026, 11, 20)
TYPED = {
    "cnic": "1730112345672",
    "name": " Specimen   Gul ",
    "father_name": "Specimen Khan",
    "born": "۰۵/۰۳/۲۰۰۱",
    "gender": "Female",
    "birth_place": "Peshawar",
    "religion": "Islam",
    "marital_status": "single",
    "schooled": "y",
    "qualification": "BA",
    "occupation": "Teacher",
    "phone": "+92 300 1234567",
    "purpose": "Employment",
    "district": "پشاور",
    "tehsil": "City",
    "address_permanent": "House 1, Street 2",
    "arrived": "5-3-2001",
    "same_address": "yes",
}


@pytest.fixture(scope="module")
def domicile() -> Service:
    return load_catalogue([bundled()]).service("domicile")


def test_a_grown_citizen_with_schooling(domicile: Service) -> None:
    assert check_answers(domicile, TYPED, TODAY) == ()
    given = given_answers(domicile, TYPED, TODAY)
    assert given["cnic"] == "17301-1234567-2"
    assert given["born"] == given["arrived"] == "2001-03-05"
    assert (given["name"], given["district"], given["phone"]) == ("Specimen Gul", "peshawar", "03001234567")
    assert [paper.kind for paper in needed_papers(domicile, TYPED, TODAY)] == [
        "cnic",
        "parents_cnic",
        "matric_certificate",
        "domicile_affidavit",
        "photograph",
    ]
    assert [role.id for role in needed_roles(domicile, TYPED, TODAY)] == ["applicant"]
    assert [step.office for step in steps_for(domicile, TYPED, TODAY) if step.by == "outside"] == ["patwari", "police"]


def test_a_child_needs_a_guardian_and_form_b(domicile: Service) -> None:
    child = TYPED | {"born": "1/1/2012", "arrived": "1/1/2012", "schooled": "no"}
    assert [role.id for role in needed_roles(domicile, child, TODAY)] == ["applicant", "guardian"]
    kinds = [paper.kind for paper in needed_papers(domicile, child, TODAY)]
    assert "form_b" in kinds
    assert "birth_certificate" in kinds
    assert "cnic" not in kinds
    assert "qualification" not in {field.id for field in shown_fields(domicile, child, TODAY)}
    assert "qualification" not in given_answers(domicile, child, TODAY)


def test_the_fee_is_challan_and_form_and_the_tenth_working_day_is_promised(domicile: Service) -> None:
    fee = reckon_fee(domicile, TYPED, TODAY)
    assert [(line.code, line.minor) for line in fee.lines] == [("challan", 20000), ("form", 2000)]
    assert (fee.total_minor, fee.currency, fee.waits_for) == (22000, "PKR", ())
    # A Friday; Sundays and the 25th are closed.
    calendar = Calendar(holidays=frozenset({date(2026, 11, 25)}))
    assert due_date(TODAY, promised_days(domicile, TYPED, TODAY), calendar) == date(2026, 12, 3)


def test_nobody_arrives_before_being_born(domicile: Service) -> None:
    (finding,) = check_answers(domicile, TYPED | {"arrived": "4/3/2001"}, TODAY)
    assert (finding.field, finding.level) == ("arrived", "error")


def test_a_card_that_disagrees_only_warns(domicile: Service) -> None:
    found = check_answers(domicile, TYPED | {"cnic": "3520112345671"}, TODAY)
    assert {(finding.field, finding.level) for finding in found} == {("cnic", "warning")}
    assert len(found) == 2
