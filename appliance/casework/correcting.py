"""Correcting a certificate: a new one, with a number of its own, supersedes the old one in one commit.

One person asks, with a reason and the papers that prove it; an officer approves who neither asked, nor took the
application in, nor put the holder's particulars right. What is corrected is the answers, the holder's particulars (in
the record of the person, before it is asked for) or the photograph (a new one among the papers). Who has which part in
the application is not: a certificate about somebody else was issued in error, and is revoked.

Where an officer attested the wrong fact, the new answer contradicts it, and the correction waits until that attestation
is withdrawn; the paper that proves the right one is attested meanwhile, as long as a correction is open. The new one is
valid no longer than the old one was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework.cases import Case, go_on, key, papers_of
from appliance.casework.centre import Centre
from appliance.casework.certificates import (
    CORRECTION,
    REVOCATION,
    NotValid,
    Request,
    open_request,
    see_valid,
)
from appliance.casework.forms import check_corrected
from appliance.casework.lifecycle import step
from appliance.casework.people import records_of
from appliance.casework.revoking import see_may_refuse
from appliance.casework.services import service_of
from appliance.casework.steps import received_on
from appliance.catalogue import Service
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.store.store import Moment, Store

_CERTIFIED_AT: Final = select(sa.func.max(t.timeline.c.seq)).where(
    t.where_key(t.timeline),
    sa.or_(*(t.timeline.c.kind == each.KIND for each in (k.ApplicationIssued, k.CertificateCorrected))),
)
_PUT_RIGHT_SINCE: Final = select(t.timeline.c.by).where(
    t.where_key(t.timeline),
    t.timeline.c.seq > bindparam("since"),
    sa.or_(*(t.timeline.c.kind == each.KIND for each in (k.PersonCorrected, k.PersonMerged, k.PersonUnmerged))),
)
_PHOTO_SINCE: Final = (
    select(t.papers.c.paper)
    .where(t.where_key(t.papers), t.papers.c.rule == bindparam("rule"), t.papers.c.seq > bindparam("since"))
    .limit(1)
)


def ask_correction(
    centre: Centre,
    session: Session,
    application: EntityId,
    number: str,
    *,
    answers: Mapping[str, str] | None = None,
    papers: Sequence[EntityId],
    reason: str,
    seen: int | None = None,
) -> tuple[str, ...]:
    """Ask that a certificate be corrected. Until somebody else decides, it is neither printed nor handed over.

    Args:
        centre: where.
        session: who.
        application: whose certificate.
        number: which.
        answers: those that are to be other than they are, by field; an empty one takes the answer away.
        papers: of the application, that prove it; one at least.
        reason: why.
        seen: the last entry about the application that the screen showed.

    Returns:
        The fields that will be other than they are; none where only particulars or the photograph changed.

    Raises:
        FormRefused: an answer is wrong.
        OperatorError: nothing is other than on the certificate, no reason, no paper of this application, the
            certificate was superseded or revoked, this or its revocation was asked for before, it changed meanwhile,
            or the session may not.
    """
    check_reason(reason)
    made: list[tuple[str, ...]] = []

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.CertificateCorrectionAsked.KIND)
        see_valid(moment.tx, centre.store.journal, case.id, number)
        _see_not_asked(moment.tx, centre.store.journal, case, number)
        _see_papers(moment.tx, centre.store.journal, case, papers)
        service = service_of(centre, moment.tx, case)
        day = received_on(centre, case, moment.at)
        wanted = {**case.fields, **(answers or {})}
        given = check_corrected(moment.tx, centre.store.journal, service, wanted, case.roles, day)
        changed = tuple(each.id for each in service.fields if case.fields.get(each.id) != given.get(each.id))
        if not changed and not is_changed_since(moment.tx, centre.store.journal, service, case):
            raise OperatorError(
                "The certificate would say the same again.",
                "Change the answer that is wrong; or put the person's particulars right, or add the right photograph.",
            )
        made[:] = [changed[: k.MAX_ITEMS]]
        body = k.CertificateCorrectionAsked(
            number=number, fields=dict(given), reason=reason, papers=tuple(papers), changed=made[0]
        )
        return [body]

    go_on(centre.store, session, application, write, seen=seen)
    return made[0]


def refuse_correction(
    store: Store, session: Session, application: EntityId, number: str, reason: str, *, seen: int | None = None
) -> None:
    """Leave a certificate as it is that somebody asked to be corrected; an operator, only what they asked themselves.

    Raises:
        OperatorError: no reason, nobody asked for it, it was decided meanwhile, it changed since it was shown, or the
            session may not.
    """
    check_reason(reason)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.CertificateCorrectionRefused.KIND)
        see_may_refuse(session, asked_correction(moment.tx, store.journal, case.id, number))
        return [k.CertificateCorrectionRefused(number=number, reason=reason)]

    go_on(store, session, application, write, seen=seen)


def asked_correction(tx: Tx, journal: JournalId, application: str, number: str) -> Request:
    """The correction that is open.

    Raises:
        OperatorError: there is none.
    """
    asked = open_request(tx, journal, application, number, CORRECTION)
    if asked is None:
        raise OperatorError(
            f"Nobody has asked that the certificate {number} be corrected.",
            "One person asks, with what proves it; an officer who is another one issues the new certificate.",
        )
    return asked


def put_right_by(tx: Tx, journal: JournalId, case: Case) -> frozenset[str]:
    """Who changed what is written down of the people in an application since its newest certificate was issued."""
    since = _since(tx, journal, case)
    people = {person for named in case.roles.values() for person in named} | {EntityId(case.applicant)}
    records = {record for person in people for record in records_of(tx, journal, person)}
    rows = (row for each in records for row in tx.all(_PUT_RIGHT_SINCE, {**key(journal, each), "since": since}))
    return frozenset(str(row[0]) for row in rows)


def is_changed_since(tx: Tx, journal: JournalId, service: Service, case: Case) -> bool:
    """Whether particulars, or the photograph, are other than when the newest certificate was issued."""
    if put_right_by(tx, journal, case):
        return True
    photo = None if service.certificate is None else service.certificate.photo
    values = {**key(journal, case.id), "rule": photo, "since": _since(tx, journal, case)}
    return photo is not None and tx.one(_PHOTO_SINCE, values) is not None


def _since(tx: Tx, journal: JournalId, case: Case) -> int:
    row = tx.one(_CERTIFIED_AT, key(journal, case.id))
    return -1 if row is None or row[0] is None else int(row[0])


def _see_not_asked(tx: Tx, journal: JournalId, case: Case, number: str) -> None:
    if open_request(tx, journal, case.id, number, REVOCATION) is not None:
        raise NotValid(
            f"The revocation of the certificate {number} was asked for.",
            "That is done or refused first, by somebody else.",
        )
    if open_request(tx, journal, case.id, number, CORRECTION) is not None:
        raise OperatorError(
            f"A correction of the certificate {number} was asked for before.",
            "It is done, refused or taken back first.",
        )


def _see_papers(tx: Tx, journal: JournalId, case: Case, papers: Sequence[EntityId]) -> None:
    there = {each.id for each in papers_of(tx, journal, case.id)}
    if not papers or not there.issuperset(papers) or len(papers) > k.MAX_IN_A_ROLE:
        raise OperatorError(
            "A correction names a paper of this application that proves it.",
            "Add the paper to the application first, or choose one that is there.",
        )
