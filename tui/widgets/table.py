"""A table to walk through by rows, filled with one page of at most `MAX_ROWS` from the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.text import Text
from textual.widgets import DataTable

from tui.latin import latin

MAX_ROWS: Final = 500
"""Rows of one page; a table of many more takes seconds to become usable."""


class Table(DataTable[Text]):
    """Rows with an identifier each; the cursor stays on its row when the table is filled again."""

    def __init__(self, *columns: str, id: str | None = None) -> None:  # noqa: A002  (Textual's name)
        super().__init__(id=id, cursor_type="row", zebra_stripes=False, cell_padding=1)
        self._titles = columns

    def on_mount(self) -> None:
        """Make the columns."""
        for each in self._titles:
            self.add_column(each)

    def fill(self, rows: Sequence[tuple[str, Sequence[str | Text]]]) -> None:
        """Show these rows: an identifier, and a cell for each column."""
        at = self.current()
        self.clear()
        for name, cells in rows[:MAX_ROWS]:
            self.add_row(*(cell if isinstance(cell, Text) else Text(latin(cell)) for cell in cells), key=name)
        names = [name for name, _ in rows[:MAX_ROWS]]
        if at in names:
            self.move_cursor(row=names.index(at), animate=False)

    def current(self) -> str:
        """The identifier of the row under the cursor; empty where there is none."""
        if not self.row_count or not self.is_valid_row_index(self.cursor_row):
            return ""
        key: Any = self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value
        return str(key)
