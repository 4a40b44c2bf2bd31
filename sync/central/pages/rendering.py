"""The pages' HTML: Jinja templates that escape everything, and the words for numbers and times. No I/O but templates.

Whatever a node or a centre is called stays text: nothing that comes from outside is ever marked as safe.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from appliance.records.moment import parse_at
from sync.central.fleet import MAX_COUNTED, FleetView, NodeView
from sync.central.pages.listing import SHOWN, SORTS, Listing
from sync.central.quarantine import Act
from sync.central.troubles import Gravity, amount, count, day_time, span

LIVE_S: Final = 5
"""How often a page's script asks for what is new; the same number stands in fleet.js."""
RELOAD_S: Final = 15
"""How often a page without scripts is loaded again."""
SHOWN_CASES: Final = 3
"""Cases for people that stand above the list; `sanad central cases` has all."""
SHOWN_OF_NODE: Final = 20
"""Cases for people, of either sort, that stand on a node's page."""
STATES: Final = {0: ("ok", "All is well"), 1: ("note", "Note"), 2: ("warning", "Look"), 3: ("alarm", "Act")}
"""How a node's gravest trouble is marked, and said in a word."""


@dataclass(frozen=True, slots=True)
class NodePage:
    """What a page of one node shows, beside what the list shows."""

    view: NodeView
    coming: int
    """Sealed files still to come."""
    acts: tuple[Act, ...]
    fingerprint: str


class Renderer:
    """Renders pages for one central.

    Args:
        central_name: what people call it.
        software: its version.
    """

    def __init__(self, central_name: str, software: str) -> None:
        self._environment = Environment(
            loader=PackageLoader("sync.central.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.globals |= {"central_name": central_name, "software": software, "reload_s": RELOAD_S}
        self._environment.filters |= {
            "amount": amount,
            "day_time": day_time,
            "ago": _ago,
            "clock": _clock,
            "thousands": "{:,}".format,
        }

    def fleet(self, view: FleetView, listing: Listing, viewer: str) -> str:
        """The list of all nodes."""
        return self._render("fleet.html", **self._listed(view, listing), viewer=viewer)

    def fleet_table(self, view: FleetView, listing: Listing) -> str:
        """What changes in it."""
        return self._render("_fleet.html", **self._listed(view, listing))

    def node(self, view: FleetView, page: NodePage, viewer: str) -> str:
        """One node."""
        return self._render("node.html", **self._shown(view, page), viewer=viewer)

    def node_facts(self, view: FleetView, page: NodePage) -> str:
        """What changes on its page."""
        return self._render("_node.html", **self._shown(view, page))

    def sign_in(self, problem: str) -> str:
        """The sign-in, with what was wrong with the last try."""
        return self._render("signin.html", problem=problem)

    def refusal(self, title: str, sentence: str) -> str:
        """A page that says no."""
        return self._render("refusal.html", title=title, sentence=sentence)

    def _render(self, name: str, **values: Any) -> str:
        return self._environment.get_template(name).render(**values)

    def _listed(self, view: FleetView, listing: Listing) -> dict[str, Any]:
        return {
            "view": view,
            "listing": listing,
            "now": view.at,
            "summary": summary(view),
            "shown": {name: title for name, (title, _) in SHOWN.items()},
            "sorts": {name: title for name, (title, _) in SORTS.items()},
            "states": STATES,
            "shown_cases": SHOWN_CASES,
            "centres": _centres(view),
        }

    def _shown(self, view: FleetView, page: NodePage) -> dict[str, Any]:
        coming = f"{page.coming:,} or more" if page.coming >= MAX_COUNTED else f"{page.coming:,}"
        journal = page.view.journal
        return {
            "node": page.view,
            "page": page,
            "coming": coming,
            "now": view.at,
            "states": STATES,
            "conflicts": [each for each in view.conflicts if journal in each.journals],
            "cases": [each for each in view.cases if each.journal == journal],
            "shown_of_node": SHOWN_OF_NODE,
        }


def summary(view: FleetView) -> str:
    """The whole fleet in a sentence."""
    total = len(view.nodes)
    if not total:
        return "No node is enrolled yet."
    alarms, warnings = view.count(Gravity.ALARM), view.count(Gravity.WARNING)
    if not alarms and not warnings:
        return f"{count(total, 'node')}. All is well."
    parts = [f"{count(alarms, 'node')} to act on" if alarms else "", f"{warnings:,} to look at" if warnings else ""]
    return f"{count(total, 'node')}: {', '.join(filter(None, parts))}."


def _centres(view: FleetView) -> dict[str, str]:
    """The centres of nodes that the shown cases are about."""
    journals = {journal for each in view.conflicts[:SHOWN_CASES] for journal in each.journals}
    journals |= {each.journal for each in view.cases[:SHOWN_CASES]}
    return {each.journal: each.centre for each in view.nodes if each.journal in journals} if journals else {}


def _ago(at: str, now: datetime) -> str:
    """How long ago a moment of `at_text` was."""
    past = now - parse_at(at)
    return "just now" if past < timedelta(seconds=10) else f"{span(past)} ago"


def _clock(skew_s: int | None) -> str:
    """How far a clock is off; a few seconds are the way of the message."""
    if skew_s is None:
        return "not known"
    if abs(skew_s) <= 5:
        return "right"
    return f"{span(timedelta(seconds=abs(skew_s)))} {'ahead' if skew_s > 0 else 'behind'}"
