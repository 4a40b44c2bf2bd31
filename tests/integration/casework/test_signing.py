"""Who signs a certificate, and that they saw what they sign: prepared, shown, signed to the byte, committed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from appliance.access.four_eyes import SameEyes
from appliance.access.session import Role, Session
from appliance.casework import issuing, people, reviewing
from appliance.casework.issuing import Prepared, ShownOtherwise, certificate_pdf, prepare
from appliance.casework.key_making import end_key
from appliance.casework.key_opening import opened
from appliance.casework.officer_keys import MayNotSign
from appliance.casework.seals import centre_signer
from appliance.certificates.qr import read_code, verify_code
from appliance.certificates.reading import read_picture
from appliance.certificates.signer import SoftwareSigner, kid
from appliance.journal import kinds as k
from appliance.journal.errors import BugError
from appliance.journal.ids import EntityId
from appliance.journal.kinds import decode_body
from tests.support.desk import OMAR, Desk
from tests.support.sealed_desk import PIN, SealedDesk, sealed_desk
from tests.support.sealing_centre import Judges, run


@pytest.fixture
def sealed(desk: Desk) -> SealedDesk:
    return sealed_desk(desk)


def sign(sealed: SealedDesk, prepared: Prepared, session: Session | None = None) -> issuing.Issued:
    desk = sealed.desk
    session = session or desk.officer
    with opened(desk.centre, session, PIN) as signer:
        return issuing.issue(desk.centre, session, prepared.application, prepared=prepared, signer=signer)


def issue_entry(desk: Desk, application: EntityId) -> k.ApplicationIssued:
    entries = list(desk.store.entries(0, desk.store.head().size))
    (found,) = (e for e in entries if e.header.kind == k.ApplicationIssued.KIND and e.header.about == application)
    body = decode_body(found.header.kind, found.body or b"")
    assert isinstance(body, k.ApplicationIssued)
    return body


def page_of(pdf: bytes, folder: Path) -> bytes:
    """The first page as poppler draws it."""
    (folder / "page.pdf").write_bytes(pdf)
    run("pdftoppm", "-r", "200", "-png", "-singlefile", str(folder / "page.pdf"), str(folder / "page"))
    return (folder / "page.png").read_bytes()


def test_what_is_signed_is_what_was_shown_to_the_byte(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    application = desk.approved()
    prepared = prepare(desk.centre, desk.officer, application)
    assert prepared.sealed_by == "officer"
    made = sign(sealed, prepared)
    pdf = certificate_pdf(desk.store, made)
    assert pdf.startswith(prepared.pdf)
    body = issue_entry(desk, application)
    assert (body.sealed_by, body.signer) == ("officer", key.kid)
    assert body.seen_sha256 == hashlib.sha256(prepared.pdf).hexdigest()
    assert (body.record_sha256, body.pdf_sha256) == (prepared.record_sha256, hashlib.sha256(pdf).hexdigest())


def test_pdfsig_and_openssl_accept_the_officer_s_signature(sealed: SealedDesk, tmp_path: Path) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    pdf = certificate_pdf(desk.store, sign(sealed, prepare(desk.centre, desk.officer, desk.approved())))
    judges = Judges(tmp_path, sealed.authority.certificate)
    said = judges.pdfsig(pdf)
    for expected in (
        *("Signature is Valid", "Certificate is Trusted", "Total document signed"),
        *("Common Name: Rabia", "OID.2.5.4.97=PEW01"),
    ):
        assert expected in said
    assert "CAdES Verification successful" in judges.openssl_cms(pdf)


def test_without_a_key_the_centre_seals_and_says_so(sealed: SealedDesk) -> None:
    desk = sealed.desk
    application = desk.approved()
    prepared = prepare(desk.centre, desk.officer, application)
    assert prepared.sealed_by == "centre"
    made = issuing.issue(desk.centre, desk.officer, application, prepared=prepared)
    assert certificate_pdf(desk.store, made).startswith(prepared.pdf)
    assert (issue_entry(desk, application).sealed_by, issue_entry(desk, application).seen_sha256) == ("centre", "")


def test_an_operator_s_certificate_is_sealed_by_the_centre_though_they_are_an_officer_with_a_key(
    sealed: SealedDesk,
) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    assert prepare(desk.centre, desk.session("rabia", Role.OPERATOR), desk.approved()).sealed_by == "centre"


def test_an_officer_may_let_the_centre_seal(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    application = desk.approved()
    issuing.issue(
        desk.centre,
        desk.officer,
        application,
        prepared=prepare(desk.centre, desk.officer, application, sealed_by="centre"),
    )
    assert issue_entry(desk, application).sealed_by == "centre"


def test_the_code_on_the_page_is_the_centre_s_word_whoever_signs_the_file(sealed: SealedDesk, tmp_path: Path) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    prepared = prepare(desk.centre, desk.officer, desk.approved())
    (text,) = read_picture(page_of(prepared.pdf, tmp_path))
    code = read_code(text)
    assert code.record_sha256 == prepared.record_sha256
    centre = centre_signer(desk.store).certificate
    assert code.kid == kid(centre)
    verify_code(code, centre)


def test_a_number_that_was_given_away_meanwhile_is_shown_again_before_it_is_signed(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    slow, quick = desk.approved(), desk.approved()
    prepared = prepare(desk.centre, desk.officer, slow)
    issuing.issue(desk.centre, desk.officer, quick)
    with pytest.raises(ShownOtherwise):
        sign(sealed, prepared)
    assert issuing.issued(desk.store, slow) is None
    again = prepare(desk.centre, desk.officer, slow)
    assert again.record.number != prepared.record.number
    assert sign(sealed, again).number == again.record.number


def test_a_holder_who_was_corrected_meanwhile_is_shown_again(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    person = desk.person()
    application = desk.take_in(person).application
    desk.make_ready(application)
    reviewing.approve(desk.centre, desk.officer, application)
    prepared = prepare(desk.centre, desk.officer, application)
    people.correct_person(desk.store, desk.operator, person, {"name": "Somebody Else"}, "Misread")
    with pytest.raises(ShownOtherwise):
        sign(sealed, prepared)
    assert prepare(desk.centre, desk.officer, application).record.holder.name == "Somebody Else"


def test_another_day_is_shown_again(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    prepared = prepare(desk.centre, desk.officer, desk.approved())
    desk.pass_days(1)
    with pytest.raises(ShownOtherwise):
        sign(sealed, prepared)


def test_nobody_signs_what_they_were_not_shown_or_for_another_application(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    application, other = desk.approved(), desk.approved()
    prepared = prepare(desk.centre, desk.officer, application)
    with opened(desk.centre, desk.officer, PIN) as signer:
        with pytest.raises(BugError):
            issuing.issue(desk.centre, desk.officer, application, signer=signer)
        with pytest.raises(BugError):
            issuing.issue(desk.centre, desk.officer, other, prepared=prepared, signer=signer)
    with pytest.raises(BugError):
        issuing.issue(desk.centre, desk.officer, application, prepared=prepared)


def test_a_key_that_was_ended_between_the_pin_and_the_commit_issues_nothing(sealed: SealedDesk) -> None:
    desk = sealed.desk
    key = sealed.key(desk.officer)
    application = desk.approved()
    prepared = prepare(desk.centre, desk.officer, application)
    with opened(desk.centre, desk.officer, PIN) as signer:
        end_key(desk.store, desk.supervisor, key.id, "compromised")
        with pytest.raises(MayNotSign):
            issuing.issue(desk.centre, desk.officer, application, prepared=prepared, signer=signer)
    assert issuing.issued(desk.store, application) is None


def test_one_officer_does_not_sign_by_the_key_of_another(sealed: SealedDesk) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    zarak = desk.hire("zarak")
    sealed.key(zarak)
    application = desk.approved()
    prepared = prepare(desk.centre, zarak, application)
    with opened(desk.centre, desk.officer, PIN) as signer:
        with pytest.raises(MayNotSign):
            issuing.issue(desk.centre, zarak, application, prepared=prepared, signer=signer)
        assert isinstance(signer, SoftwareSigner)
    assert sign(sealed, prepared, zarak).number == prepared.record.number


def test_an_officer_who_took_it_in_does_not_sign_what_another_approved(sealed: SealedDesk) -> None:
    desk = sealed.desk
    omar = desk.session(OMAR, Role.OFFICER)
    sealed.key(omar)
    application = desk.approved()
    prepared = prepare(desk.centre, omar, application)
    assert prepared.sealed_by == "centre"
    assert "took this application in yourself" in prepared.says
    with pytest.raises(SameEyes):
        sign(sealed, prepare(desk.centre, omar, application, sealed_by="officer"), omar)
    assert issuing.issue(desk.centre, omar, application, prepared=prepared).number


def test_the_picture_that_is_looked_at_holds_no_code_that_a_camera_could_take_for_a_certificate(
    sealed: SealedDesk,
) -> None:
    desk = sealed.desk
    sealed.key(desk.officer)
    prepared = prepare(desk.centre, desk.officer, desk.approved())
    assert read_picture(prepared.picture()) == [issuing.NO_CODE]
