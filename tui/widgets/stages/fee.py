"""The fee: its lines as the service's rule gives them, how it is paid, and what it may be waived for."""

from __future__ import annotations

from typing import Final

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from appliance.catalogue import Fee
from tui.drafting import Paying
from tui.forms import SAMPLE, money
from tui.latin import latin
from tui.widgets.choice import Choice, Option
from tui.widgets.line import Line
from tui.widgets.page import EditorPage

LATER: Final = ""
MODES: Final = (
    Option("cash", "cash", "into the drawer of this counter; needs an open shift"),
    Option("challan", "bank challan", "with the bank's number"),
    Option("psid", "PSID", "with the number that the bank or wallet confirmed"),
    Option("online", "online", "with the gateway's reference"),
    Option("other", "other", "with a reference"),
    Option(LATER, "not paid yet", "it can be taken later, before the decision"),
)
NO_EXEMPTION: Final = Option("", "none")


def fee_table(fee: Fee) -> Table:
    """The lines of a fee with their sum."""
    table = Table.grid(padding=(0, 2), expand=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="yellow")
    for line in fee.lines:
        table.add_row(Text(latin(line.label.en)), money(line.minor, fee.currency), SAMPLE if line.sample else "")
    table.add_row("Total", money(fee.total_minor, fee.currency), "", style="bold")
    return table


class FeeStage(EditorPage):
    """What it costs, and how it is paid. Answers are named as in `Paying`."""

    def __init__(self, fee: Fee, paying: Paying) -> None:
        super().__init__(id="fee")
        self._fee = fee
        self._paying = paying

    def compose(self) -> ComposeResult:
        """The table, then how it is paid."""
        yield Static(fee_table(self._fee), classes="table")
        if self._fee.waits_for:
            yield Static("Some answers are missing, so the total is not complete yet.", classes="warning")
        if not self._fee.total_minor:
            if not self._fee.waits_for:
                yield Static("Nothing is to be paid.", classes="good")
            return
        yield self.row("mode", "How it is paid", Choice(MODES, self._paying.mode, id="mode"))
        yield self.row("reference", "Number or reference", Line(self._paying.reference, max_length=60, id="reference"))
        if self._fee.exemptions:
            options = [NO_EXEMPTION, *(Option(each.id, each.label.en) for each in self._fee.exemptions)]
            note = "A second person approves it; until then the fee is owed."
            choice = Choice(options, self._paying.exemption, id="exemption")
            yield self.row("exemption", "To be waived because", choice, note=note)
            yield self.row("reason", "As seen from", Line(self._paying.reason, max_length=200, id="reason"))
        yield Static("It is taken when you submit.", classes="dim")

    def on_mount(self) -> None:
        """Begin with how it is paid."""
        self.begin("mode")
