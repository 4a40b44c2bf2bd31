"""What an application needs by its answers: people, papers, steps, days; and how long its certificate is good for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from appliance.catalogue import model as m
from appliance.catalogue.answers import situation
from appliance.catalogue.calendar import Days, add_months
from appliance.catalogue.conditions import Situation, as_date, holds
from appliance.journal.errors import BugError


def needed_roles(
    service: m.Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()
) -> tuple[m.RoleRule, ...]:
    """The roles in which somebody must be named, also those that are named already."""
    return _roles(service, situation(service, answers, today, roles))


def _roles(service: m.Service, where: Situation) -> tuple[m.RoleRule, ...]:
    return tuple(role for role in service.roles if role.required and holds(role.when, where))


def needed_papers(
    service: m.Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()
) -> tuple[m.PaperRule, ...]:
    """The papers that apply, in order; `required` says whether one may be left away.

    A paper of somebody in a role that is neither needed nor named does not apply.
    """
    where = situation(service, answers, today, roles)
    people = {role.id for role in _roles(service, where)} | where.roles
    return tuple(paper for paper in service.papers if paper.of in people and holds(paper.when, where))


def steps_for(
    service: m.Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()
) -> tuple[m.Step, ...]:
    """The steps to take, in order; the last one of an officer is the approval."""
    where = situation(service, answers, today, roles)
    return tuple(step for step in service.steps if holds(step.when, where))


def promised_days(service: m.Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()) -> Days:
    """The days within which the service is promised by these answers."""
    where = situation(service, answers, today, roles)
    for rule in service.days:
        if holds(rule.when, where):
            return rule.days
    raise BugError(
        f"The service {service.id} promises nothing where no condition holds.", "Load it with `load_service`."
    )


def expires_on(
    service: m.Service, answers: Mapping[str, str], issued_on: date, roles: Collection[str] = ()
) -> date | None:
    """The last day on which a certificate issued that day is good; None if it does not expire, or none is issued."""
    if service.certificate is None:
        return None
    where = situation(service, answers, issued_on, roles)
    for rule in service.certificate.valid:
        if holds(rule.when, where):
            if rule.until is not None:
                return as_date(where.answers.get(rule.until))
            return None if rule.months is None else add_months(issued_on, rule.months)
    raise BugError(f"It is not said how long a certificate of {service.id} is valid.", "Load it with `load_service`.")
