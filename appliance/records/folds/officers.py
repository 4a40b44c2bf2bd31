"""Officers' keys. What a node says makes rows; central's orders only change them, so that an erased one stays gone."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.certificates.signer import kid
from appliance.journal import kinds as k
from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import ORDER_FOLDS, About, Ops, folds, key, of_node, row, update
from appliance.records.statements import add_once

_KEYS = t.officer_keys
_ADD = add_once(_KEYS)
_COUNT = update(_KEYS, "failed", "locked")
_STILL_ASKED = sa.case((_KEYS.c.state == "asked", bindparam("answer")), else_=_KEYS.c.state)
# The first certificate is the certificate: central gives no second one.
_CERTIFY = (
    sa.update(_KEYS)
    .where(t.where_key(_KEYS), _KEYS.c.certified_at == "")
    .values(
        certificate=bindparam("new_certificate"),
        kid=bindparam("new_kid"),
        certified_at=bindparam("at"),
        state=_STILL_ASKED,
    )
)
_REFUSE = (
    sa.update(_KEYS)
    .where(t.where_key(_KEYS), _KEYS.c.state == "asked")
    .values(state=bindparam("answer"), reason=bindparam("why"))
)
_REVOKE = (
    sa.update(_KEYS)
    .where(t.where_key(_KEYS), _KEYS.c.revoked_at == "")
    .values(state=bindparam("answer"), revoked_at=bindparam("at"), revoked_by=bindparam("who"), reason=bindparam("why"))
)


@folds(k.OfficerKeyMade)
def _made(header: Header, body: k.OfficerKeyMade) -> Ops:
    said = {"operator": header.by, "storage": body.storage, "token": body.token, "csr": body.csr}
    later = {"certificate": b"", "kid": "", "certified_at": "", "revoked_at": "", "revoked_by": "", "reason": ""}
    yield _ADD, row(header, **said, **later, seq=header.seq, made_at=header.at, state="asked", failed=0, locked=0)


@folds(k.OfficerKeyPinRefused)
def _pin_refused(header: Header, body: k.OfficerKeyPinRefused) -> Ops:
    yield _COUNT, key(header, failed=body.failed, locked=int(body.locked))


@folds(k.OfficerKeyUnlocked)
def _unlocked(header: Header, _: k.OfficerKeyUnlocked) -> Ops:
    yield _COUNT, key(header, failed=0, locked=0)


@folds(k.OfficerKeyRevoked)
def _revoked(header: Header, body: k.OfficerKeyRevoked) -> Ops:
    yield _REVOKE, key(header, answer="revoked", at=header.at, who=header.by, why=body.reason)


@folds(k.OfficerKeyCertified, About.NOBODY, ORDER_FOLDS)
def _certified(header: Header, body: k.OfficerKeyCertified) -> Ops:
    values = {"new_certificate": body.certificate, "new_kid": kid(body.certificate).hex(), "at": header.at}
    yield _CERTIFY, {**_of_order(header, body.key), **values, "answer": "certified"}


@folds(k.OfficerKeyRefused, About.NOBODY, ORDER_FOLDS)
def _refused(header: Header, body: k.OfficerKeyRefused) -> Ops:
    yield _REFUSE, {**_of_order(header, body.key), "answer": "refused", "why": body.reason}


@folds(k.OfficerKeyRecalled, About.NOBODY, ORDER_FOLDS)
def _recalled(header: Header, body: k.OfficerKeyRecalled) -> Ops:
    said = {"answer": "revoked", "at": header.at, "who": header.by, "why": body.reason}
    yield _REVOKE, {**_of_order(header, body.key), **said}


def _of_order(header: Header, about: str) -> dict[str, object]:
    """What names a key in an order, whose journal is named after the node's."""
    return {"k_journal": of_node(header), "k_about": about}
