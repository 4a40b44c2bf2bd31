"""Counting a drawer: how many of each note and coin; the sum is reckoned while it is typed."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from appliance.casework.counting import Counted, by_notes, faces
from appliance.journal.errors import OperatorError
from appliance.journal.kinds import Currency
from tui.forms import money
from tui.keymap import bound
from tui.screens.base import DeskScreen
from tui.widgets.line import Line
from tui.widgets.page import EditorPage


class Count(DeskScreen[Counted]):
    """How many pieces of each face value lie in the drawer."""

    HELP = (
        "Type how many of each note and coin lie in the drawer; leave empty what is not there. F10 when all is counted."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound(finish="Counted")

    def __init__(self, heading: str, currency: Currency) -> None:
        super().__init__()
        self._title_words = heading
        self._currency = currency

    def body(self) -> ComposeResult:
        """A line for each face value, and the sum."""
        yield Static("", id="sum", markup=False)
        yield Faces(self._currency)

    def on_mount(self) -> None:
        """Begin with the largest note."""
        self.head(self._title_words)
        self._add_up()
        self.query_one(Faces).begin()

    def _pieces(self) -> dict[int, int]:
        typed = self.query_one(Faces).values()
        if any(value.strip() and not (value.strip().isascii() and value.strip().isdigit()) for value in typed.values()):
            raise OperatorError("A number of pieces is written in digits.", "Correct it.")
        return {int(face): int(value) for face, value in typed.items() if value.strip()}

    @on(EditorPage.Answer)
    def _add_up(self) -> None:
        try:
            minor = by_notes(self._currency, self._pieces()).minor
        except OperatorError as error:
            self.failed(error)
            return
        self.say("")
        self.query_one("#sum", Static).update(f"In the drawer: {money(minor, self._currency)}")

    @on(EditorPage.Left)
    def _last(self) -> None:
        self.action_finish()

    def action_finish(self) -> None:
        """Give the count."""
        try:
            counted = by_notes(self._currency, self._pieces())
        except OperatorError as error:
            self.failed(error)
        else:
            self.dismiss(counted)


class Faces(EditorPage):
    """A line for each note and coin."""

    def __init__(self, currency: Currency) -> None:
        super().__init__(id="page")
        self._currency = currency

    def compose(self) -> ComposeResult:
        """The lines, the largest first."""
        for face in faces(self._currency):
            yield self.row(str(face), money(face, self._currency), Line(max_length=6, placeholder="pieces"))
