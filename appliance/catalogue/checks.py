"""What is wrong with answers, in a sentence each, with what to do. Errors block; warnings are shown and may stand.

Numbers are judged by python-stdnum where it knows them. A CNIC has no check digit: where it disagrees with province
or gender, that is a warning and never more. No sentence repeats what was typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from stdnum import exceptions as stdnum_errors
from stdnum import iban
from stdnum.in_ import aadhaar, epic, pan
from stdnum.pk import cnic

from appliance.catalogue.answers import MASKED_AADHAAR, normalise_answers, shown_fields, situation
from appliance.catalogue.conditions import Situation, as_date, as_decimal, holds
from appliance.catalogue.model import Field, Service

MAX_YEARS_AGO: Final = 150
# The former tribal areas were merged into the province in 2018.
_PROVINCE_NOW: Final = {"FATA": "Khyber Pakhtunkhwa"}
_GENDERS: Final = {"M": "male", "F": "female"}
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_MOBILE: Final = {"PK": re.compile(r"03\d{9}"), "IN": re.compile(r"[6-9]\d{9}")}
_MOBILE_FORM: Final = {"PK": "03001234567", "IN": "9876543210"}
_ANY_PHONE: Final = re.compile(r"\+?\d{7,15}")
_PIN: Final = {"PK": re.compile(r"\d{5}"), "IN": re.compile(r"[1-9]\d{5}")}
_PIN_FORM: Final = {"PK": "five digits", "IN": "six digits, not beginning with 0"}
_PLATE: Final = {
    "PK": re.compile(r"[A-Z]{1,3}-\d{1,4}"),
    "IN": re.compile(r"[A-Z]{2} \d{1,2} [A-HJ-NP-Z]{1,3} \d{4}|\d{2} BH \d{4} [A-HJ-NP-Z]{1,2}"),
}
_PLATE_FORM: Final = {"PK": "ABC-1234", "IN": "HR 26 AB 1234 or 22 BH 1234 AB"}

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one answer.

    Args:
        field: the field's id.
        level: "error" blocks handing in, "warning" does not.
        sentence: what is wrong.
        next_step: what to do.
    """

    field: str
    level: Level
    sentence: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may look at beside the answer."""

    service: Service
    where: Situation


@dataclass(frozen=True, slots=True)
class Check:
    """A further check that a service file may ask for by name, and the kinds of field that it is for."""

    kinds: tuple[str, ...]
    find: Callable[[Field, str, Context], Iterator[Finding]]


def check_answers(
    service: Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Everything that is wrong with the answers, in the order of the form.

    Args:
        service: whose form.
        answers: as typed.
        today: the day of the application.
        roles: the roles for which a person is named.
    """
    where = situation(service, answers, today, roles)
    context = Context(service, where)
    found: list[Finding] = []
    for field in shown_fields(service, answers, today, roles):
        answer = where.answers.get(field.id)
        if answer is not None:
            found += _on_answer(field, answer, context)
        elif field.required:
            found.append(_missing(field))
    known = {field.id for field in service.fields}
    found += [
        Finding(name, "error", "The service asks nothing of this name.", "Leave it away, or correct the name.")
        for name in normalise_answers(service, answers)
        if name not in known
    ]
    broken = {finding.field for finding in found if finding.level == "error"}
    found += [
        Finding(rule.field, rule.level, rule.sentence, rule.next_step)
        for rule in service.rules
        if rule.field in where.answers and rule.field not in broken and holds(rule.when, where)
    ]
    return tuple(found)


def _missing(field: Field) -> Finding:
    return Finding(
        field.id, "error", f"{field.label.en}: not answered.", field.help.en or "Ask for it and write it down."
    )


def _on_answer(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    if len(answer) > field.max_length:
        yield _error(field, f"longer than {field.max_length} characters", "Shorten it.")
        return
    of_kind = list(_KINDS[field.kind](field, answer, context)) if field.kind in _KINDS else []
    yield from of_kind
    if any(finding.level == "error" for finding in of_kind):
        return
    if field.pattern is not None and re.fullmatch(field.pattern, answer) is None:
        yield _error(field, "not in the form that is asked for", field.help.en)
    if field.check is not None:
        yield from CHECKS[field.check].find(field, answer, context)


def _error(field: Field, what: str, next_step: str) -> Finding:
    return Finding(field.id, "error", f"{field.label.en}: {what}.", next_step)


def _warning(field: Field, what: str, next_step: str) -> Finding:
    return Finding(field.id, "warning", f"{field.label.en}: {what}.", next_step)


def _name(field: Field, answer: str, _: Context) -> Iterator[Finding]:
    if any(letter.isdigit() for letter in answer) or not any(letter.isalpha() for letter in answer):
        yield _error(field, "a name has letters and no digits", "Write the name as on the identity card.")
    elif not _has_latin(answer):
        yield _warning(
            field, "not in Latin letters", "Write it here as on the passport, and in its own script beside it."
        )


def _native_name(field: Field, answer: str, _: Context) -> Iterator[Finding]:
    if any(letter.isdigit() for letter in answer) or not any(letter.isalpha() for letter in answer):
        yield _error(field, "a name has letters and no digits", "Write the name as on the identity card.")
    elif _has_latin(answer):
        yield _warning(field, "in Latin letters", "Write it in the script of the citizen's language.")


def _has_latin(answer: str) -> bool:
    return any(letter.isalpha() and unicodedata.name(letter, "").startswith("LATIN") for letter in answer)


def _date(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    day = as_date(answer)
    if day is None:
        yield _error(field, "no date of the calendar", "Write day, month and year, like 31/12/2001.")
    elif day.year < context.where.today.year - MAX_YEARS_AGO:
        yield _error(field, f"more than {MAX_YEARS_AGO} years ago", "Look at the year again.")
    elif day.year > context.where.today.year + MAX_YEARS_AGO:
        yield _error(field, f"more than {MAX_YEARS_AGO} years ahead", "Look at the year again.")


def _number(field: Field, answer: str, _: Context) -> Iterator[Finding]:
    if re.fullmatch(r"\d{1,13}", answer, re.ASCII) is None:
        yield _error(field, "no whole number", "Write digits only, like 1300.")
    else:
        yield from _bounds(field, answer)


def _money(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    if re.fullmatch(r"\d{1,13}(\.\d{2})?", answer, re.ASCII) is None:
        yield _error(field, f"no amount in {context.service.currency}", "Write it like 1500 or 1500.50.")
    else:
        yield from _bounds(field, answer)


def _bounds(field: Field, answer: str) -> Iterator[Finding]:
    value = as_decimal(answer)
    if value is None:
        return
    if field.minimum is not None and value < field.minimum:
        yield _error(field, f"less than {field.minimum}", f"Write {field.minimum} or more.")
    if field.maximum is not None and value > field.maximum:
        yield _error(field, f"more than {field.maximum}", f"Write {field.maximum} or less.")


def _choice(field: Field, answer: str, _: Context) -> Iterator[Finding]:
    if answer not in {choice.id for choice in field.choices}:
        offered = ", ".join(choice.label.en for choice in field.choices)
        yield _error(field, "none of the answers offered", f"Choose one of: {offered}.")


def _yes_no(field: Field, answer: str, _: Context) -> Iterator[Finding]:
    if answer not in ("yes", "no"):
        yield _error(field, "neither yes nor no", "Write yes or no.")


def _cnic(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    if re.fullmatch(r"\d{5}-\d{7}-\d", answer, re.ASCII) is None:
        yield _error(field, "a CNIC number has 13 digits", "Write it like 17301-1234567-1.")
        return
    if cnic.get_province(answer) is None:
        yield _warning(field, "its first digit stands for no province", "Compare it with the card once more.")
    gender = _GENDERS.get(cnic.get_gender(answer) or "")
    role = (field.fact or "").partition(".")[0]
    stated = next(
        (context.where.answers.get(each.id) for each in context.service.fields if each.fact == f"{role}.gender"), None
    )
    if gender is None:
        yield _warning(field, "its last digit is 0, as on no card", "Compare it with the card once more.")
    elif stated in _GENDERS.values() and stated != gender:
        yield _warning(
            field,
            f"its last digit stands for {gender}, the form says {stated}",
            "Compare both with the card once more.",
        )


def _home_province(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    province = cnic.get_province(answer)
    if province is not None and _PROVINCE_NOW.get(province, province) != context.service.state:
        yield _warning(
            field,
            f"its first digit stands for {province}, not {context.service.state}",
            "Compare it with the card; if it is right, ask why the card comes from elsewhere.",
        )


def _aadhaar(field: Field, answer: str, _: Context) -> Iterator[Finding]:
    if MASKED_AADHAAR.fullmatch(answer):
        return
    try:
        aadhaar.validate(answer)
    except stdnum_errors.InvalidChecksum:
        yield _error(
            field, "a digit is wrong, the check digit does not agree", "Compare it with the card digit by digit."
        )
    except stdnum_errors.ValidationError:
        yield _error(field, "an Aadhaar number has 12 digits and begins with 2 to 9", "Compare it with the card.")


def _phone(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    country = context.service.country
    if _ANY_PHONE.fullmatch(answer) is None:
        yield _error(field, "no telephone number", f"Write it like {_MOBILE_FORM[country]}.")
    elif _MOBILE[country].fullmatch(answer) is None:
        yield _warning(field, "no mobile number of this country", "Messages may not reach it; ask for a mobile number.")


def _email(field: Field, answer: str, _: Context) -> Iterator[Finding]:
    if _EMAIL.fullmatch(answer) is None:
        yield _error(field, "no e-mail address", "Write it like name@example.org, or leave it empty.")


def _vehicle_number(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    form = _PLATE_FORM[context.service.country]
    if re.fullmatch(r"[A-Z0-9 -]{2,15}", answer) is None:
        yield _error(field, "a registration number has only letters and digits", f"Write it like {form}.")
    elif _PLATE[context.service.country].fullmatch(answer) is None:
        yield _warning(field, "not in the usual form", f"Compare it with the registration book; usual is {form}.")


def _pin_code(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    if _PIN[context.service.country].fullmatch(answer) is None:
        yield _error(field, f"a postal code has {_PIN_FORM[context.service.country]}", "Look it up by the post office.")


def _not_future(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    day = as_date(answer)
    if day is not None and day > context.where.today:
        yield _error(field, "lies in the future", "Look at the day, the month and the year again.")


def _not_past(field: Field, answer: str, context: Context) -> Iterator[Finding]:
    day = as_date(answer)
    if day is not None and day < context.where.today:
        yield _error(field, "lies in the past", "Look at the day, the month and the year again.")


def _by_stdnum(is_valid: Callable[[str], bool], what: str) -> Callable[[Field, str, Context], Iterator[Finding]]:
    def find(field: Field, answer: str, _: Context) -> Iterator[Finding]:
        if not is_valid(answer):
            yield _error(field, f"no valid {what}", "Compare it with the paper character by character.")

    return find


_KINDS: Final[Mapping[str, Callable[[Field, str, Context], Iterator[Finding]]]] = {
    "name": _name,
    "native_name": _native_name,
    "date": _date,
    "number": _number,
    "money": _money,
    "choice": _choice,
    "yes_no": _yes_no,
    "cnic": _cnic,
    "aadhaar": _aadhaar,
    "phone": _phone,
    "email": _email,
    "vehicle_number": _vehicle_number,
    "pin_code": _pin_code,
}

CHECKS: Final[Mapping[str, Check]] = {
    "not_future": Check(("date",), _not_future),
    "not_past": Check(("date",), _not_past),
    "home_province": Check(("cnic",), _home_province),
    "pan": Check(("text",), _by_stdnum(pan.is_valid, "PAN of the income tax department")),
    "voter_number": Check(("text",), _by_stdnum(epic.is_valid, "number of a voter's card")),
    "iban": Check(("text",), _by_stdnum(iban.is_valid, "IBAN")),
}
