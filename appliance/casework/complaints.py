"""Complaints about how an application fares. Whoever decided on it does not answer them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from appliance.access import four_eyes
from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework.cases import find_case, key, see_lines
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Row
from appliance.records.statements import found_by
from appliance.store.store import Draft, Moment, Store

MAX_COMPLAINTS: Final = 500

_ONE = select(t.complaints.c.application, t.complaints.c.answered_at).where(t.where_key(t.complaints))
_COLUMNS = (
    t.complaints.c.about,
    t.complaints.c.application,
    t.applications.c.tracking,
    t.complaints.c.complaint,
    t.complaints.c.name,
    t.complaints.c.made_at,
    t.complaints.c.answer,
    t.complaints.c.answered_at,
)
_ALL = select(*_COLUMNS).select_from(
    t.complaints.outerjoin(
        t.applications,
        (t.applications.c.journal == t.complaints.c.journal) & (t.applications.c.about == t.complaints.c.application),
    )
)
_OPEN = (
    _ALL.where(found_by(t.complaints, "answered_at"))
    .order_by(t.complaints.c.made_at, t.complaints.c.about)
    .limit(MAX_COMPLAINTS)
)
_ABOUT = (
    _ALL.where(found_by(t.complaints, "application"))
    .order_by(t.complaints.c.made_at, t.complaints.c.about)
    .limit(MAX_COMPLAINTS)
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint. `tracking` is empty where its application was erased, `answered_at` while it is open."""

    id: EntityId
    application: EntityId
    tracking: str
    complaint: str
    name: str
    made_at: str
    answer: str
    answered_at: str


def complain(store: Store, session: Session, application: EntityId, complaint: str, *, name: str = "") -> EntityId:
    """Write down a complaint; answers its identifier.

    Args:
        store: where.
        session: who writes it down.
        application: what it is about.
        complaint: in the citizen's words.
        name: who complains, where that is not the applicant.

    Raises:
        OperatorError: it says nothing, there is no such application, or the session may not.
    """
    check_reason(complaint)
    see_lines(name)
    about = store.new_id()

    def act(moment: Moment) -> list[Draft]:
        find_case(moment.tx, store.journal, application)
        return [Draft(k.ComplaintMade(application=application, complaint=complaint, name=name), about)]

    store.commit(session, act)
    return about


def answer_complaint(store: Store, session: Session, complaint: EntityId, answer: str) -> None:
    """Answer a complaint.

    Raises:
        SameEyes: by who decided on the application that it is about.
        OperatorError: it says nothing, there is no such complaint, it was answered, or the session may not.
    """
    check_reason(answer)

    def act(moment: Moment) -> list[Draft]:
        row = moment.tx.one(_ONE, key(store.journal, complaint))
        if row is None:
            raise OperatorError("There is no such complaint here.", "Look at the application that it is about.")
        if row[1]:
            raise OperatorError("This complaint was answered before.", "Read the answer; write down another complaint.")
        four_eyes.check(moment.tx, store.journal, k.ComplaintAnswered.KIND, str(row[0]), session.actor)
        return [Draft(k.ComplaintAnswered(answer=answer), complaint)]

    store.commit(session, act)


def application_of(store: Store, complaint: EntityId) -> EntityId:
    """What a complaint is about.

    Raises:
        OperatorError: there is no such complaint.
    """
    with store.read() as tx:
        row = tx.one(_ONE, key(store.journal, complaint))
    if row is None:
        raise OperatorError("There is no such complaint here.", "Look at the application that it is about.")
    return EntityId(row[0])


def open_complaints(store: Store) -> list[Complaint]:
    """The complaints that nobody has answered, oldest first; at most `MAX_COMPLAINTS`."""
    with store.read() as tx:
        return [_complaint(row) for row in tx.all(_OPEN, {"journal": store.journal, "answered_at": ""})]


def complaints_about(store: Store, application: EntityId) -> list[Complaint]:
    """The complaints about an application, oldest first."""
    with store.read() as tx:
        return [_complaint(row) for row in tx.all(_ABOUT, {"journal": store.journal, "application": application})]


def _complaint(row: Row) -> Complaint:
    about, application, tracking, *rest = row
    return Complaint(EntityId(about), EntityId(application), tracking or "", *rest)
