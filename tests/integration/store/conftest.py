"""A staffed node, made once for a test process and copied for each test: a password costs a seventh of a second."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.access.operators import SESSION_FOR
from appliance.access.session import PERMITTED, Role, Session, mint
from appliance.journal.checkpoint import Checkpoint, cosign, sign_checkpoint
from appliance.journal.entry import SALT_BYTES, Entry, make_entry
from appliance.journal.ids import NOBODY, EntityId, JournalId, Kind, orders_of, origin
from appliance.journal.kinds import Body, NumbersLeased, OrdersOpened, SessionOpened, encode_body
from appliance.journal.notes import COSIGNATURE, Signer
from appliance.journal.tree import EMPTY, Frontier
from appliance.records import tables as t
from appliance.records.folding import Progress, no_progress
from appliance.records.folds import FOLDS, About
from appliance.records.moment import at_text
from appliance.records.statements import add_once
from appliance.store.layout import Layout
from appliance.store.store import COSIGNER, ORDERS_SIGNER, Draft, Store
from tests.support import casework as applications
from tests.support.casework import Person
from tests.support.nodes import Node, SteadyClock, halt, staffed_node
from tests.support.specimens import SPECIMENS

AT_S = 1_790_000_000
TABLES = (*t.LOG.sorted_tables, *t.FOLDED.sorted_tables)


@dataclass
class Central:
    """What central does to one node, without the wire: it countersigns, and gives orders."""

    journal: JournalId
    cosigner: Signer = field(default_factory=lambda: Signer("sanad/central/test", os.urandom(32), COSIGNATURE))
    orders_seed: bytes = field(default_factory=lambda: os.urandom(32))
    orders: list[Entry] = field(default_factory=list)
    frontier: Frontier = EMPTY

    @property
    def orders_signer(self) -> Signer:
        return Signer(origin(orders_of(self.journal)), self.orders_seed)

    def cosigned(self, note: bytes) -> bytes:
        return cosign(note, self.cosigner, AT_S)

    def order(self, *bodies: Body) -> None:
        """Give more orders."""
        for body in bodies or (NumbersLeased(prefix="PEW01-", first=len(self.orders) * 100, last=999_999),):
            entry = self.made(body, len(self.orders))
            self.orders.append(entry)
            self.frontier = self.frontier.append(entry.leaf)[0]

    def made(self, body: Body, seq: int) -> Entry:
        return make_entry(
            journal=orders_of(self.journal),
            seq=seq,
            at="2026-11-22T08:00:00.000Z",
            by="central",
            kind=Kind(body.KIND),
            about="-",
            body=encode_body(body),
            salt=bytes(SALT_BYTES),
        )

    def open_orders(self) -> None:
        self.order(OrdersOpened(node=self.journal, centre="PEW-01", central_name="Specimen central"))

    def note(self, signer: Signer | None = None) -> bytes:
        """The checkpoint over all orders."""
        signer = signer or self.orders_signer
        return sign_checkpoint(Checkpoint(signer.name, self.frontier.size, self.frontier.root()), signer)


@dataclass
class Bench(Node):
    """A node at work, and its central."""

    clock: SteadyClock
    central: Central = field(kw_only=True)

    @property
    def home(self) -> Path:
        return self.store.layout.home

    @property
    def operator(self) -> Session:
        return self.sessions["omar", Role.OPERATOR]

    @property
    def officer(self) -> Session:
        return self.sessions["rabia", Role.OFFICER]

    @property
    def supervisor(self) -> Session:
        return self.sessions["sana", Role.SUPERVISOR]

    def state(self) -> object:
        """All that an act could change: every row of every table."""
        with self.store.read() as tx:
            return [(table.name, tx.all(sa.select(table).order_by(*table.primary_key.columns))) for table in TABLES]

    def opened(self, login: str, role: Role = Role.OPERATOR) -> Session:
        """A fresh session of somebody, as `sign_in` opens it once the password was right."""
        expires_at = at_text(self.clock() + SESSION_FOR)
        actor = self.sessions[login, role].actor
        session = mint(id=self.store.new_id(), actor=actor, role=role, counter="1", expires_at=expires_at)
        body = SessionOpened(role=role.value, counter="1", expires_at=expires_at)  # type: ignore[arg-type]
        self.store.commit(session, lambda _: [Draft(body, EntityId(session.id))])
        return session

    def person(self, name: str = "Gul Khan") -> EntityId:
        return applications.add_person(self.store, self.operator, Person(name))

    def application(self, **fields: str) -> EntityId:
        applicant = self.person()
        taken_in = applications.submit_application(
            self.store, self.operator, service="domicile", applicant=applicant, fields=fields
        )
        return taken_in.application

    def paper(self, application: EntityId, content: bytes = b"a scan") -> str:
        return applications.add_paper(
            self.store, self.operator, application, label="cnic", media_type="image/png", content=content
        )

    def countersign(self) -> int:
        return self.store.take_cosignature(self.central.cosigned(self.store.head().checkpoint))

    def take_orders(self) -> int:
        return self.store.take_orders(self.central.orders, self.central.note())


@dataclass(frozen=True)
class Template:
    home: Path
    key: bytes
    locker_identity: str
    now: SteadyClock
    sessions: dict[tuple[str, Role], Session]
    central: Central

    def copy(self, home: Path, progress: Progress = no_progress) -> Bench:
        shutil.copytree(self.home, home)
        clock = SteadyClock(self.now.now)
        store = Store(Layout(home), self.key, clock=clock, random=os.urandom, halt=halt, progress=progress)
        central = Central(self.central.journal, self.central.cosigner, self.central.orders_seed)
        return Bench(store, self.key, self.locker_identity, clock, dict(self.sessions), central=central)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    home = tmp_path_factory.mktemp("template") / "home"
    clock = SteadyClock()
    node = staffed_node(home, clock)
    for login in ("omar", "rabia"):
        for role in (Role.OPERATOR, Role.OFFICER):
            node.session(login, role)
    central = Central(node.store.journal)
    node.store.remember(
        **{COSIGNER: central.cosigner.verifier.text, ORDERS_SIGNER: central.orders_signer.verifier.text}
    )
    node.store.close()
    return Template(home, node.key, node.locker_identity, clock, node.sessions, central)


@pytest.fixture
def bench(template: Template, tmp_path: Path) -> Iterator[Bench]:
    made = template.copy(tmp_path / "home")
    yield made
    made.store.close()


def say_everything(bench: Bench) -> None:
    """One entry of each kind that a person may write about a case, a citizen, money or paper; and a draft."""
    of_role = {Role.OPERATOR: bench.operator, Role.OFFICER: bench.officer, Role.SUPERVISOR: bench.supervisor}
    for kind, make in SPECIMENS.items():
        sessions = [of_role[role] for role in of_role if role in PERMITTED.get(kind, ())]
        if sessions and kind.split(".")[0] not in ("operator", "session", "subject"):
            about = NOBODY if FOLDS[kind].about is About.NOBODY else bench.store.new_id()
            draft = Draft(make("specimen"), about)
            bench.store.commit(sessions[0], lambda _, draft=draft: [draft])  # type: ignore[misc]
    with bench.store._database.write() as tx:
        tx.run(add_once(t.drafts), dict.fromkeys(t.drafts.c.keys(), "specimen"))


@pytest.fixture
def busy(bench: Bench) -> Bench:
    """A node with something in every table, countersigned up to the last entry but two."""
    case = bench.application(purpose="study", address="House 7, Street 1" * 40)
    bench.paper(case)
    applications.send_back(bench.store, bench.officer, case, "a page lacks")
    other = bench.application()
    bench.paper(other, b"will be erased")
    applications.erase(bench.store, bench.supervisor, other, "asked to")
    bench.central.open_orders()
    bench.central.order()
    bench.take_orders()
    say_everything(bench)
    bench.countersign()
    bench.person("Not yet countersigned")
    bench.person("Nor this")
    return bench


@pytest.fixture
def benches(template: Template, tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """As many nodes as a test wants, all of them the same at first."""
    made: list[Bench] = []

    def another() -> Bench:
        made.append(template.copy(tmp_path / f"home{len(made)}"))
        return made[-1]

    yield another
    for each in made:
        each.store.close()
