"""Numbers of receipts, references, amounts and counted drawers: their forms, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.casework.counting import MAX_DRAWER_MINOR, Counted, by_notes, check_counted, faces, in_sum
from appliance.casework.receipt_numbers import is_receipt_number, receipt_number
from appliance.casework.references import normal_reference
from appliance.casework.tracking import is_tracking_number, tracking_number
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.records.amounts import amount_text


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (0, "PKR", "Rs 0"),
        (220_00, "PKR", "Rs 220"),
        (1_234_567_05, "PKR", "Rs 1,234,567.05"),
        (-10_50, "INR", "-₹10.50"),
        (5_00, "USD", "USD 5"),
    ],
)
def test_an_amount_is_shown_with_its_currency_and_with_paisa_only_where_there_are_some(
    minor: int, currency: str, shown: str
) -> None:
    assert amount_text(minor, currency) == shown


def test_a_receipts_number_reads_as_one() -> None:
    number = receipt_number("PEW-01", 2026, 42)
    assert number.startswith("R-PEW01-2026-000042-")
    assert is_receipt_number(number)


@given(st.integers(1, 9_999_999), st.integers(2000, 2999), st.sampled_from(["PEW-01", "R1", "RPEW01", "HR26"]))
def test_a_receipts_number_is_no_tracking_number_and_the_other_way_round(n: int, year: int, centre: str) -> None:
    receipt, tracking = receipt_number(centre, year, n), tracking_number(centre, year, n)
    assert is_receipt_number(receipt)
    assert not is_tracking_number(receipt)
    assert not is_receipt_number(tracking)


@given(st.integers(1, 999_999), st.data())
def test_a_wrong_character_in_a_receipts_number_shows(n: int, data: st.DataObject) -> None:
    number = receipt_number("PEW-01", 2026, n)
    at = data.draw(st.sampled_from([i for i, char in enumerate(number) if char != "-" and i > 1]))
    other = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".replace(number[at], "")))
    assert not is_receipt_number(number[:at] + other + number[at + 1 :])


@pytest.mark.parametrize(
    ("mode", "typed", "kept"),
    [
        ("challan", " ch-2026/000123 ", "CH2026000123"),
        ("challan", "32–A 77", "32A77"),
        ("psid", "1001 2345 6789 0123", "1001234567890123"),
        ("psid", "۱۰۰۱۲۳۴۵۶۷", "1001234567"),
        ("online", "txn_0099ab", "TXN0099AB"),
        ("other", "money order 77", "MONEYORDER77"),
        ("cash", " ", ""),
    ],
)
def test_a_reference_is_kept_in_one_spelling(mode: k.PaymentMode, typed: str, kept: str) -> None:
    assert normal_reference(mode, typed) == kept
    assert normal_reference(mode, kept) == kept


@pytest.mark.parametrize(
    ("mode", "typed"),
    [
        ("challan", ""),
        ("challan", "ABC"),
        ("challan", "1" * 31),
        ("psid", "1234567"),
        ("psid", "1234567A"),
        ("online", "abcdef"),
        ("other", "--"),
        ("cash", "77"),
    ],
)
def test_what_is_no_reference_is_refused_with_what_one_looks_like(mode: k.PaymentMode, typed: str) -> None:
    with pytest.raises(OperatorError) as refused:
        normal_reference(mode, typed)
    assert refused.value.next_step


def test_a_drawer_is_counted_by_its_notes() -> None:
    counted = by_notes("PKR", {10_00: 3, 5000_00: 2, 100_00: 0})
    assert counted == Counted(10_030_00, (k.NoteCount(5000_00, 2), k.NoteCount(10_00, 3)))
    check_counted(counted)


@given(st.sampled_from(["PKR", "INR"]), st.data())
def test_notes_make_their_sum(currency: k.Currency, data: st.DataObject) -> None:
    pieces = data.draw(st.dictionaries(st.sampled_from(faces(currency)), st.integers(0, 500)))
    counted = by_notes(currency, pieces)
    assert counted.minor == sum(face * count for face, count in pieces.items())
    check_counted(counted)


@pytest.mark.parametrize("pieces", [{30_00: 1}, {10_00: -1}, {10_00: 100_001}, {1: 1}])
def test_a_note_that_there_is_not_is_refused(pieces: dict[int, int]) -> None:
    with pytest.raises(OperatorError):
        by_notes("PKR", pieces)


@pytest.mark.parametrize(
    "counted", [in_sum(-1), in_sum(MAX_DRAWER_MINOR + 1), Counted(11_00, (k.NoteCount(10_00, 1),))]
)
def test_what_is_no_count_is_refused(counted: Counted) -> None:
    with pytest.raises(OperatorError):
        check_counted(counted)
