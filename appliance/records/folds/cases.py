"""Applications and papers."""

from __future__ import annotations

import json

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, folds, key, row, update
from appliance.records.folds.search import answers, found_by
from appliance.records.statements import add_once

_ADD_APPLICATION = add_once(t.applications)
_DECIDE = update(t.applications, "status", "decided_by", "decided_at", "remark")


@folds(k.ApplicationSubmitted)
def _application_submitted(header: Header, body: k.ApplicationSubmitted) -> Ops:
    yield (
        _ADD_APPLICATION,
        row(
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
    yield from found_by(header, "application", number=body.tracking, more=answers(body.fields))


_SET_STATUS = update(t.applications, "status")


@folds(k.ApplicationResubmitted)
def _application_resubmitted(header: Header, _: k.ApplicationResubmitted) -> Ops:
    yield _SET_STATUS, key(header, status="submitted")


def _decided(header: Header, status: str, remark: str) -> Ops:
    yield _DECIDE, key(header, status=status, decided_by=header.by, decided_at=header.at, remark=remark)


@folds(k.ApplicationApproved)
def _application_approved(header: Header, body: k.ApplicationApproved) -> Ops:
    return _decided(header, "approved", body.remark)


@folds(k.ApplicationReturned)
def _application_returned(header: Header, body: k.ApplicationReturned) -> Ops:
    return _decided(header, "returned", body.reason)


@folds(k.ApplicationRejected)
def _application_rejected(header: Header, body: k.ApplicationRejected) -> Ops:
    return _decided(header, "rejected", body.reason)


_ADD_PAPER = add_once(t.papers)


@folds(k.PaperAdded)
def _paper_added(header: Header, body: k.PaperAdded) -> Ops:
    yield (
        _ADD_PAPER,
        row(
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
