"""A photograph by the counter's camera: taken, looked at, and only then kept."""

from __future__ import annotations

import io
from typing import ClassVar, Final

from PIL import Image
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Static

from appliance.journal.errors import SanadError
from devices.contracts import Camera, Picture
from tui.keymap import bound
from tui.screens.base import DeskScreen
from tui.widgets.picture import braille

GOAL_BYTES: Final = 300_000
QUALITIES: Final = (90, 80, 70, 60, 50, 40, 30)


class Photographing(DeskScreen[bytes]):
    """One photograph; dismissed with it as JPEG, or with nothing."""

    TAKES_CODES = False
    HELP = "F10 keeps the photograph that is shown, F5 takes another one, Esc goes back without one."
    BINDINGS: ClassVar[list[BindingType]] = bound(finish="Keep", refresh="Another")

    def __init__(self, camera: Camera, heading: str) -> None:
        super().__init__()
        self._camera = camera
        self._words = heading
        self._picture: Picture | None = None

    def body(self) -> ComposeResult:
        """What the camera saw."""
        with Vertical(id="page"):
            yield Static(id="picture")

    def on_mount(self) -> None:
        """Take the first one."""
        self.head(self._words)
        self.look_again()

    def on_resize(self) -> None:
        """Draw it anew."""
        self._draw()

    def look_again(self) -> None:
        """Take another one."""
        self._picture = None
        self._draw()
        self.say("The camera is looking …")
        self.run(self._camera.snap, self._taken, self._not_taken)

    action_refresh = look_again

    def _taken(self, picture: Picture) -> None:
        self._picture = picture
        self._draw()
        self.say("F10 keeps it, F5 takes another one.")

    def _not_taken(self, error: SanadError) -> None:
        self.failed(error)
        self.desk_app.watching.look()

    def _draw(self) -> None:
        room = self.query_one("#page").size
        png = b"" if self._picture is None else self._picture.png
        self.query_one("#picture", Static).update(braille(png, room.width, room.height))

    def action_finish(self) -> None:
        """Keep it."""
        picture = self._picture
        if picture is None:
            self.say("There is no photograph yet: F5 takes one.", tone="warning")
            return
        self.run(lambda: as_jpeg(picture.png), self._kept)

    def _kept(self, jpeg: bytes) -> None:
        self.dismiss(jpeg)

    def action_leave(self) -> None:
        """Without one."""
        self.dismiss(None)


def as_jpeg(png: bytes) -> bytes:
    """A photograph as it is kept, for thin lines: under 300 kB wherever a fair quality reaches that."""
    data = b""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as opened:
        image = opened.convert("RGB")
    for quality in QUALITIES:
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, optimize=True)
        data = out.getvalue()
        if len(data) < GOAL_BYTES:
            break
    return data
