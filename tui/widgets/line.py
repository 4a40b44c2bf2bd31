"""A line to type in: with undo, without the keys that the console uses for other things, and in Latin only."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.events import Paste
from textual.widgets import Input

from tui.keymap import bound
from tui.latin import latin
from tui.widgets.editing import Edited, Entered

MAX_UNDO: Final = 200
"""Changes that a line remembers."""


class Line(Input, inherit_bindings=False):
    """One line of text. What is native script is shown letter by letter in Latin; the value stays as typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "cursor_left", show=False),
        Binding("right", "cursor_right", show=False),
        Binding("shift+left", "cursor_left(True)", show=False),
        Binding("shift+right", "cursor_right(True)", show=False),
        Binding("ctrl+left", "cursor_left_word", show=False),
        Binding("ctrl+right", "cursor_right_word", show=False),
        Binding("home", "home", show=False),
        Binding("end", "end", show=False),
        Binding("backspace", "delete_left", show=False),
        Binding("delete", "delete_right", show=False),
        Binding("ctrl+w", "delete_left_word", show=False),
        Binding("ctrl+u", "delete_left_all", show=False),
        Binding("enter", "submit", show=False),
        *bound(hidden=("undo",)),
    ]

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        max_length: int = 0,
        id: str | None = None,  # noqa: A002  (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            password=password,
            max_length=max_length,
            select_on_focus=False,
            compact=True,
            id=id,
            classes=classes,
        )
        self._known = value
        self._before: list[str] = []

    @property
    def _value(self) -> Text:
        shown = "•" * len(self.value) if self.password else latin(self.value)
        return Text(shown, no_wrap=True, overflow="ignore", end="")

    def put(self, value: str) -> None:
        """Show another value that nobody typed; it is not announced, and what was typed before can't be undone."""
        self._known = value
        self._before.clear()
        self.value = value
        self.cursor_position = len(value)

    def action_undo(self) -> None:
        """Take back the last change: a run of letters, a run of deletions, or something pasted."""
        if self._before:
            self.value = self._known_before(self._before.pop())
            self.cursor_position = len(self.value)
            self.post_message(Edited(self, self.value))

    def _known_before(self, value: str) -> str:
        self._known = value
        return value

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        before, now = self._known, self.value
        if now == before:
            return
        if not self._goes_on(before, now):
            self._before.append(before)
            del self._before[:-MAX_UNDO]
        self._known = now
        self.post_message(Edited(self, now))

    def _goes_on(self, before: str, now: str) -> bool:
        """Whether a change only goes on with the one before it: one more letter of a word."""
        return bool(self._before) and len(now) == len(before) + 1 and now.startswith(before) and not now[-1].isspace()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(Entered(self))

    def _on_paste(self, event: Paste) -> None:
        # Only the first line of what is pasted would be kept; a line is what this is.
        event.text = " ".join(event.text.split())
        super()._on_paste(event)
