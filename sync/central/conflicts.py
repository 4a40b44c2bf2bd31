"""What only people can settle: one certificate number on papers of two nodes. Nothing is overwritten; a case is opened.

Central leases each number once. Put back from an old backup, it may lease a block of a centre again, to another box of
that centre; so nodes of one centre are held against each other, whenever one of them has issued something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records import tables as records
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock, at_text
from sync.central import tables as t
from sync.central.quarantine import clean_reason

MAX_FOUND: Final = 1000
"""Cases that one look opens; the next look opens further ones."""

_mine, _theirs = records.certificates.alias("mine"), records.certificates.alias("theirs")
_BOTH: Final = (
    select(_mine.c.number)
    .join(_theirs, sa.and_(_theirs.c.journal == bindparam("other"), _theirs.c.number == _mine.c.number))
    .where(_mine.c.journal == bindparam("journal"))
    .order_by(_mine.c.number)
    .limit(MAX_FOUND)
)
_ISSUED: Final = (
    select(sa.func.count())
    .select_from(records.certificates)
    .where(records.certificates.c.journal == bindparam("journal"))
)
_own = t.nodes.alias("own")
_NEIGHBOURS: Final = (
    select(t.nodes.c.journal)
    .join(_own, sa.and_(_own.c.journal == bindparam("journal"), _own.c.centre == t.nodes.c.centre))
    .where(t.nodes.c.journal != bindparam("journal"))
)
_OPEN: Final = (
    select(t.conflicts.c.number, t.conflicts.c.journal, t.conflicts.c.other, t.conflicts.c.found_at)
    .where(t.conflicts.c.settled_at == "")
    .order_by(t.conflicts.c.number)
)
_ADD: Final = insert(t.conflicts).on_conflict_do_nothing()
_SETTLE: Final = (
    sa.update(t.conflicts)
    .where(t.conflicts.c.number == bindparam("k_number"), t.conflicts.c.settled_at == "")
    .values(settled_at=bindparam("at"), settlement=bindparam("words"), settled_by=bindparam("who"))
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A certificate number that papers of two nodes bear."""

    number: str
    journals: tuple[JournalId, JournalId]
    found_at: str

    @property
    def next_step(self) -> str:
        """What to do."""
        return (
            "Both papers stay as they are. Have one of the centres revoke its paper and issue another, then say so: "
            f'`sanad central cases {self.number} --settle "…"`.'
        )


def open_conflicts(tx: Tx) -> tuple[Conflict, ...]:
    """Cases that nobody has settled, by number."""
    return tuple(Conflict(number, (journal, other), at) for number, journal, other, at in tx.all(_OPEN))


class Conflicts:
    """Finds conflicts at one central.

    Args:
        archive: the archive.
        index: the index.
        clock: what time it is.
        found: told when there are new ones.
    """

    def __init__(self, archive: Database, index: Database, clock: Clock, found: Callable[[], None]) -> None:
        self._archive = archive
        self._index = index
        self._clock = clock
        self._found = found
        self._issued: dict[JournalId, int] = {}

    def look(self, journal: JournalId) -> None:
        """Hold a node's certificates against those of its centre's other nodes, if there are more than before."""
        with self._archive.read() as tx:
            neighbours = [row[0] for row in tx.all(_NEIGHBOURS, {"journal": journal})]
        if not neighbours:
            return
        with self._index.read() as tx:
            row = tx.one(_ISSUED, {"journal": journal})
            issued = 0 if row is None else int(row[0])
            if issued == self._issued.get(journal):
                return
            both = {each: tx.all(_BOTH, {"journal": journal, "other": each}) for each in neighbours}
        rows = [
            {"number": number, "journal": journal, "other": other, "found_at": at_text(self._clock())}
            for other, numbers in both.items()
            for (number,) in numbers
        ]
        if rows:
            unsettled = {"settled_at": "", "settlement": "", "settled_by": ""}
            with self._archive.write() as tx:
                tx.many(_ADD, [row | unsettled for row in rows])
            self._found()
        self._issued[journal] = issued

    def settle(self, number: str, words: str, by: str) -> None:
        """A person has settled a case.

        Raises:
            OperatorError: there is no open case of that number, or it is not said how it was settled.
        """
        values = {"k_number": number, "at": at_text(self._clock()), "words": clean_reason(words), "who": by}
        with self._archive.write() as tx:
            if not tx.run(_SETTLE, values):
                raise OperatorError("There is no open case of that number.", "See `sanad central cases`.")
        self._found()
