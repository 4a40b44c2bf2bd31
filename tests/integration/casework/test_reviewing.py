"""Steps, outside offices, decisions and appeals: what each waits for, by whom, and what it does to the due date."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.access.four_eyes import SameEyes
from appliance.access.session import NotPermitted, Role
from appliance.casework import applications, delivery, reviewing, steps
from appliance.casework.caseview import case
from appliance.casework.delivery import Receiver
from appliance.casework.lifecycle import IllegalStep, Status
from appliance.casework.reviewing import NotReady
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from tests.support.desk import OMAR, RABIA, Desk


def test_an_approval_waits_for_every_step_and_the_fee_and_says_for_which(desk: Desk) -> None:
    application = desk.take_in().application
    with pytest.raises(NotReady, match="thumb print, Report of the patwari, Verification by the police"):
        reviewing.approve(desk.centre, desk.officer, application)
    steps.do_step(desk.centre, desk.officer, application, "thumb")
    for step in ("patwari", "police"):
        steps.send_outside(desk.centre, desk.operator, application, step)
        steps.enter_answer(desk.centre, desk.operator, application, step, "positive")
    with pytest.raises(NotReady, match="fee"):
        reviewing.approve(desk.centre, desk.officer, application)
    desk.pay(application)
    reviewing.approve(desk.centre, desk.officer, application)
    assert desk.status(application) is Status.APPROVED
    assert desk.row(application, "decided_by") == desk.officer.actor


def test_what_an_office_refused_is_approved_only_with_a_remark(desk: Desk) -> None:
    application = desk.take_in().application
    desk.make_ready(application)
    steps.send_outside(desk.centre, desk.officer, application, "police")
    with pytest.raises(OperatorError, match="needs a remark"):
        steps.enter_answer(desk.centre, desk.officer, application, "police", "negative")
    steps.enter_answer(desk.centre, desk.officer, application, "police", "negative", remark="not known there")
    with pytest.raises(NotReady, match="answer was no"):
        reviewing.approve(desk.centre, desk.officer, application)
    reviewing.approve(desk.centre, desk.officer, application, "the station mixed up two people")


def test_whoever_took_it_in_is_told_so_before_what_lacks(desk: Desk) -> None:
    application = desk.take_in().application
    with pytest.raises(SameEyes):
        reviewing.approve(desk.centre, desk.session(OMAR, Role.OFFICER), application)


def test_offices_that_have_it_at_once_answer_one_by_one(desk: Desk) -> None:
    application = desk.take_in().application
    due = desk.row(application, "due")
    steps.send_outside(desk.centre, desk.officer, application, "patwari", reference="P-1")
    steps.send_outside(desk.centre, desk.officer, application, "police", office="Faqirabad police", reference="F-2")
    assert desk.row(application, "paused") == 1
    with pytest.raises(OperatorError, match="has it already"):
        steps.send_outside(desk.centre, desk.officer, application, "police")
    desk.pass_days(5)
    steps.enter_answer(desk.centre, desk.officer, application, "patwari", "positive")
    assert (desk.status(application), desk.row(application, "paused")) == (Status.WAITING, 1)
    desk.pass_days(2)
    steps.enter_answer(desk.centre, desk.officer, application, "police", "positive", reference="F-2/9")
    assert (desk.status(application), desk.row(application, "paused")) == (Status.IN_REVIEW, 0)
    # The police had it from the 23rd to the 29th: its time does not count, that of the patwari does.
    assert (due, desk.row(application, "due")) == ("2026-12-04", "2026-12-10")
    waits = case(desk.store, application).waits
    assert [(wait.step, wait.office, wait.outcome) for wait in waits] == [
        ("patwari", "patwari", "positive"),
        ("police", "Faqirabad police", "positive"),
    ]


def test_an_office_whose_time_counts_moves_no_due_date(desk: Desk) -> None:
    application = desk.take_in().application
    before = desk.row(application, "due")
    steps.send_outside(desk.centre, desk.officer, application, "patwari")
    desk.pass_days(20)
    steps.enter_answer(desk.centre, desk.officer, application, "patwari", "positive")
    assert desk.row(application, "due") == before


@pytest.mark.parametrize(
    ("step", "login", "role", "sentence"),
    [
        ("thumb", OMAR, Role.OPERATOR, "not yours"),
        ("proof", RABIA, Role.OFFICER, "not yours"),
        ("patwari", RABIA, Role.OFFICER, "not yours"),
        ("intake", OMAR, Role.OPERATOR, "nothing is to be said"),
        ("approve", RABIA, Role.OFFICER, "nothing is to be said"),
        ("hand_over", OMAR, Role.OPERATOR, "nothing is to be said"),
        ("lunch", OMAR, Role.OPERATOR, "no such step"),
    ],
)
def test_a_step_is_said_by_whose_it_is_and_only_if_it_is_one(
    desk: Desk, step: str, login: str, role: Role, sentence: str
) -> None:
    application = desk.take_in().application
    with pytest.raises(OperatorError, match=sentence):
        steps.do_step(desk.centre, desk.session(login, role), application, step)


def test_a_step_is_done_once(desk: Desk) -> None:
    application = desk.take_in().application
    steps.do_step(desk.centre, desk.officer, application, "thumb", "left hand")
    with pytest.raises(OperatorError, match="nothing is to be said"):
        steps.do_step(desk.centre, desk.officer, application, "thumb")


def test_only_an_outside_office_is_waited_for(desk: Desk) -> None:
    application = desk.take_in().application
    with pytest.raises(OperatorError, match="done here"):
        steps.send_outside(desk.centre, desk.officer, application, "thumb")
    with pytest.raises(IllegalStep):
        steps.enter_answer(desk.centre, desk.officer, application, "police", "positive")
    steps.send_outside(desk.centre, desk.officer, application, "police")
    with pytest.raises(OperatorError, match="No office was asked"):
        steps.enter_answer(desk.centre, desk.officer, application, "patwari", "positive")


def rejected(desk: Desk) -> EntityId:
    application = desk.take_in().application
    reviewing.reject(desk.centre, desk.officer, application, "does not live here")
    return application


def test_a_rejection_says_to_whom_and_until_when_one_may_appeal(desk: Desk) -> None:
    application = rejected(desk)
    assert desk.status(application) is Status.REJECTED
    assert desk.row(application, "appeal_to") == "Specimen Commissioner"
    assert desk.row(application, "appeal_until") == "2026-12-22"


def test_an_appeal_is_decided_by_nobody_who_had_part_in_it(desk: Desk) -> None:
    application = rejected(desk)
    with pytest.raises(SameEyes, match="You decided"):
        reviewing.appeal(desk.centre, desk.session(RABIA, Role.OPERATOR), application, "he does")
    reviewing.appeal(desk.centre, desk.operator, application, "he does, since 1990")
    assert desk.status(application) is Status.APPEALED
    for login, part in ((OMAR, "took this application in"), (RABIA, "decide the appeal")):
        with pytest.raises(SameEyes, match=part):
            reviewing.decide_appeal(
                desk.centre, desk.session(login, Role.OFFICER), application, allowed=True, reason="x"
            )
    desk.hire("zara")
    desk.pass_days(3)
    reviewing.decide_appeal(
        desk.centre, desk.session("zara", Role.OFFICER), application, allowed=True, reason="he does"
    )
    assert desk.status(application) is Status.IN_REVIEW
    assert desk.row(application, "due") == "2026-12-07", "promised anew from the 25th"
    steps.send_outside(desk.centre, desk.session(OMAR, Role.OPERATOR), application, "police")
    desk.pass_days(1)
    steps.enter_answer(desk.centre, desk.operator, application, "police", "positive")
    assert desk.row(application, "due") == "2026-12-08"


def test_a_dismissed_appeal_is_the_last_one(desk: Desk) -> None:
    application = rejected(desk)
    reviewing.appeal(desk.centre, desk.operator, application, "he does")
    commissioner = desk.hire("zara")
    reviewing.decide_appeal(desk.centre, commissioner, application, allowed=False, reason="he does not")
    assert desk.status(application) is Status.REJECTED
    with pytest.raises(OperatorError, match="no appeal"):
        reviewing.appeal(desk.centre, desk.operator, application, "he does")


def test_an_appeal_comes_in_time(desk: Desk) -> None:
    application, other = rejected(desk), rejected(desk)
    desk.go_to(date(2026, 12, 22))
    reviewing.appeal(desk.centre, desk.operator, application, "in time")
    desk.go_to(date(2026, 12, 23))
    with pytest.raises(OperatorError, match="until 2026-12-22"):
        reviewing.appeal(desk.centre, desk.operator, other, "too late")


def test_what_is_withdrawn_is_reviewed_no_more(desk: Desk) -> None:
    application = desk.take_in().application
    applications.withdraw(desk.store, desk.operator, application, "moved away")
    assert desk.status(application) is Status.WITHDRAWN
    with pytest.raises(IllegalStep, match="withdrawn"):
        reviewing.start_review(desk.store, desk.officer, application)


def test_one_officer_takes_up_what_another_had(desk: Desk) -> None:
    application = desk.take_in().application
    reviewing.start_review(desk.store, desk.officer, application)
    assert desk.row(application, "reviewer") == desk.officer.actor
    zara = desk.hire("zara")
    reviewing.start_review(desk.store, zara, application)
    assert desk.row(application, "reviewer") == zara.actor


# Handing over


def test_it_is_handed_to_the_applicant_after_the_last_step_here(desk: Desk) -> None:
    application = desk.approved()
    applicant = EntityId(desk.row(application, "applicant"))
    with pytest.raises(IllegalStep, match="approved"):
        delivery.deliver(desk.centre, desk.operator, application, Receiver(applicant))
    desk.issue(application)
    with pytest.raises(OperatorError, match="Proof-reading"):
        delivery.deliver(desk.centre, desk.operator, application, Receiver(applicant))
    steps.do_step(desk.centre, desk.operator, application, "proof")
    with pytest.raises(NotPermitted):
        delivery.deliver(desk.centre, desk.officer, application, Receiver(applicant))
    delivery.deliver(desk.centre, desk.operator, application, Receiver(applicant))
    assert desk.status(application) is Status.DELIVERED
    assert desk.row(application, "delivered_to") == "Gul Khan"


def test_somebody_else_takes_it_only_by_name_relation_and_paper(desk: Desk) -> None:
    application = desk.approved()
    desk.issue(application)
    steps.do_step(desk.centre, desk.operator, application, "proof")
    son = desk.person("Sher Khan")
    for receiver in (
        Receiver(),
        Receiver(name="Sher Khan"),
        Receiver(son),
        Receiver(son, relation="son"),
        Receiver(EntityId("a" * 26), relation="son", authority="a letter"),
    ):
        with pytest.raises(OperatorError) as caught:
            delivery.deliver(desk.centre, desk.operator, application, receiver)
        assert caught.value.next_step
    receiver = Receiver(son, relation="son", authority="letter of authority of 2026-11-20")
    delivery.deliver(desk.centre, desk.operator, application, receiver)
    assert desk.row(application, "delivered_to") == "Sher Khan"
