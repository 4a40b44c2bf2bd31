"""Sessions: who acts, in which role, at which counter, until when; and what each role may write into the journal.

Every act on the store takes a `Session`; no function takes an actor's name. Only this package makes one, after a
password was checked (`operators.sign_in`), and the commit asks again, inside its transaction, whether that session is
open, unexpired and of an operator who still has the role. The node's own session writes only what the node itself may
say.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NoReturn

from sqlalchemy import bindparam, select

from appliance.access import four_eyes
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, OperatorError
from appliance.records import tables as t
from appliance.records.database import Tx


class Role(Enum):
    """What a person signs in as; `NODE` is the box itself."""

    OPERATOR = "operator"
    OFFICER = "officer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    NODE = "node"


_PEOPLE: Final = frozenset({Role.OPERATOR, Role.OFFICER, Role.SUPERVISOR, Role.AUDITOR})

# Which roles may write which kind. Orders are written by central alone, so they are not here.
PERMITTED: Final[dict[str, frozenset[Role]]] = {
    k.JournalOpened.KIND: frozenset({Role.NODE}),
    k.NodeStarted.KIND: frozenset({Role.NODE}),
    k.OrdersApplied.KIND: frozenset({Role.NODE}),
    # The node adds the first supervisor at enrolment; `operators.add_first_supervisor` refuses a second time.
    k.OperatorAdded.KIND: frozenset({Role.NODE, Role.SUPERVISOR}),
    k.OperatorPasswordSet.KIND: frozenset({Role.NODE}) | _PEOPLE,
    k.OperatorChanged.KIND: frozenset({Role.SUPERVISOR}),
    k.OperatorUnlocked.KIND: frozenset({Role.SUPERVISOR}),
    k.SessionOpened.KIND: _PEOPLE,
    k.SessionRefused.KIND: frozenset({Role.NODE}),
    k.SessionClosed.KIND: _PEOPLE,
    k.PersonAdded.KIND: frozenset({Role.OPERATOR}),
    k.ApplicationSubmitted.KIND: frozenset({Role.OPERATOR}),
    k.PaperAdded.KIND: frozenset({Role.OPERATOR}),
    k.ApplicationApproved.KIND: frozenset({Role.OFFICER}),
    k.ApplicationReturned.KIND: frozenset({Role.OFFICER}),
    k.ApplicationRejected.KIND: frozenset({Role.OFFICER}),
    k.SubjectErased.KIND: frozenset({Role.SUPERVISOR}),
}


class NotPermitted(OperatorError):
    """This role may not do this."""


class SessionOver(OperatorError):
    """The session was closed, has expired, or its operator may no longer act."""

    def __init__(self, why: str) -> None:
        super().__init__(why, "Sign in again; what you typed is kept on the screen.")


_MINT: Final = object()


class Session:
    """An operator at work, or the node itself. Only `appliance.access` makes one.

    Attributes:
        id: the session's own random identifier (`-` for the node).
        actor: an operator's identifier, or `node`.
        role: what the actor acts as.
        counter: where; empty for the node.
        expires_at: RFC 3339, UTC; empty for the node.
    """

    __slots__ = ("actor", "counter", "expires_at", "id", "role")

    id: str
    actor: str
    role: Role
    counter: str
    expires_at: str

    def __init__(self, mint: object, *, id: str, actor: str, role: Role, counter: str, expires_at: str) -> None:  # noqa: A002
        if mint is not _MINT:
            raise BugError("Only appliance.access makes a session.")
        for name, value in (
            ("id", id),
            ("actor", actor),
            ("role", role),
            ("counter", counter),
            ("expires_at", expires_at),
        ):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise BugError("A session does not change.")

    def __reduce__(self) -> NoReturn:
        raise BugError("A session is not stored.")

    def __repr__(self) -> str:
        return f"<Session {self.role.value} {self.actor[:6]}>"

    def authorise(self, tx: Tx, journal: str, kind: str, about: str, at: str) -> None:
        """Refuse an act that this session may not do now.

        Raises:
            NotPermitted: not with this role, or not by the same eyes. SessionOver: no longer.
        """
        if self.role not in PERMITTED.get(kind, frozenset()):
            raise NotPermitted(
                f"A session as {self.role.value} may not do this ({kind}).",
                "Ask somebody with the right role, or sign in with another one.",
            )
        if self.role is Role.NODE:
            return
        if kind != k.SessionOpened.KIND:
            self._still_open(tx, journal, at)
        four_eyes.check(tx, journal, kind, about, self.actor)

    def _still_open(self, tx: Tx, journal: str, at: str) -> None:
        row = tx.one(_OPEN_SESSION, {"journal": journal, "session": self.id})
        if row is None or row[0] != self.actor or row[1] != self.role.value:
            raise SessionOver("This session is not known here.")
        _, _, expires_at, closed_at, active, roles = row
        if closed_at:
            raise SessionOver("This session was closed.")
        if at >= expires_at:
            raise SessionOver("This session has expired.")
        if not active or self.role.value not in roles.split():
            raise SessionOver("This operator may no longer act in this role.")


_OPEN_SESSION: Final = (
    select(
        t.sessions.c.operator,
        t.sessions.c.role,
        t.sessions.c.expires_at,
        t.sessions.c.closed_at,
        t.operators.c.active,
        t.operators.c.roles,
    )
    .join(
        t.operators,
        (t.operators.c.journal == t.sessions.c.journal) & (t.operators.c.about == t.sessions.c.operator),
    )
    .where(t.sessions.c.journal == bindparam("journal"), t.sessions.c.about == bindparam("session"))
)


def mint(*, id: str, actor: str, role: Role, counter: str, expires_at: str) -> Session:  # noqa: A002
    """A session of an operator whose password was just checked. For `appliance.access` alone (a test holds it)."""
    return Session(_MINT, id=id, actor=actor, role=role, counter=counter, expires_at=expires_at)


def node_session() -> Session:
    """The node's own session, for what no person does: opening the journal, applying orders, refusing a sign-in."""
    return Session(_MINT, id="-", actor="node", role=Role.NODE, counter="", expires_at="")
