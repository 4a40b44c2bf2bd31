"""Operators: adding them, signing in and out, lock-out. All of it is entries, so it survives a restart.

A wrong password, an unknown login, a locked or inactive account all answer the same sentence and cost the same work;
the journal keeps which it was, and nothing of what was typed. After `MAX_FAILED` wrong passwords in a row an account is
locked for `LOCKED_FOR`; each wrong password after that locks it again, until a success or a supervisor's word.

Tries side by side are counted one after the other, in the order of their commits, and each is judged by the account as
it then is. So however many run at once, no more than `MAX_FAILED` of them learn whether a password is right; the others
meet a locked account, and a right password is refused with them. Whoever can try at all can lock others out: a
supervisor unlocks. Time is the clock's: whoever sets the clock can end a lock-out, and lengthen a session.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal, NoReturn, cast, get_args

from sqlalchemy import bindparam, func, select

from appliance.access.onetime import secret_sha256
from appliance.access.reasons import check_reason
from appliance.access.session import Role, Session, mint, node_session
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.moment import at_text, parse_at
from appliance.sealing.passphrase import PASSWORD_COST, check_nobody, check_password, hash_password
from appliance.store.commit import MAX_DRAFTS, Act, Draft, Moment
from appliance.store.keys import PEPPER, Randomness
from appliance.store.store import Store

MAX_FAILED: Final = 5
LOCKED_FOR: Final = timedelta(minutes=15)
SESSION_FOR: Final = timedelta(hours=12)
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
    t.operators.c.blocked,
    t.operators.c.blocked_reason,
    t.operators.c.secret_sha256,
    t.operators.c.secret_until,
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
_COUNT = select(func.count()).where(t.operators.c.journal == bindparam("journal"))
_OPEN_SESSIONS = (
    select(t.sessions.c.about)
    .where(
        t.sessions.c.journal == bindparam("journal"),
        t.sessions.c.operator == bindparam("operator"),
        t.sessions.c.closed_at == "",
        t.sessions.c.expires_at > bindparam("at"),
    )
    .limit(MAX_DRAFTS - 1)
)
_OTHERS = select(t.operators.c.roles).where(
    t.operators.c.journal == bindparam("journal"),
    t.operators.c.about != bindparam("about"),
    t.operators.c.active == 1,
    t.operators.c.blocked == 0,
)


class SignInRefused(OperatorError):
    """The one answer to every failed try."""

    def __init__(self) -> None:
        super().__init__(
            "That login and password do not let you in here in that role.",
            f"Try again; after {MAX_FAILED} wrong passwords the account is locked for "
            f"{LOCKED_FOR.seconds // 60} minutes, unless a supervisor unlocks it.",
        )


class FirstSignIn(OperatorError):
    """A one-time secret was given, and is right: it sets a password, and lets nobody in by itself."""

    def __init__(self) -> None:
        super().__init__("That is a one-time secret, good for choosing a password.", "Choose a password now.")


class _NotNow(Exception):
    """The account does not take an attempt whose password was right a moment ago."""

    def __init__(self, why: Reason) -> None:
        super().__init__(why)
        self.why: Reason = why


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who may sign in. `locked_until` is empty while the account is not locked.

    `active` says what the node says; `blocked` that central lets them in no more, whatever that is. `secret_sha256` is
    of the one-time secret by which somebody whom central named chooses a password before `secret_until`.
    """

    id: EntityId
    login: str
    name: str
    roles: tuple[Role, ...]
    active: bool
    failed: int
    locked_until: str
    password_hash: str = field(repr=False)
    blocked: bool = False
    blocked_reason: str = ""
    secret_sha256: str = field(default="", repr=False)
    secret_until: str = ""

    @property
    def may_sign_in(self) -> bool:
        """Whether they may, by the node's word and by central's."""
        return self.active and not self.blocked


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A password given for an account, as the account was when the password was checked; `right` if it was its own."""

    known: Operator | None
    role: Role
    counter: str
    right: bool

    def judged(self, now: Operator | None, at: str) -> Reason | None:
        """Why the account as it is now does not take this attempt; None where it does."""
        if now is None or self.known is None:
            return "unknown"
        if now.locked_until and at < now.locked_until:
            return "locked"
        # A password that was changed meanwhile was not the right one.
        if not self.right or (now.password_hash, now.secret_sha256) != (
            self.known.password_hash,
            self.known.secret_sha256,
        ):
            return "password"
        if not now.may_sign_in:
            return "inactive"
        return None if self.role in now.roles else "role"


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
        if not self.name.strip() or not k.is_line(self.name):
            raise OperatorError(f"A name has 1 to {k.MAX_LINE} characters, on one line.", "Enter the full name.")
        _check_roles(self.roles)


def add_first_supervisor(store: Store, new: NewOperator, random: Randomness) -> EntityId:
    """Create the account that enrolment leaves behind.

    Raises:
        NotPermitted: there is an operator already. OperatorError: the login, name or password is unfit.
    """
    new.check()
    if new.roles != (Role.SUPERVISOR,):
        raise BugError("The first operator of a node is a supervisor.")
    operator, act = _adding(store, new, random)
    store.commit(node_session(), act)
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
        if (moment.tx.one(_COUNT, {"journal": store.journal}) or (0,))[0] >= MAX_OPERATORS:
            raise OperatorError(f"A node has at most {MAX_OPERATORS} operators.", "Erase some that left.")
        return [
            Draft(k.OperatorAdded(login=new.login, name=new.name, roles=_names(new.roles)), operator),
            Draft(k.OperatorPasswordSet(password_hash=password_hash), operator),
        ]

    return operator, act


def sign_in(store: Store, *, login: str, password: str, role: Role, counter: str) -> Session:
    """Let an operator in, as one of their roles, at a counter.

    Raises:
        FirstSignIn: central named them, and this is their one-time secret: `choose_password` takes it.
        SignInRefused: for whatever reason; the try is an entry.
    """
    known = _find(store, login)
    if _is_invited(store, known, password, role, counter):
        raise FirstSignIn
    attempt = _Attempt(known, role, counter, right=_is_right(store, known, password))
    if known is None or not attempt.right or role is Role.NODE:
        _refuse(store, attempt, "unknown")
    expires_at = at_text(store.clock() + SESSION_FOR)
    session = mint(id=store.new_id(), actor=known.id, role=role, counter=counter, expires_at=expires_at)
    opened = k.SessionOpened(role=_name(role), counter=counter, expires_at=expires_at)
    _commit_if_right(store, session, attempt, Draft(opened, session.id))
    return session


def choose_password(store: Store, *, login: str, secret: str, password: str, random: Randomness) -> None:
    """Set the first password of somebody whom central named; the one-time secret that they give is used up by it.

    Raises:
        OperatorError: the password is unfit. SignInRefused: the secret is not theirs, or not good any more; the try is
            an entry, as that of a wrong password is.
    """
    known = _find(store, login)
    body = k.OperatorPasswordSet(password_hash=_hash(store, password, random))
    role = Role.OPERATOR if known is None else known.roles[0]
    attempt = _Attempt(known, role, "", right=_has_secret(store, known, secret))
    if known is None or not attempt.right:
        _refuse(store, attempt, "unknown")
    _commit_if_right(store, node_session(), attempt, Draft(body, known.id))


def sign_out(store: Store, session: Session) -> None:
    """Close a session; it can do nothing from here on."""
    store.commit(session, lambda _: [Draft(k.SessionClosed(reason="signed out"), session.id)])


def end_sessions(store: Store, session: Session, operator: EntityId) -> int:
    """A supervisor signs somebody out, wherever they are signed in; answers of how many sessions.

    Raises:
        NotPermitted: the session is not a supervisor's. OperatorError: no such operator, or not signed in.
    """

    def act(moment: Moment) -> Sequence[Draft]:
        endings = _endings(store, moment, operator)
        if not endings:
            raise OperatorError("That operator is not signed in.", "There is nothing to end.")
        return endings

    return _on_somebody(store, session, operator, act)


def change_password(store: Store, session: Session, password: str, random: Randomness, *, current: str) -> None:
    """Set the password of whoever is signed in, who gives the current one; a wrong one counts as a failed sign-in.

    Raises:
        OperatorError: the new password is unfit. SignInRefused: the current one is wrong, or the account is locked.
        SessionOver: the session is over.
    """
    body = k.OperatorPasswordSet(password_hash=_hash(store, password, random))
    with store.read() as tx:
        known = _by_id(tx, store, EntityId(session.actor))
    attempt = _Attempt(known, session.role, session.counter, right=_is_right(store, known, current))
    _commit_if_right(store, session, attempt, Draft(body, session.actor))


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
    check_reason(reason)
    _on_somebody(store, session, operator, lambda _: [Draft(k.OperatorUnlocked(reason=reason), operator)])


def change_operator(
    store: Store, session: Session, operator: EntityId, *, roles: Sequence[Role], active: bool, reason: str
) -> None:
    """Give somebody other roles, or end their access.

    Their open sessions in a lost role can do nothing from here on; with their access, all of them end for good.

    Raises:
        NotPermitted: the session is not a supervisor's.
        OperatorError: no such operator, no role left, or nobody would be supervisor any more.
    """

    def act(moment: Moment) -> Sequence[Draft]:
        others = moment.tx.all(_OTHERS, {"journal": store.journal, "about": operator})
        stays = active and Role.SUPERVISOR in roles
        if not stays and not any(Role.SUPERVISOR.value in row[0].split() for row in others):
            raise OperatorError("Nobody would be supervisor any more.", "Make somebody else supervisor first.")
        changed = Draft(k.OperatorChanged(roles=_names(roles), active=active, reason=reason), operator)
        return [*(() if active else _endings(store, moment, operator)), changed]

    _check_roles(roles)
    check_reason(reason)
    _on_somebody(store, session, operator, act)


def operators(store: Store) -> list[Operator]:
    """Everybody who may sign in, or once could."""
    with store.read() as tx:
        return [_operator(row) for row in tx.all(_ALL, {"journal": store.journal})]


def _endings(store: Store, moment: Moment, operator: EntityId) -> list[Draft]:
    """What ends the sessions that an operator has open."""
    opened = moment.tx.all(_OPEN_SESSIONS, {"journal": store.journal, "operator": operator, "at": moment.at})
    return [Draft(k.SessionClosed(reason="ended by supervisor"), EntityId(row[0])) for row in opened]


def _on_somebody(store: Store, session: Session, operator: EntityId, act: Act) -> int:
    def checked(moment: Moment) -> Sequence[Draft]:
        if _by_id(moment.tx, store, operator) is None:
            raise OperatorError("There is no such operator.", "See `sanad operators list`.")
        return act(moment)

    return len(store.commit(session, checked))


def _find(store: Store, login: str) -> Operator | None:
    with store.read() as tx:
        # What cannot be a login is not looked for: it may hold what no database takes.
        return _by_login(tx, store, login) if _LOGIN.fullmatch(login) else None


def _has_secret(store: Store, known: Operator | None, secret: str) -> bool:
    """Whether it is the one-time secret of somebody whom central named, still good."""
    if known is None or not known.secret_sha256 or store.now() >= known.secret_until:
        return False
    return hmac.compare_digest(secret_sha256(secret), known.secret_sha256)


def _is_invited(store: Store, known: Operator | None, secret: str, role: Role, counter: str) -> bool:
    if known is None or not _has_secret(store, known, secret):
        return False
    return _Attempt(known, role, counter, right=True).judged(known, store.now()) is None


def _is_right(store: Store, known: Operator | None, password: str) -> bool:
    """Whether it is the operator's password; the same work where there is no such operator."""
    pepper = store.secret(PEPPER)
    if known is None or not known.password_hash:
        check_nobody(pepper, PASSWORD_COST)
        return False
    return check_password(password, known.password_hash, pepper)


def _commit_if_right(store: Store, session: Session, attempt: _Attempt, draft: Draft) -> None:
    """Write `draft` if the account takes the attempt inside the commit; otherwise write that it was refused."""

    def act(moment: Moment) -> Sequence[Draft]:
        why = attempt.judged(_current(store, moment, attempt), moment.at)
        if why is not None:
            raise _NotNow(why)
        return [draft]

    try:
        store.commit(session, act)
    except _NotNow as error:
        _refuse(store, attempt, error.why)


def _refuse(store: Store, attempt: _Attempt, otherwise: Reason) -> NoReturn:
    """Write that an attempt failed; where the account would take it this very moment, for the reason `otherwise`."""

    def act(moment: Moment) -> Sequence[Draft]:
        now = _current(store, moment, attempt)
        return [_refusal(now, attempt.judged(now, moment.at) or otherwise, attempt.counter, moment.at)]

    store.commit(node_session(), act)
    raise SignInRefused


def _current(store: Store, moment: Moment, attempt: _Attempt) -> Operator | None:
    return None if attempt.known is None else _by_id(moment.tx, store, attempt.known.id)


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
    about, login, name, roles, active, password_hash, failed, locked_until, blocked, reason, secret, until = row
    known = tuple(Role(each) for each in roles.split())
    return Operator(
        EntityId(about),
        login,
        name,
        known,
        bool(active),
        failed,
        locked_until,
        password_hash,
        bool(blocked),
        reason,
        secret,
        until,
    )


def _hash(store: Store, password: str, random: Randomness) -> str:
    return hash_password(password, store.secret(PEPPER), PASSWORD_COST, random=random)


def _names(roles: Sequence[Role]) -> tuple[k.RoleName, ...]:
    return tuple(_name(role) for role in roles)


def _name(role: Role) -> k.RoleName:
    for name in get_args(k.RoleName):
        if name == role.value:
            return cast("k.RoleName", name)
    raise BugError("The node's own role is no person's.")
