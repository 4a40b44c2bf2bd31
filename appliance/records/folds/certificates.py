"""Certificates after they were issued. What ended once stays as it ended, whatever is written later."""

from __future__ import annotations

from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, folds, key, row, update
from appliance.records.folds.search import answers, found_also_by, found_instead_by
from appliance.records.statements import add_once

VALID: Final = "valid"
CORRECTED: Final = "correction"
"""The code of the reason for which a certificate is superseded."""

_NOT_ENDED: Final[dict[str, object]] = {
    "level": "",
    "raised_blob": "",
    "raised_sha256": "",
    "stamped_at": "",
    "replaced_by": "",
    "ended_at": "",
    "ended_by": "",
    "reason_code": "",
    "reason": "",
}
_ADD: Final = add_once(t.certificates)
_ENDING: Final = ("state", "replaced_by", "ended_at", "ended_by", "reason_code", "reason")
_END: Final = (
    sa.update(t.certificates)
    .where(
        t.where_key(t.certificates),
        t.certificates.c.number == bindparam("k_number"),
        t.certificates.c.state == VALID,
    )
    .values({name: bindparam(name) for name in _ENDING})
)


def issued(header: Header, body: k.ApplicationIssued | k.CertificateCorrected, replaces: str = "") -> Ops:
    """A certificate that holds from now on."""
    values = {
        "state": VALID,
        "issued_on": body.issued_on,
        "expires_on": body.expires_on,
        "issued_at": header.at,
        "blob": header.blobs[0] if header.blobs else "",
        "record_sha256": body.record_sha256,
        "pdf_sha256": body.pdf_sha256,
        "replaces": replaces,
    }
    yield _ADD, row(header, number=body.number, **values, **_NOT_ENDED)


def _ended(header: Header, number: str, state: str, code: str, reason: str, by: str = "") -> Ops:
    values = {"state": state, "replaced_by": by, "reason_code": code, "reason": reason}
    yield _END, key(header, k_number=number, ended_at=header.at, ended_by=header.by, **values)


_ASK: Final = add_once(t.certificate_requests)
_OPEN: Final = (
    t.where_key(t.certificate_requests),
    t.certificate_requests.c.number == bindparam("k_number"),
    t.certificate_requests.c.outcome == "",
)
_ANSWER: Final = (
    sa.update(t.certificate_requests)
    .where(*_OPEN, t.certificate_requests.c.what == bindparam("k_what"))
    .values({name: bindparam(name) for name in ("outcome", "ended_by", "ended_at", "answer")})
)
_OVERTAKE: Final = (
    sa.update(t.certificate_requests)
    .where(*_OPEN)
    .values(outcome="overtaken", ended_by=bindparam("ended_by"), ended_at=bindparam("ended_at"))
)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _asked(header: Header, number: str, what: str, reason: str, **more: str) -> Ops:
    values = {"reason_code": "", "fields": "{}", "changed": "[]", "papers": "[]", **more}
    ended = dict.fromkeys(("outcome", "ended_by", "ended_at", "answer"), "")
    asked = {"number": number, "what": what, "asked_by": header.by, "asked_at": header.at, "reason": reason}
    yield _ASK, row(header, seq=header.seq, **asked, **values, **ended)


def _answered(header: Header, number: str, what: str, outcome: str, answer: str) -> Ops:
    values = {"outcome": outcome, "ended_by": header.by, "ended_at": header.at, "answer": answer}
    yield _ANSWER, key(header, k_number=number, k_what=what, **values)


@folds(k.CertificateCorrectionAsked)
def _correction_asked(header: Header, body: k.CertificateCorrectionAsked) -> Ops:
    more = {"fields": _json(body.fields), "changed": _json(body.changed), "papers": _json(body.papers)}
    yield from _asked(header, body.number, "correction", body.reason, **more)


@folds(k.CertificateCorrectionRefused)
def _correction_refused(header: Header, body: k.CertificateCorrectionRefused) -> Ops:
    yield from _answered(header, body.number, "correction", "refused", body.reason)


_CURRENT: Final = ("certificate", "certificate_digest", "record_sha256", "pdf_sha256", "issued_on", "expires_on")
_REISSUE: Final = update(t.applications, "status", "fields", "delivered_at", "delivered_to", *_CURRENT)
_DROP_LEANS: Final = sa.delete(t.leans).where(t.where_key(t.leans))
_ADD_LEAN: Final = add_once(t.leans)


@folds(k.CertificateCorrected)
def _corrected(header: Header, body: k.CertificateCorrected) -> Ops:
    yield from _ended(header, body.replaces, "superseded", CORRECTED, body.reason, by=body.number)
    yield from _answered(header, body.replaces, "correction", "done", "")
    yield _OVERTAKE, key(header, k_number=body.replaces, ended_by=header.by, ended_at=header.at)
    yield from issued(header, body, replaces=body.replaces)
    digest = header.blobs[0] if header.blobs else ""
    current = (body.number, digest, body.record_sha256, body.pdf_sha256, body.issued_on, body.expires_on)
    values = {**dict(zip(_CURRENT, current, strict=True)), "fields": _json(body.fields)}
    yield _REISSUE, key(header, status="issued", delivered_at="", delivered_to="", **values)
    if body.leans_on is not None:
        yield _DROP_LEANS, key(header)
        for attestation in body.leans_on:
            yield _ADD_LEAN, row(header, attestation=attestation)
    yield from found_instead_by(header, more=answers(body.fields))
    yield from found_also_by(header, certificate=body.number)


@folds(k.CertificateRevocationAsked)
def _revocation_asked(header: Header, body: k.CertificateRevocationAsked) -> Ops:
    yield from _asked(header, body.number, "revocation", body.reason, reason_code=body.reason_code)


@folds(k.CertificateRevocationRefused)
def _revocation_refused(header: Header, body: k.CertificateRevocationRefused) -> Ops:
    yield from _answered(header, body.number, "revocation", "refused", body.reason)


_SET_STATUS: Final = update(t.applications, "status")


@folds(k.CertificateRevoked)
def _revoked(header: Header, body: k.CertificateRevoked) -> Ops:
    yield from _ended(header, body.number, "revoked", body.reason_code, body.reason)
    yield from _answered(header, body.number, "revocation", "done", "")
    yield _OVERTAKE, key(header, k_number=body.number, ended_by=header.by, ended_at=header.at)
    yield _SET_STATUS, key(header, status="revoked")


_RAISED: Final = ("level", "raised_blob", "raised_sha256", "stamped_at")
_RAISE: Final = (
    sa.update(t.certificates)
    .where(
        t.where_key(t.certificates),
        t.certificates.c.number == bindparam("k_number"),
        t.certificates.c.level == "",
    )
    .values({name: bindparam(name) for name in _RAISED})
)


@folds(k.CertificateRaised)
def _raised(header: Header, body: k.CertificateRaised) -> Ops:
    values = (body.level, header.blobs[0] if header.blobs else "", body.pdf_sha256, body.stamped_at)
    yield _RAISE, key(header, k_number=body.number, **dict(zip(_RAISED, values, strict=True)))
