"""Attesting: an officer who saw an original vouches for a paper and what it says, once; and takes it back, if need be.

Whoever took the application in does not attest its papers (`appliance.access.four_eyes` holds it inside the commit).
An attestation is bound to the hash of one scan. What leans on one that was withdrawn is flagged, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sqlalchemy import select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework.cases import Case, HeldPaper, find_case, key, papers_of, see_lines
from appliance.casework.centre import Centre
from appliance.casework.certificates import CORRECTION, requests_in
from appliance.casework.changes import see_unchanged
from appliance.casework.lifecycle import OPEN, IllegalStep
from appliance.casework.numbers import AADHAAR, kept
from appliance.casework.people import records_of
from appliance.casework.services import service_of
from appliance.catalogue import Service, normalise_answers
from appliance.catalogue.facts import FACTS
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.statements import found_by
from appliance.store.store import Draft, Moment, Store

MAX_LEANING: Final = 500
NO_KEY: Final = bytes(32)

_WITHDRAWN = select(t.attestations.c.withdrawn_at).where(t.where_key(t.attestations))
_OF_PERSON = (
    select(t.attestations.c.at, t.attestations.c.about)
    .where(found_by(t.attestations, "person"))
    .order_by(t.attestations.c.at, t.attestations.c.about)
)
_LEANING = (
    select(t.leans.c.about, t.applications.c.tracking, t.applications.c.status)
    .join(
        t.applications,
        (t.applications.c.journal == t.leans.c.journal) & (t.applications.c.about == t.leans.c.about),
    )
    .where(found_by(t.leans, "attestation"))
    .order_by(t.applications.c.submitted_at.desc(), t.leans.c.about)
    .limit(MAX_LEANING)
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What an officer saw and vouches for.

    Attributes:
        paper: the scan beside which the original was held; a paper of the application.
        person: whose it is; in the application.
        original: what was seen: "the card itself", "the original of 2019 with its hologram".
        facts: by their names, as in `appliance.catalogue.facts`, with what the original says; may be empty.
        valid_until: the last day on which it satisfies an application; None for as long as it is not withdrawn.
    """

    paper: EntityId
    person: EntityId
    original: str
    facts: Mapping[str, str] = field(default_factory=dict)
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Leaning:
    """An application that rests on an attestation."""

    application: EntityId
    tracking: str
    status: str


def attest(centre: Centre, session: Session, application: EntityId, what: Seen, *, seen: int | None = None) -> EntityId:
    """Attest a paper of an application, and facts that it proves; answers the attestation's identifier.

    Raises:
        OperatorError: not a paper or a person of this application, a fact that the paper does not prove, a validity in
            the past; the application is decided; it changed meanwhile; not by the same eyes, or not in this role.
    """
    store = centre.store
    see_lines(what.original, *what.facts.keys(), *what.facts.values())
    if not what.original.strip():
        raise OperatorError("It is not said what was seen.", "Say which original you held in your hands.")
    if not all(value.strip() for value in what.facts.values()):
        raise OperatorError("A fact that is attested is empty.", "Enter what the original says, or leave the fact out.")
    if what.valid_until is not None and what.valid_until < centre.today():
        raise OperatorError("The attestation would have ended before today.", "Choose a later day.")
    about = store.new_id()

    def act(moment: Moment) -> list[Draft]:
        case = find_case(moment.tx, store.journal, application)
        see_unchanged(moment.tx, store.journal, application, seen)
        # What proves that a certificate is wrong is attested, too.
        corrected = any(
            each.is_open and each.what == CORRECTION for each in requests_in(moment.tx, store.journal, case.id)
        )
        if case.status not in OPEN and not corrected:
            raise IllegalStep(case.status)
        held = _paper(moment.tx, store.journal, case, what)
        service = service_of(centre, moment.tx, case)
        _see_proved(moment.tx, store.journal, service, case, held, what)
        body = k.AttestationMade(
            application=case.id,
            person=what.person,
            facts=_in_one_spelling(service, what.facts),
            paper_kind=held.kind,
            paper=held.id,
            scan_sha256=held.sha256,
            original=what.original,
            valid_until="" if what.valid_until is None else what.valid_until.isoformat(),
        )
        return [Draft(body, about)]

    store.commit(session, act)
    return about


def _paper(tx: Tx, journal: JournalId, case: Case, what: Seen) -> HeldPaper:
    held = next((each for each in papers_of(tx, journal, case.id) if each.id == what.paper), None)
    if held is None:
        raise OperatorError("That paper is not in this application.", "Choose one of its papers.")
    in_it = {person for people in case.roles.values() for person in people} | {EntityId(case.applicant)}
    same = frozenset(records_of(tx, journal, what.person))
    if not same & in_it:
        raise OperatorError("That person has no part in this application.", "Choose one of its people.")
    if held.of and EntityId(held.of) not in same:
        raise OperatorError("That paper is another person's.", "Attest it for the person whose paper it is.")
    return held


def _in_one_spelling(service: Service, facts: Mapping[str, str]) -> dict[str, str]:
    """Facts as forms hold them: as a field that asks for one would, and of an Aadhaar number its last digits."""
    asks = {field.fact.partition(".")[2]: field.id for field in service.fields if field.fact}
    spelt = normalise_answers(service, {asks[fact]: value for fact, value in facts.items() if fact in asks})
    written = {fact: spelt.get(asks.get(fact, ""), value.strip()) for fact, value in facts.items()}
    if AADHAAR in written:
        # Its mark is not kept here, so that no key is needed.
        written[AADHAAR] = kept(AADHAAR, written[AADHAAR], NO_KEY).number
    return written


def _see_proved(tx: Tx, journal: JournalId, service: Service, case: Case, held: HeldPaper, what: Seen) -> None:
    rule = next((each for each in service.papers if each.id == held.rule), None)
    if rule is not None and not set(case.roles.get(rule.of, ())) & set(records_of(tx, journal, what.person)):
        raise OperatorError("That paper is another person's.", "Attest it for the person whose paper it is.")
    proves = FACTS if rule is None else frozenset(rule.proves)
    if beyond := sorted(set(what.facts) - proves):
        raise OperatorError(
            f"This paper does not prove: {', '.join(beyond)}.", "Attest what it proves, and leave the rest out."
        )
    if not what.facts and not held.kind:
        raise OperatorError("There is nothing to attest in this paper.", "Name the facts that the original proves.")


def withdraw_attestation(store: Store, session: Session, attestation: EntityId, reason: str) -> None:
    """Take an attestation back; `leaning_on` says what rested on it.

    Raises:
        OperatorError: no reason, no such attestation, withdrawn before, or not in this role.
    """
    check_reason(reason)

    def act(moment: Moment) -> list[Draft]:
        row = moment.tx.one(_WITHDRAWN, key(store.journal, attestation))
        if row is None:
            raise OperatorError("There is no such attestation here.", "Look at the application it was made for.")
        if row[0]:
            raise OperatorError("This attestation was withdrawn before.", "Nothing more is to be done.")
        return [Draft(k.AttestationWithdrawn(reason=reason), attestation)]

    store.commit(session, act)


def leaning_on(store: Store, attestation: EntityId) -> list[Leaning]:
    """The applications that rest on an attestation, the newest first; at most `MAX_LEANING`."""
    with store.read() as tx:
        rows = tx.all(_LEANING, {"journal": store.journal, "attestation": attestation})
    return [Leaning(EntityId(about), tracking, status) for about, tracking, status in rows]


def attestations_of(store: Store, person: EntityId) -> list[EntityId]:
    """What was attested of a person under any record of theirs, withdrawn or not, oldest first.

    Also of one who was erased: the facts in an attestation stay until it is erased itself.
    """
    with store.read() as tx:
        rows = {
            tuple(row)
            for each in records_of(tx, store.journal, person)
            for row in tx.all(_OF_PERSON, {"journal": store.journal, "person": each})
        }
    return [EntityId(about) for _, about in sorted(rows)]
