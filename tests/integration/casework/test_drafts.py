"""What is typed and not handed in: durable at once, nobody else's, in no journal, and gone with what it became."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.access.operators import sign_out
from appliance.access.session import Role, SessionOver
from appliance.casework import applications, drafts
from appliance.casework.drafts import MAX_DRAFT_BYTES, drafts_of, forget_draft, save_draft
from appliance.journal.errors import OperatorError
from appliance.store.verify import verify_home
from tests.support.desk import OMAR, RABIA, Desk


def test_what_was_typed_is_there_after_the_process_died(desk: Desk) -> None:
    form = desk.form(answers={"name": "گل‌خان", "district": "half a wo"}, token="A-3")
    save_draft(desk.store, desk.operator, form)
    save_draft(desk.store, desk.operator, replace(form, page="papers"))
    again = desk.bench.reopen()
    (saved,) = drafts_of(again, desk.operator)
    assert saved.form == replace(form, page="papers")
    assert saved.saved_at == desk.store.now()
    again.close()


def test_a_draft_is_in_no_journal_and_a_home_with_drafts_verifies(desk: Desk) -> None:
    size = desk.store.head().size
    form = replace(desk.form(), roles={})
    after = desk.store.head().size
    save_draft(desk.store, desk.operator, form)
    assert desk.store.head().size == after >= size
    assert verify_home(desk.store.layout, desk.bench.key).ok
    desk.store.refold()
    assert len(drafts_of(desk.store, desk.operator)) == 1


def test_a_draft_goes_in_the_moment_in_which_it_is_handed_in_and_not_before(desk: Desk) -> None:
    form = desk.form()
    desk.begin(form, {"cnic": "cnic"})
    save_draft(desk.store, desk.operator, form)
    with pytest.raises(OperatorError, match="Rent deed"):
        applications.submit(desk.centre, desk.operator, form)
    assert len(drafts_of(desk.store, desk.operator)) == 1
    desk.paper(form.id, "rent", "rent_deed")
    applications.submit(desk.centre, desk.operator, form)
    assert drafts_of(desk.store, desk.operator) == []
    with pytest.raises(OperatorError, match="handed in before"):
        save_draft(desk.store, desk.operator, form)


def test_a_draft_is_its_operators_alone(desk: Desk) -> None:
    form = desk.form()
    save_draft(desk.store, desk.operator, form)
    other = desk.session(RABIA, Role.OPERATOR)
    assert drafts_of(desk.store, other) == []
    with pytest.raises(OperatorError, match="another operator's"):
        save_draft(desk.store, other, form)
    with pytest.raises(OperatorError, match="another operator's"):
        forget_draft(desk.store, other, form.id)
    forget_draft(desk.store, desk.operator, form.id)
    assert drafts_of(desk.store, desk.operator) == []


def test_a_discarded_application_takes_its_draft_along(desk: Desk) -> None:
    form = desk.form()
    desk.begin(form)
    save_draft(desk.store, desk.operator, form)
    applications.discard(desk.store, desk.operator, form.id, "the citizen left")
    assert drafts_of(desk.store, desk.operator) == []


def test_erasing_a_person_takes_along_what_was_typed_about_them(desk: Desk) -> None:
    one, other = desk.form(desk.person()), desk.form(desk.person())
    for form in (one, other):
        save_draft(desk.store, desk.operator, form)
    applications.erase(desk.store, desk.supervisor, one.roles["applicant"][0], "asked to")
    assert [each.form for each in drafts_of(desk.store, desk.operator)] == [other]


def test_only_an_open_session_keeps_anything(desk: Desk) -> None:
    form = desk.form()
    session = desk.session(OMAR, Role.OPERATOR)
    sign_out(desk.store, session)
    with pytest.raises(SessionOver, match="closed"):
        save_draft(desk.store, session, form)


def test_what_cannot_be_kept_is_refused_with_what_to_do(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for typed in ("x" * MAX_DRAFT_BYTES, "a\ud800", "a\x00"):
        with pytest.raises(OperatorError) as caught:
            save_draft(desk.store, desk.operator, desk.form(answers={"name": typed}))
        assert caught.value.next_step
        assert "xxx" not in caught.value.sentence
    monkeypatch.setattr(drafts, "MAX_DRAFTS_OF_ONE", 1)
    form = desk.form()
    save_draft(desk.store, desk.operator, form)
    save_draft(desk.store, desk.operator, form)
    with pytest.raises(OperatorError, match="at most 1 drafts"):
        save_draft(desk.store, desk.operator, desk.form())
