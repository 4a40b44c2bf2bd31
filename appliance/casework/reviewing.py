"""Deciding: an officer takes an application up, sends it back, approves or rejects it; another one decides an appeal.

Who took it in does none of this, and who decided does not decide the appeal: `appliance.access.four_eyes` holds it
inside the commit. An application that nobody has taken up yet is taken up in the same moment in which it is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from appliance.access import four_eyes
from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework import duedates
from appliance.casework.attested import Satisfied, satisfied_in
from appliance.casework.cases import Case, go_on, papers_of, see_lines, see_remarks, steps_done, waits_of
from appliance.casework.centre import Centre
from appliance.casework.changes import see_unchanged
from appliance.casework.copying import copied
from appliance.casework.fees import fee_state
from appliance.casework.forms import FormRefused, missing_papers
from appliance.casework.lifecycle import Status, step
from appliance.casework.people import records_of
from appliance.casework.services import service_of
from appliance.casework.steps import Progress, progress, received_on
from appliance.catalogue import Service
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.store import Moment, Store


class NotReady(OperatorError):
    """The application cannot be approved yet: the sentence says what is open."""


def start_review(store: Store, session: Session, application: EntityId, *, seen: int | None = None) -> None:
    """Take an application up, or over from another officer.

    Raises:
        OperatorError: not from where it stands, it changed meanwhile, or not in this role.
    """
    go_on(store, session, application, lambda _, __: [k.ApplicationReviewStarted()], seen=seen)


def send_back(
    store: Store,
    session: Session,
    application: EntityId,
    reason: str,
    *,
    items: Sequence[str] = (),
    seen: int | None = None,
) -> None:
    """Return an application to the counter: an objection. The promised days stand still until it comes again.

    Args:
        store: where.
        session: who.
        application: which.
        reason: what the citizen must do.
        items: the fields and papers that it is about, by their identifiers.
        seen: the last entry about it that the screen showed.

    Raises:
        OperatorError: no reason, not from where it stands, it changed meanwhile, not by the same eyes or in this role.
    """
    check_reason(reason)
    see_lines(*items)
    if len(items) > k.MAX_ITEMS:
        raise OperatorError(f"An objection names at most {k.MAX_ITEMS} fields and papers.", "Say the rest in words.")
    body = k.ApplicationReturned(reason=reason, items=tuple(items))
    _decide(store, session, application, lambda _, __: body, seen)


def approve(
    centre: Centre, session: Session, application: EntityId, remark: str = "", *, seen: int | None = None
) -> None:
    """Approve what somebody else took in.

    Raises:
        NotReady: a step or a fee is open, an office answered no and nothing is remarked, or the form says otherwise
            than what was attested. FormRefused: a mandatory paper is neither there nor attested. NotCompared: no
            officer saw the original of what is to be copied.
        ChangedMeanwhile: it changed since it was shown, or what is written down of somebody in it.
        OperatorError: not from where it stands, not by the same eyes, or not in this role.
    """
    see_remarks(remark)

    def write(moment: Moment, case: Case) -> k.Body:
        # Asked again when it is written; here, so that nobody is told what lacks in a case that they may not decide.
        four_eyes.check(moment.tx, centre.store.journal, k.ApplicationApproved.KIND, case.id, session.actor)
        _see_people_unchanged(moment, centre.store, case, seen)
        spared = see_ready(centre, moment, case, remark)
        return k.ApplicationApproved(remark=remark, leans_on=spared.leans_on[: k.MAX_LEANS])

    _decide(centre.store, session, application, write, seen)


def reject(centre: Centre, session: Session, application: EntityId, reason: str, *, seen: int | None = None) -> None:
    """Reject an application; where the service knows an appeal, the citizen may appeal from now on.

    Raises:
        OperatorError: no reason, not from where it stands, it changed meanwhile, not by the same eyes or in this role.
    """
    check_reason(reason)

    def write(moment: Moment, case: Case) -> k.Body:
        return rejection(centre, moment, case, reason)

    _decide(centre.store, session, application, write, seen)


def rejection(centre: Centre, moment: Moment, case: Case, reason: str) -> k.ApplicationRejected:
    """What is written of a rejection at this moment: with the appeal, where the service knows one."""
    rule = service_of(centre, moment.tx, case).appeal
    if rule is None:
        return k.ApplicationRejected(reason=reason)
    until = centre.day_of(moment.at) + timedelta(days=rule.within_days)
    return k.ApplicationRejected(reason=reason, appeal_to=rule.to.en, appeal_until=until.isoformat())


def appeal(centre: Centre, session: Session, application: EntityId, reason: str, *, seen: int | None = None) -> None:
    """Enter the citizen's appeal against a rejection.

    Raises:
        OperatorError: no reason, the service knows no appeal, it is too late, not from where it stands, it changed
            meanwhile, by who rejected it, or not in this role.
    """
    check_reason(reason)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.ApplicationAppealed.KIND)
        if not case.appeal_until:
            raise OperatorError("Against this rejection there is no appeal here.", "Take in a new application.")
        if centre.day_of(moment.at).isoformat() > case.appeal_until:
            raise OperatorError(
                f"An appeal was possible until {case.appeal_until}.",
                "Take in a new application, or send the citizen on.",
            )
        return [k.ApplicationAppealed(reason=reason)]

    go_on(centre.store, session, application, write, seen=seen)


def decide_appeal(
    centre: Centre,
    session: Session,
    application: EntityId,
    *,
    allowed: bool,
    reason: str,
    seen: int | None = None,
) -> None:
    """Decide an appeal: allowed, the application is reviewed again, within the promised days from today.

    Raises:
        OperatorError: no reason, not from where it stands, it changed meanwhile, by who took part in it, or not in this
            role.
    """
    check_reason(reason)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        if not allowed or not case.promised_from:
            return [k.ApplicationAppealDecided(allowed=allowed, reason=reason)]
        today = centre.day_of(moment.at)
        due = duedates.reckon(centre, today, case.days)
        return [k.ApplicationAppealDecided(allowed=True, reason=reason, due=due, promised_from=today.isoformat())]

    go_on(centre.store, session, application, write, seen=seen)


def _decide(
    store: Store,
    session: Session,
    application: EntityId,
    write: Callable[[Moment, Case], k.Body],
    seen: int | None,
) -> None:
    def bodies(moment: Moment, case: Case) -> list[k.Body]:
        taken_up = [k.ApplicationReviewStarted()] if case.status is Status.SUBMITTED else []
        return [*taken_up, write(moment, case)]

    go_on(store, session, application, bodies, seen=seen)


def _see_people_unchanged(moment: Moment, store: Store, case: Case, seen: int | None) -> None:
    """Refuse where somebody in the application is written down otherwise than who decides was shown."""
    people = dict.fromkeys(person for named in case.roles.values() for person in named)
    for record in dict.fromkeys(one for each in people for one in records_of(moment.tx, store.journal, each)):
        see_unchanged(moment.tx, store.journal, record, seen)


def see_ready(centre: Centre, moment: Moment, case: Case, remark: str) -> Satisfied:
    """Refuse to approve what is not ready for it; answers what attestations it rests on.

    Raises:
        NotReady, FormRefused, IllegalStep, OperatorError: it is not.
    """
    if case.status not in (Status.SUBMITTED, Status.IN_REVIEW):
        step(case.status, k.ApplicationApproved.KIND)
    tx, journal = moment.tx, centre.store.journal
    service = service_of(centre, tx, case)
    day = received_on(centre, case, moment.at)
    spared = satisfied_in(tx, journal, service, case.roles, case.fields, centre.day_of(moment.at))
    see_uncontradicted(service, spared)
    copied(tx, journal, service, case)
    lacking = missing_papers(service, case.fields, case.roles, papers_of(tx, journal, case.id), spared, day)
    if lacking:
        raise FormRefused(papers=lacking)
    stands = progress(
        service, case.fields, case.roles, day, steps_done(tx, journal, case.id), waits_of(tx, journal, case.id)
    )
    _see_steps(stands, remark)
    if not fee_state(tx, journal, case.id).settled:
        raise NotReady("The fee is neither paid nor spared.", "Take it at the counter, or have the exemption approved.")
    return spared


def see_uncontradicted(service: Service, spared: Satisfied) -> None:
    """Refuse a form that says otherwise than what was attested.

    Raises:
        NotReady: it does.
    """
    if spared.contradicted:
        names = ", ".join(service.field(field).label.en for field in spared.contradicted)
        raise NotReady(
            f"The form says otherwise than what was attested: {names}.",
            "Return it to be put right, or withdraw the attestation that is wrong.",
        )


def _see_steps(stands: Progress, remark: str) -> None:
    if stands.open_before_approval:
        names = ", ".join(each.label.en for each in stands.open_before_approval)
        raise NotReady(f"This is to be done before: {names}.", "Do it, or enter the office's answer.")
    if stands.refused and not remark.strip():
        names = ", ".join(each.label.en for each in stands.refused)
        raise NotReady(f"The answer was no: {names}.", "Reject it, or say in a remark why it is approved all the same.")
