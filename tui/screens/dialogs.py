"""Boxes that ask: one of a list, a reason, yes or no, the password again; and boxes that tell: help, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option as Row

from appliance.access import operators
from appliance.access.session import Session
from tui.keymap import KEYS, bound, shown
from tui.latin import latin
from tui.screens.base import Dialog
from tui.widgets.choice import Option
from tui.widgets.editing import Edited, Entered
from tui.widgets.line import Line

MAX_LISTED: Final = 500


class Pick(Dialog[str]):
    """One of a list. Typing narrows it, arrows move, Enter takes."""

    HELP = "Type a part of a name to narrow the list; move with the arrows; Enter takes the one under the cursor."

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("pagedown", "move(10)", show=False, priority=True),
        Binding("pageup", "move(-10)", show=False, priority=True),
    ]

    def __init__(self, heading: str, options: Sequence[Option], value: str | None = None) -> None:
        super().__init__()
        self._heading = heading
        self._options = tuple(options)[:MAX_LISTED]
        self._value = value

    def body(self) -> ComposeResult:
        """The line to type in, and the list."""
        yield Static(latin(self._heading), id="question", markup=False)
        yield Line(placeholder="type to narrow", id="narrow")
        yield OptionList(id="list")

    def on_mount(self) -> None:
        """Show all of them, the cursor on the present value."""
        self.query_one("#list", OptionList).can_focus = False
        self._fill("")
        self.query_one(Line).focus()

    def _fill(self, words: str) -> None:
        shown = self.query_one("#list", OptionList)
        wanted = words.lower().split()
        found = [each for each in self._options if all(w in f"{each.label} {each.detail}".lower() for w in wanted)]
        shown.clear_options()
        shown.add_options([Row(_row(each), id=each.id) for each in found])
        ids = [each.id for each in found]
        shown.highlighted = ids.index(self._value) if self._value in ids else (0 if ids else None)
        self.say("" if found else "Nothing of that name.")

    @on(Edited)
    def _narrow(self, event: Edited) -> None:
        self._fill(event.value)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        shown = self.query_one("#list", OptionList)
        if shown.option_count:
            shown.highlighted = min(max((shown.highlighted or 0) + by, 0), shown.option_count - 1)

    @on(Entered)
    def _take(self) -> None:
        at = self.query_one("#list", OptionList).highlighted
        if at is not None:
            self.dismiss(self.query_one("#list", OptionList).get_option_at_index(at).id)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)


def _row(option: Option) -> Text:
    text = Text(latin(option.label), no_wrap=True, overflow="ellipsis")
    if option.detail:
        text.append(f"  {latin(option.detail)}", style="dim")
    return text


class Ask(Dialog[str]):
    """A line of text: a reason, a remark, a reference. Enter gives it; an empty one only where it may be empty."""

    BINDINGS: ClassVar[list[BindingType]] = bound("finish")

    def __init__(self, heading: str, question: str, *, value: str = "", may_be_empty: bool = False) -> None:
        super().__init__()
        self._heading = heading
        self._question = question
        self._text = value
        self._may_be_empty = may_be_empty

    def body(self) -> ComposeResult:
        """The question and the line."""
        yield Static(latin(self._heading), classes="title", markup=False)
        yield Static(latin(self._question), id="question", markup=False)
        yield Line(self._text, id="answer", max_length=1000)

    def on_mount(self) -> None:
        """Begin in the line."""
        self.query_one(Line).focus()

    @on(Entered)
    def action_finish(self) -> None:
        """Give the answer."""
        text = self.query_one(Line).value.strip()
        if text or self._may_be_empty:
            self.dismiss(text)
        else:
            self.say("This needs a few words.", tone="bad")


class Confirm(Dialog[bool]):
    """Yes or no about something that cannot be undone. The cursor stands on no; yes is the letter Y, typed out."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "Yes"),
        Binding("n,enter", "leave", "No"),
    ]
    KEYS = "Y  yes, do it    N, Enter or Esc  no, leave it as it is"
    HELP = "Y does it. N, Enter or Escape leave everything as it is."

    def __init__(self, question: str, consequence: str) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence

    def body(self) -> ComposeResult:
        """The question, what follows from a yes, and the two answers."""
        yield Static(latin(self._question), classes="title", markup=False)
        yield Static(latin(self._consequence), markup=False)

    def action_yes(self) -> None:
        """Do it."""
        self.dismiss(True)

    def action_leave(self) -> None:
        """Leave it."""
        self.dismiss(False)


class Changed(Dialog[None]):
    """What others did to a case or a person while the operator had it on the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "leave", "Go on")]
    HEADING = "Changed while you were at it"
    KEYS = "Enter  go on"
    HELP = "Enter goes back. The screen shows the new state, with what you typed still in it; look, then do it again."

    def __init__(self, changes: Sequence[str]) -> None:
        super().__init__()
        self._changes = tuple(changes)

    def body(self) -> ComposeResult:
        """The list."""
        yield Static("Nothing of yours was written, and nothing you typed is lost.", markup=False)
        with VerticalScroll(id="list"):
            for each in self._changes:
                yield Static(f"• {latin(each)}", markup=False)


class SignInAgain(Dialog[Session]):
    """The session is over: the same operator types the password, and goes on where they were."""

    BINDINGS: ClassVar[list[BindingType]] = bound("finish")
    HEADING = "Sign in again"
    HELP = "Type your password and press Enter. Escape leaves; what you typed before stays on the screen."

    def __init__(self, why: str, login: str, session: Session) -> None:
        super().__init__()
        self._why = why
        self._login = login
        self._session = session

    def body(self) -> ComposeResult:
        """Why, and the password."""
        yield Static(f"{self._why} What you typed is kept.", markup=False)
        yield Static(f"Password of {self._login}", id="question", markup=False)
        yield Line(password=True, id="password")

    def on_mount(self) -> None:
        """Begin in the password."""
        self.query_one(Line).focus()

    @on(Entered)
    def action_finish(self) -> None:
        """Try it."""
        password, old = self.query_one(Line).value, self._session
        self.say("Checking …")
        self.run(
            lambda: operators.sign_in(
                self.desk_app.desk.store, login=self._login, password=password, role=old.role, counter=old.counter
            ),
            self._signed_in,
        )

    def _signed_in(self, session: Session) -> None:
        self.dismiss(session)


class Help(Dialog[None]):
    """The keys of the screen below, and what it is for."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,f1", "leave", "Close")]
    HEADING = "Help"
    KEYS = "Esc or Enter  close    ↑ ↓  scroll"

    def __init__(self, about: str, field: str, actions: Sequence[str], keymap: dict[str, str]) -> None:
        super().__init__()
        self._about = about
        self._field = field
        self._actions = tuple(actions)
        self._keymap = keymap

    def body(self) -> ComposeResult:
        """What the screen is for, the field, the keys."""
        with VerticalScroll(id="list"):
            if self._field:
                yield Static(latin(self._field), classes="title", markup=False)
            if self._about:
                yield Static(self._about, markup=False)
            yield Static(self._keys(), markup=False)

    def _keys(self) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        for action in self._actions:
            keys = self._keymap.get(action, KEYS[action].keys).split(",")
            table.add_row(" ".join(map(shown, keys)), f"{KEYS[action].label}: {KEYS[action].help}")
        table.add_row("Tab ↑ ↓", "Move between fields; Enter goes on to the next one.")
        return table
