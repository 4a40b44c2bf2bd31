"""Issuing at a real store: what a certificate shows is what was approved, and each number is given once."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import date

import pytest
from PIL import Image

from appliance.access.session import Role
from appliance.casework import applications, attestation, issuing, people, reversals, reviewing
from appliance.casework.attestation import Seen
from appliance.casework.certificate_numbers import is_certificate_number
from appliance.casework.intake import PaperRefused
from appliance.casework.issuing import Issued
from appliance.casework.money import payments_for
from appliance.casework.papers import NewPaper, add_paper
from appliance.casework.reviewing import NotReady
from appliance.catalogue import Catalogue
from appliance.certificates.portrait import portrait
from appliance.certificates.record import CertificateRecord, encode_record
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from tests.support.certificates import photograph
from tests.support.desk import ANSWERS, CATALOGUE, OMAR, SERVICE, Desk, centre_of, lease


def issue(desk: Desk, application: EntityId, monkeypatch: pytest.MonkeyPatch) -> tuple[Issued, CertificateRecord]:
    """Issue it, and answer the record that was rendered, too."""
    shown: list[CertificateRecord] = []

    def spy(record: CertificateRecord) -> bytes:
        shown.append(record)
        return encode_record(record)

    monkeypatch.setattr(issuing, "encode_record", spy)
    return issuing.issue(desk.centre, desk.officer, application), shown[-1]


def test_numbers_have_a_check_character_and_a_later_block_gives_none_twice(
    sealed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [issue(sealed, sealed.approved(), monkeypatch)[0].number]
    # It sorts before the first one, and holds one of its numbers.
    lease(sealed, "PEW01-", 0, 2)
    made += [issue(sealed, sealed.approved(), monkeypatch)[0].number for _ in range(2)]
    assert [each[:-1] for each in made] == ["PEW01-000001-", "PEW01-000002-", "PEW01-000000-"]
    assert all(map(is_certificate_number, made))


def test_a_fee_that_was_given_back_after_the_approval_issues_nothing(sealed: Desk) -> None:
    application = sealed.approved()
    (payment,) = payments_for(sealed.store, application)
    reversals.void_payment(sealed.centre, sealed.supervisor, payment.id, "Wrong challan")
    with pytest.raises(NotReady, match="given back after the approval"):
        issuing.issue(sealed.centre, sealed.officer, application)


def test_a_name_that_is_changed_after_the_approval_is_issued_by_an_officer_who_looked_again(
    sealed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = sealed.person()
    application = sealed.take_in(person).application
    sealed.make_ready(application)
    reviewing.approve(sealed.centre, sealed.officer, application)
    people.correct_person(sealed.store, sealed.operator, person, {"name": "Somebody Else"}, "Misread")
    with pytest.raises(NotReady, match="changed after the approval"):
        issuing.issue(sealed.centre, sealed.operator, application)
    sealed.hire_for_both("zarak")
    for login, role in (("zarak", Role.OPERATOR), (OMAR, Role.OPERATOR)):
        with pytest.raises(NotReady):
            issuing.issue(sealed.centre, sealed.session(login, role), application)
    assert issue(sealed, application, monkeypatch)[1].holder.name == "Somebody Else"


def test_a_holder_who_was_found_to_be_another_record_is_shown_as_that_one(
    sealed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, other = sealed.person("Gul Kahn"), sealed.person("Gul Khan")
    application = sealed.take_in(person).application
    sealed.make_ready(application)
    people.merge(sealed.store, sealed.officer, person, other, "The same")
    reviewing.approve(sealed.centre, sealed.officer, application)
    assert issue(sealed, application, monkeypatch)[1].holder.name == "Gul Khan"


def with_a_photograph(desk: Desk) -> None:
    """Let the service print the photograph, and ask for it."""
    service = CATALOGUE.service(SERVICE)
    assert service.certificate is not None
    papers = tuple(replace(each, required=True) if each.id == "photograph" else each for each in service.papers)
    asks = replace(service, papers=papers, certificate=replace(service.certificate, photo="photograph"))
    desk.centre = centre_of(desk.store, Catalogue({**CATALOGUE.services, SERVICE: asks}))


def test_a_photograph_that_cannot_be_printed_is_refused_at_the_counter(sealed: Desk) -> None:
    with_a_photograph(sealed)
    form = sealed.form()
    applications.begin(sealed.centre, sealed.operator, form)
    pdf = io.BytesIO()
    Image.open(io.BytesIO(photograph())).save(pdf, "PDF")
    with pytest.raises(PaperRefused, match="printed on the certificate"):
        add_paper(sealed.centre, sealed.operator, form.id, NewPaper(pdf.getvalue(), rule="photograph"))
    add_paper(sealed.centre, sealed.operator, form.id, NewPaper(photograph(), rule="photograph"))


def test_a_photograph_that_was_attested_once_is_printed_on_the_next_certificate(
    sealed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_a_photograph(sealed)
    person, picture = sealed.person(), photograph()
    first = sealed.form(person)
    sealed.begin(first)
    paper = add_paper(sealed.centre, sealed.operator, first.id, NewPaper(picture, rule="photograph"))
    applications.submit(sealed.centre, sealed.operator, first)
    sealed.attest(first.id, paper.id, person)
    second = sealed.take_in(person, ANSWERS).application
    sealed.make_ready(second)
    reviewing.approve(sealed.centre, sealed.officer, second)
    record = issue(sealed, second, monkeypatch)[1]
    assert record.holder.photo_sha256 == hashlib.sha256(portrait(picture)).hexdigest()


def attested_photograph(desk: Desk, **until: date) -> tuple[EntityId, EntityId, bytes]:
    """A case that is approved with a photograph attested for an earlier one; answers the attestation, too."""
    with_a_photograph(desk)
    person, picture = desk.person(), photograph()
    first = desk.form(person)
    desk.begin(first)
    paper = add_paper(desk.centre, desk.operator, first.id, NewPaper(picture, rule="photograph"))
    applications.submit(desk.centre, desk.operator, first)
    seen = Seen(paper.id, person, "the person", {}, until.get("until"))
    made = attestation.attest(desk.centre, desk.officer, first.id, seen)
    second = desk.take_in(person, ANSWERS).application
    desk.make_ready(second)
    reviewing.approve(desk.centre, desk.officer, second)
    return second, made, picture


def test_a_photograph_whose_attestation_lapsed_after_the_approval_is_printed_all_the_same(
    sealed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, _, picture = attested_photograph(sealed, until=sealed.centre.today())
    sealed.pass_days(3)
    record = issue(sealed, application, monkeypatch)[1]
    assert record.holder.photo_sha256 == hashlib.sha256(portrait(picture)).hexdigest()


def test_a_photograph_whose_attestation_was_withdrawn_is_added_again_and_looked_at_by_an_officer(
    sealed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, made, picture = attested_photograph(sealed)
    attestation.withdraw_attestation(sealed.store, sealed.officer, made, "another person")
    with pytest.raises(NotReady, match="not there any more"):
        issuing.issue(sealed.centre, sealed.officer, application)
    add_paper(sealed.centre, sealed.operator, application, NewPaper(picture, rule="photograph"))
    for session in (sealed.operator, sealed.session(OMAR, Role.OFFICER)):
        with pytest.raises(OperatorError):
            issuing.issue(sealed.centre, session, application)
    assert issue(sealed, application, monkeypatch)[1].holder.photo_sha256
