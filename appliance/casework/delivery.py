"""Handing over: to the applicant, or to somebody else who is named, with their relation and what entitles them.

Whoever is written down as the applicant's guardian or representative is entitled by that, as long as it lasts. Somebody
whom the service names as one who needs authority has it so, or by a paper of theirs in the case; words alone do not do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import select

from appliance.access.session import Session
from appliance.casework.cases import Case, go_on, key, papers_of, see_lines, steps_done
from appliance.casework.centre import Centre
from appliance.casework.certificates import State, certificates_in, see_unquestioned
from appliance.casework.families import represents
from appliance.casework.fees import fee_state
from appliance.casework.lifecycle import IllegalStep, Status, step
from appliance.casework.people import records_of, who_is
from appliance.casework.services import service_of
from appliance.casework.steps import progress, received_on
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.store.store import Moment

AUTHORITY: Final = "authority"
"""The kind of a paper that entitles somebody to act for another."""

_NAME: Final = select(t.people.c.name).where(t.where_key(t.people))


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who takes it.

    Attributes:
        person: whom, where they are written down here.
        name: of somebody who is not.
        relation: what they are to the applicant; needed for anybody else, unless it is written down here.
        authority: the paper that entitles them; needed for anybody else, unless it is written down here or in the case.
    """

    person: EntityId | None = None
    name: str = ""
    relation: str = ""
    authority: str = ""


def deliver(
    centre: Centre, session: Session, application: EntityId, receiver: Receiver, *, seen: int | None = None
) -> None:
    """Hand over what was issued, or say that a service without a certificate is done.

    Raises:
        NotValid: a correction or the revocation of the certificate was asked for, and is open.
        OperatorError: nobody is named, or nothing entitles them; a step or the fee is open; no certificate was issued
            where the service has one; not from where it stands, it changed meanwhile, or the session may not.
    """
    see_lines(receiver.name, receiver.relation, receiver.authority)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.ApplicationDelivered.KIND)
        _see_ready(centre, moment, case)
        return [_received_by(centre, moment, case, receiver)]

    go_on(centre.store, session, application, write, seen=seen)


def _see_ready(centre: Centre, moment: Moment, case: Case) -> None:
    service = service_of(centre, moment.tx, case)
    if case.status is Status.APPROVED and service.certificate is not None:
        raise IllegalStep(case.status)
    journal = centre.store.journal
    for each in certificates_in(moment.tx, journal, case.id):
        if each.state is State.VALID:
            see_unquestioned(moment.tx, journal, case.id, each.number)
    done = steps_done(moment.tx, journal, case.id)
    stands = progress(service, case.fields, case.roles, received_on(centre, case, moment.at), done, ())
    if stands.open_after_approval:
        names = ", ".join(each.label.en for each in stands.open_after_approval)
        raise OperatorError(f"This is to be done before: {names}.", "Do it, and say so.")
    if not fee_state(moment.tx, journal, case.id).settled:
        raise OperatorError("The fee is neither paid nor spared.", "Take it first.")


def _received_by(centre: Centre, moment: Moment, case: Case, receiver: Receiver) -> k.ApplicationDelivered:
    tx, journal = moment.tx, centre.store.journal
    name, to = receiver.name.strip(), receiver.person
    if to is not None:
        to = who_is(tx, journal, to)
        row = tx.one(_NAME, key(journal, to))
        if row is None:
            raise OperatorError("The receiver is not written down here.", "Find or add them, or enter their name.")
        name = str(row[0])
        if to in records_of(tx, journal, EntityId(case.applicant)):
            return k.ApplicationDelivered(to=to, to_name=name, relation="applicant")
        receiver = _entitled(centre, moment, case, to, receiver)
    if not name:
        raise OperatorError("It is not said who takes it.", "Name the applicant, or who comes instead.")
    if not receiver.relation.strip() or not receiver.authority.strip():
        raise OperatorError(
            "Somebody else than the applicant takes it, and nothing says that they may.",
            "Enter what they are to the applicant, and the paper that entitles them.",
        )
    return k.ApplicationDelivered(
        to=to, to_name=name, relation=receiver.relation.strip(), authority=receiver.authority.strip()
    )


def _entitled(centre: Centre, moment: Moment, case: Case, to: EntityId, receiver: Receiver) -> Receiver:
    """The same with what is written down of their authority.

    Raises:
        OperatorError: they need authority, and nothing here gives it.
    """
    tx, journal = moment.tx, centre.store.journal
    link = represents(tx, journal, to, EntityId(case.applicant), centre.day_of(moment.at))
    if link is not None:
        return replace(receiver, relation=receiver.relation or link.relation, authority=link.authority)
    same = frozenset(records_of(tx, journal, to))
    service = service_of(centre, tx, case)
    needing = {
        each.id: each for each in service.roles if each.needs_authority and same & set(case.roles.get(each.id, ()))
    }
    if not needing:
        return receiver
    rules = {each.id: each for each in service.papers if each.of in needing and each.kind == AUTHORITY}
    paper = next((each for each in papers_of(tx, journal, case.id) if each.rule in rules), None)
    if paper is None:
        role = next(iter(needing.values()))
        raise OperatorError(
            f"{role.label.en}: nothing here says that they may take it.",
            "Scan the letter of authority, or write them down as the applicant's representative, under People.",
        )
    rule = rules[paper.rule]
    role = needing[rule.of]
    return replace(receiver, relation=receiver.relation or role.label.en, authority=rule.label.en)
