"""A code reader that types like a keyboard: what it reads is told from what a person types, on every screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from textual.events import Key
from textual.keys import _character_to_key

from appliance.access.session import Role
from appliance.casework import tokens
from appliance.casework.caseview import case as read_case
from appliance.casework.centre import Centre
from appliance.casework.money import payments_for
from appliance.casework.receipts import receipt_record
from appliance.journal.ids import EntityId
from devices.simulators.printers import SimulatedReceiptPrinter
from devices.wedge import Wedge
from tests.support.consoles import SIZE, Hands, desk_at, signed_in
from tests.tui.test_paper_and_pad import pay
from tests.tui.test_taking_in import citizen, handed_in
from tui.app import SanadConsole
from tui.desk import Devices
from tui.screens.case.file import CaseFile

READER_S = 0.008
PERSON_S = 0.09


@pytest.fixture
def case(centre: Centre) -> EntityId:
    """A case that was handed in."""
    return handed_in(centre, citizen(centre))


@pytest.fixture
async def hands(centre: Centre, case: EntityId) -> AsyncIterator[Hands]:
    """Fingers on a console whose counter has a reader."""
    desk = replace(desk_at(centre), devices={"1": Devices(receipts=SimulatedReceiptPrinter(), wedge=Wedge)})
    app = SanadConsole(desk)
    async with app.run_test(size=SIZE) as pilot:
        made = Hands(app, pilot)
        await made.settle()
        await made.sign_in("omar")
        yield made


async def keyed(hands: Hands, text: str, pace_s: float) -> None:
    """Keys at a pace, and Enter: the moments are told, not waited for."""
    events = [Key(_character_to_key(each), each) for each in text] + [Key("enter", "\r")]
    at = events[0].time
    for number, event in enumerate(events):
        event.time = at + number * pace_s
        hands.app.post_message(event)
    await hands.settle()


async def test_a_receipts_code_opens_its_case_from_the_desk(hands: Hands, centre: Centre, case: EntityId) -> None:
    hands.app.push_screen(CaseFile(case))
    await hands.settle()
    await pay(hands, centre)
    await hands.press("escape")
    (payment,) = payments_for(centre.store, case)
    await keyed(hands, receipt_record(centre, payment).qr_text, READER_S)
    assert hands.screen == "CaseFile"
    assert f"Receipt {payment.receipt} was read" in hands.said()
    await keyed(hands, payment.receipt, READER_S)
    assert "it is this case" in hands.said()


async def test_a_changed_receipts_code_leads_nowhere_and_is_told(hands: Hands, centre: Centre, case: EntityId) -> None:
    hands.app.push_screen(CaseFile(case))
    await hands.settle()
    await pay(hands, centre)
    await hands.press("escape")
    (payment,) = payments_for(centre.store, case)
    changed = receipt_record(centre, payment).qr_text.replace(":PAID:", ":VOID:")
    await keyed(hands, changed, READER_S)
    assert hands.screen == "Home"
    assert hands.said()


async def test_a_tracking_number_opens_its_case_over_a_form_that_keeps_what_was_typed(
    hands: Hands, centre: Centre, case: EntityId
) -> None:
    await hands.press("f2")
    await keyed(hands, "domicile", PERSON_S)
    await hands.press("f8", "down")
    await hands.type("Zarin")
    await keyed(hands, read_case(centre.store, case).case.tracking, READER_S)
    assert hands.screen == "CaseFile"
    await hands.press("escape")
    assert hands.screen == "TakingIn"
    assert "Zarin" in hands.text()
    assert "PEW01-2026" not in hands.text()


async def test_a_number_that_is_none_of_ours_is_typed_into_the_field(hands: Hands) -> None:
    await hands.press("f2")
    await keyed(hands, "domicile", PERSON_S)
    await hands.press("f8")
    await keyed(hands, "17301-1234567-2", READER_S)
    assert "17301-1234567-2" in hands.text()


async def test_a_code_that_is_none_of_ours_is_never_taken_for_keys_of_the_desk(hands: Hands) -> None:
    await keyed(hands, "ppppppphhhhh", READER_S)
    assert hands.screen == "Home"
    assert "none of Sanad's" in hands.said()


async def test_single_keys_and_quick_typing_work_as_before(hands: Hands) -> None:
    await hands.type("p")
    assert hands.screen == "People"
    await hands.press("escape", "f3")
    await hands.type("gul")
    assert "Gul Bibi" in hands.text()


async def test_a_token_that_is_read_is_called_to_this_counter(hands: Hands, centre: Centre) -> None:
    token = tokens.issue_token(centre, signed_in(centre, "omar", Role.OPERATOR), service="domicile")
    await keyed(hands, token.ticket, READER_S)
    assert f"Called: {token.ticket} to counter 1" in hands.said()
    assert "F2 begins the application" in hands.text()


async def test_a_box_that_asks_takes_a_code_as_text(hands: Hands, centre: Centre, case: EntityId) -> None:
    await hands.type("s")
    assert hands.screen == "Ask"
    await keyed(hands, "PEW01-S-000001-0", READER_S)
    assert hands.screen == "Ask"
    assert "On which day" in hands.text()
