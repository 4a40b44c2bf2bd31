"""The evidence bundle of a certificate, gathered from this node's journal: see `appliance.certificates.evidence`.

It holds what the case holds, and of other people only what the case leans on: their attested papers. Where central has
countersigned the entry of the issue, the bundle rests on that checkpoint, and says nothing that came after it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.casework.certificates import Certificate, certificate_numbered
from appliance.casework.officer_keys import officer_keys
from appliance.casework.seals import authority_certificate, centre_signer, node_certificate
from appliance.certificates.evidence import MAX_LISTS, Parts, write_bundle
from appliance.certificates.evidencestory import FOLLOWING, LEADING
from appliance.certificates.signer import kid
from appliance.journal import evidence, ids
from appliance.journal import kinds as k
from appliance.journal.entry import Entry
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import BlobDigest, orders_of
from appliance.journal.notes import VerifierKey
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.log import Head, Log
from appliance.records.statements import found_by
from appliance.store import local, publiclists
from appliance.store.store import COSIGNER, ORDERS_SIGNER, Store

_ABOUT: Final = select(t.timeline.c.seq, t.timeline.c.kind).where(t.where_key(t.timeline)).order_by(t.timeline.c.seq)
_APPLIED: Final = (
    select(t.timeline.c.seq)
    .where(t.where_key(t.timeline), t.timeline.c.kind == k.OrdersApplied.KIND, t.timeline.c.seq < bindparam("before"))
    .order_by(t.timeline.c.seq.desc())
    .limit(1)
)
_ATTESTED_HERE: Final = select(t.attestations.c.about).where(found_by(t.attestations, "application"))

_LEADING: Final = frozenset(each.KIND for each in LEADING)
_FOLLOWING: Final = frozenset(each.KIND for each in FOLLOWING)
_ATTESTATION: Final = (k.AttestationMade.KIND, k.AttestationWithdrawn.KIND)


class ErasedCase(OperatorError):
    """What the case said was erased."""

    def __init__(self) -> None:
        super().__init__(
            "What was said in this case was erased, so no evidence of it can be made.",
            "What is left can be proved entry by entry: `sanad journal proof SEQ`.",
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """A bundle that was made.

    Attributes:
        content: the file.
        number: of the certificate.
        entries: how many entries are in it.
        countersigned: whether central countersigned the checkpoint that it rests on.
        later: how many entries about the case central has not countersigned yet, and are therefore not in it.
        raised: whether the certificate in it bears a timestamp.
    """

    content: bytes
    number: str
    entries: int
    countersigned: bool
    later: int
    raised: bool


def make_evidence(store: Store, number: str) -> Evidence:
    """Make the bundle of a certificate.

    Args:
        store: the node's.
        number: as somebody typed it.

    Raises:
        UnknownCertificate: it was never issued here, or was erased. ErasedCase: the case was.
        BlobMissing: its file is not there. IntegrityError: it, or the journal, is not what it must be.
    """
    certificate = certificate_numbered(store, number)
    cosigner = None if store.local(COSIGNER) is None else store.central_key(COSIGNER)
    with store.read() as tx:
        gathering = _Gathering(store, tx, certificate, cosigner)
        chosen = gathering.entries()
        order = gathering.order(chosen)
        proved = evidence.prove(chosen, gathering.size, gathering.log.read_node)
    raised = [each for each in chosen if each.header.kind == k.CertificateRaised.KIND]
    pdf, signed_bytes = _file(store, certificate, raised=bool(raised))
    content = write_bundle(
        Parts(
            number=certificate.number,
            keys=gathering.keys,
            note=gathering.note,
            entries=proved,
            order=order,
            certificates=_certificates(store, gathering.signer),
            lists=_lists(store),
            signed_bytes=signed_bytes,
            pdf=pdf,
        )
    )
    return Evidence(content, certificate.number, len(chosen), gathering.cosigned, gathering.later, bool(raised))


class _Gathering:
    """What belongs to a certificate, in one view of the journal."""

    def __init__(self, store: Store, tx: Tx, certificate: Certificate, cosigner: VerifierKey | None) -> None:
        self.store, self.tx, self.certificate = store, tx, certificate
        self.log = Log(tx, store.journal)
        head = self.log.head()
        if head is None:
            raise IntegrityError("The journal has no first entry.", "Run `sanad journal verify`.")
        self.later = 0
        self.signer = ""
        self.about = self._about(certificate.application)
        self.issuing = self._find_issuing()
        self._choose(head, cosigner)

    def _choose(self, head: Head, cosigner: VerifierKey | None) -> None:
        """The checkpoint that all is proved against: central's, if it covers the issue; else this node's own."""
        note = head.cosigned
        self.keys: tuple[VerifierKey, ...] = (self.store.verifier,)
        self.cosigned = note is not None and cosigner is not None and self.issuing.header.seq < head.cosigned_size
        if self.cosigned and note is not None and cosigner is not None:
            self.size, self.keys = head.cosigned_size, (*self.keys, cosigner)
        else:
            note, self.size = head.checkpoint, head.size
        self.note = evidence.keys_note(note, self.keys)

    def entries(self) -> list[Entry]:
        """All that goes in, in the order of the journal."""
        seqs = {0}
        leans: tuple[str, ...] = ()
        for seq, kind in self.about:
            if kind in _LEADING and seq <= self.issuing.header.seq:
                seqs.add(seq)
                said = getattr(self._body(seq), "leans_on", None)
                leans = leans if said is None else tuple(said)
            elif kind in _FOLLOWING and seq > self.issuing.header.seq and self._concerns(seq):
                if seq < self.size:
                    seqs.add(seq)
                else:
                    self.later += 1
        seqs.update(self._attestations(leans))
        applied = self.tx.one(_APPLIED, {**self._key(ids.NOBODY), "before": self.issuing.header.seq})
        if applied is not None:
            seqs.add(applied[0])
        chosen = [self._entry(seq) for seq in sorted(seqs)]
        chosen += self._accounts({each.header.by for each in chosen})
        chosen += self._erasing({each.header.about for each in chosen if each.body is None})
        return sorted(chosen, key=lambda each: each.header.seq)

    def order(self, chosen: Iterable[Entry]) -> evidence.Order | None:
        """The last of central's orders that were taken before the issue."""
        applied = next((each for each in chosen if each.header.kind == k.OrdersApplied.KIND), None)
        body = None if applied is None else self._body(applied.header.seq)
        if not isinstance(body, k.OrdersApplied):
            return None
        orders = Log(self.tx, orders_of(self.store.journal))
        head = orders.head()
        text = local.remembered(self.tx, ORDERS_SIGNER)
        if head is None or text is None:
            raise IntegrityError("Central's orders are missing.", "Run `sanad journal verify`.")
        (last,) = orders.entries(body.size - 1, body.size)
        return evidence.prove_order(last, body.size, head.checkpoint, VerifierKey.parse(text), orders.read_node)

    def _find_issuing(self) -> Entry:
        for seq, kind in self.about:
            if kind in (k.ApplicationIssued.KIND, k.CertificateCorrected.KIND):
                body = self._body(seq)
                if getattr(body, "number", "") == self.certificate.number:
                    self.signer = getattr(body, "signer", "")
                    return self._entry(seq)
        raise ErasedCase

    def _concerns(self, seq: int) -> bool:
        """Whether what came later concerns this certificate, and not another of the same case."""
        body = self._body(seq)
        about = body.replaces if isinstance(body, k.CertificateCorrected) else getattr(body, "number", "")
        return about == self.certificate.number

    def _attestations(self, leans: Sequence[str]) -> set[int]:
        """Of the papers that the case leans on, and of its own, up to the issue; withdrawn ones with their end."""
        values = {"journal": self.store.journal, "application": self.certificate.application}
        found: set[int] = set()
        for about in {*leans, *(row[0] for row in self.tx.all(_ATTESTED_HERE, values))}:
            seqs = [seq for seq, kind in self._about(about) if kind in _ATTESTATION and seq < self.size]
            if seqs and min(seqs) < self.issuing.header.seq:
                found.update(seqs)
        return found

    def _accounts(self, actors: set[str]) -> list[Entry]:
        found = []
        for actor in actors - {ids.NODE, ids.CENTRAL}:
            seqs = [seq for seq, kind in self._about(actor) if kind == k.OperatorAdded.KIND]
            found += [self._entry(seq) for seq in seqs[:1]]
        return found

    def _erasing(self, subjects: set[str]) -> list[Entry]:
        """The entries by which what was said about these was erased."""
        found = []
        for about in subjects:
            seqs = [seq for seq, kind in self._about(about) if kind == k.SubjectErased.KIND and seq < self.size]
            if not seqs:
                # It was erased after the checkpoint that the rest is proved against.
                raise ErasedCase
            found.append(self._entry(seqs[0]))
        return found

    def _about(self, about: str) -> list[tuple[int, str]]:
        return [(seq, kind) for seq, kind in self.tx.all(_ABOUT, self._key(about))]

    def _key(self, about: str) -> dict[str, object]:
        return {"k_journal": self.store.journal, "k_about": about}

    def _entry(self, seq: int) -> Entry:
        (entry,) = self.log.entries(seq, seq + 1)
        return entry

    def _body(self, seq: int) -> k.Body | None:
        entry = self._entry(seq)
        if entry.body is None:
            raise ErasedCase
        return k.decode_body(entry.header.kind, entry.body)


def _file(store: Store, certificate: Certificate, *, raised: bool) -> tuple[bytes, int]:
    """The certificate's file, and how much of it the counter signed."""
    sealed = _opened(store, certificate.blob, certificate.pdf_sha256)
    if not raised:
        return sealed, len(sealed)
    return _opened(store, BlobDigest(certificate.raised_blob), certificate.raised_sha256), len(sealed)


def _opened(store: Store, blob: BlobDigest, sha256: str) -> bytes:
    pdf = store.open_blob(blob)
    if hashlib.sha256(pdf).hexdigest() != sha256:
        raise IntegrityError("The sealed certificate is not the one that was issued.", "Run `sanad journal verify`.")
    return pdf


def _certificates(store: Store, signer: str) -> tuple[bytes, ...]:
    """The centre's, that of the officer whose key signed, the node's, and the authority's, which is last."""
    centre, authority = centre_signer(store).certificate, authority_certificate(store)
    officers = [each.certificate for each in officer_keys(store) if each.certificate and each.kid == signer]
    if signer not in ("", kid(centre).hex()) and not officers:
        raise IntegrityError("The certificate of the key that signed is not here.", "Call central IT.")
    node = node_certificate(store)
    return (centre, *officers, *(() if node is None else (node,)), authority)


def _lists(store: Store) -> bytes:
    """Central's public lists as they lie here, if they are usable and small enough."""
    content = publiclists.kept(store).content
    return content if len(content) <= MAX_LISTS else b""
