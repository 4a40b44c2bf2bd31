"""What is kept of an identity number: of an Aadhaar number, never the whole."""

from __future__ import annotations

import pytest

from appliance.casework.numbers import KeptNumber, could_be_aadhaar, kept, mark_of, masked_answers
from appliance.catalogue import bundled, load_catalogue
from appliance.journal.errors import OperatorError

KEY, OTHER_KEY = bytes(32), bytes(31) + b"1"
AADHAAR = "999941057058"  # from UIDAI's published test data


@pytest.mark.parametrize("typed", [AADHAAR, "9999 4105 7058", "9999-4105-7058"])
def test_of_an_aadhaar_number_the_last_digits_and_a_mark_are_kept(typed: str) -> None:
    assert kept("aadhaar", typed, KEY) == KeptNumber("xxxx-xxxx-7058", mark_of(AADHAAR, KEY))


def test_the_mark_differs_from_number_to_number_and_from_key_to_key() -> None:
    marks = {mark_of(AADHAAR, KEY), mark_of(AADHAAR, OTHER_KEY), mark_of("999971658847", KEY)}
    assert len(marks) == 3
    assert {len(mark) for mark in marks} == {64}


def test_a_masked_number_is_kept_as_it_is_and_without_a_mark() -> None:
    for typed in ("xxxx-xxxx-7058", "XXXX XXXX 7058", "********7058"):
        assert kept("aadhaar", typed, KEY) == KeptNumber("xxxx-xxxx-7058")


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("aadhaar", "9999 4105 7059"),
        ("aadhaar", "7058"),
        ("cnic", "17301-1234567"),
        ("cnic", "17301-123456x-1"),
        ("cnic", "۱۷۳۰۱-1234567-1"),
    ],
)
def test_what_cannot_be_a_number_of_its_kind_is_refused_and_not_repeated(kind: str, typed: str) -> None:
    with pytest.raises(OperatorError) as raised:
        kept(kind, typed, KEY)
    assert typed not in str(raised.value)
    assert raised.value.next_step


def test_other_numbers_are_kept_whole_in_their_usual_form() -> None:
    assert kept("cnic", "1730112345671", KEY) == KeptNumber("17301-1234567-1")
    assert kept("passport", " AB 1234567 ", KEY) == KeptNumber("AB 1234567")
    assert kept("", "", KEY) == kept("aadhaar", "", KEY) == KeptNumber("")


def test_twelve_digits_may_be_an_aadhaar_number_where_they_fit_together() -> None:
    assert could_be_aadhaar(AADHAAR)
    assert not could_be_aadhaar("999941057059")
    assert not could_be_aadhaar("7058")


def test_the_answers_of_a_form_keep_no_whole_aadhaar_number() -> None:
    service = load_catalogue([bundled()]).service("haryana_residence")
    answers = {"aadhaar": AADHAAR, "name": AADHAAR}
    assert masked_answers(service, answers) == {"aadhaar": "xxxx-xxxx-7058", "name": AADHAAR}
    assert masked_answers(service, masked_answers(service, answers))["aadhaar"] == "xxxx-xxxx-7058"
