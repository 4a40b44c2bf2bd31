"""Nodes that central takes nothing from until a person there has looked into it, and the record of who did what.

A fork, or a node that is an older copy of itself, puts a node here by itself; so may a person. Only a person lifts it.
Every act is kept, for ever. Two histories that contradict each other are never merged: whichever box is to go on gets
a new journal by a new invite, and what central countersigned of the old one stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records.database import Tx
from appliance.records.moment import at_text
from appliance.records.wording.quarantine import NEXT_STEP, why_held
from sync.central import tables as t
from sync.refusals import Quarantined

CENTRAL: Final = "central"
"""Who acts where no person does."""
MAX_REASON: Final = 500
"""Characters of a reason."""

_OF: Final = bindparam("journal", type_=sa.Text())
_COLUMNS: Final = (t.quarantined.c.journal, t.quarantined.c.since, t.quarantined.c.cause, t.quarantined.c.reason)
_ALL: Final = select(*_COLUMNS)
_ONE: Final = _ALL.where(t.quarantined.c.journal == _OF)
_ADD: Final = sa.insert(t.quarantined)
_DROP: Final = sa.delete(t.quarantined).where(t.quarantined.c.journal == bindparam("k_journal"))
_ACTS: Final = (
    select(
        *(t.quarantine_acts.c.at, t.quarantine_acts.c.act, t.quarantine_acts.c.cause),
        *(t.quarantine_acts.c.reason, t.quarantine_acts.c.by),
    )
    .where(t.quarantine_acts.c.journal == _OF)
    .order_by(t.quarantine_acts.c.number)
)
_LIFTED: Final = (
    select(t.quarantine_acts.c.journal, sa.func.max(t.quarantine_acts.c.at))
    .where(t.quarantine_acts.c.act == "lifted")
    .group_by(t.quarantine_acts.c.journal)
)
_COUNT: Final = select(sa.func.count()).select_from(t.quarantine_acts).where(t.quarantine_acts.c.journal == _OF)
_ADD_ACT: Final = sa.insert(t.quarantine_acts)


class Cause(Enum):
    """Why a node is in quarantine."""

    FORK = "fork"
    ROLLBACK = "rollback"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """One node's."""

    since: str
    """`at_text`."""
    cause: Cause
    reason: str
    """In words."""


@dataclass(frozen=True, slots=True)
class Act:
    """That a node was put into quarantine, or let out."""

    at: str
    act: str
    """`quarantined` or `lifted`."""
    cause: Cause
    reason: str
    by: str


def find(tx: Tx, journal: JournalId) -> Quarantine | None:
    """A node's quarantine, if it is in one."""
    row = tx.one(_ONE, {"journal": journal})
    return None if row is None else Quarantine(row[1], Cause(row[2]), row[3])


def every(tx: Tx) -> dict[JournalId, Quarantine]:
    """All that are in quarantine now."""
    return {JournalId(row[0]): Quarantine(row[1], Cause(row[2]), row[3]) for row in tx.all(_ALL)}


def lifted(tx: Tx) -> dict[JournalId, str]:
    """When a node was let out the last time (`at_text`), for each that ever was."""
    return {JournalId(journal): at for journal, at in tx.all(_LIFTED)}


def acts(tx: Tx, journal: JournalId) -> tuple[Act, ...]:
    """All that was ever done about a node, the oldest first."""
    return tuple(
        Act(at, act, Cause(cause), reason, by) for at, act, cause, reason, by in tx.all(_ACTS, {"journal": journal})
    )


def refuse_quarantined(tx: Tx, journal: JournalId) -> None:
    """See that a node is in no quarantine.

    Raises:
        Quarantined: it is.
    """
    if (refused := refusal(tx, journal)) is not None:
        raise refused


def refusal(tx: Tx, journal: JournalId) -> Quarantined | None:
    """What a node in quarantine is answered; None where it is in none."""
    found = find(tx, journal)
    if found is None:
        return None
    why = why_held(found.cause.value, found.reason)
    return Quarantined(f"Central has put this node into quarantine: {why}", NEXT_STEP)


def put(tx: Tx, journal: JournalId, cause: Cause, reason: str, by: str, at: datetime) -> bool:
    """Put a node into quarantine; False where it is in one already."""
    if find(tx, journal) is not None:
        return False
    reason = clean_reason(reason)
    tx.run(_ADD, {"journal": journal, "since": at_text(at), "cause": cause.value, "reason": reason})
    _record(tx, journal, "quarantined", cause, reason, by, at)
    return True


def lift(tx: Tx, journal: JournalId, reason: str, by: str, at: datetime) -> Quarantine:
    """Let a node out; answers the quarantine that it was in.

    Raises:
        OperatorError: it is in none, or no reason is given.
    """
    found = find(tx, journal)
    if found is None:
        raise OperatorError("This node is not in quarantine.", "See `sanad central nodes`.")
    tx.run(_DROP, {"k_journal": journal})
    _record(tx, journal, "lifted", found.cause, clean_reason(reason), by, at)
    return found


def _record(tx: Tx, journal: JournalId, act: str, cause: Cause, reason: str, by: str, at: datetime) -> None:
    row = tx.one(_COUNT, {"journal": journal})
    number = 0 if row is None else int(row[0])
    said = {"act": act, "cause": cause.value, "reason": reason, "by": by}
    tx.run(_ADD_ACT, {"journal": journal, "number": number, "at": at_text(at), **said})


def clean_reason(reason: str) -> str:
    """A reason as it is kept.

    Raises:
        OperatorError: there is none, or it is longer than `MAX_REASON`.
    """
    reason = "".join(each for each in reason if each.isprintable()).strip()
    if not 0 < len(reason) <= MAX_REASON:
        raise OperatorError(f"A reason has 1 to {MAX_REASON} characters.", "Say it in a sentence.")
    return reason
