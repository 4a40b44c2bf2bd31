"""The steps of an application by themselves, for tests of what lies below the verbs: no catalogue, fee or form asked.

What the lifecycle allows, who may and by whose eyes is held as ever. An application without `received` promises
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from appliance.access.session import Session
from appliance.casework.applications import Submitted, applications_of, erase, next_tracking
from appliance.casework.cases import Bodies, Case, go_on
from appliance.casework.lifecycle import Status
from appliance.casework.people import Person, add_person, is_known
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.store.store import Draft, Moment, Store

__all__ = [
    "Person",
    "Submitted",
    "add_paper",
    "add_person",
    "applications_of",
    "approve",
    "erase",
    "reject",
    "resubmit",
    "send_back",
    "submit_application",
]


def submit_application(
    store: Store, session: Session, *, service: str, applicant: EntityId, fields: Mapping[str, str], due: str = ""
) -> Submitted:
    about = store.new_id()
    given: list[str] = []

    def act(moment: Moment) -> list[Draft]:
        if not is_known(moment.tx, store.journal, applicant):
            raise OperatorError("The applicant is not written down here.")
        given.append(next_tracking(moment, store))
        body = k.ApplicationSubmitted(
            tracking=given[0], service=service, applicant=applicant, fields=dict(fields), due=due
        )
        return [Draft(body, about)]

    store.commit(session, act)
    return Submitted(about, given[0])


def add_paper(
    store: Store,
    session: Session,
    application: EntityId,
    *,
    label: str,
    media_type: str,
    content: bytes,
    rule: str = "",
) -> BlobDigest:
    digest = store.put_blob(content)
    body = k.PaperAdded(
        paper=store.new_id(),
        label=label,
        media_type=media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        rule=rule,
    )
    try:
        go_on(store, session, application, lambda _, __: [body], blobs=(digest,))
    except BaseException:
        store.give_up_blob(digest)
        raise
    return digest


def approve(store: Store, session: Session, application: EntityId, remark: str = "") -> None:
    _decide(store, session, application, k.ApplicationApproved(remark=remark))


def send_back(store: Store, session: Session, application: EntityId, reason: str) -> None:
    _decide(store, session, application, k.ApplicationReturned(reason=reason))


def reject(store: Store, session: Session, application: EntityId, reason: str) -> None:
    _decide(store, session, application, k.ApplicationRejected(reason=reason))


def resubmit(store: Store, session: Session, application: EntityId, remark: str = "") -> None:
    go_on(store, session, application, lambda _, __: [k.ApplicationResubmitted(remark=remark)])


def _decide(store: Store, session: Session, application: EntityId, body: k.Body) -> None:
    def bodies(_: Moment, case: Case) -> Bodies:
        return [k.ApplicationReviewStarted(), body] if case.status is Status.SUBMITTED else [body]

    go_on(store, session, application, bodies)
