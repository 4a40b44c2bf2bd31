"""A certificate is printed once as it is, and again only with a reason, marked, while it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.access.session import Session
from appliance.casework import delivery, printing, reprinting, revoking, steps
from appliance.casework.certificates import Certificate, NotValid, certificate_numbered
from appliance.casework.delivery import Receiver
from appliance.casework.printing import AlreadyPrinted, Outcome, PrintOpen, PrintState, prints_of
from appliance.journal.errors import IntegrityError, OperatorError
from appliance.journal.ids import EntityId
from tests.support.desk import NUMBER, PDF, Desk

PRINTED = Outcome(PrintState.PRINTED, "It is printed.")


@pytest.fixture
def certificate(desk: Desk) -> Certificate:
    desk.issue(desk.approved())
    return certificate_numbered(desk.store, NUMBER)


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mark copies by a word in front of them, so that no page need be set."""
    monkeypatch.setattr(reprinting, "render_duplicate", lambda signed, *, copy, **_: b"%d " % copy + signed)


def print_it(
    desk: Desk,
    certificate: Certificate,
    reason: str = "",
    session: Session | None = None,
    outcome: Outcome = PRINTED,
) -> list[tuple[bytes, int]]:
    """What the printer was given."""
    given: list[tuple[bytes, int]] = []

    def send(pdf: bytes, copy: int) -> Outcome:
        given.append((pdf, copy))
        return outcome

    reprinting.print_certificate(
        desk.centre, session or desk.operator, certificate, send, printer="SIMULATED", simulated=True, reason=reason
    )
    return given


def hand_over(desk: Desk, certificate: Certificate) -> None:
    steps.do_step(desk.centre, desk.operator, certificate.application, "proof")
    applicant = EntityId(desk.row(certificate.application, "applicant"))
    delivery.deliver(desk.centre, desk.operator, certificate.application, Receiver(applicant))


@pytest.mark.usefixtures("marked")
def test_the_first_print_is_the_signed_file_and_every_other_is_marked_and_has_a_reason(
    desk: Desk, certificate: Certificate
) -> None:
    assert print_it(desk, certificate) == [(PDF, 1)]
    with pytest.raises(AlreadyPrinted):
        print_it(desk, certificate)
    assert print_it(desk, certificate, "the printer tore it") == [(b"2 " + PDF, 2)]
    assert print_it(desk, certificate, "again") == [(b"3 " + PDF, 3)]
    assert [(one.copy, one.reason) for one in prints_of(desk.store, certificate.application)] == [
        (1, ""),
        (2, "the printer tore it"),
        (3, "again"),
    ]


@pytest.mark.usefixtures("marked")
def test_what_was_handed_over_is_printed_again_by_an_officer_or_a_supervisor(
    desk: Desk, certificate: Certificate
) -> None:
    print_it(desk, certificate)
    hand_over(desk, certificate)
    with pytest.raises(OperatorError, match="handed over"):
        print_it(desk, certificate, "lost")
    for copy, session in enumerate((desk.officer, desk.supervisor), 2):
        assert print_it(desk, certificate, "lost", session)[0][1] == copy


@pytest.mark.usefixtures("marked")
def test_what_was_revoked_or_is_asked_to_be_is_not_printed(desk: Desk, certificate: Certificate) -> None:
    print_it(desk, certificate)
    revoking.ask_revocation(desk.store, desk.officer, certificate.application, NUMBER, "fraud", "a forged deed")
    before = desk.bench.state()
    with pytest.raises(NotValid, match="was asked for"):
        print_it(desk, certificate, "lost", desk.supervisor)
    revoking.revoke(desk.store, desk.supervisor, certificate.application, NUMBER)
    assert before != (before := desk.bench.state())
    with pytest.raises(NotValid, match="revoked on 2026-11-22"):
        print_it(desk, certificate, "lost", desk.supervisor)
    assert desk.bench.state() == before


@pytest.mark.usefixtures("marked")
def test_after_a_power_cut_somebody_looks_before_it_is_printed_again(desk: Desk, certificate: Certificate) -> None:
    print_it(desk, certificate, outcome=Outcome(PrintState.INTENDED, ""))
    with pytest.raises(PrintOpen):
        print_it(desk, certificate, "again")
    (left,) = printing.open_prints(desk.store)
    printing.settle_print(desk.store, desk.operator, left.id, on_paper=True)
    assert print_it(desk, certificate, "it was torn")[0][1] == 2


def test_another_file_than_was_issued_is_not_printed(desk: Desk, certificate: Certificate) -> None:
    with pytest.raises(IntegrityError):
        print_it(desk, replace(certificate, pdf_sha256="ab" * 32))
    assert not prints_of(desk.store, certificate.application)
