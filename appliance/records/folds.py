"""The fold: what each kind of entry does to the tables, as values.

One function a kind, from an entry and its body to operations (a statement and its parameters); nothing is executed
here and nothing else is read: no clock, no catalogue, no table. The same functions fold at the node and at central.

A function touches rows of the entry's own subject only, so that erasing a subject is deleting its rows. A kind about
nobody in particular (`-`) may touch the rows of the journal itself: such an entry is never erased. What spans subjects
is in `header_ops`, and made of the header alone. Tests hold each of these.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.journal.ids import NOBODY
from appliance.records import tables as t
from appliance.records.statements import add_once

# Raise it when a fold function changes; a changed table is noticed by itself.
FOLD_VERSION: Final = 2

Op = tuple[sa.Executable, dict[str, object]]
Ops = Iterator[Op]
B = TypeVar("B", bound=k.Body)


class About(Enum):
    """What entries of a kind are about."""

    SOMEBODY = "somebody"
    NOBODY = "nobody"
    EITHER = "either"


class Fold(NamedTuple):
    """How one kind is folded."""

    ops: Callable[[Header, Any], Ops]
    about: About
    by_header: bool = False
    """Whether the header alone says it all, so that it counts even where the body is gone, or not of its form."""

    def suits(self, header: Header) -> bool:
        """Whether the entry is about what its kind is about; another one folds to nothing."""
        return self.about is About.EITHER or (self.about is About.NOBODY) == (header.about == NOBODY)


FOLDS: Final[dict[str, Fold]] = {}
"""The kinds that a node writes."""
ORDER_FOLDS: Final[dict[str, Fold]] = {}
"""The kinds that central writes into the orders for a node; in a node's own journal they say nothing."""


def _folds(
    body: type[B], about: About = About.SOMEBODY, into: dict[str, Fold] = FOLDS, *, by_header: bool = False
) -> Callable[[Callable[[Header, B], Ops]], Callable[[Header, B], Ops]]:
    def register(function: Callable[[Header, B], Ops]) -> Callable[[Header, B], Ops]:
        into[body.KIND] = Fold(function, about, by_header)
        return function

    return register


def _update(table: sa.Table, *columns: str) -> sa.Executable:
    return sa.update(table).where(t.where_key(table)).values({name: bindparam(name) for name in columns})


def _row(header: Header, **values: object) -> dict[str, object]:
    return {"journal": header.journal, "about": header.about, **values}


def _key(header: Header, **values: object) -> dict[str, object]:
    return {"k_journal": header.journal, "k_about": header.about, **values}


ADD_TO_TIMELINE: Final = add_once(t.timeline)
_ADD_BLOB: Final = add_once(t.blobs)
_ADD_UNREADABLE: Final = add_once(t.unreadable)
_ADD_ERASED: Final = add_once(t.erased)
_FORGET: Final = tuple(sa.delete(table).where(t.where_key(table)) for table in t.OF_A_SUBJECT)
_START_YEAR: Final = add_once(t.tallies)
_COUNT_IN_YEAR: Final = (
    sa.update(t.tallies)
    .where(t.tallies.c.journal == bindparam("k_journal"), t.tallies.c.year == bindparam("k_year"))
    .values(submitted=t.tallies.c.submitted + 1)
)
_FORGIVE: Final = sa.update(t.operators).where(t.where_key(t.operators)).values(failed=0, locked_until="")


def timeline_row(header: Header) -> dict[str, object]:
    """Every entry's line in the timeline, made of its header alone."""
    return _row(header, seq=header.seq, kind=header.kind, at=header.at, by=header.by)


def header_ops(header: Header) -> Ops:
    """What an entry does beside its own subject's rows; it may only use its header, which is never erased."""
    if header.kind == k.SessionOpened.KIND:
        # Signing in forgives earlier wrong passwords.
        yield _FORGIVE, {"k_journal": header.journal, "k_about": header.by}
    elif header.kind == k.ApplicationSubmitted.KIND:
        year = header.at[:4]
        yield _START_YEAR, {"journal": header.journal, "year": year, "submitted": 0}
        yield _COUNT_IN_YEAR, {"k_journal": header.journal, "k_year": year}


def blob_ops(header: Header) -> Ops:
    """The blobs that an entry names."""
    for digest in header.blobs:
        yield _ADD_BLOB, _row(header, digest=digest, seq=header.seq)


def unreadable_ops(header: Header) -> Ops:
    """An entry whose body or subject does not fit its kind."""
    yield _ADD_UNREADABLE, _row(header, seq=header.seq, kind=header.kind)


@_folds(k.SubjectErased, by_header=True)
def _subject_erased(header: Header, _: k.SubjectErased | None) -> Ops:
    for forget in _FORGET:
        yield forget, _key(header)
    yield _ADD_ERASED, _row(header, seq=header.seq, at=header.at)


_ADD_CENTRE = add_once(t.centres)


@_folds(k.JournalOpened, About.NOBODY)
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


@_folds(k.NodeStarted, About.NOBODY)
def _node_started(header: Header, body: k.NodeStarted) -> Ops:
    yield _SET_SOFTWARE, {"k_journal": header.journal, "software": body.software}


_DROP_ORDERS_STATE = sa.delete(t.orders_state).where(t.orders_state.c.journal == bindparam("k_journal"))
_ADD_ORDERS_STATE = add_once(t.orders_state)


@_folds(k.OrdersApplied, About.NOBODY)
def _orders_applied(header: Header, body: k.OrdersApplied) -> Ops:
    yield _DROP_ORDERS_STATE, {"k_journal": header.journal}
    yield _ADD_ORDERS_STATE, {"journal": header.journal, "size": body.size, "root": body.root}


_ADD_OPERATOR = add_once(t.operators)
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


@_folds(k.SessionRefused, About.EITHER)
def _session_refused(header: Header, body: k.SessionRefused) -> Ops:
    yield _SET_FAILED, _key(header, failed=body.failed, locked_until=body.locked_until or "")


_ADD_SESSION = add_once(t.sessions)
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


_ADD_PERSON = add_once(t.people)


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


_ADD_APPLICATION = add_once(t.applications)
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


_SET_STATUS = _update(t.applications, "status")


@_folds(k.ApplicationResubmitted)
def _application_resubmitted(header: Header, _: k.ApplicationResubmitted) -> Ops:
    yield _SET_STATUS, _key(header, status="submitted")


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


_ADD_PAPER = add_once(t.papers)


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


@_folds(k.OrdersOpened, About.NOBODY, ORDER_FOLDS)
def _orders_opened(_: Header, __: k.OrdersOpened) -> Ops:
    return iter(())


_ADD_BLOCK = add_once(t.number_blocks)


@_folds(k.NumbersLeased, About.NOBODY, ORDER_FOLDS)
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
