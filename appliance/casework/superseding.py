"""Issuing a corrected certificate in place of another: prepared and shown, then signed and committed.

One entry makes the new one, ends the old one, and puts the answers right, so that no power cut leaves two that hold or
none. Both stay in the history of the application. The second half of `correcting`; issuing itself is in `issuing`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from appliance.access import four_eyes
from appliance.access.session import Session
from appliance.casework.attested import satisfied_in
from appliance.casework.cases import Case, go_on
from appliance.casework.centre import Centre
from appliance.casework.certificate_numbers import next_certificate_number
from appliance.casework.certificate_records import record_of
from appliance.casework.certificates import REVOCATION, NotValid, certificates_in, open_request, see_valid
from appliance.casework.changes import last_seq
from appliance.casework.copying import copied
from appliance.casework.correcting import asked_correction, put_right_by
from appliance.casework.grounds import Ground, Overtaken, holder_of, name_of, read_ground
from appliance.casework.issuing import MAX_TRIES, Issued, Prepared, ShownOtherwise, own_key, seal, set_page
from appliance.casework.lifecycle import step
from appliance.casework.officer_keys import see_may_sign
from appliance.casework.people import view, who_is
from appliance.casework.reviewing import NotReady, see_uncontradicted
from appliance.certificates.signer import DocumentSigner, kid
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records.database import Tx
from appliance.store.store import Moment


@dataclass(frozen=True, slots=True)
class Correction:
    """A corrected certificate to be, in place of `number`. `seen` is the last entry about its application by then."""

    number: str
    prepared: Prepared
    seen: int


def prepare_correction(
    centre: Centre,
    session: Session,
    application: EntityId,
    number: str,
    *,
    signature_png: bytes | None = None,
    sealed_by: Literal["centre", "officer"] | None = None,
) -> Correction:
    """Make the corrected certificate that was asked for, to be looked at. It changes nothing.

    Args:
        centre: whose it is.
        session: of who approves the correction.
        application: whose certificate.
        number: the one that is wrong.
        signature_png: the picture of the holder's signature, to be printed.
        sealed_by: whose key will sign it; None for the officer's own where they have one that is good.

    Raises:
        NotValid: it was superseded or revoked. NoNumbers: this centre must sync first.
        OperatorError: nobody asked for it.
        IntegrityError: the centre's certificate is not there or damaged.
    """
    store = centre.store
    with store.read() as tx:
        seen = last_seq(tx, store.journal, application)
        see_valid(tx, store.journal, application, number)
        fields = asked_correction(tx, store.journal, application, number).fields
        first = certificates_in(tx, store.journal, application)[0]
    found = read_ground(centre, application, k.CertificateCorrected.KIND, fields)
    signer = name_of(store, session)
    ground = replace(found, approver=signer)
    may, says = own_key(store, session, application)
    if sealed_by is None:
        sealed_by = "officer" if may else "centre"
    valid_from = date.fromisoformat(first.issued_on)
    record = record_of(centre, ground, sealed_by=sealed_by, signer=signer, replaces=number, valid_from=valid_from)
    return Correction(number, set_page(centre, ground, record, signature_png, says), seen)


def correct(
    centre: Centre,
    session: Session,
    application: EntityId,
    number: str,
    *,
    correction: Correction | None = None,
    signer: DocumentSigner | None = None,
    signature_png: bytes | None = None,
) -> Issued:
    """Approve a correction: sign and seal the new certificate, and supersede the old one, in one commit.

    Args:
        centre: whose it is.
        session: an officer's, who did not ask for it, took the application in, or put the holder's particulars right.
        application: whose certificate.
        number: the one that is wrong.
        correction: what was shown; None where nobody looked, and the centre seals it.
        signer: the officer's own key, opened for this certificate; None for the centre's.
        signature_png: the picture of the holder's signature, where nothing was prepared.

    Raises:
        ShownOtherwise: what was shown is not what would be issued now; nothing was issued.
        SameEyes: they did one of these.
        NotReady: the corrected form says otherwise than what was attested, or they put the particulars right.
        NotValid: it was superseded or revoked meanwhile, or its revocation was asked for.
        OperatorError: nobody asked for it, the key may not sign, or the session may not. NoNumbers: sync first.
        IntegrityError, DeviceError: it could not be signed; nothing was issued.
    """
    if correction is not None:
        try:
            return _correct(centre, session, application, correction, signer)
        except Overtaken:
            raise ShownOtherwise from None
    if signer is not None:
        raise BugError("An officer signs only what was prepared and shown.")
    for _ in range(MAX_TRIES):
        made = prepare_correction(centre, session, application, number, signature_png=signature_png, sealed_by="centre")
        try:
            return _correct(centre, session, application, made, None)
        except Overtaken:
            continue
    raise OperatorError("Other counters issue without a pause, so this had no turn.", "Do it again.")


def _correct(
    centre: Centre,
    session: Session,
    application: EntityId,
    correction: Correction,
    opened: DocumentSigner | None,
) -> Issued:
    store, prepared = centre.store, correction.prepared
    made = prepared.record
    sealed = seal(centre, application, prepared, opened)

    def write(moment: Moment, case: Case) -> list[k.Body]:
        tx, journal = moment.tx, store.journal
        step(case.status, k.CertificateCorrected.KIND)
        see_valid(tx, journal, case.id, correction.number)
        asked = asked_correction(tx, journal, case.id, correction.number)
        # Asked again when it is written; here, so that nobody is told what lacks in what they may not decide.
        four_eyes.check(tx, journal, k.CertificateCorrected.KIND, case.id, session.actor)
        corrected = replace(case, fields=asked.fields)
        _see_decidable(tx, journal, session, case, correction.number)
        _see_as_shown(tx, journal, correction, corrected)
        if sealed.signer.officer:
            see_may_sign(moment, journal, session, sealed.signer.certificate)
        service = prepared.ground.service
        spared = satisfied_in(tx, journal, service, case.roles, corrected.fields, centre.day_of(moment.at))
        see_uncontradicted(service, spared)
        body = k.CertificateCorrected(
            number=made.number,
            replaces=correction.number,
            record_sha256=prepared.record_sha256,
            pdf_sha256=sealed.pdf_sha256,
            issued_on=made.issued_on,
            expires_on=made.expires_on or "",
            fields=dict(asked.fields),
            changed=asked.changed,
            reason=asked.reason,
            leans_on=spared.leans_on[: k.MAX_LEANS],
            sealed_by=prepared.sealed_by,
            signer=kid(sealed.signer.certificate).hex(),
            seen_sha256=prepared.seen_sha256 if sealed.signer.officer else "",
        )
        return [body]

    try:
        go_on(store, session, application, write, blobs=(sealed.blob,))
    except BaseException:
        store.give_up_blob(sealed.blob)
        raise
    return Issued(application, made.number, sealed.blob, prepared.record_sha256, sealed.pdf_sha256)


def _see_decidable(tx: Tx, journal: JournalId, session: Session, case: Case, number: str) -> None:
    if open_request(tx, journal, case.id, number, REVOCATION) is not None:
        raise NotValid(
            f"The revocation of the certificate {number} was asked for.",
            "That is done or refused first.",
        )
    if session.actor in put_right_by(tx, journal, case):
        raise NotReady(
            "You put right what is written down of the people in it.",
            "An officer who did not looks at it, and issues the certificate.",
        )


def _see_as_shown(tx: Tx, journal: JournalId, correction: Correction, corrected: Case) -> None:
    """Raise `Overtaken` where the certificate would be another one by now, or the officer saw something else."""
    ground: Ground = correction.prepared.ground
    holder = view(tx, journal, who_is(tx, journal, holder_of(corrected, ground.rule))).person
    if (
        last_seq(tx, journal, corrected.id) != correction.seen
        or corrected != ground.case
        or holder != ground.holder
        or copied(tx, journal, ground.service, corrected) != ground.copied
        or next_certificate_number(tx, journal) != correction.prepared.record.number
    ):
        raise Overtaken
