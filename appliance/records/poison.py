"""What a fold cannot take: which errors are an entry's own, and how it is undone without what was folded before it.

A fold takes every entry that can be read. Where it throws all the same, that is a mistake of this software's, and one
entry must not keep others from the tables: it is set aside, by name, and folded by a software that can.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from appliance.journal.entry import Header
from appliance.journal.errors import BugError, IntegrityError, SanadError
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.failures import StoreUnreadable
from appliance.records.folds.base import of_node
from appliance.records.statements import add_once

_SAVE: Final = sa.text("SAVEPOINT entry")
_BACK: Final = sa.text("ROLLBACK TO entry")
_LET_GO: Final = sa.text("RELEASE entry")
_SET_ASIDE: Final = add_once(t.set_aside)


def is_poison(error: Exception) -> bool:
    """Whether an error is of the entry that was folded, and not of the disk, the machine or the whole database."""
    if isinstance(error, SanadError):
        return isinstance(error, BugError | IntegrityError) and not isinstance(error, StoreUnreadable)
    return not isinstance(error, MemoryError | OSError)


@contextmanager
def undone_alone(tx: Tx) -> Iterator[None]:
    """What the block does is undone where it raises, and nothing else of the transaction."""
    tx.run(_SAVE)
    try:
        yield
    except Exception as error:
        if is_poison(error):
            # Else the disk or the database is in trouble, and the whole transaction goes.
            tx.run(_BACK)
            tx.run(_LET_GO)
        raise
    tx.run(_LET_GO)


def set_aside(tx: Tx, header: Header, error: Exception) -> None:
    """Note an entry, or an order, that was not folded, and the kind of its error; never its words, which may quote."""
    tx.run(
        _SET_ASIDE,
        {
            "journal": of_node(header),
            "log": header.journal,
            "seq": header.seq,
            "about": header.about,
            "kind": header.kind,
            "error": type(error).__name__,
        },
    )
