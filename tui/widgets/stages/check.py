"""The last look before handing in: what is still missing, and every answer as it will be kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import OptionList, Static

from appliance.catalogue import Service
from tui.forms import Filling, Lack, attested_words, money, pages
from tui.keymap import KEYS
from tui.latin import latin
from tui.widgets.rows import Item, Rows

MAX_LACKS: Final = 30
Day = Callable[[str], str]


class CheckStage(VerticalScroll):
    """What lacks (Enter goes there), then everything that was answered."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(KEYS["finish"].keys, "screen.finish", "Submit", id="finish"),
    ]

    class GoTo(Message):
        """Go where something is missing."""

        def __init__(self, lack: Lack) -> None:
            super().__init__()
            self.lack = lack

    def __init__(self, filling: Filling, names: Mapping[str, str], day: Day, notes: Sequence[str] = ()) -> None:
        super().__init__(id="check")
        self._filling = filling
        self._names = names
        self._day = day
        self._notes = notes
        self._lacks = filling.lacks()[:MAX_LACKS]

    def compose(self) -> ComposeResult:
        """The list of what lacks, if anything does; the warnings; the answers."""
        if self._lacks:
            yield Static(
                f"{len(self._lacks)} to put right before it can be handed in. Enter goes there.", classes="bad"
            )
            yield Rows(id="lacks")
        else:
            yield Static("Read it to the citizen. F10 hands it in.", classes="good")
        warnings = [
            each.sentence for found in self._filling.findings().values() for each in found if each.level == "warning"
        ]
        for each in warnings:
            yield Static(f"! {latin(each)}", classes="warning", markup=False)
        yield Static(self._table(), classes="table")

    def on_mount(self) -> None:
        """The cursor on what lacks; else the arrows scroll."""
        if self._lacks:
            rows = self.query_one(Rows)
            rows.fill([Item(str(at), each.sentence, each.next_step, "•", "red") for at, each in enumerate(self._lacks)])
            rows.focus()
        else:
            self.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.GoTo(self._lacks[int(str(event.option_id))]))

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", max_width=34)
        table.add_column()
        for role in self._filling.service.roles:
            for person in self._filling.people.get(role.id, ()):
                table.add_row(Text(latin(role.label.en)), Text(latin(self._names.get(person, ""))))
        answer_rows(table, self._filling, self._day)
        for rule in self._filling.needed_papers():
            table.add_row(Text(latin(rule.label.en)), Text(self._paper(rule.id)))
        fee = self._filling.fee()
        table.add_row("Fee", money(fee.total_minor, fee.currency))
        for note in self._notes:
            table.add_row("", Text(latin(note)))
        return table

    def _paper(self, rule: str) -> str:
        attested = self._filling.attested_papers.get(rule)
        if attested is not None:
            return f"✓ {latin(attested_words(attested, self._day(attested.at)))}"
        count = self._filling.papers.get(rule, 0)
        return f"{count} scanned" if count else "not there"


def answer_rows(table: Table, filling: Filling, day: Day) -> None:
    """A row of a table for each answer that is kept, under the headings of the form."""
    given, shown = filling.given(), filling.shown()
    for page in pages(filling.service):
        fields = [each for each in page.fields if each.id in shown]
        if fields:
            table.add_row(Text(latin(page.heading), style="bold"))
        for each in fields:
            value = latin(answer_label(filling.service, each.id, given.get(each.id, "")))
            attested = filling.attested.get(each.id)
            said = Text(value or "—")
            if attested is not None:
                said.append(f"\n✓ {latin(attested_words(attested, day(attested.at)))}", style="green")
            table.add_row(Text(latin(each.label.en)), said)


def answer_label(service: Service, field: str, value: str) -> str:
    """An answer as people read it: the label of a choice, the text of anything else."""
    found = next((each for each in service.fields if each.id == field), None)
    return next((each.label.en for each in found.choices if each.id == value), value) if found else value
