"""`sanad operators …` and `sanad erase`: what a supervisor does at the command line."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Annotated

import typer

from appliance.access import operators
from appliance.access.operators import NewOperator, Operator
from appliance.access.session import Role, Session
from appliance.casework import applications
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.store import Store
from provisioning import officerkeycommands, terminal
from provisioning.opening import HomeOption, JsonOption, node_store
from provisioning.sessions import password_of, signed_in
from provisioning.unlock import read_password

app = typer.Typer(no_args_is_help=True, help="Who may sign in at this node, and by which keys officers sign.")
app.add_typer(officerkeycommands.app, name="key")

AsOption = Annotated[str, typer.Option("--as", help="The supervisor's login.", show_default=False)]


def supervisor(store: Store, login: str) -> AbstractContextManager[Session]:
    """A supervisor's session for one command; their password is asked for."""
    return signed_in(store, login, Role.SUPERVISOR)


@app.command("list")
def list_operators(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show who may sign in, as what, and who is locked out."""
    with node_store(home) as store:
        found = operators.operators(store)
        now = store.now()
    rows = [
        {
            "login": each.login,
            "name": each.name,
            "roles": [role.value for role in each.roles],
            "active": each.active,
            "blocked": each.blocked_reason if each.blocked else None,
            "invited_until": each.secret_until or None,
            "locked_until": each.locked_until if each.locked_until > now else None,
        }
        for each in found
    ]
    lines = [f"{each.login:<16} {each.name:<30} {_standing(each, now)}" for each in found]
    terminal.answer({"operators": rows}, "\n".join(lines) or "Nobody may sign in yet.", as_json=as_json)


@app.command("add")
def add(
    login: str,
    name: Annotated[str, typer.Option(help="The full name.")],
    role: Annotated[list[Role], typer.Option(help="A role; name the option once for each.")],
    supervisor_login: AsOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add somebody who may sign in."""
    with node_store(home) as store, supervisor(store, supervisor_login) as session:
        password = read_password(store.layout.home, "SANAD_NEW_PASSWORD_FILE", f"New password of {login}", new=True)
        operators.add_operator(store, session, NewOperator(login, name, tuple(role), password), os.urandom)
    terminal.answer({"login": login}, f"{login} may sign in now.", as_json=as_json)


@app.command("unlock")
def unlock(
    login: str,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the journal.")],
    supervisor_login: AsOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a lock-out."""
    with node_store(home) as store, supervisor(store, supervisor_login) as session:
        operators.unlock(store, session, _find(store, login).id, reason)
    terminal.answer({"login": login}, f"{login} may try again.", as_json=as_json)


@app.command("password")
def password(login: str, supervisor_login: AsOption, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Give somebody a new password."""
    with node_store(home) as store, supervisor(store, supervisor_login) as session:
        found = _find(store, login)
        new = read_password(store.layout.home, "SANAD_NEW_PASSWORD_FILE", f"New password of {login}", new=True)
        if found.id == session.actor:
            current = password_of(store, login)
            operators.change_password(store, session, new, os.urandom, current=current)
        else:
            operators.reset_password(store, session, found.id, new, os.urandom)
    terminal.answer({"login": login}, f"{login} has a new password.", as_json=as_json)


@app.command("first")
def first(login: str, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Choose a password by the one-time secret that central gave, for the first sign-in."""
    with node_store(home) as store:
        secret = read_password(store.layout.home, "SANAD_PASSWORD_FILE", f"One-time secret of {login}")
        new = read_password(store.layout.home, "SANAD_NEW_PASSWORD_FILE", f"New password of {login}", new=True)
        operators.choose_password(store, login=login, secret=secret, password=new, random=os.urandom)
    terminal.answer({"login": login}, f"{login} may sign in now, with the new password.", as_json=as_json)


@app.command("change")
def change(
    login: str,
    role: Annotated[list[Role], typer.Option(help="A role; name the option once for each.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the journal.")],
    supervisor_login: AsOption,
    active: Annotated[bool, typer.Option("--active/--inactive", help="Whether they may sign in at all.")] = True,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give somebody other roles, or end their access."""
    with node_store(home) as store, supervisor(store, supervisor_login) as session:
        found = _find(store, login)
        operators.change_operator(store, session, found.id, roles=tuple(role), active=active, reason=reason)
    terminal.answer({"login": login}, f"{login} is changed.", as_json=as_json)


def erase(
    about: Annotated[str, typer.Argument(help="The subject's identifier, as `sanad journal show --json` gives it.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the journal for ever, so name nobody.")],
    supervisor_login: AsOption,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget everything that was said about a subject. The headers stay, and the journal still verifies."""
    with node_store(home) as store, supervisor(store, supervisor_login) as session:
        applications.erase(store, session, EntityId(about), reason)
        left = applications.applications_of(store, EntityId(about))
    words = "Erased here; central follows at the next sync. Its older backups may still hold it."
    if left:
        named = "\n".join(f"  {each.tracking}  {each.application}" for each in left)
        words += f"\nThis person's applications are still there; erase each that must go as well:\n{named}"
    values = {"about": about, "applications_left": [each.application for each in left]}
    terminal.answer(values, words, as_json=as_json)


def _standing(operator: Operator, now: str) -> str:
    roles = ", ".join(role.value for role in operator.roles)
    if operator.blocked:
        return f"{roles} (blocked by central: {operator.blocked_reason})"
    if not operator.active:
        return f"{roles} (not active)"
    if operator.secret_sha256:
        return f"{roles} (has not signed in yet; one-time secret until {operator.secret_until[:10]})"
    return f"{roles} (locked until {operator.locked_until})" if operator.locked_until > now else roles


def _find(store: Store, login: str) -> Operator:
    for each in operators.operators(store):
        if each.login == login:
            return each
    raise OperatorError(f"There is no operator {login}.", "See `sanad operators list`.")
