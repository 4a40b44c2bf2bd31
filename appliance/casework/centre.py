"""The centre that acts: its store, its catalogue of services, its calendar, and the rules that it set for itself.

Verbs that need to know a service, a day or a rule take a `Centre`; those that need none of it take the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from appliance.catalogue import Calendar, Catalogue
from appliance.certificates.token import Tokens
from appliance.journal.errors import OperatorError
from appliance.records.moment import parse_at
from appliance.store.store import Store

EVERYBODY: Final = "everybody"
"""The queue of a centre that keeps one only."""


@dataclass(frozen=True, slots=True)
class QueueRule:
    """A queue that tokens are drawn for.

    Attributes:
        id: as the journal names it.
        title: as people read it, by language; `en` is always there.
        services: what it is for, by identifiers of services; empty for all of them.
        per_day: tokens given on one day; None for as many as come.
    """

    id: str
    title: Mapping[str, str]
    services: frozenset[str] = frozenset()
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class CounterRule:
    """A counter, and whom it calls.

    Attributes:
        id: as a session names it.
        queues: whom it calls, by identifiers of queues; empty for all of them.
        only: the priorities that it serves and nobody else does first, such as `women`; empty for everybody.
    """

    id: str
    queues: tuple[str, ...] = ()
    only: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CentreRules:
    """What a centre set for itself.

    Attributes:
        timezone: an IANA name.
        language: of its citizens, for receipts.
        specimen: whether it is there for trying out; then all its paper says so.
    """

    code: str
    name: str
    timezone: str = "Asia/Karachi"
    language: str = "ur"
    queues: tuple[QueueRule, ...] = (QueueRule(EVERYBODY, {"en": "All services"}),)
    counters: tuple[CounterRule, ...] = ()
    specimen: bool = False
    zone: ZoneInfo = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "zone", ZoneInfo(self.timezone))
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise OperatorError(
                "The centre's time zone is not known.", "Write it as in Asia/Karachi, in the node's settings."
            ) from error


@dataclass(frozen=True, slots=True)
class Centre:
    """The place where it all happens."""

    store: Store
    catalogue: Catalogue
    calendar: Calendar
    rules: CentreRules
    tokens: Tokens | None = None
    """Where officers' keys may lie on tokens; None where no library for them is set up."""

    def today(self) -> date:
        """The day at the centre, by the node's clock."""
        return self.store.clock().astimezone(self.rules.zone).date()

    def day_of(self, at: str) -> date:
        """The day at the centre of an instant as the journal writes it."""
        return parse_at(at).astimezone(self.rules.zone).date()
