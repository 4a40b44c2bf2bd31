"""The four-eyes rule: no application is taken in and decided by the same account, in whatever order.

Nor are its papers attested by who took it in, nor is an appeal decided by who decided before, nor is a certificate
ended by who took its application in, or asked for it. It reads the timeline, which is made of headers and survives
erasing, and looks at the account, never at the role it signed in with. It is asked inside every commit.

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
from appliance.records.statements import found_by

INTAKE: Final = frozenset(
    {
        k.ApplicationDrafted.KIND,
        k.ApplicationSubmitted.KIND,
        k.ApplicationAmended.KIND,
        k.PaperAdded.KIND,
        k.ApplicationResubmitted.KIND,
        k.ApplicationAppealed.KIND,
    }
)
DECISION: Final = frozenset({k.ApplicationApproved.KIND, k.ApplicationReturned.KIND, k.ApplicationRejected.KIND})
APPEAL: Final = frozenset({k.ApplicationAppealDecided.KIND})
COMPLAINT: Final = frozenset({k.ComplaintAnswered.KIND})
ENDING: Final = {k.CertificateCorrected.KIND: "correction", k.CertificateRevoked.KIND: "revocation"}
"""What ends a certificate, and what was asked for it."""
ATTESTATION: Final = frozenset({k.AttestationMade.KIND})


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


_DOING: Final = {
    k.AttestationMade.KIND: "attest its papers",
    k.ApplicationAppealDecided.KIND: "decide the appeal",
    k.ComplaintAnswered.KIND: "answer the complaint",
    k.CertificateCorrected.KIND: "correct its certificate",
    k.CertificateRevoked.KIND: "revoke its certificate",
}

_TOOK_IN: Final = _has_written(INTAKE)
_DECIDED: Final = _has_written(DECISION | APPEAL | ENDING.keys())
_JUDGED: Final = _has_written(DECISION)
_ATTESTED: Final = (
    select(t.attestations.c.about)
    .where(found_by(t.attestations, "application"), t.attestations.c.by == bindparam("by"))
    .limit(1)
)
_ASKED: Final = (
    select(t.certificate_requests.c.seq)
    .where(
        t.certificate_requests.c.journal == bindparam("journal"),
        t.certificate_requests.c.about == bindparam("about"),
        t.certificate_requests.c.what == bindparam("what"),
        t.certificate_requests.c.outcome == "",
        t.certificate_requests.c.asked_by == bindparam("by"),
    )
    .limit(1)
)


class SameEyes(OperatorError):
    """Whoever had one part in a case may not have the other."""


def case_of(body: k.Body, about: str) -> str:
    """The application that an entry has a part in: its own subject, or the one whose papers it attests."""
    return body.application if isinstance(body, k.AttestationMade) else about


def check(tx: Tx, journal: str, kind: str, about: str, actor: str) -> None:
    """Refuse a part in the application `about` to an actor who had the other one.

    Raises:
        SameEyes: they had.
    """
    part = {"journal": journal, "about": about, "application": about, "by": actor}
    if kind in DECISION | APPEAL | ATTESTATION | ENDING.keys() and tx.one(_TOOK_IN, part) is not None:
        raise SameEyes(
            f"You took this application in yourself, so somebody else must {_DOING.get(kind, 'decide it')}.",
            "Leave it in the queue: another officer will see it.",
        )
    if kind in ENDING and tx.one(_ASKED, {**part, "what": ENDING[kind]}) is not None:
        raise SameEyes(
            f"You asked for this {ENDING[kind]} yourself, so somebody else must do it.",
            "Leave it in the list: another officer will see it.",
        )
    if kind in APPEAL | COMPLAINT and tx.one(_JUDGED, part) is not None:
        raise SameEyes(
            f"You decided on this application yourself, so somebody else must {_DOING[kind]}.",
            "Leave it in the queue: another officer will see it.",
        )
    if kind in INTAKE and (tx.one(_DECIDED, part) is not None or tx.one(_ATTESTED, part) is not None):
        raise SameEyes(
            "You decided on this application yourself, or attested its papers, so somebody else must take in what it"
            " needs.",
            "Ask somebody else at the counter to do it.",
        )
