"""Everything about one application, for one screen, from one short read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import bindparam, select

from appliance.casework.cases import Case, UnknownApplication, Wait, find_case, key, steps_done, waits_of
from appliance.casework.certificates import Certificate, Request, certificates_in, requests_in
from appliance.casework.changes import last_seq
from appliance.casework.decisions import Decision, decisions_in
from appliance.casework.fees import FeeState, fee_state
from appliance.casework.people import records_of, who_is
from appliance.casework.queries import RUNNING
from appliance.casework.tracking import is_tracking_number
from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.log import Log
from appliance.records.statements import found_by
from appliance.records.wording import lines
from appliance.records.wording.lines import Line
from appliance.store.store import Store

MAX_TIMELINE: Final = 500
"""Entries about one application that are shown, the newest."""

_PERSON: Final = select(
    t.people.c.name, t.people.c.name_native, t.people.c.born, t.people.c.identity_kind, t.people.c.identity_number
).where(t.where_key(t.people))
_PAPERS: Final = (
    select(
        t.papers.c.paper,
        t.papers.c.label,
        t.papers.c.rule,
        t.papers.c.paper_kind,
        t.papers.c.of,
        t.papers.c.media_type,
        t.papers.c.size,
        t.papers.c.pages,
        t.papers.c.sha256,
        t.papers.c.digest,
        t.papers.c.added_at,
    )
    .where(t.where_key(t.papers))
    .order_by(t.papers.c.seq)
)
_OBJECTIONS: Final = (
    select(
        t.objections.c.reason,
        t.objections.c["items"],
        t.objections.c.at,
        t.objections.c.answered_at,
        t.objections.c.answer,
    )
    .where(t.where_key(t.objections))
    .order_by(t.objections.c.seq)
)
_ATTESTATION: Final = (
    t.attestations.c.about,
    t.attestations.c.person,
    t.attestations.c.paper,
    t.attestations.c.paper_kind,
    t.attestations.c.facts,
    t.attestations.c.original,
    t.operators.c.name,
    t.attestations.c.at,
    t.attestations.c.valid_until,
    t.attestations.c.withdrawn_at,
    t.attestations.c.withdrawn_reason,
)
_ATTESTED: Final = t.attestations.outerjoin(
    t.operators, (t.operators.c.journal == t.attestations.c.journal) & (t.operators.c.about == t.attestations.c.by)
)
_MADE_HERE: Final = (
    select(*_ATTESTATION)
    .select_from(_ATTESTED)
    .where(found_by(t.attestations, "application"))
    .order_by(t.attestations.c.at, t.attestations.c.about)
)
_LEANS: Final = (
    select(t.leans.c.attestation)
    .where(t.leans.c.journal == bindparam("k_journal"), t.leans.c.about == bindparam("k_about"))
    .order_by(t.leans.c.attestation)
)
_ONE_ATTESTATION: Final = select(*_ATTESTATION).select_from(_ATTESTED).where(t.where_key(t.attestations))
_ISSUED: Final = select(
    t.applications.c.certificate,
    t.applications.c.certificate_digest,
    t.applications.c.issued_on,
    t.applications.c.expires_on,
    t.applications.c.delivered_to,
    t.applications.c.delivered_at,
    t.applications.c.decided_by,
    t.applications.c.decided_at,
    t.applications.c.remark,
    t.applications.c.submitted_at,
).where(t.where_key(t.applications))
_NEWEST: Final = (
    select(t.timeline.c.seq).where(t.where_key(t.timeline)).order_by(t.timeline.c.seq.desc()).limit(MAX_TIMELINE)
)
_NUMBERED: Final = select(t.applications.c.about).where(found_by(t.applications, "tracking"))


@dataclass(frozen=True, slots=True)
class PartView:
    """Somebody in an application; `person` is the record that now stands for them. Empty words: erased."""

    role: str
    person: EntityId
    name: str
    name_native: str
    born: str
    identity_kind: str
    identity_number: str


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper: `rule` and `kind` are the catalogue's, `sha256` of the scan in clear, `digest` names the sealed file."""

    id: EntityId
    label: str
    rule: str
    kind: str
    of: str
    media_type: str
    size: int
    pages: int
    sha256: str
    digest: BlobDigest
    added_at: str


@dataclass(frozen=True, slots=True)
class AttestationView:
    """An attestation made for this application, or that it leans on. `withdrawn_at` is empty while it stands."""

    id: EntityId
    person: EntityId
    paper: EntityId
    paper_kind: str
    facts: Mapping[str, str]
    original: str
    by: str
    at: str
    valid_until: str
    withdrawn_at: str
    withdrawn_reason: str


@dataclass(frozen=True, slots=True)
class ObjectionView:
    """What an officer sent back; `answered_at` is empty until it came again."""

    reason: str
    items: tuple[str, ...]
    at: str
    answered_at: str
    answer: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it so far; empty where nothing did. `certificate_digest` names the sealed certificate."""

    certificate: str
    certificate_digest: str
    issued_on: str
    expires_on: str
    delivered_to: str
    delivered_at: str
    decided_by: str
    decided_at: str
    remark: str
    submitted_at: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """An application as a screen shows it.

    Attributes:
        case: the application itself: its service, status, answers, promise.
        made_here: attestations of its papers.
        leans_on: attestations made for others that spare it a fact or a paper; those that were erased are not there.
        unsupported: it leans on one that was withdrawn or erased, of those made for it, too, once it is approved.
        certificates: every one that was issued, oldest first; `requests` what was asked about them.
        decisions: those that came down from central, oldest first.
        timeline: what was done with it, in words, oldest first.
        last_seq: the newest entry about it or somebody in it, for the verbs' `seen`.
    """

    case: Case
    people: tuple[PartView, ...]
    papers: tuple[PaperView, ...]
    made_here: tuple[AttestationView, ...]
    leans_on: tuple[AttestationView, ...]
    unsupported: bool
    waits: tuple[Wait, ...]
    objections: tuple[ObjectionView, ...]
    steps_done: frozenset[str]
    fee: FeeState
    outcome: Outcome
    certificates: tuple[Certificate, ...]
    requests: tuple[Request, ...]
    decisions: tuple[Decision, ...]
    timeline: tuple[Line, ...]
    last_seq: int

    def overdue(self, today: date) -> bool:
        """Whether it should have been ready before today."""
        running = self.case.status in RUNNING and not self.case.paused
        return running and self.case.due != "" and self.case.due < today.isoformat()


def application_numbered(store: Store, tracking: str) -> EntityId:
    """The application with a tracking number, as somebody typed it or read it out.

    Raises:
        OperatorError: it is mistyped, or there is no such application here.
    """
    number = tracking.strip().upper()
    if not is_tracking_number(number):
        raise OperatorError("That is no tracking number: a character is wrong.", "Read it from the receipt again.")
    with store.read() as tx:
        row = tx.one(_NUMBERED, {"journal": store.journal, "tracking": number})
    if row is None:
        raise UnknownApplication
    return EntityId(row[0])


def case(store: Store, application: EntityId) -> CaseView:
    """Everything about an application.

    Raises:
        UnknownApplication: it is not there.
    """
    journal = store.journal
    with store.read() as tx:
        found = find_case(tx, journal, application)
        names = key(journal, application)
        leans = [EntityId(row[0]) for row in tx.all(_LEANS, names)]
        leaned = [row for each in leans if (row := tx.one(_ONE_ATTESTATION, key(journal, each))) is not None]
        made_here = tuple(map(_attestation, tx.all(_MADE_HERE, {"journal": journal, "application": application})))
        here = {each.id for each in made_here}
        supports = tuple(map(_attestation, leaned))
        outcome = tx.one(_ISSUED, names)
        return CaseView(
            case=found,
            people=tuple(_people(tx, journal, found)),
            papers=tuple(map(_paper, tx.all(_PAPERS, names))),
            made_here=made_here,
            leans_on=tuple(each for each in supports if each.id not in here),
            unsupported=len(supports) < len(leans) or any(each.withdrawn_at for each in supports),
            waits=tuple(waits_of(tx, journal, application)),
            objections=tuple(
                ObjectionView(reason, tuple(json.loads(items)), at, answered_at, answer)
                for reason, items, at, answered_at, answer in tx.all(_OBJECTIONS, names)
            ),
            steps_done=steps_done(tx, journal, application),
            fee=fee_state(tx, journal, application),
            outcome=Outcome(*(outcome or [""] * len(Outcome.__slots__))),
            certificates=tuple(certificates_in(tx, journal, application)),
            requests=tuple(requests_in(tx, journal, application)),
            decisions=tuple(decisions_in(tx, journal, application)),
            timeline=tuple(_timeline(tx, journal, application)),
            last_seq=_last_seq(tx, journal, found),
        )


def _last_seq(tx: Tx, journal: JournalId, found: Case) -> int:
    people = {person for named in found.roles.values() for person in named}
    records = {one for each in people for one in records_of(tx, journal, each)}
    return max(last_seq(tx, journal, each) for each in (found.id, *records))


def _people(tx: Tx, journal: JournalId, found: Case) -> list[PartView]:
    roles = found.roles or ({"applicant": (EntityId(found.applicant),)} if found.applicant else {})
    views: list[PartView] = []
    for role, people in roles.items():
        for person in people:
            stands = who_is(tx, journal, person)
            row = tx.one(_PERSON, key(journal, stands)) or ("", "", "", "", "")
            views.append(PartView(role, stands, *row))
    return views


def _paper(row: Row) -> PaperView:
    paper, label, rule, kind, of, media_type, size, pages, sha256, digest, added_at = row
    return PaperView(
        id=EntityId(paper),
        label=label,
        rule=rule,
        kind=kind,
        of=of,
        media_type=media_type,
        size=size,
        pages=pages,
        sha256=sha256,
        digest=BlobDigest(digest),
        added_at=added_at,
    )


def _attestation(row: Row) -> AttestationView:
    about, person, paper, kind, facts, original, name, at, until, withdrawn_at, reason = row
    return AttestationView(
        id=EntityId(about),
        person=EntityId(person),
        paper=EntityId(paper),
        paper_kind=kind,
        facts=json.loads(facts),
        original=original,
        by=name or "",
        at=at,
        valid_until=until,
        withdrawn_at=withdrawn_at,
        withdrawn_reason=reason,
    )


def _timeline(tx: Tx, journal: JournalId, application: str) -> list[Line]:
    positions = sorted(int(row[0]) for row in tx.all(_NEWEST, key(journal, application)))
    log, names = Log(tx, journal), lines.Names(tx, journal)
    return [lines.line(entry, names) for seq in positions for entry in log.kept(seq, seq + 1)]
