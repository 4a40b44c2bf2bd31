"""What people at central order of nodes: every kind there is, by the shipped verbs, which refuse what they can."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

import appliance.catalogue
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import CENTRAL, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from sync.central.announcing import NAME as LISTS
from sync.central.central import Central
from sync.central.conflicts import open_conflicts
from sync.central.deciding import Deciding, Words
from sync.central.nodecases import open_cases
from sync.central.orderedpeople import OrderedPeople
from tests.simulation.syncsim.acts import LOGINS

SETTING: Final = "sync.megabytes_per_day"
SERVICE: Final = "vehicle_transfer"
CHIEF: Final = "chief"
MAX_TRIES: Final = 3
"""Orders that are tried until central refuses none of them."""
_TRACKED: Final = (
    select(t.applications.c.tracking)
    .where(t.applications.c.journal == bindparam("journal"), t.applications.c.tracking.like("SIM-%"))
    .order_by(t.applications.c.about)
)
_UNSETTLED: Final = (
    select(t.decisions.c.decision)
    .where(
        t.decisions.c.journal == bindparam("journal"),
        sa.or_(t.decisions.c.state == "open", t.decisions.c.state == "contested"),
    )
    .order_by(t.decisions.c.decision)
)


@functools.cache
def _service_file() -> str:
    return (Path(appliance.catalogue.__file__).parent / "services" / f"{SERVICE}.toml").read_text()


@dataclass(slots=True)
class Bureau:
    """The people, who say something else each time."""

    draw: random.Random
    said: int = 0

    def order(self, central: Central, journal: JournalId, *, of_people: bool = False) -> str:
        """Order something, mostly of one node.

        Args:
            central: the central.
            journal: the node's.
            of_people: whether it is about a case, or somebody at the node.

        Raises:
            DeviceError: the disk has no room.
        """
        for _ in range(MAX_TRIES):
            self.said += 1
            order = self.draw.choices(_ORDERS, _OF_PEOPLE if of_people else _WEIGHTS)[0]
            with suppress(OperatorError):
                order(self, central, journal)
                return order.__name__.strip("_")
        return "nothing"

    def _lease(self, central: Central, journal: JournalId) -> None:
        central.lease(journal)

    def _blocks(self, central: Central, journal: JournalId) -> None:
        """Several at once, of a kind that is known by what it says."""
        prefix = f"X{self.said}"
        bodies = [
            k.NumbersLeased(prefix=prefix, first=n * 10 + 1, last=n * 10 + 10) for n in range(self.draw.randint(1, 4))
        ]
        central.order(journal, bodies)

    def _set(self, central: Central, journal: JournalId) -> None:
        central.ordering.set(SETTING, str(self.said), self._to(journal), CHIEF)

    def _release(self, central: Central, journal: JournalId) -> None:
        central.ordering.release(SETTING, self._to(journal), CHIEF)

    def _publish(self, central: Central, journal: JournalId) -> None:
        content = f"{_service_file()}# {self.said}\n".encode()
        central.ordering.publish(SERVICE, content, self._to(journal), CHIEF)

    def _withdraw(self, central: Central, journal: JournalId) -> None:
        central.ordering.withdraw(SERVICE, self._to(journal), CHIEF)

    def _tell_of_lists(self, central: Central, _: JournalId) -> None:
        """As `announcing.tell` does; the lists themselves are no part of the simulation."""
        order = k.ListsPublished(number=self.said, made_at="2026-11-22T09:00:00.000Z", sha256=f"{self.said:064x}")
        with central.ordering.archive.write() as tx:
            central.ordering.stand(tx, LISTS, order, CENTRAL)

    def _name(self, central: Central, journal: JournalId) -> None:
        """Somebody may sign in, whose login somebody at the node may have meanwhile."""
        self._people(central).name(journal, self.draw.choice(LOGINS), f"No {self.said}", ("operator",), CHIEF)

    def _block(self, central: Central, journal: JournalId) -> None:
        self._people(central).block(journal, self.draw.choice(LOGINS), f"inquiry {self.said}", CHIEF)

    def _unblock(self, central: Central, journal: JournalId) -> None:
        self._people(central).unblock(journal, self.draw.choice(LOGINS), f"over {self.said}", CHIEF)

    def _roles(self, central: Central, journal: JournalId) -> None:
        login, role = self.draw.choice(LOGINS), self.draw.choice(("operator", "officer", "auditor"))
        self._people(central).give_roles(journal, login, (role,), f"moved {self.said}", CHIEF)  # type: ignore[arg-type]

    def _decide(self, central: Central, journal: JournalId) -> None:
        """Something about a case that is known here, which may have ended at the node."""
        tracking = self._one(_TRACKED, central, journal)
        decides = self.draw.choice(("return", "return", "reject", "approve"))
        Deciding(central.ordering).decide(tracking, decides, Words("An office", remark=f"said {self.said}"), CHIEF)

    def _take_back(self, central: Central, journal: JournalId) -> None:
        Deciding(central.ordering).take_back(self._one(_UNSETTLED, central, journal), f"over {self.said}", CHIEF)

    def _settle(self, central: Central, _: JournalId) -> None:
        with central.ordering.archive.read() as tx:
            cases = [each.conflict for each in open_cases(tx)] + [each.number for each in open_conflicts(tx)]
        central.conflicts.settle(self.draw.choice(cases or ["none"]), f"settled {self.said}", CHIEF)

    def _to(self, journal: JournalId) -> list[JournalId] | None:
        """One node, or all, also those that come."""
        return None if self.draw.random() < 0.3 else [journal]

    def _people(self, central: Central) -> OrderedPeople:
        return OrderedPeople(central.ordering)

    def _one(self, statement: sa.Select[str], central: Central, journal: JournalId) -> str:
        with central.ordering.index.read() as tx:
            found = _first_column(tx, statement, journal)
        return self.draw.choice(found or ["none"])


def _first_column(tx: Tx, statement: sa.Select[str], journal: JournalId) -> list[str]:
    return [row[0] for row in tx.all(statement, {"journal": journal})]


_ORDERS: Final[tuple[Callable[[Bureau, Central, JournalId], None], ...]] = (
    Bureau._lease,
    Bureau._blocks,
    Bureau._set,
    Bureau._release,
    Bureau._publish,
    Bureau._withdraw,
    Bureau._name,
    Bureau._block,
    Bureau._unblock,
    Bureau._roles,
    Bureau._decide,
    Bureau._take_back,
    Bureau._settle,
    Bureau._tell_of_lists,
)
_WEIGHTS: Final = (6, 5, 3, 1, 2, 1, 4, 2, 1, 1, 6, 2, 2, 2)
_OF_PEOPLE: Final = (0, 0, 0, 0, 0, 0, 3, 1, 1, 1, 12, 3, 4, 0)
