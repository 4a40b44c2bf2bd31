"""What every editor of a form says: that it was edited, and that Enter was pressed in it."""

from __future__ import annotations

from textual.message import Message
from textual.widget import Widget


class Edited(Message):
    """The text in an editor changed by the operator's hand."""

    def __init__(self, editor: Widget, value: str) -> None:
        super().__init__()
        self.editor = editor
        self.value = value


class Entered(Message):
    """Enter was pressed in an editor: the cursor goes on."""

    def __init__(self, editor: Widget) -> None:
        super().__init__()
        self.editor = editor
