"""Three people at one application, in any order of calls, beside a model that knows nothing of the store.

Each has a screen, which shows the application as it was when they last looked. Each call must do what the model
expects: be carried out; be refused and change nothing; or, where the screen is out of date, say what the others did.
The model reckons the due date day by day, by itself.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from appliance.access.session import Role
from appliance.casework import applications, delivery, reviewing, steps
from appliance.casework.cases import go_on
from appliance.casework.caseview import case
from appliance.casework.changes import ChangedMeanwhile
from appliance.casework.delivery import Receiver
from appliance.casework.lifecycle import Status
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Template
from tests.support.desk import ANSWERS, HOLIDAY, OMAR, RABIA, Desk

ZARA = "zara"
PEOPLE = (OMAR, RABIA, ZARA)
PROMISED_DAYS = 10
OUT_OF_DATE = 4
"""Every so many calls somebody acts without having looked again."""
LONG_ENOUGH = 14
"""Entries before anybody withdraws, so that there is something to see."""
OUTSIDE = {"patwari": True, "police": False}
"""The steps of outside offices, and whether the promised days run meanwhile."""
SUBMITTED, REVIEW, RETURNED, WAITING = Status.SUBMITTED, Status.IN_REVIEW, Status.RETURNED, Status.WAITING

logins = st.sampled_from(PEOPLE)


@dataclass
class Model:
    """What is known of the application without looking at it."""

    status: Status = Status.SUBMITTED
    promised_from: date = date(2026, 11, 22)
    today: date = date(2026, 11, 22)
    stood_still: set[date] = field(default_factory=set)
    took_in: set[str] = field(default_factory=lambda: {OMAR})
    decided: set[str] = field(default_factory=set)
    judged_appeal: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    paid: bool = False
    may_appeal: bool = False
    appeal_until: date = date.min
    district: str = ANSWERS["district"]
    written: list[str] = field(default_factory=list)
    """Who wrote each entry about it."""

    @property
    def paused(self) -> bool:
        waiting = self.status is WAITING and any(not OUTSIDE[step] for step in self.asked)
        return self.status is RETURNED or waiting

    def due(self) -> date:
        day, left = self.promised_from, PROMISED_DAYS
        while left:
            day += timedelta(days=1)
            left -= day.weekday() != 6 and day != HOLIDAY and day not in self.stood_still
        return day

    def is_ready(self, remark: str) -> bool:
        answered = set(self.answers) == set(OUTSIDE)
        refused = "negative" in self.answers.values()
        return answered and "thumb" in self.done and self.paid and (not refused or bool(remark))


def mostly(*statuses: Status) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """What makes sense there is tried there, and elsewhere now and then."""
    return precondition(lambda self: self.model.status in statuses or self.turn % 7 == 0)


class Office(RuleBasedStateMachine):
    def __init__(self, template: Template) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk.at(template.copy(self.folder / "home"))
        self.desk.hire_for_both(ZARA)
        self.model = Model()
        self.turn = 0

    @initialize()
    def take_in(self) -> None:
        form = self.desk.form()
        self.desk.begin(form)
        applications.submit(self.desk.centre, self.desk.operator, form)
        self.id, self.roles = form.id, form.roles
        self.model.written = [OMAR] * 4
        self.seen = {login: (case(self.desk.store, self.id).last_seq, 4) for login in PEOPLE}

    def teardown(self) -> None:
        report = verify_home(self.desk.store.layout, self.desk.bench.key)
        self.desk.store.close()
        shutil.rmtree(self.folder)
        assert report.ok, report.reasons

    def attempt(self, login: str, legal: bool, act: Callable[[int], object], entries: int = 1) -> bool:
        """Act by somebody's screen; `act` is given the last entry that it shows."""
        self.turn += 1
        if self.turn % OUT_OF_DATE:
            self.look(login)
        before = self.desk.bench.state()
        seq, shown = self.seen[login]
        missed = self.model.written[shown:]
        refused = self.refused(lambda: act(seq))
        if refused is not None:
            assert self.desk.bench.state() == before
            assert isinstance(refused, ChangedMeanwhile) == bool(missed)
            if isinstance(refused, ChangedMeanwhile):
                assert [change.split()[0] for change in refused.changes] == missed[: len(refused.changes)]
            else:
                assert not legal
            return False
        assert legal
        assert not missed
        self.model.written += [login] * entries
        self.look(login)
        return True

    @staticmethod
    def refused(act: Callable[[], object]) -> OperatorError | None:
        try:
            act()
        except OperatorError as error:
            return error
        return None

    def look(self, login: str) -> None:
        self.seen[login] = (case(self.desk.store, self.id).last_seq, len(self.model.written))

    def operator(self, login: str, *, intake: bool = True) -> bool:
        """Whether somebody may do this at the counter, as far as eyes go."""
        return not intake or login not in self.model.decided | self.model.judged_appeal

    # At the counter

    @mostly(SUBMITTED, REVIEW, RETURNED, WAITING)
    @rule(login=logins)
    def add_paper(self, login: str) -> None:
        body = k.PaperAdded(paper=self.desk.store.new_id(), label="x", media_type="x", size=1, sha256="ab" * 32)
        takes = (SUBMITTED, REVIEW, RETURNED, WAITING, Status.APPROVED, Status.ISSUED, Status.DELIVERED)
        legal = self.model.status in takes and self.operator(login)
        session = self.desk.session(login, Role.OPERATOR)
        if self.attempt(
            login, legal, lambda seen: go_on(self.desk.store, session, self.id, lambda _, __: [body], seen=seen)
        ):
            self.model.took_in.add(login)

    @mostly(SUBMITTED, RETURNED)
    @rule(login=logins, district=st.sampled_from(["Peshawar", "Mardan", "Swat"]))
    def amend(self, login: str, district: str) -> None:
        m = self.model
        legal = m.status in (SUBMITTED, RETURNED) and self.operator(login) and district != m.district
        session = self.desk.session(login, Role.OPERATOR)
        answers = {**ANSWERS, "district": district}
        if self.attempt(
            login,
            legal,
            lambda seen: applications.amend(
                self.desk.centre, session, self.id, answers=answers, roles=self.roles, reason="moved", seen=seen
            ),
        ):
            m.took_in.add(login)
            m.district = district

    @mostly(RETURNED)
    @rule(login=logins)
    def resubmit(self, login: str) -> None:
        session = self.desk.session(login, Role.OPERATOR)
        legal = self.model.status is RETURNED and self.operator(login)
        if self.attempt(
            login, legal, lambda seen: applications.resubmit(self.desk.centre, session, self.id, seen=seen)
        ):
            self.model.took_in.add(login)
            self.model.status = SUBMITTED

    @precondition(lambda self: len(self.model.written) > LONG_ENOUGH)
    @rule(login=logins)
    def withdraw(self, login: str) -> None:
        session = self.desk.session(login, Role.OPERATOR)
        legal = self.model.status in (SUBMITTED, REVIEW, RETURNED, WAITING, Status.APPEALED)
        if self.attempt(
            login, legal, lambda seen: applications.withdraw(self.desk.store, session, self.id, "moved", seen=seen)
        ):
            self.model.status = Status.WITHDRAWN

    @mostly(Status.REJECTED)
    @rule(login=logins)
    def appeal(self, login: str) -> None:
        m = self.model
        session = self.desk.session(login, Role.OPERATOR)
        legal = m.status is Status.REJECTED and m.may_appeal and m.today <= m.appeal_until and self.operator(login)
        if self.attempt(
            login, legal, lambda seen: reviewing.appeal(self.desk.centre, session, self.id, "unjust", seen=seen)
        ):
            m.took_in.add(login)
            m.status = Status.APPEALED

    @precondition(lambda self: self.model.status in (SUBMITTED, REVIEW) and not self.model.paid)
    @rule()
    def pay(self) -> None:
        self.desk.pay(self.id)
        self.model.paid = True

    # With the offices

    @mostly(SUBMITTED, REVIEW, WAITING)
    @rule(login=logins, role=st.sampled_from([Role.OPERATOR, Role.OFFICER]), step=st.sampled_from(sorted(OUTSIDE)))
    def send_outside(self, login: str, role: Role, step: str) -> None:
        m = self.model
        legal = m.status in (SUBMITTED, REVIEW, WAITING) and step not in m.asked
        session = self.desk.session(login, role)
        if self.attempt(
            login, legal, lambda seen: steps.send_outside(self.desk.centre, session, self.id, step, seen=seen)
        ):
            m.asked.add(step)
            m.answers.pop(step, None)
            m.status = WAITING

    @mostly(WAITING)
    @rule(login=logins, step=st.sampled_from(sorted(OUTSIDE)), outcome=st.sampled_from(["positive", "negative"]))
    def enter_answer(self, login: str, step: str, outcome: k.Outcome) -> None:
        m = self.model
        session = self.desk.session(login, Role.OPERATOR)
        if self.attempt(
            login,
            m.status is WAITING and step in m.asked,
            lambda seen: steps.enter_answer(
                self.desk.centre, session, self.id, step, outcome, remark="as they say", seen=seen
            ),
        ):
            m.asked.remove(step)
            m.answers[step] = outcome
            m.status = WAITING if m.asked else REVIEW

    @mostly(SUBMITTED, REVIEW)
    @rule(login=logins)
    def take_thumb(self, login: str) -> None:
        m = self.model
        legal = m.status in (SUBMITTED, REVIEW, RETURNED, WAITING, Status.APPROVED, Status.ISSUED)
        session = self.desk.session(login, Role.OFFICER)
        if self.attempt(
            login,
            legal and "thumb" not in m.done and login not in m.took_in,
            lambda seen: steps.do_step(self.desk.centre, session, self.id, "thumb", seen=seen),
        ):
            m.done.add("thumb")

    @precondition(lambda self: self.model.status in (SUBMITTED, REVIEW))
    @rule()
    def do_what_lacks(self) -> None:
        """A day on which everybody does their part."""
        if not self.model.paid:
            self.pay()
        for login in PEOPLE:
            self.look(login)
        self.take_thumb(RABIA)
        for step in sorted(OUTSIDE):
            if step not in self.model.answers:
                self.send_outside(OMAR, Role.OPERATOR, step)
                self.enter_answer(OMAR, step, "positive")
        for login in PEOPLE:
            self.approve(login, "all the same")

    # By officers

    def decide(self, login: str, legal: bool, act: Callable[[int], object], then: Status) -> bool:
        m = self.model
        entries = 2 if m.status is SUBMITTED else 1
        if not self.attempt(login, legal and login not in m.took_in and m.status in (SUBMITTED, REVIEW), act, entries):
            return False
        m.decided.add(login)
        m.status = then
        return True

    @mostly(SUBMITTED)
    @rule(login=logins)
    def start_review(self, login: str) -> None:
        session = self.desk.session(login, Role.OFFICER)
        legal = self.model.status in (SUBMITTED, REVIEW)
        if self.attempt(
            login, legal, lambda seen: reviewing.start_review(self.desk.store, session, self.id, seen=seen)
        ):
            self.model.status = REVIEW

    @mostly(SUBMITTED, REVIEW)
    @rule(login=logins)
    def send_back(self, login: str) -> None:
        session = self.desk.session(login, Role.OFFICER)
        self.decide(
            login,
            True,
            lambda seen: reviewing.send_back(self.desk.store, session, self.id, "a page lacks", seen=seen),
            RETURNED,
        )

    @mostly(REVIEW)
    @rule(login=logins, remark=st.sampled_from(["", "all the same"]))
    def approve(self, login: str, remark: str) -> None:
        session = self.desk.session(login, Role.OFFICER)
        self.decide(
            login,
            self.model.is_ready(remark),
            lambda seen: reviewing.approve(self.desk.centre, session, self.id, remark, seen=seen),
            Status.APPROVED,
        )

    @mostly(REVIEW)
    @rule(login=logins)
    def reject(self, login: str) -> None:
        session = self.desk.session(login, Role.OFFICER)
        if self.decide(
            login,
            True,
            lambda seen: reviewing.reject(self.desk.centre, session, self.id, "no", seen=seen),
            Status.REJECTED,
        ):
            self.model.may_appeal = True
            self.model.appeal_until = self.model.today + timedelta(days=30)

    @mostly(Status.APPEALED)
    @rule(login=logins, allowed=st.booleans())
    def decide_appeal(self, login: str, allowed: bool) -> None:
        m = self.model
        session = self.desk.session(login, Role.OFFICER)
        if self.attempt(
            login,
            m.status is Status.APPEALED and login not in m.took_in | m.decided,
            lambda seen: reviewing.decide_appeal(
                self.desk.centre, session, self.id, allowed=allowed, reason="heard", seen=seen
            ),
        ):
            m.judged_appeal.add(login)
            m.may_appeal = False
            m.status = REVIEW if allowed else Status.REJECTED
            m.promised_from = m.today if allowed else m.promised_from

    @mostly(Status.ISSUED)
    @rule(login=logins)
    def deliver(self, login: str) -> None:
        session = self.desk.session(login, Role.OPERATOR)
        receiver = Receiver(EntityId(self.roles["applicant"][0]))
        legal = self.model.status is Status.ISSUED
        if self.attempt(
            login, legal, lambda seen: delivery.deliver(self.desk.centre, session, self.id, receiver, seen=seen)
        ):
            self.model.status = Status.DELIVERED

    @precondition(lambda self: self.model.status is Status.APPROVED)
    @rule()
    def issue_and_read_over(self) -> None:
        self.desk.issue(self.id)
        steps.do_step(self.desk.centre, self.desk.operator, self.id, "proof")
        self.model.written += [RABIA, OMAR]
        self.model.status = Status.ISSUED

    # Time

    @rule(days=st.integers(1, 9))
    def let_time_pass(self, days: int) -> None:
        for _ in range(days):
            self.desk.pass_days(1)
            self.model.today += timedelta(days=1)
            if self.model.paused:
                self.model.stood_still.add(self.model.today)

    @rule()
    def fold_again(self) -> None:
        self.desk.store.refold()

    @invariant()
    def it_stands_where_the_model_says(self) -> None:
        m = self.model
        assert self.desk.status(self.id) is m.status
        open_still = m.status in (SUBMITTED, REVIEW, RETURNED, WAITING)
        if open_still:
            assert bool(self.desk.row(self.id, "paused")) == m.paused
        if open_still and not m.paused:
            assert self.desk.row(self.id, "due") == m.due().isoformat()


@pytest.mark.timeout(1200)
def test_no_order_of_calls_leads_where_it_should_not(template: Template) -> None:
    class ThisOffice(Office):
        def __init__(self) -> None:
            super().__init__(template)

    run_state_machine_as_test(
        ThisOffice,
        settings=settings(
            max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
