"""The four-eyes rule: nobody decides an application that they took in.

It reads the timeline, which is made of headers and survives erasing, and looks at the person (one operator account is
one person), never at the role they signed in with. It is asked inside every commit.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import bindparam, or_, select

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.records import tables as t
from appliance.records.database import Tx

INTAKE: Final = frozenset({k.ApplicationSubmitted.KIND, k.PaperAdded.KIND})
DECISION: Final = frozenset({k.ApplicationApproved.KIND, k.ApplicationReturned.KIND, k.ApplicationRejected.KIND})

_TOOK_IN: Final = (
    select(t.timeline.c.seq)
    .where(
        t.timeline.c.journal == bindparam("journal"),
        t.timeline.c.about == bindparam("about"),
        t.timeline.c.by == bindparam("by"),
        or_(*(t.timeline.c.kind == kind for kind in sorted(INTAKE))),
    )
    .limit(1)
)


class SameEyes(OperatorError):
    """The person who took a case in may not decide it."""

    def __init__(self) -> None:
        super().__init__(
            "You took this application in yourself, so somebody else must decide it.",
            "Leave it in the queue: another officer will see it.",
        )


def check(tx: Tx, journal: str, kind: str, about: str, actor: str) -> None:
    """Refuse a decision on `about` by an actor who had part in taking it in.

    Raises:
        SameEyes: they had.
    """
    if kind in DECISION and tx.one(_TOOK_IN, {"journal": journal, "about": about, "by": actor}) is not None:
        raise SameEyes
