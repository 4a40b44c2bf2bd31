"""Taking applications in: what a form must hold, what is made of it, and how it is put right and ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from appliance.casework import applications, reviewing
from appliance.casework.cases import papers_of
from appliance.casework.caseview import case
from appliance.casework.changes import ChangedMeanwhile
from appliance.casework.forms import MAX_FORM_BYTES, FormRefused
from appliance.casework.intake import PaperRefused
from appliance.casework.lifecycle import IllegalStep, Status
from appliance.casework.papers import OTHER, NewPaper, add_paper
from appliance.casework.tracking import is_tracking_number
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.store.verify import verify_home
from tests.support.desk import ANSWERS, PAPERS, Desk
from tests.support.papers import picture


def test_what_is_handed_in_holds_what_was_promised_and_asked(desk: Desk) -> None:
    form = desk.form(answers={"urgent": "yes"}, token="A-17")
    desk.begin(form, {**PAPERS, "declaration": "declaration"})
    taken_in = applications.submit(desk.centre, desk.operator, form)
    assert is_tracking_number(taken_in.tracking)
    assert desk.status(form.id) is Status.SUBMITTED
    # Ten working days after Sunday the 22nd; Sundays and a holiday do not count.
    assert taken_in.due == desk.row(form.id, "due") == "2026-12-04"
    assert taken_in.fee_minor == desk.row(form.id, "fee_minor") == 150_00
    assert desk.row(form.id, "currency") == "PKR"
    assert desk.row(form.id, "token") == "A-17"
    assert desk.row(form.id, "service_digest") == desk.centre.catalogue.service(form.service).digest
    assert desk.row(form.id, "received") == "2026-11-22"


def test_what_lacks_is_named_all_at_once(desk: Desk) -> None:
    form = replace(desk.form(answers={"name": "", "born": "yesterday"}), roles={})
    with pytest.raises(FormRefused) as caught:
        applications.submit(desk.centre, desk.operator, form)
    refused = caught.value
    assert [finding.field for finding in refused.findings] == ["name", "born"]
    assert [role.id for role in refused.roles] == ["applicant"]
    assert "And 1 more." not in refused.sentence
    assert refused.next_step


def test_mandatory_papers_must_be_there_before_it_is_handed_in(desk: Desk) -> None:
    form = desk.form()
    desk.begin(form, {"cnic": "cnic"})
    with pytest.raises(FormRefused, match="Rent deed") as caught:
        applications.submit(desk.centre, desk.operator, form)
    assert [paper.id for paper in caught.value.papers] == ["rent"]
    desk.paper(form.id, "rent", "rent_deed")
    applications.submit(desk.centre, desk.operator, form)


def test_answers_are_kept_in_one_spelling_and_only_those_that_are_asked(desk: Desk) -> None:
    taken_in = desk.take_in(answers={"name": "  Gul   Khan ", "born": "2/1/1990", "district": "Peshawar"})
    assert json.loads(str(desk.row(taken_in.application, "fields"))) == {
        "name": "Gul Khan",
        "born": "1990-01-02",
        "district": "Peshawar",
        "urgent": "no",
    }


REFUSED: dict[str, Callable[[Desk], object]] = {
    "no such service": lambda desk: applications.submit(
        desk.centre, desk.operator, replace(desk.form(), service="passport")
    ),
    "an answer to no question": lambda desk: desk.take_in(answers={"shoe_size": "44"}),
    "an answer that is too long": lambda desk: desk.take_in(answers={"district": "x" * 5000}),
    "a form that is too large": lambda desk: desk.take_in(
        answers={f"f{n}": "ی" * 3000 for n in range(MAX_FORM_BYTES // 6000 + 1)}
    ),
    "somebody who is not written down": lambda desk: desk.take_in(EntityId("a" * 26)),
    "two applicants": lambda desk: applications.submit(
        desk.centre, desk.operator, replace(desk.form(), roles={"applicant": (desk.person(), desk.person())})
    ),
    "a part that the service does not know": lambda desk: applications.submit(
        desk.centre,
        desk.operator,
        replace(desk.form(), roles={"applicant": (desk.person(),), "seller": (desk.person(),)}),
    ),
    "an earlier day without a slip": lambda desk: applications.submit(
        desk.centre, desk.operator, desk.form(received="2026-11-20")
    ),
    "a paper that the service does not ask for": lambda desk: add_paper(
        desk.centre, desk.operator, desk.take_in().application, NewPaper(picture("PNG"), rule="passport")
    ),
    "a paper without a name": lambda desk: add_paper(
        desk.centre, desk.operator, desk.take_in().application, NewPaper(picture("PNG"))
    ),
    "a file that is no paper": lambda desk: add_paper(
        desk.centre, desk.operator, desk.take_in().application, NewPaper(b"MZ", rule="cnic")
    ),
    "an amendment that changes nothing": lambda desk: applications.amend(
        desk.centre,
        desk.operator,
        (taken := desk.take_in()).application,
        answers=ANSWERS,
        roles={"applicant": (applicant_of(desk, taken.application),)},
        reason="x",
    ),
    "a draft that is withdrawn": lambda desk: applications.withdraw(desk.store, desk.operator, begun(desk), "x"),
    "an application that is discarded": lambda desk: applications.discard(
        desk.store, desk.operator, desk.take_in().application, "x"
    ),
    "a reason that says nothing": lambda desk: applications.withdraw(
        desk.store, desk.operator, desk.take_in().application, " "
    ),
}


def begun(desk: Desk) -> EntityId:
    form = desk.form()
    applications.begin(desk.centre, desk.operator, form)
    return form.id


def applicant_of(desk: Desk, application: EntityId) -> EntityId:
    return EntityId(desk.row(application, "applicant"))


@pytest.mark.parametrize("attempt", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_the_operators_to_put_right(desk: Desk, attempt: Callable[[Desk], object]) -> None:
    with pytest.raises(OperatorError) as caught:
        attempt(desk)
    assert caught.value.sentence
    assert caught.value.next_step
    assert "5000" not in caught.value.sentence


def test_it_is_handed_in_once(desk: Desk) -> None:
    form = desk.form()
    desk.begin(form)
    applications.submit(desk.centre, desk.operator, form)
    before = desk.bench.state()
    with pytest.raises(IllegalStep, match="submitted"):
        applications.submit(desk.centre, desk.operator, form)
    with pytest.raises(IllegalStep):
        applications.begin(desk.centre, desk.operator, form)
    assert desk.bench.state() == before


def test_a_paper_is_read_whole_sealed_and_bound_to_whose_it_is(desk: Desk) -> None:
    form = desk.form()
    applications.begin(desk.centre, desk.operator, form)
    content = picture("PNG")
    added = add_paper(
        desk.centre, desk.operator, form.id, NewPaper(content, rule="cnic", of=form.roles["applicant"][0])
    )
    assert added.paper.media_type == "image/png"
    assert desk.store.open_blob(added.digest) == content
    other = add_paper(desk.centre, desk.operator, form.id, NewPaper(content, label="A letter"))
    with desk.store.read() as tx:
        held = papers_of(tx, desk.store.journal, form.id)
    assert [(each.rule, each.kind) for each in held] == [("cnic", "cnic"), ("", OTHER)]
    assert held[0].of == form.roles["applicant"][0]
    assert held[1].id == other.id


def test_a_paper_that_cannot_be_taken_leaves_nothing_behind(desk: Desk) -> None:
    form = desk.form()
    applications.begin(desk.centre, desk.operator, form)
    with pytest.raises(PaperRefused):
        add_paper(desk.centre, desk.operator, form.id, NewPaper(b"%PDF-1.7\n", rule="cnic"))
    applications.discard(desk.store, desk.operator, form.id, "nobody came back")
    with pytest.raises(IllegalStep, match="discarded"):
        add_paper(desk.centre, desk.operator, form.id, NewPaper(picture("PNG"), rule="cnic"))
    assert desk.store.recover("test") == 0


def test_an_objection_stops_the_days_and_what_comes_again_is_whole(desk: Desk) -> None:
    form = desk.form()
    desk.begin(form)
    taken_in = applications.submit(desk.centre, desk.operator, form)
    reviewing.send_back(desk.store, desk.officer, form.id, "the name is another", items=("name", "cnic"))
    assert desk.status(form.id) is Status.RETURNED
    assert desk.row(form.id, "paused") == 1
    desk.pass_days(7)
    answers = {**ANSWERS, "name": "Gulab Khan", "urgent": "yes"}
    with pytest.raises(FormRefused, match="Declaration"):
        applications.amend(
            desk.centre, desk.operator, form.id, answers=answers, roles=form.roles, reason="as on the card"
        )
    desk.paper(form.id, "declaration", "declaration")
    applications.amend(desk.centre, desk.operator, form.id, answers=answers, roles=form.roles, reason="as on the card")
    assert desk.row(form.id, "fee_minor") == 150_00
    applications.resubmit(desk.centre, desk.operator, form.id, "put right")
    assert desk.status(form.id) is Status.SUBMITTED
    assert desk.row(form.id, "paused") == 0
    # It was away from the 23rd to the 29th: ten working days begin after that.
    assert (taken_in.due, desk.row(form.id, "due")) == ("2026-12-04", "2026-12-10")
    assert verify_home(desk.store.layout, desk.bench.key).ok


def test_the_applicant_of_an_application_stays(desk: Desk) -> None:
    taken_in = desk.take_in()
    with pytest.raises(OperatorError, match="applicant of an application does not change"):
        applications.amend(
            desk.centre,
            desk.operator,
            taken_in.application,
            answers=ANSWERS,
            roles={"applicant": (desk.person("Another"),)},
            reason="x",
        )


def test_what_is_reviewed_is_not_amended_below_the_officer(desk: Desk) -> None:
    taken_in = desk.take_in()
    roles = {"applicant": (applicant_of(desk, taken_in.application),)}
    reviewing.start_review(desk.store, desk.officer, taken_in.application)
    with pytest.raises(IllegalStep, match="in review"):
        applications.amend(
            desk.centre,
            desk.operator,
            taken_in.application,
            answers={**ANSWERS, "name": "Other"},
            roles=roles,
            reason="x",
        )


def test_everybody_with_a_part_in_it_finds_it(desk: Desk) -> None:
    form = desk.form()
    son = desk.person("Son")
    form = replace(form, roles={**form.roles, "representative": (son,)})
    desk.begin(form)
    taken_in = applications.submit(desk.centre, desk.operator, form)
    for person in (form.roles["applicant"][0], son):
        (found,) = applications.applications_of(desk.store, person)
        assert (found.application, found.tracking) == (form.id, taken_in.tracking)


def test_numbers_begin_again_with_the_year_and_are_not_given_twice(desk: Desk) -> None:
    first = desk.take_in()
    applications.erase(desk.store, desk.supervisor, first.application, "asked to")
    second = desk.take_in()
    desk.go_to(date(2027, 1, 4))
    third = desk.take_in()
    assert [each.tracking[:17] for each in (first, second, third)] == [
        "PEW01-2026-000001",
        "PEW01-2026-000002",
        "PEW01-2027-000001",
    ]


def test_the_later_of_two_is_told_what_changed_and_keeps_what_they_typed(desk: Desk) -> None:
    taken_in = desk.take_in()
    seen = case(desk.store, taken_in.application).last_seq
    desk.paper(taken_in.application, "photograph", "photograph")
    typed = "the photograph is missing"
    with pytest.raises(ChangedMeanwhile) as caught:
        reviewing.send_back(desk.store, desk.officer, taken_in.application, typed, seen=seen)
    (change,) = caught.value.changes
    assert change.startswith("omar added the paper “photograph”")
    assert desk.status(taken_in.application) is Status.SUBMITTED
    seen = case(desk.store, taken_in.application).last_seq
    reviewing.send_back(desk.store, desk.officer, taken_in.application, typed, seen=seen)
    assert desk.row(taken_in.application, "remark") == typed


def test_a_form_of_the_largest_size_fits_into_an_entry() -> None:
    """Every character is one that JSON escapes."""
    answer = '"\n' * 2000
    fields = {f"f{n}": answer for n in range(MAX_FORM_BYTES // len(answer))}
    body = k.ApplicationSubmitted(tracking="x", service="x", applicant="a" * 26, fields=fields)
    assert len(k.encode_body(body)) < 65536
