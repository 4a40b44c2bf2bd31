"""Folding on past an entry that the fold throws at: central's way, because nobody there can refuse what a node wrote.

A fold function touches rows of its entry's own subject and reads none. So the entry is set aside, by name, and with it
whatever more comes of its subject, whose rows stay as they were before it: the fold of a beginning, and never a state
that there was not. All other subjects go on. What headers alone say (the timeline, tallies, sealed files) is folded for
these entries too, central's orders hold, and an erasing is carried out. An entry about nobody is about the node itself,
and everything rests on that: there the node's fold waits, and says where.

A software that can fold what was set aside begins that journal again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.entry import Header
from appliance.journal.ids import NOBODY, JournalId
from appliance.journal.kinds import SubjectErased
from appliance.records import search
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.folding import Folder, try_fold
from appliance.records.log import Log
from appliance.records.poison import is_poison, set_aside, undone_alone

MAX_TRIED: Final = 100
"""Entries of one journal that are tried at a start whether they can be folded now."""

_A: Final = t.set_aside
_OF_JOURNAL: Final = (
    select(_A.c.log, _A.c.seq, _A.c.kind, _A.c.error)
    .where(_A.c.journal == bindparam("journal"))
    .order_by(_A.c.log, _A.c.seq)
    .limit(bindparam("limit"))
)
_SUBJECT: Final = (
    select(_A.c.seq)
    .where(_A.c.journal == bindparam("journal"), _A.c.log == bindparam("journal"), _A.c.about == bindparam("about"))
    .limit(1)
)
_FORGET: Final = tuple(
    sa.delete(table).where(table.c.journal == bindparam("journal")) for table in t.FOLDED.sorted_tables
)
_FORGET_STAMP: Final = sa.delete(t.stamps).where(t.stamps.c.journal == bindparam("journal"))


@dataclass(frozen=True, slots=True)
class Poison:
    """An entry, or an order, that was not folded. Nothing of it is personal."""

    log: JournalId
    """Its journal; with `.orders`, where it is an order."""
    seq: int
    kind: str
    error: str
    """The name of the error's type."""

    def __str__(self) -> str:
        what = "order" if self.log.endswith(".orders") else "entry"
        return f"{what} {self.seq} ({self.kind}): {self.error}"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a fold came."""

    position: int
    stopped: Poison | None = None
    """What it cannot pass."""


def fold_apart(tx: Tx, log: Tx, journal: JournalId, start: int, stop: int) -> Reached:
    """Fold entries `start` to `stop` (excluded) of `journal` one by one, and set aside what throws.

    Raises:
        IntegrityError: an entry is missing. DeviceError: the disk or the database is in trouble.
    """
    for entry in Log(log, journal).kept(start, stop):
        header = entry.header
        if _is_aside(tx, header):
            Folder(tx, log, journal).fold_header(header)
            continue
        try:
            with undone_alone(tx):
                Folder(tx, log, journal).fold([entry])
        except Exception as error:
            if not is_poison(error):
                raise
            if header.about == NOBODY:
                return Reached(header.seq, Poison(journal, header.seq, header.kind, type(error).__name__))
            Folder(tx, log, journal).fold_header(header)
            set_aside(tx, header, error)
    return Reached(stop)


def all_aside(tx: Tx, journal: JournalId, limit: int) -> list[Poison]:
    """What was set aside of a node, entries before orders; at most `limit`."""
    return [Poison(*row) for row in tx.all(_OF_JOURNAL, {"journal": journal, "limit": limit})]


def can_be_folded(tx: Tx, log: Tx, journal: JournalId) -> bool:
    """Whether this software folds something that was set aside; leaves the tables as they were."""
    return any(try_fold(tx, log, journal, each.log, each.seq) for each in all_aside(tx, journal, MAX_TRIED))


def begin_again(tx: Tx, journal: JournalId) -> None:
    """Forget all that was folded of a journal, to fold it from its beginning."""
    search.forget(tx, journal)
    for forget in _FORGET:
        tx.run(forget, {"journal": journal})
    tx.run(_FORGET_STAMP, {"journal": journal})


def _is_aside(tx: Tx, header: Header) -> bool:
    if header.about == NOBODY or header.kind == SubjectErased.KIND:
        return False
    return tx.one(_SUBJECT, {"journal": header.journal, "about": header.about}) is not None
