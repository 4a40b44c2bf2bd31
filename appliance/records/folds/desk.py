"""Complaints and slips."""

from __future__ import annotations

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import About, Ops, folds, key, row, update
from appliance.records.folds.search import first_words, found_by
from appliance.records.statements import add_once, add_or_set

_COMPLAIN = add_once(t.complaints)
_ANSWER = update(t.complaints, "answer", "answered_by", "answered_at")


@folds(k.ComplaintMade)
def _complaint_made(header: Header, body: k.ComplaintMade) -> Ops:
    said = {"application": body.application, "complaint": body.complaint, "name": body.name}
    answer = {"answer": "", "answered_by": "", "answered_at": ""}
    yield _COMPLAIN, row(header, **said, **answer, made_by=header.by, made_at=header.at)
    yield from found_by(header, "complaint", name=body.name, more=first_words(body.complaint))


@folds(k.ComplaintAnswered)
def _complaint_answered(header: Header, body: k.ComplaintAnswered) -> Ops:
    yield _ANSWER, key(header, answer=body.answer, answered_by=header.by, answered_at=header.at)


_RESERVE = add_once(t.slip_blocks)
_USE = add_or_set(t.slips, "application", "used_at")


@folds(k.SlipsReserved, About.NOBODY)
def _slips_reserved(header: Header, body: k.SlipsReserved) -> Ops:
    yield (
        _RESERVE,
        {"journal": header.journal, "first": body.first, "last": body.last, "reserved_at": header.at},
    )


@folds(k.SlipsUsed, About.NOBODY)
def _slips_used(header: Header, body: k.SlipsUsed) -> Ops:
    yield (
        _USE,
        {"journal": header.journal, "number": body.number, "application": body.application, "used_at": header.at},
    )
