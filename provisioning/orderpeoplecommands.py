"""`sanad central order operator`, `block`, `unblock`, `roles`: who may sign in at a node, by central's word."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated, cast

import typer

from appliance.access.session import Role
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from provisioning import logs, terminal
from provisioning.centralopening import CentralOption, central_home, central_key, open_central
from provisioning.opening import JsonOption
from sync.central.orderedpeople import OrderedPeople
from sync.central.ordering import SECRET_FOR, Ordering

NodeOption = Annotated[str, typer.Option("--to", help="The node's journal, or its centre's code.", show_default=False)]
ReasonOption = Annotated[str, typer.Option(help="Why; it is kept for ever.", show_default=False)]
RoleOption = Annotated[list[Role], typer.Option("--role", help="A role; name the option once for each.")]


def operator(
    login: str,
    name: Annotated[str, typer.Option(help="The full name.", show_default=False)],
    role: RoleOption,
    to: NodeOption,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody sign in at a node, first by a one-time secret, which is shown only now."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        people, journal = OrderedPeople(central.ordering), one_node(central.ordering, to)
        secret = people.name(journal, login, name, _roles(role), getpass.getuser())
    words = (
        f"{login} may sign in once the node has synced, within {SECRET_FOR.days} days. Give them this one-time secret, "
        f"and nobody else:\n  {secret}\nThey sign in with it as the password, and then choose their own."
    )
    terminal.answer({"login": login, "secret": secret}, words, as_json=as_json)


def block(
    login: str, reason: ReasonOption, to: NodeOption, home: CentralOption = None, as_json: JsonOption = False
) -> None:
    """Let somebody do nothing at a node any more, also in open sessions; nobody there can undo it."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        journal = one_node(central.ordering, to)
        OrderedPeople(central.ordering).block(journal, login, reason, getpass.getuser())
    terminal.answer({"login": login, "blocked": True}, f"{login} is blocked once the node has synced.", as_json=as_json)


def unblock(
    login: str, reason: ReasonOption, to: NodeOption, home: CentralOption = None, as_json: JsonOption = False
) -> None:
    """Block somebody no more."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        journal = one_node(central.ordering, to)
        OrderedPeople(central.ordering).unblock(journal, login, reason, getpass.getuser())
    words = f"{login} may sign in again once the node has synced."
    terminal.answer({"login": login, "blocked": False}, words, as_json=as_json)


def roles(
    login: str,
    role: RoleOption,
    reason: ReasonOption,
    to: NodeOption,
    home: CentralOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give somebody at a node other roles."""
    logs.configure()
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        journal = one_node(central.ordering, to)
        OrderedPeople(central.ordering).give_roles(journal, login, _roles(role), reason, getpass.getuser())
    names = [each.value for each in role]
    words = f"{login} is {', '.join(names)} once the node has synced."
    terminal.answer({"login": login, "roles": names}, words, as_json=as_json)


def operators(to: NodeOption, home: CentralOption = None, as_json: JsonOption = False) -> None:
    """Show who may sign in at a node, as far as central knows."""
    place = central_home(home)
    with open_central(place, central_key(place)) as central:
        found = OrderedPeople(central.ordering).at(one_node(central.ordering, to))
    rows = [
        {
            "login": each.login,
            "name": each.name,
            "roles": list(each.roles),
            "active": each.active,
            "blocked": each.blocked,
            "invited_until": each.invited_until or None,
        }
        for each in found
    ]
    lines = [
        f"{each.login:<16} {each.name:<30} {', '.join(each.roles)}"
        + (" (blocked by central)" if each.blocked else "" if each.active else " (not active)")
        + (f" (has not signed in yet; until {each.invited_until[:10]})" if each.invited_until else "")
        for each in found
    ]
    terminal.answer({"operators": rows}, "\n".join(lines) or "Central knows nobody there yet.", as_json=as_json)


def one_node(ordering: Ordering, named: str) -> JournalId:
    """The one node that is meant.

    Raises:
        OperatorError: there is none, or there are several.
    """
    found = ordering.nodes([named])
    if len(found) > 1:
        raise OperatorError(
            f"Several nodes serve {named}.", "Name one by its journal: `sanad central nodes` shows them."
        )
    return found[0]


def _roles(given: Sequence[Role]) -> list[k.RoleName]:
    if Role.NODE in given:
        raise OperatorError("The node's own role is no person's.", "Name operator, officer, supervisor or auditor.")
    return [cast("k.RoleName", each.value) for each in given]
