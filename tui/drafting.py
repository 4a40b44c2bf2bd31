"""A draft as the console keeps it: the form, how it is to be paid, and where in it the operator is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from appliance.casework.attested import Satisfied, satisfied
from appliance.casework.cases import UnknownApplication, find_case, papers_of
from appliance.casework.centre import Centre
from appliance.casework.drafts import DraftForm
from appliance.casework.people import PersonView, person
from appliance.casework.services import shown_service
from appliance.catalogue import Service
from appliance.journal.ids import EntityId
from appliance.store.store import Store
from tui.forms import Filling, Stage, prefilled
from tui.words import facts_of

_PAYING: Final = "@"
"""Before the names of what is not a field; no field's name can begin with it."""


@dataclass(frozen=True, slots=True)
class Paying:
    """How a fee is to be paid. An empty mode: not now. `exemption` and `reason`: for what it is asked to be waived."""

    mode: str = ""
    reference: str = ""
    exemption: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows about a draft: its people, what was attested of them, its papers.

    Attributes:
        people: the records of everybody in it.
        satisfied: what need not be asked for.
        papers: how many files there are for each paper rule.
        begun: whether the application is in the journal already; papers can be added only then.
    """

    people: Mapping[EntityId, PersonView]
    satisfied: Satisfied
    papers: Mapping[str, int]
    begun: bool


NOTHING_KNOWN: Final = Known({}, Satisfied({}, {}, {}, ()), {}, begun=False)


def typed(form: DraftForm) -> dict[str, str]:
    """The answers to fields, as typed."""
    return {name: value for name, value in form.answers.items() if not name.startswith(_PAYING)}


def with_answer(form: DraftForm, name: str, value: str) -> DraftForm:
    """The same with one answer typed."""
    return replace(form, answers={**form.answers, name: value})


def with_people(form: DraftForm, role: str, people: tuple[EntityId, ...]) -> DraftForm:
    """The same with these people in a role."""
    return replace(form, roles={**form.roles, role: people})


def paying_of(form: DraftForm) -> Paying:
    """How the fee is to be paid."""
    return Paying(*(form.answers.get(_PAYING + name, "") for name in ("mode", "reference", "exemption", "reason")))


def with_paying(form: DraftForm, name: str, value: str) -> DraftForm:
    """The same with one thing said about the payment: `mode`, `reference`, `exemption` or `reason`."""
    return with_answer(form, _PAYING + name, value)


def without_paying(form: DraftForm) -> DraftForm:
    """The form as it is handed in: answers to fields only."""
    return replace(form, answers=typed(form))


def place_of(stage: Stage) -> str:
    """A stage as a draft remembers it."""
    return f"{stage.kind.name}:{stage.page}"


def stage_at(stages: tuple[Stage, ...], place: str) -> int:
    """Which of the stages a draft was left at; the first where it is gone."""
    return next((at for at, stage in enumerate(stages) if place_of(stage) == place), 0)


def service_of(centre: Centre, form: DraftForm) -> Service:
    """The service that a form is for: of today, or as it was when the form was handed in.

    Raises:
        OperatorError: it is not in the catalogue, nor kept here.
    """
    return shown_service(centre, form.service, form.digest) or centre.catalogue.service(form.service)


def filling(centre: Centre, form: DraftForm, known: Known) -> Filling:
    """The application as far as it is filled."""
    return Filling(
        service=service_of(centre, form),
        today=centre.today(),
        typed=typed(form),
        people=form.roles,
        attested=known.satisfied.fields,
        contradicted=known.satisfied.contradicted,
        attested_papers=known.satisfied.papers,
        papers=known.papers,
    )


def look_up(centre: Centre, form: DraftForm) -> Known:
    """Read what the store knows about a draft.

    Raises:
        OperatorError: somebody in it, or its service, is not known here.
    """
    store = centre.store
    people = {each: person(store, each) for people in form.roles.values() for each in people}
    found = satisfied(centre, form.service, form.roles, typed(form), centre.today(), digest=form.digest)
    with store.read() as tx:
        papers = Counter(held.rule for held in papers_of(tx, store.journal, form.id))
    return Known(people, found, papers, is_begun(store, form.id))


def is_begun(store: Store, application: EntityId) -> bool:
    """Whether an application is in the journal."""
    with store.read() as tx:
        try:
            find_case(tx, store.journal, application)
        except UnknownApplication:
            return False
    return True


def with_records(centre: Centre, form: DraftForm, known: Known) -> DraftForm:
    """The same, with empty fields filled from the records of its people; not those that an attestation answers."""
    service = service_of(centre, form)
    records = {
        role: facts_of(known.people[people[0]])
        for role, people in form.roles.items()
        if len(people) == 1 and people[0] in known.people
    }
    found = prefilled(service, records, typed(form))
    return replace(
        form, answers={**form.answers, **{k: v for k, v in found.items() if k not in known.satisfied.fields}}
    )
