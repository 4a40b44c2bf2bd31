"""Slips handed out in the dark and entered afterwards, each once; and complaints."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.access.four_eyes import SameEyes
from appliance.access.session import NotPermitted
from appliance.casework import applications, complaints, reviewing
from appliance.casework.search import search
from appliance.casework.slips import MAX_NUMBER, MAX_SLIPS_AT_ONCE, BadSlip, reserve_slips, slip_number, slip_text
from appliance.casework.tracking import is_tracking_number
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from tests.support.desk import Desk


@given(st.integers(1, MAX_NUMBER))
def test_a_slip_reads_back_and_is_no_tracking_number(number: int) -> None:
    text = slip_text("PEW-01", number)
    assert slip_number("PEW-01", text) == slip_number("PEW-01", text.lower().replace("-", " ")) == number
    assert not is_tracking_number(text)


@given(st.integers(1, MAX_NUMBER), st.data())
def test_no_mistyped_character_makes_another_slip(number: int, data: st.DataObject) -> None:
    text = slip_text("PEW-01", number).replace("-", "")
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").filter(lambda char: char != text[place]))
    with pytest.raises(BadSlip):
        slip_number("PEW-01", text[:place] + wrong + text[place + 1 :])


def test_blocks_follow_each_other(desk: Desk) -> None:
    supervisor = desk.supervisor
    first, second = reserve_slips(desk.store, supervisor, 3), reserve_slips(desk.store, supervisor, 2)
    assert [re.sub(r"-.$", "", each) for each in (*first, *second)] == [f"PEW01-S-{n:06d}" for n in range(1, 6)]
    for count in (0, -1, MAX_SLIPS_AT_ONCE + 1):
        with pytest.raises(OperatorError, match="at once"):
            reserve_slips(desk.store, supervisor, count)
    with pytest.raises(NotPermitted):
        reserve_slips(desk.store, desk.operator, 1)


def test_a_slip_is_entered_once_and_its_days_count_from_the_day_it_was_handed_out(desk: Desk) -> None:
    slip, other = reserve_slips(desk.store, desk.supervisor, 2)
    desk.pass_days(2)
    form = desk.form(slip=slip, received="2026-11-22")
    desk.begin(form)
    taken_in = applications.submit(desk.centre, desk.operator, form)
    assert (taken_in.due, desk.row(form.id, "received")) == ("2026-12-04", "2026-11-22")
    assert desk.row(form.id, "slip") == slip
    again = desk.form(slip=slip.lower())
    with pytest.raises(BadSlip, match="entered before"):
        applications.begin(desk.centre, desk.operator, again)
    applications.erase(desk.store, desk.supervisor, form.id, "asked to")
    with pytest.raises(BadSlip, match="entered before"):
        applications.begin(desk.centre, desk.operator, again)
    second = desk.form(slip=other, received="2026-11-25")  # tomorrow
    with pytest.raises(OperatorError, match="handed out today, or"):
        applications.submit(desk.centre, desk.operator, second)


def test_a_slip_with_which_it_was_begun_stays_with_it_when_the_form_says_none(desk: Desk) -> None:
    (slip,) = reserve_slips(desk.store, desk.supervisor, 1)
    desk.pass_days(2)
    form = desk.form(slip=slip, token="A-7")
    desk.begin(form)
    without = replace(form, slip="", token="", received="2026-11-22")
    taken_in = applications.submit(desk.centre, desk.operator, without)
    assert (desk.row(form.id, "slip"), desk.row(form.id, "token")) == (slip, "A-7")
    assert taken_in.due == "2026-12-04"


def test_a_slip_that_was_entered_by_mistake_is_entered_again(desk: Desk) -> None:
    (slip,) = reserve_slips(desk.store, desk.supervisor, 1)
    mistake, meant, third = (desk.form(slip=slip) for _ in range(3))
    applications.begin(desk.centre, desk.operator, mistake)
    with pytest.raises(BadSlip, match="entered before"):
        applications.begin(desk.centre, desk.operator, meant)
    applications.discard(desk.store, desk.operator, mistake.id, "another service was meant")
    applications.begin(desk.centre, desk.operator, meant)
    with pytest.raises(BadSlip, match="entered before"):
        applications.begin(desk.centre, desk.operator, third)


@pytest.mark.parametrize(
    ("slip", "sentence"),
    [
        (slip_text("PEW-01", 9), "ever printed"),
        (slip_text("KHI-01", 1), "another centre's"),
        (slip_text("PEW-01", 1)[:-1] + "?", "a character is wrong"),
        ("12", "a character is wrong"),
    ],
)
def test_what_was_never_handed_out_is_not_entered(desk: Desk, slip: str, sentence: str) -> None:
    reserve_slips(desk.store, desk.supervisor, 3)
    with pytest.raises(BadSlip, match=sentence):
        applications.begin(desk.centre, desk.operator, desk.form(slip=slip))


def test_a_complaint_is_answered_once_and_not_by_who_decided(desk: Desk) -> None:
    application = desk.take_in().application
    complaint = complaints.complain(desk.store, desk.operator, application, "three weeks, and no word", name="Gul")
    reviewing.reject(desk.centre, desk.officer, application, "does not live here")
    (open_one,) = complaints.open_complaints(desk.store)
    assert (open_one.id, open_one.complaint, open_one.name) == (complaint, "three weeks, and no word", "Gul")
    assert open_one.tracking == desk.row(application, "tracking")
    with pytest.raises(SameEyes, match="answer the complaint"):
        complaints.answer_complaint(desk.store, desk.officer, complaint, "so what")
    with pytest.raises(NotPermitted):
        complaints.answer_complaint(desk.store, desk.operator, complaint, "so what")
    complaints.answer_complaint(desk.store, desk.supervisor, complaint, "we are sorry; it went astray")
    assert complaints.open_complaints(desk.store) == []
    (answered,) = complaints.complaints_about(desk.store, application)
    assert answered.answer.startswith("we are sorry")
    with pytest.raises(OperatorError, match="answered before"):
        complaints.answer_complaint(desk.store, desk.supervisor, complaint, "again")


def test_a_complaint_is_about_something_and_says_something(desk: Desk) -> None:
    with pytest.raises(OperatorError, match="no such application"):
        complaints.complain(desk.store, desk.operator, EntityId("a" * 26), "slow")
    with pytest.raises(OperatorError, match="reason"):
        complaints.complain(desk.store, desk.operator, desk.take_in().application, " ")
    with pytest.raises(OperatorError, match="no such complaint"):
        complaints.answer_complaint(desk.store, desk.supervisor, EntityId("a" * 26), "sorry")


def test_a_complaint_is_found_by_its_words_and_by_who_complains(desk: Desk) -> None:
    application = desk.take_in().application
    made = complaints.complain(
        desk.store, desk.operator, application, "The clerk asked for tea money", name="Sher Khan"
    )
    for typed in ("tea money", "sher kha"):
        hit = next(each for each in search(desk.store, typed) if each.kind == "complaint")
        assert (hit.about, hit.status, hit.title) == (made, "open", desk.row(application, "tracking"))
    assert complaints.application_of(desk.store, made) == application
    complaints.answer_complaint(desk.store, desk.officer, made, "He was told not to")
    assert [each.status for each in search(desk.store, "tea money")] == ["answered"]
