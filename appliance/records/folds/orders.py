"""Central's orders, and what nodes and people make of those that are not simply so.

What a citizen's application has to do with an order hangs on the application: where that was erased, so is the order's
row, and it stays gone.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.journal.ids import NOBODY
from appliance.records import tables as t
from appliance.records.folds.base import ORDER_FOLDS, About, Op, Ops, folds, of_node
from appliance.records.statements import add_once, add_or_set

_GIVEN = add_once(t.given_orders)


def given(header: Header) -> Op:
    """An order that holds from here on, of whatever kind."""
    return _GIVEN, {"journal": of_node(header), "seq": header.seq, "kind": header.kind, "at": header.at}


@folds(k.OrdersOpened, About.NOBODY, ORDER_FOLDS)
def _orders_opened(_: Header, __: k.OrdersOpened) -> Ops:
    return iter(())


_ADD_BLOCK = add_once(t.number_blocks)


@folds(k.NumbersLeased, About.NOBODY, ORDER_FOLDS)
def _numbers_leased(header: Header, body: k.NumbersLeased) -> Ops:
    yield (
        _ADD_BLOCK,
        {
            "journal": of_node(header),
            "prefix": body.prefix,
            "first": body.first,
            "last": body.last,
            "leased": header.seq,
        },
    )


# Services

_ADD_FILE = add_once(t.service_files)
_ADD_SERVICE = add_once(t.services)


@folds(k.ServicePublished, About.NOBODY, ORDER_FOLDS)
def _service_published(header: Header, body: k.ServicePublished) -> Ops:
    said = {"journal": of_node(header), "service": body.service, "digest": body.digest}
    yield _ADD_FILE, {**said, "by": "central", "seq": header.seq}
    yield _ADD_SERVICE, {**said, "version": body.version, "at": header.at}


@folds(k.ServiceWithdrawn, About.NOBODY, ORDER_FOLDS)
def _service_withdrawn(header: Header, body: k.ServiceWithdrawn) -> Ops:
    said = {"journal": of_node(header), "service": body.service, "version": body.version}
    yield _ADD_SERVICE, {**said, "digest": "", "at": header.at}


@folds(k.ServiceUsed, About.NOBODY)
def _service_used(header: Header, body: k.ServiceUsed) -> Ops:
    said = {"journal": header.journal, "service": body.service, "digest": body.digest}
    yield _ADD_FILE, {**said, "by": "node", "seq": header.seq}


# Settings

_SET = add_or_set(t.ordered_settings, "value", "seq", "at")
_RELEASE = sa.delete(t.ordered_settings).where(
    t.ordered_settings.c.journal == bindparam("k_journal"), t.ordered_settings.c.name == bindparam("k_name")
)


@folds(k.SettingOrdered, About.NOBODY, ORDER_FOLDS)
def _setting_ordered(header: Header, body: k.SettingOrdered) -> Ops:
    said = {"journal": of_node(header), "name": body.name, "value": body.value}
    yield _SET, {**said, "seq": header.seq, "at": header.at}


@folds(k.SettingReleased, About.NOBODY, ORDER_FOLDS)
def _setting_released(header: Header, body: k.SettingReleased) -> Ops:
    yield _RELEASE, {"k_journal": of_node(header), "k_name": body.name}


# Quarantine

_HOLD = add_or_set(t.quarantines, "since", "cause", "reason", "by", "seq")
_RELEASE_NODE = sa.delete(t.quarantines).where(t.quarantines.c.journal == bindparam("k_journal"))


@folds(k.NodeQuarantined, About.NOBODY, ORDER_FOLDS)
def _node_quarantined(header: Header, body: k.NodeQuarantined) -> Ops:
    said = {"since": header.at, "cause": body.cause, "reason": body.reason, "by": body.by}
    yield _HOLD, {"journal": of_node(header), **said, "seq": header.seq}


@folds(k.NodeReleased, About.NOBODY, ORDER_FOLDS)
def _node_released(header: Header, _: k.NodeReleased) -> Ops:
    yield _RELEASE_NODE, {"k_journal": of_node(header)}


# Public lists

_ADD_LISTS = add_once(t.ordered_lists)


@folds(k.ListsPublished, About.NOBODY, ORDER_FOLDS)
def _lists_published(header: Header, body: k.ListsPublished) -> Ops:
    said = {"number": body.number, "made_at": body.made_at, "digest": body.sha256}
    yield _ADD_LISTS, {"journal": of_node(header), **said}


# Decisions

_COLUMNS: Final = tuple(t.decisions.columns.keys())
_THERE = sa.exists(
    select(t.applications.c.about).where(
        t.applications.c.journal == bindparam("journal"), t.applications.c.about == bindparam("about")
    )
)
_KNOWN = sa.exists(
    select(t.decisions.c.decision).where(
        t.decisions.c.journal == bindparam("journal"),
        t.decisions.c.about == bindparam("about"),
        t.decisions.c.decision == bindparam("decision"),
    )
)
_DECIDE = sa.insert(t.decisions).from_select(
    _COLUMNS,
    select(*(bindparam(name, type_=t.decisions.c[name].type) for name in _COLUMNS)).where(_THERE, ~_KNOWN),
)


def _moves(*states: str) -> sa.Executable:
    """Move a decision on, from one of these states only."""
    return (
        sa.update(t.decisions)
        .where(
            t.where_key(t.decisions),
            t.decisions.c.decision == bindparam("k_decision"),
            sa.or_(*(t.decisions.c.state == state for state in states)),
        )
        .values(
            state=bindparam("new_state"),
            reason=sa.func.coalesce(sa.func.nullif(bindparam("why", type_=sa.Text()), ""), t.decisions.c.reason),
            ended_at=bindparam("at"),
            settled_by=bindparam("who"),
            settlement=bindparam("how"),
        )
    )


_FROM_OPEN = _moves("open")
_FROM_EITHER = _moves("open", "contested")


@folds(k.DecisionGiven, About.NOBODY, ORDER_FOLDS)
def _decision_given(header: Header, body: k.DecisionGiven) -> Ops:
    named = {"journal": of_node(header), "about": body.application, "decision": body.decision}
    said = {"decides": body.decides, "office": body.office, "step": body.step, "outcome": body.outcome}
    more = {"reference": body.reference, "remark": body.remark, "decided_by": body.decided_by}
    later = {"state": "open", "reason": "", "ended_at": "", "settled_by": "", "settlement": ""}
    yield _DECIDE, {**named, **said, **more, "given_at": header.at, "seq": header.seq, **later}


@folds(k.DecisionWithdrawn, About.NOBODY, ORDER_FOLDS)
def _decision_withdrawn(header: Header, body: k.DecisionWithdrawn) -> Ops:
    named = {"k_journal": of_node(header), "k_about": body.application, "k_decision": body.decision}
    yield _FROM_EITHER, {**named, **_moved(header, "withdrawn", how=body.reason)}


@folds(k.DecisionCarriedOut)
def _decision_carried_out(header: Header, body: k.DecisionCarriedOut) -> Ops:
    yield _FROM_EITHER, {**_of_case(header, body.decision), **_moved(header, "carried out")}


@folds(k.DecisionContested)
def _decision_contested(header: Header, body: k.DecisionContested) -> Ops:
    yield _FROM_OPEN, {**_of_case(header, body.decision), **_moved(header, "contested", why=body.reason)}


def _of_case(header: Header, decision: str) -> dict[str, object]:
    return {"k_journal": header.journal, "k_about": header.about, "k_decision": decision}


def _moved(header: Header, state: str, *, why: str = "", how: str = "") -> dict[str, object]:
    return {"new_state": state, "why": why, "at": header.at, "who": header.by, "how": how}


# What only people can settle

_DISPUTE = add_once(t.conflicts)
_SETTLE = (
    sa.update(t.conflicts)
    .where(
        t.conflicts.c.journal == bindparam("k_journal"),
        t.conflicts.c.conflict == bindparam("k_conflict"),
        t.conflicts.c.settled_at == "",
    )
    .values(settled_at=bindparam("at"), settled_by=bindparam("who"), settlement=bindparam("how"))
)


@folds(k.NumberDisputed, About.NOBODY, ORDER_FOLDS)
def _number_disputed(header: Header, body: k.NumberDisputed) -> Ops:
    said = {"conflict": body.conflict, "what": "number", "named": body.number, "detail": body.other_centre}
    unsettled = {"settled_at": "", "settled_by": "", "settlement": ""}
    yield _DISPUTE, {"journal": of_node(header), **said, "found_at": header.at, **unsettled}


@folds(k.ConflictClosed, About.NOBODY, ORDER_FOLDS)
def _conflict_closed(header: Header, body: k.ConflictClosed) -> Ops:
    named = {"k_journal": of_node(header), "k_conflict": body.conflict}
    yield _SETTLE, {**named, "at": header.at, "who": header.by, "how": body.how}


@folds(k.ConflictSettled, About.EITHER)
def _conflict_settled(header: Header, body: k.ConflictSettled) -> Ops:
    if header.about == NOBODY:
        named = {"k_journal": header.journal, "k_conflict": body.conflict}
        yield _SETTLE, {**named, "at": header.at, "who": header.by, "how": body.how}
    else:
        yield _FROM_EITHER, {**_of_case(header, body.conflict), **_moved(header, "settled", how=body.how)}
