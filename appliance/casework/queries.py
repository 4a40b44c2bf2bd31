"""Lists of applications for screens: what waits for whom, with what is overdue first.

Each list is one short read of at most `PAGE_ROWS` rows; `skip` goes on to the next page. An application is overdue when
its due date lies before today and its promised days do not stand still: nobody has to say so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain, count, islice
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import and_, bindparam, exists, or_, select

from appliance.access import four_eyes
from appliance.access.session import Session
from appliance.casework.centre import Centre
from appliance.casework.lifecycle import Status
from appliance.casework.services import shown_service
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Row
from appliance.records.statements import found_by

PAGE_ROWS: Final = 500

RUNNING: Final = (Status.SUBMITTED, Status.IN_REVIEW, Status.WAITING, Status.APPROVED)
"""Where the promised days run, unless they are paused: to the day on which it is issued."""

_a: Final = t.applications
_i: Final = _a.alias("indexed")
# Led by the few attestations that were withdrawn or erased, and not by all applications.
_ON_WITHDRAWN: Final = (
    select(t.leans.c.about)
    .select_from(
        t.attestations.join(
            t.leans,
            and_(t.leans.c.journal == t.attestations.c.journal, t.leans.c.attestation == t.attestations.c.about),
        )
    )
    .where(t.attestations.c.journal == bindparam("journal"), t.attestations.c.withdrawn_at > "")
)
_ON_ERASED: Final = select(t.leans.c.about).where(
    t.leans.c.journal == bindparam("journal"),
    t.leans.c.attestation.in_(select(t.erased.c.about).where(t.erased.c.journal == bindparam("journal"))),
)
_IS_UNSUPPORTED: Final = _a.c.about.in_(sa.union_all(_ON_WITHDRAWN, _ON_ERASED))

_LEANED: Final = t.leans.outerjoin(
    t.attestations,
    and_(t.attestations.c.journal == t.leans.c.journal, t.attestations.c.about == t.leans.c.attestation),
)
# The same of one application that is listed anyway.
_LEANS_ON_NOTHING: Final = exists(
    select(t.leans.c.about)
    .select_from(_LEANED)
    .where(
        t.leans.c.journal == _a.c.journal,
        t.leans.c.about == _a.c.about,
        or_(t.attestations.c.about.is_(None), t.attestations.c.withdrawn_at != ""),
    )
)
_ROWS: Final = select(
    _a.c.about,
    _a.c.tracking,
    _a.c.service,
    _a.c.service_digest,
    t.people.c.name,
    _a.c.status,
    _a.c.submitted_at,
    _a.c.due,
    _a.c.paused,
    _a.c.reviewer,
    sa.cast(_LEANS_ON_NOTHING, sa.Integer),
).select_from(
    _a.outerjoin(t.people, and_(t.people.c.journal == _a.c.journal, t.people.c.about == _a.c.applicant)),
)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """An application in a list.

    Attributes:
        applicant: the name; empty if the person was erased.
        due: the day; empty where nothing is promised.
        paused: the promised days stand still.
        reviewer: who took it up last; empty for nobody.
        unsupported: it leans on an attestation that was withdrawn or erased.
        overdue: see the module.
    """

    application: EntityId
    tracking: str
    service: str
    service_digest: str
    applicant: str
    status: Status
    submitted_at: str
    due: str
    paused: bool
    reviewer: str
    unsupported: bool
    overdue: bool


def _in(statuses: Collection[Status], *conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Where an application stands, found by the index that holds it; see `found_by` for why it is asked like this."""
    standing = (
        select(_i.c.about).where(_i.c.journal == bindparam("journal"), _i.c.status == status.value, *conditions)
        for status in statuses
    )
    return _a.c.about.in_(sa.union_all(*standing))


def _listed(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Applications of the journal under these conditions: what is overdue first, what stands still last."""
    return (
        _ROWS.where(_a.c.journal == bindparam("journal"), *conditions)
        .order_by(_a.c.paused, _a.c.due == "", _a.c.due, _a.c.submitted_at, _a.c.about)
        .limit(bindparam("limit"))
        .offset(bindparam("skip"))
    )


def _not_by(kinds: Collection[str]) -> sa.ColumnElement[bool]:
    """That the session's actor wrote none of these kinds about the application."""
    return ~exists(
        select(t.timeline.c.seq).where(
            t.timeline.c.journal == _a.c.journal,
            t.timeline.c.about == _a.c.about,
            t.timeline.c.by == bindparam("actor"),
            or_(*(t.timeline.c.kind == kind for kind in sorted(kinds))),
        )
    )


_TO_REVIEW = _listed(_in((Status.SUBMITTED, Status.IN_REVIEW)), _not_by(four_eyes.INTAKE))
_APPEALS = _listed(_in((Status.APPEALED,)), _not_by(four_eyes.INTAKE | four_eyes.DECISION))
_BEGUN = _listed(_in((Status.DRAFT,)), _a.c.begun_by == bindparam("actor"))
_WAITING = _listed(_in((Status.WAITING,)))
_RETURNED = _listed(_in((Status.RETURNED,)))
_APPROVED = _listed(_in((Status.APPROVED,)))
_ISSUED = _listed(_in((Status.ISSUED,)))
_OVERDUE = _listed(_in(RUNNING, _i.c.due > "", _i.c.due < bindparam("today")), _a.c.paused == 0)
_ALL_UNSUPPORTED = _listed(_IS_UNSUPPORTED, _a.c.status != Status.WITHDRAWN.value, _a.c.status != Status.REVOKED.value)
_QUESTIONED = _listed(
    _a.c.about.in_(select(t.certificate_requests.c.about).where(found_by(t.certificate_requests, "outcome")))
)

_CONTESTED = _listed(
    _a.c.about.in_(
        select(t.decisions.c.about).where(
            t.decisions.c.journal == bindparam("journal"), t.decisions.c.state == "contested"
        )
    )
)


def begun(centre: Centre, session: Session, *, skip: int = 0) -> list[CaseRow]:
    """What the session's operator began in the journal and has not handed in; see `drafts.drafts_of` for the forms."""
    return _rows(centre, _BEGUN, skip, session)


def to_review(centre: Centre, session: Session, *, skip: int = 0) -> list[CaseRow]:
    """What waits for an officer, and was not taken in by this one."""
    return _rows(centre, _TO_REVIEW, skip, session)


def appeals(centre: Centre, session: Session, *, skip: int = 0) -> list[CaseRow]:
    """The appeals that this officer may decide."""
    return _rows(centre, _APPEALS, skip, session)


def waiting_outside(centre: Centre, *, skip: int = 0) -> list[CaseRow]:
    """What outside offices have."""
    return _rows(centre, _WAITING, skip)


def returned(centre: Centre, *, skip: int = 0) -> list[CaseRow]:
    """What was sent back, and waits for the citizen."""
    return _rows(centre, _RETURNED, skip)


def to_issue(centre: Centre, *, skip: int = 0) -> list[CaseRow]:
    """What is approved, and its certificate not issued yet."""
    return _page(_each(centre, _APPROVED), skip, lambda row: _issues(centre, row))


def to_hand_over(centre: Centre, *, skip: int = 0) -> list[CaseRow]:
    """What is issued, or approved where the service has no certificate, and waits for the citizen."""
    rows = chain(_each(centre, _ISSUED), _each(centre, _APPROVED))
    return _page(rows, skip, lambda row: row.status is Status.ISSUED or not _issues(centre, row))


def overdue(centre: Centre, *, skip: int = 0) -> list[CaseRow]:
    """What should have been ready before today, the longest overdue first."""
    return _rows(centre, _OVERDUE, skip)


def unsupported(centre: Centre, *, skip: int = 0) -> list[CaseRow]:
    """What leans on an attestation that was withdrawn or erased, wherever it stands: somebody must look at it."""
    return _rows(centre, _ALL_UNSUPPORTED, skip)


def questioned(centre: Centre, *, skip: int = 0) -> list[CaseRow]:
    """Whose certificate somebody asked to be corrected or revoked, and nobody has done or refused it."""
    return _rows(centre, _QUESTIONED, skip)


def contested(centre: Centre, *, skip: int = 0) -> list[CaseRow]:
    """About which central gave a decision that could not be carried out: people must settle it."""
    return _rows(centre, _CONTESTED, skip)


def _issues(centre: Centre, row: CaseRow) -> bool:
    service = shown_service(centre, row.service, row.service_digest)
    return service is None or service.certificate is not None


def _each(centre: Centre, statement: sa.Select[Any]) -> Iterator[CaseRow]:
    """All that a list holds, page by page, as far as somebody asks."""
    for skip in count(0, PAGE_ROWS):
        rows = _rows(centre, statement, skip)
        yield from rows
        if len(rows) < PAGE_ROWS:
            return


def _page(rows: Iterator[CaseRow], skip: int, belongs: Callable[[CaseRow], bool]) -> list[CaseRow]:
    """A page of those that belong: the catalogue says which, and no table."""
    return list(islice((row for row in rows if belongs(row)), skip, skip + PAGE_ROWS))


def _rows(centre: Centre, statement: sa.Select[Any], skip: int, session: Session | None = None) -> list[CaseRow]:
    today = centre.today()
    values: dict[str, object] = {"journal": centre.store.journal, "limit": PAGE_ROWS, "skip": skip}
    if session is not None:
        values["actor"] = session.actor
    if statement is _QUESTIONED:
        values["outcome"] = ""
    if statement is _OVERDUE:
        values["today"] = today.isoformat()
    with centre.store.read() as tx:
        return [_row(row, today) for row in tx.all(statement, values)]


def _row(row: Row, today: date) -> CaseRow:
    about, tracking, service, digest, name, status, submitted_at, due, paused, reviewer, flagged = row
    stands = Status(status)
    late = stands in RUNNING and not paused and due != "" and due < today.isoformat()
    return CaseRow(
        application=EntityId(about),
        tracking=tracking,
        service=service,
        service_digest=digest,
        applicant=name or "",
        status=stands,
        submitted_at=submitted_at,
        due=due,
        paused=bool(paused),
        reviewer=reviewer,
        unsupported=bool(flagged),
        overdue=late,
    )
