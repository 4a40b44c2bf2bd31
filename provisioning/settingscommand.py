"""`sanad settings`: what holds at this node of what central may order, and where it comes from."""

from __future__ import annotations

from provisioning import inforce, terminal
from provisioning.inforce import Standing
from provisioning.opening import HomeOption, JsonOption, node_store


def settings(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the settings that central may order: their values, and whether node.toml or central says so."""
    with node_store(home) as store:
        found = inforce.at_home(store.layout.home, store).standings
    terminal.answer(
        {"settings": [inforce.values(each) for each in found]}, "\n".join(map(_line, found)), as_json=as_json
    )


def _line(each: Standing) -> str:
    line = f"{each.name:<26} {each.value or '—':<24} from {each.origin.value}"
    return f"{line}; central orders {each.ordered}: {each.why}" if each.why else line
