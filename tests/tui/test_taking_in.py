"""Taking in by keys: undo, what is attested before, two people at one case, a kept draft, papers that are refused."""

from __future__ import annotations

from pathlib import Path

from appliance.access.session import Role
from appliance.casework import applications, reviewing
from appliance.casework.attestation import Seen, attest
from appliance.casework.caseview import case as read_case
from appliance.casework.centre import Centre
from appliance.casework.drafts import DraftForm
from appliance.casework.papers import NewPaper, add_paper
from appliance.casework.people import Person, add_person
from appliance.journal.ids import EntityId
from tests.support.consoles import Hands, scanned_page, signed_in
from tui.screens.case.file import CaseFile

CNIC = "17301-1234567-2"
FARD = {
    "cnic": CNIC,
    "name": "Gul Bibi",
    "father_name": "Zarin Khan",
    "phone": "03001234567",
    "land_district": "peshawar",
    "land_tehsil": "Peshawar",
    "mauza": "Regi",
    "khewat": "12",
    "owner_name": "Gul Bibi",
    "khewats": "1",
    "digitised": "no",
    "purpose": "record",
}


def citizen(centre: Centre) -> EntityId:
    """Somebody who is written down."""
    session = signed_in(centre, "omar", Role.OPERATOR)
    person = Person(name="Gul Bibi", born="1990-01-01", identity_kind="cnic", identity_number=CNIC)
    return add_person(centre.store, session, person)


def handed_in(centre: Centre, applicant: EntityId) -> EntityId:
    """A fard of that person, handed in with a scan of the identity card."""
    session = signed_in(centre, "omar", Role.OPERATOR)
    form = DraftForm(centre.store.new_id(), "fard", FARD, {"applicant": (applicant,)})
    applications.begin(centre, session, form)
    add_paper(centre, session, form.id, NewPaper(scanned_page(), "cnic", applicant))
    applications.submit(centre, session, form)
    return form.id


async def open_form(hands: Hands, service: str) -> None:
    """From the desk to the first page of a form."""
    await hands.sign_in("omar")
    await hands.press("f2")
    await hands.type(service, "enter")
    await hands.press("f8")


async def test_undo_takes_a_word_back(hands: Hands) -> None:
    await open_form(hands, "domicile")
    await hands.press("down")
    await hands.type("Gul Bibi")
    await hands.press("ctrl+z")
    assert "Gul" in hands.text()
    assert "Bibi" not in hands.text()


async def test_a_choice_is_found_by_typing_and_listed_by_space(hands: Hands) -> None:
    await open_form(hands, "domicile")
    await hands.press("f8", "f8", "f8", "f8")
    assert "District" in hands.text()
    await hands.type("upper d")
    assert "Upper Dir" in hands.text()
    await hands.press("enter", "up", "space")
    assert hands.screen == "Pick"
    await hands.type("swat", "enter")
    assert "Swat" in hands.text()


async def test_a_draft_is_kept_and_found_again(hands: Hands) -> None:
    await open_form(hands, "domicile")
    await hands.type(CNIC, "escape")
    await hands.press("f7")
    assert "Domicile certificate" in hands.text()
    await hands.press("enter")
    assert CNIC in hands.text()


async def test_a_draft_is_discarded_only_with_a_reason(hands: Hands) -> None:
    await open_form(hands, "domicile")
    await hands.type(CNIC, "ctrl+d")
    await hands.press("enter")
    assert hands.screen == "Ask"
    await hands.type("mistake", "enter")
    assert hands.screen == "Home"
    await hands.press("f7")
    assert "no drafts" in hands.said()


async def test_a_file_that_is_no_paper_is_refused_with_a_sentence(hands: Hands, centre: Centre, tmp_path: Path) -> None:
    citizen(centre)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    await hands.sign_in("omar")
    await hands.press("f2")
    await hands.type("fard", "enter")
    await hands.press("enter")
    await hands.type("gul", "enter")
    await hands.press("f8", "f8", "f8", "f8", "f8")
    assert "Papers" in hands.text()
    await hands.press("enter", "ctrl+u")
    await hands.type(f"{tmp_path}/broken.pdf", "enter")
    assert "refused" in hands.text()
    assert "file" in hands.said()


async def test_what_an_officer_attested_is_shown_and_not_asked_again(hands: Hands, centre: Centre) -> None:
    person = citizen(centre)
    application = handed_in(centre, person)
    view = read_case(centre.store, application)
    officer = signed_in(centre, "rabia", Role.OFFICER)
    seen = Seen(view.papers[0].id, person, "the card itself", {"cnic": CNIC, "name": "Gul Bibi Khan"})
    attest(centre, officer, application, seen)
    await hands.sign_in("omar")
    await hands.press("f2")
    await hands.type("domicile", "enter")
    await hands.press("enter")
    await hands.type("gul", "enter")
    await hands.press("f8")
    assert "attested by Rabia" in hands.text()
    assert "the card itself" in hands.text()
    # Not what the record says, which nobody vouched for.
    assert "Gul Bibi Khan" in hands.text()


async def test_the_later_of_two_is_told_what_changed_and_keeps_the_reason(hands: Hands, centre: Centre) -> None:
    application = handed_in(centre, citizen(centre))
    await hands.sign_in("rabia", "officer")
    hands.app.push_screen(CaseFile(application))
    await hands.settle()
    other = signed_in(centre, "rabia", Role.OFFICER)
    reviewing.start_review(centre.store, other, application)
    await hands.press("ctrl+b", "enter")
    await hands.type("the photograph is missing", "enter")
    assert hands.screen == "Changed"
    await hands.press("enter", "ctrl+b", "enter")
    assert "the photograph is missing" in hands.text()
    await hands.press("enter")
    assert read_case(centre.store, application).case.status.value == "returned"
