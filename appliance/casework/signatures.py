"""A citizen's signature on a pad: sealed as data, bound to the document that the pad showed.

The binding is SHA-256 over the hash of that document and of the strokes, reckoned where the strokes came from; whoever
has document and strokes can reckon it again. The picture of a signature proves nothing and is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from appliance.access.session import Session
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.records import tables as t
from appliance.store.store import Draft, Moment, Store

MAX_STROKES_BYTES: Final = 8 * 1024 * 1024

_OF = (
    select(t.signatures.c.signature, t.signatures.c.purpose, t.signatures.c.pad, t.signatures.c.digest)
    .where(t.where_key(t.signatures))
    .order_by(t.signatures.c.taken_at)
)
_APPLICATION = select(t.applications.c.about).where(t.where_key(t.applications))


@dataclass(frozen=True, slots=True)
class Signed:
    """What a pad gave: `strokes` are its bytes to seal, `binding` ties them to the document (both SHA-256, hex)."""

    purpose: str
    document_sha256: str
    binding: str
    strokes: bytes
    pad: str
    simulated: bool


@dataclass(frozen=True, slots=True)
class TakenSignature:
    """A signature that is kept."""

    id: EntityId
    purpose: str
    pad: str
    digest: BlobDigest


def take_signature(
    store: Store, session: Session, application: EntityId, signed_by: EntityId, signed: Signed
) -> BlobDigest:
    """Seal a signature and add it to an application; answers the digest of the sealed strokes.

    Raises:
        OperatorError: the application is not known, there are no strokes or too many, or the session may not.
        DeviceError: the disk is full or read-only; nothing was added.
    """
    if not signed.strokes or len(signed.strokes) > MAX_STROKES_BYTES:
        raise OperatorError("The pad gave no signature that can be kept.", "Ask the citizen to sign again.")
    digest = store.put_blob(signed.strokes)
    body = k.SignatureTaken(
        signature=store.new_id(),
        signed_by=signed_by,
        purpose=signed.purpose,
        document_sha256=signed.document_sha256,
        binding=signed.binding,
        pad=signed.pad,
        simulated=signed.simulated,
    )

    def act(moment: Moment) -> Sequence[Draft]:
        if moment.tx.one(_APPLICATION, {"k_journal": store.journal, "k_about": application}) is None:
            raise OperatorError("There is no such application here.", "Look it up by its tracking number.")
        return [Draft(body, application, (digest,))]

    try:
        store.commit(session, act)
    except BaseException:
        store.give_up_blob(digest)
        raise
    return digest


def signatures_of(store: Store, application: EntityId) -> list[TakenSignature]:
    """The signatures of an application, oldest first."""
    with store.read() as tx:
        rows = tx.all(_OF, {"k_journal": store.journal, "k_about": application})
    return [TakenSignature(EntityId(one), purpose, pad, BlobDigest(digest)) for one, purpose, pad, digest in rows]
