"""A certificate that somebody brings back: its number, or the code on its page, read at the counter opens its case."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.casework.issuing import Issued
from devices.wedge import Wedge
from tests.support.consoles import SIZE, Hands, desk_at
from tests.support.desk import Desk
from tests.tui.test_after_issue import bench, benches, desk, made, sealed, template
from tests.tui.test_codes import READER_S, keyed
from tui.app import SanadConsole
from tui.desk import Devices
from tui.screens.case.file import CaseFile

__all__ = ["bench", "benches", "desk", "made", "sealed", "template"]


@pytest.fixture
async def hands(sealed: Desk) -> AsyncIterator[Hands]:
    """Fingers on a console whose counter has a reader."""
    app = SanadConsole(replace(desk_at(sealed.centre), devices={"1": Devices(wedge=Wedge)}))
    async with app.run_test(size=SIZE) as pilot:
        fingers = Hands(app, pilot)
        await fingers.settle()
        await fingers.sign_in("omar")
        yield fingers


def code_of(pdf: bytes, folder: Path) -> str:
    """What the code on the page says, as another program takes it out of the PDF."""
    (folder / "certificate.pdf").write_bytes(pdf)
    shown = ["qpdf", "--show-attachment=code.txt", str(folder / "certificate.pdf")]
    return subprocess.run(shown, capture_output=True, text=True, check=True).stdout


async def opened(hands: Hands, made: Issued) -> None:
    screen = hands.app.screen
    assert isinstance(screen, CaseFile), hands.text()
    assert screen.application == made.application
    assert f"Certificate {made.number} was read" in hands.said()


async def test_a_certificates_number_opens_its_case(hands: Hands, made: Issued) -> None:
    await keyed(hands, made.number.lower(), READER_S)
    await opened(hands, made)


async def test_the_code_on_its_page_opens_its_case(hands: Hands, sealed: Desk, made: Issued, tmp_path: Path) -> None:
    code = code_of(sealed.centre.store.open_blob(made.blob), tmp_path)
    assert code.startswith("SANAD1:")
    await keyed(hands, code, READER_S)
    await opened(hands, made)


async def test_a_code_that_was_changed_leads_nowhere_and_is_told(
    hands: Hands, sealed: Desk, made: Issued, tmp_path: Path
) -> None:
    code = code_of(sealed.centre.store.open_blob(made.blob), tmp_path)
    await keyed(hands, code[: len(code) // 2], READER_S)
    assert hands.screen == "Home"
    assert hands.said()
