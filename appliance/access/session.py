"""Sessions: who acts, in which role, at which counter, until when; and what each role may write into the journal.

Every act on the store takes a `Session`; no function takes an actor's name. Only this package makes one, after a
password was checked (`operators.sign_in`), and the commit asks again, inside its transaction, whether that session is
open, unexpired and of an operator who still has the role. The node's own session writes only what the node itself may
say. Which kind a role may write, and about whom, is held here; what it may say is held by the verb that writes it.

It guards against mistakes and against code that was given a session and no more. Code that reads and changes the
memory of this process can do whatever the process can.
"""

from __future__ import annotations

import weakref
from typing import Final, NoReturn

import sqlalchemy as sa
from sqlalchemy import bindparam, or_, select

from appliance.access import four_eyes
from appliance.access.permitted import BY_DECISION, KEPT_BY_LAW, PERMITTED, Role
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, OperatorError
from appliance.journal.ids import NOBODY, NODE
from appliance.records import tables as t
from appliance.records.database import Tx

_OPEN_SESSION: Final = select(
    t.sessions.c.operator, t.sessions.c.role, t.sessions.c.expires_at, t.sessions.c.closed_at
).where(t.where_key(t.sessions))
_ACCOUNT: Final = select(
    sa.case((t.operators.c.blocked == 0, t.operators.c.active), else_=0), t.operators.c.roles
).where(t.where_key(t.operators))
_INVITED: Final = select(t.operators.c.secret_until).where(t.where_key(t.operators))
_OPEN_DECISION: Final = (
    select(t.decisions.c.decision).where(t.where_key(t.decisions), t.decisions.c.state == "open").limit(1)
)
_ANY_ACCOUNT: Final = select(t.operators.c.about).where(t.operators.c.journal == bindparam("journal")).limit(1)
_KEPT_BY_LAW: Final = (
    select(t.timeline.c.seq)
    .where(t.where_key(t.timeline), or_(*(t.timeline.c.kind == kind for kind in sorted(KEPT_BY_LAW))))
    .limit(1)
)
_EVER_WRITTEN: Final = select(t.timeline.c.seq).where(t.where_key(t.timeline)).limit(1)


class NotPermitted(OperatorError):
    """This role may not do this."""


class SessionOver(OperatorError):
    """The session was closed, has expired, or its operator may no longer act."""

    def __init__(self, why: str) -> None:
        super().__init__(why, "Sign in again; what you typed is kept on the screen.")


__all__ = ["PERMITTED", "NotPermitted", "Role", "Session", "SessionOver", "authorise", "mint", "node_session"]

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

    __slots__ = ("__weakref__", "actor", "counter", "expires_at", "id", "role")

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
        _MINTED.add(self)

    def __init_subclass__(cls) -> NoReturn:
        raise BugError("There is one kind of session.")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise BugError("A session does not change.")

    def __reduce__(self) -> NoReturn:
        raise BugError("A session is neither stored nor copied.")

    def __repr__(self) -> str:
        return f"<Session {self.role.value} {self.actor[:6]}>"


_MINTED: Final[weakref.WeakSet[Session]] = weakref.WeakSet()


def mint(*, id: str, actor: str, role: Role, counter: str, expires_at: str) -> Session:  # noqa: A002
    """A session of an operator whose password was just checked. For `appliance.access` alone (a test holds it)."""
    if role is Role.NODE:
        raise BugError("The node's own role is no person's.")
    return Session(_MINT, id=id, actor=actor, role=role, counter=counter, expires_at=expires_at)


def node_session() -> Session:
    """The node's own session, for what no person does: opening the journal, applying orders, refusing a sign-in."""
    return Session(_MINT, id=NOBODY, actor=NODE, role=Role.NODE, counter="", expires_at="")


def authorise(
    session: Session, tx: Tx, journal: str, kind: str, about: str, at: str, *, case: str | None = None
) -> None:
    """Refuse an entry that this session may not write now. Asked for each one, inside its commit.

    Args:
        session: who wants to write it.
        tx: the commit's transaction.
        journal: where.
        kind: what.
        about: whom or what it concerns.
        at: the time that the entry will carry.
        case: the application that it has a part in, where that is not what it is about.

    Raises:
        NotPermitted, SameEyes: not with this role, not about this, or not by the same eyes. SessionOver: no longer.
        BugError: no session that this package made.
    """
    _see_minted(session)
    if session.role not in PERMITTED.get(kind, frozenset()):
        raise NotPermitted(
            f"A session as {session.role.value} may not do this ({kind}).",
            "Ask somebody with the right role, or sign in with another one.",
        )
    if session.role is not Role.NODE:
        _check_open(session, tx, journal, kind, about, at)
        four_eyes.check(tx, journal, kind, about if case is None else case, session.actor)
    _check_subject(session, tx, journal, kind, about, at)


def see_at_work(session: Session, tx: Tx, journal: str, at: str) -> None:
    """Refuse a session that is over, for what is kept in no journal.

    Raises:
        SessionOver: it is. BugError: no session of a person that this package made.
    """
    _see_minted(session)
    if session.role is Role.NODE:
        raise BugError("The node itself is not at work at a counter.")
    _see_open(session, tx, journal, at)


def _see_minted(session: Session) -> None:
    if type(session) is not Session or session not in _MINTED:
        raise BugError("Only appliance.access makes a session.")


def _check_open(session: Session, tx: Tx, journal: str, kind: str, about: str, at: str) -> None:
    if kind != k.SessionOpened.KIND:
        _see_open(session, tx, journal, at)
        return
    # The one entry that a session writes before it is open: about itself, once.
    if about != session.id or tx.one(_EVER_WRITTEN, {"k_journal": journal, "k_about": about}) is not None:
        raise SessionOver("This session was opened before.")
    _see_until(session, tx, journal, at, session.expires_at)


def _see_open(session: Session, tx: Tx, journal: str, at: str) -> None:
    row = tx.one(_OPEN_SESSION, {"k_journal": journal, "k_about": session.id})
    if row is None or row[:2] != (session.actor, session.role.value):
        raise SessionOver("This session is not known here.")
    if row[3]:
        raise SessionOver("This session was closed.")
    _see_until(session, tx, journal, at, row[2])


def _see_until(session: Session, tx: Tx, journal: str, at: str, expires_at: str) -> None:
    if at >= expires_at:
        raise SessionOver("This session has expired.")
    account = tx.one(_ACCOUNT, {"k_journal": journal, "k_about": session.actor})
    if account is None or not account[0] or session.role.value not in account[1].split():
        raise SessionOver("This operator may no longer act in this role.")


def _check_of_node(tx: Tx, journal: str, kind: str, about: str, at: str) -> None:
    """What the node itself writes about some only."""
    key = {"k_journal": journal, "k_about": about}
    if kind in BY_DECISION and tx.one(_OPEN_DECISION, key) is None:
        raise NotPermitted("The node itself decides nothing.", "An officer decides, or central by an order.")
    accounts = kind in (k.OperatorAdded.KIND, k.OperatorPasswordSet.KIND)
    if not accounts or tx.one(_ANY_ACCOUNT, {"journal": journal}) is None:
        return
    invited = tx.one(_INVITED, key)
    # Whom central named sets the first password by a one-time secret, with no session yet.
    if kind == k.OperatorAdded.KIND or invited is None or at >= invited[0]:
        raise NotPermitted("This node has operators already.", "A supervisor adds the others.")


def _check_subject(session: Session, tx: Tx, journal: str, kind: str, about: str, at: str) -> None:
    """What a role may write about some only."""
    if session.role is Role.NODE:
        _check_of_node(tx, journal, kind, about, at)
    elif kind in (k.OperatorPasswordSet.KIND, k.SessionClosed.KIND) and session.role is not Role.SUPERVISOR:
        if about != (session.id if kind == k.SessionClosed.KIND else session.actor):
            raise NotPermitted("That is another operator's.", "A supervisor may do it.")
    elif kind == k.SubjectErased.KIND:
        account = tx.one(_ACCOUNT, {"k_journal": journal, "k_about": about})
        if account is not None and account[0]:
            raise NotPermitted("An operator who may sign in is not erased.", "End the operator's access first.")
        if tx.one(_KEPT_BY_LAW, {"k_journal": journal, "k_about": about}) is not None:
            raise NotPermitted(
                "Shifts, payments, exemptions, tokens and officers' keys are kept by law, and applications whose"
                " certificate was superseded or revoked, so that it goes on to say so.",
                "Void a payment that was written down wrongly; erase the person instead.",
            )
