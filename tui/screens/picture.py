"""A page of a paper, large: + and - zoom, the arrows move."""

from __future__ import annotations

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Footer, Static

from tui.keymap import bound
from tui.latin import latin
from tui.widgets.picture import braille
from tui.widgets.top import Top
from tui.work import WorkingScreen

ZOOM: Final = 1.5
MAX_ZOOM: Final = 12.0
STEP: Final = 0.25
"""How much of what is shown an arrow moves."""


class ShowPicture(WorkingScreen[None]):
    """One page on the whole screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bound("leave"),
        Binding("plus,equals_sign", "zoom(1)", "Larger", key_display="+"),
        Binding("minus", "zoom(-1)", "Smaller", key_display="-"),
        Binding("left", "move(-1,0)", "Move", key_display="arrows"),
        Binding("right", "move(1,0)", show=False),
        Binding("up", "move(0,-1)", show=False),
        Binding("down", "move(0,1)", show=False),
    ]

    def __init__(self, heading: str, png: bytes) -> None:
        super().__init__()
        self._heading = heading
        self._png = png
        self._zoom = 1.0
        self._left = self._top = 0.0

    def compose(self) -> ComposeResult:
        """The line on top, one that says what it is, and the page."""
        yield Top()
        yield Static(latin(self._heading), id="heading", markup=False)
        with Vertical(id="page"):
            yield Static(id="picture")
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Draw it once there is room."""
        self.call_after_refresh(self._draw)

    def on_resize(self) -> None:
        """Draw it anew."""
        self._draw()

    def _draw(self) -> None:
        size = self.query_one("#page").size
        shown = braille(self._png, size.width, size.height, zoom=self._zoom, left=self._left, top=self._top)
        self.query_one("#picture", Static).update(shown)

    def action_zoom(self, by: int) -> None:
        """Larger or smaller."""
        self._zoom = min(max(self._zoom * ZOOM**by, 1.0), MAX_ZOOM)
        self._draw()

    def action_move(self, x: int, y: int) -> None:
        """Move over the page."""
        most = max(0.0, 1 - 1 / self._zoom)
        self._left = min(max(self._left + x * STEP / self._zoom, 0.0), most)
        self._top = min(max(self._top + y * STEP / self._zoom, 0.0), most)
        self._draw()

    def action_leave(self) -> None:
        """Back."""
        self.dismiss(None)
