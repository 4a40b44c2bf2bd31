"""The steps of a service, and how far an application has come: done here, waited for, answered.

The counter's first steps are done by handing in, the officer's last one by approving, and the counter's last one after
that by handing over. Every other is said by somebody. What an outside office does after the approval holds nothing up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from typing import Final

from appliance.access import four_eyes
from appliance.access.session import Role, Session
from appliance.casework import duedates
from appliance.casework.attested import Roles
from appliance.casework.cases import Case, Wait, go_on, see_lines, see_remarks, steps_done, waits_of
from appliance.casework.centre import Centre
from appliance.casework.lifecycle import How
from appliance.casework.lifecycle import step as see_step
from appliance.casework.services import service_of
from appliance.catalogue import Service, Step, steps_for
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.store import Moment

NEGATIVE: Final = "negative"
_OUTSIDE: Final = "outside"
_COUNTER: Final = "operator"
_WHOSE: Final = {Role.OPERATOR: _COUNTER, Role.OFFICER: "officer"}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an application has come.

    Attributes:
        steps: those of the service that these answers need, in order.
        open_before_approval: what must be done or answered before it can be approved.
        open_after_approval: what must be done before it can be handed over.
        waiting: the steps that an outside office has now.
        refused: the steps to which an outside office said no, last.
    """

    steps: tuple[Step, ...]
    open_before_approval: tuple[Step, ...]
    open_after_approval: tuple[Step, ...]
    waiting: tuple[Step, ...]
    refused: tuple[Step, ...]


def progress(
    service: Service,
    answers: Mapping[str, str],
    roles: Roles,
    day: date,
    done: Collection[str],
    waits: Sequence[Wait],
) -> Progress:
    """How far an application has come.

    Args:
        service: whose steps.
        answers: of the application.
        roles: the people by the part they have.
        day: on which it was received.
        done: the steps done here at the centre.
        waits: the outside offices that have it or had it, oldest first.
    """
    steps = steps_for(service, answers, day, roles)
    # Of several waits for one step the newest counts.
    outcomes = {wait.step: wait.outcome for wait in waits}
    officers = [n for n, each in enumerate(steps) if each.by == "officer"]
    approval = officers[-1] if officers else len(steps)
    first = len(list(takewhile(lambda each: each.by == _COUNTER, steps[:approval])))
    after = [each for each in steps[approval + 1 :] if each.by != _OUTSIDE]
    if after and after[-1].by == _COUNTER:
        after.pop()

    def is_open(each: Step) -> bool:
        return not outcomes.get(each.id) if each.by == _OUTSIDE else each.id not in done

    return Progress(
        steps=steps,
        open_before_approval=tuple(each for each in steps[first:approval] if is_open(each)),
        open_after_approval=tuple(each for each in after if is_open(each)),
        waiting=tuple(each for each in steps if outcomes.get(each.id) == ""),
        refused=tuple(each for each in steps if outcomes.get(each.id) == NEGATIVE),
    )


def received_on(centre: Centre, case: Case, at: str) -> date:
    """The day by which the conditions of a service are judged for an application."""
    return date.fromisoformat(case.received) if case.received else centre.day_of(at)


def do_step(
    centre: Centre,
    session: Session,
    application: EntityId,
    step: str,
    remark: str = "",
    *,
    seen: int | None = None,
) -> None:
    """Say that a step was done here at the centre.

    Raises:
        OperatorError: the service knows no such step, it is somebody else's, done by handing in or over or approving,
            or done before; an officer's, by who took it in; not from where it stands, it changed meanwhile, or the
            session may not.
    """
    see_lines(step)
    see_remarks(remark)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        see_step(case.status, k.ApplicationStepDone.KIND)
        found = _step(centre, moment, case, step)
        if found.by != _WHOSE.get(session.role):
            raise OperatorError(f"{found.label.en}: that is not yours to do.", "Leave it to whose step it is.")
        if found.by == _WHOSE[Role.OFFICER]:
            # An officer's step is part of the decision.
            four_eyes.check(moment.tx, centre.store.journal, k.ApplicationApproved.KIND, case.id, session.actor)
        done = steps_done(moment.tx, centre.store.journal, case.id)
        stands = progress(
            service_of(centre, moment.tx, case),
            case.fields,
            case.roles,
            received_on(centre, case, moment.at),
            done,
            (),
        )
        if found not in (*stands.open_before_approval, *stands.open_after_approval):
            raise OperatorError(f"{found.label.en}: nothing is to be said of this step now.", "Look at it again.")
        return [k.ApplicationStepDone(step=found.id, remark=remark)]

    go_on(centre.store, session, application, write, seen=seen)


def send_outside(
    centre: Centre,
    session: Session,
    application: EntityId,
    step: str,
    *,
    office: str = "",
    reference: str = "",
    seen: int | None = None,
) -> None:
    """Say that an outside office has the application now.

    Args:
        centre: where.
        session: who.
        application: which.
        step: the step of the service that waits for it.
        office: which office; empty for the one that the service names.
        reference: under which it went there.
        seen: the last entry about it that the screen showed.

    Raises:
        OperatorError: no such step, it is none of an outside office, or the office has it already; not from where it
            stands, it changed meanwhile, or the session may not.
    """
    see_lines(step, office, reference)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        see_step(case.status, k.ApplicationWaiting.KIND)
        found = _step(centre, moment, case, step)
        if found.by != _OUTSIDE:
            raise OperatorError(f"{found.label.en}: that is done here, by no outside office.", "Do it, and say so.")
        if any(wait.step == step and not wait.outcome for wait in waits_of(moment.tx, centre.store.journal, case.id)):
            raise OperatorError(f"{found.label.en}: the office has it already.", "Wait for its answer.")
        named = office.strip() or found.office or _OUTSIDE
        return [k.ApplicationWaiting(step=step, office=named, reference=reference, clock_runs=found.clock_runs)]

    go_on(centre.store, session, application, write, seen=seen)


def enter_answer(
    centre: Centre,
    session: Session,
    application: EntityId,
    step: str,
    outcome: k.Outcome,
    *,
    reference: str = "",
    remark: str = "",
    seen: int | None = None,
) -> None:
    """Enter what an outside office answered. The promised days run on, unless another one has it whose time stands.

    Args:
        centre: where.
        session: who.
        application: which.
        step: the step that waited for it.
        outcome: positive, negative or other.
        reference: the answer's own.
        remark: what it says; needed unless it is positive.
        seen: the last entry about it that the screen showed.

    Raises:
        OperatorError: nobody was asked for that step, no remark where one is needed, not from where it stands, it
            changed meanwhile, or the session may not.
    """
    see_lines(step, reference)
    see_remarks(remark)
    if outcome != "positive" and not remark.strip():
        raise OperatorError("An answer that is not positive needs a remark.", "Say in a few words what it says.")

    def write(moment: Moment, case: Case) -> list[k.Body]:
        return [answered(centre, moment, case, step, outcome, reference, remark)]

    go_on(centre.store, session, application, write, seen=seen)


def answered(
    centre: Centre, moment: Moment, case: Case, step: str, outcome: k.Outcome, reference: str, remark: str
) -> k.ApplicationAnswered:
    """What is written of an office's answer at this moment.

    Raises:
        OperatorError: the application does not wait, or nobody was asked for that step.
    """
    # Which of the two it is, is known below; here, whether it waits at all.
    see_step(case.status, k.ApplicationAnswered.KIND, How.ALL_ANSWERED)
    waits = [wait for wait in waits_of(moment.tx, centre.store.journal, case.id) if not wait.outcome]
    if step not in {wait.step for wait in waits}:
        raise OperatorError("No office was asked for this.", "Look at what it waits for.")
    others = [wait for wait in waits if wait.step != step]
    due = duedates.due(centre, moment.tx, case, centre.day_of(moment.at))
    return k.ApplicationAnswered(
        step=step,
        outcome=outcome,
        reference=reference,
        remark=remark,
        due="" if due == case.due else due,
        still=tuple(wait.step for wait in others),
        paused=not all(wait.clock_runs for wait in others),
    )


def _step(centre: Centre, moment: Moment, case: Case, step: str) -> Step:
    service = service_of(centre, moment.tx, case)
    steps = steps_for(service, case.fields, received_on(centre, case, moment.at), case.roles)
    found = next((each for each in steps if each.id == step), None)
    if found is None:
        raise OperatorError(
            "This application has no such step.", "Choose one of: " + ", ".join(each.id for each in steps) + "."
        )
    return found
