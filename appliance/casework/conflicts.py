"""What central's orders leave for people to settle: a number that two papers bear, a login that two people would have.

Decisions that could not be carried out are settled at their case (`decisions`). Nothing here is overwritten: a case is
open until somebody says how it was settled, here or at central, and both sides see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.records import tables as t
from appliance.records.database import Row
from appliance.store.store import Draft, Moment, Store

MAX_SHOWN: Final = 200
_C: Final = t.conflicts
_COLUMNS: Final = (
    *(_C.c.conflict, _C.c.what, _C.c.named, _C.c.detail, _C.c.found_at),
    *(_C.c.settled_at, _C.c.settled_by, _C.c.settlement),
)
_OPEN: Final = (
    select(*_COLUMNS)
    .where(_C.c.journal == bindparam("journal"), _C.c.settled_at == "")
    .order_by(_C.c.found_at, _C.c.conflict)
    .limit(MAX_SHOWN)
)
_ONE: Final = select(*_COLUMNS).where(_C.c.journal == bindparam("journal"), _C.c.conflict == bindparam("conflict"))


@dataclass(frozen=True, slots=True)
class Conflict:
    """A case for people. `detail`: the other centre, or the name of whom central would have named."""

    conflict: str
    what: str
    named: str
    detail: str
    found_at: str
    settled_at: str
    settled_by: str
    settlement: str

    @property
    def words(self) -> str:
        """What it is."""
        if self.what == "number":
            return f"Certificate number {self.named} stands on a paper of {self.detail}, too."
        return f"Central named {self.detail} as the operator {self.named}, and somebody here has that login."

    @property
    def next_step(self) -> str:
        """What to do."""
        if self.what == "number":
            return "Agree with the other centre which paper is revoked and issued anew; then say here how it was done."
        return "Nothing was changed. Ask central to name them under another login; then say so here."


def open_conflicts(store: Store) -> list[Conflict]:
    """What nobody has settled, oldest first."""
    with store.read() as tx:
        return [_conflict(row) for row in tx.all(_OPEN, {"journal": store.journal})]


def settle_conflict(store: Store, session: Session, conflict: str, how: str) -> None:
    """Say how a case was settled.

    Raises:
        OperatorError: it is not open, no words, or the session may not.
    """
    check_reason(how)

    def act(moment: Moment) -> list[Draft]:
        row = moment.tx.one(_ONE, {"journal": store.journal, "conflict": conflict})
        if row is None or _conflict(row).settled_at:
            raise OperatorError("This is settled, or not known here.", "Look at the list again.")
        return [Draft(k.ConflictSettled(conflict=conflict, how=how))]

    store.commit(session, act)


def _conflict(row: Row) -> Conflict:
    return Conflict(*map(str, row))
