"""What was put on paper, and what citizens signed."""

from __future__ import annotations

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, folds, key, row, update
from appliance.records.statements import add_once

_ADD_PRINT = add_once(t.prints)
_END_PRINT = update(t.prints, "state", "detail", "ended_at")


@folds(k.PrintIntended)
def _intended(header: Header, body: k.PrintIntended) -> Ops:
    yield (
        _ADD_PRINT,
        row(
            header,
            seq=header.seq,
            what=body.what,
            of=body.of,
            number=body.number,
            printer=body.printer,
            copy=body.copy,
            reason=body.reason,
            simulated=int(body.simulated),
            state="intended",
            detail="",
            by=header.by,
            intended_at=header.at,
            ended_at="",
        ),
    )


@folds(k.PrintConfirmed)
def _confirmed(header: Header, body: k.PrintConfirmed) -> Ops:
    yield _END_PRINT, key(header, state="printed", detail=f"said by the {body.said_by}", ended_at=header.at)


@folds(k.PrintUnknown)
def _unknown(header: Header, body: k.PrintUnknown) -> Ops:
    yield _END_PRINT, key(header, state="unknown", detail=body.detail, ended_at=header.at)


@folds(k.PrintFailed)
def _failed(header: Header, body: k.PrintFailed) -> Ops:
    yield _END_PRINT, key(header, state=body.end, detail=body.detail, ended_at=header.at)


_ADD_SIGNATURE = add_once(t.signatures)


@folds(k.SignatureTaken)
def _signature_taken(header: Header, body: k.SignatureTaken) -> Ops:
    yield (
        _ADD_SIGNATURE,
        row(
            header,
            signature=body.signature,
            signed_by=body.signed_by,
            purpose=body.purpose,
            document_sha256=body.document_sha256,
            binding=body.binding,
            pad=body.pad,
            simulated=int(body.simulated),
            digest=header.blobs[0] if header.blobs else "",
            taken_at=header.at,
        ),
    )
