"""Money: shifts at a drawer, payments, and exemptions."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, folds, key, row, update
from appliance.records.folds.search import found_by
from appliance.records.statements import add_once

_ADD_SHIFT = add_once(t.shifts)
_COUNTED = update(t.shifts, "status", "expected_minor", "counted_minor", "notes", "reason")
_RESUMED = update(t.shifts, "status")
_TAKEN_OVER = update(t.shifts, "status", "to_shift", "ended_by", "ended_at", "ended_day")
_CLOSED = update(
    t.shifts, "status", "expected_minor", "counted_minor", "notes", "reason", "ended_by", "ended_at", "ended_day"
)


def _notes(notes: Sequence[k.NoteCount]) -> str:
    return json.dumps([[each.face_minor, each.count] for each in notes])


@folds(k.ShiftOpened)
def _shift_opened(header: Header, body: k.ShiftOpened) -> Ops:
    yield (
        _ADD_SHIFT,
        row(
            header,
            operator=header.by,
            counter=body.counter,
            currency=body.currency,
            status="open",
            float_minor=body.float_minor,
            from_shift=body.from_shift or "",
            day=body.day,
            opened_at=header.at,
            expected_minor=body.float_minor,
            counted_minor=body.float_minor,
            notes=_notes(body.notes),
            reason="",
            to_shift="",
            ended_by="",
            ended_at="",
            ended_day="",
        ),
    )


@folds(k.ShiftCounted)
def _shift_counted(header: Header, body: k.ShiftCounted) -> Ops:
    values = key(header, status="counted", expected_minor=body.expected_minor, counted_minor=body.counted_minor)
    yield _COUNTED, {**values, "notes": _notes(body.notes), "reason": body.reason}


@folds(k.ShiftResumed)
def _shift_resumed(header: Header, _: k.ShiftResumed) -> Ops:
    yield _RESUMED, key(header, status="open")


@folds(k.ShiftTakenOver)
def _shift_taken_over(header: Header, body: k.ShiftTakenOver) -> Ops:
    values = key(header, status="handed over", to_shift=body.to_shift)
    yield _TAKEN_OVER, {**values, "ended_by": header.by, "ended_at": header.at, "ended_day": body.day}


@folds(k.ShiftClosed)
def _shift_closed(header: Header, body: k.ShiftClosed) -> Ops:
    values = key(header, status="closed", expected_minor=body.expected_minor, counted_minor=body.counted_minor)
    values |= {"notes": _notes(body.notes), "reason": body.reason}
    yield _CLOSED, {**values, "ended_by": header.by, "ended_at": header.at, "ended_day": body.day}


_ADD_PAYMENT = add_once(t.payments)
_VOIDED = update(t.payments, "voided", "voided_by", "voided_at", "voided_day", "void_reason")
_ADD_REFUND = add_once(t.refunds)
_REFUNDED = (
    sa.update(t.payments)
    .where(t.where_key(t.payments))
    .values(refunded_minor=t.payments.c.refunded_minor + bindparam("more_minor"))
)


@folds(k.PaymentTaken)
def _payment_taken(header: Header, body: k.PaymentTaken) -> Ops:
    lines = [[each.code, each.label, each.minor] for each in body.lines]
    yield (
        _ADD_PAYMENT,
        row(
            header,
            receipt=body.receipt,
            application=body.application,
            tracking=body.tracking,
            service=body.service,
            payer=body.payer,
            lines=json.dumps(lines, ensure_ascii=False),
            total_minor=body.total_minor,
            currency=body.currency,
            mode=body.mode,
            reference=body.reference,
            shift=body.shift or "",
            day=body.day,
            taken_by=header.by,
            taken_at=header.at,
            voided=0,
            voided_by="",
            voided_at="",
            voided_day="",
            void_reason="",
            refunded_minor=0,
        ),
    )
    yield from found_by(header, "payment", title=f"{body.receipt} {body.tracking} {body.reference}", more=body.payer)


@folds(k.PaymentVoided)
def _payment_voided(header: Header, body: k.PaymentVoided) -> Ops:
    values = key(header, voided=1, voided_by=header.by, voided_at=header.at)
    yield _VOIDED, {**values, "voided_day": body.day, "void_reason": body.reason}


@folds(k.PaymentRefunded)
def _payment_refunded(header: Header, body: k.PaymentRefunded) -> Ops:
    yield _REFUNDED, key(header, more_minor=body.minor)
    yield (
        _ADD_REFUND,
        row(
            header,
            seq=header.seq,
            minor=body.minor,
            mode=body.mode,
            reference=body.reference,
            shift=body.shift or "",
            reason=body.reason,
            day=body.day,
            given_by=header.by,
            given_at=header.at,
        ),
    )


_ADD_EXEMPTION = add_once(t.exemptions)
_DECIDE_EXEMPTION = update(t.exemptions, "status", "decided_by", "decided_at", "remark")


@folds(k.ExemptionAsked)
def _exemption_asked(header: Header, body: k.ExemptionAsked) -> Ops:
    yield (
        _ADD_EXEMPTION,
        row(
            header,
            application=body.application,
            exemption=body.exemption,
            reason=body.reason,
            minor=body.minor,
            currency=body.currency,
            status="asked",
            asked_by=header.by,
            asked_at=header.at,
            decided_by="",
            decided_at="",
            remark="",
        ),
    )


def _decided(header: Header, status: str, remark: str) -> Ops:
    yield _DECIDE_EXEMPTION, key(header, status=status, decided_by=header.by, decided_at=header.at, remark=remark)


@folds(k.ExemptionApproved)
def _exemption_approved(header: Header, body: k.ExemptionApproved) -> Ops:
    return _decided(header, "approved", body.remark)


@folds(k.ExemptionRefused)
def _exemption_refused(header: Header, body: k.ExemptionRefused) -> Ops:
    return _decided(header, "refused", body.reason)
