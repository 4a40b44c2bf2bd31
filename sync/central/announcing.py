"""The order that says which public lists there are: every node is given it once more has ended than the last one said.

The lists reach a node with every sync anyway, and are checked by themselves. The order puts their number and digest
under central's checkpoint and into the fold of both sides, so that lists which say less than central ever ordered show,
also in a home that was put back as a whole (docs/adr/0020).

A key that ended is ordered at once; certificates that ended with the first lists of a day, UTC. A node that was away
for a month is given the newest of these orders alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.certificates.lists import PublicLists
from appliance.journal import kinds as k
from appliance.journal.ids import CENTRAL
from appliance.records import tables as log_tables
from appliance.records.database import Database, Tx
from appliance.records.moment import at_text
from sync.central.publishing import Publication

NAME: Final = "public lists"
"""What the standing order is about."""
LAST: Final = "lists-ordered"
"""Under which the archive remembers what was ordered last."""
Stand = Callable[[Tx, str, k.Body, str], None]

_LOCAL: Final = select(log_tables.local.c.value).where(log_tables.local.c.name == LAST)
_DROP: Final = sa.delete(log_tables.local).where(log_tables.local.c.name == bindparam("k_name"))
_ADD: Final = sa.insert(log_tables.local)


class _Said(msgspec.Struct, frozen=True):
    """How much has ended by some lists. What was ever said stays said, so more of it is a larger number."""

    keys: int = 0
    certificates: int = 0
    day: str = ""


def tell(archive: Database, stand: Stand, publication: Publication) -> None:
    """Order of every node to know these lists, where they say more to have ended and it is time."""
    said = _said(publication.lists)
    with archive.read() as tx:
        if not _is_due(said, _last(tx)):
            return
    with archive.write() as tx:
        if not _is_due(said, _last(tx)):
            return
        tx.run(_DROP, {"k_name": LAST})
        tx.run(_ADD, {"name": LAST, "value": msgspec.json.encode(said).decode()})
        stand(tx, NAME, _order(publication), CENTRAL)


def _order(publication: Publication) -> k.ListsPublished:
    lists = publication.lists
    return k.ListsPublished(number=lists.number, made_at=at_text(lists.at), sha256=publication.sha256)


def _is_due(said: _Said, last: _Said) -> bool:
    return said.keys > last.keys or (said.certificates > last.certificates and said.day > last.day)


def _said(lists: PublicLists) -> _Said:
    signers = sum(each.revoked_at is not None for each in lists.trust.signers)
    stopped = sum(each.stopped_at is not None for each in lists.trust.logs)
    return _Said(signers + stopped, len(lists.revocations.ended), at_text(lists.at)[:10])


def _last(tx: Tx) -> _Said:
    row = tx.one(_LOCAL)
    return _Said() if row is None else msgspec.json.decode(row[0], type=_Said)
