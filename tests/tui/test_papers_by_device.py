"""Papers by scanner and camera, by keys: a jam keeps what came, a scan is stopped, a photograph is looked at first."""

from __future__ import annotations

import io
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import qrcode
from PIL import Image

from appliance.casework.caseview import PaperView
from appliance.casework.caseview import case as read_case
from appliance.casework.centre import Centre
from devices.codes import read_picture
from devices.contracts import Picture, ScanColour, ScanEnd, ScanSource
from devices.pictures import to_png
from devices.simulators.eyes import SimulatedCamera, SimulatedScanner
from devices.simulators.fates import Fate
from provisioning.consolecommand import _translate
from tests.support.consoles import SIZE, Hands, desk_at, scanned_page
from tests.tui.test_taking_in import citizen, handed_in
from tui.app import SanadConsole
from tui.desk import Devices
from tui.screens.takingin import TakingIn


class Scanner(SimulatedScanner):
    """A scanner that goes on until it is stopped, where it is told to."""

    endless = False

    def scan(
        self,
        source: ScanSource,
        colour: ScanColour,
        *,
        resolution_dpi: int = 200,
        paged: Callable[[int], None] = lambda _pages: None,
        cancelled: threading.Event | None = None,
    ) -> ScanEnd:
        """Scan."""
        if self.endless and cancelled is not None:
            paged(3)
            cancelled.wait()
        return super().scan(source, colour, resolution_dpi=resolution_dpi, paged=paged, cancelled=cancelled)


@pytest.fixture
def scanner() -> Scanner:
    """A scanner with three pages in its feeder."""
    return Scanner([Picture(scanned_page())] * 3)


@pytest.fixture
def camera() -> SimulatedCamera:
    """A camera that looks at a page."""
    return SimulatedCamera(Picture(scanned_page()))


@pytest.fixture
async def hands(centre: Centre, scanner: Scanner, camera: SimulatedCamera) -> AsyncIterator[Hands]:
    """Fingers on a console, at the papers of a new application."""
    citizen(centre)
    devices = Devices(scanner=scanner, camera=camera)
    desk = replace(desk_at(centre), devices={"1": devices}, translate=_translate, read_codes=read_picture)
    app = SanadConsole(desk)
    async with app.run_test(size=SIZE) as pilot:
        made = Hands(app, pilot)
        await made.settle()
        await made.sign_in("omar")
        yield made


async def to_papers(hands: Hands) -> None:
    """From the desk to the papers of a fard."""
    await hands.press("f2")
    await hands.type("fard", "enter")
    await hands.press("enter")
    await hands.type("gul", "enter")
    await hands.press("f8", "f8", "f8", "f8", "f8")
    assert "Ctrl+K photographs" in hands.text()


def papers(hands: Hands, centre: Centre) -> tuple[PaperView, ...]:
    """What was added."""
    screen = hands.app.screen
    assert isinstance(screen, TakingIn)
    return read_case(centre.store, screen.form.id).papers


async def scan(hands: Hands, way: str = "feeder, in colour") -> None:
    """Scan the paper under the cursor."""
    await hands.press("ctrl+e")
    await hands.type(way, "enter")


async def test_all_pages_of_the_feeder_are_sealed_and_the_screen_says_simulated(hands: Hands, centre: Centre) -> None:
    await to_papers(hands)
    await scan(hands)
    assert "3 pages sealed and added" in hands.said()
    assert len(papers(hands, centre)) == 3
    assert "SIMULATED" in hands.text()


async def test_grey_is_scanned_where_it_is_asked_for(hands: Hands, centre: Centre) -> None:
    await to_papers(hands)
    await scan(hands, "glass, in grey")
    (paper,) = papers(hands, centre)
    with Image.open(io.BytesIO(centre.store.open_blob(paper.digest))) as page:
        assert page.mode == "L"


async def test_a_jam_keeps_the_pages_that_came_says_so_and_the_rest_is_scanned_after(
    hands: Hands, centre: Centre, scanner: Scanner
) -> None:
    await to_papers(hands)
    scanner.fate = Fate.FAILS
    await scan(hands)
    assert "1 page sealed and added" in hands.said()
    assert "jammed" in hands.said()
    assert "scan the rest again" in hands.text()
    assert "scanner: jammed" in hands.text()
    scanner.fate = Fate.WORKS
    await scan(hands)
    assert len(papers(hands, centre)) == 3


@pytest.mark.parametrize(
    ("fate", "words"), [(Fate.REFUSES, "there is no paper in the scanner"), (Fate.UNPLUGGED, "Check its cable")]
)
async def test_a_scanner_without_paper_or_cable_is_told_with_the_next_step(
    hands: Hands, centre: Centre, scanner: Scanner, fate: Fate, words: str
) -> None:
    await to_papers(hands)
    scanner.fate = fate
    await scan(hands)
    assert hands.screen == "TakingIn"
    assert words in " ".join(hands.said().split())


async def test_a_scan_shows_its_pages_and_is_stopped_by_escape_with_nothing_added(
    hands: Hands, centre: Centre, scanner: Scanner
) -> None:
    await to_papers(hands)
    scanner.endless = True
    await hands.press("ctrl+e")
    await hands.type("feeder, in colour")
    await hands.press_meanwhile("enter")
    await hands.until("3 pages through")
    await hands.press("escape")
    assert "Nothing was added" in hands.said()
    scanner.endless = False
    await scan(hands)
    assert "added" in hands.said()


async def test_a_photograph_is_looked_at_taken_again_and_kept_small(
    hands: Hands, centre: Centre, camera: SimulatedCamera
) -> None:
    await to_papers(hands)
    await hands.press("ctrl+k")
    assert hands.screen == "Photographing"
    assert any(0x2801 <= ord(each) < 0x2900 for each in hands.text())
    assert "SIMULATED" in hands.text()
    await hands.press("f5", "f10")
    assert "1 page sealed and added" in hands.said()
    (paper,) = papers(hands, centre)
    assert (paper.media_type, paper.size < 300_000) == ("image/jpeg", True)


async def test_a_camera_that_is_pulled_out_is_told_and_works_again_once_it_is_back(
    hands: Hands, centre: Centre, camera: SimulatedCamera
) -> None:
    await to_papers(hands)
    camera.fate = Fate.UNPLUGGED
    await hands.press("ctrl+k")
    assert "camera is not connected" in hands.said()
    await hands.press("f10")
    assert hands.screen == "Photographing"
    camera.fate = Fate.WORKS
    await hands.press("f5", "f10")
    assert "1 page sealed and added" in hands.said()


async def test_the_camera_reads_a_code_and_leads_to_its_case(
    hands: Hands, centre: Centre, camera: SimulatedCamera
) -> None:
    tracking = read_case(centre.store, handed_in(centre, citizen(centre))).case.tracking
    drawn = qrcode.make(tracking, box_size=6).get_image().convert("L")
    paper = Image.new("L", (900, 700), "white")
    paper.paste(drawn, (200, 150))
    camera.view = to_png(paper)
    await hands.press("f3", "ctrl+k")
    assert hands.screen == "CaseFile"
    assert f"{tracking} was read" in hands.said()
