"""The settings of a node that central may order: a small closed set, each with the form of its value.

A value is text in the form of TOML, in one spelling, so that both sides read the same; a node's own file says the same
things under the same names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from appliance.journal.errors import OperatorError

MAX_MEGABYTES: Final = 1_000_000
MAX_HOLIDAYS: Final = 200
WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")


class NotOrderable(OperatorError):
    """Central may not order that setting, or not to that value."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value: as an order writes it, and as the settings take it."""

    text: str
    value: object


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that central may order: what it is, the form of its value, and what reads it."""

    name: str
    what: str
    form: str
    read: Callable[[object], object]


def _whole(found: object) -> object:
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= MAX_MEGABYTES:
        raise ValueError
    return found


def _hours(found: object) -> object:
    if not isinstance(found, str) or _HOURS.fullmatch(found) is None or found[:5] == found[6:]:
        raise ValueError
    return found


def _weekend(found: object) -> object:
    if not isinstance(found, list) or not set(found) <= set(WEEK) or len(found) >= len(WEEK):
        raise ValueError
    return [day for day in WEEK if day in found]


def _days(found: object) -> object:
    if not isinstance(found, list) or len(found) > MAX_HOLIDAYS or not all(isinstance(each, str) for each in found):
        raise ValueError
    return sorted({date.fromisoformat(each).isoformat() for each in found})


def _language(found: object) -> object:
    if not isinstance(found, str) or _LANGUAGE.fullmatch(found) is None:
        raise ValueError
    return found


SETTINGS: Final[Mapping[str, Setting]] = {
    each.name: each
    for each in (
        Setting("sync.megabytes_per_day", "what is sent in a day, of sealed files", "a whole number, as 500", _whole),
        Setting("sync.files_between", "when sealed files are sent", '"HH:MM-HH:MM", as "21:00-06:00"', _hours),
        Setting("casework.weekend", "days on which the centre is closed", '["friday", "saturday"]', _weekend),
        Setting("casework.holidays", "other days on which it is closed", '["2026-12-25"]', _days),
        Setting("casework.language", "of its citizens, for receipts", '"ur"', _language),
    )
}


def named(name: str) -> Setting:
    """A setting that central may order.

    Raises:
        NotOrderable: there is none of that name.
    """
    found = SETTINGS.get(name)
    if found is None:
        raise NotOrderable(f"Central cannot order the setting {name!r}.", f"It can order: {', '.join(SETTINGS)}.")
    return found


def parse(name: str, text: str) -> Value:
    """Read a value; a word may stand without quotes.

    Raises:
        NotOrderable: there is no such setting, or this is no value of it.
    """
    setting = named(name)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    try:
        value = setting.read(found)
    except (ValueError, TypeError):
        raise NotOrderable(f"That is no value of {name}.", f"Write it as {setting.form}.") from None
    return Value(json.dumps(value), value)
