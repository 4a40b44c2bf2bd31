"""What an application still has to ask, made from the service and the answers so far. Pure: no terminal, no store.

A form has pages of at most `MAX_FIELDS` fields, in the order and under the headings of the service. A field stays on
its page; whether it is shown follows from the answers. What an attestation answers is shown and not asked. A page with
nothing to show is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Final

from appliance import catalogue
from appliance.casework.attested import Attested
from appliance.catalogue import Fee, Field, Finding, PaperRule, RoleRule, Service

MAX_FIELDS: Final = 10
"""Fields on one page: what an eye takes in, and what fits into 24 lines with their notes."""
MAX_IN_A_ROLE: Final = 12
"""People in a role that may have many."""
SAMPLE: Final = "sample, confirm locally"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the form: its heading, and the fields that may stand on it."""

    heading: str
    fields: tuple[Field, ...]


class Kind(Enum):
    """What is done at one stage of taking an application in."""

    PEOPLE = "People"
    FORM = "Form"
    PAPERS = "Papers"
    FEE = "Fee"
    CHECK = "Check and submit"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage; `page` is which one of the form's pages, counted from 0, where it is one."""

    kind: Kind
    title: str
    page: int = 0


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that stands in the way of handing in: where, what, and what to do."""

    stage: Stage
    field: str
    sentence: str
    next_step: str


@dataclass(frozen=True)
class Filling:
    """An application as far as it is filled.

    Attributes:
        service: which one.
        today: the day at the centre.
        typed: answers as typed, by field.
        people: who stands in which role, by identifiers.
        attested: fields that an attestation answers.
        contradicted: fields whose answer is another one than what was attested.
        attested_papers: papers that an attestation stands for, by rule.
        papers: how many files there are for each paper rule.
    """

    service: Service
    today: date
    typed: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, Sequence[str]] = field(default_factory=dict)
    attested: Mapping[str, Attested] = field(default_factory=dict)
    contradicted: Mapping[str, Attested] = field(default_factory=dict)
    attested_papers: Mapping[str, Attested] = field(default_factory=dict)
    papers: Mapping[str, int] = field(default_factory=dict)

    @property
    def roles(self) -> frozenset[str]:
        """The roles in which somebody stands."""
        return frozenset(role for role, people in self.people.items() if people)

    @property
    def answers(self) -> dict[str, str]:
        """What counts: what was attested, and what was typed where nothing was."""
        return {**self.typed, **{name: each.value for name, each in self.attested.items()}}

    def with_answer(self, name: str, value: str) -> Filling:
        """The same with one answer typed."""
        return replace(self, typed={**self.typed, name: value})

    def given(self) -> dict[str, str]:
        """The answers in the one spelling that is kept, of the fields that are shown."""
        return catalogue.given_answers(self.service, self.answers, self.today, self.roles)

    def shown(self) -> frozenset[str]:
        """The fields that the answers so far call for."""
        return frozenset(each.id for each in catalogue.shown_fields(self.service, self.answers, self.today, self.roles))

    def findings(self) -> dict[str, list[Finding]]:
        """What is wrong with the answers, by field; an attested answer is not the operator's to correct."""
        found: dict[str, list[Finding]] = {}
        for each in catalogue.check_answers(self.service, self.answers, self.today, self.roles):
            if each.field not in self.attested:
                found.setdefault(each.field, []).append(each)
        for name, attested in self.contradicted.items():
            label = self.service.field(name).label.en
            sentence = f"{label}: {attested.by or 'an officer'} attested “{attested.value}” on another occasion."
            found.setdefault(name, []).append(
                Finding(
                    name, "warning", sentence, "Compare it with the original; correct it, or leave it to the officer."
                )
            )
        return found

    def needed_roles(self) -> tuple[RoleRule, ...]:
        """The roles that must be filled by these answers."""
        return catalogue.needed_roles(self.service, self.answers, self.today, self.roles)

    def roles_to_show(self) -> tuple[RoleRule, ...]:
        """The roles to offer: those that must be filled, those that are, and those that may be."""
        needed = {role.id for role in self.needed_roles()}
        return tuple(role for role in self.service.roles if role.id in needed | self.roles or not role.required)

    def needed_papers(self) -> tuple[PaperRule, ...]:
        """The papers that apply by these answers."""
        return catalogue.needed_papers(self.service, self.answers, self.today, self.roles)

    def fee(self) -> Fee:
        """What it costs by these answers."""
        return catalogue.reckon_fee(self.service, self.answers, self.today, self.roles)

    def stages(self) -> tuple[Stage, ...]:
        """What is still to do or was done, in order. Pages without a field to show are left out."""
        shown = self.shown()
        form = (
            Stage(Kind.FORM, page.heading, number)
            for number, page in enumerate(pages(self.service))
            if any(each.id in shown for each in page.fields)
        )
        papers = (Stage(Kind.PAPERS, Kind.PAPERS.value),) if self.needed_papers() else ()
        rest = (Stage(Kind.FEE, Kind.FEE.value), Stage(Kind.CHECK, Kind.CHECK.value))
        return (Stage(Kind.PEOPLE, Kind.PEOPLE.value), *form, *papers, *rest)

    def lacks(self) -> tuple[Lack, ...]:
        """What stands in the way of handing in, in the order of the stages; warnings do not."""
        stages = self.stages()
        found = [
            Lack(stages[0], role.id, f"{role.label.en}: nobody is named.", "Find or add the person.")
            for role in self.needed_roles()
            if role.id not in self.roles
        ]
        findings, form = self.findings(), pages(self.service)
        for stage in stages:
            for each in form[stage.page].fields if stage.kind is Kind.FORM else ():
                errors = [one for one in findings.get(each.id, ()) if one.level == "error"]
                found += [Lack(stage, each.id, one.sentence, one.next_step) for one in errors]
        at = next((stage for stage in stages if stage.kind is Kind.PAPERS), stages[-1])
        for rule in self.needed_papers():
            if rule.required and not self.papers.get(rule.id) and rule.id not in self.attested_papers:
                found.append(Lack(at, rule.id, f"{rule.label.en}: the paper is missing.", "Add or scan it."))
        return tuple(found)


def pages(service: Service) -> tuple[Page, ...]:
    """The pages of a service's form."""
    made = []
    for name, heading in service.pages.items():
        fields = tuple(each for each in service.fields if each.page == name)
        count = -(-len(fields) // MAX_FIELDS)
        for number in range(count):
            of = f" ({number + 1} of {count})" if count > 1 else ""
            made.append(Page(heading.en + of, fields[number * MAX_FIELDS : (number + 1) * MAX_FIELDS]))
    return tuple(made)


def prefilled(service: Service, people: Mapping[str, Mapping[str, str]], typed: Mapping[str, str]) -> dict[str, str]:
    """Answers that the people's records give, where nothing was typed yet.

    Args:
        service: whose form.
        people: what is written down of the person in each role, by names of facts.
        typed: the answers so far.
    """
    found = {}
    for each in service.fields:
        role, _, fact = (each.prefill or "").partition(".")
        value = people.get(role, {}).get(fact, "")
        if value and not typed.get(each.id):
            found[each.id] = value
    return found


def money(minor: int, currency: str) -> str:
    """An amount as people write it: `Rs 1,234`, `₹1,234.50`."""
    whole, part = divmod(abs(minor), 100)
    sign = "-" if minor < 0 else ""
    text = f"{whole:,}" + (f".{part:02}" if part else "")
    return f"{sign}{'₹' if currency == 'INR' else 'Rs '}{text}"


def attested_words(attestation: Attested, day: str) -> str:
    """Who attested it, when, on which original, and how long it holds."""
    until = f", valid until {attestation.until}" if attestation.until else ""
    by = attestation.by or "an officer whose account was erased"
    return f"attested by {by} on {day}, original seen: {attestation.original}{until}"
