"""A scripted writer: one process that does everything a node does to its store, and says what it promised.

Run as a program: `python -m tests.simulation.writer HOME SEED ACTS`, see `--help`. Each line on standard output is a
promise, written only after the store said it was done:

    ack SEQ SHA256     the entry is in the journal, its blobs are whole, and what it erased is gone
    orders SIZE        central's orders up to that size are taken up
    cosigned SIZE      the store remembers that central countersigned that size
    refused ERROR      the act was not done, and the person was told why; the sentence is on standard error

It exits 1, with a sentence on standard error, when the store does not open.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from appliance.access.session import Role, Session, mint, node_session
from appliance.journal import kinds as k
from appliance.journal.errors import DeviceError, NetworkError, OperatorError, SanadError
from appliance.journal.ids import EntityId
from appliance.records import database
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.store.store import Draft, Moment, Store
from sync.agent import sync_once
from sync.link import Address
from tests.simulation import home
from tests.support import casework

# Rows. With the product's own number, the write-ahead log would begin anew only in recordings too long to be checked by
# the thousand.
# How many acts are refused before somebody frees space.
PATIENCE: Final = 8
# Rows. With the product's own number, the write-ahead log would begin anew only in recordings too long to be checked by
# the thousand.
SMALL_LOG: Final = 60
LOGINS: Final = {"chief": Role.SUPERVISOR, "officer": Role.OFFICER, "clerk": Role.OPERATOR}

_OPERATORS = sa.select(t.operators.c.login, t.operators.c.about)
_PEOPLE = sa.select(t.people.c.about).order_by(t.people.c.about).limit(200)
_WAITING = (
    sa.select(t.applications.c.about)
    .where(t.applications.c.status == "submitted")
    .order_by(t.applications.c.about)
    .limit(200)
)


@dataclass(slots=True)
class Writer:
    """One process at work in a home."""

    folder: Path
    draw: random.Random
    store: Store
    synchronous: str
    largest_blob: int
    ballast: Path | None
    central: Address | None
    acts: dict[str, tuple[int, Callable[[Writer], None]]]
    sessions: dict[str, Session] = field(default_factory=dict)
    patience: int = PATIENCE

    def settle_in(self) -> None:
        """What a process does when it starts: recovers, and its people sign in."""
        self.store.recover("test")
        with self.store.read() as tx:
            known = _by_login(tx)
        for login, role in LOGINS.items():
            operator = known.get(login) or self._add_operator(login, role)
            session = mint(
                id=self.store.new_id(), actor=operator, role=role, counter="1", expires_at="2099-01-01T00:00:00.000Z"
            )
            opened = k.SessionOpened(role=_role_name(role), counter="1", expires_at=session.expires_at)
            draft = Draft(opened, session.id)
            self.store.commit(session, partial(_only, draft))
            self.sessions[login] = session

    def _add_operator(self, login: str, role: Role) -> EntityId:
        operator = self.store.new_id()

        def act(moment: Moment) -> Sequence[Draft]:
            if login in _by_login(moment.tx):
                raise OperatorError("Another writer was quicker.")
            return [Draft(k.OperatorAdded(login=login, name=login.title(), roles=(_role_name(role),)), operator)]

        try:
            self.store.commit(self.sessions.get("chief") or node_session(), act)
        except OperatorError:
            with self.store.read() as tx:
                return _by_login(tx)[login]
        return operator

    def act(self) -> None:
        """Does one thing that nodes do, drawn from the seed."""
        weights = [weight for weight, _ in self.acts.values()]
        ((_, do),) = self.draw.choices(list(self.acts.values()), weights)
        try:
            do(self)
        except OperatorError as error:
            home.say("refused", type(error).__name__)
        except NetworkError as error:
            home.say("refused", type(error).__name__)
        except DeviceError as error:
            print(error, file=sys.stderr, flush=True)
            home.say("refused", type(error).__name__)
            self._make_room()

    def _make_room(self) -> None:
        """Somebody frees space, once enough was refused for lack of it."""
        self.patience -= 1
        if self.ballast is not None and self.patience == 0:
            self.ballast.unlink()
            home.say("room")

    def add_person(self) -> None:
        """A citizen is written down."""
        name = f"Person {self.draw.randrange(10**6)}"
        casework.add_person(self.store, self.sessions["clerk"], casework.Person(name=name, born="1990"))

    def submit(self) -> None:
        """A citizen known here applies for something."""
        person = self._one_of(_PEOPLE)
        if person is None:
            return self.add_person()
        fields = {"remark": "x" * self.draw.randrange(600), "place": "Pew"}
        clerk = self.sessions["clerk"]
        casework.submit_application(self.store, clerk, service="domicile", applicant=person, fields=fields)
        return None

    def add_paper(self) -> None:
        """A paper is scanned to an application that waits."""
        application = self._one_of(_WAITING)
        if application is None:
            return self.submit()
        content = self.draw.randbytes(self.draw.randint(1, self.largest_blob))
        clerk = self.sessions["clerk"]
        casework.add_paper(self.store, clerk, application, label="scan", media_type="application/pdf", content=content)
        return None

    def decide(self) -> None:
        """The officer decides about an application that waits."""
        application = self._one_of(_WAITING)
        if application is None:
            return self.submit()
        decision = self.draw.choice((casework.approve, casework.send_back, casework.reject))
        decision(self.store, self.sessions["officer"], application, "as seen")
        return None

    def erase(self) -> None:
        """The chief erases a person or an application."""
        about = self._one_of(self.draw.choice((_PEOPLE, _WAITING)))
        if about is not None:
            casework.erase(self.store, self.sessions["chief"], about, "asked to")

    def leave_an_orphan(self) -> None:
        """A scan that nobody keeps."""
        self.store.give_up_blob(self.store.put_blob(self.draw.randbytes(self.draw.randint(1, self.largest_blob))))

    def take_orders(self) -> None:
        """Central leases more numbers."""
        home.say("orders", home.lease_numbers(self.store))

    def take_cosignature(self) -> None:
        """Central countersigns."""
        home.say("cosigned", home.countersign(self.store))

    def sync(self) -> None:
        """Everything goes up to the real central, and its orders come down."""
        if self.central is not None:
            outcome = sync_once(self.store, self.central, now_s=lambda: int(self.store.clock().timestamp()))
            home.say("cosigned", outcome.cosigned_size)

    def fold_again(self) -> None:
        """The tables are dropped and folded again."""
        self.store.refold()

    def reopen(self) -> None:
        """The process ends in good order and another one starts."""
        self.store.close()
        self.store = home.open_store(self.folder, self.draw, self.synchronous)

    def _one_of(self, statement: sa.Select[tuple[str]]) -> EntityId | None:
        with self.store.read() as tx:
            found = tx.all(statement)
        return EntityId(self.draw.choice(found)[0]) if found else None


def _only(draft: Draft, _: Moment) -> Sequence[Draft]:
    return [draft]


def _by_login(tx: Tx) -> dict[str, EntityId]:
    return {login: EntityId(about) for login, about in tx.all(_OPERATORS)}


def _role_name(role: Role) -> k.RoleName:
    names: dict[Role, k.RoleName] = {
        Role.OPERATOR: "operator",
        Role.OFFICER: "officer",
        Role.SUPERVISOR: "supervisor",
        Role.AUDITOR: "auditor",
    }
    return names[role]


ACTS: Final[dict[str, tuple[int, Callable[[Writer], None]]]] = {
    "person": (14, Writer.add_person),
    "submit": (20, Writer.submit),
    "paper": (30, Writer.add_paper),
    "decide": (10, Writer.decide),
    "erase": (6, Writer.erase),
    "orphan": (5, Writer.leave_an_orphan),
    "orders": (5, Writer.take_orders),
    "cosign": (6, Writer.take_cosignature),
    "refold": (2, Writer.fold_again),
    "reopen": (2, Writer.reopen),
}


STAND_IN: Final = ("orders", "cosign")
WITH_CENTRAL: Final[dict[str, tuple[int, Callable[[Writer], None]]]] = {"sync": (25, Writer.sync)}


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    given = _parser().parse_args(arguments)
    try:
        _work(given)
    except SanadError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.writer", description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("seed", help="the same seed does the same things")
    parser.add_argument("acts", type=int, help="how many things to do")
    parser.add_argument("--new", action="store_true", help="make the store first")
    parser.add_argument("--synchronous", default="FULL", help="NORMAL shows what would be lost")
    parser.add_argument("--largest-blob", type=int, default=9000, help="bytes")
    parser.add_argument("--beside", action="store_true", help="others write too: leave central to one of them")
    parser.add_argument("--central", type=Path, help="a file that says where the real central is; sync with it")
    parser.add_argument("--ballast", type=Path, help="a file that is removed after some acts were refused")
    return parser


def _work(given: argparse.Namespace) -> None:

    database.LOG_ROWS = SMALL_LOG  # type: ignore[misc]
    draw = random.Random(f"writer {given.seed}")
    if given.new:
        home.begin(given.home, draw)
    store = home.open_store(given.home, draw, given.synchronous)
    alone = not given.beside and given.central is None
    acts = {name: act for name, act in ACTS.items() if alone or name not in STAND_IN}
    central = None if given.central is None else home.read_address(given.central)
    acts |= WITH_CENTRAL if central is not None else {}
    writer = Writer(given.home, draw, store, given.synchronous, given.largest_blob, given.ballast, central, acts)
    writer.settle_in()
    home.say("ready")
    for _ in range(given.acts):
        writer.act()
    writer.store.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
