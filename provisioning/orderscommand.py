"""`sanad orders`: what central ordered of this node, and what of it waits for people."""

from __future__ import annotations

from dataclasses import asdict

from appliance.casework import conflicts, queries
from appliance.casework.givenorders import GivenOrder, given_orders
from appliance.casework.publishing import Use
from appliance.records.wording.quarantine import NEXT_STEP
from appliance.store.quarantine import held
from provisioning import terminal
from provisioning.centre import open_centre
from provisioning.opening import HomeOption, JsonOption, node_store
from provisioning.servicecommands import offered_at

ASIDE = "set aside, because this box's software failed on it; it takes effect once it is brought up to date"
UNKNOWN = "kept; it takes effect once this box's software knows it"


def _held_back(order: GivenOrder) -> str:
    """Why an order that was taken up does not hold yet; nothing where it does."""
    if order.aside:
        return f": {ASIDE}"
    return "" if order.known else f": {UNKNOWN}"


def orders(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show central's orders to this node, the newest last, and what only people can settle."""
    with node_store(home) as store:
        found = given_orders(store)
        refused = [each for each in offered_at(store.layout.home, store).published if each.use is Use.UNREADABLE]
        waiting = conflicts.open_conflicts(store)
        cases = queries.contested(open_centre(store.layout.home, store))
        stopped = held(store)
    rows = [
        {
            "number": each.number,
            "at": each.at,
            "kind": each.kind,
            "words": each.words,
            "known": each.known,
            "aside": each.aside,
        }
        for each in found
    ]
    to_settle = [{"conflict": each.conflict, "words": each.words, "next_step": each.next_step} for each in waiting]
    contested = [each.tracking for each in cases]
    lines = [f"{each.number:>5}  {each.at[:16]}  {each.words}" + _held_back(each) for each in found]
    if stopped is not None:
        lines.append(f"! {stopped.words}\n  → {NEXT_STEP}")
    lines += [f"! The service {each.words}" for each in refused]
    lines += [f"! {each.words}\n  → {each.next_step}" for each in waiting]
    lines += [
        f"! {each}: a decision could not be carried out.\n  → An officer settles it: “From central” in the console."
        for each in contested
    ]
    values: dict[str, object] = {"orders": rows, "to_settle": to_settle, "contested": contested}
    values["quarantine"] = None if stopped is None else asdict(stopped)
    values["refused"] = [{"service": each.service, "version": each.version, "why": each.why} for each in refused]
    terminal.answer(values, "\n".join(lines) or "Central has ordered nothing yet.", as_json=as_json)
