"""What only people can settle: one certificate number on papers of two nodes. Nothing is overwritten; a case is opened.

Both nodes are ordered to show it to their people, who settle it by an entry in either journal; or it is settled here.
Then both nodes are told how. What else a node's journal leaves to people is kept beside it (`nodecases`).

Central leases each number once. Put back from an old backup, it may lease a block of a centre again, to another box of
that centre; so nodes of one centre are held against each other, whenever one of them has issued something.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from appliance.journal import kinds as k
from appliance.journal.errors import SanadError
from appliance.journal.ids import CENTRAL, EntityId, JournalId, entity_id
from appliance.records import tables as records
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock, at_text
from sync.central import registry
from sync.central import tables as t
from sync.central.nodecases import NodeCases, require
from sync.central.ordering import Give
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
_NODES_OF: Final = select(t.conflicts.c.journal, t.conflicts.c.other).where(t.conflicts.c.number == bindparam("number"))
_SETTLED_THERE: Final = (
    select(
        *(records.conflicts.c.named, records.conflicts.c.settled_at, records.conflicts.c.settlement),
        *(records.operators.c.login, records.centres.c.centre),
    )
    .select_from(
        records.conflicts.join(records.centres, records.centres.c.journal == records.conflicts.c.journal).outerjoin(
            records.operators,
            sa.and_(
                records.operators.c.journal == records.conflicts.c.journal,
                records.operators.c.about == records.conflicts.c.settled_by,
            ),
        )
    )
    .where(
        records.conflicts.c.journal == bindparam("journal"),
        records.conflicts.c.what == "number",
        records.conflicts.c.settled_at != "",
        records.conflicts.c.settled_by != CENTRAL,
    )
)
_other = t.nodes.alias("the_other")
_DISPUTED: Final = (
    select(
        *(t.conflicts.c.number, t.conflicts.c.journal, t.conflicts.c.other, _other.c.centre),
        *(t.conflicts.c.settled_at, t.conflicts.c.settlement, t.disputes_told.c.closed),
    )
    .select_from(
        t.conflicts.outerjoin(
            t.disputes_told,
            sa.and_(
                t.disputes_told.c.number == t.conflicts.c.number, t.disputes_told.c.journal == bindparam("journal")
            ),
        ).outerjoin(
            _other,
            sa.and_(
                sa.or_(_other.c.journal == t.conflicts.c.journal, _other.c.journal == t.conflicts.c.other),
                _other.c.journal != bindparam("journal"),
            ),
        )
    )
    .where(sa.or_(t.conflicts.c.journal == bindparam("journal"), t.conflicts.c.other == bindparam("journal")))
    .order_by(t.conflicts.c.number)
)
_TOLD: Final = insert(t.disputes_told)
_MARK_TOLD: Final = _TOLD.on_conflict_do_update(
    index_elements=[t.disputes_told.c.journal, t.disputes_told.c.number], set_={"closed": _TOLD.excluded.closed}
)
_log = structlog.get_logger(__name__)
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
        give: puts orders into a node's journal of them.
    """

    def __init__(self, archive: Database, index: Database, clock: Clock, found: Callable[[], None], give: Give) -> None:
        self._archive = archive
        self._index = index
        self._clock = clock
        self._found = found
        self._give = give
        self.cases = NodeCases(archive, index, clock, give)
        self._issued: dict[JournalId, int] = {}

    def look(self, journal: JournalId) -> None:
        """Hold a node's certificates against those of its centre's other nodes, if there are more than before."""
        if self.cases.look(journal) or self._heard(journal):
            self._found()
        self._tell(journal)
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
            for each in {journal, *neighbours}:
                self._tell(each)
        self._issued[journal] = issued

    def settle(self, number: str, words: str, by: str) -> None:
        """A person has settled a case.

        Raises:
            OperatorError: there is no open case of that number, or it is not said how it was settled.
        """
        if self.cases.settle(number, words, by):
            self._found()
            return
        values = {"k_number": number, "at": at_text(self._clock()), "words": clean_reason(words), "who": by}
        with self._archive.write() as tx:
            require(bool(tx.run(_SETTLE, values)))
            nodes = tx.one(_NODES_OF, {"number": number}) or ()
        self._found()
        for each in nodes:
            self._tell(JournalId(each))

    def _heard(self, journal: JournalId) -> bool:
        """Take over what people at a node said of disputed numbers; answers whether anything was news."""
        with self._index.read() as tx:
            said = tx.all(_SETTLED_THERE, {"journal": journal})
        if not said:
            return False
        with self._archive.write() as tx:
            news = 0
            nodes: set[JournalId] = set()
            for number, at, words, login, centre in said:
                settled = {"k_number": number, "at": at, "words": words, "who": f"{login or 'somebody'} at {centre}"}
                if tx.run(_SETTLE, settled):
                    news += 1
                    nodes |= set(map(JournalId, tx.one(_NODES_OF, {"number": number}) or ()))
        for each in nodes - {journal}:
            self._tell(each)
        return bool(news)

    def _tell(self, journal: JournalId) -> None:
        """Order a node to show its people what is disputed, and how it was settled, each once.

        A node that may be given no orders now is told when its entries are folded next.
        """
        with self._archive.read() as tx:
            if not _untold(tx, journal):
                return
        try:
            with self._archive.write() as tx:
                node = registry.require_node(tx, journal)
                rows = _untold(tx, journal)
                self._give(tx, node, [body for _, _, body in rows])
                marks = [{"journal": journal, "number": number, "closed": closed} for number, closed, _ in rows]
                tx.many(_MARK_TOLD, marks)
        except SanadError as error:
            _log.warning("disputed numbers wait", journal=journal, error=type(error).__name__)


def conflict_of(number: str) -> EntityId:
    """What names the case about a number, at both nodes."""
    return entity_id(hashlib.sha256(b"sanad disputed number\0" + number.encode()).digest()[:16])


def _untold(tx: Tx, journal: JournalId) -> list[tuple[str, int, k.Body]]:
    """What a node was not ordered yet about disputed numbers: which, whether it is settled, and the order."""
    found: list[tuple[str, int, k.Body]] = []
    for number, first, second, centre, settled_at, words, closed in tx.all(_DISPUTED, {"journal": journal}):
        other = second if first == journal else first
        conflict = conflict_of(number)
        if closed is None and not settled_at:
            opened = k.NumberDisputed(conflict=conflict, number=number, other=other, other_centre=centre or "")
            found.append((number, 0, opened))
        elif closed == 0 and settled_at:
            found.append((number, 1, k.ConflictClosed(conflict=conflict, how=words)))
    return found
