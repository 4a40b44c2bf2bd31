"""Several lines to type in: Enter begins the next one, Enter on an empty last line goes on to the next field."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.widgets import TextArea

from tui.keymap import bound
from tui.latin import latin
from tui.widgets.editing import Edited, Entered


class Lines(TextArea, inherit_bindings=False):
    """Lines of text; native script is shown letter by letter in Latin, the value stays as typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "cursor_left", show=False),
        Binding("right", "cursor_right", show=False),
        Binding("home", "cursor_line_start", show=False),
        Binding("end", "cursor_line_end", show=False),
        Binding("backspace", "delete_left", show=False),
        Binding("delete", "delete_right", show=False),
        Binding("up", "line(-1)", show=False),
        Binding("down", "line(1)", show=False),
        *bound(hidden=("undo",)),
    ]

    def __init__(self, value: str = "", *, id: str | None = None) -> None:  # noqa: A002  (Textual's name)
        super().__init__(value, id=id, compact=True, soft_wrap=True, show_line_numbers=False)
        self._known = value

    @property
    def value(self) -> str:
        """What was typed."""
        return self.text

    def put(self, value: str) -> None:
        """Show another value that nobody typed; it is not announced."""
        self._known = value
        self.load_text(value)

    def get_line(self, line_index: int) -> Text:
        """A line as it is shown."""
        return Text(latin(self.document.get_line(line_index)), end="", no_wrap=True)

    def action_line(self, by: int) -> None:
        """The next or previous line; beyond the first and the last one, the next or previous field."""
        row = self.cursor_location[0] + by
        if row < 0:
            self.screen.focus_previous()
        elif row >= self.document.line_count:
            self.screen.focus_next()
        elif by > 0:
            self.action_cursor_down()
        else:
            self.action_cursor_up()

    async def _on_key(self, event: Key) -> None:
        row = self.cursor_location[0]
        last = row == self.document.line_count - 1
        if event.key == "enter" and last and not self.document.get_line(row):
            event.stop()
            event.prevent_default()
            if row:
                self.action_delete_left()
            self.post_message(Entered(self))
            return
        await super()._on_key(event)

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if self.text != self._known:
            self._known = self.text
            self.post_message(Edited(self, self.text))
