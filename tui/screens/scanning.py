"""A scan under way: how many pages are through, and a way to stop it."""

from __future__ import annotations

import threading
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from appliance.journal.errors import SanadError
from devices.contracts import ScanColour, ScanEnd, Scanner, ScanSource
from tui.keymap import bound
from tui.screens.base import Dialog
from tui.work import Answered

Scanned = ScanEnd | SanadError


class Scanning(Dialog[Scanned]):
    """Scans; dismissed with what came of it, or with what was wrong. None where it was stopped here."""

    BINDINGS: ClassVar[list[BindingType]] = bound(leave="Stop")
    HEADING = "Scanning"
    KEYS = "Esc  stop; nothing is added then"
    HELP = "The scanner works. Escape stops it; a scanner that gives nothing any more is given up by itself."

    def __init__(self, scanner: Scanner, source: ScanSource, colour: ScanColour) -> None:
        super().__init__()
        self._scanner = scanner
        self._source = source
        self._colour = colour
        self._stop = threading.Event()

    def body(self) -> ComposeResult:
        """How far it is."""
        yield Static("Waiting for the first page …", id="question", markup=False)

    def on_mount(self) -> None:
        """Scan."""
        self.run(self._scan, self._done, self._done)

    def on_unmount(self) -> None:
        """Nobody waits for pages whose screen is gone."""
        self._stop.set()

    def _scan(self) -> ScanEnd:
        return self._scanner.scan(self._source, self._colour, paged=self._paged, cancelled=self._stop)

    def _paged(self, pages: int) -> None:
        words = f"{pages} page{'s' * (pages != 1)} through …"
        self.post_message(Answered(lambda: self.query_one("#question", Static).update(words)))

    def action_leave(self) -> None:
        """Stop it; the box goes once the scanner has let go."""
        self._stop.set()
        self.say("Stopping …")

    def _done(self, outcome: Scanned) -> None:
        self.dismiss(None if self._stop.is_set() else outcome)
