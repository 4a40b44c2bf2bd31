"""What the node of a home knows itself of a certificate, where it is open without anybody typing a passphrase."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from appliance.casework.known import KnownHere, known_here
from appliance.journal.errors import SanadError
from provisioning import unlock
from provisioning.keyservice import NODE_SOCKET, ask_key
from provisioning.opening import open_store


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of asking a node."""

    known: KnownHere | None
    remark: str = ""


def ask_node(home: Path, number: str) -> Asked:
    """Ask the node of a home about a certificate; a node that is locked or broken is only remarked upon."""
    try:
        key = ask_key(home, NODE_SOCKET)
        if key is None and os.environ.get(unlock.VARIABLE):
            key = unlock.store_key(home)
        if key is None:
            return Asked(None, "This node is locked, so what it knows itself was not asked.")
        with open_store(home, key).closing() as store:
            return Asked(known_here(store, number))
    except SanadError as error:
        return Asked(None, f"What this node knows itself could not be asked. {error.sentence}")
