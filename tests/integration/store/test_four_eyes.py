"""The four-eyes rule under any order of calls, beside a model that knows nothing of the store.

The machine lets two people sign in as anything they are, take in, add papers, decide, send back and hand in again,
erase, lose and regain their access, and lets time pass. Each call must do what the model expects: be carried out, or
be refused and change nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from appliance.access import four_eyes, operators
from appliance.access.four_eyes import SameEyes
from appliance.access.operators import SESSION_FOR
from appliance.access.session import Role, Session
from appliance.casework.lifecycle import STEPS, Move, Status
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.store import Draft
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench, Template
from tests.support import casework as applications

LOGINS = ("omar", "rabia")
ROLES = (Role.OPERATOR, Role.OFFICER)


@dataclass
class Case:
    """What the model knows of an application."""

    id: EntityId
    status: Status | None = Status.SUBMITTED
    took_in: set[str] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)


@dataclass
class Shift:
    """What the model knows of a session."""

    session: Session
    until: datetime
    over: bool = False


class Office(RuleBasedStateMachine):
    shifts = Bundle("shifts")
    cases = Bundle("cases")

    def __init__(self, template: Template) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.bench: Bench = template.copy(self.folder / "home")
        self.active = dict.fromkeys((self.actor(login) for login in LOGINS), True)
        self.shifts_of: list[Shift] = []
        self.applicant = self.bench.person()
        self.read = 0
        self.parts: dict[str, tuple[set[str], set[str]]] = {}

    def teardown(self) -> None:
        report = verify_home(self.bench.store.layout, self.bench.key)
        self.bench.store.close()
        shutil.rmtree(self.folder)
        assert report.ok, report.reasons

    def actor(self, login: str) -> str:
        return self.bench.sessions[login, Role.OPERATOR].actor

    def supervisor(self) -> Session:
        """A supervisor's session that is open now."""
        return self.bench.opened("sana", Role.SUPERVISOR)

    def holds(self, shift: Shift) -> bool:
        """Whether the model takes the session for open."""
        return not shift.over and self.bench.clock() < shift.until and self.active[shift.session.actor]

    def attempt(self, expected: bool, act: Callable[[], object]) -> bool:
        """Do something that the model expects to be carried out, or refused without a trace."""
        before = self.bench.state()
        try:
            act()
        except OperatorError:
            assert not expected
            assert self.bench.state() == before
            return False
        assert expected
        return True

    @rule(target=shifts, login=st.sampled_from(LOGINS), role=st.sampled_from(ROLES))
    def sign_in(self, login: str, role: Role) -> object:
        actor = self.actor(login)
        if not self.active[actor]:
            with pytest.raises(OperatorError):
                self.bench.opened(login, role)
            return multiple()
        self.shifts_of.append(Shift(self.bench.opened(login, role), self.bench.clock() + SESSION_FOR))
        return self.shifts_of[-1]

    @rule(shift=consumes(shifts))
    def sign_out(self, shift: Shift) -> None:
        self.attempt(self.holds(shift), lambda: operators.sign_out(self.bench.store, shift.session))
        shift.over = True

    @rule(target=cases, shift=shifts)
    def submit(self, shift: Shift) -> object:
        made: list[applications.Submitted] = []
        session = shift.session

        def act() -> None:
            made.append(
                applications.submit_application(
                    self.bench.store, session, service="domicile", applicant=self.applicant, fields={}
                )
            )

        if self.attempt(self.holds(shift) and session.role is Role.OPERATOR, act):
            return Case(made[0].application, took_in={session.actor})
        return multiple()

    def before(self, case: Case, kind: str) -> Status | None:
        """Where a case stands when the entry is written: what is decided is taken up in the same moment."""
        taken_up = case.status is Status.SUBMITTED and kind in four_eyes.DECISION
        return Status.IN_REVIEW if taken_up else case.status

    def step(self, case: Case, shift: Shift, kind: str, act: Callable[[], object]) -> None:
        intake = kind in four_eyes.INTAKE
        role = Role.OPERATOR if intake else Role.OFFICER
        session = shift.session
        other_part = case.decided if intake else case.took_in
        legal = (
            self.holds(shift)
            and session.role is role
            and case.status is not None
            and (self.before(case, kind), Move(kind)) in STEPS
            and session.actor not in other_part
        )
        if self.attempt(legal, act) and case.status is not None:
            (case.took_in if intake else case.decided).add(session.actor)
            case.status = STEPS[self.before(case, kind), Move(kind)]

    @rule(case=cases, shift=shifts)
    def add_paper(self, case: Case, shift: Shift) -> None:
        self.step(
            case,
            shift,
            k.PaperAdded.KIND,
            lambda: applications.add_paper(
                self.bench.store, shift.session, case.id, label="cnic", media_type="image/png", content=b"scan"
            ),
        )

    @rule(case=cases, shift=shifts)
    def resubmit(self, case: Case, shift: Shift) -> None:
        act = lambda: applications.resubmit(self.bench.store, shift.session, case.id)  # noqa: E731
        self.step(case, shift, k.ApplicationResubmitted.KIND, act)

    @rule(case=cases, shift=shifts)
    def approve(self, case: Case, shift: Shift) -> None:
        act = lambda: applications.approve(self.bench.store, shift.session, case.id)  # noqa: E731
        self.step(case, shift, k.ApplicationApproved.KIND, act)

    @rule(case=cases, shift=shifts)
    def send_back(self, case: Case, shift: Shift) -> None:
        act = lambda: applications.send_back(self.bench.store, shift.session, case.id, "a page lacks")  # noqa: E731
        self.step(case, shift, k.ApplicationReturned.KIND, act)

    @rule(case=cases, shift=shifts)
    def reject(self, case: Case, shift: Shift) -> None:
        act = lambda: applications.reject(self.bench.store, shift.session, case.id, "not here")  # noqa: E731
        self.step(case, shift, k.ApplicationRejected.KIND, act)

    @rule(case=cases)
    def erase(self, case: Case) -> None:
        session = self.supervisor()
        legal = case.status is not None
        self.attempt(legal, lambda: applications.erase(self.bench.store, session, case.id, "asked to"))
        case.status = None

    @rule(login=st.sampled_from(LOGINS), active=st.booleans())
    def change_access(self, login: str, active: bool) -> None:
        operators.change_operator(
            self.bench.store, self.supervisor(), EntityId(self.actor(login)), roles=ROLES, active=active, reason="x"
        )
        self.active[self.actor(login)] = active
        for shift in self.shifts_of:
            if not active and shift.session.actor == self.actor(login):
                shift.over = True

    @rule(hours=st.sampled_from((1, 5, 12)))
    def wait(self, hours: int) -> None:
        self.bench.clock.advance(timedelta(hours=hours))

    @rule()
    def fold_again(self) -> None:
        self.bench.store.refold()

    @rule()
    def restart(self) -> None:
        self.bench.store.close()
        self.bench.store = self.bench.reopen()

    @invariant()
    def nobody_has_both_parts(self) -> None:
        """Read off the headers of the journal, not off the tables that the rule is asked of."""
        size = self.bench.store.head().size
        for entry in self.bench.store.entries(self.read, size):
            took_in, decided = self.parts.setdefault(entry.header.about, (set(), set()))
            if entry.header.kind in four_eyes.INTAKE:
                took_in.add(entry.header.by)
            if entry.header.kind in four_eyes.DECISION:
                decided.add(entry.header.by)
            assert not took_in & decided
        self.read = size


def test_no_order_of_calls_gives_one_person_both_parts(template: Template) -> None:
    class ThisOffice(Office):
        def __init__(self) -> None:
            super().__init__(template)

    run_state_machine_as_test(
        ThisOffice,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_whoever_took_it_in_does_not_decide_it_in_any_role(bench: Bench) -> None:
    case = bench.application()
    before = bench.state()
    with pytest.raises(SameEyes, match="You took this application in"):
        applications.approve(bench.store, bench.sessions["omar", Role.OFFICER], case)
    assert bench.state() == before
    applications.approve(bench.store, bench.officer, case)


def test_whoever_only_added_a_paper_does_not_decide_either(bench: Bench) -> None:
    case = bench.application()
    rabia = bench.sessions["rabia", Role.OPERATOR]
    applications.add_paper(bench.store, rabia, case, label="cnic", media_type="image/png", content=b"scan")
    with pytest.raises(SameEyes):
        applications.reject(bench.store, bench.officer, case, "not here")


def test_whoever_sent_it_back_does_not_put_it_right(bench: Bench) -> None:
    """Otherwise one person would have both parts in it, in the other order."""
    case = bench.application()
    applications.send_back(bench.store, bench.officer, case, "a page lacks")
    rabia = bench.sessions["rabia", Role.OPERATOR]
    for attempt in (
        lambda: applications.resubmit(bench.store, rabia, case),
        lambda: applications.add_paper(bench.store, rabia, case, label="x", media_type="image/png", content=b"scan"),
    ):
        with pytest.raises(SameEyes, match="You decided on this application"):
            attempt()
    bench.paper(case)
    applications.resubmit(bench.store, bench.operator, case, "here it is")
    applications.approve(bench.store, bench.officer, case)


def test_the_rule_is_held_inside_the_commit_and_not_by_the_verbs(bench: Bench) -> None:
    case = bench.application()
    for body in (k.ApplicationApproved(), k.ApplicationReturned(reason="x"), k.ApplicationRejected(reason="x")):
        drafts = [Draft(body, case)]
        with pytest.raises(SameEyes):
            bench.store.commit(bench.sessions["omar", Role.OFFICER], lambda _, drafts=drafts: drafts)  # type: ignore[misc]


def test_erasing_forgets_nobodys_part(bench: Bench) -> None:
    """The rule reads headers, which stay. (Nothing is decided on what was erased; the rule would hold even so.)"""
    case = bench.application()
    applications.erase(bench.store, bench.supervisor, case, "asked to")
    with bench.store.read() as tx, pytest.raises(SameEyes):
        four_eyes.check(tx, bench.store.journal, k.ApplicationApproved.KIND, case, bench.operator.actor)


def test_a_second_account_of_the_same_person_is_another_one_and_its_making_is_an_entry(bench: Bench) -> None:
    """What the rule does not promise: it knows accounts, and a supervisor makes them. Who made which is on record."""
    new = operators.NewOperator("sana2", "Sana", (Role.OFFICER,), "seven quiet rivers")
    made = operators.add_operator(bench.store, bench.supervisor, new, os.urandom)
    entries = [each for each in bench.store.entries(0, bench.store.head().size) if each.header.about == made]
    assert [(each.header.kind, each.header.by) for each in entries] == [
        ("operator.added", bench.supervisor.actor),
        ("operator.password_set", bench.supervisor.actor),
    ]
