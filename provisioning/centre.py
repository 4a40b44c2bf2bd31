"""The centre of a node: its store, the catalogue (bundled, and `services/` of the home), its calendar and rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from appliance.casework.centre import EVERYBODY, Centre, CentreRules, CounterRule, QueueRule
from appliance.catalogue import Calendar, bundled, load_catalogue
from appliance.journal.errors import OperatorError
from appliance.store.store import Store
from provisioning.settings import NODE_FILE, WEEKDAYS, Casework, Counter, NodeSettings, load

SERVICES: Final = "services"
"""The folder of a home in which a centre puts services of its own."""


def open_centre(store: Store) -> Centre:
    """The centre whose store this is.

    Raises:
        OperatorError: a settings or service file is wrong; the sentence names file and line.
    """
    home = store.layout.home
    settings = load(NodeSettings, home / NODE_FILE)
    return Centre(
        store,
        load_catalogue([bundled(), home / SERVICES]),
        calendar(settings.casework),
        _rules(settings),
    )


def calendar(casework: Casework) -> Calendar:
    """When the centre is closed."""
    return Calendar(frozenset(map(WEEKDAYS.index, casework.weekend)), frozenset(casework.holidays))


def _rules(settings: NodeSettings) -> CentreRules:
    casework = settings.casework
    queues = tuple(
        QueueRule(
            each.id, {language: words for language, words in each.title.items()}, frozenset(each.services), each.per_day
        )
        for each in casework.queues
    )
    return CentreRules(
        code=settings.centre.code,
        name=settings.centre.name,
        timezone=casework.timezone,
        language=casework.language,
        queues=queues or (QueueRule(EVERYBODY, {"en": "All services"}),),
        counters=_counters(settings.counters, [each.id for each in queues]),
        specimen=casework.specimen,
    )


def _counters(counters: Sequence[Counter], queues: Sequence[str]) -> tuple[CounterRule, ...]:
    for counter in counters:
        if strange := [each for each in counter.queues if each not in queues]:
            raise OperatorError(
                f"{NODE_FILE}: the counter {counter.name} calls the queue “{strange[0]}”, which is not there.",
                "Write a [[casework.queues]] with that id, or take it out of the counter.",
            )
    return tuple(CounterRule(each.name, each.queues, each.only) for each in counters)
