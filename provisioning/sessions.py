"""Somebody's session for one command at the command line; their password is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from appliance.access import operators
from appliance.access.session import Role, Session
from appliance.store.store import Store
from provisioning.unlock import read_password

COUNTER: Final = "command line"


@contextmanager
def signed_in(store: Store, login: str, role: Role) -> Iterator[Session]:
    """Sign somebody in until the block ends.

    Raises:
        SignInRefused: for whatever reason. OperatorError: there is no password to be had.
    """
    session = operators.sign_in(store, login=login, password=password_of(store, login), role=role, counter=COUNTER)
    try:
        yield session
    finally:
        operators.sign_out(store, session)


def password_of(store: Store, login: str) -> str:
    """Ask for somebody's password.

    Raises:
        OperatorError: there is none to be had.
    """
    return read_password(store.layout.home, "SANAD_PASSWORD_FILE", f"Password of {login}")
