"""Three people and a supervisor at one certificate, in any order of calls, beside a model that knows no store.

Each call must do what the model expects: be carried out, or be refused and change nothing. Now and then the power goes
in the middle of a correction, and the tables are folded again. In the end central folds the same.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

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

from appliance.access.session import Role, Session
from appliance.casework import correcting, delivery, issuing, papers, reprinting, revoking, steps, superseding
from appliance.casework.caseview import case
from appliance.casework.certificates import certificate_numbered, certificates_of, open_requests
from appliance.casework.delivery import Receiver
from appliance.casework.intake import Paper
from appliance.casework.lifecycle import Status
from appliance.casework.printing import Outcome, PrintState
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import folding
from appliance.records import tables as t
from appliance.records.database import Database
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Template
from tests.support.desk import ANSWERS, OMAR, RABIA, Desk, certify, lease

ZARA, SANA = "zara", "sana"
DISTRICTS = ("Peshawar", "Mardan", "Swat")

logins = st.sampled_from((OMAR, RABIA, ZARA))
roles = st.sampled_from((Role.OPERATOR, Role.OFFICER))
whos = st.one_of(st.tuples(logins, roles), st.just((SANA, Role.SUPERVISOR)))
Who = tuple[str, Role]


class Cut(BaseException):
    """The power, in the middle."""


@dataclass
class Model:
    """What is known of the certificate without looking at it."""

    status: Status = Status.ISSUED
    states: list[str] = field(default_factory=lambda: ["valid"])
    district: str = ANSWERS["district"]
    took_in: set[str] = field(default_factory=lambda: {OMAR})
    decided: set[str] = field(default_factory=lambda: {RABIA})
    correction: tuple[str, str] | None = None
    """Who asked, and the district that it is to say."""
    revocation: str = ""
    """Who asked."""
    copies: int = 0
    """Of the newest one, on paper."""

    @property
    def holds(self) -> bool:
        return self.status in (Status.ISSUED, Status.DELIVERED)

    @property
    def questioned(self) -> bool:
        return self.correction is not None or bool(self.revocation)


class Life(RuleBasedStateMachine):
    def __init__(self, template: Template) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.desk = Desk.at(template.copy(self.folder / "home"))
        self.desk.hire_for_both(ZARA)
        certify(self.desk)
        lease(self.desk, "PEW01-", 1, 99)
        self.model = Model()

    @initialize()
    def issue(self) -> None:
        made = issuing.issue(self.desk.centre, self.desk.officer, self.desk.approved())
        self.id, self.numbers = made.application, [made.number]
        steps.do_step(self.desk.centre, self.desk.operator, self.id, "proof")

    def teardown(self) -> None:
        report = verify_home(self.desk.store.layout, self.desk.bench.key)
        central = Database.in_memory((t.LOG, t.FOLDED))
        journal, size = self.desk.store.journal, self.desk.store.head().size
        with self.desk.store.read() as tx:
            folding.fold_range(central, tx, journal, 0, size)
            folding.same_tables(central, tx, journal)
        self.desk.store.close()
        shutil.rmtree(self.folder)
        assert report.ok, report.reasons

    def session(self, who: Who) -> Session:
        return self.desk.session(*who)

    def attempt(self, legal: bool, act: Callable[[], object]) -> bool:
        before = self.desk.bench.state()
        if legal:
            act()
            return True
        with pytest.raises(OperatorError):
            act()
        assert self.desk.bench.state() == before
        return False

    @property
    def number(self) -> str:
        return self.numbers[-1]

    # Asking

    @rule(login=logins)
    def add_paper(self, login: str) -> None:
        m = self.model
        session = self.session((login, Role.OPERATOR))
        with patch.object(papers, "inspect_paper", _looks_fine):
            legal = m.holds and login not in m.decided
            new = papers.NewPaper(b"what proves it", label="A letter")
            if self.attempt(legal, lambda: papers.add_paper(self.desk.centre, session, self.id, new)):
                m.took_in.add(login)

    @rule(who=whos, district=st.sampled_from(DISTRICTS))
    def ask_correction(self, who: Who, district: str) -> None:
        m = self.model
        legal = m.holds and not m.questioned and district != m.district and who[1] is not Role.SUPERVISOR
        proof = case(self.desk.store, self.id).papers[-1].id
        if self.attempt(
            legal,
            lambda: correcting.ask_correction(
                self.desk.centre,
                self.session(who),
                self.id,
                self.number,
                answers={"district": district},
                papers=(proof,),
                reason="misread",
            ),
        ):
            m.correction = (who[0], district)

    @rule(who=whos)
    def ask_revocation(self, who: Who) -> None:
        m = self.model
        if self.attempt(
            m.holds and not m.revocation,
            lambda: revoking.ask_revocation(
                self.desk.store, self.session(who), self.id, self.number, "fraud", "a forged deed"
            ),
        ):
            m.revocation = who[0]

    # Deciding

    @rule(who=whos)
    def refuse_correction(self, who: Who) -> None:
        m = self.model
        legal = m.holds and m.correction is not None and (who[1] is not Role.OPERATOR or m.correction[0] == who[0])
        if self.attempt(
            legal,
            lambda: correcting.refuse_correction(
                self.desk.store, self.session(who), self.id, self.number, "it is right"
            ),
        ):
            m.correction = None

    @rule(who=whos)
    def refuse_revocation(self, who: Who) -> None:
        m = self.model
        legal = m.holds and bool(m.revocation) and (who[1] is not Role.OPERATOR or m.revocation == who[0])
        if self.attempt(
            legal,
            lambda: revoking.refuse_revocation(self.desk.store, self.session(who), self.id, self.number, "in order"),
        ):
            m.revocation = ""

    def may_correct(self, who: Who) -> bool:
        m = self.model
        asked = m.correction is not None and m.correction[0] != who[0]
        return m.holds and asked and not m.revocation and who[1] is Role.OFFICER and who[0] not in m.took_in

    @precondition(lambda self: self.model.correction is not None)
    @rule(who=whos)
    def correct(self, who: Who) -> None:
        m = self.model
        legal = self.may_correct(who)
        made: list[issuing.Issued] = []
        if self.attempt(
            legal,
            lambda: made.append(superseding.correct(self.desk.centre, self.session(who), self.id, self.number)),
        ):
            assert m.correction is not None
            m.district = m.correction[1]
            m.correction = None
            m.decided.add(who[0])
            m.states[-1:] = ["superseded", "valid"]
            m.status = Status.ISSUED
            m.copies = 0
            self.numbers.append(made[0].number)

    @precondition(lambda self: self.model.correction is not None)
    @rule(who=whos)
    def cut_the_power_in_a_correction(self, who: Who) -> None:
        def cut(*_: object, **__: object) -> None:
            raise Cut

        before = self.desk.bench.state()
        if self.may_correct(who):
            with patch.object(superseding, "go_on", cut), pytest.raises(Cut):
                superseding.correct(self.desk.centre, self.session(who), self.id, self.number)
        assert self.desk.bench.state() == before

    @rule(who=whos)
    def revoke(self, who: Who) -> None:
        m = self.model
        legal = (
            m.holds
            and bool(m.revocation)
            and m.revocation != who[0]
            and who[1] is not Role.OPERATOR
            and who[0] not in m.took_in
        )
        if self.attempt(legal, lambda: revoking.revoke(self.desk.store, self.session(who), self.id, self.number)):
            m.states[-1] = "revoked"
            m.status = Status.REVOKED
            m.correction, m.revocation = None, ""
            m.decided.add(who[0])

    # Giving out

    @rule(who=whos, reason=st.sampled_from(["", "torn"]))
    def print_it(self, who: Who, reason: str) -> None:
        m = self.model
        handed_over = m.status is Status.DELIVERED and who[1] is Role.OPERATOR
        legal = m.holds and not m.questioned and not handed_over and (not m.copies or bool(reason))
        printed: list[int] = []

        def send(pdf: bytes, copy: int) -> Outcome:
            assert pdf.startswith(b"%PDF-")
            assert (b"/ByteRange" in pdf) == (copy == 1)
            printed.append(copy)
            return Outcome(PrintState.PRINTED, "printed")

        found = certificate_numbered(self.desk.store, self.number)
        if self.attempt(
            legal,
            lambda: reprinting.print_certificate(
                self.desk.centre, self.session(who), found, send, printer="SIMULATED", simulated=True, reason=reason
            ),
        ):
            m.copies += 1
            assert printed == [m.copies]

    @rule(login=logins)
    def hand_over(self, login: str) -> None:
        m = self.model
        receiver = Receiver(EntityId(self.desk.row(self.id, "applicant")))
        session = self.session((login, Role.OPERATOR))
        if self.attempt(
            m.status is Status.ISSUED and not m.questioned,
            lambda: delivery.deliver(self.desk.centre, session, self.id, receiver),
        ):
            m.status = Status.DELIVERED

    @rule()
    def fold_again(self) -> None:
        self.desk.store.refold()

    @invariant()
    def it_stands_as_the_model_says(self) -> None:
        m = self.model
        assert self.desk.status(self.id) is m.status
        found = certificates_of(self.desk.store, self.id)
        assert [(each.number, each.state.value) for each in found] == list(zip(self.numbers, m.states, strict=True))
        assert [each.replaces for each in found] == ["", *self.numbers[:-1]]
        assert [each.replaced_by for each in found] == [*self.numbers[1:], ""]
        assert case(self.desk.store, self.id).case.fields["district"] == m.district
        asked = {each.what for each in open_requests(self.desk.store)}
        assert asked == {what for what, open_ in (("correction", m.correction), ("revocation", m.revocation)) if open_}


def _looks_fine(_: bytes) -> Paper:
    return Paper("application/pdf", 1, None, None, b"", "ab" * 32)


@pytest.mark.timeout(1200)
def test_no_order_of_calls_leads_where_it_should_not(template: Template) -> None:
    class ThisLife(Life):
        def __init__(self) -> None:
            super().__init__(template)

    run_state_machine_as_test(
        ThisLife,
        settings=settings(
            max_examples=15, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
