"""What all screens share: the line on top, the body, what was said last, the keys; and how errors are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from appliance.casework.changes import ChangedMeanwhile
from appliance.journal.errors import SanadError
from tui.keymap import bound
from tui.latin import latin
from tui.widgets.top import Top
from tui.work import WorkingScreen

R = TypeVar("R")


class DeskScreen(WorkingScreen[R]):
    """A whole screen. Subclasses give `HEADING`, `HELP` and `body`."""

    BINDINGS: ClassVar[list[BindingType]] = bound("help", "leave", hidden=("sign_out", "quit"))
    HEADING: ClassVar[str] = ""
    HELP: ClassVar[str] = ""
    TAKES_CODES: ClassVar[bool] = True
    """Whether a code that is read may lead to another screen."""

    def compose(self) -> ComposeResult:
        """The frame; the body is the screen's own."""
        yield Top()
        yield Static(self.HEADING, id="heading", markup=False)
        with Vertical(id="body"):
            yield from self.body()
        yield Static("", id="said", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def body(self) -> ComposeResult:
        """What stands between the heading and what was said last."""
        yield from ()

    def head(self, text: str) -> None:
        """Change the heading."""
        self.query_one("#heading", Static).update(latin(text))

    def say(self, text: str, *, tone: str = "note") -> None:
        """Say something above the keys; `tone` is note, good, warning or bad."""
        said = self.query_one("#said", Static)
        said.set_classes(tone)
        said.update(latin(text))

    def failed(self, error: SanadError) -> None:
        """Say what went wrong and what to do; what somebody else changed meanwhile is shown as a list."""
        if isinstance(error, ChangedMeanwhile):
            self.say("Somebody else was quicker. What you typed is kept.", tone="warning")
            self.desk_app.show_changes(error, self.look_again)
        else:
            self.say(f"{error.sentence} → {error.next_step}" if error.next_step else error.sentence, tone="bad")

    def look_again(self) -> None:
        """Read anew what this screen shows; what was typed stays."""

    def action_leave(self) -> None:
        """Back to the screen before."""
        self.app.pop_screen()

    def action_help(self) -> None:
        """The keys and the field under the cursor, explained."""
        self.desk_app.show_help(self.HELP, self.field_help())

    def field_help(self) -> str:
        """What the field with the cursor wants; empty where there is nothing to say."""
        return ""

    def action_sign_out(self) -> None:
        """End the session."""
        self.desk_app.sign_out()


class Dialog(WorkingScreen[R], ModalScreen[R]):
    """A box over a screen. Escape leaves it and changes nothing; `KEYS` says which keys it has."""

    BINDINGS: ClassVar[list[BindingType]] = bound("leave", "help")
    HEADING: ClassVar[str] = ""
    KEYS: ClassVar[str] = "Enter  take it    Esc  leave it    F1  help"
    HELP: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        """The box; its body is the dialog's own."""
        with Vertical(id="box"):
            yield Static(self.HEADING, id="heading", markup=False, classes="" if self.HEADING else "empty")
            yield from self.body()
            yield Static("", id="said", markup=False, classes="empty")
            yield Static(self.KEYS, id="keys", markup=False)

    def body(self) -> ComposeResult:
        """What stands in the box."""
        yield from ()

    def say(self, text: str, *, tone: str = "note") -> None:
        """Say something at the foot of the box."""
        said = self.query_one("#said", Static)
        said.set_classes(tone if text else "empty")
        said.update(latin(text))

    def failed(self, error: SanadError) -> None:
        """Say what went wrong and what to do."""
        self.say(f"{error.sentence} → {error.next_step}" if error.next_step else error.sentence, tone="bad")

    def action_leave(self) -> None:
        """Leave the box; nothing is changed."""
        self.dismiss(None)

    def action_help(self) -> None:
        """The keys of this box."""
        self.desk_app.show_help(self.HELP, "")


def lines(texts: Sequence[str]) -> str:
    """Lines of text for the screen, in Latin."""
    return "\n".join(map(latin, texts))
