"""Certificates that the counter sealed are given a timestamp and validation data, once central is reached.

It waits for nobody and changes nothing that was sealed: the raised file is a new one, which begins with the old one,
and its entry is the node's own. Pending is what was issued, countersigned by central and not raised yet, the oldest
first; whether it still holds makes no difference. Each is raised by itself. One that cannot be raised is marked with
the reason, looked at again on another day, and keeps no other waiting. What a kill interrupts is begun again: a
timestamp that no entry names is a file that nobody needs.

The time that counts is that in the timestamp. This node's clock is asked for nothing but when to look again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.access.session import node_session
from appliance.certificates.timestamps import NONCE_BYTES, Material, Request, Stamp, check_response, make_request
from appliance.certificates.timestamptokens import BadTimestamp
from appliance.journal import kinds as k
from appliance.journal.errors import IntegrityError, SanadError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.records import tables as t
from appliance.records.moment import at_text
from appliance.records.statements import found_by
from appliance.store.commit import WasErased
from appliance.store.store import Draft, Moment, Store

if TYPE_CHECKING:
    from appliance.certificates.raising import Prepared

BATCH: Final = 16
"""Certificates that are raised together: one request to central stamps them all, and they are in memory at once."""
MAX_MARKS: Final = 5000
"""Certificates that could not be raised, and are remembered to be so."""
TOLERANCE: Final = timedelta(minutes=5)
"""A timestamp may be so much older than what central said before; a service outside has a clock of its own."""
SESSION: Final = timedelta(hours=1)
"""And so much newer: no batch takes longer."""
_MARKS: Final = "raising-marks"

_CURRENT: Final = select(t.certificates.c.level).where(
    t.where_key(t.certificates), t.certificates.c.number == bindparam("number")
)
_UNRAISED: Final = select(t.certificates.c.number).where(
    found_by(t.certificates, "number"), t.certificates.c.level == ""
)
_OF_NAMED: Final = sa.and_(
    t.blobs.c.journal == t.certificates.c.journal,
    t.blobs.c.digest == t.certificates.c.blob,
    t.blobs.c.about == t.certificates.c.about,
)
_IS_PENDING: Final = (
    t.certificates.c.journal == bindparam("journal"),
    t.certificates.c.level == "",
    t.blobs.c.seq < t.heads.c.cosigned_size,
)
_JOINED: Final = t.certificates.join(t.blobs, _OF_NAMED).join(t.heads, t.heads.c.journal == t.certificates.c.journal)
_PENDING: Final = (
    select(t.certificates.c.about, t.certificates.c.number, t.certificates.c.blob, t.certificates.c.pdf_sha256)
    .select_from(_JOINED)
    .where(*_IS_PENDING)
    .order_by(t.blobs.c.seq)
    .limit(bindparam("limit"))
)
_COUNT: Final = select(sa.func.count()).select_from(_JOINED).where(*_IS_PENDING)


class Stamps(Protocol):
    """Central, as far as it gives timestamps."""

    def material(self) -> Material:
        """What goes into the documents before the timestamp.

        Raises:
            NetworkError: central was not reached, or has no timestamps now.
        """

    def stamps(self, requests: Sequence[bytes]) -> Sequence[bytes]:
        """Answers to requests (RFC 3161, DER), one for each.

        Raises:
            NetworkError: central was not reached, or has no timestamps now.
        """


@dataclass(frozen=True, slots=True)
class Pending:
    """A certificate that is to be raised."""

    application: EntityId
    number: str
    blob: BlobDigest
    pdf_sha256: str


class Mark(msgspec.Struct, frozen=True):
    """A certificate that could not be raised: why, and what to do."""

    number: str
    reason: str
    next_step: str
    at: str
    """When it was tried, by this node's clock."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What a run came to."""

    numbers: tuple[str, ...]
    """Of the certificates that were raised."""
    marked: tuple[Mark, ...]
    """Those that could not be, in this run."""
    waiting: bool
    """Whether more are pending that were not tried."""


def pending(store: Store, limit: int) -> list[Pending]:
    """The certificates that are to be raised now, the oldest first, without those that are marked today."""
    today = store.now()[:10]
    passed_over = {mark.number for mark in marks(store) if mark.at[:10] == today}
    with store.read() as tx:
        rows = tx.all(_PENDING, {"journal": store.journal, "limit": limit + len(passed_over)})
    found = [Pending(EntityId(about), number, BlobDigest(blob), digest) for about, number, blob, digest in rows]
    return [each for each in found if each.number not in passed_over][:limit]


def pending_count(store: Store) -> int:
    """How many certificates are to be raised, those that are marked among them."""
    with store.read() as tx:
        row = tx.one(_COUNT, {"journal": store.journal})
    return 0 if row is None else int(row[0])


def marks(store: Store) -> list[Mark]:
    """The certificates that could not be raised, and are not yet."""
    kept = msgspec.json.decode(store.local(_MARKS) or "[]", type=tuple[Mark, ...])
    with store.read() as tx:
        return [each for each in kept if tx.one(_UNRAISED, {"journal": store.journal, "number": each.number})]


def raise_some(store: Store, stamps: Stamps, limit: int = BATCH) -> Raised:
    """Raise the oldest certificates that are pending; each is durable, with its entry, or as it was.

    Args:
        store: the node's.
        stamps: central's timestamps.
        limit: how many at the most.

    Raises:
        NetworkError: central was not reached, or refused; what was committed before holds.
        BadTimestamp: central's timestamps are not what they must be. DeviceError: this node's disk.
    """
    found = pending(store, limit + 1)
    if not found:
        return Raised((), (), waiting=False)
    material = stamps.material()
    prepared: list[tuple[Pending, Prepared, Request]] = []
    marked: list[Mark] = []
    for each in found[:limit]:
        try:
            file = _prepare(store, each, material)
        except SanadError as error:
            marked.append(Mark(each.number, error.sentence, error.next_step, store.now()))
        else:
            prepared.append((each, file, make_request(file.digest, store.random(NONCE_BYTES), material.policy)))
    _remember(store, marked)
    answers = stamps.stamps([request.der for _, _, request in prepared]) if prepared else []
    if len(answers) != len(prepared):
        raise BadTimestamp("Central answered more or fewer requests than it was asked.")
    raised = []
    for (each, file, request), answer in zip(prepared, answers, strict=True):
        stamp = _judged(answer, request, material)
        if _commit(store, each, file.finish(stamp.token), stamp):
            raised.append(each.number)
    return Raised(tuple(raised), tuple(marked), waiting=len(found) > limit)


def _prepare(store: Store, each: Pending, material: Material) -> Prepared:
    # Loads pyHanko: see there.
    from appliance.certificates.raising import prepare

    pdf = store.open_blob(each.blob)
    if hashlib.sha256(pdf).hexdigest() != each.pdf_sha256:
        raise IntegrityError("The sealed certificate is not the one that was issued.", "Run `sanad journal verify`.")
    return prepare(
        pdf,
        certificates=[*material.certificates, *material.believed.authorities],
        crls=material.believed.crls,
        room=material.room,
    )


def _judged(answer: bytes, request: Request, material: Material) -> Stamp:
    earliest, latest = material.at - TOLERANCE, material.at + SESSION
    stamp = check_response(answer, request, material.believed, earliest=earliest, latest=latest)
    if not {*stamp.chain} <= {*material.certificates, *material.believed.authorities}:
        # What the timestamp rests on must lie in the document, and the document is made before the timestamp.
        raise BadTimestamp("A timestamp is by another certificate than the one that central named.")
    return stamp


def _commit(store: Store, each: Pending, pdf: bytes, stamp: Stamp) -> bool:
    """Seal and commit; False where it was raised or erased meanwhile."""
    blob = store.put_blob(pdf)
    body = k.CertificateRaised(
        number=each.number,
        level="B-LTA",
        pdf_sha256=hashlib.sha256(pdf).hexdigest(),
        stamped_at=at_text(stamp.at),
        tsa=stamp.service if k.is_line(stamp.service) else "",
    )

    def act(moment: Moment) -> list[Draft]:
        values = {"k_journal": store.journal, "k_about": each.application, "number": each.number}
        row = moment.tx.one(_CURRENT, values)
        return [Draft(body, each.application, (blob,))] if row is not None and not row[0] else []

    written = False
    try:
        written = bool(store.commit(node_session(), act))
    except WasErased:
        return False
    finally:
        if not written:
            store.give_up_blob(blob)
    return written


def _remember(store: Store, marked: Sequence[Mark]) -> None:
    if marked:
        kept = list({mark.number: mark for mark in (*marks(store), *marked)}.values())[-MAX_MARKS:]
        store.remember(**{_MARKS: msgspec.json.encode(kept).decode()})
