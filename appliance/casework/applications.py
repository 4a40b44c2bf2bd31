"""Taking applications in, adding papers, deciding, and erasing a subject.

The first verbs; the services of a centre build on them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework.intake import check_size
from appliance.casework.lifecycle import Status, step
from appliance.casework.people import Person as Person
from appliance.casework.people import add_person as add_person
from appliance.casework.tracking import tracking_number
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.store.store import Draft, Moment, Store

# Of all names and answers of a form; in the entry each may grow by its quotes, and by escapes.
MAX_FORM_BYTES: Final = 24 * 1024

_STATUS = select(t.applications.c.status).where(t.where_key(t.applications))
_CENTRE = select(t.centres.c.centre).where(t.centres.c.journal == bindparam("journal"))
_PERSON = select(t.people.c.about).where(t.where_key(t.people))
# Counted from headers, which are never erased: a number is not given twice.
_THIS_YEAR = select(t.tallies.c.written).where(
    t.tallies.c.journal == bindparam("journal"),
    t.tallies.c.kind == k.ApplicationSubmitted.KIND,
    t.tallies.c.period == bindparam("year"),
)
_APPLICATIONS_OF = (
    select(t.applications.c.about, t.applications.c.tracking)
    .where(t.applications.c.journal == bindparam("journal"), t.applications.c.applicant == bindparam("applicant"))
    .order_by(t.applications.c.submitted_at, t.applications.c.about)
)
_KNOWN = select(t.timeline.c.seq).where(t.where_key(t.timeline)).limit(1)


@dataclass(frozen=True, slots=True)
class Submitted:
    """An application that was just taken in."""

    application: EntityId
    tracking: str


def submit_application(
    store: Store, session: Session, *, service: str, applicant: EntityId, fields: Mapping[str, str], due: str = ""
) -> Submitted:
    """Take an application in; the tracking number is made inside the commit.

    Raises:
        OperatorError: the applicant is not known, a field is too long, or the session may not.
    """
    _check_lines(service, due, *fields)
    _check_remarks(*fields.values())
    written = sum(len(text.encode()) for field in fields.items() for text in field)
    if len(fields) > k.MAX_FIELDS or written > MAX_FORM_BYTES:
        raise OperatorError("A form holds more than one entry can.", "Shorten the longest answers.")
    about = store.new_id()
    given: list[str] = []

    def act(moment: Moment) -> Sequence[Draft]:
        if moment.tx.one(_PERSON, _key(store, applicant)) is None:
            raise OperatorError("The applicant is not written down here.", "Find or add the person first.")
        tracking = _next_tracking(moment, store)
        given.append(tracking)
        body = k.ApplicationSubmitted(
            tracking=tracking, service=service, applicant=applicant, fields=dict(fields), due=due
        )
        return [Draft(body, about)]

    store.commit(session, act)
    return Submitted(about, given[0])


def add_paper(
    store: Store, session: Session, application: EntityId, *, label: str, media_type: str, content: bytes
) -> BlobDigest:
    """Seal a scanned paper and add it to an application; answers the digest of its sealed bytes.

    Raises:
        OperatorError: the file is empty or too large, the application does not take papers now, or the session may not.
        DeviceError: the disk is full or read-only; nothing was added.
    """
    check_size(content)
    _check_lines(label, media_type)
    with store.read() as tx:
        step(_status(tx, store, application), k.PaperAdded.KIND)
    digest = store.put_blob(content)
    body = k.PaperAdded(
        paper=store.new_id(),
        label=label,
        media_type=media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    try:
        _step(store, session, application, body, (digest,))
    except BaseException:
        store.give_up_blob(digest)
        raise
    return digest


def approve(store: Store, session: Session, application: EntityId, remark: str = "") -> None:
    """An officer approves what somebody else took in.

    Raises:
        OperatorError: not from where the application stands, not by the same eyes, or not in this role.
    """
    _check_remarks(remark)
    _step(store, session, application, k.ApplicationApproved(remark=remark))


def send_back(store: Store, session: Session, application: EntityId, reason: str) -> None:
    """An officer returns an application to the counter.

    Raises:
        OperatorError: no reason, not from where the application stands, not by the same eyes, or not in this role.
    """
    check_reason(reason)
    _step(store, session, application, k.ApplicationReturned(reason=reason))


def resubmit(store: Store, session: Session, application: EntityId, remark: str = "") -> None:
    """An operator hands in again what an officer had sent back.

    Raises:
        OperatorError: not from where the application stands, not by the same eyes, or not in this role.
    """
    _check_remarks(remark)
    _step(store, session, application, k.ApplicationResubmitted(remark=remark))


def reject(store: Store, session: Session, application: EntityId, reason: str) -> None:
    """An officer rejects an application.

    Raises:
        OperatorError: no reason, not from where the application stands, not by the same eyes, or not in this role.
    """
    check_reason(reason)
    _step(store, session, application, k.ApplicationRejected(reason=reason))


def applications_of(store: Store, person: EntityId) -> list[Submitted]:
    """The applications of a person that are not erased, oldest first; they are subjects of their own."""
    with store.read() as tx:
        rows = tx.all(_APPLICATIONS_OF, {"journal": store.journal, "applicant": person})
    return [Submitted(EntityId(about), tracking) for about, tracking in rows]


def erase(store: Store, session: Session, about: EntityId, reason: str) -> None:
    """Forget everything that was said about a subject: bodies, rows and sealed files.

    The headers stay, and so does `reason`: name nobody in it. Other subjects stay, too: a person is erased without
    their applications, each of which is a subject of its own. Central's backups and old courier files may still hold
    what they were given before; so may the free blocks of a disk, encrypted.

    Raises:
        OperatorError: there is nothing about it, it was erased before, or the session may not.
    """
    check_reason(reason)

    def act(moment: Moment) -> Sequence[Draft]:
        if about == "-" or moment.tx.one(_KNOWN, _key(store, about)) is None:
            raise OperatorError("Nothing is written about that here.", "See `sanad journal show` for identifiers.")
        return [Draft(k.SubjectErased(reason=reason), about)]

    store.commit(session, act)


def _step(
    store: Store, session: Session, application: EntityId, body: k.Body, blobs: tuple[BlobDigest, ...] = ()
) -> None:
    def act(moment: Moment) -> Sequence[Draft]:
        step(_status(moment.tx, store, application), body.KIND)
        return [Draft(body, application, blobs)]

    store.commit(session, act)


def _status(tx: Tx, store: Store, application: EntityId) -> Status:
    row = tx.one(_STATUS, _key(store, application))
    if row is None:
        raise OperatorError("There is no such application here.", "Look it up by its tracking number.")
    return Status(row[0])


def _next_tracking(moment: Moment, store: Store) -> str:
    year = int(moment.at[:4])
    row = moment.tx.one(_THIS_YEAR, {"journal": store.journal, "year": moment.at[:4]})
    centre = moment.tx.one(_CENTRE, {"journal": store.journal})
    return tracking_number("" if centre is None else centre[0], year, 1 + (0 if row is None else int(row[0])))


def _key(store: Store, about: str) -> dict[str, object]:
    return {"k_journal": store.journal, "k_about": about}


def _check_lines(*values: str) -> None:
    if not all(map(k.is_line, values)):
        raise OperatorError(
            f"A field has at most {k.MAX_LINE} characters, on one line.", "Shorten it, or type it again."
        )


def _check_remarks(*values: str) -> None:
    if not all(map(k.is_remark, values)):
        raise OperatorError(
            f"A remark has at most {k.MAX_REMARK} characters that can be typed.", "Shorten it, or type it again."
        )
