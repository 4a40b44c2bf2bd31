"""How people, days and moments are written on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Final

from appliance.casework.centre import Centre
from appliance.casework.people import PersonView
from appliance.records.moment import parse_at

IDENTITY_KINDS: Final[Mapping[str, str]] = {
    "cnic": "CNIC",
    "form_b": "Form-B",
    "aadhaar": "Aadhaar",
    "passport": "passport",
    "por_card": "proof of registration (refugee)",
    "other": "other paper",
}
"""What an identity number may stand on."""


def day(text: str) -> str:
    """A day as people write it, `2026-11-22` as `22 Nov 2026`; anything else as it is."""
    try:
        return date.fromisoformat(text).strftime("%-d %b %Y")
    except ValueError:
        return text


def moment(centre: Centre, at: str) -> str:
    """An instant of the journal, by the centre's clock."""
    return parse_at(at).astimezone(centre.rules.zone).strftime("%-d %b %Y %H:%M") if at else ""


def day_of(centre: Centre, at: str) -> str:
    """The day of an instant of the journal, by the centre's clock."""
    return day(centre.day_of(at).isoformat()) if at else ""


def person_line(view: PersonView) -> str:
    """A person on one line: name, number, date of birth, father."""
    person = view.person
    number = f"{IDENTITY_KINDS.get(person.identity_kind, person.identity_kind)} {person.identity_number}"
    parts = (
        person.name,
        number if person.identity_number else "",
        f"born {day(person.born)}" if person.born else "",
        f"child of {person.father_name or person.mother_name}" if person.father_name or person.mother_name else "",
    )
    return ", ".join(part for part in parts if part)


def identity_line(view: PersonView, centre: Centre) -> str:
    """How it was made sure who a person is."""
    found = view.verification
    if found is None:
        return "identity not seen yet"
    when = day_of(centre, found.at)
    if not found.stands:
        return (
            f"identity was checked on {when}, and does not stand: {found.outcome.replace('_', ' ')}, or corrected since"
        )
    return (
        f"identity seen on {found.paper}, {when}" if found.method == "seen" else f"verified by {found.adapter}, {when}"
    )


def facts_of(view: PersonView) -> dict[str, str]:
    """What is written down of a person, by the names that services give to facts."""
    written = {name: value for name, value in asdict(view.person).items() if value}
    number = written.pop("identity_number", "")
    kind = written.pop("identity_kind", "")
    if number and kind in ("cnic", "passport"):
        written[kind] = number
    elif number and kind == "form_b":
        written["cnic"] = number
    if "address" in written:
        written["address_permanent"] = written["address"]
    return written
