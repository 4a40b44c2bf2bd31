"""The real `sanad console` in a terminal: killed while somebody types, it has everything when it is started again."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.consoles import Terminal, console_home, console_in
from tests.support.nodes import PASSWORD
from tests.unit.catalogue.example import EXAMPLE, FILE


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that the console opens."""
    return console_home(tmp_path)


def sign_in(terminal: Terminal) -> None:
    terminal.wait_for("Login")
    terminal.type("omar")
    terminal.keys("Enter")
    terminal.type(PASSWORD)
    terminal.keys("Enter")
    terminal.wait_for("At the desk")
    terminal.wait_for("Sign out")


def test_what_was_typed_is_there_after_a_kill(tmp_path: Path, home: Path) -> None:
    with console_in(tmp_path, home) as terminal:
        sign_in(terminal)
        terminal.keys("F2")
        terminal.wait_for("Which service?")
        terminal.type("domicile")
        terminal.wait_for("domicile")
        terminal.keys("Enter")
        terminal.wait_for("1/7")
        terminal.keys("F8")
        terminal.wait_for("CNIC number")
        terminal.type("17301-1234567-2")
        terminal.keys("Enter")
        terminal.type("Gul Bibi of Peshawar")
        terminal.wait_for("Gul Bibi of Peshawar")
        terminal.wait_for("kept")
        os.kill(terminal.pid, signal.SIGKILL)
    with console_in(tmp_path, home) as terminal:
        sign_in(terminal)
        assert "Drafts (1)" in terminal.wait_for("Drafts (1)")
        terminal.keys("F7")
        terminal.wait_for("Go on with which draft?")
        terminal.keys("Enter")
        assert "Gul Bibi of Peshawar" in terminal.wait_for("17301-1234567-2")


def test_a_service_file_that_is_dropped_in_appears(tmp_path: Path, home: Path) -> None:
    folder = home / "services"
    folder.mkdir()
    (folder / FILE).write_text(EXAMPLE, encoding="utf-8")
    with console_in(tmp_path, home) as terminal:
        sign_in(terminal)
        terminal.keys("F2")
        terminal.wait_for("Which service?")
        terminal.type("income")
        terminal.wait_for("Income certificate")
        terminal.keys("Enter")
        terminal.wait_for("1/6")
        terminal.keys("F8", "F8", "F8")
        assert "Source of income" in terminal.wait_for("Income in a month")
