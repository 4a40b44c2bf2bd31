"""Editors below each other: arrows and Enter walk through them, and each change is announced by its field's name."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message

from tui.widgets.choice import Choice
from tui.widgets.editing import Edited, Entered
from tui.widgets.line import Line
from tui.widgets.lines import Lines
from tui.widgets.row import Row

Editor = Line | Lines | Choice
MAX_TYPED: Final = 2_000
"""Characters that a line takes; narrower limits are told by what checks the answer."""


class EditorPage(VerticalScroll, can_focus=False):
    """A page of editors. Subclasses make them with `row`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    class Answer(Message):
        """A field was answered by hand."""

        def __init__(self, field: str, value: str) -> None:
            super().__init__()
            self.field = field
            self.value = value

    class Left(Message):
        """Enter was pressed in the last field."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  (Textual's name)
        super().__init__(id=id)
        self.editors: dict[str, Editor] = {}
        self.rows: dict[str, Row] = {}

    def row(
        self, name: str, label: str, editor: Editor | None, *, said: str = "", mark: str = " ", note: str = ""
    ) -> Row:
        """A row with an editor, known by the field's name; or with what is said instead of one."""
        if editor is not None:
            self.editors[name] = editor
        self.rows[name] = Row(label, editor, said=said, mark=mark, note=note)
        return self.rows[name]

    def values(self) -> dict[str, str]:
        """What stands in the editors."""
        return {name: editor.value for name, editor in self.editors.items()}

    def asked(self) -> list[str]:
        """The fields that can be answered now, in order."""
        return [name for name in self.editors if self.rows[name].display]

    def begin(self, field: str = "") -> None:
        """Put the cursor into a field; where none is named, into the first one that is empty, or the first of all."""
        asked = self.asked()
        empty = [name for name in asked if not self.editors[name].value]
        for name in ([field] if field in asked else empty or asked)[:1]:
            self.editors[name].focus()

    def current(self) -> str:
        """The field that the cursor is in; empty where it is in none."""
        focused = self.screen.focused
        return next((name for name, editor in self.editors.items() if editor is focused), "")

    def name_of(self, editor: object) -> str:
        """The field of an editor; empty where it is none of this page."""
        return next((name for name, each in self.editors.items() if each is editor), "")

    def action_move(self, by: int) -> None:
        """The next or previous field that is asked."""
        asked, current = self.asked(), self.current()
        if current in asked and 0 <= asked.index(current) + by < len(asked):
            self.editors[asked[asked.index(current) + by]].focus()

    @on(Edited)
    def _announce(self, event: Edited) -> None:
        event.stop()
        if name := self.name_of(event.editor):
            self.post_message(self.Answer(name, event.value))

    @on(Entered)
    def _walk_on(self, event: Entered) -> None:
        event.stop()
        asked = self.asked()
        if asked and self.name_of(event.editor) == asked[-1]:
            self.post_message(self.Left())
        else:
            self.action_move(1)
