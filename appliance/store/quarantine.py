"""The quarantine that a node is in, by central's orders: known also where nothing but a stick reaches central."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.journal.ids import CENTRAL
from appliance.records import tables as t
from appliance.records.wording.quarantine import why_held
from appliance.store.store import Store

_HELD: Final = select(t.quarantines.c.since, t.quarantines.c.cause, t.quarantines.c.reason, t.quarantines.c.by).where(
    t.quarantines.c.journal == bindparam("journal")
)


@dataclass(frozen=True, slots=True)
class Held:
    """A quarantine."""

    since: str
    cause: str
    reason: str
    by: str
    """Who at central; `central` where nobody but itself did."""

    @property
    def words(self) -> str:
        """Since when, and why."""
        who = f" ({self.by})" if self.by not in ("", CENTRAL) else ""
        since = self.since[:16].replace("T", " ")
        return f"In quarantine by central since {since}{who}: {why_held(self.cause, self.reason)}"


def held(store: Store) -> Held | None:
    """The quarantine that this node is in, as far as it has central's orders."""
    with store.read() as tx:
        row = tx.one(_HELD, {"journal": store.journal})
    return None if row is None else Held(*row)
