"""What central's software could not fold, as people see it: of every node, from the index."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from sqlalchemy import func, select

from appliance.journal.errors import SanadError
from appliance.journal.ids import JournalId
from appliance.records import tables as records
from appliance.records.aside import Poison
from appliance.records.database import Database

MAX_NAMED: Final = 20
"""Of one node that are named on its page; `sanad central aside` names more."""
MAX_LOOKED_AT: Final = 1000
"""Of all nodes together; of nodes behind that only the number is told."""

_A: Final = records.set_aside
_COUNTS: Final = select(_A.c.journal, func.count()).group_by(_A.c.journal)
_FIRST: Final = (
    select(_A.c.journal, _A.c.log, _A.c.seq, _A.c.kind, _A.c.error)
    .order_by(_A.c.journal, _A.c.log, _A.c.seq)
    .limit(MAX_LOOKED_AT)
)


def read_asides(index: Database) -> dict[JournalId, tuple[tuple[Poison, ...], int]]:
    """The first of each node that has any, and how many there are; nothing where the index cannot be read just now."""
    found: dict[JournalId, list[Poison]] = {}
    counts: dict[JournalId, int] = {}
    # The pages are to be seen above all when something is in trouble.
    with suppress(SanadError), index.read() as tx:
        counts = {JournalId(journal): int(number) for journal, number in tx.all(_COUNTS)}
        for journal, *values in tx.all(_FIRST) if counts else ():
            found.setdefault(JournalId(journal), []).append(Poison(*values))
    return {journal: (tuple(its[:MAX_NAMED]), counts[journal]) for journal, its in found.items()}
