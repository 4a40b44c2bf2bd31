"""One page of a form: which fields are shown follows the answers; what was attested stands there as said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.events import DescendantBlur, DescendantFocus

from appliance.catalogue import Field
from tui.forms import SAMPLE, Filling, Page, attested_words
from tui.widgets.choice import Choice, Option
from tui.widgets.line import Line
from tui.widgets.lines import Lines
from tui.widgets.page import MAX_TYPED, Editor, EditorPage

Day = Callable[[str], str]

YES_NO: Final = (Option("yes", "yes"), Option("no", "no"))
HINTS: Final = {
    "date": "day-month-year, or year-month-day",
    "cnic": "13 digits",
    "aadhaar": "12 digits",
    "phone": "mobile number",
    "money": "amount",
    "number": "number",
    "native_name": "in its own script; shown in Latin letters",
}
"""What stands in an empty field, by its kind."""


class FormPage(EditorPage):
    """The fields of one page.

    Args:
        page: which fields.
        filling: the answers so far.
        day: how an instant is shown as a day.
    """

    def __init__(self, page: Page, filling: Filling, day: Day) -> None:
        super().__init__(id="page")
        self._page = page
        self._filling = filling
        self._day = day

    def compose(self) -> ComposeResult:
        """A row for each field, also for those that are not shown yet."""
        for field in self._page.fields:
            seen = self._filling.attested.get(field.id)
            if seen is not None:
                note = attested_words(seen, self._day(seen.at))
                row = self.row(field.id, field.label.en, None, said=label_of(field, seen.value), mark="✓", note=note)
                row.add_class("attested")
                yield row
            else:
                editor = make_editor(field, self._filling.typed.get(field.id, ""))
                note = SAMPLE if field.sample else ""
                yield self.row(field.id, field.label.en, editor, mark="*" if field.required else " ", note=note)

    def on_mount(self) -> None:
        """Show what the answers call for, and begin in the first field that is asked."""
        self.show(self._filling)
        self.begin()

    def show(self, filling: Filling) -> None:
        """Show what these answers call for. What is in the editors stays."""
        self._filling = filling
        shown = filling.shown()
        for name, row in self.rows.items():
            row.display = name in shown

    def find(self) -> int:
        """Show below each field what is wrong with it; answers how many have an error."""
        findings = self._filling.findings()
        for name in self.asked():
            self._tell(name, everything=True)
        return sum(any(each.level == "error" for each in findings.get(name, ())) for name in self.asked())

    def field(self, name: str) -> Field | None:
        """The field of that name, where it stands on this page."""
        return next((each for each in self._page.fields if each.id == name), None)

    def _tell(self, name: str, *, everything: bool) -> None:
        found, field = self._filling.findings().get(name, ()), self.field(name)
        if found and (everything or self.editors[name].value):
            tone = "bad" if found[0].level == "error" else "warning"
            self.rows[name].note(f"{found[0].sentence} {found[0].next_step}", tone=tone)
        else:
            self.rows[name].note(SAMPLE if field is not None and field.sample else "")

    @on(DescendantBlur)
    def _gone(self, event: DescendantBlur) -> None:
        if name := self.name_of(event.widget):
            self._tell(name, everything=False)

    @on(DescendantFocus)
    def _come(self, event: DescendantFocus) -> None:
        name = self.name_of(event.widget)
        field = self.field(name)
        if (
            field is not None
            and field.help.en
            and not (self.editors[name].value and self._filling.findings().get(name))
        ):
            self.rows[name].note(field.help.en)


def make_editor(field: Field, value: str) -> Editor:
    """What a field is typed into."""
    name = f"field-{field.id}"
    if field.kind == "choice":
        return Choice([Option(each.id, each.label.en) for each in field.choices], value, id=name)
    if field.kind == "yes_no":
        return Choice(YES_NO, value, id=name)
    if field.kind == "lines":
        return Lines(value, id=name)
    return Line(value, placeholder=HINTS.get(field.kind, ""), max_length=MAX_TYPED, id=name)


def label_of(field: Field, value: str) -> str:
    """An answer as people read it: the label of a choice, the text of anything else."""
    return next((each.label.en for each in field.choices if each.id == value), value)
