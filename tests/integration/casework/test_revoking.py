"""A certificate is revoked by two people, for good, and says so everywhere."""

from __future__ import annotations

import pytest

from appliance.access.four_eyes import SameEyes
from appliance.access.session import NotPermitted, Role
from appliance.casework import applications, delivery, queries, revoking, steps
from appliance.casework.caseview import case
from appliance.casework.certificates import (
    NotValid,
    State,
    UnknownCertificate,
    certificate_numbered,
    certificates,
    certificates_of,
    open_requests,
)
from appliance.casework.changes import ChangedMeanwhile
from appliance.casework.delivery import Receiver
from appliance.casework.lifecycle import IllegalStep, Status
from appliance.casework.search import search
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from tests.support.desk import NUMBER, OMAR, Desk


@pytest.fixture
def issued(desk: Desk) -> EntityId:
    """An application whose certificate was issued."""
    application = desk.approved()
    desk.issue(application)
    return application


def ask(desk: Desk, application: EntityId, role: Role = Role.OFFICER, login: str = "rabia") -> None:
    revoking.ask_revocation(desk.store, desk.session(login, role), application, NUMBER, "fraud", "a forged deed")


def handed_over(desk: Desk, application: EntityId) -> None:
    applicant = EntityId(desk.row(application, "applicant"))
    delivery.deliver(desk.centre, desk.operator, application, Receiver(applicant))


def test_one_asks_and_another_revokes_and_it_says_so_everywhere(desk: Desk, issued: EntityId) -> None:
    ask(desk, issued)
    assert [each.number for each in open_requests(desk.store)] == [NUMBER]
    assert [each.application for each in queries.questioned(desk.centre)] == [issued]
    revoking.revoke(desk.store, desk.supervisor, issued, NUMBER)
    found = certificate_numbered(desk.store, NUMBER.lower())
    assert (found.state, found.reason_code, found.reason) == (State.REVOKED, "fraud", "a forged deed")
    assert found.standing == "revoked on 2026-11-22 (fraud)"
    assert certificates(desk.store, State.REVOKED) == certificates_of(desk.store, issued) == [found]
    assert not certificates(desk.store, State.VALID)
    assert not open_requests(desk.store)
    assert not queries.questioned(desk.centre)
    assert not queries.to_hand_over(desk.centre)
    view = case(desk.store, issued)
    assert view.case.status is Status.REVOKED
    assert view.certificates == (found,)
    assert [each.outcome for each in view.requests] == ["done"]
    assert "revoked the certificate" in view.timeline[-1].what
    (hit,) = search(desk.store, NUMBER)
    assert hit.status == "revoked"
    assert f"{NUMBER} revoked" in hit.detail


def test_neither_who_asked_revokes_nor_who_took_the_application_in(desk: Desk, issued: EntityId) -> None:
    ask(desk, issued)
    for login in ("rabia", OMAR):
        with pytest.raises(SameEyes):
            revoking.revoke(desk.store, desk.session(login, Role.OFFICER), issued, NUMBER)
    with pytest.raises(NotPermitted):
        revoking.revoke(desk.store, desk.operator, issued, NUMBER)
    revoking.revoke(desk.store, desk.hire("zara"), issued, NUMBER)


def test_who_asked_once_and_was_refused_may_revoke_what_another_asks(desk: Desk, issued: EntityId) -> None:
    ask(desk, issued)
    revoking.refuse_revocation(desk.store, desk.supervisor, issued, NUMBER, "the deed is in order")
    assert certificate_numbered(desk.store, NUMBER).state is State.VALID
    ask(desk, issued, Role.OPERATOR, OMAR)
    revoking.revoke(desk.store, desk.officer, issued, NUMBER)


def test_nothing_is_revoked_that_nobody_asked_for_and_nothing_is_asked_twice(desk: Desk, issued: EntityId) -> None:
    with pytest.raises(OperatorError, match="Nobody has asked"):
        revoking.revoke(desk.store, desk.supervisor, issued, NUMBER)
    ask(desk, issued)
    with pytest.raises(OperatorError, match="asked for before"):
        ask(desk, issued, Role.OPERATOR, OMAR)
    with pytest.raises(OperatorError, match="no reason by which"):
        revoking.ask_revocation(desk.store, desk.officer, issued, NUMBER, "spite", "x")


def test_an_operator_takes_back_only_what_they_asked_themselves(desk: Desk, issued: EntityId) -> None:
    ask(desk, issued)
    with pytest.raises(OperatorError, match="Somebody else asked"):
        revoking.refuse_revocation(desk.store, desk.operator, issued, NUMBER, "no")
    revoking.refuse_revocation(desk.store, desk.officer, issued, NUMBER, "mistaken")
    ask(desk, issued, Role.OPERATOR, OMAR)
    revoking.refuse_revocation(desk.store, desk.operator, issued, NUMBER, "mistaken")
    assert [each.outcome for each in case(desk.store, issued).requests] == ["refused", "refused"]


def test_what_is_asked_to_be_revoked_is_not_handed_over_and_what_is_revoked_never(desk: Desk, issued: EntityId) -> None:
    desk_steps(desk, issued)
    ask(desk, issued)
    with pytest.raises(NotValid, match="was asked for"):
        handed_over(desk, issued)
    revoking.refuse_revocation(desk.store, desk.supervisor, issued, NUMBER, "in order")
    handed_over(desk, issued)
    ask(desk, issued)
    revoking.revoke(desk.store, desk.supervisor, issued, NUMBER)
    with pytest.raises(IllegalStep):
        handed_over(desk, issued)
    for act in (
        lambda: ask(desk, issued),
        lambda: revoking.refuse_revocation(desk.store, desk.supervisor, issued, NUMBER, "regret"),
        lambda: revoking.revoke(desk.store, desk.supervisor, issued, NUMBER),
    ):
        with pytest.raises(OperatorError):
            act()
    assert certificate_numbered(desk.store, NUMBER).state is State.REVOKED


def test_who_revokes_what_changed_since_it_was_shown_is_told(desk: Desk, issued: EntityId) -> None:
    ask(desk, issued)
    seen = case(desk.store, issued).last_seq
    revoking.refuse_revocation(desk.store, desk.officer, issued, NUMBER, "mistaken")
    with pytest.raises(ChangedMeanwhile, match="did not revoke"):
        revoking.revoke(desk.store, desk.supervisor, issued, NUMBER, seen=seen)


@pytest.mark.parametrize("number", ["PEW01-000007-T", "PEW01-000001-Y", ""])
def test_a_number_that_is_not_there_or_mistyped_is_told_apart(desk: Desk, issued: EntityId, number: str) -> None:
    with pytest.raises(UnknownCertificate):
        certificate_numbered(desk.store, number)
    with pytest.raises(UnknownCertificate):
        revoking.ask_revocation(desk.store, desk.officer, issued, number, "fraud", "x")


def desk_steps(desk: Desk, application: EntityId) -> None:
    """What is done before a hand-over."""

    steps.do_step(desk.centre, desk.operator, application, "proof")


def test_an_application_whose_certificate_was_revoked_is_not_erased(desk: Desk, issued: EntityId) -> None:
    """The paper is still about; erased here, it would count as valid again."""
    ask(desk, issued)
    revoking.revoke(desk.store, desk.supervisor, issued, NUMBER)
    with pytest.raises(NotPermitted, match="goes on to say so"):
        applications.erase(desk.store, desk.supervisor, issued, "asked to")
