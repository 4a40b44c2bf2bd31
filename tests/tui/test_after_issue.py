"""A certificate after it was issued, by keys: corrected and revoked by two people, printed again for a reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.casework import revoking
from appliance.casework.caseview import case
from appliance.casework.certificates import State, certificates_of
from appliance.casework.issuing import Issued, issue
from appliance.casework.printing import prints_of
from devices.simulators.printers import SimulatedPagePrinter
from provisioning.consolecommand import _translate
from tests.integration.casework.conftest import bench, benches, desk, sealed, template
from tests.support.consoles import SIZE, Hands, desk_at, scanned_page
from tests.support.desk import Desk, lease
from tests.tui.test_paper_and_pad import choose
from tests.tui.test_services import do_step
from tui.app import SanadConsole
from tui.desk import Devices
from tui.screens.case.file import CaseFile

__all__ = ["bench", "benches", "desk", "sealed", "template"]


@pytest.fixture
def made(sealed: Desk) -> Issued:
    """A certificate that holds."""
    lease(sealed, "PEW01-", 3, 9)
    sealed.scan = scanned_page()
    return issue(sealed.centre, sealed.officer, sealed.approved())


@pytest.fixture
async def hands(sealed: Desk, made: Issued) -> AsyncIterator[Hands]:
    """Fingers on a console with a page printer, where nobody is signed in yet."""
    found = replace(desk_at(sealed.centre), devices={"1": Devices(pages=SimulatedPagePrinter())}, translate=_translate)
    app = SanadConsole(found)
    async with app.run_test(size=SIZE) as pilot:
        fingers = Hands(app, pilot)
        await fingers.settle()
        yield fingers


async def open_case(hands: Hands, made: Issued, login: str, role: str) -> None:
    """Sign in as somebody, and open the case."""
    await hands.sign_in(login, role)
    hands.app.push_screen(CaseFile(made.application))
    await hands.settle()


async def change_hands(hands: Hands, made: Issued, login: str, role: str) -> None:
    await hands.press("f12")
    await open_case(hands, made, login, role)


async def test_one_asks_another_revokes_after_a_second_look(hands: Hands, sealed: Desk, made: Issued) -> None:
    await open_case(hands, made, "omar", "operator")
    await choose(hands, "be revoked")
    await hands.type("fraud", "enter")
    await hands.type("a forged deed", "enter")
    assert "Asked." in hands.said()
    assert "it is not given out" in hands.text()
    await hands.press("f12")
    await hands.sign_in("sana", "supervisor")
    assert "Certificates (1)" in hands.text()
    await hands.press("k")
    assert "corrected or revoked" in hands.text()
    await hands.press("enter")
    await choose(hands, "decide on revoking")
    assert "a forged deed" in hands.text()
    await hands.type("revoke it", "enter")
    assert hands.screen == "Confirm"
    assert "Nothing brings it back" in hands.text()
    await hands.press("enter")
    assert [each.state for each in certificates_of(sealed.store, made.application)] == [State.VALID]
    await choose(hands, "decide on revoking")
    await hands.type("revoke it", "enter")
    await hands.press("y")
    assert "is revoked" in hands.said()
    assert "Its certificate was revoked." in hands.text()
    assert [each.state for each in certificates_of(sealed.store, made.application)] == [State.REVOKED]


async def test_who_asked_takes_it_back(hands: Hands, sealed: Desk, made: Issued) -> None:
    await open_case(hands, made, "omar", "operator")
    await choose(hands, "be revoked")
    await hands.type("holder", "enter")
    await hands.type("she asked", "enter")
    await choose(hands, "take back")
    await hands.type("a mistake", "enter")
    assert "stays as it is" in hands.said()
    await choose(hands, "take back")
    assert "nothing that is open" in hands.said()


async def test_a_correction_is_typed_asked_for_and_issued_by_somebody_else(
    hands: Hands, sealed: Desk, made: Issued
) -> None:
    await open_case(hands, made, "omar", "operator")
    await choose(hands, "be corrected")
    assert hands.screen == "Correcting"
    await hands.press("tab", "tab", "ctrl+u")
    await hands.type("Mardan")
    await hands.press("f10")
    assert hands.screen == "Correcting", hands.text()
    await hands.press("f10")
    assert "Which paper proves it?" in hands.text()
    await hands.press("enter")
    await hands.type("misread", "enter")
    assert hands.screen == "CaseFile", hands.text()
    assert "The correction of its certificate was asked for" in hands.text()
    await change_hands(hands, made, "rabia", "officer")
    await choose(hands, "decide on correcting")
    assert "District: Mardan" in hands.text()
    await hands.type("look at", "enter")
    assert hands.screen == "CorrectCertificate"
    assert f"In place of  {made.number}" in hands.text(), hands.text()
    await hands.press("f10")
    assert "is superseded" in hands.said(), hands.text()
    old, new = certificates_of(sealed.store, made.application)
    assert (old.state, new.replaces) == (State.SUPERSEDED, made.number)


async def test_a_paper_is_added_after_the_issue(hands: Hands, sealed: Desk, made: Issued, tmp_path: Path) -> None:
    (tmp_path / "proof.png").write_bytes(scanned_page())
    await open_case(hands, made, "omar", "operator")
    before = len(case(sealed.store, made.application).papers)
    await choose(hands, "add a paper")
    assert hands.screen == "AddingPapers"
    await hands.press("enter")
    await hands.press("ctrl+u")
    await hands.type(f"{tmp_path}/")
    await hands.type("proof.png", "enter")
    assert len(case(sealed.store, made.application).papers) == before + 1, hands.text()
    await hands.press("f10")
    assert hands.screen == "CaseFile"


async def test_a_certificate_is_printed_again_as_a_duplicate_with_a_reason(
    hands: Hands, sealed: Desk, made: Issued
) -> None:
    await open_case(hands, made, "omar", "operator")
    await choose(hands, "print the certificate")
    assert "SIMULATED" in hands.said()
    await choose(hands, "print the certificate")
    assert hands.screen == "Ask"
    await hands.type("the printer tore it", "enter")
    assert [(each.copy, each.reason) for each in prints_of(sealed.store, made.application)] == [
        (1, ""),
        (2, "the printer tore it"),
    ]


async def test_what_is_revoked_offers_nothing_of_it(hands: Hands, sealed: Desk, made: Issued) -> None:
    revoking.ask_revocation(sealed.store, sealed.officer, made.application, made.number, "fraud", "forged")
    revoking.revoke(sealed.store, sealed.supervisor, made.application, made.number)
    await open_case(hands, made, "omar", "operator")
    await hands.press("f10")
    for act in ("Hand over", "Print the certificate", "be corrected", "be revoked"):
        assert act not in hands.text()


async def test_a_representative_takes_it_with_name_relation_and_the_paper_that_entitles_them(
    hands: Hands, sealed: Desk, made: Issued
) -> None:
    await open_case(hands, made, "omar", "operator")
    await do_step(hands)
    await choose(hands, "hand over")
    await hands.type("somebody else", "enter")
    await hands.type("Zarin Khan", "enter")
    await hands.type("father", "enter")
    await hands.type("letter of authority of 20 Nov 2026", "enter")
    assert "Handed over" in hands.said()
    assert sealed.row(made.application, "status") == "delivered"
