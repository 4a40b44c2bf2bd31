"""Issuing a certificate: the record, its page, the centre's seal, and one commit in which its number is used up.

The number stands inside what is signed, so it is taken first and asked again inside the commit: where somebody else was
quicker, the certificate is made anew with the next one. Nothing is printed before the commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.access import four_eyes
from appliance.access.session import Role, Session
from appliance.casework.attested import satisfied_in
from appliance.casework.cases import Case, find_case, go_on, key
from appliance.casework.centre import Centre
from appliance.casework.certificate_numbers import next_certificate_number
from appliance.casework.fees import fee_state
from appliance.casework.lifecycle import step
from appliance.casework.papers import PHOTOGRAPHS
from appliance.casework.people import Person, records_of, view, who_is
from appliance.casework.reviewing import NotReady
from appliance.casework.seals import centre_signer
from appliance.catalogue import CertificateRule, Field, Service, Text, expires_on, steps_for
from appliance.certificates.portrait import portrait
from appliance.certificates.record import (
    SALT_BYTES,
    Attester,
    CertificateRecord,
    Fact,
    Holder,
    encode_record,
    new_salt,
    record_hash,
)
from appliance.certificates.render import render_certificate
from appliance.certificates.sign import sign_pdf
from appliance.journal import kinds as k
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import BlobDigest, EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.store.store import Moment, Store

MAX_TRIES: Final = 20
"""How often a certificate is made anew because another counter was quicker."""

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
_ATTESTED_PAPER: Final = select(t.attestations.c.application, t.attestations.c.paper).where(t.where_key(t.attestations))
_SCAN: Final = select(t.papers.c.digest, t.papers.c.media_type).where(
    t.where_key(t.papers), t.papers.c.paper == bindparam("paper")
)
_ISSUED: Final = select(
    t.applications.c.certificate,
    t.applications.c.certificate_digest,
    t.applications.c.record_sha256,
    t.applications.c.pdf_sha256,
).where(t.where_key(t.applications))


class _Overtaken(Exception):
    """Another certificate took the number meanwhile."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was issued. `blob` names its sealed bytes; the hashes are of record and PDF in clear."""

    application: EntityId
    number: str
    blob: BlobDigest
    record_sha256: str
    pdf_sha256: str


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a certificate is made from, as it stood when it was read."""

    case: Case
    service: Service
    rule: CertificateRule
    number: str
    holder: Person
    photo: bytes | None
    approver: str


def issue(centre: Centre, session: Session, application: EntityId, *, signature_png: bytes | None = None) -> Issued:
    """Make, sign and seal the certificate of an approved application.

    Args:
        centre: whose seal it bears.
        session: an officer's.
        application: what was approved.
        signature_png: the picture of the holder's signature, to be printed.

    Raises:
        NotReady: the fee was given back, or the holder's particulars were changed, after the approval.
        OperatorError: it is not approved, its service issues nothing, or the session may not.
        NoNumbers: this centre must sync first.
        IntegrityError: the centre's certificate is not there or damaged; nothing was issued.
    """
    for _ in range(MAX_TRIES):
        try:
            return _issue_once(centre, session, application, signature_png)
        except _Overtaken:
            continue
    raise OperatorError("Other counters issue without a pause, so this had no turn.", "Issue it again.")


def issued(store: Store, application: EntityId) -> Issued | None:
    """The certificate of an application, or None."""
    with store.read() as tx:
        row = tx.one(_ISSUED, key(store.journal, application))
    if row is None or not row[0]:
        return None
    number, blob, record_sha256, pdf_sha256 = row
    return Issued(application, number, BlobDigest(blob), record_sha256, pdf_sha256)


def certificate_pdf(store: Store, made: Issued) -> bytes:
    """The signed PDF, as it was sealed.

    Raises:
        BlobMissing: its file is not there. IntegrityError: it is another file than was issued.
    """
    pdf = store.open_blob(made.blob)
    if hashlib.sha256(pdf).hexdigest() != made.pdf_sha256:
        raise IntegrityError("The sealed certificate is not the one that was issued.", "Run `sanad journal verify`.")
    return pdf


def _issue_once(centre: Centre, session: Session, application: EntityId, signature_png: bytes | None) -> Issued:
    store = centre.store
    ground = _read_ground(centre, application)
    record = _record(centre, ground)
    record_sha256 = record_hash(encode_record(record))
    pdf = render_certificate(
        record, photo=ground.photo, signature_png=signature_png, qr_text=_code(ground.number, record_sha256)
    )
    signed = sign_pdf(
        pdf,
        signer=centre_signer(store),
        reason=f"{ground.rule.title.en} {ground.number}",
        location=centre.rules.name,
        at=store.clock().astimezone(UTC),
    )
    blob = store.put_blob(signed)
    body = k.ApplicationIssued(
        number=ground.number,
        record_sha256=record_sha256,
        pdf_sha256=hashlib.sha256(signed).hexdigest(),
        issued_on=record.issued_on,
        expires_on=record.expires_on or "",
    )

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.ApplicationIssued.KIND)
        _see_still_approved(moment.tx, store.journal, session, case, ground)
        if next_certificate_number(moment.tx, store.journal) != ground.number:
            raise _Overtaken
        return [body]

    try:
        go_on(store, session, application, write, blobs=(blob,))
    except BaseException:
        store.give_up_blob(blob)
        raise
    return Issued(application, ground.number, blob, record_sha256, body.pdf_sha256)


def _read_ground(centre: Centre, application: EntityId) -> _Ground:
    store = centre.store
    with store.read() as tx:
        case = find_case(tx, store.journal, application)
        step(case.status, k.ApplicationIssued.KIND)
        service = centre.catalogue.service(case.service)
        rule = service.certificate
        if rule is None:
            raise OperatorError(f"{service.title.en} issues no certificate.", "Hand over what the office gave.")
        number = next_certificate_number(tx, store.journal)
        holder = view(tx, store.journal, who_is(tx, store.journal, _holder(case, rule))).person
        photo = None if rule.photo is None else _photograph(centre, tx, case, service, rule.photo)
        approver = tx.one(_APPROVED_BY, key(store.journal, application))
        name = None if approver is None else tx.one(_OPERATOR, key(store.journal, approver[0]))
    picture = None
    if photo is not None and photo[1] in PHOTOGRAPHS:
        picture = portrait(store.open_blob(BlobDigest(photo[0])))
    return _Ground(case, service, rule, number, holder, picture, "" if name is None else name[0])


def _photograph(centre: Centre, tx: Tx, case: Case, service: Service, rule: str) -> Row | None:
    """Digest and type of the photograph: of the one handed in, or of the one that was attested and so spared it."""
    journal = centre.store.journal
    found = tx.one(_PHOTO, {**key(journal, case.id), "rule": rule})
    if found is not None:
        return found
    spared = satisfied_in(tx, journal, service, case.roles, case.fields, centre.today()).papers.get(rule)
    paper = None if spared is None else tx.one(_ATTESTED_PAPER, key(journal, spared.attestation))
    return None if paper is None else tx.one(_SCAN, {**key(journal, paper[0]), "paper": paper[1]})


def _see_still_approved(tx: Tx, journal: JournalId, session: Session, case: Case, ground: _Ground) -> None:
    """Refuse what is not any more as it was approved: its fee, and who the holder is said to be.

    Particulars of people may be corrected at any time. After an approval, an officer looks at them again who neither
    took the application in nor corrected them.
    """
    if not fee_state(tx, journal, case.id).settled:
        raise NotReady("The fee was given back after the approval.", "Take it at the counter first.")
    holder = _holder(case, ground.rule)
    if view(tx, journal, who_is(tx, journal, holder)).person != ground.holder:
        raise _Overtaken
    approved = tx.one(_APPROVED_AT, key(journal, case.id))
    since = -1 if approved is None or approved[0] is None else int(approved[0])
    by = {
        row[0]
        for record in records_of(tx, journal, holder)
        for row in tx.all(_CHANGED_SINCE, {**key(journal, record), "since": since})
    }
    if not by:
        return
    if session.role is not Role.OFFICER or session.actor in by:
        raise NotReady(
            "What is written down of the holder was changed after the approval.",
            "An officer who did not change it looks at it again, and issues the certificate.",
        )
    four_eyes.check(tx, journal, k.ApplicationApproved.KIND, case.id, session.actor)


def _holder(case: Case, rule: CertificateRule) -> EntityId:
    people = case.roles.get(rule.holder)
    return people[0] if people else EntityId(case.applicant)


def _record(centre: Centre, ground: _Ground) -> CertificateRecord:
    case, service, rule, holder = ground.case, ground.service, ground.rule, ground.holder
    today = centre.today()
    roles = case.roles.keys()
    until = expires_on(service, case.fields, today, roles)
    return CertificateRecord(
        number=ground.number,
        service=service.id,
        title=_said(rule.title),
        authority=_said(service.department),
        centre=centre.rules.code,
        centre_name=centre.rules.name,
        tracking=case.tracking,
        issued_on=today.isoformat(),
        expires_on=None if until is None else until.isoformat(),
        holder=Holder(
            name=holder.name,
            name_native=holder.name_native,
            born=holder.born,
            identity_kind=holder.identity_kind,
            identity_number_shown=holder.identity_number,
            photo_sha256=None if ground.photo is None else hashlib.sha256(ground.photo).hexdigest(),
        ),
        facts=tuple(
            _fact(service.field(each), case.fields[each], rule.languages)
            for each in rule.shows
            if case.fields.get(each) and not _is_of_holder(service.field(each), case.fields[each], rule, holder)
        ),
        attested_by=Attester(ground.approver or "-", _office(service, case.fields, today, frozenset(roles))),
        salt=new_salt(centre.store.random(SALT_BYTES)),
        specimen=centre.rules.specimen,
        languages=rule.languages,
    )


def _is_of_holder(field: Field, answer: str, rule: CertificateRule, holder: Person) -> bool:
    """Whether the head of the page says this of the holder already."""
    role, _, fact = (field.fact or "").partition(".")
    head = {
        "name": holder.name,
        "name_native": holder.name_native,
        "born": holder.born,
        holder.identity_kind: holder.identity_number,
    }
    return role == rule.holder and head.get(fact) == answer


def _fact(field: Field, answer: str, languages: Sequence[str]) -> Fact:
    label = _said(field.label)
    chosen = next((choice.label for choice in field.choices if choice.id == answer), None)
    if chosen is None:
        return Fact(label, answer)
    native = next((chosen.values[each] for each in languages if each != "en" and chosen.has(each)), "")
    return Fact(label, chosen.en, native)


def _office(service: Service, answers: Mapping[str, str], today: date, roles: frozenset[str]) -> dict[str, str]:
    """The title of the officer who approves."""
    titles = [one.officer_title for one in steps_for(service, answers, today, roles) if one.by == "officer"]
    return _said(titles[-1]) if titles and titles[-1] is not None else {}


def _said(text: Text) -> dict[str, str]:
    return dict(text.values)


def _code(number: str, record_sha256: str) -> str:
    """What the code on the page says: number and record, to be compared with what central and the journal hold."""
    return f"SANAD1:{number}:{record_sha256}"
