"""A form held against its service: what is wrong with it, what lacks, what it costs, and when it is promised.

Everything here is asked inside the commit that takes the form in, so that it holds of the state it meets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from appliance.casework.attested import Roles, Satisfied, satisfied_in
from appliance.casework.cases import HeldPaper
from appliance.casework.centre import Centre
from appliance.casework.numbers import masked_answers
from appliance.casework.people import is_known, who_is
from appliance.catalogue import (
    Days,
    Fee,
    Field,
    Finding,
    PaperRule,
    RoleRule,
    Service,
    check_answers,
    given_answers,
    needed_papers,
    needed_roles,
    promised_days,
    reckon_fee,
    shown_fields,
)
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records.database import Tx

# Of all names and answers of a form; in the entry each may grow by its quotes, and by escapes.
MAX_FORM_BYTES: Final = 24 * 1024
MAX_TOLD: Final = 3
"""Faults that the sentence of a refusal names; `FormRefused` holds all of them."""


class FormRefused(OperatorError):
    """A form that cannot be handed in as it is.

    Attributes:
        findings: what is wrong with its answers.
        roles: the parts in which nobody is named.
        papers: the papers that are neither there nor attested.
    """

    def __init__(
        self,
        findings: tuple[Finding, ...] = (),
        roles: tuple[RoleRule, ...] = (),
        papers: tuple[PaperRule, ...] = (),
    ) -> None:
        faults = [finding.sentence for finding in findings]
        faults += [f"{role.label.en}: nobody is named." for role in roles]
        faults += [f"{paper.label.en}: the paper is missing." for paper in papers]
        more = f" And {len(faults) - MAX_TOLD} more." if len(faults) > MAX_TOLD else ""
        next_step = findings[0].next_step if findings else "Name the person." if roles else "Scan the paper."
        super().__init__(" ".join(faults[:MAX_TOLD]) + more, next_step)
        self.findings = findings
        self.roles = roles
        self.papers = papers


@dataclass(frozen=True, slots=True)
class CheckedForm:
    """A form that can be handed in.

    Attributes:
        service: what for.
        answers: in one spelling, of the fields that are shown; of an Aadhaar number, its last digits.
        roles: the people by the part they have, each by the record that now stands for them.
        satisfied: what valid attestations spare it.
        days: what is promised.
        fee_minor: what it costs, in minor units of the service's currency.
        warnings: what is odd about the answers, and may stand.
    """

    service: Service
    answers: Mapping[str, str]
    roles: Roles
    satisfied: Satisfied
    days: Days
    fee_minor: int
    warnings: tuple[Finding, ...]

    @property
    def applicant(self) -> EntityId:
        """Whom the application is of: the applicant, or whoever stands first where the service has none."""
        for role in ("applicant", *(rule.id for rule in self.service.roles)):
            if self.roles.get(role):
                return self.roles[role][0]
        raise FormRefused(roles=self.service.roles[:1])


def check_form(
    centre: Centre,
    tx: Tx,
    service: Service,
    answers: Mapping[str, str],
    roles: Roles,
    papers: Collection[HeldPaper],
    today: date,
) -> CheckedForm:
    """Hold a form against its service.

    Args:
        centre: where.
        tx: the commit's transaction.
        service: what for.
        answers: as typed.
        roles: the people by the part they have.
        papers: those that are there.
        today: the day of the application.

    Raises:
        FormRefused: something is wrong or lacks.
        OperatorError: somebody is not written down here, has a part that the service does not know, or the form is
            longer than an entry holds.
    """
    journal = centre.store.journal
    named = _people(tx, journal, service, roles)
    findings = check_answers(service, answers, today, named)
    given = masked_answers(service, given_answers(service, answers, today, named))
    _see_size(given)
    spared = satisfied_in(tx, journal, service, named, given, today)
    lacking = missing_papers(service, given, named, papers, spared, today)
    errors = tuple(finding for finding in findings if finding.level == "error")
    nobody = tuple(rule for rule in needed_roles(service, given, today, named) if rule.id not in named)
    if errors or nobody or lacking:
        raise FormRefused(errors, nobody, lacking)
    fee = reckon_fee(service, given, today, named)
    _see_whole(service, fee, shown_fields(service, given, today, named))
    return CheckedForm(
        service=service,
        # As they are kept: held against the service they were whole.
        answers=masked_answers(service, given),
        roles=named,
        satisfied=spared,
        days=promised_days(service, given, today, named),
        fee_minor=fee.total_minor,
        warnings=tuple(finding for finding in findings if finding.level == "warning"),
    )


def check_corrected(
    tx: Tx, journal: JournalId, service: Service, answers: Mapping[str, str], roles: Roles, today: date
) -> Mapping[str, str]:
    """The answers of a form that was approved before and is put right, in one spelling; its papers are not asked anew.

    Raises:
        FormRefused: an answer is wrong or lacks.
        OperatorError: somebody is not written down here any more, or the form is longer than an entry holds.
    """
    named = _people(tx, journal, service, roles)
    errors = tuple(each for each in check_answers(service, answers, today, named) if each.level == "error")
    if errors:
        raise FormRefused(errors)
    given = masked_answers(service, given_answers(service, answers, today, named))
    _see_size(given)
    return given


def missing_papers(
    service: Service,
    answers: Mapping[str, str],
    roles: Roles,
    papers: Collection[HeldPaper],
    spared: Satisfied,
    today: date,
) -> tuple[PaperRule, ...]:
    """The mandatory papers that are neither there nor attested."""
    there = {paper.rule for paper in papers} | spared.papers.keys()
    rules = needed_papers(service, answers, today, roles)
    return tuple(rule for rule in rules if rule.required and rule.id not in there)


def _people(tx: Tx, journal: JournalId, service: Service, roles: Roles) -> dict[str, tuple[EntityId, ...]]:
    rules = {rule.id: rule for rule in service.roles}
    named: dict[str, tuple[EntityId, ...]] = {}
    for role, people in roles.items():
        if not people:
            continue
        if role not in rules:
            raise OperatorError("This service knows no such part for a person.", "Take the person out of it.")
        if len(people) > (k.MAX_IN_A_ROLE if rules[role].many else 1):
            raise OperatorError(f"{rules[role].label.en}: too many people.", "Name fewer in this part.")
        if not all(is_known(tx, journal, person) for person in people):
            raise OperatorError(f"{rules[role].label.en}: not written down here.", "Find or add the person first.")
        named[role] = tuple(dict.fromkeys(who_is(tx, journal, person) for person in people))
    return named


def _see_whole(service: Service, fee: Fee, shown: Collection[Field]) -> None:
    """Refuse a form without an answer that its fee goes by: the fee would be short."""
    asked = {each.id for each in shown}
    lacking = [service.field(each) for each in fee.waits_for if each in asked]
    if lacking:
        raise FormRefused(
            tuple(
                Finding(each.id, "error", f"{each.label.en}: the fee goes by it.", "Enter it, 0 or more.")
                for each in lacking
            )
        )


def _see_size(answers: Mapping[str, str]) -> None:
    if not all(map(k.is_line, answers)) or not all(map(k.is_remark, answers.values())):
        raise OperatorError(
            f"An answer has at most {k.MAX_REMARK} characters that can be typed.", "Shorten it, or type it again."
        )
    written = sum(len(text.encode()) for answer in answers.items() for text in answer)
    if len(answers) > k.MAX_FIELDS or written > MAX_FORM_BYTES:
        raise OperatorError("A form holds more than one entry can.", "Shorten the longest answers.")
