"""Words as search compares them: the same for however somebody writes a letter, a digit, a number or a day.

Letters: compatibility forms, case, accents, vowel points and joiners fall away (Unicode NFKC, case folding); Arabic,
Urdu and Pashto forms of one letter become one; a nukta and a candrabindu make no difference in Indic scripts; digits of
every script are 0 to 9. Anything that is no letter, mark or digit separates words.

It is the same at the node and at central, and when a query is read: what is stored is compared with what is typed by
these functions alone. Raise `appliance.records.folds.base.FOLD_VERSION` when they change.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

MAX_WORD: Final = 32
"""Characters of a word that count."""
MAX_WORDS: Final = 40
"""Words of one text that count."""
MAX_ASKED: Final = 8
"""Words of a query that count."""
MAX_REMEMBERED: Final = 8192
LAST_DIGITS: Final = 4
"""Digits at the end of a number by which people ask for it."""

Asked = tuple[tuple[str, ...], ...]
"""A query: for each word that must be there, the beginnings by which it may be."""

# Letters that are one to whoever reads them. The keys are what decomposing leaves.
_ONE_LETTER: Final = {
    **dict.fromkeys("كڪګڭ", "ک"),
    "ګ": "گ",
    **dict.fromkeys("يىېۍےۓئ", "ی"),
    **dict.fromkeys("هةھۃۀۂەۿ", "ہ"),
    **dict.fromkeys("ٱإأآ", "ا"),
    "ؤ": "و",
    "ں": "ن",
    "ڼ": "ن",
    "ټ": "ٹ",
    "ډ": "ڈ",
    "ړ": "ڑ",
    "ँ": "ं",
    "ß": "ss",
    "ı": "i",
    "ł": "l",
    "ø": "o",
}
# Combining marks that fall away: accents, Arabic vowel points and signs, nuktas.
_FALL_AWAY: Final = re.compile("[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u093c\u09bc\u0a3c]")


class _Letters(dict[int, str]):
    """What each character becomes; found out once a character."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        digit = unicodedata.decimal(char, None)
        category = unicodedata.category(char)
        if digit is not None:
            found = str(digit)
        elif char in _ONE_LETTER:
            found = _ONE_LETTER[char]
        elif category == "Cf" or char == "\u0640" or _FALL_AWAY.fullmatch(char):
            found = ""
        else:
            found = char if category[0] in "LMN" else " "
        self[point] = found
        return found


_LETTERS: Final = _Letters()
_DAY_LAST: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})(?:[-/.]([0-9]{1,2}))?")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})")
_EIGHT: Final = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")
_DIGIT: Final = re.compile(r"\d")
_COUNTRIES: Final = ("92", "91")
_MIN_ABROAD: Final = 11


def folded(text: str) -> str:
    """A text with letters and digits as they are compared, and single spaces where words part."""
    if text.isascii():
        return " ".join(text.lower().translate(_LETTERS).split())
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(plain.translate(_LETTERS).split())


def words(text: str) -> list[str]:
    """The words of a text. What holds a digit is a number: one word, and its longer parts beside it."""
    return " ".join(map(words_of_piece, text.split())).split()[:MAX_WORDS]


@lru_cache(MAX_REMEMBERED)
def words_of_piece(piece: str) -> str:
    """The words of what stands between two spaces, with spaces between them. Names come again and again."""
    parts = folded(piece).split()
    whole: list[str] = []
    if len(parts) > 1 and _DIGIT.search(piece):
        whole = ["".join(parts)]
        parts = [part.lstrip("0") or part for part in parts if len(part) >= LAST_DIGITS]
    return " ".join(word[:MAX_WORD] for word in (*whole, *parts))


def number_words(number: str) -> list[str]:
    """The words by which an identity number is found: the whole, and its last digits."""
    whole = _whole(number)
    last = whole[-LAST_DIGITS:]
    if whole.startswith("xxxx"):
        return [last]
    return [whole[:MAX_WORD], last] if len(whole) > LAST_DIGITS else [whole][: len(whole)]


def _whole(number: str) -> str:
    plain = number.replace("-", "")
    return plain if plain.isascii() and plain.isdigit() else folded(number).replace(" ", "")


def phone_words(phone: str) -> list[str]:
    """The words by which a telephone number is found: as dialled within the country, and its last digits."""
    return number_words(_dialled(_whole(phone)))


def day_words(day: str) -> list[str]:
    """The word by which a day, a month or a year (ISO 8601) is found: its digits, the year first."""
    return [day.replace("-", "")] if day else []


def asked(text: str) -> Asked:
    """What somebody asks for, word by word; each may be only the beginning of one.

    Days are understood the day first or last, numbers with or without their hyphens, telephone numbers with or without
    the country's.
    """
    pieces = text.split()
    digits = folded(text).replace(" ", "")
    if len(pieces) > 1 and digits.isdigit():
        # A number that was typed in groups.
        return ((digits[:MAX_WORD], *_dialled_too(digits)),)
    groups: list[tuple[str, ...]] = []
    for piece in pieces:
        if _DIGIT.search(piece):
            groups.append(tuple(dict.fromkeys(_asked_number(piece))))
        else:
            groups += [(word[:MAX_WORD],) for word in folded(piece).split()]
    return tuple(group for group in groups if group and group[0])[:MAX_ASKED]


def _asked_number(piece: str) -> Iterable[str]:
    plain = "".join(piece.translate(_Digits()))
    last, first = _DAY_LAST.fullmatch(plain), _DAY_FIRST.fullmatch(plain)
    if last is not None:
        yield "".join(f"{int(part):02d}" for part in last.groups() if part)
    elif first is not None:
        day, month, year = first.groups()
        yield f"{year}{int(month):02d}{int(day):02d}"
    whole = folded(piece).replace(" ", "")[:MAX_WORD]
    yield whole
    eight = _EIGHT.fullmatch(whole)
    if eight is not None:
        yield "".join(reversed(eight.groups()))
    yield from _dialled_too(whole)


class _Digits(dict[int, str]):
    def __missing__(self, point: int) -> str:
        digit = unicodedata.decimal(chr(point), None)
        return chr(point) if digit is None else str(digit)


def _dialled_too(digits: str) -> Iterable[str]:
    if digits.isdigit() and (dialled := _dialled(digits)) != digits:
        yield dialled[:MAX_WORD]


def _dialled(digits: str) -> str:
    """A telephone number as dialled within its country: the country's own number becomes a 0."""
    plain = digits.removeprefix("00")
    if plain.startswith(_COUNTRIES) and len(plain) >= _MIN_ABROAD:
        return "0" + plain[2:]
    return digits
