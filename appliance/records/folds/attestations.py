"""Attestations."""

from __future__ import annotations

import json

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, folds, key, row, update
from appliance.records.statements import add_once

_ATTEST = add_once(t.attestations)
_WITHDRAW = update(t.attestations, "withdrawn_at", "withdrawn_reason")


@folds(k.AttestationMade)
def _attestation_made(header: Header, body: k.AttestationMade) -> Ops:
    yield (
        _ATTEST,
        row(
            header,
            application=body.application,
            person=body.person,
            facts=json.dumps(body.facts, ensure_ascii=False),
            paper_kind=body.paper_kind,
            paper=body.paper,
            scan_sha256=body.scan_sha256,
            original=body.original,
            valid_until=body.valid_until,
            by=header.by,
            at=header.at,
            withdrawn_at="",
            withdrawn_reason="",
        ),
    )


@folds(k.AttestationWithdrawn)
def _attestation_withdrawn(header: Header, body: k.AttestationWithdrawn) -> Ops:
    yield _WITHDRAW, key(header, withdrawn_at=header.at, withdrawn_reason=body.reason)
