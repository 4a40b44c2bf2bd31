"""Taking applications in: begin, hand in, put right, withdraw; and erasing a subject.

Each form is held against its service inside the commit that takes it in, and its tracking number is made there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from sqlalchemy import bindparam, select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework import drafts, duedates, slips
from appliance.casework.attested import Roles
from appliance.casework.cases import Case, find_case, go_on, key, papers_of, see_lines, see_remarks
from appliance.casework.centre import Centre
from appliance.casework.drafts import DraftForm
from appliance.casework.forms import CheckedForm, check_form
from appliance.casework.lifecycle import Status, step
from appliance.casework.people import records_of, who_is
from appliance.casework.services import kept_with, service_of
from appliance.casework.steps import received_on
from appliance.casework.tracking import tracking_number
from appliance.catalogue import Finding
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.statements import found_by
from appliance.store.store import Draft, Moment, Store

MAX_DAYS_LATE: Final = 60
"""How long after it was handed out a slip may be entered."""

_STATUS = select(t.applications.c.status).where(t.where_key(t.applications))
_CENTRE = select(t.centres.c.centre).where(t.centres.c.journal == bindparam("journal"))
# Counted from headers, which are never erased: a number is not given twice.
_THIS_YEAR = select(t.tallies.c.written).where(
    t.tallies.c.journal == bindparam("journal"),
    t.tallies.c.kind == k.ApplicationSubmitted.KIND,
    t.tallies.c.period == bindparam("year"),
)
_AS_APPLICANT = select(t.applications.c.submitted_at, t.applications.c.about, t.applications.c.tracking).where(
    found_by(t.applications, "applicant")
)
_IN_A_ROLE = (
    select(t.applications.c.submitted_at, t.applications.c.about, t.applications.c.tracking)
    .select_from(
        t.roles.join(
            t.applications,
            (t.applications.c.journal == t.roles.c.journal) & (t.applications.c.about == t.roles.c.about),
        )
    )
    .where(found_by(t.roles, "person"))
)
_KNOWN = select(t.timeline.c.seq).where(t.where_key(t.timeline)).limit(1)


@dataclass(frozen=True, slots=True)
class Submitted:
    """An application that was taken in; `due` is empty where nothing is promised, `warnings` are what is odd in it."""

    application: EntityId
    tracking: str
    due: str = ""
    fee_minor: int = 0
    warnings: tuple[Finding, ...] = ()


def begin(centre: Centre, session: Session, form: DraftForm) -> None:
    """Begin an application in the journal, so that papers can be added before it is handed in.

    Raises:
        OperatorError: no such service, begun before, a slip that cannot be entered, or the session may not.
    """
    store = centre.store
    centre.catalogue.service(form.service)
    see_lines(form.token, form.slip)

    def act(moment: Moment) -> list[Draft]:
        step(_status(moment.tx, store.journal, form.id), k.ApplicationDrafted.KIND)
        used = _slip(moment.tx, store.journal, form)
        body = k.ApplicationDrafted(service=form.service, token=form.token, slip=form.slip)
        return [Draft(body, form.id), *used]

    store.commit(session, act)


def submit(centre: Centre, session: Session, form: DraftForm) -> Submitted:
    """Take an application in; its draft goes in the same moment.

    Raises:
        FormRefused: something in the form is wrong, or a person or a paper lacks.
        OperatorError: no such service, a slip that cannot be entered, handed in before, or the session may not.
    """
    store = centre.store
    service = centre.catalogue.service(form.service)
    see_lines(form.token, form.slip)
    made: list[Submitted] = []

    def act(moment: Moment) -> list[Draft]:
        begun = _status(moment.tx, store.journal, form.id)
        step(begun, k.ApplicationSubmitted.KIND)
        whole = form if begun is None else _as_begun(form, find_case(moment.tx, store.journal, form.id))
        used = _slip(moment.tx, store.journal, whole)
        received = _received(centre.day_of(moment.at), whole)
        papers = papers_of(moment.tx, store.journal, whole.id)
        checked = check_form(centre, moment.tx, service, whole.answers, whole.roles, papers, received)
        body = k.ApplicationSubmitted(
            tracking=next_tracking(moment, store),
            service=service.id,
            applicant=checked.applicant,
            fields=dict(checked.answers),
            due=duedates.reckon(centre, received, checked.days),
            service_digest=service.digest,
            roles=dict(checked.roles),
            leans_on=checked.satisfied.leans_on[: k.MAX_LEANS],
            days=checked.days.count,
            working=checked.days.working,
            received=received.isoformat(),
            fee_minor=checked.fee_minor,
            currency=service.currency,
            slip=whole.slip,
            token=whole.token,
        )
        made[:] = [Submitted(whole.id, body.tracking, body.due, body.fee_minor, checked.warnings)]
        return [*kept_with(moment.tx, store.journal, service), Draft(body, whole.id), *used]

    store.commit(session, act, beside=lambda tx: drafts.forget(tx, form.id))
    return made[0]


def amend(
    centre: Centre,
    session: Session,
    application: EntityId,
    *,
    answers: Mapping[str, str],
    roles: Roles,
    reason: str,
    seen: int | None = None,
) -> None:
    """Put the form of an application right; fee and due date are reckoned anew.

    Args:
        centre: where.
        session: who.
        application: which.
        answers: all of them, as they are to be.
        roles: all the people by their part, as they are to be.
        reason: why.
        seen: the last entry about it that the screen showed.

    Raises:
        FormRefused: something in the form is wrong, or a person or a paper lacks.
        ChangedMeanwhile: somebody was quicker. IllegalStep: it is in review, or decided.
        OperatorError: nothing changes, no reason, another applicant, not by the same eyes, or the session may not.
    """
    check_reason(reason)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.ApplicationAmended.KIND)
        checked = _check_again(centre, moment, case, answers, roles)
        if checked.applicant != who_is(moment.tx, centre.store.journal, EntityId(case.applicant)):
            raise OperatorError("The applicant of an application does not change.", "Withdraw it, and take in another.")
        changed = _changed(case, checked)
        if not changed:
            raise OperatorError("Nothing in the form is changed.", "Change what is wrong in it, or leave it.")
        today = centre.day_of(moment.at)
        body = k.ApplicationAmended(
            fields=dict(checked.answers),
            roles=dict(checked.roles),
            reason=reason,
            changed=changed[: k.MAX_ITEMS],
            leans_on=checked.satisfied.leans_on[: k.MAX_LEANS],
            days=checked.days.count,
            working=checked.days.working,
            fee_minor=checked.fee_minor,
            due=duedates.due(centre, moment.tx, case, today, checked.days),
        )
        return [body]

    go_on(centre.store, session, application, write, seen=seen)


def resubmit(
    centre: Centre, session: Session, application: EntityId, remark: str = "", *, seen: int | None = None
) -> None:
    """Hand in again what an officer had sent back; the promised days run on from here.

    Raises:
        FormRefused: a paper or something else lacks still.
        ChangedMeanwhile, IllegalStep: somebody was quicker, or it was not sent back.
        OperatorError: not by the same eyes, or not in this role.
    """
    see_remarks(remark)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.ApplicationResubmitted.KIND)
        checked = _check_again(centre, moment, case, case.fields, case.roles)
        due = duedates.due(centre, moment.tx, case, centre.day_of(moment.at))
        leans = checked.satisfied.leans_on[: k.MAX_LEANS]
        return [k.ApplicationResubmitted(remark=remark, due=due, leans_on=leans)]

    go_on(centre.store, session, application, write, seen=seen)


def withdraw(store: Store, session: Session, application: EntityId, reason: str, *, seen: int | None = None) -> None:
    """End an application because the citizen wants it no more; a fee that was paid is refunded apart from this.

    Raises:
        OperatorError: no reason, somebody was quicker, it is a draft or decided, or the session may not.
    """
    check_reason(reason)
    go_on(store, session, application, lambda _, __: [k.ApplicationWithdrawn(reason=reason)], seen=seen)


def discard(store: Store, session: Session, application: EntityId, reason: str) -> None:
    """End an application that was begun and never handed in; its draft goes in the same moment.

    Raises:
        OperatorError: no reason, it was handed in, or the session may not.
    """
    check_reason(reason)

    def act(moment: Moment) -> list[Draft]:
        step(find_case(moment.tx, store.journal, application).status, k.ApplicationDiscarded.KIND)
        return [Draft(k.ApplicationDiscarded(reason=reason), application)]

    store.commit(session, act, beside=lambda tx: drafts.forget(tx, application))


def applications_of(store: Store, person: EntityId) -> list[Submitted]:
    """The applications in which a person has a part under any record of theirs, not those erased, oldest first."""
    with store.read() as tx:
        rows = {
            tuple(row)
            for each in records_of(tx, store.journal, person)
            for statement in (_AS_APPLICANT, _IN_A_ROLE)
            for row in tx.all(statement, {"journal": store.journal, "applicant": each, "person": each})
        }
    return [Submitted(EntityId(about), tracking) for _, about, tracking in sorted(rows)]


def erase(store: Store, session: Session, about: EntityId, reason: str) -> None:
    """Forget everything that was said about a subject: bodies, rows, drafts and sealed files.

    The headers stay, and so does `reason`: name nobody in it. Other subjects stay, too: a person is erased without
    their applications (`applications_of`) and what was attested of them (`attestation.attestations_of`), each of which
    is a subject of its own. Central's backups and old courier files may still hold
    what they were given before; so may the free blocks of a disk, encrypted.

    Raises:
        OperatorError: there is nothing about it, it was erased before, or the session may not.
    """
    check_reason(reason)

    def act(moment: Moment) -> list[Draft]:
        if about == "-" or moment.tx.one(_KNOWN, key(store.journal, about)) is None:
            raise OperatorError("Nothing is written about that here.", "See `sanad journal show` for identifiers.")
        return [Draft(k.SubjectErased(reason=reason), about)]

    store.commit(session, act)


def _check_again(centre: Centre, moment: Moment, case: Case, answers: Mapping[str, str], roles: Roles) -> CheckedForm:
    """The form of an application held against its service, by the day on which it was received."""
    service = service_of(centre, moment.tx, case)
    papers = papers_of(moment.tx, centre.store.journal, case.id)
    day = received_on(centre, case, moment.at)
    return check_form(centre, moment.tx, service, answers, roles, papers, day)


def _changed(case: Case, checked: CheckedForm) -> tuple[str, ...]:
    """The fields and roles that are other than they were."""
    fields = [each.id for each in checked.service.fields if case.fields.get(each.id) != checked.answers.get(each.id)]
    roles = [each.id for each in checked.service.roles if case.roles.get(each.id, ()) != checked.roles.get(each.id, ())]
    return (*fields, *roles)


def _as_begun(form: DraftForm, case: Case) -> DraftForm:
    """The same with the slip and the token that it was begun with, where the form says none.

    Raises:
        OperatorError: it was begun for another service.
    """
    if case.service != form.service:
        raise OperatorError(
            "This application was begun for another service, and its papers are that one's.",
            "Discard it, and begin a new one.",
        )
    return replace(form, slip=form.slip or case.slip, token=form.token or case.token)


def _slip(tx: Tx, journal: JournalId, form: DraftForm) -> list[Draft]:
    return slips.enter_slip(tx, journal, form.slip, form.id) if form.slip else []


def _received(today: date, form: DraftForm) -> date:
    """The day that the promised days count from."""
    if not form.received:
        return today
    try:
        received = date.fromisoformat(form.received)
    except ValueError:
        raise OperatorError("The day on the slip is no date.", "Write it as 2026-11-22.") from None
    if received != today and not form.slip:
        raise OperatorError("Only what a slip was handed out for was received earlier.", "Enter the slip's number.")
    if not today - timedelta(days=MAX_DAYS_LATE) <= received <= today:
        raise OperatorError(f"A slip was handed out today, or at most {MAX_DAYS_LATE} days ago.", "Read its day again.")
    return received


def _status(tx: Tx, journal: JournalId, application: EntityId) -> Status | None:
    row = tx.one(_STATUS, key(journal, application))
    return None if row is None else Status(row[0])


def next_tracking(moment: Moment, store: Store) -> str:
    """The tracking number of the application that is taken in at this moment."""
    year = int(moment.at[:4])
    row = moment.tx.one(_THIS_YEAR, {"journal": store.journal, "year": moment.at[:4]})
    centre = moment.tx.one(_CENTRE, {"journal": store.journal})
    return tracking_number("" if centre is None else centre[0], year, 1 + (0 if row is None else int(row[0])))
