"""Tracking numbers: read out over the telephone, typed by hand."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.casework.tracking import MAX_CODE, centre_code, is_tracking_number, tracking_number
from appliance.journal.errors import OperatorError

CODES = st.text(string.ascii_uppercase + string.digits, min_size=2, max_size=MAX_CODE)
NUMBERS = st.builds(tracking_number, CODES, st.integers(1000, 9999), st.integers(1, 10**8))


def test_a_number_looks_as_its_docstring_says() -> None:
    assert tracking_number("PEW-01", 2026, 42) == "PEW01-2026-000042-T"


# ISO 7064, MOD 37,36: computed by hand as clause 9 of the standard describes.
def by_hand(text: str) -> str:
    alphabet = string.digits + string.ascii_uppercase
    product = 36
    for char in text:
        product = (product + alphabet.index(char)) % 36 or 36
        product = product * 2 % 37
    return alphabet[(1 - product) % 36]


@given(NUMBERS)
def test_the_check_character_is_that_of_iso_7064(number: str) -> None:
    body = number.replace("-", "")
    assert is_tracking_number(number)
    assert body[-1] == by_hand(body[:-1])


@given(NUMBERS, st.data())
def test_a_wrong_character_shows(number: str, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from([n for n, char in enumerate(number) if char != "-"]))
    other = data.draw(st.sampled_from(string.digits + string.ascii_uppercase))
    changed = number[:at] + other + number[at + 1 :]
    assert is_tracking_number(changed) == (changed == number)


@pytest.mark.parametrize(
    "text", ["", "PEW01-2026-000042-k", "PEW01-2026-٠٠٠٠٤٢-K", "PEW01-2026-000042-T\n", "-2026-000042-K"]
)
def test_other_forms_are_refused(text: str) -> None:
    assert not is_tracking_number(text)


@pytest.mark.parametrize("centre", ["", "-", "x", "پشاور", "A" * (MAX_CODE + 1)])
def test_a_centre_without_a_usable_code_is_told(centre: str) -> None:
    with pytest.raises(OperatorError):
        centre_code(centre)
