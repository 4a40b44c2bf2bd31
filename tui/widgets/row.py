"""One line of a form: its label, its editor or what stands instead of one, and a note below where there is one."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from tui.latin import latin


class Row(Widget):
    """A label, an editor, and a note that takes no room while it is empty.

    Args:
        label: what the field is called.
        editor: what is typed into; None where `said` stands instead and nothing is asked.
        said: shown where there is no editor.
        mark: one character before the label; `*` for what must be answered.
    """

    def __init__(self, label: str, editor: Widget | None, *, said: str = "", mark: str = " ", note: str = "") -> None:
        super().__init__()
        self.label = label
        self.editor = editor
        self._said = said
        self._mark = mark
        self._note = note

    def compose(self) -> ComposeResult:
        """The line, and the note."""
        with Horizontal(classes="line"):
            yield Static(f"{self._mark}{latin(self.label)}", classes="label", markup=False)
            if self.editor is not None:
                yield self.editor
            else:
                yield Static(latin(self._said), classes="said", markup=False)
        yield Static(latin(self._note), classes="note" if self._note else "note empty", markup=False)

    def note(self, text: str, *, tone: str = "") -> None:
        """Show a note below the line; an empty one takes no room."""
        note = self.query_one(".note", Static)
        note.set_classes(f"note {tone}" if text else "note empty")
        note.update(latin(text))
