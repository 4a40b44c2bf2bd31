"""Which nodes a page of the fleet shows, and in what order. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from sync.central.fleet import FleetView, NodeView
from sync.central.troubles import GRAVITY, Gravity

PAGE_NODES: Final = 100
MAX_SEARCH: Final = 80
"""Characters of a search."""

SHOWN: Final[dict[str, tuple[str, Callable[[NodeView], bool]]]] = {
    "all": ("All nodes", lambda _: True),
    "trouble": ("With trouble", lambda each: each.gravity >= Gravity.WARNING),
    "alarm": ("With an alarm", lambda each: each.gravity >= Gravity.ALARM),
    "quarantined": ("In quarantine", lambda each: each.quarantine is not None),
    "silent": ("Silent", lambda each: any(found.code in ("silent", "long_silent") for found in each.troubles)),
    "waiting": ("With entries waiting", lambda each: each.lag > 0),
}
"""What may be shown, its name, and which nodes that are."""

_ORDER: Final = {code: place for place, code in enumerate(GRAVITY)}

SORTS: Final[dict[str, tuple[str, Callable[[NodeView], Any]]]] = {
    "trouble": ("State", lambda each: _ORDER[each.troubles[0].code] if each.troubles else len(_ORDER)),
    "centre": ("Centre", lambda _: 0),
    "size": ("Entries", lambda each: -each.size),
    "cosigned": ("Countersigned", lambda each: -each.cosigned_size),
    "lag": ("Lag", lambda each: -each.lag),
    "oldest": ("Oldest waiting", lambda each: each.sighting.waiting_since or "~"),
    "backlog": ("Backlog", lambda each: -each.sighting.backlog_bytes),
    "version": ("Version", lambda each: each.sighting.software),
    "clock": ("Clock", lambda each: -abs(each.sighting.skew_s or 0)),
    "seen": ("Last seen", lambda each: each.sighting.seen_at),
}
"""By what nodes are sorted: the column's name, and the key; nodes that are alike stay in the order of their centres."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see."""

    show: str = "all"
    sort: str = "trouble"
    search: str = ""
    page: int = 1

    def query(self, **changes: str | int) -> str:
        """The query of a link to the same with something changed; always the first page unless said."""
        values = {"show": self.show, "sort": self.sort, "search": self.search, "page": 1} | changes
        defaults = {"show": "all", "sort": "trouble", "search": "", "page": 1}
        return urlencode({name: value for name, value in values.items() if value != defaults[name]})


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of nodes."""

    asked: Asked
    nodes: tuple[NodeView, ...]
    found: int
    """Nodes on all pages."""
    pages: int

    @property
    def first(self) -> int:
        """The place of the first node that is shown, from 1."""
        return (self.asked.page - 1) * PAGE_NODES + 1


def read_asked(query: Mapping[str, str]) -> Asked:
    """Read a query; what is no value there can be counts as not said."""
    show, sort, page = query.get("show", ""), query.get("sort", ""), query.get("page", "")
    return Asked(
        show=show if show in SHOWN else "all",
        sort=sort if sort in SORTS else "trouble",
        search=query.get("search", "")[:MAX_SEARCH].strip(),
        page=int(page) if page.isascii() and page.isdigit() and len(page) < 6 and int(page) > 0 else 1,
    )


def listing(view: FleetView, asked: Asked) -> Listing:
    """The nodes that are asked for; the last page where there are fewer pages."""
    wanted, searched = SHOWN[asked.show][1], asked.search.casefold()
    found = [
        each
        for each in view.nodes
        if wanted(each)
        and (not searched or searched in f"{each.centre}\n{each.centre_name}\n{each.journal}".casefold())
    ]
    found.sort(key=SORTS[asked.sort][1])
    pages = max(1, -(-len(found) // PAGE_NODES))
    page = min(asked.page, pages)
    shown = found[(page - 1) * PAGE_NODES : page * PAGE_NODES]
    return Listing(Asked(asked.show, asked.sort, asked.search, page), tuple(shown), len(found), pages)
