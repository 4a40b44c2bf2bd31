"""Signatures by keys: for a pen without a screen the counter shows document and ink, accepts, clears and cancels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from appliance.casework.centre import Centre
from appliance.casework.signatures import signatures_of
from devices import signatures
from devices.simulators.fates import Fate
from devices.simulators.pads import SimulatedPad, specimen
from provisioning.consolecommand import _seal, _translate
from tests.support.consoles import SIZE, Hands, desk_at
from tests.tui.test_paper_and_pad import application, choose
from tests.tui.test_taking_in import citizen, handed_in
from tui.app import SanadConsole
from tui.desk import Devices
from tui.screens.case.file import CaseFile

BRAILLE = frozenset(map(chr, range(0x2801, 0x2900)))


@pytest.fixture
def pen() -> SimulatedPad:
    """A pen without a screen."""
    return SimulatedPad(has_screen=False)


@pytest.fixture
async def hands(centre: Centre, pen: SimulatedPad) -> AsyncIterator[Hands]:
    """Fingers on a console with that pen, on the file of a case that was handed in."""
    case = handed_in(centre, citizen(centre))
    desk = replace(desk_at(centre), devices={"1": Devices(pen)}, translate=_translate, seal_signature=_seal)
    app = SanadConsole(desk)
    async with app.run_test(size=SIZE) as pilot:
        made = Hands(app, pilot)
        await made.settle()
        await made.sign_in("omar")
        app.push_screen(CaseFile(case))
        await made.settle()
        yield made


async def begin(hands: Hands) -> str:
    """Choose to sign; answers the screen once the citizen wrote something."""
    await hands.press("f10")
    await hands.type("sign on the pad")
    await hands.press_meanwhile("enter")
    await hands.until("signs with the pen")
    return await hands.until("⠤")


def taken(hands: Hands, centre: Centre) -> list[bytes]:
    """The strokes that were kept."""
    return [centre.store.open_blob(each.digest) for each in signatures_of(centre.store, application(hands).application)]


async def test_a_pen_without_a_screen_has_document_and_ink_on_the_console_and_is_accepted_there(
    hands: Hands, centre: Centre
) -> None:
    text = await begin(hands)
    assert "I apply for" in text
    assert "Mauza" in text
    assert "Regi" in text
    assert "SIMULATED" in text
    assert len(BRAILLE & set(text)) > 5
    assert all(word in text for word in ("Accept", "Clear", "Cancel"))
    await hands.press("f10")
    assert "Signed" in hands.said()
    (strokes,) = taken(hands, centre)
    assert signatures.from_bytes(strokes).samples == tuple(specimen())


async def test_what_the_citizen_chose_is_shown_as_they_read_it_and_not_as_it_is_stored(hands: Hands) -> None:
    text = " ".join((await begin(hands)).split())
    assert "Peshawar" in text
    assert "peshawar" not in text


async def test_what_was_cleared_is_not_in_the_signature(hands: Hands, centre: Centre) -> None:
    await begin(hands)
    await hands.press_meanwhile("delete")
    await hands.until("⠤")
    await hands.press("f10")
    (strokes,) = taken(hands, centre)
    assert signatures.from_bytes(strokes).samples == tuple(specimen())


async def test_a_signature_that_is_cancelled_at_the_counter_leaves_the_case_as_it_was(
    hands: Hands, centre: Centre
) -> None:
    await begin(hands)
    await hands.press("escape")
    assert "cancelled at the counter" in hands.said()
    assert taken(hands, centre) == []


@pytest.mark.parametrize(
    ("fate", "words"), [(Fate.FAILS, "that signature is void"), (Fate.UNPLUGGED, "Check its cable")]
)
async def test_a_pad_that_is_pulled_out_says_so_and_works_again_once_it_is_put_back(
    hands: Hands, centre: Centre, pen: SimulatedPad, fate: Fate, words: str
) -> None:
    pen.fate = fate
    await choose(hands, "sign on the pad")
    assert hands.screen == "CaseFile"
    assert words in hands.text()
    assert taken(hands, centre) == []
    pen.fate = Fate.WORKS
    await begin(hands)
    await hands.press("f10")
    assert len(taken(hands, centre)) == 1


async def test_leaving_the_console_in_the_middle_of_a_signature_waits_for_nobody(hands: Hands) -> None:
    await begin(hands)
    await hands.press("f12")
    assert hands.screen == "SignIn"
