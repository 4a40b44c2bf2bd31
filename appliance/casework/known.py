"""What this node knows itself of a certificate that it issued: newer than any list that central has published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import bindparam, or_, select

from appliance.casework.cases import key
from appliance.casework.certificates import UnknownCertificate, certificate_numbered
from appliance.certificates.lists import Ended
from appliance.journal import kinds as k
from appliance.journal.checkpoint import open_cosignature
from appliance.journal.ids import EntityId
from appliance.journal.notes import VerifierKey
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.log import Log
from appliance.records.moment import parse_at
from appliance.store import local
from appliance.store.store import COSIGNER, Store

_c: Final = t.certificates
_STAMPED: Final = select(_c.c.stamped_at).where(t.where_key(_c), _c.c.number == bindparam("number"))
_ISSUED: Final = select(t.timeline.c.seq).where(
    t.where_key(t.timeline),
    or_(t.timeline.c.kind == k.ApplicationIssued.KIND, t.timeline.c.kind == k.CertificateCorrected.KIND),
)


@dataclass(frozen=True, slots=True)
class KnownHere:
    """A certificate of this node's."""

    record_sha256: str
    ended: Ended | None
    """That it ended; None while it holds."""
    proven_before: datetime | None
    """When at the latest it was issued: by the cosignature that covers it, or by the timestamp that it got."""


def known_here(store: Store, number: str) -> KnownHere | None:
    """What this node knows of a certificate; None where it issued none of that number."""
    try:
        found = certificate_numbered(store, number)
    except UnknownCertificate:
        return None
    with store.read() as tx:
        (stamped,) = tx.one(_STAMPED, {**key(store.journal, found.application), "number": found.number}) or ("",)
        times = [_cosigned_at(store, tx, found.application), parse_at(stamped) if stamped else None]
    ended = None
    if found.replaced_by:
        ended = Ended(found.number, "superseded", parse_at(found.ended_at), found.reason_code, found.replaced_by)
    elif found.ended_at:
        ended = Ended(found.number, "revoked", parse_at(found.ended_at), found.reason_code)
    return KnownHere(found.record_sha256, ended, min((each for each in times if each is not None), default=None))


def _cosigned_at(store: Store, tx: Tx, application: EntityId) -> datetime | None:
    """When central countersigned a checkpoint that covers all that was issued in a case; None where it has not yet."""
    issued = max((seq for (seq,) in tx.all(_ISSUED, key(store.journal, application))), default=None)
    head = Log(tx, store.journal).head()
    text = local.remembered(tx, COSIGNER)
    if issued is None or head is None or head.cosigned is None or issued >= head.cosigned_size or text is None:
        return None
    return datetime.fromtimestamp(open_cosignature(head.cosigned, VerifierKey.parse(text)), UTC)
