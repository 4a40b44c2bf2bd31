"""The four-eyes rule: no application is taken in and decided by the same account, in whatever order.

It reads the timeline, which is made of headers and survives erasing, and looks at the account, never at the role it
signed in with. It is asked inside every commit.

What it does not promise: that two accounts are two people. A supervisor adds accounts and sets their first passwords,
so a supervisor who wants to can act as two people, as can two who share a password. What holds then: each account that
was added, and each password that was set, is an entry under the supervisor's own name, which central sees. An account
whose password a supervisor set is that supervisor's word for it until its holder chooses another one.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, or_, select

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.records import tables as t
from appliance.records.database import Tx

INTAKE: Final = frozenset({k.ApplicationSubmitted.KIND, k.PaperAdded.KIND, k.ApplicationResubmitted.KIND})
DECISION: Final = frozenset({k.ApplicationApproved.KIND, k.ApplicationReturned.KIND, k.ApplicationRejected.KIND})


def _has_written(kinds: frozenset[str]) -> sa.Select[tuple[int]]:
    return (
        select(t.timeline.c.seq)
        .where(
            t.timeline.c.journal == bindparam("journal"),
            t.timeline.c.about == bindparam("about"),
            t.timeline.c.by == bindparam("by"),
            or_(*(t.timeline.c.kind == kind for kind in sorted(kinds))),
        )
        .limit(1)
    )


_TOOK_IN: Final = _has_written(INTAKE)
_DECIDED: Final = _has_written(DECISION)


class SameEyes(OperatorError):
    """Whoever had one part in a case may not have the other."""


def check(tx: Tx, journal: str, kind: str, about: str, actor: str) -> None:
    """Refuse a decision on `about` by an actor who had part in taking it in, and the other way round.

    Raises:
        SameEyes: they had.
    """
    part = {"journal": journal, "about": about, "by": actor}
    if kind in DECISION and tx.one(_TOOK_IN, part) is not None:
        raise SameEyes(
            "You took this application in yourself, so somebody else must decide it.",
            "Leave it in the queue: another officer will see it.",
        )
    if kind in INTAKE and tx.one(_DECIDED, part) is not None:
        raise SameEyes(
            "You decided on this application yourself, so somebody else must take in what it needs.",
            "Ask somebody else at the counter to do it.",
        )
