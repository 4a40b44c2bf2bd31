"""What people type, in one spelling; and what is said about it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum import verhoeff
from stdnum.pk import cnic

from appliance.catalogue import Field, Finding, Service, Text, check_answers, normalise_answers
from appliance.catalogue.answers import normalise
from appliance.catalogue.model import KINDS, Choice
from tests.unit.catalogue.example import EXAMPLE, read
from tests.unit.catalogue.filling import TODAY

typing = st.one_of(st.text(max_size=40), st.text("0129٣۵६/-.,٬ +()RsPHBhr₹Yیهe\u0301\u200f\n", max_size=16))
CHOICES = (Choice("male", Text({"en": "Male", "ur": "مرد"})), Choice("other", Text({"en": "Other"})))


def field(kind: str, **more: object) -> Field:
    made = Field("asked", kind, Text({"en": "Asked"}), choices=CHOICES if kind == "choice" else ())
    return replace(made, **more)  # type: ignore[arg-type]


def service(*fields: Field, country: str = "PK") -> Service:
    state = {"PK": "Khyber Pakhtunkhwa", "IN": "Haryana"}[country]
    return replace(read(EXAMPLE), fields=fields, rules=(), country=country, state=state)


def found(kind: str, typed: str, country: str = "PK", **more: object) -> tuple[Finding, ...]:
    return check_answers(service(field(kind, **more), country=country), {"asked": typed}, TODAY)


def level(kind: str, typed: str, country: str = "PK", **more: object) -> str:
    levels = [finding.level for finding in found(kind, typed, country, **more)]
    return "error" if "error" in levels else "warning" if levels else ""


@pytest.mark.parametrize(
    ("kind", "country", "typed", "kept"),
    [
        ("name", "PK", "  Zarghuna \t Bibi\u200f ", "Zarghuna Bibi"),
        ("name", "PK", "Jose\u0301", "Jos\u00e9"),
        ("native_name", "PK", "می\u200cخان", "می\u200cخان"),
        ("text", "PK", "one\ntwo\x00", "one two"),
        ("address", "PK", "House ۵ \r\n\r\n  Street २", "House 5\nStreet 2"),
        ("cnic", "PK", "۱۷۳۰۱۱۲۳۴۵۶۷۱", "17301-1234567-1"),
        ("cnic", "PK", "17301 1234567 1", "17301-1234567-1"),
        ("cnic", "PK", "17301-123", "17301-123"),
        ("aadhaar", "IN", "२३४१ २३४१ २३४६", "234123412346"),
        ("aadhaar", "IN", "XXXX XXXX 2346", "xxxx-xxxx-2346"),
        ("date", "PK", "٣١/١٢/٢٠٠١", "2001-12-31"),
        ("date", "PK", "1.2.2001", "2001-02-01"),
        ("date", "PK", "2001-2-3", "2001-02-03"),
        ("date", "PK", "30/2/2001", "30/2/2001"),
        ("number", "PK", "۱٬۳۰۰", "1300"),
        ("number", "PK", "007", "7"),
        ("number", "PK", "1.5", "1.5"),
        ("money", "PK", "Rs. 1,50,000/-", "150000"),
        ("money", "IN", "₹ 12.5", "12.50"),
        ("money", "PK", "3.00", "3"),
        ("choice", "PK", "MALE", "male"),
        ("choice", "PK", "مرد", "male"),
        ("choice", "PK", "neither", "neither"),
        ("yes_no", "PK", "ہاں", "yes"),
        ("yes_no", "IN", "नहीं", "no"),
        ("phone", "PK", "+92 (300) 123-4567", "03001234567"),
        ("phone", "PK", "923001234567", "03001234567"),
        ("phone", "PK", "091 9210000", "0919210000"),
        ("phone", "IN", "+91 98765 43210", "9876543210"),
        ("email", "PK", " a @example.org", "a@example.org"),
        ("vehicle_number", "PK", "abc 1234", "ABC-1234"),
        ("vehicle_number", "IN", "hr26ab1234", "HR 26 AB 1234"),
        ("vehicle_number", "IN", "22bh1234ab", "22 BH 1234 AB"),
        ("pin_code", "IN", "122 001", "122001"),
    ],
)
def test_one_spelling(kind: str, country: str, typed: str, kept: str) -> None:
    assert normalise(field(kind), typed, country) == kept


@given(st.sampled_from(KINDS), st.sampled_from(["PK", "IN"]), typing)
@example("email", "PK", "A \u0300")
@example("money", "PK", "Rs Rs 5")
@settings(max_examples=1000, deadline=None)
def test_normalising_twice_changes_nothing_more_and_leaves_only_clean_text(kind: str, country: str, typed: str) -> None:
    once = normalise(field(kind), typed, country)
    assert normalise(field(kind), once, country) == once
    assert unicodedata.is_normalized("NFC", once)
    assert once == once.strip()
    assert not any(unicodedata.category(each) in {"Cc", "Cs"} and each != "\n" for each in once)
    assert all(each.isascii() for each in once if unicodedata.category(each) == "Nd")
    once.encode()


@given(st.sampled_from(KINDS), st.sampled_from(["PK", "IN"]), typing)
def test_whatever_is_typed_every_finding_says_what_to_do_and_repeats_nothing(
    kind: str, country: str, typed: str
) -> None:
    marked = f"⟪{typed}⟫"
    for finding in found(kind, marked, country):
        assert finding.sentence
        assert finding.next_step
        assert "⟪" not in finding.sentence + finding.next_step


@pytest.mark.parametrize(
    ("kind", "country", "typed", "expected"),
    [
        ("name", "PK", "Gul-e-Rana O'Brien", ""),
        ("name", "PK", "Khan 2", "error"),
        ("name", "PK", "--", "error"),
        ("name", "PK", "گل", "warning"),
        ("native_name", "PK", "گل", ""),
        ("native_name", "IN", "गुल", ""),
        ("native_name", "PK", "Gul", "warning"),
        ("date", "PK", "29/2/2024", ""),
        ("date", "PK", "29/2/2023", "error"),
        ("date", "PK", "1/1/1800", "error"),
        ("date", "PK", "1/1/2200", "error"),
        ("number", "PK", "5", ""),
        ("number", "PK", "-5", "error"),
        ("number", "PK", "5.5", "error"),
        ("number", "PK", "9" * 14, "error"),
        ("money", "PK", "5.55", ""),
        ("money", "PK", "five", "error"),
        ("choice", "PK", "male", ""),
        ("choice", "PK", "x", "error"),
        ("yes_no", "PK", "no", ""),
        ("yes_no", "PK", "perhaps", "error"),
        ("cnic", "PK", "34201-0891231-8", ""),
        ("cnic", "PK", "1234", "error"),
        ("cnic", "PK", "94201-0891231-8", "warning"),
        ("cnic", "PK", "34201-0891231-0", "warning"),
        # The example of python-stdnum, and one digit off.
        ("aadhaar", "IN", "2341 2341 2346", ""),
        ("aadhaar", "IN", "xxxx-xxxx-2346", ""),
        ("aadhaar", "IN", "2341 2341 2347", "error"),
        ("aadhaar", "IN", "1341 2341 2346", "error"),
        ("phone", "PK", "0300 1234567", ""),
        ("phone", "PK", "091 9210000", "warning"),
        ("phone", "PK", "0300", "error"),
        ("phone", "IN", "98765 43210", ""),
        ("email", "PK", "name@example.org", ""),
        ("email", "PK", "name@example", "error"),
        ("vehicle_number", "PK", "A 1", ""),
        ("vehicle_number", "PK", "GOV 20 11", ""),
        ("vehicle_number", "PK", "ABC-123-4X", "warning"),
        ("vehicle_number", "PK", "ABC*1", "error"),
        ("vehicle_number", "IN", "HR 26 AB 1234", ""),
        ("vehicle_number", "IN", "HR 26 IO 1234", "warning"),
        ("pin_code", "IN", "122001", ""),
        ("pin_code", "IN", "022001", "error"),
        ("pin_code", "PK", "25000", ""),
        ("text", "PK", "x" * 201, "error"),
    ],
)
def test_what_is_wrong_with_an_answer(kind: str, country: str, typed: str, expected: str) -> None:
    assert level(kind, typed, country) == expected


@pytest.mark.parametrize(
    ("kind", "check", "typed", "expected"),
    [
        ("date", "not_future", "20/11/2026", ""),
        ("date", "not_future", "21/11/2026", "error"),
        ("date", "not_past", "20/11/2026", ""),
        ("date", "not_past", "19/11/2026", "error"),
        ("cnic", "home_province", "17301-1234567-1", ""),
        ("cnic", "home_province", "21301-1234567-1", ""),
        ("cnic", "home_province", "34201-0891231-8", "warning"),
        ("text", "pan", "ACUPA7085R", ""),
        ("text", "pan", "ACUPA7085", "error"),
        ("text", "voter_number", "WKH1186253", ""),
        ("text", "voter_number", "WKH1186263", "error"),
        ("text", "iban", "GR1601101050000010547023795", ""),
        ("text", "iban", "GR1601101050000010547023796", "error"),
    ],
)
def test_further_checks_by_name(kind: str, check: str, typed: str, expected: str) -> None:
    assert level(kind, typed, check=check) == expected


def test_limits_and_patterns() -> None:
    assert level("number", "5", minimum=5, maximum=5) == ""
    assert level("number", "4", minimum=5) == "error"
    assert level("money", "5.01", maximum=5) == "error"
    (finding,) = found("text", "AB-1", pattern="[A-Z]{3}-[0-9]", help=Text({"en": "Like ABC-1."}))
    assert finding.next_step == "Like ABC-1."


def test_an_empty_answer_is_asked_for_unless_it_may_be_left_out() -> None:
    assert level("text", "  ") == "error"
    assert level("text", "  ", required=False) == ""


def test_an_answer_to_no_question_is_named() -> None:
    (finding,) = check_answers(service(field("text", required=False)), {"asekd": "x"}, TODAY)
    assert (finding.field, finding.level) == ("asekd", "error")


@given(st.from_regex(r"[0-9]{13}", fullmatch=True), st.sampled_from(["male", "female", "transgender"]))
def test_thirteen_digits_never_block_a_card_whatever_they_say(digits: str, gender: str) -> None:
    numbers = (
        field("cnic", id="number", fact="applicant.cnic", check="home_province"),
        field(
            "choice",
            id="gender",
            fact="applicant.gender",
            choices=tuple(Choice(g, Text({"en": g})) for g in ("male", "female", "transgender")),
        ),
    )
    told = check_answers(service(*numbers), {"number": digits, "gender": gender}, TODAY)
    assert {finding.level for finding in told} <= {"warning"}
    if cnic.is_valid(digits) and gender == {"M": "male", "F": "female"}.get(str(cnic.get_gender(digits))):
        assert len(told) == (digits[0] not in "12")


@given(st.from_regex(r"[2-9][0-9]{10}", fullmatch=True), st.integers(0, 9))
def test_one_check_digit_of_ten_is_right(number: str, last: int) -> None:
    right = verhoeff.calc_check_digit(number) == str(last)
    palindrome = f"{number}{last}" == f"{number}{last}"[::-1]
    assert (level("aadhaar", f"{number}{last}", "IN") == "") is (right and not palindrome)


def test_a_rule_speaks_only_of_an_answer_that_is_good_in_itself() -> None:
    made = read(EXAMPLE)
    today = date(2026, 11, 20)
    child = [each for each in check_answers(made, {"born": "1/1/2020"}, today) if each.field == "born"]
    assert [each.sentence for each in child] == ["An income certificate is for people of 18 and above."]
    unborn = [each for each in check_answers(made, {"born": "1/1/2030"}, today) if each.field == "born"]
    assert [each.sentence for each in unborn] == ["Date of birth: lies in the future."]
    assert "born" not in normalise_answers(made, {"born": " "})
