"""Answers as they are kept: one spelling for each meaning, and only those of fields that are shown.

Digits of every script become ASCII, text becomes NFC (Unicode Standard Annex 15), spaces are single, dates are ISO
8601, amounts have no separators. What does not have the form of its kind is only cleaned, and `check_answers` says
what is wrong with it. Normalising twice changes nothing more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Final

from stdnum.in_ import aadhaar
from stdnum.pk import cnic

from appliance.catalogue.conditions import Situation, holds
from appliance.catalogue.model import Field, Service

MAX_TYPED: Final = 10_000
"""Characters of one answer that are looked at; more is cut off."""

_DATES: Final = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"),
    re.compile(r"(?P<d>\d{1,2})[-./ ](?P<m>\d{1,2})[-./ ](?P<y>\d{4})"),
)
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_MANY_LINES: Final = frozenset({"address", "lines"})
_YES: Final = frozenset({"yes", "y", "true", "ہاں", "جی ہاں", "هو", "हाँ", "हां", "ஆம்"})
_NO: Final = frozenset({"no", "n", "false", "نہیں", "جی نہیں", "نه", "नहीं", "இல்லை"})
_INDIAN_PLATE: Final = re.compile(r"([A-Z]{2})(\d{1,2})([A-Z]{1,3})(\d{4})|(\d{2})(BH)(\d{4})([A-Z]{1,2})")
_PLATE: Final = re.compile(r"([A-Z]{1,4})(\d{1,4})")
_CURRENCY: Final = re.compile(r"^(?:Rs\.?|PKR|INR|₹|₨)\s*|\s*/-$", re.IGNORECASE)


def normalise_answers(service: Service, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers in one spelling; empty ones are left out, ones to no field of the service are only cleaned."""
    fields = {field.id: field for field in service.fields}
    found = {}
    for name, typed in answers.items():
        field = fields.get(name)
        answer = _clean(typed, many=False) if field is None else normalise(field, typed, service.country)
        if answer:
            found[name] = answer
    return found


def normalise(field: Field, typed: str, country: str) -> str:
    """One answer in one spelling."""
    cleaned = _clean(typed, many=field.kind in _MANY_LINES)
    if field.kind == "choice":
        return _choice(field, cleaned)
    of_kind = _KINDS.get(field.kind)
    # What a kind takes out may bring a letter and its accent together.
    return cleaned if of_kind is None else unicodedata.normalize("NFC", of_kind(cleaned, country))


def given_answers(
    service: Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()
) -> dict[str, str]:
    """The normalised answers of the fields that are shown: what an application keeps.

    Args:
        service: whose fields.
        answers: as typed.
        today: the day of the application.
        roles: the roles for which a person is named.
    """
    return dict(situation(service, answers, today, roles).answers)


def shown_fields(
    service: Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()
) -> tuple[Field, ...]:
    """The fields to ask, in order. An answer to a field that is not shown shows nothing either."""
    return _walk(service, answers, today, roles)[0]


def situation(service: Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()) -> Situation:
    """What the conditions of a service are judged by."""
    return _walk(service, answers, today, roles)[1]


def _walk(
    service: Service, answers: Mapping[str, str], today: date, roles: Collection[str]
) -> tuple[tuple[Field, ...], Situation]:
    normalised = normalise_answers(service, answers)
    kept: dict[str, str] = {}
    where = Situation(kept, today, frozenset(roles))
    shown = []
    for field in service.fields:
        if holds(field.when, where):
            shown.append(field)
            if field.id in normalised:
                kept[field.id] = normalised[field.id]
    return tuple(shown), where


def _clean(typed: str, *, many: bool) -> str:
    letters = []
    for letter in typed[:MAX_TYPED].replace("\r\n", "\n"):
        category = unicodedata.category(letter)
        if letter in _BIDI or category == "Cs":
            continue
        if category == "Nd":
            letters.append(str(unicodedata.digit(letter)))
        else:
            letters.append(" " if category == "Cc" and letter != "\n" else letter)
    text = unicodedata.normalize("NFC", "".join(letters))
    if not many:
        return " ".join(text.split())
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _choice(field: Field, cleaned: str) -> str:
    wanted = cleaned.casefold()
    for choice in field.choices:
        if wanted == choice.id:
            return choice.id
    for choice in field.choices:
        if any(wanted == label.casefold() for label in choice.label.values.values()):
            return choice.id
    return cleaned


def _date(cleaned: str, _: str) -> str:
    for form in _DATES:
        match = form.fullmatch(cleaned)
        if match is not None:
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"])).isoformat()
            except ValueError:
                return cleaned
    return cleaned


def _number(cleaned: str, _: str) -> str:
    plain = re.sub(r"(?<=\d)[, ٬](?=\d)", "", cleaned)
    return str(int(plain)) if plain.isascii() and plain.isdigit() else cleaned


def _money(cleaned: str, _: str) -> str:
    plain = re.sub(r"(?<=\d)[, ٬](?=\d)", "", _CURRENCY.sub("", cleaned)).replace("٫", ".")
    match = re.fullmatch(r"(\d+)(?:\.(\d{1,2}))?", plain, re.ASCII)
    if match is None:
        return cleaned
    minor = (match[2] or "").ljust(2, "0")
    return str(int(match[1])) + ("" if minor == "00" else f".{minor}")


def _yes_no(cleaned: str, _: str) -> str:
    word = cleaned.casefold()
    return "yes" if word in _YES else "no" if word in _NO else cleaned


def _cnic(cleaned: str, _: str) -> str:
    digits = cnic.compact(cleaned).replace(" ", "")
    return str(cnic.format(digits)) if re.fullmatch(r"\d{13}", digits, re.ASCII) else cleaned


MASKED_AADHAAR: Final = re.compile(r"[xX*]{4}[- ]?[xX*]{4}[- ]?([0-9]{4})")
"""An Aadhaar number of which the last four digits are all that is kept."""


def _aadhaar(cleaned: str, _: str) -> str:
    masked = MASKED_AADHAAR.fullmatch(cleaned)
    if masked is not None:
        return f"xxxx-xxxx-{masked[1]}"
    digits = aadhaar.compact(cleaned)
    return digits if re.fullmatch(r"\d{12}", digits, re.ASCII) else cleaned


def _phone(cleaned: str, country: str) -> str:
    plain = re.sub(r"[\s().-]", "", cleaned)
    if not re.fullmatch(r"\+?\d+", plain, re.ASCII):
        return cleaned
    if country == "PK":
        return re.sub(r"^(?:\+92|0092|92)?0?(?=3\d{9}$)", "0", plain)
    return re.sub(r"^(?:\+91|0091|91|0)(?=[6-9]\d{9}$)", "", plain)


def _vehicle_number(cleaned: str, country: str) -> str:
    upper = cleaned.upper()
    plain = re.sub(r"[\s.-]", "", upper)
    if country == "IN":
        match = _INDIAN_PLATE.fullmatch(plain)
        return " ".join(part for part in match.groups() if part) if match else upper
    match = _PLATE.fullmatch(plain)
    return "-".join(match.groups()) if match else upper


def _pin_code(cleaned: str, _: str) -> str:
    return cleaned.replace(" ", "")


_KINDS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "date": _date,
    "number": _number,
    "money": _money,
    "yes_no": _yes_no,
    "cnic": _cnic,
    "aadhaar": _aadhaar,
    "phone": _phone,
    "email": lambda cleaned, _: cleaned.replace(" ", ""),
    "vehicle_number": _vehicle_number,
    "pin_code": _pin_code,
}
