"""What is offered for a case: nothing that its role may not write, nothing that leads nowhere from where it stands."""

from __future__ import annotations

import pytest

from appliance.access.session import Role
from appliance.casework.lifecycle import CLOSED, STEPS, Status
from appliance.journal import kinds as k
from tui.acts import ACTS, acts_for
from tui.keymap import KEYS, bound, shown
from tui.screens.case.file import CaseFile

WRITES = {
    "start_review": k.ApplicationReviewStarted.KIND,
    "put_right": k.ApplicationAmended.KIND,
    "resubmit": k.ApplicationResubmitted.KIND,
    "issue": k.ApplicationIssued.KIND,
    "hand_over": k.ApplicationDelivered.KIND,
    "enter_appeal": k.ApplicationAppealed.KIND,
    "decide_appeal": k.ApplicationAppealDecided.KIND,
    "enter_answer": k.ApplicationAnswered.KIND,
    "withdraw": k.ApplicationWithdrawn.KIND,
}


@pytest.mark.parametrize("action", WRITES)
def test_an_act_is_offered_exactly_where_the_lifecycle_allows_it(action: str) -> None:
    (act,) = (each for each in ACTS if each.action == action)
    allowed = {before for before, move in STEPS if move.kind == WRITES[action] and before is not None}
    # Taking up a case that is in review already is taking it over from another officer.
    assert act.statuses == allowed - ({Status.IN_REVIEW} if action == "start_review" else set())


def test_nothing_is_decided_about_a_draft_or_by_an_operator() -> None:
    assert acts_for(Role.OFFICER, Status.DRAFT) == ()
    decisions = {"approve", "reject", "send_back", "attest", "decide_appeal"}
    for status in Status:
        assert not decisions & {each.action for each in acts_for(Role.OPERATOR, status)}
        assert not acts_for(Role.AUDITOR, status)


def test_nothing_leads_on_from_where_a_case_is_closed() -> None:
    for status in CLOSED:
        left = {each.action for role in Role for each in acts_for(role, status)}
        assert not left & set(WRITES)


def test_every_act_can_be_done_on_the_case_file() -> None:
    assert all(hasattr(CaseFile, f"action_{each.action}") for each in ACTS)


def test_an_action_has_one_row_in_the_keymap_and_a_help() -> None:
    assert all(key.help.endswith(".") and key.label for key in KEYS.values())
    (binding,) = bound(finish="Sign in")
    assert getattr(binding, "description", "") == "Sign in"
    assert getattr(binding, "id", "") == "finish"


@pytest.mark.parametrize(("key", "words"), [("f10,ctrl+s", "F10"), ("ctrl+s", "Ctrl+S"), ("escape", "Esc")])
def test_keys_are_written_as_people_write_them(key: str, words: str) -> None:
    assert shown(key) == words
