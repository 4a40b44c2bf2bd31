"""What a certificate is made from, as it stands when it is read; and whether it still stands so when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.access import four_eyes
from appliance.access.session import Role, Session
from appliance.casework.cases import Case, find_case, key
from appliance.casework.centre import Centre
from appliance.casework.certificate_numbers import next_certificate_number
from appliance.casework.copying import Copied, Scan, copied, scan_of
from appliance.casework.fees import fee_state
from appliance.casework.lifecycle import step
from appliance.casework.papers import PHOTOGRAPHS
from appliance.casework.people import Person, records_of, view, who_is
from appliance.casework.reviewing import NotReady
from appliance.casework.services import service_of
from appliance.catalogue import CertificateRule, Service, needed_papers
from appliance.certificates.portrait import portrait
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.store.store import Store

_APPROVED_AT: Final = select(sa.func.max(t.timeline.c.seq)).where(
    t.where_key(t.timeline), t.timeline.c.kind == k.ApplicationApproved.KIND
)
_CHANGED_SINCE: Final = select(t.timeline.c.by).where(
    t.where_key(t.timeline),
    t.timeline.c.seq > bindparam("since"),
    sa.or_(*(t.timeline.c.kind == each.KIND for each in (k.PersonCorrected, k.PersonMerged, k.PersonUnmerged))),
)
_APPROVED_BY: Final = select(t.applications.c.decided_by).where(t.where_key(t.applications))
_OPERATOR: Final = select(t.operators.c.name).where(t.where_key(t.operators))
_PHOTO: Final = (
    select(t.papers.c.digest, t.papers.c.media_type)
    .where(t.where_key(t.papers), t.papers.c.rule == bindparam("rule"))
    .order_by(t.papers.c.added_at.desc())
    .limit(1)
)
# What was attested when it was approved counts still, although its last day may have passed since.
_LEANED_ON: Final = (
    select(t.attestations.c.application, t.attestations.c.paper)
    .select_from(
        t.leans.join(
            t.attestations,
            (t.attestations.c.journal == t.leans.c.journal) & (t.attestations.c.about == t.leans.c.attestation),
        )
    )
    .where(
        t.where_key(t.leans),
        t.attestations.c.paper_kind == bindparam("kind"),
        t.attestations.c.withdrawn_at == "",
    )
    .order_by(t.attestations.c.at.desc(), t.attestations.c.about)
    .limit(1)
)
_PHOTO_SINCE: Final = (
    select(t.papers.c.paper)
    .where(t.where_key(t.papers), t.papers.c.rule == bindparam("rule"), t.papers.c.seq > bindparam("since"))
    .limit(1)
)
_SCAN: Final = select(t.papers.c.digest, t.papers.c.media_type).where(
    t.where_key(t.papers), t.papers.c.paper == bindparam("paper")
)


class Overtaken(Exception):
    """What was read does not stand any more: another certificate took the number, or the case went on."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a certificate is made from, as it stood when it was read."""

    case: Case
    service: Service
    rule: CertificateRule
    number: str
    holder: Person
    photo: bytes | None
    approver: str
    """The name of who approved it; empty where the account was erased."""
    copied: Copied | None = None
    """What it is an attested copy of."""
    scan: Scan | None = None
    """That, to be carried."""


def read_ground(
    centre: Centre,
    application: EntityId,
    kind: str = k.ApplicationIssued.KIND,
    answers: Mapping[str, str] | None = None,
) -> Ground:
    """Read what a certificate is made from.

    Args:
        centre: whose it is.
        application: what was approved.
        kind: the step to be taken with it.
        answers: those that it is to say, where they are to be put right.

    Raises:
        IllegalStep, UnknownApplication: it is not there, or stands elsewhere.
        OperatorError: its service issues nothing. NoNumbers: this centre must sync first.
    """
    store = centre.store
    with store.read() as tx:
        case = find_case(tx, store.journal, application)
        step(case.status, kind)
        case = case if answers is None else replace(case, fields=answers)
        service = service_of(centre, tx, case)
        rule = service.certificate
        if rule is None:
            raise OperatorError(f"{service.title.en} issues no certificate.", "Hand over what the office gave.")
        number = next_certificate_number(tx, store.journal)
        holder = view(tx, store.journal, who_is(tx, store.journal, holder_of(case, rule))).person
        scan = copied(tx, store.journal, service, case)
        photo = None if rule.photo is None else _photograph(tx, store.journal, case, service, rule.photo)
        approver = tx.one(_APPROVED_BY, key(store.journal, application))
        name = None if approver is None else tx.one(_OPERATOR, key(store.journal, approver[0]))
    picture = None
    if photo is not None and photo[1] in PHOTOGRAPHS:
        picture = portrait(store.open_blob(BlobDigest(photo[0])))
    carried = None if scan is None else scan_of(store, scan)
    return Ground(case, service, rule, number, holder, picture, "" if name is None else name[0], scan, carried)


def _photograph(tx: Tx, journal: JournalId, case: Case, service: Service, wanted: str) -> Row | None:
    """Digest and type of the photograph: of the one handed in, or of the one that was attested and so spared it.

    Raises:
        NotReady: it must be on the certificate, and is not there any more.
    """
    found = tx.one(_PHOTO, {**key(journal, case.id), "rule": wanted})
    if found is not None:
        return found
    received = date.fromisoformat(case.received) if case.received else date.max
    needed = needed_papers(service, case.fields, received, case.roles)
    rule = next((each for each in needed if each.id == wanted), None)
    if rule is None:
        return None
    paper = tx.one(_LEANED_ON, {**key(journal, case.id), "kind": rule.kind})
    scan = None if paper is None else tx.one(_SCAN, {**key(journal, paper[0]), "paper": paper[1]})
    if scan is None and rule.required:
        raise NotReady(
            "The attested photograph that this was approved with is not there any more.",
            "Add the photograph to the case; an officer who did not looks at it, and issues the certificate.",
        )
    return scan


def see_still_approved(tx: Tx, journal: JournalId, session: Session, case: Case, ground: Ground) -> None:
    """Refuse what is not any more as it was approved: its fee, and who the holder is said to be.

    Particulars of people may be corrected at any time. After an approval, an officer looks at them again who neither
    took the application in nor corrected them.
    """
    if not fee_state(tx, journal, case.id).settled:
        raise NotReady("The fee was given back after the approval.", "Take it at the counter first.")
    holder = holder_of(case, ground.rule)
    if view(tx, journal, who_is(tx, journal, holder)).person != ground.holder:
        raise Overtaken
    see_still_compared(tx, journal, case, ground)
    approved = tx.one(_APPROVED_AT, key(journal, case.id))
    since = -1 if approved is None or approved[0] is None else int(approved[0])
    by = {
        row[0]
        for record in records_of(tx, journal, holder)
        for row in tx.all(_CHANGED_SINCE, {**key(journal, record), "since": since})
    }
    photo = {**key(journal, case.id), "rule": ground.rule.photo or "", "since": since}
    if not by and tx.one(_PHOTO_SINCE, photo) is None:
        return
    if session.role is not Role.OFFICER or session.actor in by:
        raise NotReady(
            "What is written down of the holder, or the photograph, was changed after the approval.",
            "An officer who did not change it looks at it again, and issues the certificate.",
        )
    four_eyes.check(tx, journal, k.ApplicationApproved.KIND, case.id, session.actor)


def see_still_compared(tx: Tx, journal: JournalId, case: Case, ground: Ground) -> None:
    """Refuse a copy of a scan that is not the newest any more, or whose attestation was withdrawn.

    Raises:
        NotCompared: nobody stands for it any more. Overtaken: it is another scan.
    """
    if copied(tx, journal, ground.service, case) != ground.copied:
        raise Overtaken


def name_of(store: Store, session: Session) -> str:
    """The name of who acts; empty where the account was erased."""
    with store.read() as tx:
        row = tx.one(_OPERATOR, key(store.journal, session.actor))
    return "" if row is None else str(row[0])


def holder_of(case: Case, rule: CertificateRule) -> EntityId:
    """Whom the certificate is about."""
    people = case.roles.get(rule.holder)
    return people[0] if people else EntityId(case.applicant)
