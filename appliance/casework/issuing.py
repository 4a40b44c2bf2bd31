"""Issuing a certificate in two steps: its page is prepared and shown; then exactly that is signed, and committed.

`prepare` takes the next number, makes the record, its code and its page. `issue` signs those bytes, by the officer who
saw them or by the centre, seals the file, and commits. The number stands inside what is signed, so it is asked again
inside the commit. Where somebody else was quicker, what nobody was shown is made anew with the next number; what was
shown is shown again (`ShownOtherwise`). Nothing is printed before the commit.

The code on the page is the centre's word, whoever signs the file: it is read off paper for as long as the paper lasts,
with no timestamp beside it, and an officer's key lasts a year.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC
from typing import Final, Literal

from sqlalchemy import select

from appliance.access import four_eyes
from appliance.access.four_eyes import SameEyes
from appliance.access.session import Session
from appliance.casework.cases import Case, go_on, key
from appliance.casework.centre import Centre
from appliance.casework.certificate_numbers import next_certificate_number
from appliance.casework.certificate_records import record_of
from appliance.casework.grounds import Ground, Overtaken, name_of, read_ground, see_still_approved
from appliance.casework.lifecycle import step
from appliance.casework.officer_keys import see_may_sign, standing
from appliance.casework.seals import centre_signer
from appliance.certificates.qr import make_code
from appliance.certificates.record import CertificateRecord, encode_record, record_hash
from appliance.certificates.render import preview_certificate, render_certificate
from appliance.certificates.sign import sign_pdf
from appliance.certificates.signer import DocumentSigner, kid
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, IntegrityError, OperatorError
from appliance.journal.ids import BlobDigest, EntityId
from appliance.records import tables as t
from appliance.store.store import Moment, Store

MAX_TRIES: Final = 20
"""How often a certificate that nobody was shown is made anew because another counter was quicker."""

NO_CODE: Final = "NOT ISSUED"
"""What the code of a picture says that is only looked at."""

_ISSUED: Final = select(
    t.applications.c.certificate,
    t.applications.c.certificate_digest,
    t.applications.c.record_sha256,
    t.applications.c.pdf_sha256,
).where(t.where_key(t.applications))


class ShownOtherwise(OperatorError):
    """What was shown is not what would be issued now."""

    def __init__(self) -> None:
        super().__init__(
            "Meanwhile the number was given to another certificate, or the case or the day changed.",
            "Look at the certificate again as it is now, then sign it.",
        )


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was issued. `blob` names its sealed bytes; the hashes are of record and PDF in clear."""

    application: EntityId
    number: str
    blob: BlobDigest
    record_sha256: str
    pdf_sha256: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A certificate to be: `pdf` is signed as it is, to the byte, or not at all."""

    application: EntityId
    record: CertificateRecord
    record_sha256: str
    pdf: bytes = field(repr=False)
    title: str
    says: str
    """What whoever issues it should know of the key, in words; empty where there is nothing to say."""
    ground: Ground = field(repr=False)
    signature_png: bytes | None = field(repr=False)

    @property
    def sealed_by(self) -> Literal["centre", "officer"]:
        """Whose key it says signs it."""
        return self.record.sealed_by

    @property
    def seen_sha256(self) -> str:
        """What was shown."""
        return hashlib.sha256(self.pdf).hexdigest()

    def picture(self) -> bytes:
        """The page as a PNG, to be looked at. Its code says nothing: off a screen, a good one would be a certificate.

        Raises:
            BadRecord, Unprintable, FontsMissing: as `render_certificate`.
        """
        scan = self.ground.scan
        return preview_certificate(
            self.record,
            photo=self.ground.photo,
            signature_png=self.signature_png,
            qr_text=NO_CODE,
            scan=None if scan is None else scan.content,
            document_pages=() if scan is None else scan.pages,
        )


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed file that is sealed; `pdf_sha256` is of its clear bytes."""

    blob: BlobDigest
    pdf_sha256: str
    signer: DocumentSigner


def prepare(
    centre: Centre,
    session: Session,
    application: EntityId,
    *,
    signature_png: bytes | None = None,
    sealed_by: Literal["centre", "officer"] | None = None,
) -> Prepared:
    """Make the certificate of an approved application, to be looked at. It changes nothing.

    Args:
        centre: whose it is.
        session: of who issues it.
        application: what was approved.
        signature_png: the picture of the holder's signature, to be printed.
        sealed_by: whose key will sign it; None for the officer's own where they have one that is good, and did not
            take the application in.

    Raises:
        OperatorError: it is not approved, or its service issues nothing. NoNumbers: this centre must sync first.
        IntegrityError: the centre's certificate is not there or damaged.
    """
    ground = read_ground(centre, application)
    may, says = own_key(centre.store, session, application)
    if sealed_by is None:
        sealed_by = "officer" if may else "centre"
    record = record_of(centre, ground, sealed_by=sealed_by, signer=name_of(centre.store, session))
    return set_page(centre, ground, record, signature_png, says)


def set_page(
    centre: Centre, ground: Ground, record: CertificateRecord, signature_png: bytes | None, says: str = ""
) -> Prepared:
    """Set the page of a record, with its code.

    Args:
        centre: whose certificate it is.
        ground: what the record was made from.
        record: what it says.
        signature_png: the picture of the holder's signature.
        says: what the officer should know of their own key.
    """
    record_sha256 = record_hash(encode_record(record))
    code = make_code(record, record_sha256, centre_signer(centre.store), at=centre.store.clock())
    pdf = render_certificate(
        record,
        photo=ground.photo,
        signature_png=signature_png,
        qr_text=code,
        scan=None if ground.scan is None else ground.scan.content,
        document_pages=() if ground.scan is None else ground.scan.pages,
    )
    title = ground.rule.title.en
    return Prepared(ground.case.id, record, record_sha256, pdf, title, says, ground, signature_png)


def issue(
    centre: Centre,
    session: Session,
    application: EntityId,
    *,
    prepared: Prepared | None = None,
    signer: DocumentSigner | None = None,
    signature_png: bytes | None = None,
) -> Issued:
    """Sign and seal the certificate of an approved application, and commit it.

    Args:
        centre: whose it is.
        session: of who issues it.
        application: what was approved.
        prepared: what was shown; None where nobody looked, and the centre seals it.
        signer: the officer's own key, opened for this certificate; None for the centre's.
        signature_png: the picture of the holder's signature, where nothing was prepared.

    Raises:
        ShownOtherwise: what was shown is not what would be issued now; nothing was issued.
        NotReady: the fee was given back, or the holder's particulars were changed, after the approval.
        OperatorError: it is not approved, its service issues nothing, the key may not sign, or the session may not.
        NoNumbers: this centre must sync first.
        IntegrityError: the centre's certificate is not there or damaged; nothing was issued.
        DeviceError: the officer's token could not be used; nothing was issued.
    """
    if prepared is not None:
        try:
            return _issue_prepared(centre, session, application, prepared, signer)
        except Overtaken:
            raise ShownOtherwise from None
    if signer is not None:
        raise BugError("An officer signs only what was prepared and shown.")
    for _ in range(MAX_TRIES):
        made = prepare(centre, session, application, signature_png=signature_png, sealed_by="centre")
        try:
            return _issue_prepared(centre, session, application, made, None)
        except Overtaken:
            continue
    raise OperatorError("Other counters issue without a pause, so this had no turn.", "Issue it again.")


def issued(store: Store, application: EntityId) -> Issued | None:
    """The certificate of an application, or None."""
    with store.read() as tx:
        row = tx.one(_ISSUED, key(store.journal, application))
    if row is None or not row[0]:
        return None
    number, blob, record_sha256, pdf_sha256 = row
    return Issued(application, number, BlobDigest(blob), record_sha256, pdf_sha256)


def certificate_pdf(store: Store, made: Issued) -> bytes:
    """The signed PDF, as it was sealed.

    Raises:
        BlobMissing: its file is not there. IntegrityError: it is another file than was issued.
    """
    pdf = store.open_blob(made.blob)
    if hashlib.sha256(pdf).hexdigest() != made.pdf_sha256:
        raise IntegrityError("The sealed certificate is not the one that was issued.", "Run `sanad journal verify`.")
    return pdf


def own_key(store: Store, session: Session, application: EntityId) -> tuple[bool, str]:
    """Whether somebody may sign this by a key of their own, and what they should know of it."""
    found = standing(store, session)
    if found.key is None:
        return False, found.says
    try:
        with store.read() as tx:
            four_eyes.check(tx, store.journal, k.ApplicationApproved.KIND, application, session.actor)
    except SameEyes:
        return False, "Sealed by the centre: you took this application in yourself."
    return True, found.says


def seal(centre: Centre, application: EntityId, prepared: Prepared, opened: DocumentSigner | None) -> Sealed:
    """Sign what was prepared, by the officer's opened key or the centre's, and seal it; it is in no entry yet.

    Raises:
        Overtaken: it was prepared for another day.
        IntegrityError: the centre's certificate is not there or damaged. DeviceError: the token could not be used.
    """
    store = centre.store
    signer = centre_signer(store) if opened is None else opened
    if prepared.application != application or (prepared.sealed_by == "officer") != signer.officer:
        raise BugError("A certificate is signed for another application, or by another key, than it was prepared for.")
    if prepared.record.issued_on != centre.today().isoformat():
        raise Overtaken
    signed = sign_pdf(
        prepared.pdf,
        signer=signer,
        reason=f"{prepared.title} {prepared.record.number}",
        location=centre.rules.name,
        at=store.clock().astimezone(UTC),
    )
    return Sealed(store.put_blob(signed), hashlib.sha256(signed).hexdigest(), signer)


def _issue_prepared(
    centre: Centre, session: Session, application: EntityId, prepared: Prepared, opened: DocumentSigner | None
) -> Issued:
    store = centre.store
    sealed = seal(centre, application, prepared, opened)
    signer = sealed.signer
    body = k.ApplicationIssued(
        number=prepared.record.number,
        record_sha256=prepared.record_sha256,
        pdf_sha256=sealed.pdf_sha256,
        issued_on=prepared.record.issued_on,
        expires_on=prepared.record.expires_on or "",
        sealed_by=prepared.sealed_by,
        signer=kid(signer.certificate).hex(),
        seen_sha256=prepared.seen_sha256 if signer.officer else "",
    )

    def write(moment: Moment, case: Case) -> list[k.Body]:
        step(case.status, k.ApplicationIssued.KIND)
        see_still_approved(moment.tx, store.journal, session, case, prepared.ground)
        if case != prepared.ground.case or next_certificate_number(moment.tx, store.journal) != body.number:
            raise Overtaken
        if signer.officer:
            four_eyes.check(moment.tx, store.journal, k.ApplicationApproved.KIND, case.id, session.actor)
            see_may_sign(moment, store.journal, session, signer.certificate)
        return [body]

    try:
        go_on(store, session, application, write, blobs=(sealed.blob,))
    except BaseException:
        store.give_up_blob(sealed.blob)
        raise
    return Issued(application, body.number, sealed.blob, body.record_sha256, body.pdf_sha256)
