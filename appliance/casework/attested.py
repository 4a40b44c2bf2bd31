"""What was attested once, and so is not asked for again: the facts and papers of a form that attestations satisfy.

An attestation counts for whoever its person was found to be (merged persons are followed), while it is neither
withdrawn nor past its last day. Of several for one fact the newest counts. A paper is satisfied by an attested paper of
its kind, or when every fact that it proves is attested, unless it is asked for each time. Where the form says otherwise
than what was attested, nothing is satisfied, and the contradiction is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import bindparam, select

from appliance.casework.centre import Centre
from appliance.casework.people import records_of
from appliance.casework.services import service_by
from appliance.catalogue import PaperRule, Service, needed_papers, normalise_answers, shown_fields
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.statements import found_by

MAX_OF_A_PERSON: Final = 500
"""Attestations of one person that are looked at, the newest first."""

_VALID: Final = (
    select(
        t.attestations.c.about,
        t.attestations.c.facts,
        t.attestations.c.paper_kind,
        t.attestations.c.original,
        t.attestations.c.at,
        t.attestations.c.valid_until,
        t.attestations.c.scan_sha256,
        t.operators.c.name,
    )
    .select_from(
        t.attestations.outerjoin(
            t.operators,
            (t.operators.c.journal == t.attestations.c.journal) & (t.operators.c.about == t.attestations.c.by),
        )
    )
    .where(
        found_by(t.attestations, "person"),
        t.attestations.c.withdrawn_at == "",
        (t.attestations.c.valid_until == "") | (t.attestations.c.valid_until >= bindparam("today")),
    )
    .order_by(t.attestations.c.at.desc(), t.attestations.c.about)
    .limit(MAX_OF_A_PERSON)
)

Roles = Mapping[str, tuple[EntityId, ...]]


@dataclass(frozen=True, slots=True)
class Attested:
    """What somebody vouched for.

    Attributes:
        value: of the fact; the kind of a paper.
        by: the officer's name; empty if the officer was erased.
        at: when, as the journal writes it.
        original: what was seen.
        until: the last day on which it is valid; empty where there is none.
        attestation: its identifier.
        scan_sha256: of the scan that it is bound to.
    """

    value: str
    by: str
    at: str
    original: str
    until: str
    attestation: EntityId
    scan_sha256: str


@dataclass(frozen=True, slots=True)
class Satisfied:
    """What a form need not be asked for.

    Attributes:
        fields: by field; those not answered yet may be filled with the value.
        papers: by the rule of the paper.
        contradicted: fields whose answer is another one than what was attested.
        leans_on: the attestations that all of this rests on.
    """

    fields: Mapping[str, Attested]
    papers: Mapping[str, Attested]
    contradicted: Mapping[str, Attested]
    leans_on: tuple[EntityId, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is attested of one person."""

    facts: Mapping[str, Attested]
    kinds: Mapping[str, Attested]


def satisfied(
    centre: Centre, service: str, roles: Roles, answers: Mapping[str, str], today: date, *, digest: str = ""
) -> Satisfied:
    """What valid attestations satisfy of a form.

    Args:
        centre: where.
        service: the service's identifier.
        roles: the people by the part they have.
        answers: as typed.
        today: at the centre.
        digest: names the service as it was, for a case that was handed in.

    Raises:
        OperatorError: there is no such service, or somebody is not written down here.
    """
    with centre.store.read() as tx:
        rules = service_by(centre, tx, service, digest)
        return satisfied_in(tx, centre.store.journal, rules, roles, answers, today)


def satisfied_in(
    tx: Tx, journal: JournalId, service: Service, roles: Roles, answers: Mapping[str, str], today: date
) -> Satisfied:
    """`satisfied`, within a transaction."""
    known = {
        role: [_known(tx, journal, person, today) for person in people] for role, people in roles.items() if people
    }
    given = normalise_answers(service, answers)
    fields: dict[str, Attested] = {}
    contradicted: dict[str, Attested] = {}
    for field in shown_fields(service, answers, today, known):
        role, _, fact = (field.fact or "").partition(".")
        people = known.get(role, [])
        # A question about several people at once is none about a fact of one of them.
        attested = people[0].facts.get(fact) if len(people) == 1 else None
        if attested is not None:
            same = given.get(field.id) is None or _same(service, field.id, given[field.id], attested.value)
            (fields if same else contradicted)[field.id] = attested
    wrong = {service.field(field).fact for field in contradicted}
    papers: dict[str, Attested] = {}
    leans = {each.attestation: None for field, each in fields.items() if field in given}
    for rule in needed_papers(service, answers, today, known):
        found = [] if rule.each_time else _for_paper(rule, known.get(rule.of, []), wrong)
        if found:
            papers[rule.id] = found[0]
            leans.update({each.attestation: None for each in found})
    return Satisfied(fields, papers, contradicted, tuple(leans))


def _known(tx: Tx, journal: JournalId, person: EntityId, today: date) -> _Known:
    rows = [
        row
        for each in records_of(tx, journal, person)
        for row in tx.all(_VALID, {"journal": journal, "person": each, "today": today.isoformat()})
    ]
    facts: dict[str, Attested] = {}
    kinds: dict[str, Attested] = {}
    for about, said, kind, original, at, until, scan, name in sorted(rows, key=lambda row: (row[4], row[0])):
        # Oldest first, so that the newest stays.
        for fact, value in json.loads(said).items():
            facts[fact] = Attested(value, name or "", at, original, until, EntityId(about), scan)
        if kind:
            kinds[kind] = Attested(kind, name or "", at, original, until, EntityId(about), scan)
    return _Known(facts, kinds)


def _for_paper(rule: PaperRule, people: list[_Known], wrong: set[str | None]) -> list[Attested]:
    """What spares a paper, of everybody in its role; empty if it is not spared."""
    if rule.each_time:
        return []
    found: list[Attested] = []
    for known in people:
        if rule.kind in known.kinds:
            found.append(known.kinds[rule.kind])
        elif rule.proves and all(fact in known.facts and f"{rule.of}.{fact}" not in wrong for fact in rule.proves):
            found += [known.facts[fact] for fact in rule.proves]
        else:
            return []
    return found


def _same(service: Service, field: str, given: str, attested: str) -> bool:
    return given.casefold() == normalise_answers(service, {field: attested}).get(field, "").casefold()
