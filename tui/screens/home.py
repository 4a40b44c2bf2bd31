"""The desk: everything that this role does, with how much of it waits."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option as Item

from tui.keymap import bound
from tui.screens.base import DeskScreen


class Home(DeskScreen[None]):
    """What an operator sees between two citizens."""

    HEADING = "At the desk"
    HELP = "Choose what to do with the arrows and Enter, or by its key."
    BINDINGS: ClassVar[list[BindingType]] = bound("sign_out", hidden=("refresh",))

    def body(self) -> ComposeResult:
        """The list of what can be done."""
        yield OptionList(id="menu")

    def on_mount(self) -> None:
        """Fill the list."""
        self.query_one(OptionList).add_option(Item("Sign out", id="sign_out"))
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    async def _chosen(self, event: OptionList.OptionSelected) -> None:
        await self.run_action(str(event.option_id))

    def action_leave(self) -> None:
        """Leaving the desk is signing out, which has a key of its own."""
        self.say("Sign out with F12.")
