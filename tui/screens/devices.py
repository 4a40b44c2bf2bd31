"""The devices of this counter: how each is, and what to do. A simulated one can be told to fail, for practice."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import OptionList, Static

from devices.contracts import Simulated
from tui.keymap import bound
from tui.screens.base import DeskScreen
from tui.screens.dialogs import Pick
from tui.watching import TROUBLE, WHAT_TO_DO
from tui.widgets.choice import Option
from tui.widgets.rows import Item, Rows


class DeviceList(DeskScreen[None]):
    """What stands at this counter."""

    HEADING = "Devices of this counter"
    HELP = (
        "A device that was pulled out is used again as soon as it is back; nothing is to be restarted. F5 asks all of "
        "them again. Enter on a simulated device tells it what is to become of its next jobs, for practice. Which "
        "devices a counter has is written with `sanad devices assign`."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound("refresh")

    def body(self) -> ComposeResult:
        """The list."""
        yield Rows(id="devices")
        yield Static("", id="reader", classes="dim", markup=False)

    def on_mount(self) -> None:
        """Show what is known, and ask again."""
        self.query_one(Rows).focus()
        self.look_again()

    def look_again(self) -> None:
        """Ask the devices again."""
        self.show_statuses()
        self.desk_app.watching.look()

    action_refresh = look_again

    def show_statuses(self) -> None:
        """Show how they are."""
        devices, statuses = self.desk_app.devices, self.desk_app.watching.statuses
        items = []
        for name, device in devices.named().items():
            status = statuses.get(name)
            mark, tone = ("·", "dim") if status is None else ("!", "red") if status in TROUBLE else ("✓", "green")
            said = "asking …" if status is None else f"{status.value}. {WHAT_TO_DO.get(status, '')}".rstrip(" .") + "."
            told = f" Told: {device.fate_word}." if isinstance(device, Simulated) else ""
            items.append(Item(name, f"{name}: {device.identity.model or 'not seen yet'}", said + told, mark, tone))
        self.query_one(Rows).fill(items)
        self.say("" if items else "No device is assigned to this counter: see `sanad devices assign`.")
        reader = "A code reader may be used on every screen." if devices.wedge is not None else ""
        self.query_one("#reader", Static).update(reader)

    @on(OptionList.OptionSelected)
    def _tell(self) -> None:
        device: object = self.desk_app.devices.named().get(self.query_one(Rows).current())
        if not isinstance(device, Simulated):
            self.say("This device is real: try it with `sanad devices test`.")
            return

        def told(fate: str | None) -> None:
            if fate is not None:
                device.befall(fate)
                self.look_again()

        options = [Option(each, each) for each in device.fates]
        self.app.push_screen(Pick("What is to become of its next jobs?", options, device.fate_word), told)
