"""Citizens, in words."""

from __future__ import annotations

from typing import Final

from appliance.journal import kinds as k
from appliance.records.wording.base import Wording

FIELDS: Final = {
    "name": "name",
    "name_native": "name in native script",
    "born": "date of birth",
    "identity_kind": "kind of identity number",
    "identity_number": "identity number",
    "native_language": "language",
    "gender": "gender",
    "father_name": "father's name",
    "father_name_native": "father's name in native script",
    "mother_name": "mother's name",
    "mother_name_native": "mother's name in native script",
    "phone": "phone number",
    "address": "address",
}
"""What is written down of a person, as people call it."""

_OUTCOMES: Final = {"matched": "it is so", "not_matched": "it is NOT so", "unavailable": "there was no answer"}


def _corrected(body: k.PersonCorrected) -> str:
    changes = [f"the {FIELDS[name]} to “{value}”" for name, value in body.changes.items() if name in FIELDS]
    return f"corrected {', '.join(changes) or 'the person'}: {body.reason}"


def _linked(body: k.PersonLinked) -> str:
    ground = f", by {body.authority}" if body.authority else ""
    end = f", until {body.until}" if body.until else ""
    return f"wrote down who the {body.relation} is{ground}{end}"


def _verified(body: k.PersonVerified) -> str:
    number = f" {body.reference}" if body.reference else ""
    if body.method == "seen":
        return f"saw the person, and {body.paper}{number}"
    return f"asked {body.adapter} who the person is: {_OUTCOMES[body.outcome]}{number and f' (reference{number})'}"


WHAT: Final[Wording] = {
    k.PersonAdded.KIND: lambda body: f"wrote down the person {body.name}",
    k.PersonCorrected.KIND: _corrected,
    k.PersonMerged.KIND: lambda body: f"found that the person was written down twice: {body.reason}",
    k.PersonUnmerged.KIND: lambda body: f"found that these are two persons after all: {body.reason}",
    k.PersonLinked.KIND: _linked,
    k.PersonUnlinked.KIND: lambda body: f"took back who the {body.relation} is: {body.reason}",
    k.PersonVerified.KIND: _verified,
}
