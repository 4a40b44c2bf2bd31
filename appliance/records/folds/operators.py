"""Operators and their sessions."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import ORDER_FOLDS, About, Ops, folds, key, of_node, row, update
from appliance.records.statements import add_once

_NEW: Final[dict[str, object]] = {
    "password_hash": "",
    "failed": 0,
    "locked_until": "",
    "blocked": 0,
    "blocked_reason": "",
    "secret_sha256": "",
    "secret_until": "",
}
_ADD_OPERATOR = add_once(t.operators)
_CHANGE_OPERATOR = update(t.operators, "roles", "active")
_SET_PASSWORD = update(t.operators, "password_hash", "failed", "locked_until", "secret_sha256", "secret_until")
_SET_FAILED = update(t.operators, "failed", "locked_until")


@folds(k.OperatorAdded)
def _operator_added(header: Header, body: k.OperatorAdded) -> Ops:
    values = row(header, login=body.login, name=body.name, roles=" ".join(body.roles), active=1)
    yield _ADD_OPERATOR, {**values, **_NEW}


@folds(k.OperatorChanged)
def _operator_changed(header: Header, body: k.OperatorChanged) -> Ops:
    yield _CHANGE_OPERATOR, key(header, roles=" ".join(body.roles), active=int(body.active))


_NO_SECRET: Final = {"secret_sha256": "", "secret_until": ""}


@folds(k.OperatorPasswordSet)
def _operator_password_set(header: Header, body: k.OperatorPasswordSet) -> Ops:
    yield _SET_PASSWORD, key(header, password_hash=body.password_hash, failed=0, locked_until="", **_NO_SECRET)


@folds(k.OperatorUnlocked)
def _operator_unlocked(header: Header, _: k.OperatorUnlocked) -> Ops:
    yield _SET_FAILED, key(header, failed=0, locked_until="")


@folds(k.SessionRefused, About.EITHER)
def _session_refused(header: Header, body: k.SessionRefused) -> Ops:
    yield _SET_FAILED, key(header, failed=body.failed, locked_until=body.locked_until or "")


_ADD_SESSION = add_once(t.sessions)
_CLOSE_SESSION = update(t.sessions, "closed_at")


@folds(k.SessionOpened)
def _session_opened(header: Header, body: k.SessionOpened) -> Ops:
    yield (
        _ADD_SESSION,
        row(
            header,
            operator=header.by,
            role=body.role,
            counter=body.counter,
            opened_at=header.at,
            expires_at=body.expires_at,
            closed_at="",
        ),
    )


@folds(k.SessionClosed)
def _session_closed(header: Header, _: k.SessionClosed) -> Ops:
    yield _CLOSE_SESSION, key(header, closed_at=header.at)


# What central orders. An operator who was erased stays gone, and of two with one login the first one stays.
_OF = t.operators.alias("of_login")
_LOGIN_TAKEN = sa.exists(
    select(_OF.c.about).where(
        _OF.c.journal == bindparam("journal"), _OF.c.login == bindparam("login"), _OF.c.about != bindparam("about")
    )
)
_ERASED = sa.exists(
    select(t.erased.c.about).where(t.erased.c.journal == bindparam("journal"), t.erased.c.about == bindparam("about"))
)
_KNOWN = sa.exists(
    select(t.operators.c.about).where(
        t.operators.c.journal == bindparam("journal"), t.operators.c.about == bindparam("about")
    )
)
_COLUMNS: Final = tuple(t.operators.columns.keys())
_NAME = sa.insert(t.operators).from_select(
    _COLUMNS,
    select(*(bindparam(name, type_=t.operators.c[name].type) for name in _COLUMNS)).where(
        ~_LOGIN_TAKEN, ~_ERASED, ~_KNOWN
    ),
)
_CONFLICT: Final = tuple(t.conflicts.columns.keys())
_CONTEST = sa.insert(t.conflicts).from_select(
    _CONFLICT,
    select(*(bindparam(name, type_=sa.Text()) for name in _CONFLICT)).where(
        _LOGIN_TAKEN,
        ~sa.exists(
            select(t.conflicts.c.conflict).where(
                t.conflicts.c.journal == bindparam("journal"), t.conflicts.c.conflict == bindparam("conflict")
            )
        ),
    ),
)
_BLOCK = update(t.operators, "blocked", "blocked_reason")
_ROLES = update(t.operators, "roles")
_END_SESSIONS = (
    sa.update(t.sessions)
    .where(
        t.sessions.c.journal == bindparam("k_journal"),
        t.sessions.c.operator == bindparam("k_about"),
        t.sessions.c.closed_at == "",
    )
    .values(closed_at=bindparam("at"))
)


@folds(k.OperatorNamed, About.NOBODY, ORDER_FOLDS)
def _named(header: Header, body: k.OperatorNamed) -> Ops:
    who = {"journal": of_node(header), "about": body.operator, "login": body.login}
    known = {"name": body.name, "roles": " ".join(body.roles), "active": 1}
    yield _NAME, {**_NEW, **who, **known, "secret_sha256": body.secret_sha256, "secret_until": body.until}
    unsettled = {"settled_at": "", "settled_by": "", "settlement": ""}
    said = {"conflict": body.operator, "what": "login", "named": body.login, "detail": body.name}
    yield _CONTEST, {**who, **said, "found_at": header.at, **unsettled}


@folds(k.OperatorBlocked, About.NOBODY, ORDER_FOLDS)
def _blocked(header: Header, body: k.OperatorBlocked) -> Ops:
    who = {"k_journal": of_node(header), "k_about": body.operator}
    yield _BLOCK, {**who, "blocked": 1, "blocked_reason": body.reason}
    yield _END_SESSIONS, {**who, "at": header.at}


@folds(k.OperatorUnblocked, About.NOBODY, ORDER_FOLDS)
def _unblocked(header: Header, body: k.OperatorUnblocked) -> Ops:
    yield _BLOCK, {"k_journal": of_node(header), "k_about": body.operator, "blocked": 0, "blocked_reason": ""}


@folds(k.OperatorRolesOrdered, About.NOBODY, ORDER_FOLDS)
def _roles_ordered(header: Header, body: k.OperatorRolesOrdered) -> Ops:
    yield _ROLES, {"k_journal": of_node(header), "k_about": body.operator, "roles": " ".join(body.roles)}
