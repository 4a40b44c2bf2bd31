"""Operators and their sessions."""

from __future__ import annotations

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import About, Ops, folds, key, row, update
from appliance.records.statements import add_once

_ADD_OPERATOR = add_once(t.operators)
_CHANGE_OPERATOR = update(t.operators, "roles", "active")
_SET_PASSWORD = update(t.operators, "password_hash", "failed", "locked_until")
_SET_FAILED = update(t.operators, "failed", "locked_until")


@folds(k.OperatorAdded)
def _operator_added(header: Header, body: k.OperatorAdded) -> Ops:
    values = row(header, login=body.login, name=body.name, roles=" ".join(body.roles), active=1)
    yield _ADD_OPERATOR, {**values, "password_hash": "", "failed": 0, "locked_until": ""}


@folds(k.OperatorChanged)
def _operator_changed(header: Header, body: k.OperatorChanged) -> Ops:
    yield _CHANGE_OPERATOR, key(header, roles=" ".join(body.roles), active=int(body.active))


@folds(k.OperatorPasswordSet)
def _operator_password_set(header: Header, body: k.OperatorPasswordSet) -> Ops:
    yield _SET_PASSWORD, key(header, password_hash=body.password_hash, failed=0, locked_until="")


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
