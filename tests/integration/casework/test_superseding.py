"""A corrected certificate takes the place of another in one commit, by an officer who had no part in it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader

from appliance.access.four_eyes import SameEyes
from appliance.access.session import NotPermitted, Role, Session
from appliance.casework import (
    attestation,
    correcting,
    delivery,
    people,
    queries,
    reviewing,
    revoking,
    steps,
    superseding,
)
from appliance.casework.attestation import Seen
from appliance.casework.caseview import case
from appliance.casework.certificates import (
    NotValid,
    State,
    certificate_file,
    certificate_numbered,
    certificates_of,
    open_requests,
)
from appliance.casework.delivery import Receiver
from appliance.casework.issuing import Issued, ShownOtherwise, issue, issued
from appliance.casework.lifecycle import Status
from appliance.casework.queries import to_hand_over
from appliance.casework.reviewing import NotReady
from appliance.casework.search import search
from appliance.catalogue import Catalogue
from appliance.catalogue.model import Validity
from appliance.certificates.record import CertificateRecord, decode_record
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.verify import verify_home
from tests.support.desk import CATALOGUE, OMAR, SERVICE, Desk, centre_of, lease


@pytest.fixture
def first(sealed: Desk) -> Issued:
    """A certificate that was issued and handed over."""
    lease(sealed, "PEW01-", 3, 9)
    made = issue(sealed.centre, sealed.officer, sealed.approved())
    steps.do_step(sealed.centre, sealed.operator, made.application, "proof")
    hand_over(sealed, made.application)
    return made


def hand_over(desk: Desk, application: EntityId) -> None:
    applicant = EntityId(desk.row(application, "applicant"))
    delivery.deliver(desk.centre, desk.operator, application, Receiver(applicant))


def ask(desk: Desk, made: Issued, session: Session | None = None, **answers: str) -> None:
    paper = desk.paper(made.application, "cnic", "cnic", b"what proves it")
    correcting.ask_correction(
        desk.centre,
        session or desk.operator,
        made.application,
        made.number,
        answers=answers,
        papers=(paper,),
        reason="misread",
    )


def record_in(desk: Desk, number: str) -> CertificateRecord:
    """The record inside the sealed file."""
    reader = PdfFileReader(io.BytesIO(certificate_file(desk.store, certificate_numbered(desk.store, number))))
    names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    found = {str(names[n]): names[n + 1].get_object() for n in range(0, len(names), 2)}
    return decode_record(found["record.json"]["/EF"]["/F"].data)


def test_the_new_one_says_what_it_replaces_and_the_old_one_what_replaced_it(sealed: Desk, first: Issued) -> None:
    desk = sealed
    ask(desk, first, district="Mardan")
    second = superseding.correct(desk.centre, desk.officer, first.application, first.number)
    old, new = certificates_of(desk.store, first.application)
    assert (old.number, old.state, old.replaced_by, old.reason_code) == (
        first.number,
        State.SUPERSEDED,
        second.number,
        "correction",
    )
    assert old.standing == f"superseded by {second.number} on 2026-11-22"
    assert (new.number, new.state, new.replaces) == (second.number, State.VALID, first.number)
    assert issued(desk.store, first.application) == second
    record = record_in(desk, second.number)
    assert (record.replaces, record.number) == (first.number, second.number)
    assert "Mardan" in {fact.value for fact in record.facts}
    assert record_in(desk, first.number).replaces == ""
    view = case(desk.store, first.application)
    assert view.case.fields["district"] == "Mardan"
    assert [each.what for each in view.timeline if "certificate" in each.what][-1].startswith(
        f"issued the certificate {second.number} in place of {first.number}"
    )
    assert not open_requests(desk.store)


def test_the_new_one_waits_to_be_handed_over_and_both_numbers_are_found(sealed: Desk, first: Issued) -> None:
    desk = sealed
    assert desk.status(first.application) is Status.DELIVERED
    ask(desk, first, district="Mardan")
    second = superseding.correct(desk.centre, desk.officer, first.application, first.number)
    assert desk.status(first.application) is Status.ISSUED
    assert [each.application for each in to_hand_over(desk.centre)] == [first.application]
    for number in (first.number, second.number):
        (hit,) = search(desk.store, number)
        assert hit.about == first.application
        assert f"{first.number} superseded by {second.number}" in hit.detail
    assert [hit.about for hit in search(desk.store, "Mardan")] == [first.application]
    hand_over(desk, first.application)
    assert desk.status(first.application) is Status.DELIVERED


def test_it_is_valid_no_longer_than_the_first_one_was(sealed: Desk) -> None:
    service = CATALOGUE.service(SERVICE)
    assert service.certificate is not None
    for_a_year = replace(service, certificate=replace(service.certificate, valid=(Validity(months=12),)))
    sealed.centre = centre_of(sealed.store, Catalogue({**CATALOGUE.services, SERVICE: for_a_year}))
    first = issue(sealed.centre, sealed.officer, sealed.approved())
    sealed.pass_days(200)
    ask(sealed, first, district="Mardan")
    superseding.correct(sealed.centre, sealed.officer, first.application, first.number)
    old, new = certificates_of(sealed.store, first.application)
    assert old.issued_on < new.issued_on
    assert old.expires_on == new.expires_on != ""


def test_neither_who_asked_approves_nor_who_took_it_in_nor_who_put_the_name_right(sealed: Desk, first: Issued) -> None:
    desk = sealed
    person = EntityId(desk.row(first.application, "applicant"))
    for login in ("zara", "yusuf"):
        desk.hire_for_both(login)
    people.correct_person(desk.store, desk.session("zara", Role.OFFICER), person, {"name": "Gul Kahn"}, "misread")
    ask(desk, first, desk.officer)
    before = desk.bench.state()
    for login in ("rabia", OMAR):
        with pytest.raises(SameEyes):
            superseding.correct(desk.centre, desk.session(login, Role.OFFICER), first.application, first.number)
    with pytest.raises(NotReady, match="put right"):
        superseding.correct(desk.centre, desk.session("zara", Role.OFFICER), first.application, first.number)
    with pytest.raises(NotPermitted):
        superseding.correct(desk.centre, desk.supervisor, first.application, first.number)
    assert desk.bench.state() == before
    made = superseding.correct(desk.centre, desk.session("yusuf", Role.OFFICER), first.application, first.number)
    record = record_in(desk, made.number)
    assert record.holder.name == "Gul Kahn"
    assert record.attested_by.name == "Yusuf"


def test_what_was_attested_wrongly_is_withdrawn_first_and_what_proves_it_attested_instead(
    sealed: Desk,
) -> None:
    desk = sealed
    application = desk.take_in().application
    person = EntityId(desk.row(application, "applicant"))
    paper = case(desk.store, application).papers[0].id
    wrong = desk.attest(application, paper, person, name="Gul Khan")
    desk.make_ready(application)
    reviewing.approve(desk.centre, desk.officer, application)
    first = issue(desk.centre, desk.officer, application)
    ask(desk, first, name="Gul Kahn")
    with pytest.raises(NotReady, match="says otherwise than what was attested"):
        superseding.correct(desk.centre, desk.officer, application, first.number)
    attestation.withdraw_attestation(desk.store, desk.officer, wrong, "misread")
    assert [each.application for each in queries.unsupported(desk.centre)] == [application]
    proof = case(desk.store, application).papers[-1].id
    right = attestation.attest(
        desk.centre, desk.officer, application, Seen(proof, person, "the card itself", {"name": "Gul Kahn"})
    )
    superseding.correct(desk.centre, desk.officer, application, first.number)
    view = case(desk.store, application)
    assert not view.unsupported
    assert {each.id for each in (*view.made_here, *view.leans_on) if not each.withdrawn_at} == {right}
    assert not queries.unsupported(desk.centre)


def test_what_was_shown_and_is_not_so_any_more_is_shown_again(sealed: Desk, first: Issued) -> None:
    desk = sealed
    ask(desk, first, district="Mardan")
    shown = superseding.prepare_correction(desk.centre, desk.officer, first.application, first.number)
    desk.paper(first.application, "cnic", "cnic", b"another")
    before = desk.bench.state()
    with pytest.raises(ShownOtherwise):
        superseding.correct(desk.centre, desk.officer, first.application, first.number, correction=shown)
    assert desk.bench.state() == before
    shown = superseding.prepare_correction(desk.centre, desk.officer, first.application, first.number)
    made = superseding.correct(desk.centre, desk.officer, first.application, first.number, correction=shown)
    assert made.record_sha256 == shown.prepared.record_sha256


def test_of_a_correction_and_a_revocation_at_once_the_first_commit_counts(sealed: Desk, first: Issued) -> None:
    """Prepared while it was valid; revoked before it was signed."""
    desk = sealed
    ask(desk, first, district="Mardan")
    shown = superseding.prepare_correction(desk.centre, desk.officer, first.application, first.number)
    revoking.ask_revocation(desk.store, desk.operator, first.application, first.number, "fraud", "forged")
    with pytest.raises(NotValid, match="revocation"):
        superseding.correct(desk.centre, desk.officer, first.application, first.number, correction=shown)
    revoking.revoke(desk.store, desk.supervisor, first.application, first.number)
    before = desk.bench.state()
    with pytest.raises(OperatorError):
        superseding.correct(desk.centre, desk.officer, first.application, first.number, correction=shown)
    assert desk.bench.state() == before
    assert [each.state for each in certificates_of(desk.store, first.application)] == [State.REVOKED]


def test_a_revocation_that_meets_a_superseded_certificate_is_refused(sealed: Desk, first: Issued) -> None:
    desk = sealed
    ask(desk, first, district="Mardan")
    second = superseding.correct(desk.centre, desk.officer, first.application, first.number)
    with pytest.raises(NotValid) as refused:
        revoking.ask_revocation(desk.store, desk.officer, first.application, first.number, "fraud", "forged")
    assert refused.value.next_step == f"Use {second.number}."


def test_a_power_cut_in_the_middle_leaves_the_old_one_valid_and_a_refold_the_same_tables(
    sealed: Desk, first: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sealed
    ask(desk, first, district="Mardan")

    class Cut(BaseException):
        pass

    def cut(*_: object, **__: object) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(superseding, "go_on", cut)
        before = desk.bench.state()
        with pytest.raises(Cut):
            superseding.correct(desk.centre, desk.officer, first.application, first.number)
    assert desk.bench.state() == before
    superseding.correct(desk.centre, desk.officer, first.application, first.number)
    before = desk.bench.state()
    desk.store.refold()
    assert desk.bench.state() == before
    assert verify_home(desk.store.layout, desk.bench.key).ok
