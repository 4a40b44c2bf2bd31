"""Applications, the people in them, their papers, and what happened to them."""

from __future__ import annotations

from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds import certificates
from appliance.records.folds.base import Ops, folds, key, row, update
from appliance.records.folds.search import answers, found_by, found_instead_by
from appliance.records.statements import add_once, add_or_set

_NOTHING_YET: Final[dict[str, object]] = {
    "tracking": "",
    "applicant": "",
    "fields": "{}",
    "submitted_at": "",
    "due": "",
    "decided_by": "",
    "decided_at": "",
    "remark": "",
    "roles": "{}",
    "service_digest": "",
    "days": 0,
    "working": 0,
    "received": "",
    "promised_from": "",
    "paused": 0,
    "fee_minor": 0,
    "currency": "",
    "reviewer": "",
    "appeal_to": "",
    "appeal_until": "",
    "certificate": "",
    "certificate_digest": "",
    "record_sha256": "",
    "pdf_sha256": "",
    "issued_on": "",
    "expires_on": "",
    "delivered_at": "",
    "delivered_to": "",
}
"""What an application's row holds before anything was said of it."""


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_BEGIN = add_once(t.applications)


@folds(k.ApplicationDrafted)
def _application_drafted(header: Header, body: k.ApplicationDrafted) -> Ops:
    values = {**_NOTHING_YET, "service": body.service, "status": "draft", "slip": body.slip, "token": body.token}
    yield _BEGIN, row(header, **values, begun_by=header.by, begun_at=header.at)


_FORM: Final = ("fields", "roles", "days", "working", "fee_minor", "due")
_TAKE_IN = add_or_set(
    t.applications,
    *(*_FORM, "tracking", "service", "applicant", "status", "submitted_at", "service_digest", "received", "currency"),
    "promised_from",
    *("slip", "token"),
)


@folds(k.ApplicationSubmitted)
def _application_submitted(header: Header, body: k.ApplicationSubmitted) -> Ops:
    values = {
        **_NOTHING_YET,
        **_form(body),
        "tracking": body.tracking,
        "service": body.service,
        "applicant": body.applicant,
        "status": "submitted",
        "submitted_at": header.at,
        "service_digest": body.service_digest,
        "received": body.received,
        "promised_from": body.received,
        "currency": body.currency,
        "slip": body.slip,
        "token": body.token,
    }
    yield _TAKE_IN, row(header, **values, begun_by=header.by, begun_at=header.at)
    yield from _parts(header, body)
    # Drafts are not searched: nothing is said in them yet.
    title = f"{body.tracking} {body.slip} {body.service}"
    yield from found_by(header, "application", title=title, more=answers(body.fields))


_AMEND = update(t.applications, *_FORM)
_SET_DUE = update(t.applications, "due")


@folds(k.ApplicationAmended)
def _application_amended(header: Header, body: k.ApplicationAmended) -> Ops:
    yield _AMEND, key(header, **_form(body))
    yield from _parts(header, body)
    yield from found_instead_by(header, more=answers(body.fields))


def _form(body: k.ApplicationSubmitted | k.ApplicationAmended) -> dict[str, object]:
    return {
        "fields": _json(body.fields),
        "roles": _json(body.roles),
        "days": body.days,
        "working": int(body.working),
        "fee_minor": body.fee_minor,
        "due": body.due,
    }


_DROP_ROLES = sa.delete(t.roles).where(t.where_key(t.roles))
_ADD_ROLE = add_once(t.roles)
_DROP_LEANS = sa.delete(t.leans).where(t.where_key(t.leans))
_ADD_LEAN = add_once(t.leans)


def _parts(header: Header, body: k.ApplicationSubmitted | k.ApplicationAmended) -> Ops:
    """Who has which part in it, and which attestations it leans on: as they are now."""
    if isinstance(body, k.ApplicationAmended):
        yield _DROP_ROLES, key(header)
        yield _DROP_LEANS, key(header)
    for role, people in body.roles.items():
        for person in people:
            yield _ADD_ROLE, row(header, role=role, person=person)
    for attestation in body.leans_on:
        yield _ADD_LEAN, row(header, attestation=attestation)


def _leans_anew(header: Header, body: k.ApplicationResubmitted | k.ApplicationApproved) -> Ops:
    if body.leans_on is not None:
        yield _DROP_LEANS, key(header)
        for attestation in body.leans_on:
            yield _ADD_LEAN, row(header, attestation=attestation)


_SET_REVIEWER = update(t.applications, "status", "reviewer")


@folds(k.ApplicationReviewStarted)
def _application_review_started(header: Header, _: k.ApplicationReviewStarted) -> Ops:
    yield _SET_REVIEWER, key(header, status="in review", reviewer=header.by)


_SET_STATUS = update(t.applications, "status")
_STAND_STILL = update(t.applications, "status", "paused")
_PAUSE = update(t.applications, "paused")
_DECIDE = update(t.applications, "status", "decided_by", "decided_at", "remark")


def _decided(header: Header, status: str, remark: str) -> Ops:
    yield _DECIDE, key(header, status=status, decided_by=header.by, decided_at=header.at, remark=remark)


@folds(k.ApplicationApproved)
def _application_approved(header: Header, body: k.ApplicationApproved) -> Ops:
    yield from _decided(header, "approved", body.remark)
    yield from _leans_anew(header, body)


_ADD_OBJECTION = add_once(t.objections)
_ANSWER_OBJECTION = (
    sa.update(t.objections)
    .where(t.where_key(t.objections), t.objections.c.answered_at == "")
    .values(answered_at=bindparam("answered_at"), answer=bindparam("answer"))
)


@folds(k.ApplicationReturned)
def _application_returned(header: Header, body: k.ApplicationReturned) -> Ops:
    yield from _decided(header, "returned", body.reason)
    yield _PAUSE, key(header, paused=1)
    values = row(header, seq=header.seq, reason=body.reason, items=_json(body.items), by=header.by, at=header.at)
    yield _ADD_OBJECTION, {**values, "answered_at": "", "answer": ""}


@folds(k.ApplicationResubmitted)
def _application_resubmitted(header: Header, body: k.ApplicationResubmitted) -> Ops:
    yield _STAND_STILL, key(header, status="submitted", paused=0)
    yield _ANSWER_OBJECTION, key(header, answered_at=header.at, answer=body.remark)
    yield from _leans_anew(header, body)
    if body.due:
        yield _SET_DUE, key(header, due=body.due)


_ADD_WAIT = add_once(t.waits)
_ANSWER_WAIT = (
    sa.update(t.waits)
    .where(t.where_key(t.waits), t.waits.c.step == bindparam("k_step"), t.waits.c.answered_at == "")
    .values({name: bindparam(name) for name in ("answered_at", "outcome", "answer", "remark")})
)


@folds(k.ApplicationWaiting)
def _application_waiting(header: Header, body: k.ApplicationWaiting) -> Ops:
    yield _SET_STATUS, key(header, status="waiting")
    if not body.clock_runs:
        yield _PAUSE, key(header, paused=1)
    values = row(header, seq=header.seq, step=body.step, office=body.office, reference=body.reference)
    yield (
        _ADD_WAIT,
        {
            **values,
            "clock_runs": int(body.clock_runs),
            "since": header.at,
            "answered_at": "",
            "outcome": "",
            "answer": "",
            "remark": "",
        },
    )


@folds(k.ApplicationAnswered)
def _application_answered(header: Header, body: k.ApplicationAnswered) -> Ops:
    yield _STAND_STILL, key(header, status="waiting" if body.still else "in review", paused=int(body.paused))
    values = {"answered_at": header.at, "outcome": body.outcome, "answer": body.reference, "remark": body.remark}
    yield _ANSWER_WAIT, key(header, k_step=body.step, **values)
    if body.due:
        yield _SET_DUE, key(header, due=body.due)


_ADD_STEP = add_once(t.steps_done)


@folds(k.ApplicationStepDone)
def _application_step_done(header: Header, body: k.ApplicationStepDone) -> Ops:
    yield _ADD_STEP, row(header, step=body.step, by=header.by, at=header.at, remark=body.remark)


_PROMISE = update(t.applications, "due", "promised_from")
_SET_APPEAL = update(t.applications, "appeal_to", "appeal_until")


@folds(k.ApplicationRejected)
def _application_rejected(header: Header, body: k.ApplicationRejected) -> Ops:
    yield from _decided(header, "rejected", body.reason)
    yield _SET_APPEAL, key(header, appeal_to=body.appeal_to, appeal_until=body.appeal_until)


@folds(k.ApplicationAppealed)
def _application_appealed(header: Header, _: k.ApplicationAppealed) -> Ops:
    yield _SET_STATUS, key(header, status="appealed")


@folds(k.ApplicationAppealDecided)
def _application_appeal_decided(header: Header, body: k.ApplicationAppealDecided) -> Ops:
    yield from _decided(header, "in review" if body.allowed else "rejected", body.reason)
    yield _SET_APPEAL, key(header, appeal_to="", appeal_until="")
    if body.due:
        yield _PROMISE, key(header, due=body.due, promised_from=body.promised_from)


_CLOSE = update(t.applications, "status", "remark", "paused")


@folds(k.ApplicationWithdrawn)
def _application_withdrawn(header: Header, body: k.ApplicationWithdrawn) -> Ops:
    yield _CLOSE, key(header, status="withdrawn", remark=body.reason, paused=0)


@folds(k.ApplicationDiscarded)
def _application_discarded(header: Header, body: k.ApplicationDiscarded) -> Ops:
    yield _CLOSE, key(header, status="discarded", remark=body.reason, paused=0)


_ISSUED: Final = ("certificate", "certificate_digest", "record_sha256", "pdf_sha256", "issued_on", "expires_on")
_ISSUE = update(t.applications, "status", *_ISSUED)


@folds(k.ApplicationIssued)
def _application_issued(header: Header, body: k.ApplicationIssued) -> Ops:
    digest = header.blobs[0] if header.blobs else ""
    values = (body.number, digest, body.record_sha256, body.pdf_sha256, body.issued_on, body.expires_on)
    yield _ISSUE, key(header, status="issued", **dict(zip(_ISSUED, values, strict=True)))
    yield from certificates.issued(header, body)
    yield from found_instead_by(header, certificate=body.number)


_DELIVER = update(t.applications, "status", "delivered_at", "delivered_to")


@folds(k.ApplicationDelivered)
def _application_delivered(header: Header, body: k.ApplicationDelivered) -> Ops:
    yield _DELIVER, key(header, status="delivered", delivered_at=header.at, delivered_to=body.to_name)


_ADD_PAPER = add_once(t.papers)


@folds(k.PaperAdded)
def _paper_added(header: Header, body: k.PaperAdded) -> Ops:
    yield (
        _ADD_PAPER,
        row(
            header,
            paper=body.paper,
            label=body.label,
            media_type=body.media_type,
            size=body.size,
            sha256=body.sha256,
            digest=header.blobs[0] if header.blobs else "",
            added_at=header.at,
            rule=body.rule,
            paper_kind=body.paper_kind,
            of=body.of or "",
            pages=body.pages,
            seq=header.seq,
        ),
    )
