"""Keys that central believes no more, for ever: those of signers, and those of nodes that were taken out of service.

There is no way back. Told again, only an earlier time is taken: it may turn out later that a key was lost before.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records.database import Tx
from appliance.records.moment import at_text, parse_at
from sync.central import tables as t
from sync.refusals import NotEnrolled

_ALL: Final = select(t.ended_keys.c.key, t.ended_keys.c.at, t.ended_keys.c.reason)
_ONE: Final = _ALL.where(t.ended_keys.c.key == bindparam("key"))
_ADD: Final = sa.insert(t.ended_keys)
_DROP: Final = sa.delete(t.ended_keys).where(t.ended_keys.c.key == bindparam("key"))


@dataclass(frozen=True, slots=True)
class EndedKey:
    """Since when a key is not believed, and why."""

    at: datetime
    reason: str
    """One of `lists.KEY_REASONS`."""


class AlreadyEnded(OperatorError):
    """The key was ended before, as early or earlier."""

    def __init__(self, ended: EndedKey) -> None:
        super().__init__(
            f"This key is revoked since {at_text(ended.at)} ({ended.reason}). That cannot be changed.",
            "Only an earlier time can be said: `--at TIME`.",
        )


def key_of(certificate: bytes) -> str:
    """How a signer's certificate (DER) is named here."""
    return hashlib.sha256(certificate).hexdigest()


def ended_keys(tx: Tx) -> dict[str, EndedKey]:
    """Every key that ended."""
    return {key: EndedKey(parse_at(at), reason) for key, at, reason in tx.all(_ALL)}


def refuse_stopped(tx: Tx, journal: JournalId) -> None:
    """See that a node was not taken out of service.

    Raises:
        NotEnrolled: it was.
    """
    if tx.one(_ONE, {"key": journal}) is not None:
        raise NotEnrolled("Central has taken this node out of service.", "Stop work on this box, and call central IT.")


def end_key(tx: Tx, key: str, ended: EndedKey, said_at: datetime) -> None:
    """Believe a key no more.

    Raises:
        AlreadyEnded: that was said before, with an earlier time or the same.
    """
    row = tx.one(_ONE, {"key": key})
    if row is not None and parse_at(row[1]) <= ended.at:
        raise AlreadyEnded(EndedKey(parse_at(row[1]), row[2]))
    tx.run(_DROP, {"key": key})
    tx.run(_ADD, {"key": key, "at": at_text(ended.at), "reason": ended.reason, "said_at": at_text(said_at)})
