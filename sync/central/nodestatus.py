"""How far central's copy of one node is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import bindparam, select

from appliance.records.database import Tx
from appliance.records.log import Log
from sync.central import tables as t
from sync.central.registry import Node
from sync.invite import fingerprint

_WANTED: Final = select(sa.func.count(sa.distinct(t.wanted.c.digest))).where(t.wanted.c.journal == bindparam("journal"))


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How far central's copy of a node is."""

    node: Node
    size: int
    cosigned_size: int
    wanted: int
    """Blobs still to come."""

    @property
    def fingerprint(self) -> str:
        """Of the node key, for people to compare."""
        return fingerprint(Ed25519PublicKey.from_public_bytes(self.node.node_key))


def node_status(tx: Tx, node: Node) -> NodeStatus:
    """Look how far central's copy of a node is."""
    head = Log(tx, node.journal).head()
    wanted = tx.one(_WANTED, {"journal": node.journal})
    sizes = (0, 0) if head is None else (head.size, head.cosigned_size)
    return NodeStatus(node, *sizes, 0 if wanted is None else int(wanted[0]))
