"""`sanad operators key …`: the keys by which officers sign certificates."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from appliance.access import operators
from appliance.access.session import Role
from appliance.casework.key_making import end_key, make_sealed_key, make_token_key, unlock_key
from appliance.casework.officer_keys import KeyState, OfficerKey, officer_keys
from appliance.certificates.officer import RENEWAL
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.store.store import Store
from provisioning import terminal
from provisioning.centre import open_centre
from provisioning.opening import HomeOption, JsonOption, node_store
from provisioning.sessions import signed_in
from provisioning.unlock import read_pin

MIN_NAMED: Final = 4
"""Characters of a key's identifier, or of its certificate's, that name it at the command line."""

app = typer.Typer(no_args_is_help=True, help="The keys by which officers sign certificates.")

OfficerOption = Annotated[str, typer.Option("--as", help="The officer's login.", show_default=False)]
KeyArgument = Annotated[str, typer.Argument(help="The key, or how it begins, as `sanad operators key list` shows it.")]


@app.command("make")
def make(
    login: OfficerOption,
    token: Annotated[bool, typer.Option("--token", help="Make it on the token that is put in.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key of one's own, which a PIN opens. Central certifies it with the next sync."""
    with node_store(home) as store, signed_in(store, login, Role.OFFICER) as session:
        centre = open_centre(store.layout.home, store)
        # A token has its PIN already.
        pin = read_pin(store.layout.home, f"{'PIN of the token' if token else 'New PIN'} of {login}", new=not token)
        made = (make_token_key if token else make_sealed_key)(centre, session, pin)
    words = f"Made the key {made}.\n→ Run `sanad sync now`: central certifies it. Until then the centre seals."
    terminal.answer({"key": made, "login": login}, words, as_json=as_json)


@app.command("list")
def list_keys(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show the officers' keys of this node, the newest first."""
    with node_store(home) as store:
        logins = {each.id: each.login for each in operators.operators(store)}
        found, now = officer_keys(store), store.clock()
    rows, lines = [], []
    for each in found:
        ends, login = each.ends_at, logins.get(each.operator, "-")
        until = "" if ends is None else ends.date().isoformat()
        if each.state is not KeyState.CERTIFIED or ends is None:
            words = f"{each.state.value} {each.reason}".rstrip()
        elif now > ends:
            words = f"ended {until}"
        else:
            words = f"until {until}" + (": renew it" if now + RENEWAL >= ends else "")
        words += ", locked" if each.locked and each.state is KeyState.CERTIFIED else ""
        lines.append(f"{each.id}  {login:<16} {each.storage:<7} {each.kid or '-':<17} {words}")
        rows.append(
            {
                "key": each.id,
                "login": login,
                "storage": each.storage,
                "token": each.token,
                "state": each.state.value,
                "kid": each.kid,
                "until": until,
                "locked": each.locked,
                "reason": each.reason,
            }
        )
    terminal.answer({"keys": rows}, "\n".join(lines) or "No officer has a key here.", as_json=as_json)


@app.command("revoke")
def revoke(
    key: KeyArgument,
    reason: Annotated[str, typer.Option(help="forgotten, lost, compromised, replaced or left.")],
    login: Annotated[str, typer.Option("--as", help="The officer's login, or a supervisor's.", show_default=False)],
    remark: Annotated[str, typer.Option(help="More about it; it is kept in the journal.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a key for good. Central puts it on its revocation list with the next sync."""
    why = _reason(reason)
    with node_store(home) as store:
        found = _find(store, key)
        role = Role.OFFICER if _login_of(store, found) == login else Role.SUPERVISOR
        with signed_in(store, login, role) as session:
            end_key(store, session, found.id, why, remark)
    terminal.answer({"key": found.id}, f"The key {found.id} signs nothing any more.", as_json=as_json)


@app.command("unlock")
def unlock(
    key: KeyArgument,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the journal.")],
    login: Annotated[str, typer.Option("--as", help="A supervisor's login.", show_default=False)],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an officer try their PIN again after too many wrong ones."""
    with node_store(home) as store:
        found = _find(store, key)
        with signed_in(store, login, Role.SUPERVISOR) as session:
            unlock_key(store, session, found.id, reason)
    terminal.answer({"key": found.id}, f"The PIN of the key {found.id} may be tried again.", as_json=as_json)


def _reason(text: str) -> k.KeyEnd:
    for each in k.KEY_ENDS:
        if each == text:
            return each
    raise OperatorError(f"A key ends because it is {', '.join(k.KEY_ENDS)}.", "Give one of these as --reason.")


def _find(store: Store, named: str) -> OfficerKey:
    found = [each for each in officer_keys(store) if each.id.startswith(named) or each.kid.startswith(named)]
    if len(named) < MIN_NAMED or len(found) != 1:
        raise OperatorError(f"There is not one key named {named} at this node.", "See `sanad operators key list`.")
    return found[0]


def _login_of(store: Store, key: OfficerKey) -> str:
    return next((each.login for each in operators.operators(store) if each.id == key.operator), "")
