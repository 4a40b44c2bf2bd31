"""Words, dates and money as they stand on paper."""

from __future__ import annotations

import pytest

from appliance.certificates import wording
from appliance.certificates.record import LANGUAGES
from appliance.certificates.wording import say_date, say_money, words
from appliance.journal.errors import BugError


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (0, "PKR", "Rs 0.00"),
        (5, "PKR", "Rs 0.05"),
        (20_000, "PKR", "Rs 200.00"),
        (123_456_789, "PKR", "Rs 1,234,567.89"),
        (-50_000, "PKR", "−Rs 500.00"),
        (99_999, "INR", "₹ 999.99"),
        (100_000, "INR", "₹ 1,000.00"),
        (10_000_000, "INR", "₹ 1,00,000.00"),
        (1_234_567_890, "INR", "₹ 1,23,45,678.90"),
        (1_000_000_001, "INR", "₹ 1,00,00,000.01"),
    ],
)
def test_amounts_are_grouped_as_in_the_country(minor: int, currency: str, shown: str) -> None:
    assert say_money(minor, currency) == shown


def test_an_unknown_currency_phrase_or_date_is_a_bug_of_the_caller() -> None:
    with pytest.raises(BugError):
        say_money(1, "USD")
    with pytest.raises(BugError):
        words("nothing", "en")
    with pytest.raises(BugError):
        say_date("2026-02-30", "en")


def test_every_phrase_stands_in_every_language_in_its_own_script() -> None:
    scripts = {"ur": (0x0600, 0x06FF), "ps": (0x0600, 0x06FF), "hi": (0x0900, 0x097F), "ta": (0x0B80, 0x0BFF)}
    for what in wording._WORDS:
        for language, (first, last) in scripts.items():
            assert any(first <= ord(letter) <= last for letter in words(what, language)), (what, language)


def test_a_date_is_said_with_the_month_s_name() -> None:
    assert say_date("2026-11-02", "en") == "2 November 2026"
    assert say_date("2026-04-22", "ur") == "22 اپریل 2026"
    assert {len(set(wording._MONTHS[language])) for language in LANGUAGES} == {12}
