"""The real `sanad console` in a terminal, at a counter that `node.toml` gives a reader: bursts of real keys."""

from __future__ import annotations

from pathlib import Path

from appliance.casework.tracking import tracking_number
from provisioning.settings import assign_device
from tests.support.consoles import console_home, console_in
from tests.tui.test_killed import sign_in


def test_a_burst_is_a_code_and_slow_keys_are_keys(tmp_path: Path) -> None:
    home = console_home(tmp_path)
    assign_device(home / "node.toml", "1", "keys:any")
    with console_in(tmp_path, home) as terminal:
        sign_in(terminal)
        terminal.type(tracking_number("PEW01", 2026, 99) + "\r")
        assert "At the desk" in terminal.wait_for("This code is of nothing in this centre.")
        terminal.type("pppppppp\r")
        assert "At the desk" in terminal.wait_for("none of Sanad's")
        terminal.type("p")
        terminal.wait_for("name, number, date of birth")
