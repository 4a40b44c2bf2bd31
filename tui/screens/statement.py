"""The statement of a day: by service, by mode, by drawer; it adds up or says that it does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from rich.table import Table as Grid
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from appliance.access import operators
from appliance.casework.statement import Sheet, Statement, Sums, day_statement
from tui.forms import money
from tui.keymap import bound
from tui.latin import latin
from tui.screens.base import DeskScreen
from tui.words import day as day_words


class DayStatement(DeskScreen[None]):
    """One day; the keys for pages turn to the day before and after."""

    HELP = "What was taken, voided and given back on one day, by service and by mode, and every drawer with its count."
    BINDINGS: ClassVar[list[BindingType]] = bound(step_back="Day before", step_on="Day after")

    def __init__(self, day: date) -> None:
        super().__init__()
        self._day = day

    def body(self) -> ComposeResult:
        """The tables."""
        with VerticalScroll(id="scroll"):
            yield Static("", id="statement")

    def on_mount(self) -> None:
        """Read the day."""
        self.query_one("#scroll").focus()
        self.look_again()

    def look_again(self) -> None:
        """Read the day again."""
        day, store = self._day.isoformat(), self.desk_app.desk.store
        self.head(f"Statement of {day_words(day)}")

        def read() -> tuple[Statement, dict[str, str]]:
            found = day_statement(store, day)
            for sheet in found.sheets:
                sheet.check()
            return found, {str(each.id): each.name for each in operators.operators(store)}

        self.run(read, lambda found: self._show(*found))

    def _show(self, found: Statement, names: dict[str, str]) -> None:
        whole = Grid.grid(padding=(0, 0, 1, 0))
        for sheet in found.sheets:
            whole.add_row(self._lines(sheet))
            whole.add_row(self._drawers(sheet, names))
        self.query_one("#statement", Static).update(whole if found.sheets else "No money moved on this day.")
        self.say("")

    def _lines(self, sheet: Sheet) -> Grid:
        table = Grid(box=None, header_style="bold", pad_edge=False, title=sheet.currency, title_justify="left")
        for title in ("Service", "Mode", "Taken", "Voided", "Refunded", "Net"):
            table.add_column(title, justify="left" if title in ("Service", "Mode") else "right")
        services = self.desk_app.desk.centre.catalogue.services
        for line in sheet.lines:
            known = services.get(line.service)
            title = known.title.en if known is not None else line.service
            table.add_row(Text(latin(title)), line.mode, *_amounts(line.sums, sheet.currency))
        for mode, sums in sheet.by_mode.items():
            table.add_row(Text(f"All {mode}", style="dim"), mode, *_amounts(sums, sheet.currency), style="dim")
        table.add_row("Together", "", *_amounts(sheet.total, sheet.currency), style="bold")
        return table

    def _drawers(self, sheet: Sheet, names: dict[str, str]) -> Grid:
        table = Grid(box=None, header_style="bold", pad_edge=False, title="Drawers", title_justify="left")
        for title in ("Counter", "Operator", "Opened with", "Should hold", "Counted", "Difference", "Reason"):
            table.add_column(title, justify="left" if title in ("Counter", "Operator", "Reason") else "right")
        for each in sheet.drawers:
            counted = "goes on" if each.counted_minor is None else money(each.counted_minor, sheet.currency)
            table.add_row(
                Text(latin(each.counter)),
                Text(latin(names.get(each.operator, "?"))),
                money(each.opening_minor, sheet.currency),
                money(each.expected_minor, sheet.currency),
                counted,
                money(each.difference_minor, sheet.currency),
                Text(latin(each.reason)),
            )
        table.add_row("Together", "", "", "", "", money(sheet.differences_minor, sheet.currency), "", style="bold")
        return table

    def _turn(self, days: int) -> None:
        if self._day + timedelta(days=days) <= self.desk_app.desk.centre.today():
            self._day += timedelta(days=days)
            self.look_again()
        else:
            self.say("That day has not come yet.")

    def action_step_back(self) -> None:
        """The day before."""
        self._turn(-1)

    def action_step_on(self) -> None:
        """The day after."""
        self._turn(1)


def _amounts(sums: Sums, currency: str) -> list[str]:
    return [
        money(sums.taken_minor, currency),
        money(sums.voided_minor, currency),
        money(sums.refunded_minor, currency),
        money(sums.net_minor, currency),
    ]
