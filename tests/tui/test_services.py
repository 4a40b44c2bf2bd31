"""Every bundled service, by keys alone: from sign-in to handing in, and by another pair of eyes to the decision."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from appliance.catalogue import Service, bundled, load_catalogue
from tests.support.consoles import Hands
from tui.screens.takingin import TakingIn

SERVICES = load_catalogue([bundled()]).services
VALUES = {
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


def scan(folder: Path) -> Path:
    """A page that could be a paper."""
    page = Image.new("L", (620, 877), 250)
    draw = ImageDraw.Draw(page)
    for y in range(60, 820, 40):
        draw.line((60, y, 560, y), fill=40, width=3)
    page.save(folder / "paper.png")
    return folder / "paper.png"


async def fill_page(hands: Hands, service: Service) -> None:
    """Answer every field that is shown on the page, by typing."""
    screen = hands.app.screen
    assert isinstance(screen, TakingIn)
    stage = screen.stage
    assert stage is not None
    for _ in range(30):
        page = next(iter(screen.query("FormPage")), None)
        assert page is not None
        name = page.current()  # type: ignore[attr-defined]
        field = service.field(name)
        last = page.asked()[-1] == name  # type: ignore[attr-defined]
        await answer(hands, field, service)
        if last:
            return
    raise AssertionError("the page does not end")
