"""A centre that takes money and calls tokens, made once for a test process and copied for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.access import operators
from appliance.access.operators import SESSION_FOR, NewOperator
from appliance.access.session import Role, Session, mint
from appliance.casework import shifts
from appliance.casework.centre import Centre, CentreRules, CounterRule, QueueRule
from appliance.casework.counting import in_sum
from appliance.casework.money import NewPayment
from appliance.casework.tracking import tracking_number
from appliance.catalogue import Calendar, bundled, load_catalogue
from appliance.catalogue.model import Catalogue
from appliance.journal import kinds as k
from appliance.journal.ids import EntityId
from appliance.records.moment import at_text
from appliance.store.layout import Layout
from appliance.store.store import Draft, Store
from tests.support.nodes import PASSWORD, SteadyClock, halt, staffed_node

FEE = 220_00
RULES = CentreRules(
    code="PEW-01",
    name="Specimen centre, Peshawar",
    queues=(
        QueueRule("domicile", {"en": "Domicile"}, frozenset({"domicile"})),
        QueueRule("licence", {"en": "Driving licence"}, frozenset({"driving-licence"}), per_day=5),
        QueueRule("other", {"en": "All other services"}),
    ),
    counters=(
        CounterRule("1"),
        CounterRule("2"),
        CounterRule("3", queues=("licence",)),
        CounterRule("4", only=frozenset({"women"})),
    ),
)


@dataclass
class Till:
    """A centre at work: who is signed in where, and applications to pay for."""

    centre: Centre
    clock: SteadyClock
    key: bytes
    accounts: dict[tuple[str, Role], str]
    made: int = field(default=0)

    @property
    def store(self) -> Store:
        return self.centre.store

    def signed_in(self, login: str, role: Role = Role.OPERATOR, counter: str = "1") -> Session:
        """A fresh session, as `sign_in` opens it once the password was right."""
        expires_at = at_text(self.clock() + SESSION_FOR)
        actor = self.accounts[login, role]
        session = mint(id=self.store.new_id(), actor=actor, role=role, counter=counter, expires_at=expires_at)
        body = k.SessionOpened(role=role.value, counter=counter, expires_at=expires_at)  # type: ignore[arg-type]
        self.store.commit(session, lambda _: [Draft(body, EntityId(session.id))])
        return session

    def supervisor(self, login: str = "sana") -> Session:
        return self.signed_in(login, Role.SUPERVISOR, "office")

    def application(self, fee_minor: int = FEE, currency: str = "PKR", service: str = "domicile") -> EntityId:
        """An application whose fee was reckoned."""
        about, self.made = self.store.new_id(), self.made + 1
        body = k.ApplicationSubmitted(
            tracking=tracking_number("PEW-01", 2026, self.made),
            service=service,
            applicant=about,
            fields={},
            fee_minor=fee_minor,
            currency=currency,
        )
        self.store.commit(self.signed_in("omar"), lambda _: [Draft(body, about)])
        return about

    def drawer(self, session: Session, float_minor: int = 1000_00, currency: k.Currency = "PKR") -> EntityId:
        return shifts.open_shift(self.centre, session, in_sum(float_minor), currency)


def fee(
    application: EntityId, mode: k.PaymentMode = "cash", reference: str = "", *minor: int, payer: str = "Gul Khan"
) -> NewPayment:
    """A payment for an application, of the whole usual fee where nothing else is said."""
    lines = tuple(k.PaymentLine(f"line{n}", f"Line {n}", each) for n, each in enumerate(minor or (200_00, 20_00)))
    return NewPayment(application, payer, lines, mode, reference)


@dataclass(frozen=True)
class Template:
    home: Path
    key: bytes
    now: SteadyClock
    accounts: dict[tuple[str, Role], str]
    catalogue: Catalogue

    def copy(self, home: Path, synchronous: str = "FULL") -> Till:
        shutil.copytree(self.home, home)
        clock = SteadyClock(self.now.now)
        store = Store(Layout(home), self.key, clock=clock, random=os.urandom, halt=halt, synchronous=synchronous)
        centre = Centre(store, self.catalogue, Calendar(frozenset({6}), frozenset()), RULES)
        return Till(centre, clock, self.key, self.accounts)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    home = tmp_path_factory.mktemp("till") / "home"
    clock = SteadyClock()
    node = staffed_node(home, clock)
    both = (Role.OPERATOR, Role.SUPERVISOR)
    operators.add_operator(
        node.store, node.session("sana", Role.SUPERVISOR), NewOperator("zara", "Zara", both, PASSWORD), os.urandom
    )
    accounts = {(each.login, role): each.id for each in operators.operators(node.store) for role in each.roles}
    node.store.close()
    return Template(home, node.key, clock, dict(accounts), load_catalogue([bundled()]))


@pytest.fixture
def till(template: Template, tmp_path: Path) -> Iterator[Till]:
    made = template.copy(tmp_path / "home")
    yield made
    made.store.close()
