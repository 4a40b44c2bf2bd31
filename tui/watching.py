"""How a counter's devices are: looked at when somebody signs in, and whenever something is plugged in or pulled out.

Nothing is asked of a device on the screen's own thread.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from textual.message import Message

from devices.contracts import Status

if TYPE_CHECKING:
    from tui.app import SanadConsole

WHAT_TO_DO: Final[Mapping[Status, str]] = {
    Status.PAPER_LOW: "Have another roll ready.",
    Status.PAPER_OUT: "Put paper in.",
    Status.COVER_OPEN: "Close its cover.",
    Status.OFFLINE: "Switch it online; central IT may have to let this program use it.",
    Status.JAMMED: "Open it, and take the paper out.",
    Status.FAULT: "Switch it off and on again; if it stays, tell central IT.",
    Status.UNPLUGGED: "Check its cable and its power; it is used again as soon as it is back.",
    Status.UNKNOWN: "It does not say how it is; try it.",
}
TROUBLE: Final = frozenset(WHAT_TO_DO) - {Status.UNKNOWN, Status.PAPER_LOW}


class Plugged(Message):
    """Something was plugged in or pulled out."""


class Looked(Message):
    """The devices were looked at."""

    def __init__(self, statuses: Mapping[str, Status]) -> None:
        super().__init__()
        self.statuses = statuses


class Watching:
    """Keeps how the devices are, for the line on top and the list of devices."""

    def __init__(self, app: SanadConsole) -> None:
        self._app = app
        self._stop = threading.Event()
        self.statuses: Mapping[str, Status] = {}

    def begin(self) -> None:
        """Follow what comes and goes, in a thread of its own that ends with the console."""
        follow = self._app.desk.follow
        if follow is not None:
            told = self._app.post_message
            threading.Thread(
                target=follow, args=(self._stop, lambda: told(Plugged())), name="hotplug", daemon=True
            ).start()

    def end(self) -> None:
        """Follow no more."""
        self._stop.set()

    def look(self) -> None:
        """Ask the devices of this counter how they are."""
        devices = self._app.devices.named()

        def ask() -> None:
            self._app.post_message(Looked({name: device.status() for name, device in devices.items()}))

        self._app.run_worker(ask, thread=True, exit_on_error=False, exclusive=True, group="devices")

    def looked(self, statuses: Mapping[str, Status]) -> tuple[str, ...]:
        """Keep how they are; answers what came back, in words."""
        back = tuple(
            name for name, status in statuses.items() if self.statuses.get(name) in TROUBLE and status not in TROUBLE
        )
        self.statuses = statuses
        return back

    def troubles(self) -> tuple[tuple[str, Status], ...]:
        """Which devices cannot be used now, and why."""
        return tuple((name, status) for name, status in self.statuses.items() if status in TROUBLE)
