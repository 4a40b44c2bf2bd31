"""Operators: adding them, signing in and out, lock-out. All of it is entries, so it survives a restart.

A wrong password, an unknown login, a locked or inactive account all answer the same sentence and take the same time;
the journal keeps which it was. After `MAX_FAILED` wrong passwords in a row an account is locked for `LOCKED_FOR`; each
wrong password after that locks it again, until a success or a supervisor's word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, cast, get_args

from sqlalchemy import bindparam, select

from appliance.access.session import Role, Session, mint, node_session
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.moment import at_text, parse_at
from appliance.sealing.passphrase import PASSWORD_COST, check_nobody, check_password, hash_password
from appliance.store.store import PEPPER, Act, Draft, Moment, Randomness, Store

MAX_FAILED: Final = 5
LOCKED_FOR: Final = timedelta(minutes=15)
SESSION_FOR: Final = timedelta(hours=12)
MAX_NAME: Final = 200
MAX_OPERATORS: Final = 500

_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,39}")

Reason = Literal["password", "locked", "unknown", "inactive", "role"]

_COLUMNS: Final = (
    t.operators.c.about,
    t.operators.c.login,
    t.operators.c.name,
    t.operators.c.roles,
    t.operators.c.active,
    t.operators.c.password_hash,
    t.operators.c.failed,
    t.operators.c.locked_until,
)
_BY_LOGIN = select(*_COLUMNS).where(
    t.operators.c.journal == bindparam("journal"), t.operators.c.login == bindparam("login")
)
_BY_ID = select(*_COLUMNS).where(t.where_key(t.operators))
_ALL = (
    select(*_COLUMNS)
    .where(t.operators.c.journal == bindparam("journal"))
    .order_by(t.operators.c.login)
    .limit(MAX_OPERATORS)
)
_ANY = select(t.operators.c.about).where(t.operators.c.journal == bindparam("journal")).limit(1)
_OTHERS = select(t.operators.c.roles).where(
    t.operators.c.journal == bindparam("journal"), t.operators.c.about != bindparam("about"), t.operators.c.active == 1
)


class SignInRefused(OperatorError):
    """The one answer to every failed try."""

    def __init__(self) -> None:
        super().__init__(
            "That login and password do not let you in here in that role.",
            f"Try again; after {MAX_FAILED} wrong passwords the account is locked for "
            f"{LOCKED_FOR.seconds // 60} minutes, unless a supervisor unlocks it.",
        )


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may sign in. `locked_until` is empty while the account is not locked."""

    id: EntityId
    login: str
    name: str
    roles: tuple[Role, ...]
    active: bool
    failed: int
    locked_until: str
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewOperator:
    """An account to be. The password stands here in clear until it is hashed."""

    login: str
    name: str
    roles: tuple[Role, ...]
    password: str = field(repr=False)

    def check(self) -> None:
        """Refuse what cannot be an account.

        Raises:
            OperatorError: it says what to change.
        """
        if not _LOGIN.fullmatch(self.login):
            raise OperatorError(
                "A login has 2 to 40 small letters, digits, dots or hyphens.", "Choose one like `sana` or `a.khan`."
            )
        if not self.name.strip() or len(self.name) > MAX_NAME or not self.name.isprintable():
            raise OperatorError(f"A name has 1 to {MAX_NAME} characters, on one line.", "Enter the full name.")
        _check_roles(self.roles)


def add_first_supervisor(store: Store, new: NewOperator, random: Randomness) -> EntityId:
    """Create the account that enrolment leaves behind.

    Raises:
        OperatorError: there is an operator already, or the login, name or password is unfit.
    """

    def nobody_yet(tx: Tx) -> None:
        if tx.one(_ANY, {"journal": store.journal}) is not None:
            raise OperatorError("This node has operators already.", "A supervisor adds the others.")

    new.check()
    if new.roles != (Role.SUPERVISOR,):
        raise BugError("The first operator of a node is a supervisor.")
    operator, act = _adding(store, new, random)

    def first(moment: Moment) -> Sequence[Draft]:
        nobody_yet(moment.tx)
        return act(moment)

    store.commit(node_session(), first)
    return operator


def add_operator(store: Store, session: Session, new: NewOperator, random: Randomness) -> EntityId:
    """Add somebody who may sign in.

    Raises:
        NotPermitted: the session is not a supervisor's.
        OperatorError: the login is taken, or the login, name or password is unfit.
    """
    new.check()
    operator, act = _adding(store, new, random)
    store.commit(session, act)
    return operator


def _adding(store: Store, new: NewOperator, random: Randomness) -> tuple[EntityId, Act]:
    operator, password_hash = store.new_id(), _hash(store, new.password, random)

    def act(moment: Moment) -> Sequence[Draft]:
        if _by_login(moment.tx, store, new.login) is not None:
            raise OperatorError("That login is taken.", "Choose another one.")
        return [
            Draft(k.OperatorAdded(login=new.login, name=new.name, roles=_names(new.roles)), operator),
            Draft(k.OperatorPasswordSet(password_hash=password_hash), operator),
        ]

    return operator, act


def sign_in(store: Store, *, login: str, password: str, role: Role, counter: str) -> Session:
    """Let an operator in, as one of their roles, at a counter.

    Raises:
        SignInRefused: for whatever reason; the try is an entry.
    """
    pepper = store.secret(PEPPER)
    with store.read() as tx:
        known = _by_login(tx, store, login)
    if known is None or not known.password_hash:
        check_nobody(pepper, PASSWORD_COST)
        right = False
    else:
        right = check_password(password, known.password_hash, pepper)

    def look(moment: Moment) -> tuple[Operator | None, Reason | None]:
        # The account is read again: a try beside this one may have locked it, or its password was changed.
        now = None if known is None else _by_id(moment.tx, store, known.id)
        if now is None or known is None:
            return None, "unknown"
        return now, _why_not(now, role, moment.at, right=right and now.password_hash == known.password_hash)

    def refuse(moment: Moment) -> Sequence[Draft]:
        now, why = look(moment)
        return [] if why is None else [_refusal(now, why, counter, moment.at)]

    def let_in(moment: Moment) -> Sequence[Draft]:
        if look(moment)[1] is not None:
            raise SignInRefused
        opened = k.SessionOpened(role=_name(role), counter=counter, expires_at=session.expires_at)
        return [Draft(opened, session.id)]

    if store.commit(node_session(), refuse) or known is None:
        raise SignInRefused
    expires_at = at_text(store.clock() + SESSION_FOR)
    session = mint(id=store.new_id(), actor=known.id, role=role, counter=counter, expires_at=expires_at)
    store.commit(session, let_in)
    return session


def sign_out(store: Store, session: Session) -> None:
    """Close a session; it can do nothing from here on."""
    store.commit(session, lambda _: [Draft(k.SessionClosed(reason="signed out"), session.id)])


def change_password(store: Store, session: Session, password: str, random: Randomness) -> None:
    """Set the password of whoever is signed in.

    Raises:
        OperatorError: the password is unfit. SessionOver: the session is over.
    """
    body = k.OperatorPasswordSet(password_hash=_hash(store, password, random))
    store.commit(session, lambda _: [Draft(body, session.actor)])


def reset_password(store: Store, session: Session, operator: EntityId, password: str, random: Randomness) -> None:
    """A supervisor gives somebody else a new password; it also ends a lock-out.

    Raises:
        NotPermitted: the session is not a supervisor's. OperatorError: no such operator, or an unfit password.
    """
    drafts = [
        Draft(k.OperatorUnlocked(reason="new password"), operator),
        Draft(k.OperatorPasswordSet(password_hash=_hash(store, password, random)), operator),
    ]
    _on_somebody(store, session, operator, lambda _: drafts)


def unlock(store: Store, session: Session, operator: EntityId, reason: str) -> None:
    """A supervisor ends a lock-out.

    Raises:
        NotPermitted: the session is not a supervisor's. OperatorError: no such operator.
    """
    _on_somebody(store, session, operator, lambda _: [Draft(k.OperatorUnlocked(reason=reason), operator)])


def change_operator(
    store: Store, session: Session, operator: EntityId, *, roles: Sequence[Role], active: bool, reason: str
) -> None:
    """Give somebody other roles, or end their access; their open sessions in a lost role can do nothing from here on.

    Raises:
        NotPermitted: the session is not a supervisor's.
        OperatorError: no such operator, no role left, or nobody would be supervisor any more.
    """

    def act(moment: Moment) -> Sequence[Draft]:
        others = moment.tx.all(_OTHERS, {"journal": store.journal, "about": operator})
        stays = active and Role.SUPERVISOR in roles
        if not stays and not any(Role.SUPERVISOR.value in row[0].split() for row in others):
            raise OperatorError("Nobody would be supervisor any more.", "Make somebody else supervisor first.")
        return [Draft(k.OperatorChanged(roles=_names(roles), active=active, reason=reason), operator)]

    _check_roles(roles)
    _on_somebody(store, session, operator, act)


def operators(store: Store) -> list[Operator]:
    """Everybody who may sign in, or once could."""
    with store.read() as tx:
        return [_operator(row) for row in tx.all(_ALL, {"journal": store.journal})]


def _on_somebody(store: Store, session: Session, operator: EntityId, act: Act) -> None:
    def checked(moment: Moment) -> Sequence[Draft]:
        if _by_id(moment.tx, store, operator) is None:
            raise OperatorError("There is no such operator.", "See `sanad operators list`.")
        return act(moment)

    store.commit(session, checked)


def _why_not(operator: Operator, role: Role, at: str, *, right: bool) -> Reason | None:
    if operator.locked_until and at < operator.locked_until:
        return "locked"
    if not right:
        return "password"
    if not operator.active:
        return "inactive"
    return None if role in operator.roles else "role"


def _refusal(operator: Operator | None, why: Reason, counter: str, at: str) -> Draft:
    if operator is None:
        return Draft(k.SessionRefused(reason=why, counter=counter, failed=0))
    failed = operator.failed + (why == "password")
    locked_until = operator.locked_until or None
    if why == "password" and failed >= MAX_FAILED:
        locked_until = at_text(parse_at(at) + LOCKED_FOR)
    return Draft(k.SessionRefused(reason=why, counter=counter, failed=failed, locked_until=locked_until), operator.id)


def _check_roles(roles: Sequence[Role]) -> None:
    if not roles or Role.NODE in roles or len(set(roles)) != len(roles):
        raise OperatorError(
            "An operator has at least one role, each named once.",
            "Name operator, officer, supervisor or auditor; to end somebody's access, deactivate the account.",
        )


def _by_login(tx: Tx, store: Store, login: str) -> Operator | None:
    row = tx.one(_BY_LOGIN, {"journal": store.journal, "login": login})
    return None if row is None else _operator(row)


def _by_id(tx: Tx, store: Store, operator: EntityId) -> Operator | None:
    row = tx.one(_BY_ID, {"k_journal": store.journal, "k_about": operator})
    return None if row is None else _operator(row)


def _operator(row: Row) -> Operator:
    about, login, name, roles, active, password_hash, failed, locked_until = row
    known = tuple(Role(each) for each in roles.split())
    return Operator(EntityId(about), login, name, known, bool(active), failed, locked_until, password_hash)


def _hash(store: Store, password: str, random: Randomness) -> str:
    return hash_password(password, store.secret(PEPPER), PASSWORD_COST, random=random)


def _names(roles: Sequence[Role]) -> tuple[k.RoleName, ...]:
    return tuple(_name(role) for role in roles)


def _name(role: Role) -> k.RoleName:
    for name in get_args(k.RoleName):
        if name == role.value:
            return cast("k.RoleName", name)
    raise BugError("The node's own role is no person's.")
