"""Two people at one subject: the one who commits later is told what the other did, and nothing they typed is lost.

A screen remembers the last entry about its subject that it showed (`last_seq`), and gives it back with the act. Inside
the commit, where nobody else can write, later entries about the subject refuse the act.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.log import Log
from appliance.records.wording import lines

MAX_CHANGES: Final = 20
"""Changes that are told one by one; there may be more."""

_LAST: Final = select(sa.func.max(t.timeline.c.seq)).where(t.where_key(t.timeline))
_LATER: Final = (
    select(t.timeline.c.seq)
    .where(t.where_key(t.timeline), t.timeline.c.seq > bindparam("seen"))
    .order_by(t.timeline.c.seq)
    .limit(MAX_CHANGES)
)


class ChangedMeanwhile(OperatorError):
    """Somebody wrote about the subject since it was shown. `changes` says what, in words, oldest first."""

    def __init__(self, changes: tuple[str, ...]) -> None:
        super().__init__(
            "Somebody changed this meanwhile, so nothing was saved: " + "; ".join(changes) + ".",
            "Look at it again; what you typed is kept on the screen.",
        )
        self.changes = changes


def last_seq(tx: Tx, journal: JournalId, about: str) -> int:
    """The position of the last entry about a subject; -1 where there is none."""
    row = tx.one(_LAST, {"k_journal": journal, "k_about": about})
    return -1 if row is None or row[0] is None else int(row[0])


def see_unchanged(tx: Tx, journal: JournalId, about: str, seen: int | None) -> None:
    """Refuse an act on what has changed since it was shown.

    Args:
        tx: the commit's transaction.
        journal: where.
        about: the subject.
        seen: `last_seq` as the screen that acts knew it; None where it does not matter.

    Raises:
        ChangedMeanwhile: there are later entries about it.
    """
    if seen is None:
        return
    later = [int(row[0]) for row in tx.all(_LATER, {"k_journal": journal, "k_about": about, "seen": seen})]
    if later:
        raise ChangedMeanwhile(in_words(tx, journal, later))


def in_words(tx: Tx, journal: JournalId, positions: list[int]) -> tuple[str, ...]:
    """What the entries at these positions say: who did what."""
    log, names = Log(tx, journal), lines.Names(tx, journal)
    found = (lines.line(entry, names) for seq in positions for entry in log.kept(seq, seq + 1))
    return tuple(f"{line.who} {line.what}" for line in found)
