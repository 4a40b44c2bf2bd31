"""What a box keeps for itself, in no journal: its secrets, what it remembers of central, what central countersigned.

The tree does not cover it. So that an old page put back shows here, too, hashes are kept, each in another table than
what it covers: that of the secrets among what is remembered; that of what is remembered, and of what central
countersigned, among the secrets. They find a page, not somebody who puts back all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.records import tables as t
from appliance.records.database import Row, Tx

_SUM: Final = "local-sum"
_SECRETS_SUM: Final = "secrets-sum"

_SECRET: Final = select(t.secrets.c.value).where(t.secrets.c.name == bindparam("name"))
_ALL_SECRETS: Final = (
    select(t.secrets.c.name, t.secrets.c.value).where(t.secrets.c.name != _SUM).order_by(t.secrets.c.name)
)
_ADD_SECRET: Final = sa.insert(t.secrets)
_DROP_SECRET: Final = sa.delete(t.secrets).where(t.secrets.c.name == bindparam("k_name"))
_LOCAL: Final = select(t.local.c.value).where(t.local.c.name == bindparam("name"))
_ALL_LOCAL: Final = select(t.local.c.name, t.local.c.value).order_by(t.local.c.name)
_ADD_LOCAL: Final = sa.insert(t.local)
_DROP_LOCAL: Final = sa.delete(t.local).where(t.local.c.name == bindparam("k_name"))
_COSIGNED: Final = (
    select(t.heads.c.journal, t.heads.c.cosigned_size, t.heads.c.cosigned)
    .where(sa.or_(t.heads.c.cosigned.is_not(None), t.heads.c.cosigned_size != 0))
    .order_by(t.heads.c.journal)
)


def keep_secrets(tx: Tx, secrets: Mapping[str, bytes]) -> None:
    """Keep secrets, once and for all, in a store that is being made."""
    tx.many(_ADD_SECRET, [{"name": name, "value": value} for name, value in secrets.items()])
    tx.run(_ADD_LOCAL, {"name": _SECRETS_SUM, "value": _sum(tx.all(_ALL_SECRETS)).hex()})
    tx.run(_ADD_SECRET, {"name": _SUM, "value": _sum_beside(tx)})


def add_secret(tx: Tx, name: str, value: bytes) -> None:
    """Keep a further secret. A sum that was wrong before stays wrong, to be found."""
    with _secrets_summed(tx):
        tx.run(_ADD_SECRET, {"name": name, "value": value})


def drop_secret(tx: Tx, name: str) -> None:
    """Keep a secret no more; says nothing where there is none."""
    with _secrets_summed(tx):
        tx.run(_DROP_SECRET, {"k_name": name})


@contextmanager
def _secrets_summed(tx: Tx) -> Iterator[None]:
    whole = are_secrets_whole(tx)
    yield
    if whole:
        remember(tx, {_SECRETS_SUM: _sum(tx.all(_ALL_SECRETS)).hex()})


def secret(tx: Tx, name: str) -> bytes | None:
    """A secret, or None."""
    row = tx.one(_SECRET, {"name": name})
    return row[0] if row is not None and isinstance(row[0], bytes) else None


def remember(tx: Tx, values: Mapping[str, str]) -> None:
    """Remember values, in the place of older ones."""
    with summed(tx):
        for name, value in values.items():
            tx.run(_DROP_LOCAL, {"k_name": name})
            tx.run(_ADD_LOCAL, {"name": name, "value": value})


def forget(tx: Tx, name: str) -> None:
    """Remember something no more."""
    with summed(tx):
        tx.run(_DROP_LOCAL, {"k_name": name})


def remembered(tx: Tx, name: str) -> str | None:
    """What was remembered, or None."""
    row = tx.one(_LOCAL, {"name": name})
    return None if row is None else str(row[0])


@contextmanager
def summed(tx: Tx) -> Iterator[None]:
    """Change inside it what is remembered or countersigned. A sum that was wrong before stays wrong, to be found."""
    whole = is_whole(tx)
    yield
    if whole:
        tx.run(_DROP_SECRET, {"k_name": _SUM})
        tx.run(_ADD_SECRET, {"name": _SUM, "value": _sum_beside(tx)})


def is_whole(tx: Tx) -> bool:
    """Whether what is remembered and countersigned is what it was last."""
    return secret(tx, _SUM) == _sum_beside(tx)


def are_secrets_whole(tx: Tx) -> bool:
    """Whether the secrets are those that were kept."""
    return remembered(tx, _SECRETS_SUM) == _sum(tx.all(_ALL_SECRETS)).hex()


def _sum_beside(tx: Tx) -> bytes:
    """The sum over what is remembered, and over what central countersigned of each journal."""
    return _sum([*tx.all(_ALL_LOCAL), *tx.all(_COSIGNED)])


def _sum(rows: Iterable[Row]) -> bytes:
    digest = hashlib.sha256()
    for row in rows:
        for value in row:
            shown = value if isinstance(value, bytes) else str(value).encode()
            digest.update(b"%d " % len(shown) + shown)
    return digest.digest()
