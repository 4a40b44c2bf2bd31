"""What a walked case says: specimens of our own, or the service and every field from a file.

The file is JSON: `{"fields": {"name": "…", …}, "people": {"applicant": {"name": "…"}, …}}`, or the fields alone. Fields
are those of the service's own file; people that are not named are made from the fields that state facts about them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from appliance.casework.people import Person
from appliance.catalogue import Service, check_answers
from appliance.journal.errors import OperatorError

MAX_FILE_BYTES: Final = 1024 * 1024
MAX_TOLD: Final = 8
SPECIMEN: Final = "SPECIMEN"
FIRST: Final = "domicile"
SECOND: Final = "driving_licence_learner"

_APPLICANT: Final = Person(
    name="SPECIMEN Gul Bibi",
    name_native="نمونہ گل بی بی",
    native_language="ur",
    born="1990-01-01",
    gender="female",
    father_name="SPECIMEN Sher Khan",
    father_name_native="نمونہ شیر خان",
    identity_kind="cnic",
    identity_number="17301-0000000-2",
    phone="03001234567",
    address="House 7, Street 1, University Town, Peshawar",
)
_ANSWERS: Final[Mapping[str, str]] = {
    "cnic": "17301-0000000-2",
    "name": "SPECIMEN Gul Bibi",
    "name_native": "نمونہ گل بی بی",
    "father_name": "SPECIMEN Sher Khan",
    "born": "1990-01-01",
    "gender": "female",
    "birth_place": "Peshawar",
    "religion": "Islam",
    "marital_status": "single",
    "schooled": "yes",
    "qualification": "Matriculation",
    "occupation": "Teacher",
    "phone": "03001234567",
    "purpose": "Employment (SPECIMEN)",
    "district": "peshawar",
    "tehsil": "Peshawar City",
    "address_permanent": "House 7, Street 1, University Town, Peshawar",
    "arrived": "1990-01-01",
    "same_address": "yes",
    # The learner's permit asks these beside.
    "class": "car",
    "blood_group": "o_positive",
    "height_cm": "165",
    "weight_kg": "60",
    "home_district": "yes",
}
# From a fact's name to the attribute of a person that it fills.
_OF_FACTS: Final[Mapping[str, str]] = {
    "name": "name",
    "name_native": "name_native",
    "father_name": "father_name",
    "mother_name": "mother_name",
    "born": "born",
    "gender": "gender",
    "phone": "phone",
    "address_permanent": "address",
}
_NUMBERS: Final = ("cnic", "aadhaar", "passport")
_ATTRIBUTES: Final = frozenset(each.name for each in dataclasses.fields(Person))


@dataclass(frozen=True, slots=True)
class Plan:
    """A case to be walked: what would be answered to every question, and who has which part."""

    service: str
    answers: Mapping[str, str]
    people: Mapping[str, Person] = field(default_factory=dict)


def specimen_plan(service: str) -> Plan:
    """One of the two cases that are walked where no file is given."""
    return Plan(service, _ANSWERS, {"applicant": _APPLICANT})


def read_plan(service: Service, file: Path, today: date) -> Plan:
    """The case in a file.

    Raises:
        OperatorError: it cannot be read, is no such JSON, names a field that the service does not have, or an answer is
            missing or wrong.
    """
    try:
        with file.open("rb") as source:
            content = source.read(MAX_FILE_BYTES + 1)
        found = json.loads(content) if len(content) <= MAX_FILE_BYTES else None
    except OSError as error:
        raise OperatorError(f"{file} cannot be read ({error.strerror}).", "Check the name of the file.") from error
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OperatorError(f"{file} is not a JSON object.", "Write the fields as {“name”: “…”, …}.")
    nested = isinstance(found.get("fields"), dict)
    answers = _texts(file, found["fields"] if nested else found)
    known = [each.id for each in service.fields]
    if strange := sorted(answers.keys() - set(known)):
        raise OperatorError(
            f"{file}: {service.id} has no field “{strange[0]}”.", "Its fields are: " + ", ".join(known) + "."
        )
    people = found.get("people", {}) if nested else {}
    if not isinstance(people, dict):
        raise OperatorError(f"{file}: “people” is not a JSON object.", "Write {“applicant”: {“name”: “…”}}.")
    named = {role: _person(file, role, said) for role, said in people.items()}
    wrong = [each for each in check_answers(service, answers, today, named) if each.level == "error"]
    if wrong:
        told = " ".join(f"{each.field}: {each.sentence}" for each in wrong[:MAX_TOLD])
        more = f" And {len(wrong) - MAX_TOLD} more." if len(wrong) > MAX_TOLD else ""
        raise OperatorError(f"{file}: {told}{more}", wrong[0].next_step)
    return Plan(service.id, answers, named)


def person_in(plan: Plan, service: Service, role: str) -> Person:
    """Who has this part: as the plan names them, or as the fields tell of them; else a specimen."""
    if role in plan.people:
        return plan.people[role]
    values: dict[str, str] = {}
    for each in service.fields:
        of, _, fact = (each.fact or "").partition(".")
        answer = plan.answers.get(each.id, "")
        if of != role or not answer:
            continue
        if fact in _OF_FACTS:
            values[_OF_FACTS[fact]] = answer
        elif fact in _NUMBERS:
            values.update(identity_kind=fact, identity_number=answer)
    values.setdefault("name", f"{SPECIMEN} {role}")
    return Person(**values)


def _texts(file: Path, found: Mapping[str, object]) -> dict[str, str]:
    answers = {}
    for name, value in found.items():
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if not isinstance(value, str | int | float):
            raise OperatorError(f"{file}: the value of “{name}” is neither text nor a number.", "Write it in quotes.")
        answers[name] = str(value)
    return answers


def _person(file: Path, role: str, said: object) -> Person:
    if not isinstance(said, dict) or not said.get("name") or not set(said) <= _ATTRIBUTES:
        raise OperatorError(
            f"{file}: “{role}” is not written as a person is.",
            "A person has a name, and may have: " + ", ".join(sorted(_ATTRIBUTES - {"name"})) + ".",
        )
    return Person(**_texts(file, said))
