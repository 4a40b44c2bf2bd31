"""Words as search compares them, and how names sound."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.records.sounds import sound, sounds
from appliance.records.words import (
    MAX_ASKED,
    MAX_WORD,
    MAX_WORDS,
    asked,
    day_words,
    folded,
    number_words,
    phone_words,
    words,
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Gul  KHAN", "gul khan"),
        ("José Müller-Ñandú", "jose muller nandu"),
        ("Straße", "strasse"),
        ("مُحَمَّد", "محمد"),
        ("كريم", "کریم"),
        ("آمنہ", "امنہ"),
        ("رحمٰن", "رحمن"),
        ("محـــمد", "محمد"),
        ("٠١٢۳۴५௬", "0123456"),
        ("क़मर", "कमर"),
        ("①ﬁ", "1fi"),
        ("\u202eabc\u200c", "abc"),
        ("a'b", "a b"),
        ("", ""),
    ],
)
def test_letters_and_digits_are_one_however_they_are_written(text: str, plain: str) -> None:
    assert folded(text) == plain


@given(st.text(max_size=60))
def test_folding_is_done_once_for_all(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert folded(unicodedata.normalize("NFD", text)) == once


@given(st.text(max_size=300))
def test_every_word_is_short_and_made_of_letters_marks_and_digits(text: str) -> None:
    made = [*words(text), *number_words(text), *phone_words(text), *(each for group in asked(text) for each in group)]
    assert len(words(text)) <= MAX_WORDS
    assert len(asked(text)) <= MAX_ASKED
    for word in made:
        assert 0 < len(word) <= MAX_WORD
        assert all(unicodedata.category(char)[0] in "LMN" for char in word)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("House 7, Street 1", ["house", "7", "street", "1"]),
        ("PEW01-2026-000042-T", ["pew012026000042t", "pew01", "2026", "42"]),
        ("domicile", ["domicile"]),
        ("Abdul-Rahman", ["abdul", "rahman"]),
    ],
)
def test_what_holds_a_digit_is_a_word_and_its_parts(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_numbers_are_found_by_the_whole_and_by_the_last_digits() -> None:
    assert number_words("17301-1234567-1") == ["1730112345671", "5671"]
    assert number_words("AB 1234567") == ["ab1234567", "4567"]
    assert number_words("xxxx-xxxx-7058") == ["7058"]
    assert number_words("42") == ["42"]
    assert number_words("--") == []


def test_a_telephone_number_is_the_same_with_and_without_its_country() -> None:
    for phone in ("0300-1234567", "+92 300 1234567", "0092 300 1234567"):
        assert phone_words(phone) == ["03001234567", "4567"]
    assert phone_words("+91 98765 43210") == ["09876543210", "3210"]
    assert day_words("1990-05") == ["199005"]
    assert day_words("") == []


@pytest.mark.parametrize(
    "names",
    [
        "Muhammad Mohammed Mohammad محمد मुहम्मद",
        "Zarmina Zarmeena زرمینہ ज़रमीना",
        "Fatima Fatimah فاطمہ फ़ातिमा",
        "Iqbal اقبال इक़बाल",
        "Shah شاہ शाह",
        "Zulfiqar Zulfikar ذوالفقار",
        "Pervez Parvaiz پرویز",
        "Ayesha Aisha عائشہ आयशा",
        "Murugan முருகன்",
        "Chaudhry Chaudhary Choudhari",
    ],
    ids=lambda names: names.split()[0],
)
def test_a_name_sounds_the_same_in_whatever_script_and_spelling(names: str) -> None:
    assert len({sound(folded(name)) for name in names.split()}) == 1


def test_names_that_are_not_alike_do_not_sound_so() -> None:
    assert len(sounds("Gul Khan Zarmina Palwasha Iqbal Fatima Muhammad")) == 7
    assert sounds("17301 - ++") == []


@given(st.text(max_size=60))
def test_a_sound_is_short_and_made_of_latin_letters(text: str) -> None:
    for each in sounds(text):
        assert 0 < len(each) <= 12
        assert all("a" <= char <= "z" for char in each)
