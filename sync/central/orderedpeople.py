"""Operators of a node, as central knows them, and what it orders of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from sync.central.ordering import Ordering
from sync.central.quarantine import clean_reason

SUPERVISOR: Final = "supervisor"
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")
_OPERATORS: Final = (
    select(
        t.operators.c.about,
        t.operators.c.login,
        t.operators.c.name,
        t.operators.c.roles,
        t.operators.c.active,
        t.operators.c.blocked,
        t.operators.c.secret_until,
    )
    .where(t.operators.c.journal == bindparam("journal"))
    .order_by(t.operators.c.login)
)


@dataclass(frozen=True, slots=True)
class Known:
    """An operator of a node, as far as central's copy of it goes. `invited_until`: they have not signed in yet."""

    id: EntityId
    login: str
    name: str
    roles: tuple[str, ...]
    active: bool
    blocked: bool
    invited_until: str

    @property
    def supervises(self) -> bool:
        """Whether they are a supervisor who may sign in."""
        return self.active and not self.blocked and SUPERVISOR in self.roles


@dataclass(frozen=True, slots=True)
class OrderedPeople:
    """Orders about the operators of nodes, given by `ordering`."""

    ordering: Ordering

    def at(self, journal: JournalId) -> list[Known]:
        """Who may sign in at a node, or once could."""
        with self.ordering.index.read() as tx:
            rows = tx.all(_OPERATORS, {"journal": journal})
        return [
            Known(EntityId(about), login, name, tuple(roles.split()), bool(active), bool(blocked), until)
            for about, login, name, roles, active, blocked, until in rows
        ]

    def name(self, journal: JournalId, login: str, name: str, roles: Sequence[k.RoleName], by: str) -> str:
        """Let somebody sign in at a node; answers the one-time secret for their first time.

        Raises:
            OperatorError: the login, name or roles are unfit, or the login is taken there.
        """
        if _LOGIN.fullmatch(login) is None:
            raise OperatorError("A login has 2 to 40 small letters, digits, dots or hyphens.", "Choose one, as `sana`.")
        if not name.strip() or not k.is_line(name):
            raise OperatorError(f"A name has 1 to {k.MAX_LINE} characters, on one line.", "Give the full name.")
        _see_roles(roles)
        if any(each.login == login for each in self.at(journal)):
            raise OperatorError(f"Somebody at that node has the login {login}.", "Choose another one.")
        return self.ordering.name_operator(journal, login, name.strip(), roles, by)

    def block(self, journal: JournalId, login: str, reason: str, by: str) -> None:
        """Let somebody do nothing at a node any more, also in sessions that are open.

        Raises:
            OperatorError: no such operator, blocked before, or nobody would be supervisor any more; or no reason.
        """
        found = self._find(journal, login)
        if found.blocked:
            raise OperatorError(f"{login} is blocked already.", "See `sanad central order operators`.")
        self._see_supervised(journal, found)
        self.ordering.order(journal, k.OperatorBlocked(operator=found.id, reason=clean_reason(reason)), by)

    def unblock(self, journal: JournalId, login: str, reason: str, by: str) -> None:
        """Block somebody no more.

        Raises:
            OperatorError: no such operator, not blocked; or no reason.
        """
        found = self._find(journal, login)
        if not found.blocked:
            raise OperatorError(f"{login} is not blocked by central.", "See `sanad central order operators`.")
        self.ordering.order(journal, k.OperatorUnblocked(operator=found.id, reason=clean_reason(reason)), by)

    def give_roles(self, journal: JournalId, login: str, roles: Sequence[k.RoleName], reason: str, by: str) -> None:
        """Give somebody other roles.

        Raises:
            OperatorError: no such operator, no role, or nobody would be supervisor any more; or no reason.
        """
        _see_roles(roles)
        found = self._find(journal, login)
        if SUPERVISOR not in roles:
            self._see_supervised(journal, found)
        body = k.OperatorRolesOrdered(operator=found.id, roles=tuple(roles), reason=clean_reason(reason))
        self.ordering.order(journal, body, by)

    def _find(self, journal: JournalId, login: str) -> Known:
        for each in self.at(journal):
            if each.login == login:
                return each
        raise OperatorError(
            f"Central knows no operator {login} at that node.",
            "See `sanad central order operators`; let it sync.",
        )

    def _see_supervised(self, journal: JournalId, without: Known) -> None:
        others = (each for each in self.at(journal) if each.id != without.id)
        if without.supervises and not any(each.supervises for each in others):
            raise OperatorError(
                "Nobody would be supervisor at that node any more.",
                "Name another supervisor first (`sanad central order operator`), and let the node sync.",
            )


def _see_roles(roles: Sequence[str]) -> None:
    if not roles or len(set(roles)) != len(roles):
        raise OperatorError("An operator has at least one role, each named once.", "Name them with --role.")
