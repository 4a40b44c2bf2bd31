"""Native script, letter by letter in Latin, for a terminal that would set it wrongly.

`latin` answers as many characters as it is given, each one cell wide, so that a cursor stands where it should; a line
break stays one. It is a help for the eye and follows no standard: what is stored, searched and printed is always the
text itself.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final


def _table(text: str) -> dict[str, str]:
    """`NAME:letter` pairs."""
    pairs = (pair.partition(":") for pair in text.split())
    return {name: letter for name, _, letter in pairs}


# By the names that Unicode gives the letters.
_ARABIC: Final = _table(
    "ALEF:a BEH:b PEH:p TEH:t TTEH:ṭ THEH:ṡ JEEM:j TCHEH:č HAH:ḥ KHAH:x DAL:d DDAL:ḍ THAL:ż REH:r RREH:ṛ ZAIN:z JEH:ž"
    " SEEN:s SHEEN:š SAD:ṣ DAD:ḋ TAH:ṫ ZAH:ẓ AIN:ʿ GHAIN:ġ FEH:f QAF:q KAF:k KEHEH:k GAF:g LAM:l MEEM:m NOON:n WAW:w"
    " HEH:h YEH:y HAMZA:ʾ BARREE:e E:e U:u OE:o"
)
_MARKS: Final = _table("FATHA:a KASRA:i DAMMA:u FATHATAN:a KASRATAN:i DAMMATAN:u")
_INDIC: Final = _table(
    "AA:ā II:ī UU:ū EE:ē OO:ō AI:ē AU:ō TTA:ṭ TTHA:ṭ DDA:ḍ DDHA:ḍ NNA:ṇ NNNA:ṉ SSA:ṣ SHA:š NGA:ṅ NYA:ñ LLA:ḷ LLLA:ḻ"
    " RRA:ṟ ANUSVARA:ṃ VISARGA:ḥ CANDRABINDU:ṃ"
)
_INDIC_SCRIPTS: Final = frozenset({"DEVANAGARI", "TAMIL", "GURMUKHI", "BENGALI", "GUJARATI", "TELUGU", "KANNADA"})
_NOTHING: Final = "·"
_UNKNOWN: Final = "?"


def latin(text: str) -> str:
    """`text` with every character that is not Latin replaced by one that is; as long as `text` is."""
    return text if text.isascii() and text.isprintable() else "".join(map(_letter, text))


@lru_cache(maxsize=2048)
def _letter(character: str) -> str:
    name = unicodedata.name(character, "")
    script, _, rest = name.partition(" ")
    if (
        character == "\n"
        or (character.isascii() and character.isprintable())
        or (script == "LATIN" and unicodedata.east_asian_width(character) not in "WF")
    ):
        return character
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    category = unicodedata.category(character)
    if script == "ARABIC" and category[0] == "L":
        # FARSI YEH, HEH GOAL and TEH WITH RING are a YEH, a HEH and a TEH.
        words = rest.removeprefix("LETTER ").partition(" WITH ")[0].split()
        return next((_ARABIC[word] for word in reversed(words) if word in _ARABIC), _UNKNOWN)
    if script == "ARABIC" and category[0] == "M":
        return _MARKS.get(rest, _NOTHING)
    if script in _INDIC_SCRIPTS and category[0] in "LM":
        last = rest.split()[-1]
        if last in ("VIRAMA", "NUKTA"):
            return _NOTHING
        return _INDIC.get(last, last[0].lower())
    if category[0] == "P" and character in "،؛؟۔।":
        return dict(zip("،؛؟۔।", ",;?.|", strict=True))[character]
    # Marks that take no cell, and controls that would turn the line around, must not reach the terminal.
    if category in ("Mn", "Me", "Cf", "Cc", "Zl", "Zp") or unicodedata.east_asian_width(character) in "WF":
        return _NOTHING
    return _UNKNOWN if category[0] in "LMC" else character
