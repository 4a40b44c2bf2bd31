"""The counter's devices on the console: what is pulled out is told, comes back without a restart, can be rehearsed."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from appliance.casework.centre import Centre
from devices.simulators.fates import Fate
from devices.simulators.pads import SimulatedPad
from devices.simulators.printers import SimulatedReceiptPrinter
from provisioning.consolecommand import _translate
from tests.support.consoles import Hands, desk_at
from tui.app import SanadConsole
from tui.desk import Devices


class Plugs:
    """What tells of plugs that come and go, on demand."""

    def __init__(self) -> None:
        self.tell: Callable[[], None] = lambda: None
        self.ready, self.ended = threading.Event(), threading.Event()

    def follow(self, stop: threading.Event, tell: Callable[[], None]) -> None:
        """Tell when asked to, until the console ends."""
        self.tell = tell
        self.ready.set()
        stop.wait()
        self.ended.set()


@pytest.fixture
def printer() -> SimulatedReceiptPrinter:
    """The receipt printer of the counter."""
    return SimulatedReceiptPrinter()


@pytest.fixture
def plugs() -> Plugs:
    """The plugs of this machine."""
    return Plugs()


@pytest.fixture
async def hands(centre: Centre, printer: SimulatedReceiptPrinter, plugs: Plugs) -> AsyncIterator[Hands]:
    """Fingers on a console with a pad and a printer."""
    desk = replace(
        desk_at(centre),
        devices={"1": Devices(SimulatedPad(), printer)},
        translate=_translate,
        follow=plugs.follow,
    )
    app = SanadConsole(desk)
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        made = Hands(app, pilot)
        await made.settle()
        yield made
    plugs.ended.wait()


def top(hands: Hands) -> str:
    return hands.text().splitlines()[0]


async def test_even_before_anybody_signs_in_the_screen_says_simulated(hands: Hands) -> None:
    assert "SIMULATED" in top(hands)


async def test_a_device_that_is_pulled_out_stands_on_the_top_line_until_it_is_back(
    hands: Hands, printer: SimulatedReceiptPrinter, plugs: Plugs
) -> None:
    await hands.sign_in("omar")
    plugs.ready.wait()
    printer.fate = Fate.UNPLUGGED
    plugs.tell()
    await hands.until("receipt printer: unplugged")
    assert "SIMULATED" in top(hands)
    printer.fate = Fate.WORKS
    plugs.tell()
    await hands.until("The receipt printer is back")
    assert "unplugged" not in top(hands)


async def test_the_list_says_how_each_device_is_and_a_simulated_one_is_told_to_fail_by_keys(
    hands: Hands, printer: SimulatedReceiptPrinter
) -> None:
    await hands.sign_in("omar")
    await hands.press("d")
    assert "receipt printer: SIMULATED printer" in hands.text()
    assert "ready" in hands.text()
    await hands.press("down", "enter")
    await hands.type("unplugged", "enter")
    assert printer.fate is Fate.UNPLUGGED
    assert "Check its cable" in hands.text()
    await hands.press("enter")
    await hands.type("works", "enter")
    assert "unplugged" not in hands.text()
