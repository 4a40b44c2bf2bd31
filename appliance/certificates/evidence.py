"""An evidence bundle: one certificate, what led to it, and what proves both, in one file (docs/evidence.md).

Read without a home, a network or a clock. What is accepted is exactly what `write_bundle` writes: each entry leads to
the root of one checkpoint, that is signed by the journal's key and by the cosigners that are named, the PDF is the one
that the issuing entry names, whatever the case leans on is there, and nothing that has no part in it.

Two questions stay the reader's: whether the keys are to be believed (`Bundle.cosigned`, `Bundle.lists`,
`Bundle.certificates`), and whether the PDF says what the record says and is signed as it must be (`verdict`). And one
stays open: a tree proves that something is there, never that nothing else is. Whether a certificate was revoked later
is a question to central's newest lists.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from appliance.certificates import chains
from appliance.certificates.evidencestory import Actor, Attested, Step, Story, read_story
from appliance.certificates.lists import PublicLists
from appliance.certificates.listsfile import read_lists
from appliance.certificates.signer import kid
from appliance.journal import kinds as k
from appliance.journal import notes
from appliance.journal.entry import MAX_BODY, MAX_HEADER
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.evidence import (
    MAX_KEYS,
    BadEvidence,
    Order,
    Proved,
    Witness,
    open_witness,
    order_time,
    read_proved,
)
from appliance.journal.notes import BadKey, VerifierKey

__all__ = ["Actor", "Attested", "BadEvidence", "Bundle", "Step", "is_bundle", "read_bundle", "write_bundle"]

FORMAT: Final = "sanad-evidence/1"
START: Final = f'{{"format":"{FORMAT}"'.encode()
MAX_BUNDLE: Final = 48 * 1024 * 1024
"""Bytes."""
MAX_PDF: Final = 16 * 1024 * 1024
MAX_LISTS: Final = 16 * 1024 * 1024
"""Bytes of the public lists in a bundle; larger ones are left out."""
MAX_ENTRIES: Final = 1000
MAX_PATH: Final = 64
MAX_CERTIFICATES: Final = 8

Text = Annotated[str, msgspec.Meta(max_length=notes.MAX_NOTE)]
Path = Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MAX_PATH)]


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: Annotated[str, msgspec.Meta(max_length=MAX_HEADER)]
    salt: bytes
    body: Annotated[str, msgspec.Meta(max_length=MAX_BODY)]
    path: Path


class _Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: Text
    checkpoint: Text
    header: Annotated[str, msgspec.Meta(max_length=MAX_HEADER)]
    path: Path
    path_then: Path


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file, field by field, in this order."""

    format: Literal["sanad-evidence/1"]
    number: Annotated[str, msgspec.Meta(max_length=k.MAX_LINE)]
    keys: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=MAX_KEYS)]
    checkpoint: Text
    entries: Annotated[tuple[_Entry, ...], msgspec.Meta(max_length=MAX_ENTRIES)]
    order: _Order | None
    certificates: Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1, max_length=MAX_CERTIFICATES)]
    lists: Annotated[str, msgspec.Meta(max_length=MAX_LISTS)]
    signed_bytes: Annotated[int, msgspec.Meta(ge=1, le=MAX_PDF)]
    pdf: bytes


_DECODER: Final = msgspec.json.Decoder(_Form)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a bundle is made of.

    Args:
        number: of the certificate.
        keys: the journal's, then those of cosigners.
        note: the checkpoint that exactly these keys signed.
        entries: in the order of the journal.
        order: the last of central's orders that the node had taken before it issued.
        certificates: X.509, DER: the signer's and others, central's authority last.
        lists: central's public lists as they were published; or nothing.
        signed_bytes: how long the PDF was when the counter signed it.
        pdf: the certificate, raised where it was.
    """

    number: str
    keys: tuple[VerifierKey, ...]
    note: bytes
    entries: Sequence[Proved]
    order: Order | None
    certificates: tuple[bytes, ...]
    lists: bytes
    signed_bytes: int
    pdf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """What a bundle proves, if the keys in it are to be believed."""

    story: Story
    """Who did what; times in it are the node's claims."""
    pdf: bytes
    """The certificate, to be judged by itself."""
    signed_bytes: int
    """How much of it the counter signed; the rest, if any, raised it."""
    witness: Witness
    """The checkpoint, and who signed it when."""
    order: Order | None
    earliest: datetime | None
    """Before it, the certificate was not issued: by central's clock, if `order.key` is central's."""
    latest: datetime | None
    """By then it was issued: the earliest cosignature, by the clock of the cosigner."""
    certificates: tuple[bytes, ...]
    """X.509, DER; each by the last one, which is an authority's."""
    lists: PublicLists | None
    """As they were when the bundle was made: held against the key that they name themselves."""

    @property
    def number(self) -> str:
        """Of the certificate."""
        return self.story.number

    @property
    def signed_pdf(self) -> bytes:
        """The certificate as the counter signed it."""
        return self.pdf[: self.signed_bytes]

    def vouched(self, trusted: Sequence[VerifierKey]) -> bool:
        """Whether one of these keys signed or countersigned the checkpoint."""
        return self.witness.key in trusted or any(each.key in trusted for each in self.witness.cosigned)

    def certified(self, authorities: Sequence[bytes]) -> bool:
        """Whether one of these authorities (X.509, DER) certified a node for the journal."""
        subjects = (chains.load_certificate(each).subject for each in self.certificates[:-1])
        names = (each.get_attributes_for_oid(NameOID.COMMON_NAME) for each in subjects)
        return self.certificates[-1] in authorities and any(
            [each.value for each in name] == [self.witness.journal] for name in names
        )

    def latest_by(self, trusted: Sequence[VerifierKey]) -> datetime | None:
        """By when it was issued, as these cosigners say; None where none of them does."""
        times = [each.at_s for each in self.witness.cosigned if each.key in trusted]
        return datetime.fromtimestamp(min(times), UTC) if times else None

    def earliest_by(self, trusted: Sequence[VerifierKey]) -> datetime | None:
        """Since when it can have been issued, if one of these keys says so; None where none does."""
        return self.earliest if self.order is not None and self.order.key in trusted else None


def is_bundle(content: bytes) -> bool:
    """Whether a file begins as a bundle does."""
    return content.startswith(START)


def write_bundle(parts: Parts) -> bytes:
    """Write a bundle.

    Raises:
        BugError: a reader would refuse it.
    """
    order = parts.order
    form = _Form(
        format="sanad-evidence/1",
        number=parts.number,
        keys=tuple(each.text for each in parts.keys),
        checkpoint=parts.note.decode(),
        entries=tuple(
            _Entry(
                each.entry.header_bytes.decode(), each.entry.salt or b"", (each.entry.body or b"").decode(), each.path
            )
            for each in parts.entries
        ),
        order=None
        if order is None
        else _Order(order.key.text, order.note.decode(), order.header.decode(), order.path, order.path_then),
        certificates=parts.certificates,
        lists=parts.lists.decode(),
        signed_bytes=parts.signed_bytes,
        pdf=parts.pdf,
    )
    content = msgspec.json.encode(form)
    try:
        read_bundle(content)
    except IntegrityError as error:
        raise BugError(f"The program made evidence that nobody could read: {error.sentence}") from error
    return content


def read_bundle(content: bytes) -> Bundle:
    """Check everything in a bundle that can be checked with nothing but the bundle.

    Raises:
        IntegrityError: it is not one that `write_bundle` could have written; the sentence says why.
    """
    form = _read_form(content)
    try:
        keys = tuple(map(VerifierKey.parse, form.keys))
        order = None if form.order is None else _read_order(form.order)
    except BadKey as error:
        raise BadEvidence(error.sentence) from error
    witness = open_witness(form.checkpoint.encode(), keys)
    entries = [
        read_proved(each.header.encode(), each.salt or None, each.body.encode() or None, each.path, witness)
        for each in form.entries
    ]
    story = read_story(form.number, [each.entry for each in entries])
    _check_pdf(form, story)
    _check_certificates(form.certificates, story.signer)
    times = [each.at_s for each in witness.cosigned]
    return Bundle(
        story=story,
        pdf=form.pdf,
        signed_bytes=form.signed_bytes,
        witness=witness,
        order=order,
        earliest=_earliest(order, story, witness),
        latest=datetime.fromtimestamp(min(times), UTC) if times else None,
        certificates=form.certificates,
        lists=read_lists(form.lists.encode(), None) if form.lists else None,
    )


def _read_form(content: bytes) -> _Form:
    if len(content) > MAX_BUNDLE:
        raise BadEvidence(f"A bundle has at most {MAX_BUNDLE} bytes.")
    try:
        form = _DECODER.decode(content)
        if msgspec.json.encode(form) != content:
            raise BadEvidence("A bundle is not written as it must be.")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # What they would say may quote the file.
        raise BadEvidence("This is not an evidence bundle, or it was changed.") from None
    return form


def _read_order(order: _Order) -> Order:
    key = VerifierKey.parse(order.key)
    return Order(order.header.encode(), order.checkpoint.encode(), key, order.path, order.path_then)


def _check_pdf(form: _Form, story: Story) -> None:
    if len(form.pdf) > MAX_PDF:
        raise BadEvidence("The certificate in a bundle is larger than any.")
    whole = hashlib.sha256(form.pdf).hexdigest()
    if form.signed_bytes > len(form.pdf) or (form.signed_bytes != len(form.pdf)) != (story.raised is not None):
        raise BadEvidence("The certificate in a bundle has another length than it must have.")
    if hashlib.sha256(form.pdf[: form.signed_bytes]).hexdigest() != story.pdf_sha256:
        raise BadEvidence("The certificate in a bundle is not the one that was issued.")
    if story.raised is not None and story.raised.pdf_sha256 != whole:
        raise BadEvidence("The certificate in a bundle is not the one to which the timestamp was added.")


def _check_certificates(certificates: Sequence[bytes], signer: str) -> None:
    """See that all of them are by the last one, none is idle, and the signer's is there."""
    with warnings.catch_warnings():
        # What is odd in one that was changed is told by its signature.
        warnings.simplefilter("ignore")
        *others, authority = (chains.load_certificate(each) for each in certificates)
    if len(set(certificates)) != len(certificates):
        raise BadEvidence("A certificate comes twice in a bundle.")
    for each in (*others, authority):
        try:
            each.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise BadEvidence("A certificate in a bundle is not by the authority in it.") from None
    named = {kid(each).hex() for each in certificates[:-1]}
    if not others or (signer and signer not in named):
        raise BadEvidence("The certificate of whoever signed is missing in a bundle.")


def _earliest(order: Order | None, story: Story, witness: Witness) -> datetime | None:
    applied = story.orders_applied
    if (order is None) != (applied is None):
        raise BadEvidence("An order without its place in the journal, or a place without its order.")
    if order is None or applied is None:
        return None
    at = order_time(order, applied.size, bytes.fromhex(applied.root), witness.journal)
    return datetime.fromisoformat(at)
