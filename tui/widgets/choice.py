"""A field that is one of some values, on one line: type to find, arrows to change, Space to see all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Blur, Key
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from tui.keymap import bound
from tui.widgets.editing import Edited, Entered


@dataclass(frozen=True, slots=True)
class Option:
    """One value, and how it is called on the screen. `detail` stands beside it where all are listed."""

    id: str
    label: str
    detail: str = ""


class Choice(Widget, can_focus=True):
    """One of some values, or none yet (an empty text)."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "change(-1)", show=False),
        Binding("right", "change(1)", show=False),
        Binding("enter", "enter", show=False),
        Binding("backspace,delete", "clear", show=False),
        *bound(hidden=("show_list", "undo")),
    ]

    value: reactive[str] = reactive("")

    class ListWanted(Message):
        """Space was pressed: show all values."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(
        self,
        options: Sequence[Option],
        value: str = "",
        *,
        needed: bool = True,
        id: str | None = None,  # noqa: A002  (Textual's name)
    ) -> None:
        super().__init__(id=id)
        self.options = tuple(options)
        self.needed = needed
        self._typed = ""
        self._before: list[str] = []
        self.set_reactive(Choice.value, value)

    @property
    def label(self) -> str:
        """How the value is called; a value that is no longer among the options is shown as it is."""
        return next((each.label for each in self.options if each.id == self.value), self.value)

    def put(self, value: str) -> None:
        """Show another value that nobody chose; it is not announced."""
        self.value = value

    def choose(self, value: str) -> None:
        """Take a value by the operator's hand."""
        if value != self.value:
            self._before.append(self.value)
            self.value = value
            self.post_message(Edited(self, value))

    def replace(self, options: Sequence[Option]) -> None:
        """Offer other values; one that is not among them is dropped."""
        self.options = tuple(options)
        if self.value not in {each.id for each in options}:
            self.value = ""
        self.refresh()

    def render(self) -> Text:
        """The value between arrows; what was typed to find it is underlined."""
        label = self.label
        if not label:
            return Text("‹ choose: type, ← → or Space ›" if self.has_focus else "‹ not chosen ›", style="dim")
        text = Text("‹ " if self.has_focus else "", end="")
        start = len(text)
        text.append(label)
        if self._typed:
            text.stylize("underline", start, start + len(self._typed))
        return text.append(" ›" if self.has_focus else "")

    def action_change(self, by: int) -> None:
        """The next or the previous value."""
        self._typed = ""
        if not self.options:
            return
        ids = [each.id for each in self.options]
        at = ids.index(self.value) + by if self.value in ids else (0 if by > 0 else len(ids) - 1)
        self.choose(ids[at % len(ids)])

    def action_clear(self) -> None:
        """No value, or one letter less of what was typed to find one."""
        if self._typed:
            self._find(self._typed[:-1])
        else:
            self.choose("")

    def action_undo(self) -> None:
        """The value before."""
        if self._before:
            self.value = self._before.pop()
            self.post_message(Edited(self, self.value))

    def action_enter(self) -> None:
        """Go on."""
        self._typed = ""
        self.post_message(Entered(self))

    def action_show_list(self) -> None:
        """Show all values, unless the space is part of a name that is being typed."""
        if self._typed and any(each.label.lower().startswith(f"{self._typed} ") for each in self.options):
            self._find(self._typed + " ")
        else:
            self._typed = ""
            self.post_message(self.ListWanted(self))

    def on_key(self, event: Key) -> None:
        """Letters find a value by the beginning of its name."""
        character = event.character
        if character is not None and character.isprintable() and character != " ":
            event.stop()
            self._find(self._typed + character.lower())

    def on_blur(self, _event: Blur) -> None:
        """Typing begins anew the next time."""
        self._typed = ""

    def _find(self, typed: str) -> None:
        for attempt in (typed, typed[-1:]):
            found = next((each for each in self.options if each.label.lower().startswith(attempt)), None)
            if found is not None:
                self._typed = attempt
                self.choose(found.id)
                self.refresh()
                return
