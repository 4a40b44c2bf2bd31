"""Every bundled service by keys alone: from the desk to handing in, and by another pair of eyes to the approval."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from appliance.access.session import Role
from appliance.casework import people
from appliance.casework.centre import Centre
from appliance.casework.lifecycle import Status
from appliance.casework.people import Person
from appliance.catalogue import Field, bundled, load_catalogue
from tests.support.consoles import Hands, scanned_page, signed_in
from tui.forms import Kind
from tui.screens.case.file import CaseFile
from tui.screens.takingin import TakingIn
from tui.widgets.formpage import FormPage

SERVICES: Final = tuple(load_catalogue([bundled()]).services)
MAX_FIELDS: Final = 60
MAX_STEPS: Final = 20
BY_FIELD: Final = {"expires_on": "2027-05-17"}
BY_KIND: Final = {
    "name": "Gul Bibi",
    "native_name": "گل بی بی",
    "text": "Peshawar",
    "lines": "One line",
    "date": "2001-05-17",
    "number": "3",
    "money": "5000",
    "cnic": "17301-1234567-2",
    "aadhaar": "999941057058",
    "phone": "03001234567",
    "email": "gul@example.pk",
    "address": "House 1, Street 2",
    "vehicle_number": "ABC-1234",
    "pin_code": "25000",
}


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A page that could be a paper."""
    file = tmp_path / "paper.png"
    file.write_bytes(scanned_page())
    return file


def write_down(centre: Centre, role: str) -> str:
    """Somebody for a role; answers the name to look for."""
    name = f"{role.title()} Specimen"
    session = signed_in(centre, "omar", Role.OPERATOR)
    person = Person(name=name, born="1990-01-01", father_name="Zarin Khan", phone="03001234567")
    people.add_person(centre.store, session, person)
    return name


def taking_in(hands: Hands) -> TakingIn:
    """The screen of the draft."""
    screen = hands.app.screen
    assert isinstance(screen, TakingIn), hands.text()
    return screen


def case_file(hands: Hands) -> CaseFile:
    """The screen of the case."""
    screen = hands.app.screen
    assert isinstance(screen, CaseFile), hands.text()
    return screen


async def name_people(hands: Hands, centre: Centre) -> None:
    """Find somebody for each role that needs one."""
    for _ in range(MAX_STEPS):
        filling = taking_in(hands).filling
        missing = [role.id for role in filling.needed_roles() if role.id not in filling.roles]
        if not missing:
            return
        name = write_down(centre, missing[0])
        await hands.press("enter")
        await hands.type(name, "enter")
    raise AssertionError(hands.text())


async def answer(hands: Hands, field: Field, country: str) -> None:
    """Answer the field that the cursor is in, and go on."""
    if field.kind == "choice":
        await hands.press("right", "enter")
    elif field.kind == "yes_no":
        await hands.type("n", "enter")
    elif field.kind == "lines":
        await hands.type(BY_KIND["lines"], "enter", "enter")
    else:
        least = BY_KIND[field.kind] if field.minimum is None else str(field.minimum)
        of_india = {"pin_code": "136118"} if country == "IN" else {}
        await hands.type(BY_FIELD.get(field.id) or of_india.get(field.kind) or least, "enter")


async def fill_form(hands: Hands) -> None:
    """Answer every field of every page, until the papers or the fee."""
    for _ in range(MAX_FIELDS):
        screen = taking_in(hands)
        if screen.stage is None or screen.stage.kind is not Kind.FORM:
            return
        page = screen.query_one(FormPage)
        field = page.field(page.current())
        if field is None:
            await hands.press("f8")
        elif page.editors[field.id].value:
            await hands.press("enter")
        else:
            await answer(hands, field, screen.filling.service.country)
    raise AssertionError(hands.text())


async def add_papers(hands: Hands, paper: Path) -> None:
    """Add a file for each paper that is missing."""
    for number in range(MAX_STEPS):
        filling = taking_in(hands).filling
        if not [lack for lack in filling.lacks() if lack.stage.kind is Kind.PAPERS]:
            return
        await hands.press("enter")
        if number == 0:
            await hands.press("ctrl+u")
            await hands.type(f"{paper.parent}/")
        await hands.type(paper.name, "enter")
    raise AssertionError(hands.text())


async def hand_in(hands: Hands, centre: Centre, service: str, paper: Path) -> None:
    """From the desk to the case file."""
    await hands.press("f2")
    await hands.type(centre.catalogue.service(service).title.en, "enter")
    await name_people(hands, centre)
    await hands.press("f8")
    await fill_form(hands)
    if taking_in(hands).filling.needed_papers():
        await add_papers(hands, paper)
        await hands.press("f8")
    if taking_in(hands).filling.fee().total_minor:
        await hands.type("bank", "enter")
        await hands.type("20261122001", "f8")
    else:
        await hands.press("f8")
    assert taking_in(hands).filling.lacks() == ()
    await hands.press("f10")
    assert "Handed in as" in hands.said(), hands.text()
    for _ in range(MAX_STEPS):
        found = case_file(hands).progress()
        if found is None or not [step for step in found.open_before_approval if step.by == "operator"]:
            return
        await do_step(hands)


async def do_step(hands: Hands) -> None:
    """Say that the first open step of this role is done."""
    await hands.press("f10")
    await hands.type("a step is done", "enter")
    if hands.screen == "Pick":
        await hands.press("enter")
    await hands.press("enter")


async def review(hands: Hands) -> None:
    """From the list to the approval, with every step and outside office before it."""
    await hands.press("f6", "enter")
    for _ in range(MAX_STEPS):
        found = case_file(hands).progress()
        assert found is not None
        if found.waiting:
            await hands.press("f10")
            await hands.type("enter the answer", "enter")
            await hands.type("positive", "enter", "enter")
        elif [step for step in found.open_before_approval if step.by == "outside"]:
            await hands.press("f10")
            await hands.type("send to an outside", "enter")
            if hands.screen == "Pick":
                await hands.press("enter")
            await hands.press("enter")
        elif found.open_before_approval:
            await do_step(hands)
        else:
            break
    await compare_copy(hands)
    await hands.press("ctrl+y", "enter")


async def compare_copy(hands: Hands) -> None:
    """Attest the paper of which the certificate is a copy, where it is one, with the original in hand."""
    screen = case_file(hands)
    certificate = None if screen.service is None else screen.service.certificate
    copies = () if certificate is None else certificate.copies
    if screen.view is None or not {each.rule for each in screen.view.papers} & set(copies):
        return
    await hands.press("tab")
    for _ in screen.view.papers:
        paper = screen.paper_under()
        if paper is not None and paper.rule in copies:
            break
        await hands.press("down")
    await hands.press("ctrl+t")
    await hands.type("the original with its seal")
    await hands.press("f10")
    assert "Attested." in hands.said(), hands.text()


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_is_taken_in_and_approved_by_keys_alone(
    hands: Hands, centre: Centre, service: str, paper: Path
) -> None:
    await hands.sign_in("omar")
    await hand_in(hands, centre, service, paper)
    await hands.press("escape", "f12")
    await hands.sign_in("rabia", "officer")
    await review(hands)
    view = case_file(hands).view
    assert view is not None
    assert view.case.status is Status.APPROVED, hands.text()
    assert view.fee.settled
