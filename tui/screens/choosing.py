"""A first sign-in: whoever gave the one-time secret that central made for them chooses a password, typed twice."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from appliance.sealing.passphrase import MIN_OPERATOR_PASSWORD
from tui.keymap import bound
from tui.screens.base import Dialog
from tui.widgets.editing import Entered
from tui.widgets.line import Line
from tui.widgets.row import Row


class ChoosePassword(Dialog[str]):
    """A password that is chosen now."""

    BINDINGS: ClassVar[list[BindingType]] = bound("finish")
    HEADING = "Choose your password"
    HELP = (
        f"At least {MIN_OPERATOR_PASSWORD} characters that only you know. The secret that central gave you is used up "
        "by this; from now on you sign in with your password."
    )

    def body(self) -> ComposeResult:
        """Two lines."""
        yield Static(
            f"Your one-time secret is right. Choose a password of at least {MIN_OPERATOR_PASSWORD} characters; the "
            "secret is used up by it.",
            markup=False,
        )
        yield Row("Password", Line(id="chosen", password=True, max_length=200))
        yield Row("Again", Line(id="again", password=True, max_length=200))

    def on_mount(self) -> None:
        """Begin with the first line."""
        self.query_one("#chosen").focus()

    @on(Entered)
    def _go_on(self, event: Entered) -> None:
        if event.editor.id == "chosen":
            self.query_one("#again").focus()
        else:
            self.action_finish()

    def action_finish(self) -> None:
        """Take it, if both lines say the same."""
        chosen, again = self.query_one("#chosen", Line), self.query_one("#again", Line)
        if len(chosen.value) < MIN_OPERATOR_PASSWORD:
            self.say(f"A password has at least {MIN_OPERATOR_PASSWORD} characters.", tone="bad")
        elif chosen.value != again.value:
            again.put("")
            self.say("The two are not the same. Type it again.", tone="bad")
            again.focus()
        else:
            self.dismiss(chosen.value)
