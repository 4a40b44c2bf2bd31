"""Opening a node's store: the key from the running node service, or from a passphrase.

The only place that gives a store its clock, its randomness, and the way it stops.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from appliance.journal.errors import OperatorError
from appliance.records.failures import StoreUnreadable
from appliance.sealing import slotfile, slots
from appliance.store.layout import Layout
from appliance.store.store import Store
from provisioning import terminal
from provisioning.keyservice import NODE_SOCKET, ask_key
from provisioning.unlock import read_passphrase

DEFAULT_HOME: Final = Path("~/.local/share/sanad")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="SANAD_HOME", help="The node's home.", show_default=str(DEFAULT_HOME)),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in one line of JSON.")]


def real_clock() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def home_of(home: Path | None) -> Path:
    """The home that a command means."""
    return (home or DEFAULT_HOME).expanduser().absolute()


@contextmanager
def node_store(home: Path | None) -> Iterator[Store]:
    """The open store of a node.

    Raises:
        OperatorError: there is no node there, or no key for it.
    """
    place = home_of(home)
    if not Layout(place).database.is_file():
        raise OperatorError(f"There is no node in {place}.", "Set it up with `sanad enrol INVITE`, or check --home.")
    store = open_store(place)
    with store.closing():
        yield store


def open_store(home: Path) -> Store:
    """The store in `home`, folded again first where older software made its tables.

    Raises:
        OperatorError: no passphrase, or not the right one.
    """
    key = ask_key(home, NODE_SOCKET)
    keys = (key,) if key is not None else store_keys(home)
    with terminal.progress("Folding the tables again") as progress:
        for candidate in keys[:-1]:
            try:
                return _store(home, candidate, progress)
            except StoreUnreadable:
                continue
        return _store(home, keys[-1], progress)


def store_keys(home: Path) -> tuple[bytes, ...]:
    """The keys that a passphrase yields: one, or two while a rotation was interrupted."""
    return slots.unlock_with_passphrase(slotfile.load(home), read_passphrase(home)).keys


def _store(home: Path, key: bytes, progress: terminal.Progress) -> Store:
    return Store(Layout(home), key, clock=real_clock, random=os.urandom, halt=terminal.halt, progress=progress)
