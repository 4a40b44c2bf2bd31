"""The fee: its lines as the service's rule gives them, how it is paid, and what it may be waived for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from appliance.catalogue import Fee
from tui.forms import SAMPLE, money
from tui.latin import latin
from tui.widgets.choice import Choice, Option
from tui.widgets.editing import Edited, Entered
from tui.widgets.line import Line
from tui.widgets.row import Row

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


@dataclass(frozen=True, slots=True)
class Paying:
    """How a fee is to be paid. An empty mode: not now."""

    mode: str = LATER
    reference: str = ""
    exemption: str = ""


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


class FeeStage(VerticalScroll, can_focus=False):
    """What it costs, and how it is paid."""

    BINDINGS = (Binding("up", "move(-1)", show=False), Binding("down", "move(1)", show=False))

    class Changed(Message):
        """Something about the payment was changed by hand."""

        def __init__(self, paying: Paying) -> None:
            super().__init__()
            self.paying = paying

    class Left(Message):
        """Enter was pressed in the last line."""

    def __init__(self, fee: Fee, paying: Paying) -> None:
        super().__init__(id="fee")
        self._fee = fee
        self._paying = paying

    def compose(self) -> ComposeResult:
        """The table, then three lines."""
        yield Static(fee_table(self._fee), classes="table")
        if self._fee.waits_for:
            yield Static("Some answers are missing, so the total is not complete yet.", classes="warning")
        if self._fee.total_minor:
            yield Row("How it is paid", Choice(MODES, self._paying.mode, id="mode"))
            yield Row("Number or reference", Line(self._paying.reference, max_length=60, id="reference"))
            if self._fee.exemptions:
                options = [NO_EXEMPTION, *(Option(each.id, each.label.en) for each in self._fee.exemptions)]
                note = "An officer or supervisor approves it; until then the fee stands."
                yield Row("Waived because", Choice(options, self._paying.exemption, id="exemption"), note=note)
            yield Static("It is taken when you submit.", classes="dim")
        else:
            yield Static("Nothing is to be paid.", classes="good")

    def on_mount(self) -> None:
        """Begin with how it is paid."""
        for each in self.query("Choice, Line"):
            each.focus()
            return

    @on(Edited)
    def _edited(self, event: Edited) -> None:
        event.stop()
        name = str(event.editor.id)
        if name == "mode":
            self._paying = replace(self._paying, mode=event.value)
        elif name == "reference":
            self._paying = replace(self._paying, reference=event.value)
        else:
            self._paying = replace(self._paying, exemption=event.value)
        self.post_message(self.Changed(self._paying))

    @on(Entered)
    def _entered(self, event: Entered) -> None:
        event.stop()
        if not self.action_move(1):
            self.post_message(self.Left())

    def action_move(self, by: int) -> bool:
        """The next or previous line; answers whether there is one."""
        editors = list(self.query("Choice, Line"))
        at = next((at for at, each in enumerate(editors) if each is self.screen.focused), 0) + by
        if 0 <= at < len(editors):
            editors[at].focus()
            return True
        return False
