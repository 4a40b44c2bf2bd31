"""Which settings hold at a node: what `node.toml` says itself; where it is silent, what central orders.

So whoever stands before the box has the last word, and sees in `sanad settings` what central would have it be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from enum import Enum
from pathlib import Path
from typing import Final

from appliance.casework.orderedsettings import OrderedSetting, ordered_settings
from appliance.catalogue import orderable
from appliance.catalogue.orderable import NotOrderable
from appliance.journal.errors import OperatorError
from appliance.store.store import Store
from provisioning.settings import NODE_FILE, NodeSettings, load


def _days(value: object) -> object:
    return frozenset(date.fromisoformat(str(each)) for each in value) if isinstance(value, list) else value


def _names(value: object) -> object:
    return frozenset(value) if isinstance(value, list) else value


_READ: Final = {"casework.weekend": _names, "casework.holidays": _days}


class Origin(Enum):
    """Where a setting comes from."""

    FILE = "node.toml"
    CENTRAL = "central"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Standing:
    """A setting as it holds. `ordered` is what central orders, empty where nothing; `why` its order does not hold."""

    name: str
    value: str
    origin: Origin
    ordered: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class InForce:
    """The settings that hold, and where each that central may order comes from."""

    settings: NodeSettings
    standings: tuple[Standing, ...]


def settings_of(store: Store) -> NodeSettings:
    """The settings that hold at the node of a store.

    Raises:
        OperatorError: `node.toml` is missing or wrong.
    """
    return in_force(load(NodeSettings, store.layout.home / NODE_FILE), ordered_settings(store)).settings


def at_home(home: Path, store: Store) -> InForce:
    """The settings that hold, and where they come from.

    Raises:
        OperatorError: `node.toml` is missing or wrong.
    """
    return in_force(load(NodeSettings, home / NODE_FILE), ordered_settings(store))


def in_force(settings: NodeSettings, ordered: Sequence[OrderedSetting]) -> InForce:
    """What holds of a node's own file and central's orders; an order that cannot hold is named, and changes nothing."""
    by_name = {each.name: each for each in ordered}
    standings: list[Standing] = []
    for name in orderable.SETTINGS:
        settings, standing = _judge(settings, name, by_name.pop(name, None))
        standings.append(standing)
    unknown = (
        Standing(each.name, "", Origin.DEFAULT, each.text, "This software does not know it: bring it up to date.")
        for each in by_name.values()
    )
    return InForce(settings, (*standings, *unknown))


def _judge(settings: NodeSettings, name: str, order: OrderedSetting | None) -> tuple[NodeSettings, Standing]:
    section, key = name.split(".")
    own = getattr(settings, section)
    ordered = "" if order is None else order.text
    if key in own.model_fields_set:
        why = "node.toml says another." if ordered else ""
        return settings, Standing(name, _shown(getattr(own, key)), Origin.FILE, ordered, why)
    if order is None:
        return settings, Standing(name, _shown(getattr(own, key)), Origin.DEFAULT)
    try:
        value = orderable.parse(name, order.text).value
        given = _READ[name](value) if name in _READ else value
        changed = settings.model_copy(update={section: own.model_copy(update={key: given})})
    except (NotOrderable, ValueError) as error:
        why = error.sentence if isinstance(error, OperatorError) else "It is no value of it."
        return settings, Standing(name, _shown(getattr(own, key)), Origin.DEFAULT, ordered, why)
    return changed, Standing(name, _shown(given), Origin.CENTRAL, ordered)


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(map(str, value))) or "none"
    return "none" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Hours:
    """From when to when in a day; past midnight where the end is the earlier one."""

    start: time
    end: time

    @classmethod
    def read(cls, text: str | None) -> Hours | None:
        """`HH:MM-HH:MM`; None for the whole day."""
        if text is None:
            return None
        start, _, end = text.partition("-")
        return cls(time.fromisoformat(start), time.fromisoformat(end))

    def hold(self, now: time) -> bool:
        """Whether `now` is within."""
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end


def values(standing: Standing) -> Mapping[str, str | None]:
    """One of them, plainly."""
    return {
        "name": standing.name,
        "value": standing.value,
        "from": standing.origin.value,
        "ordered": standing.ordered or None,
        "why": standing.why or None,
    }
