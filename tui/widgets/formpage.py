"""One page of a form: its fields, of which the shown ones follow the answers; what was attested stands there as said."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import DescendantBlur, DescendantFocus
from textual.message import Message

from appliance.catalogue import Field
from tui.forms import SAMPLE, Filling, Page, attested_words
from tui.widgets.choice import Choice, Option
from tui.widgets.editing import Edited, Entered
from tui.widgets.line import Line
from tui.widgets.lines import Lines
from tui.widgets.row import Row

Editor = Line | Lines | Choice
Day = Callable[[str], str]

YES_NO: Final = (Option("yes", "yes"), Option("no", "no"))
FORMS: Final = {
    "date": "day-month-year, or year-month-day",
    "cnic": "13 digits",
    "aadhaar": "12 digits",
    "phone": "mobile number",
    "money": "amount",
    "number": "number",
    "native_name": "in its own script; shown here letter by letter in Latin",
}
"""What stands in an empty field, by its kind."""
MAX_TYPED: Final = 2_000
"""Characters that a line takes; the service's own limits are told by the check."""


class FormPage(VerticalScroll, can_focus=False):
    """The fields of one page.

    Args:
        page: which fields.
        filling: the answers so far.
        day: how an instant is shown as a day.
    """

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

    def __init__(self, page: Page, filling: Filling, day: Day) -> None:
        super().__init__(id="page")
        self._page = page
        self._filling = filling
        self._day = day
        self._editors: dict[str, Editor] = {}
        self._rows: dict[str, Row] = {}

    def compose(self) -> ComposeResult:
        """A row for each field, also for those that are not shown yet."""
        for field in self._page.fields:
            attestation = self._filling.attested.get(field.id)
            mark = "*" if field.required else " "
            if attestation is not None:
                said = _label_of(field, attestation.value)
                row = Row(field.label.en, None, said=said, mark="✓", note=attested_words(attestation, self._day(attestation.at)))
            else:
                editor = self._editors[field.id] = make_editor(field, self._filling.typed.get(field.id, ""))
                row = Row(field.label.en, editor, mark=mark, note=SAMPLE if field.sample else "")
            row.set_class(attestation is not None, "attested")
            self._rows[field.id] = row
            yield row

    def on_mount(self) -> None:
        """Show what the answers call for, and begin in the first field that is asked."""
        self.show(self._filling)
        self.begin()

    def show(self, filling: Filling) -> None:
        """Show what these answers call for. What is in the editors stays."""
        self._filling = filling
        shown = filling.shown()
        for name, row in self._rows.items():
            row.display = name in shown

    def begin(self, field: str = "") -> None:
        """Put the cursor into a field; into the first one that is empty, or the first of all, where none is named."""
        asked = self._asked()
        wanted = [each for each in asked if self._editors[each].id == f"field-{field}"]
        empty = [each for each in asked if not self._editors[each].value]
        for name in (*wanted, *(empty if not field else ()), *asked):
            self._editors[name].focus()
            return

    def find(self, everything: bool = False) -> bool:
        """Show below each field what is wrong with it; answers whether an error was found.

        Args:
            everything: also where nothing was answered yet.
        """
        findings, bad = self._filling.findings(), False
        for name, editor in self._editors.items():
            told = findings.get(name, ())
            errors = [each for each in told if each.level == "error"]
            bad = bad or bool(errors)
            self._tell(name, editor, everything)
        return bad

    def focused_field(self) -> Field | None:
        """The field that the cursor is in."""
        focused = self.screen.focused
        return next((each for each in self._page.fields if focused is self._editors.get(each.id)), None)

    def _asked(self) -> list[str]:
        return [name for name, row in self._rows.items() if row.display and name in self._editors]

    def _tell(self, name: str, editor: Editor, everything: bool) -> None:
        found = self._filling.findings().get(name, ())
        row = self._rows[name]
        if found and (everything or editor.value):
            first = found[0]
            row.note(f"{first.sentence} {first.next_step}", tone="bad" if first.level == "error" else "warning")
        else:
            field = next(each for each in self._page.fields if each.id == name)
            row.note(SAMPLE if field.sample else "")

    def action_move(self, by: int) -> None:
        """The next or previous field that is asked."""
        asked = [self._editors[name] for name in self._asked()]
        focused = self.screen.focused
        if focused in asked:
            at = asked.index(focused) + by  # type: ignore[arg-type]
            if 0 <= at < len(asked):
                asked[at].focus()

    @on(Edited)
    def _edited(self, event: Edited) -> None:
        event.stop()
        name = next((name for name, editor in self._editors.items() if editor is event.editor), None)
        if name is not None:
            self.post_message(self.Answer(name, event.value))

    @on(Entered)
    def _entered(self, event: Entered) -> None:
        event.stop()
        asked = [self._editors[name] for name in self._asked()]
        if asked and event.editor is asked[-1]:
            self.post_message(self.Left())
        else:
            self.action_move(1)

    @on(DescendantBlur)
    def _left(self, event: DescendantBlur) -> None:
        for name, editor in self._editors.items():
            if editor is event.widget:
                self._tell(name, editor, everything=False)

    @on(DescendantFocus)
    def _came(self, event: DescendantFocus) -> None:
        for name, editor in self._editors.items():
            if editor is event.widget:
                field = next(each for each in self._page.fields if each.id == name)
                if field.help.en and not self._filling.findings().get(name):
                    self._rows[name].note(field.help.en)


def make_editor(field: Field, value: str) -> Editor:
    """What a field is typed into."""
    name = f"field-{field.id}"
    if field.kind == "choice":
        return Choice([Option(each.id, each.label.en) for each in field.choices], value, id=name)
    if field.kind == "yes_no":
        return Choice(YES_NO, value, id=name)
    if field.kind == "lines":
        return Lines(value, id=name)
    return Line(value, placeholder=FORMS.get(field.kind, ""), max_length=MAX_TYPED, id=name)


def _label_of(field: Field, value: str) -> str:
    return next((each.label.en for each in field.choices if each.id == value), value)
