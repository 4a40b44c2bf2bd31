"""What central decided is carried out by the same table, or kept whole for people to settle; nothing is overwritten."""

from __future__ import annotations

import pytest

from appliance.access.session import NotPermitted, node_session
from appliance.casework import applications, conflicts, decisions, queries, reviewing, steps
from appliance.casework.caseview import case as read_case
from appliance.casework.lifecycle import Status
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.store import Draft
from tests.support.desk import Desk, certify


@pytest.fixture(autouse=True)
def opened(desk: Desk) -> None:
    certify(desk)


def order(desk: Desk, *bodies: k.Body) -> None:
    desk.bench.central.order(*bodies)
    desk.bench.take_orders()


def given(desk: Desk, application: EntityId, **more: str) -> k.DecisionGiven:
    said = {"decides": "answer", "step": "police", "outcome": "positive", "office": "Police", "decided_by": "DSP Khan"}
    return k.DecisionGiven(decision=desk.store.new_id(), application=application, **{**said, **more})  # type: ignore[arg-type]


def kinds(desk: Desk, application: EntityId) -> list[str]:
    entries = desk.store.entries(0, desk.store.head().size)
    return [each.header.kind for each in entries if each.header.about == application]


def waiting(desk: Desk, *outside: str) -> EntityId:
    application = desk.take_in().application
    for step in outside:
        steps.send_outside(desk.centre, desk.officer, application, step)
    return application


def test_an_offices_answer_is_carried_out_where_the_case_waits_for_it(desk: Desk) -> None:
    application = waiting(desk, "police", "patwari")
    order(desk, given(desk, application, remark="Nothing known.", reference="P-7"))
    assert decisions.is_due(desk.store)
    assert len(decisions.carry_out(desk.centre).done) == 1
    assert desk.status(application) is Status.WAITING
    order(desk, given(desk, application, step="patwari", outcome="negative", remark="No such house."))
    decisions.carry_out(desk.centre)
    assert desk.status(application) is Status.IN_REVIEW
    view = read_case(desk.store, application)
    assert [each.outcome for each in view.waits] == ["positive", "negative"]
    assert [each.state for each in view.decisions] == ["carried out", "carried out"]
    assert not decisions.is_due(desk.store)
    assert decisions.carry_out(desk.centre).done == ()


def test_who_decided_where_stands_with_the_answer(desk: Desk) -> None:
    application = waiting(desk, "police")
    order(desk, given(desk, application, remark="Nothing known."))
    decisions.carry_out(desk.centre)
    lines = [each.what for each in read_case(desk.store, application).timeline]
    assert any("Police, DSP Khan: Nothing known." in each for each in lines)
    assert lines[-1] == "carried out what central's order says"


def test_an_answer_that_was_entered_at_the_counter_meanwhile_is_a_case_for_people(desk: Desk) -> None:
    application = waiting(desk, "police")
    steps.enter_answer(desk.centre, desk.officer, application, "police", "negative", remark="By telephone: no.")
    order(desk, given(desk, application))
    found = decisions.carry_out(desk.centre)
    assert (len(found.done), len(found.contested)) == (0, 1)
    view = read_case(desk.store, application)
    assert [each.outcome for each in view.waits] == ["negative"]
    (decision,) = view.decisions
    assert decision.is_contested
    assert decision.reason.startswith("This application is in review")
    assert (decision.who, decision.what) == ("Police, DSP Khan", "answers “police”: positive")
    assert [each.application for each in queries.contested(desk.centre)] == [application]


def test_an_officer_settles_it_once_with_words_that_stay(desk: Desk) -> None:
    application = waiting(desk)
    order(desk, given(desk, application))
    (decision,) = decisions.carry_out(desk.centre).contested
    with pytest.raises(OperatorError):
        decisions.settle(desk.store, desk.officer, application, decision, " ")
    with pytest.raises(NotPermitted):
        decisions.settle(desk.store, desk.operator, application, decision, "I say so.")
    decisions.settle(desk.store, desk.officer, application, decision, "The office was told that it was never asked.")
    (settled,) = read_case(desk.store, application).decisions
    assert (settled.state, settled.settlement) == ("settled", "The office was told that it was never asked.")
    assert queries.contested(desk.centre) == []
    with pytest.raises(OperatorError, match="not open any more"):
        decisions.settle(desk.store, desk.officer, application, decision, "Again.")


def test_an_approval_from_elsewhere_needs_all_that_one_here_needs(desk: Desk) -> None:
    application = desk.take_in().application
    order(desk, given(desk, application, decides="approve", step="", outcome=""))
    assert len(decisions.carry_out(desk.centre).contested) == 1
    assert desk.status(application) is Status.SUBMITTED
    (found,) = read_case(desk.store, application).decisions
    assert "This is to be done before" in found.reason
    desk.make_ready(application)
    order(desk, given(desk, application, decides="approve", step="", outcome=""))
    assert len(decisions.carry_out(desk.centre).done) == 1
    assert desk.status(application) is Status.APPROVED


@pytest.mark.parametrize(("decides", "status"), [("reject", Status.REJECTED), ("return", Status.RETURNED)])
def test_a_whole_application_is_rejected_or_returned_from_elsewhere(desk: Desk, decides: str, status: Status) -> None:
    application = desk.take_in().application
    order(desk, given(desk, application, decides=decides, step="", outcome="", remark="The deed is of another house."))
    assert len(decisions.carry_out(desk.centre).done) == 1
    assert desk.status(application) is status
    assert kinds(desk, application)[-3:-1] == ["application.review_started", f"application.{status.value}"]


def test_of_two_decisions_the_second_is_contested_and_the_first_stays(desk: Desk) -> None:
    application = desk.take_in().application
    reject, accept = (
        given(desk, application, decides=each, step="", outcome="", remark="So.") for each in ("reject", "return")
    )
    order(desk, reject, accept)
    found = decisions.carry_out(desk.centre)
    assert (found.done, found.contested) == ((reject.decision,), (accept.decision,))
    assert desk.status(application) is Status.REJECTED


def test_what_was_withdrawn_at_the_counter_is_not_brought_back(desk: Desk) -> None:
    application = desk.take_in().application
    applications.withdraw(desk.store, desk.operator, application, "moved away")
    order(desk, given(desk, application, decides="reject", step="", outcome="", remark="So."))
    assert len(decisions.carry_out(desk.centre).contested) == 1
    assert desk.status(application) is Status.WITHDRAWN


def test_a_decision_that_central_took_back_before_it_was_carried_out_is_not(desk: Desk) -> None:
    application = waiting(desk, "police")
    body = given(desk, application)
    order(desk, body, k.DecisionWithdrawn(decision=body.decision, application=application, reason="A mistake."))
    assert not decisions.is_due(desk.store)
    assert desk.status(application) is Status.WAITING


def test_the_node_decides_nothing_that_central_did_not(desk: Desk) -> None:
    application = desk.take_in().application
    for body in (k.ApplicationApproved(), k.ApplicationRejected(reason="x"), k.ApplicationReviewStarted()):
        with pytest.raises(NotPermitted, match="decides nothing"):
            desk.store.commit(node_session(), lambda _, body=body: [Draft(body, application)])  # type: ignore[misc]


def test_the_approver_of_the_centre_can_still_decide_what_central_left_open(desk: Desk) -> None:
    application = desk.take_in().application
    order(desk, given(desk, application, decides="approve", step="", outcome=""))
    decisions.carry_out(desk.centre)
    desk.make_ready(application)
    reviewing.approve(desk.centre, desk.officer, application)
    assert desk.status(application) is Status.APPROVED


def test_a_disputed_number_waits_for_a_person_and_is_settled_by_a_word(desk: Desk) -> None:
    disputed = k.NumberDisputed(
        conflict=desk.store.new_id(), number="PEW01-000002-K", other=desk.store.new_id(), other_centre="KBL01"
    )
    order(desk, disputed, disputed)
    (found,) = conflicts.open_conflicts(desk.store)
    assert found.words == "Certificate number PEW01-000002-K stands on a paper of KBL01, too."
    with pytest.raises(NotPermitted):
        conflicts.settle_conflict(desk.store, desk.operator, found.conflict, "So.")
    conflicts.settle_conflict(desk.store, desk.supervisor, found.conflict, "Ours was revoked and issued anew.")
    assert conflicts.open_conflicts(desk.store) == []
    with pytest.raises(OperatorError, match="settled"):
        conflicts.settle_conflict(desk.store, desk.supervisor, found.conflict, "Again.")
