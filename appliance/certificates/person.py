"""Claim 169: a person in a code (MOSIP, ID Claim 169, version 1.2). All of it is optional.

Written strictly, by the table of the specification; read tolerantly, because its published examples break that table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from appliance.certificates.cbor import Item, Key
from appliance.certificates.record import Line, is_date

LANGUAGE_CODES: Final = {"en": "eng", "ur": "urd", "ps": "pus", "hi": "hin", "ta": "tam"}
"""ISO 639-1 to ISO 639-3, which the claim has."""
GENDERS: Final = {"1": "male", "2": "female", "3": "other"}

_ID, _FULL_NAME, _BORN, _GENDER, _SECOND_NAME, _SECOND_LANGUAGE = 1, 4, 8, 9, 19, 20
_SHORT_CODES: Final = {long: short for short, long in LANGUAGE_CODES.items()}
_DATE_DIGITS: Final = 8


class CodeHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the certificate is about, as far as the code says."""

    name: Line = ""
    name_native: Line = ""
    native_language: Line = ""
    """ISO 639-1 where it has two letters."""
    born: Line = ""
    """A date (ISO 8601), or what the paper seen says."""
    gender: Line = ""
    identity_kind: Line = ""
    identity_number_shown: Line = ""


def write_person(holder: Mapping[str, str], native_language: str) -> Item:
    """The claim.

    Args:
        holder: fields of `CodeHolder`; a birth that is no date has no place here.
        native_language: of the name in the second script, ISO 639-1.
    """
    born, native = holder["born"], holder["name_native"]
    return that_say(
        {
            _ID: holder["identity_number_shown"],
            _FULL_NAME: holder["name"],
            _BORN: born.replace("-", "") if is_date(born) else "",
            _SECOND_NAME: native,
            _SECOND_LANGUAGE: LANGUAGE_CODES.get(native_language, "") if native else "",
        }
    )


def read_person(claim: Mapping[Key, Item]) -> dict[str, Item]:
    """Those fields of `CodeHolder` that the claim has; their form is not checked yet."""
    born, gender, language = claim.get(_BORN, ""), claim.get(_GENDER, ""), claim.get(_SECOND_LANGUAGE, "")
    if isinstance(born, str) and len(born) == _DATE_DIGITS and born.isascii() and born.isdecimal():
        dashed = f"{born[:4]}-{born[4:6]}-{born[6:]}"
        born = dashed if is_date(dashed) else born
    if isinstance(gender, (int, str)):
        gender = GENDERS.get(str(gender), "")
    if isinstance(language, str):
        language = _SHORT_CODES.get(language, language)
    return {
        name: value
        for name, value in {
            "name": claim.get(_FULL_NAME, ""),
            "name_native": claim.get(_SECOND_NAME, ""),
            "native_language": language,
            "born": born,
            "gender": gender,
            "identity_number_shown": claim.get(_ID, ""),
        }.items()
        if value != ""
    }


def that_say(fields: Mapping[Key, Item]) -> Item:
    """A map of those fields that are not empty."""
    return {key: value for key, value in fields.items() if value != ""}
