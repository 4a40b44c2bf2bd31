"""The form as pages: what is asked, when, and what stands in the way; for every bundled service, without a terminal."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.casework.attested import Attested
from appliance.catalogue import Service, bundled, load_catalogue
from appliance.journal.ids import EntityId
from tui.forms import MAX_FIELDS, Filling, Kind, attested_words, money, pages, prefilled

TODAY = date(2026, 11, 23)
CATALOGUE = load_catalogue([bundled()])
DOMICILE = CATALOGUE.service("domicile")


def seen(value: str) -> Attested:
    """An attestation."""
    original, at, until = "matric certificate", "2026-11-20T08:00:00.000Z", "2027-11-20"
    return Attested(value, "Rabia", at, original, until, EntityId("a" * 26), "0" * 64)


@pytest.mark.parametrize("service", CATALOGUE.services.values(), ids=lambda service: service.id)
def test_every_field_of_a_service_stands_on_one_page_of_at_most_ten(service: Service) -> None:
    made = pages(service)
    assert all(0 < len(page.fields) <= MAX_FIELDS for page in made)
    assert sorted(each.id for page in made for each in page.fields) == sorted(each.id for each in service.fields)


def test_a_field_appears_with_the_answer_that_calls_for_it() -> None:
    filling = Filling(DOMICILE, TODAY)
    assert "spouse_name" not in filling.shown()
    assert "spouse_name" in filling.with_answer("marital_status", "married").shown()
    assert "spouse_name" not in filling.with_answer("marital_status", "single").shown()


def test_a_page_with_nothing_to_show_is_passed_over() -> None:
    for service in CATALOGUE.services.values():
        filling = Filling(service, TODAY)
        shown, form = filling.shown(), pages(service)
        for stage in filling.stages():
            if stage.kind is Kind.FORM:
                assert any(each.id in shown for each in form[stage.page].fields)


def test_stages_begin_with_people_and_end_with_the_check() -> None:
    kinds = [stage.kind for stage in Filling(DOMICILE, TODAY, people={"applicant": ["p"]}).stages()]
    assert kinds == [Kind.PEOPLE, Kind.FORM, Kind.FORM, Kind.FORM, Kind.PAPERS, Kind.FEE, Kind.CHECK]


def test_what_an_attestation_answers_counts_and_is_not_the_operators_to_correct() -> None:
    filling = Filling(DOMICILE, TODAY, typed={"born": "nonsense"}, attested={"born": seen("1990-01-01")})
    assert filling.answers["born"] == "1990-01-01"
    assert "born" not in filling.findings()
    assert "born" in Filling(DOMICILE, TODAY, typed={"born": "nonsense"}).findings()


def test_an_answer_other_than_what_was_attested_is_a_warning() -> None:
    filling = Filling(DOMICILE, TODAY, typed={"name": "Gul"}, contradicted={"name": seen("Gul Bibi")})
    assert [each.level for each in filling.findings()["name"]] == ["warning"]


def test_what_lacks_is_named_with_its_stage_until_it_is_there() -> None:
    empty = Filling(DOMICILE, TODAY)
    lacking = {lack.field: lack.stage.kind for lack in empty.lacks()}
    assert lacking["applicant"] is Kind.PEOPLE
    assert lacking["name"] is Kind.FORM
    named = Filling(DOMICILE, TODAY, people={"applicant": ["p"]})
    assert {lack.field for lack in named.lacks() if lack.stage.kind is Kind.PAPERS} >= {"photograph", "affidavit"}
    brought = Filling(
        DOMICILE,
        TODAY,
        people={"applicant": ["p"]},
        papers={"photograph": 1},
        attested_papers={"affidavit": seen("")},
    )
    assert not {lack.field for lack in brought.lacks()} & {"photograph", "affidavit"}


def test_a_warning_stands_in_nobodys_way() -> None:
    filling = Filling(DOMICILE, TODAY, typed={"cnic": "61101-1234567-1", "gender": "female"})
    assert [each.level for each in filling.findings()["cnic"]] == ["warning"] * len(filling.findings()["cnic"])
    assert "cnic" not in {lack.field for lack in filling.lacks() if lack.stage.kind is Kind.FORM}


def test_a_record_fills_only_what_nobody_typed() -> None:
    records = {"applicant": {"name": "Gul Bibi", "born": "1990-01-01"}}
    assert prefilled(DOMICILE, records, {"name": "Gul B."}) == {"born": "1990-01-01"}


def test_the_fee_of_the_answers_is_reckoned() -> None:
    fee = Filling(DOMICILE, TODAY).fee()
    assert sum(line.minor for line in fee.lines) == fee.total_minor


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [(20000, "PKR", "Rs 200"), (123450, "INR", "₹1,234.50"), (-5, "PKR", "-Rs 0.05"), (0, "PKR", "Rs 0")],
)
def test_money_is_shown_as_people_write_it(minor: int, currency: str, shown: str) -> None:
    assert money(minor, currency) == shown


def test_an_attestation_says_who_when_and_on_which_original() -> None:
    words = attested_words(seen("x"), "20 Nov 2026")
    assert all(part in words for part in ("Rabia", "20 Nov 2026", "matric certificate", "2027-11-20"))


@given(
    st.sampled_from(sorted(CATALOGUE.services)),
    st.dictionaries(st.sampled_from([f.id for s in CATALOGUE.services.values() for f in s.fields]), st.text()),
)
def test_whatever_is_typed_the_form_can_be_shown(service: str, typed: dict[str, str]) -> None:
    filling = Filling(CATALOGUE.service(service), TODAY, typed=typed)
    assert filling.stages()[-1].kind is Kind.CHECK
    filling.lacks()
    filling.fee()
