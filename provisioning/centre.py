"""The centre of a node: its store, its services, and what `node.toml` says about days, queues and counters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.casework import decisions
from appliance.casework.centre import Centre, CentreRules, CounterRule, QueueRule
from appliance.casework.orderedsettings import ordered_settings
from appliance.catalogue import Calendar
from appliance.certificates.token import Tokens
from appliance.journal.errors import OperatorError
from appliance.store.store import Store
from provisioning.inforce import in_force
from provisioning.servicecommands import catalogue_of
from provisioning.settings import NODE_FILE, NodeSettings, load

_WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def open_centre(home: Path, store: Store) -> Centre:
    """The centre that a node's home is.

    Raises:
        OperatorError: `node.toml` is missing or wrong. BadService: a service file is refused.
    """
    return centre_of(load(NodeSettings, home / NODE_FILE), home, store)


def centre_of(settings: NodeSettings, home: Path, store: Store) -> Centre:
    """The centre that these settings describe.

    Raises:
        OperatorError: the time zone is not known. BadService: a service file is refused.
    """
    settings = in_force(settings, ordered_settings(store)).settings
    calendar = Calendar(frozenset(map(_WEEK.index, settings.casework.weekend)), settings.casework.holidays)
    token = settings.token
    tokens = None if token is None else Tokens(token.module, token.token or "")
    return Centre(store, catalogue_of(home, store), calendar, rules_of(settings), tokens)


def renewing(home: Path, store: Store) -> Callable[[Centre], Centre]:
    """What makes the centre anew once central's orders have changed what it is made of, and carries out decisions.

    Should a file of the centre be wrong by then, the centre stays as it is: what is open works on.
    """
    seen = -1

    def renew(centre: Centre) -> Centre:
        nonlocal seen
        size = _orders_size(store)
        if size == seen:
            return centre
        seen = size
        try:
            anew = open_centre(home, store)
        except OperatorError:
            return centre
        if decisions.is_due(store):
            decisions.carry_out(anew)
        return centre if _is_same(centre, anew) else anew

    return renew


def _is_same(one: Centre, other: Centre) -> bool:
    left, right = ({each.id: each.digest for each in found.catalogue.services.values()} for found in (one, other))
    return left == right and (one.calendar, one.rules) == (other.calendar, other.rules)


def _orders_size(store: Store) -> int:
    head = store.orders_head()
    return 0 if head is None else head.size


def rules_of(settings: NodeSettings) -> CentreRules:
    """What a centre set for itself.

    Raises:
        OperatorError: the time zone is not known.
    """
    casework = settings.casework
    queues = tuple(QueueRule(each.id, each.title, each.services, each.per_day) for each in casework.queues)
    counters = tuple(CounterRule(each.name, each.queues, each.only) for each in settings.counters)
    named = {"queues": queues} if queues else {}
    return CentreRules(
        settings.centre.code,
        settings.centre.name,
        timezone=casework.timezone,
        language=casework.language,
        counters=counters,
        specimen=casework.specimen,
        **named,
    )
