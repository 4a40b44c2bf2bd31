"""How a node's copy of the public lists stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from appliance.certificates.lists import to_text
from appliance.records.moment import parse_at
from appliance.store.publiclists import kept
from appliance.store.store import Store

OLD: Final = timedelta(days=30)
"""From this age on, whoever looks at the lists is told that they are old."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a node's public lists stand, for programs and for people."""

    values: dict[str, object]
    words: str


def lists_standing(store: Store) -> Standing:
    """Say how old the public lists in a node's home are, and what is wrong with them, if anything is.

    Raises:
        DeviceError: they cannot be read.
    """
    found = kept(store)
    lists, now = found.lists, parse_at(store.now())
    values: dict[str, object] = {
        "number": None if lists is None else lists.number,
        "at": None if lists is None else to_text(lists.at),
        "age_s": None if lists is None else int((now - lists.at).total_seconds()),
        "trouble": found.trouble or None,
    }
    if lists is None:
        return Standing(values, found.trouble or "No public lists are here yet; the next sync brings them.")
    words = f"The public lists are of {to_text(lists.at)}, {_age(now - lists.at)}."
    return Standing(values, f"{words} {found.trouble}".strip())


def _age(age: timedelta) -> str:
    if age < timedelta(hours=-1):
        return "later than this box's clock says; set the clock, or tell central IT"
    days = max(age, timedelta(0)).days
    shown = "made today" if days == 0 else "one day old" if days == 1 else f"{days} days old"
    return shown if age < OLD else f"{shown}, too old to rely on: sync"
