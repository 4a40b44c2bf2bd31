"""Opening a node: the key from its running service or from a passphrase, then the store.

The only place that gives a store its clock, its randomness, and the way it stops.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.journal.errors import OperatorError
from appliance.store.layout import Layout
from appliance.store.store import Store
from provisioning import terminal, unlock
from provisioning.keyservice import NODE_SOCKET, ask_key
from provisioning.options import DEFAULT_HOME as DEFAULT_HOME
from provisioning.options import HomeOption as HomeOption
from provisioning.options import JsonOption as JsonOption
from provisioning.options import home_of as home_of
from provisioning.options import real_clock as real_clock


@contextmanager
def node_store(home: Path | None) -> Iterator[Store]:
    """The open store of a node.

    Raises:
        OperatorError: there is no node there, or no key for it.
    """
    place = home_of(home)
    with open_store(place, node_key(place)).closing() as store:
        yield store


def node_key(home: Path) -> bytes:
    """The store key of a node: from its running service, or by a passphrase.

    Raises:
        OperatorError: there is no node there, no passphrase to be had, or not the right one.
    """
    layout = Layout(home)
    if not layout.database.is_file():
        raise OperatorError(f"There is no node in {home}.", "Set it up with `sanad enrol INVITE`, or check --home.")
    key = ask_key(home, NODE_SOCKET)
    return key if key is not None else unlock.store_key(home)


def open_store(home: Path, key: bytes) -> Store:
    """The store in `home`; folded again first, with progress, where older software made its tables."""
    with terminal.progress("Folding the tables again") as progress:
        return Store(Layout(home), key, clock=real_clock, random=os.urandom, halt=terminal.halt, progress=progress)
