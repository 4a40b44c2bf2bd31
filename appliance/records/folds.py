"""The fold: what each kind of entry does to the tables, as values.

One function a kind, from an entry and its body to operations (a statement and its parameters); nothing is executed
here and nothing else is read: no clock, no catalogue, no table. The same functions fold at the node and at central.
A function may only touch rows of the entry's own subject, so that erasing a subject is deleting its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import bindparam
from sqlalchemy.dialects.sqlite import insert

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t

# Raise it when a fold function changes; a changed table is noticed by itself.
FOLD_VERSION: Final = 1

Op = tuple[sa.Executable, dict[str, object]]
Ops = Iterator[Op]
B = TypeVar("B", bound=k.Body)

FOLDS: Final[dict[str, Callable[[Header, Any], Ops]]] = {}


def _folds(body: type[B]) -> Callable[[Callable[[Header, B], Ops]], Callable[[Header, B], Ops]]:
    def register(function: Callable[[Header, B], Ops]) -> Callable[[Header, B], Ops]:
        FOLDS[body.KIND] = function
        return function

    return register


def _add(table: sa.Table) -> sa.Executable:
    # A second row under one key says nothing, so that no journal, however wrong, can stop a fold.
    return insert(table).on_conflict_do_nothing()


def _update(table: sa.Table, *columns: str) -> sa.Executable:
    return sa.update(table).where(t.where_key(table)).values({name: bindparam(name) for name in columns})


def _row(header: Header, **values: object) -> dict[str, object]:
    return {"journal": header.journal, "about": header.about, **values}


def _key(header: Header, **values: object) -> dict[str, object]:
    return {"k_journal": header.journal, "k_about": header.about, **values}


ADD_TO_TIMELINE: Final = _add(t.timeline)
_ADD_BLOB = _add(t.blobs)
_ADD_ERASED = _add(t.erased)
_FORGET: Final = tuple(sa.delete(table).where(t.where_key(table)) for table in t.OF_A_SUBJECT)


def timeline_row(header: Header) -> dict[str, object]:
    """Every entry's line in the timeline, made of its header alone."""
    return _row(header, seq=header.seq, kind=header.kind, at=header.at, by=header.by)


# Signing in forgives earlier wrong passwords: known from the header, so that erasing a session changes nothing here.
_FORGIVE: Final = (
    sa.update(t.operators)
    .where(t.operators.c.journal == bindparam("k_journal"), t.operators.c.about == bindparam("k_about"))
    .values(failed=0, locked_until="")
)


def header_ops(header: Header) -> Ops:
    """What an entry does to other subjects' rows; it may only use its header, which is never erased."""
    if header.kind == k.SessionOpened.KIND:
        yield _FORGIVE, {"k_journal": header.journal, "k_about": header.by}


def blob_ops(header: Header) -> Ops:
    """The blobs that an entry names, made of its header alone."""
    for digest in header.blobs:
        yield _ADD_BLOB, _row(header, digest=digest, seq=header.seq)


_ADD_UNREADABLE = _add(t.unreadable)


def unreadable_ops(header: Header) -> Ops:
    """An entry whose body is not of its kind's form."""
    yield _ADD_UNREADABLE, {"journal": header.journal, "seq": header.seq, "kind": header.kind}


@_folds(k.SubjectErased)
def _subject_erased(header: Header, _: k.SubjectErased) -> Ops:
    for forget in _FORGET:
        yield forget, _key(header)
    yield _ADD_ERASED, _row(header, seq=header.seq, at=header.at)


_ADD_CENTRE = _add(t.centres)


@_folds(k.JournalOpened)
def _journal_opened(header: Header, body: k.JournalOpened) -> Ops:
    yield (
        _ADD_CENTRE,
        {
            "journal": header.journal,
            "centre": body.centre,
            "centre_name": body.centre_name,
            "software": body.software,
            "opened_at": header.at,
        },
    )


_SET_SOFTWARE = (
    sa.update(t.centres).where(t.centres.c.journal == bindparam("k_journal")).values(software=bindparam("software"))
)


@_folds(k.NodeStarted)
def _node_started(header: Header, body: k.NodeStarted) -> Ops:
    yield _SET_SOFTWARE, {"k_journal": header.journal, "software": body.software}


_DROP_ORDERS_STATE = sa.delete(t.orders_state).where(t.orders_state.c.journal == bindparam("k_journal"))
_ADD_ORDERS_STATE = _add(t.orders_state)


@_folds(k.OrdersApplied)
def _orders_applied(header: Header, body: k.OrdersApplied) -> Ops:
    yield _DROP_ORDERS_STATE, {"k_journal": header.journal}
    yield _ADD_ORDERS_STATE, {"journal": header.journal, "size": body.size, "root": body.root}


_ADD_OPERATOR = _add(t.operators)
_CHANGE_OPERATOR = _update(t.operators, "roles", "active")
_SET_PASSWORD = _update(t.operators, "password_hash", "failed", "locked_until")
_SET_FAILED = _update(t.operators, "failed", "locked_until")


@_folds(k.OperatorAdded)
def _operator_added(header: Header, body: k.OperatorAdded) -> Ops:
    row = _row(header, login=body.login, name=body.name, roles=" ".join(body.roles), active=1)
    yield _ADD_OPERATOR, {**row, "password_hash": "", "failed": 0, "locked_until": ""}


@_folds(k.OperatorChanged)
def _operator_changed(header: Header, body: k.OperatorChanged) -> Ops:
    yield _CHANGE_OPERATOR, _key(header, roles=" ".join(body.roles), active=int(body.active))


@_folds(k.OperatorPasswordSet)
def _operator_password_set(header: Header, body: k.OperatorPasswordSet) -> Ops:
    yield _SET_PASSWORD, _key(header, password_hash=body.password_hash, failed=0, locked_until="")


@_folds(k.OperatorUnlocked)
def _operator_unlocked(header: Header, _: k.OperatorUnlocked) -> Ops:
    yield _SET_FAILED, _key(header, failed=0, locked_until="")


@_folds(k.SessionRefused)
def _session_refused(header: Header, body: k.SessionRefused) -> Ops:
    yield _SET_FAILED, _key(header, failed=body.failed, locked_until=body.locked_until or "")


_ADD_SESSION = _add(t.sessions)
_CLOSE_SESSION = _update(t.sessions, "closed_at")


@_folds(k.SessionOpened)
def _session_opened(header: Header, body: k.SessionOpened) -> Ops:
    yield (
        _ADD_SESSION,
        _row(
            header,
            operator=header.by,
            role=body.role,
            counter=body.counter,
            opened_at=header.at,
            expires_at=body.expires_at,
            closed_at="",
        ),
    )


@_folds(k.SessionClosed)
def _session_closed(header: Header, _: k.SessionClosed) -> Ops:
    yield _CLOSE_SESSION, _key(header, closed_at=header.at)


_ADD_PERSON = _add(t.people)


@_folds(k.PersonAdded)
def _person_added(header: Header, body: k.PersonAdded) -> Ops:
    yield (
        _ADD_PERSON,
        _row(
            header,
            name=body.name,
            name_native=body.name_native,
            born=body.born,
            identity_kind=body.identity_kind,
            identity_number=body.identity_number,
            added_at=header.at,
        ),
    )


_ADD_APPLICATION = _add(t.applications)
_DECIDE = _update(t.applications, "status", "decided_by", "decided_at", "remark")


@_folds(k.ApplicationSubmitted)
def _application_submitted(header: Header, body: k.ApplicationSubmitted) -> Ops:
    yield (
        _ADD_APPLICATION,
        _row(
            header,
            tracking=body.tracking,
            service=body.service,
            applicant=body.applicant,
            fields=json.dumps(body.fields, ensure_ascii=False),
            status="submitted",
            submitted_at=header.at,
            due=body.due,
            decided_by="",
            decided_at="",
            remark="",
        ),
    )


def _decided(header: Header, status: str, remark: str) -> Ops:
    yield _DECIDE, _key(header, status=status, decided_by=header.by, decided_at=header.at, remark=remark)


@_folds(k.ApplicationApproved)
def _application_approved(header: Header, body: k.ApplicationApproved) -> Ops:
    return _decided(header, "approved", body.remark)


@_folds(k.ApplicationReturned)
def _application_returned(header: Header, body: k.ApplicationReturned) -> Ops:
    return _decided(header, "returned", body.reason)


@_folds(k.ApplicationRejected)
def _application_rejected(header: Header, body: k.ApplicationRejected) -> Ops:
    return _decided(header, "rejected", body.reason)


_ADD_PAPER = _add(t.papers)


@_folds(k.PaperAdded)
def _paper_added(header: Header, body: k.PaperAdded) -> Ops:
    yield (
        _ADD_PAPER,
        _row(
            header,
            paper=body.paper,
            label=body.label,
            media_type=body.media_type,
            size=body.size,
            sha256=body.sha256,
            digest=header.blobs[0] if header.blobs else "",
            added_at=header.at,
        ),
    )


@_folds(k.OrdersOpened)
def _orders_opened(_: Header, __: k.OrdersOpened) -> Ops:
    return iter(())


_ADD_BLOCK = _add(t.number_blocks)


@_folds(k.NumbersLeased)
def _numbers_leased(header: Header, body: k.NumbersLeased) -> Ops:
    yield (
        _ADD_BLOCK,
        {
            "journal": header.journal.removesuffix(".orders"),
            "prefix": body.prefix,
            "first": body.first,
            "last": body.last,
        },
    )
