"""Whatever a centre does with money in whatever order: its drawers and its statements say what a naive ledger says."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

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
from appliance.casework import shifts
from appliance.casework.counting import in_sum
from appliance.casework.money import take_payment
from appliance.casework.reversals import Refund, refund, void_payment
from appliance.casework.shifts import ShiftStatus
from appliance.casework.statement import Sheet, Statement, day_statement
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.verify import verify_home
from tests.integration.money.conftest import Template, Till, fee

LOGIN: Final = st.sampled_from(["omar", "rabia", "zara"])
BOSS: Final = st.sampled_from(["sana", "zara"])
COUNTER: Final = st.sampled_from(["1", "2"])
SERVICE: Final = st.sampled_from(["domicile", "birth-registration"])
MODE: Final = st.sampled_from(["cash", "cash", "challan", "online"])
MINOR: Final = st.integers(1, 500) | st.integers(1, 500_00)
WHICH: Final = st.integers(0, 50)
OFF: Final = st.sampled_from([0, 0, 0, 5_00, -5_00])


@dataclass
class Paid:
    """A payment, as a clerk would note it."""

    id: EntityId
    login: str
    service: str
    mode: k.PaymentMode
    minor: int
    drawer: EntityId | None
    voided: bool = False
    given_back: int = 0


@dataclass
class Box:
    """A drawer, as a clerk would note it: what must lie in it, now."""

    id: EntityId
    login: str
    counter: str
    holds: int
    state: str = "open"
    counted: int = 0
    handed: bool = False


@dataclass
class Ledger:
    """Sums by day: what a clerk with a pencil would add up."""

    cells: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)
    floats: int = 0
    emptied: int = 0

    def note(self, day: str, service: str, mode: str, what: str, minor: int) -> None:
        self.cells[day, service, mode, what] += minor

    def of_day(self, day: str) -> dict[tuple[str, str, str], int]:
        return {key[1:]: minor for key, minor in self.cells.items() if key[0] == day and minor}


def cells(sheet: Sheet) -> dict[tuple[str, str, str], int]:
    found = {
        (line.service, line.mode, what): minor
        for line in sheet.lines
        for what, minor in (
            ("taken", line.sums.taken_minor),
            ("voided", line.sums.voided_minor),
            ("refunded", line.sums.refunded_minor),
        )
    }
    return {key: minor for key, minor in found.items() if minor}


class Money(RuleBasedStateMachine):
    """A centre and the clerk's ledger beside it; each rule foretells whether the centre will agree."""

    template: Template

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        # No disk is pulled here, so none is waited for.
        self.till: Till = self.template.copy(Path(self.folder.name) / "home", synchronous="OFF")
        self.ledger = Ledger()
        self.boxes: list[Box] = []
        self.paid: list[Paid] = []
        self.over: dict[str, Statement] = {}
        self.references = 0
        self.open("omar", "1", 100_00)

    def teardown(self) -> None:
        if not hasattr(self, "till"):
            return
        for day, before in self.over.items():
            assert day_statement(self.till.store, day) == before, "a day that is over never changes"
        assert verify_home(self.till.store.layout, self.till.key).ok
        self.till.store.close()
        self.folder.cleanup()

    @property
    def today(self) -> str:
        return self.till.centre.today().isoformat()

    def live(self) -> list[Box]:
        return [box for box in self.boxes if box.state in ("open", "counted")]

    def at(self, login: str, counter: str) -> Box | None:
        return next((box for box in self.live() if (box.login, box.counter) == (login, counter)), None)

    def free(self, login: str, counter: str, but: Box | None = None) -> bool:
        return not any(box is not but and (box.login == login or box.counter == counter) for box in self.live())

    def operator(self, login: str, counter: str) -> Session:
        return self.till.signed_in(login, Role.OPERATOR, counter)

    # What a centre does

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        day, statement = self.today, day_statement(self.till.store, self.today)
        self.till.clock.advance(timedelta(hours=hours))
        if self.today != day:
            self.over[day] = statement

    @rule(login=LOGIN, counter=COUNTER, minor=MINOR)
    def open_drawer(self, login: str, counter: str, minor: int) -> None:
        self.open(login, counter, minor)

    def open(self, login: str, counter: str, minor: int) -> None:
        session = self.operator(login, counter)
        if not self.free(login, counter):
            with pytest.raises(OperatorError):
                self.till.drawer(session, minor)
            return
        self.boxes.append(Box(self.till.drawer(session, minor), login, counter, minor))
        self.ledger.floats += minor

    @rule(login=LOGIN, counter=COUNTER, service=SERVICE, mode=MODE, minor=MINOR)
    def pay_anywhere(self, login: str, counter: str, service: str, mode: k.PaymentMode, minor: int) -> None:
        self.pay(login, counter, service, mode, minor)

    @precondition(lambda self: self.live())
    @rule(which=WHICH, service=SERVICE, minor=MINOR)
    def pay_in_cash(self, which: int, service: str, minor: int) -> None:
        box = self.live()[which % len(self.live())]
        self.pay(box.login, box.counter, service, "cash", minor)

    def pay(self, login: str, counter: str, service: str, mode: k.PaymentMode, minor: int) -> None:
        self.references += 1
        application = self.till.application(minor, service=service)
        new = fee(application, mode, "" if mode == "cash" else f"REF{self.references:05d}", minor)
        session, box = self.operator(login, counter), self.at(login, counter) if mode == "cash" else None
        if mode == "cash" and (box is None or box.state != "open"):
            with pytest.raises(OperatorError):
                take_payment(self.till.centre, session, new)
            return
        taken = take_payment(self.till.centre, session, new)
        if box is not None:
            box.holds += minor
        self.paid.append(Paid(taken.id, login, service, mode, minor, None if box is None else box.id))
        self.ledger.note(self.today, service, mode, "taken", minor)

    @precondition(lambda self: self.paid)
    @rule(which=WHICH, boss=BOSS)
    def void(self, which: int, boss: str) -> None:
        paid = self.paid[which % len(self.paid)]
        box = next((box for box in self.boxes if box.id == paid.drawer), None)
        fits = box is None or (box.state == "open" and box.holds >= paid.minor)
        if paid.voided or paid.given_back or paid.login == boss or not fits:
            with pytest.raises(OperatorError):
                void_payment(self.till.centre, self.till.supervisor(boss), paid.id, "wrong")
            return
        void_payment(self.till.centre, self.till.supervisor(boss), paid.id, "wrong")
        paid.voided = True
        if box is not None:
            box.holds -= paid.minor
        self.ledger.note(self.today, paid.service, paid.mode, "voided", paid.minor)

    @precondition(lambda self: self.paid)
    @rule(which=WHICH, boss=BOSS, minor=MINOR, whence=st.none() | WHICH)
    def give_back(self, which: int, boss: str, minor: int, whence: int | None) -> None:
        paid = self.paid[which % len(self.paid)]
        box = None if whence is None or not self.boxes else self.boxes[whence % len(self.boxes)]
        mode: k.PaymentMode = "online" if box is None else "cash"
        given = Refund(minor, mode, "not eligible", None if box is None else box.id, "" if box else "TR1234")
        fits = box is None or (box.state == "open" and box.login != boss and box.holds >= minor)
        if paid.voided or paid.login == boss or minor > paid.minor - paid.given_back or not fits:
            with pytest.raises(OperatorError):
                refund(self.till.centre, self.till.supervisor(boss), paid.id, given)
            return
        refund(self.till.centre, self.till.supervisor(boss), paid.id, given)
        paid.given_back += minor
        if box is not None:
            box.holds -= minor
        self.ledger.note(self.today, paid.service, mode, "refunded", minor)

    @precondition(lambda self: self.live())
    @rule(which=WHICH, off=OFF)
    def count(self, which: int, off: int) -> None:
        box = self.live()[which % len(self.live())]
        counted = max(box.holds + off, 0)
        session = self.operator(box.login, box.counter)
        if counted != box.holds:
            with pytest.raises(OperatorError):
                shifts.count_drawer(self.till.centre, session, box.id, in_sum(counted))
        shifts.count_drawer(self.till.centre, session, box.id, in_sum(counted), "miscounted change")
        box.state, box.counted = "counted", counted

    @precondition(lambda self: self.live())
    @rule(which=WHICH)
    def go_on(self, which: int) -> None:
        box = self.live()[which % len(self.live())]
        session = self.operator(box.login, box.counter)
        if box.state != "counted":
            with pytest.raises(OperatorError):
                shifts.resume(self.till.store, session, box.id)
            return
        shifts.resume(self.till.store, session, box.id)
        box.state = "open"

    @precondition(lambda self: self.live())
    @rule(which=WHICH, login=LOGIN, off=OFF)
    def take_over(self, which: int, login: str, off: int) -> None:
        box = self.live()[which % len(self.live())]
        counted = max(box.counted + off, 0)
        session = self.operator(login, box.counter)
        agreed = box.state == "counted" and counted == box.counted
        if not agreed or login == box.login or not self.free(login, box.counter, box):
            with pytest.raises(OperatorError):
                shifts.take_over(self.till.centre, session, box.id, in_sum(counted))
            return
        new = shifts.take_over(self.till.centre, session, box.id, in_sum(counted))
        box.state, box.handed = "over", True
        self.ledger.differences[self.today] += counted - box.holds
        self.boxes.append(Box(new, login, box.counter, counted))

    @precondition(lambda self: self.live())
    @rule(which=WHICH, boss=st.none() | BOSS, off=OFF)
    def close(self, which: int, boss: str | None, off: int) -> None:
        box = self.live()[which % len(self.live())]
        counted = max(box.holds + off, 0)
        session = self.operator(box.login, box.counter) if boss is None else self.till.supervisor(boss)
        own = boss is None and counted == box.holds
        others = boss not in (None, box.login) and (box.state == "open" or counted == box.counted)
        if not own and not others:
            with pytest.raises(OperatorError):
                shifts.close_shift(self.till.centre, session, box.id, in_sum(counted), "why not")
            return
        assert shifts.close_shift(self.till.centre, session, box.id, in_sum(counted), "forged") == counted - box.holds
        box.state = "over"
        self.ledger.differences[self.today] += counted - box.holds
        self.ledger.emptied += counted

    # What the centre says of it

    @invariant()
    def drawers_hold_what_the_ledger_says(self) -> None:
        if not hasattr(self, "till"):
            return
        found = {each.id: (each.expected_minor, each.status) for each in shifts.live_shifts(self.till.store)}
        assert found == {box.id: (box.holds, ShiftStatus(box.state)) for box in self.live()}

    @invariant()
    def the_statement_adds_up(self) -> None:
        if not hasattr(self, "till"):
            return
        sheet = day_statement(self.till.store, self.today).sheet("PKR")
        assert cells(sheet) == self.ledger.of_day(self.today)
        assert sheet.differences_minor == self.ledger.differences[self.today]
        for sums in (sheet.by_service, sheet.by_mode):
            assert sum(each.net_minor for each in sums.values()) == sheet.total.net_minor
        expected = {drawer.shift: drawer.expected_minor for drawer in sheet.drawers}
        assert {box.id: box.holds for box in self.boxes if box.id in expected} == expected
        assert {box.id for box in self.live()} <= set(expected)

    @invariant()
    def no_cash_comes_from_nowhere(self) -> None:
        if not hasattr(self, "till"):
            return
        cash = Counter(dict.fromkeys(("taken", "voided", "refunded"), 0))
        for (_, _, mode, what), minor in self.ledger.cells.items():
            cash[what] += minor if mode == "cash" else 0
        came = self.ledger.floats + cash["taken"] + sum(self.ledger.differences.values())
        went = cash["voided"] + cash["refunded"] + self.ledger.emptied
        assert came - went == sum(each.expected_minor for each in shifts.live_shifts(self.till.store))


def test_drawers_and_statements_say_what_a_naive_ledger_says(template: Template) -> None:
    machine = type("MoneyAtWork", (Money,), {"template": template})
    kept = settings(
        max_examples=25,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(machine, settings=kept)
