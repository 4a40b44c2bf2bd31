"""How a name sounds, roughly, whatever script it is written in: its consonants, in Latin letters.

`Muhammad`, `Mohammed` and `محمد` all give `mhmt`; `Zarmina`, `Zarmeena`, `زرمینہ` and `ज़रमीना` give `zrmn`. Vowels
and aspiration are dropped, because they are what spelling in Latin letters varies most; consonants that one script
writes alike, or that are said alike, are one. It finds candidates: who is meant is decided on the names themselves.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from appliance.records.words import words

MAX_SOUND: Final = 12
MAX_REMEMBERED: Final = 4096

_ALIKE: Final = {
    "a": "اعءویअआइईउऊऋएऐओऔयवािीुूृेैोौஅஆஇஈஉஊஎஏஐஒஓஔயவாிீுூெேைொோௌaeiouyvw",
    "b": "بپपबभபbp",
    "c": "چڅचछč",
    "f": "فफf",
    "h": "حہहஹh",
    "k": "کقخگغकखगघகckqxg",
    "l": "لलळலளழl",
    "m": "مमமm",
    "n": "نनणङञंநணனஙஞn",
    "r": "رڑरறரr",
    "s": "ثسصشښशषसசஷஸs",
    "t": "تطٹدڈटठतथडढदधடதtd",
    "z": "ذزضظځژږجजझஜzj",
}
_LETTERS: Final = str.maketrans({letter: alike for alike, letters in _ALIKE.items() for letter in letters})
# In Latin letters an h after these is breath; `ch` is a consonant of its own, and `ph` mostly an f.
_ASPIRATED: Final = re.compile(r"([bdgjkpqrst])h")
_TWICE: Final = re.compile(r"(.)\1+")


@lru_cache(MAX_REMEMBERED)
def sound(word: str) -> str:
    """How one folded word sounds; empty where it holds a digit, or no letter that is known here."""
    if any(char.isdigit() for char in word):
        return ""
    if word.isascii():
        word = _ASPIRATED.sub(r"\1", word.replace("ch", "č").replace("ph", "f"))
    letters = "".join(char for char in word.translate(_LETTERS) if "a" <= char <= "z")
    if not letters:
        return ""
    # A vowel at the beginning is heard, whichever it is; an h at the end is not.
    bare = letters[0] + letters[1:].replace("a", "").removesuffix("h")
    return _TWICE.sub(r"\1", bare)[:MAX_SOUND]


def sounds(text: str) -> list[str]:
    """How the words of a name sound, each once."""
    return list(dict.fromkeys(filter(None, map(sound, words(text)))))
