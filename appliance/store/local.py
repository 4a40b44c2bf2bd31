"""What a box keeps for itself, in no journal: its secrets, and what it remembers of central.

The tree does not cover it. So that an old page put back shows here, too, the hash of what is remembered is kept in the
table of the secrets; it finds a page, not somebody who puts back both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.records import tables as t
from appliance.records.database import Tx

_SUM: Final = "local-sum"

_SECRET: Final = select(t.secrets.c.value).where(t.secrets.c.name == bindparam("name"))
_ADD_SECRET: Final = sa.insert(t.secrets)
_DROP_SECRET: Final = sa.delete(t.secrets).where(t.secrets.c.name == bindparam("k_name"))
_LOCAL: Final = select(t.local.c.value).where(t.local.c.name == bindparam("name"))
_ALL_LOCAL: Final = select(t.local.c.name, t.local.c.value).order_by(t.local.c.name)
_ADD_LOCAL: Final = sa.insert(t.local)
_DROP_LOCAL: Final = sa.delete(t.local).where(t.local.c.name == bindparam("k_name"))


def keep_secrets(tx: Tx, secrets: Mapping[str, bytes]) -> None:
    """Keep secrets, once and for all."""
    tx.many(_ADD_SECRET, [{"name": name, "value": value} for name, value in secrets.items()])


def secret(tx: Tx, name: str) -> bytes | None:
    """A secret, or None."""
    row = tx.one(_SECRET, {"name": name})
    return None if row is None else bytes(row[0])


def remember(tx: Tx, values: Mapping[str, str]) -> None:
    """Remember values, in the place of older ones."""
    for name, value in values.items():
        tx.run(_DROP_LOCAL, {"k_name": name})
        tx.run(_ADD_LOCAL, {"name": name, "value": value})
    tx.run(_DROP_SECRET, {"k_name": _SUM})
    tx.run(_ADD_SECRET, {"name": _SUM, "value": _sum(tx)})


def remembered(tx: Tx, name: str) -> str | None:
    """What was remembered, or None."""
    row = tx.one(_LOCAL, {"name": name})
    return None if row is None else str(row[0])


def is_whole(tx: Tx) -> bool:
    """Whether what is remembered is what was remembered last."""
    expected = secret(tx, _SUM)
    return expected == _sum(tx) if expected is not None else not tx.all(_ALL_LOCAL)


def _sum(tx: Tx) -> bytes:
    digest = hashlib.sha256()
    for name, value in tx.all(_ALL_LOCAL):
        digest.update(f"{len(name)} {name}{len(value)} {value}".encode())
    return digest.digest()
