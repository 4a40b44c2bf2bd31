"""The operator's console under test, driven by keys, with the real drivers on an emulated bus."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from appliance.casework.centre import Centre
from appliance.casework.counting import in_sum
from appliance.casework.money import payments_for
from appliance.casework.printing import prints_of
from appliance.casework.receipts import receipt_record
from appliance.casework.shifts import open_shift
from appliance.casework.signatures import signatures_of
from appliance.journal.ids import EntityId
from devices.opening import open_pad, open_receipt_printer
from provisioning.consolecommand import _follow, _seal, _translate
from tests.support.consoles import SIZE, Hands, desk_at, make_template, specimen_centre
from tests.support.usb.pens import PenTablet
from tests.support.usb.printers import PRODUCT, VENDOR
from tests.support.usb.programs import answer, order
from tests.tui.test_taking_in import citizen, handed_in
from tui.app import SanadConsole
from tui.desk import Devices
from tui.screens.case.file import CaseFile

PAD_ADDRESS = "evdev:{:04x}:{:04x}:serial:PEN1".format(*PenTablet.ids)
PRINTER_ADDRESS = f"usb:{VENDOR:04x}:{PRODUCT:04x}:serial:R1"

Walk = Callable[[Hands, Centre, EntityId], Awaitable[None]]


async def choose(hands: Hands, act: str) -> None:
    """An act of the case, while something goes on beside it."""
    await hands.press("f10")
    await hands.type(act)
    await hands.press_meanwhile("enter")


async def sign(hands: Hands, centre: Centre, case: EntityId) -> None:
    """Sign; the tablet is pulled out in the middle; it is put back, and the citizen signs."""
    await choose(hands, "sign on the pad")
    void = await hands.until("void")
    kept = len(signatures_of(centre.store, case))
    order("unplug")
    await choose(hands, "sign on the pad")
    gone = await hands.until("not connected")
    order("plug")
    order("tell", name="script", value=[["stroke", [[4000 + 200 * i, 6000, 900] for i in range(50)]]])
    await choose(hands, "sign on the pad")
    ink = await hands.until("⠒⠒⠒⠒⠒")
    await hands.press("f10")
    said = hands.said()
    (taken,) = signatures_of(centre.store, case)
    strokes = centre.store.open_blob(taken.digest).decode()
    answer({"void": void, "kept": kept, "gone": gone, "ink": ink, "said": said, "strokes": strokes})


async def print_twice(hands: Hands, centre: Centre, case: EntityId) -> None:
    """Print a receipt on a printer that is pulled out in the middle; put it back; print it again."""
    session = hands.app.session
    if session is None:
        raise RuntimeError("nobody is signed in")
    open_shift(centre, session, in_sum(0), "PKR")
    await choose(hands, "take the fee")
    await hands.type("cash", "enter")
    (payment,) = payments_for(centre.store, case)
    await choose(hands, "print a receipt")
    pulled = await hands.until("receipt printer: unplugged")
    said = hands.said()
    order("unplug")
    order("plug")
    back = await hands.until("receipt printer is back")
    await choose(hands, "print a receipt")
    await hands.settle()
    states = [each.state.value for each in prints_of(centre.store, payment.id)]
    code = receipt_record(centre, payment).qr_text
    answer({"pulled": pulled, "first": said, "back": back, "again": hands.said(), "states": states, "code": code})


WALKS: dict[str, tuple[Walk, Devices]] = {
    "sign": (sign, Devices(pad=open_pad(PAD_ADDRESS))),
    "print": (print_twice, Devices(receipts=open_receipt_printer(PRINTER_ADDRESS))),
}


async def main(folder: Path) -> None:
    """Open a console on a case, and walk."""
    centre = specimen_centre(make_template(folder / "template"), folder / "home")
    with centre.store.closing():
        case = handed_in(centre, citizen(centre))
        walk, devices = WALKS[sys.argv[1]]
        desk = replace(
            desk_at(centre), devices={"1": devices}, translate=_translate, seal_signature=_seal, follow=_follow
        )
        app = SanadConsole(desk)
        async with app.run_test(size=SIZE, notifications=True) as pilot:
            hands = Hands(app, pilot)
            await hands.settle()
            await hands.sign_in("omar")
            app.push_screen(CaseFile(case))
            await hands.settle()
            await walk(hands, centre, case)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(main(Path(made)))
