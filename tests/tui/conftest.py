"""A console at a specimen centre, and fingers on its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from appliance.casework.centre import Centre
from tests.support.consoles import SIZE, Hands, Template, desk_at, make_template, specimen_centre
from tui.app import SanadConsole


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A home with staff, made once."""
    return make_template(tmp_path_factory.mktemp("template") / "home")


@pytest.fixture
def centre(template: Template, tmp_path: Path) -> Iterator[Centre]:
    """A fresh centre with the bundled services."""
    made = specimen_centre(template, tmp_path / "home")
    with made.store.closing():
        yield made


@pytest.fixture
async def hands(centre: Centre) -> AsyncIterator[Hands]:
    """Fingers on a console where nobody is signed in yet."""
    app = SanadConsole(desk_at(centre))
    async with app.run_test(size=SIZE) as pilot:
        made = Hands(app, pilot)
        await made.settle()
        yield made
