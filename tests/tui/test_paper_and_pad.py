"""What leaves the centre, by keys: money and its receipt, once; the citizen's signature; all of it marked SIMULATED."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from appliance.access.session import Role
from appliance.casework.centre import Centre
from appliance.casework.counting import in_sum
from appliance.casework.money import payments_for
from appliance.casework.printing import PrintState, prints_of
from appliance.casework.shifts import open_shift
from appliance.casework.signatures import signatures_of
from devices.simulators.fates import Fate
from devices.simulators.pads import SimulatedPad
from devices.simulators.printers import SimulatedReceiptPrinter
from provisioning.consolecommand import _seal, _translate
from tests.support.consoles import SIZE, Hands, desk_at
from tests.support.nodes import PASSWORD
from tests.tui.test_taking_in import citizen, handed_in
from tui.app import SanadConsole
from tui.desk import Devices
from tui.screens.case.file import CaseFile


@pytest.fixture
def printer() -> SimulatedReceiptPrinter:
    """The receipt printer of the counter."""
    return SimulatedReceiptPrinter()


@pytest.fixture
async def hands(centre: Centre, printer: SimulatedReceiptPrinter) -> AsyncIterator[Hands]:
    """Fingers on a console with a pad and a receipt printer, on the file of a case that was handed in."""
    application = handed_in(centre, citizen(centre))
    desk = replace(
        desk_at(centre), devices={"1": Devices(SimulatedPad(), printer)}, translate=_translate, seal_signature=_seal
    )
    app = SanadConsole(desk)
    async with app.run_test(size=SIZE) as pilot:
        made = Hands(app, pilot)
        await made.settle()
        await made.sign_in("omar")
        app.push_screen(CaseFile(application))
        await made.settle()
        yield made


async def choose(hands: Hands, act: str) -> None:
    """An act from the list."""
    await hands.press("f10")
    await hands.type(act, "enter")


def application(hands: Hands) -> CaseFile:
    screen = hands.app.screen
    assert isinstance(screen, CaseFile), hands.text()
    return screen


async def pay(hands: Hands, centre: Centre) -> None:
    """Take the fee in cash, with an open drawer."""
    session = hands.app.session
    assert session is not None
    assert session.role is Role.OPERATOR
    open_shift(centre, session, in_sum(0), "PKR")
    await choose(hands, "take the fee")
    await hands.type("cash", "enter")


async def test_a_citizen_signs_on_the_pad_and_the_strokes_are_sealed(hands: Hands, centre: Centre) -> None:
    assert "SIMULATED" in hands.text()
    await choose(hands, "sign on the pad")
    assert "Signed" in hands.said()
    assert len(signatures_of(centre.store, application(hands).application)) == 1


async def test_a_fee_is_taken_and_its_receipt_printed_once(
    hands: Hands, centre: Centre, printer: SimulatedReceiptPrinter
) -> None:
    await pay(hands, centre)
    (payment,) = payments_for(centre.store, application(hands).application)
    assert payment.receipt in hands.said()
    await choose(hands, "print a receipt")
    assert "SIMULATED" in hands.said()
    await choose(hands, "print a receipt")
    assert hands.screen == "Ask"
    await hands.type("the first one tore", "enter")
    copies = prints_of(centre.store, payment.id)
    assert [each.copy for each in copies] == [1, 2]
    assert copies[1].reason == "the first one tore"


async def test_a_printer_that_is_gone_is_told_and_nothing_is_lost(
    hands: Hands, centre: Centre, printer: SimulatedReceiptPrinter
) -> None:
    await pay(hands, centre)
    printer.fate = Fate.UNPLUGGED
    await choose(hands, "print a receipt")
    assert hands.screen == "CaseFile"
    assert hands.said()
    assert len(payments_for(centre.store, application(hands).application)) == 1


async def test_a_silent_printer_leaves_a_question_that_the_operator_answers_after_looking(
    hands: Hands, centre: Centre, printer: SimulatedReceiptPrinter
) -> None:
    await pay(hands, centre)
    (payment,) = payments_for(centre.store, application(hands).application)
    printer.fate = Fate.SILENT
    await choose(hands, "print a receipt")
    assert hands.screen == "Pick"
    assert "on the paper?" in hands.text()
    await hands.press("escape")
    assert [each.state for each in prints_of(centre.store, payment.id)] == [PrintState.UNKNOWN]
    await choose(hands, "print a receipt")
    assert hands.screen == "Pick"  # never twice before somebody looked
    await hands.type("yes", "enter")
    assert [each.state for each in prints_of(centre.store, payment.id)] == [PrintState.PRINTED]


async def test_paper_that_ends_in_the_middle_is_told_and_the_receipt_is_printed_again_without_a_reason(
    hands: Hands, centre: Centre, printer: SimulatedReceiptPrinter
) -> None:
    await pay(hands, centre)
    (payment,) = payments_for(centre.store, application(hands).application)
    printer.fate = Fate.FAILS
    await choose(hands, "print a receipt")
    assert "Put paper in" in hands.said()
    assert "SIMULATED" in hands.said()
    assert "receipt printer: paper out" in hands.text() or "! receipt printer" in hands.text()
    printer.fate = Fate.WORKS
    await choose(hands, "print a receipt")
    states = [each.state for each in prints_of(centre.store, payment.id)]
    assert states == [PrintState.INCOMPLETE, PrintState.PRINTED]


async def test_what_the_citizen_signs_stands_on_the_pad_in_the_language_of_the_centre(hands: Hands) -> None:
    pad = hands.app.desk.devices["1"].pad
    assert isinstance(pad, SimulatedPad)
    await choose(hands, "sign on the pad")
    assert pad.asked is not None
    assert pad.asked.picture is not None
    assert pad.asked.buttons is not None
    assert pad.asked.lines[0].startswith("I apply for")


async def test_a_password_is_never_shown(hands: Hands) -> None:
    await hands.press("f12")
    await hands.type("omar", "enter")
    await hands.type(PASSWORD)
    assert PASSWORD not in hands.text()
