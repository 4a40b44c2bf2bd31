"""The keys by which an officer signs: made here, renewed here, ended here; and how one is made from any screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from appliance.access.session import Session
from appliance.casework.key_making import end_key, make_sealed_key, make_token_key
from appliance.casework.officer_keys import KeyState, OfficerKey, Standing, keys_of, standing
from appliance.journal import kinds as k
from appliance.journal.errors import SanadError
from appliance.journal.ids import EntityId
from appliance.sealing.pins import MIN_PIN, check_new_pin
from tui.keymap import bound
from tui.screens.base import DeskScreen, Dialog
from tui.screens.dialogs import Ask, Pick
from tui.widgets.choice import Option
from tui.widgets.editing import Entered
from tui.widgets.line import Line
from tui.widgets.row import Row
from tui.widgets.rows import Item, Rows
from tui.words import day, day_of

MADE: Final = "Made. Central certifies it with the next sync."
_ENDS: Final[dict[k.KeyEnd, str]] = {
    "forgotten": "its PIN is forgotten",
    "lost": "its token is lost or broken",
    "compromised": "somebody else may have it, or know the PIN",
    "replaced": "there is a newer one",
    "left": "I sign certificates no more",
}
_STATES: Final = {
    KeyState.ASKED: "waits for central",
    KeyState.CERTIFIED: "certified",
    KeyState.REFUSED: "not certified by central",
    KeyState.REVOKED: "ended",
}


class NewPin(Dialog[str]):
    """A PIN that is chosen now, typed twice."""

    BINDINGS: ClassVar[list[BindingType]] = bound("finish")
    HEADING = "A PIN for your key"
    HELP = (
        f"At least {MIN_PIN} digits or letters that only you know: not your password, no date, none in a row. It is "
        "kept nowhere; if you forget it, you end the key and make another one."
    )

    def body(self) -> ComposeResult:
        """Two lines."""
        yield Static(
            f"You will type it for each certificate that you sign. At least {MIN_PIN} digits or letters; it is kept "
            "nowhere, so nobody can tell it to you.",
            id="question",
            markup=False,
        )
        yield Row("New PIN", Line(id="pin", password=True, max_length=100))
        yield Row("The same again", Line(id="again", password=True, max_length=100))

    def on_mount(self) -> None:
        """Begin in the first line."""
        self.query_one("#pin").focus()

    @on(Entered)
    def _go_on(self, event: Entered) -> None:
        if event.editor.id == "pin":
            self.query_one("#again").focus()
        else:
            self.action_finish()

    def action_finish(self) -> None:
        """Take it."""
        first, again = self.query_one("#pin", Line), self.query_one("#again", Line)
        try:
            check_new_pin(first.value)
        except SanadError as error:
            self._anew()
            self.failed(error)
            return
        if again.value != first.value:
            self._anew()
            self.say("The two were not the same. Type it twice again.", tone="bad")
            return
        self.dismiss(first.value)

    def _anew(self) -> None:
        for line in self.query(Line):
            line.put("")
        self.query_one("#pin").focus()


class TokenPin(Dialog[str]):
    """The PIN that a token has."""

    BINDINGS: ClassVar[list[BindingType]] = bound("finish")
    HEADING = "The PIN of your token"
    HELP = "Put the token in, and type its PIN. The token counts wrong ones itself. Nothing of it is kept here."

    def body(self) -> ComposeResult:
        """One line."""
        yield Static("Put the token in, and type its PIN.", id="question", markup=False)
        yield Line(id="pin", password=True, max_length=100)

    def on_mount(self) -> None:
        """Begin in the line."""
        self.query_one(Line).focus()

    @on(Entered)
    def action_finish(self) -> None:
        """Take it."""
        self.dismiss(self.query_one(Line).value)


def make_key(screen: DeskScreen[Any], then: Callable[[str], None]) -> None:
    """Let an officer make a key, and tell `then` in words that it is made."""
    centre = screen.desk_app.desk.centre

    def made(_: EntityId) -> None:
        then(MADE)

    def sealed(pin: str | None) -> None:
        if pin is not None:
            screen.say("Making the key …")
            screen.act(lambda session: make_sealed_key(centre, session, pin), made)

    def on_token(pin: str | None) -> None:
        if pin is not None:
            screen.say("The token makes the key; that may take a while …")
            screen.act(lambda session: make_token_key(centre, session, pin), made)

    def placed(place: str | None) -> None:
        if place == "token":
            screen.app.push_screen(TokenPin(), on_token)
        elif place is not None:
            screen.app.push_screen(NewPin(), sealed)

    if centre.tokens is None:
        placed("sealed")
        return
    options = [
        Option("token", "on my token", "it never leaves it"),
        Option("sealed", "here, sealed by a PIN", "in this node's store"),
    ]
    screen.app.push_screen(Pick("Where shall the key lie?", options), placed)


class MyKeys(DeskScreen[None]):
    """The officer's keys, the newest first."""

    HEADING = "The key by which you sign certificates"
    HELP = (
        "F2 makes a key; central certifies it for a year with the next sync. A certificate that you issue is then "
        "signed by it, after you saw the page and gave the PIN. Ctrl+X ends the key under the cursor for good."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound("make_key", "end_key", "refresh")

    def __init__(self) -> None:
        super().__init__()
        self._keys: dict[str, OfficerKey] = {}

    def body(self) -> ComposeResult:
        """How it stands, and the list."""
        yield Static("", id="called", markup=False)
        yield Rows(id="menu", classes="short")

    def on_mount(self) -> None:
        """Read them."""
        self.query_one(Rows).focus()
        self.look_again()

    def look_again(self) -> None:
        """Read them again."""
        store = self.desk_app.desk.store

        def read(session: Session) -> tuple[Standing, list[OfficerKey]]:
            return standing(store, session), keys_of(store, session)

        self.act(read, lambda found: self._show(*found))

    action_refresh = look_again

    def _show(self, how: Standing, keys: list[OfficerKey]) -> None:
        self._keys = {str(each.id): each for each in keys}
        signs = "What you issue is signed by your own key, once you gave its PIN."
        self.query_one("#called", Static).update(" ".join(filter(None, (signs if how.key else "", how.says))))
        self.query_one(Rows).fill([self._item(each, how) for each in keys])

    def _item(self, key: OfficerKey, how: Standing) -> Item:
        words = f"made {day_of(self.desk_app.desk.centre, key.made_at):<13} {_STATES[key.state]}"
        ends = key.ends_at
        if ends is not None and key.state is KeyState.CERTIFIED:
            words += f", until {day(ends.date().isoformat())}" + (", locked" if key.locked else "")
        used = how.key is not None and how.key.id == key.id
        return Item(key.id, words, "on a token" if key.storage == "token" else "", "✓" if used else "·", "green")

    def action_make_key(self) -> None:
        """Make one."""

        def then(words: str) -> None:
            self.say(words, tone="good")
            self.look_again()

        make_key(self, then)

    def action_end_key(self) -> None:
        """End the one under the cursor."""
        key = self._keys.get(self.query_one(Rows).current())
        if key is None:
            self.say("There is no key to end.")
            return
        options = [Option(code, words) for code, words in _ENDS.items()]
        question = Pick("Why does it end? It will sign nothing any more.", options)
        self.app.push_screen(question, lambda why: self._why(key, why))

    def _why(self, key: OfficerKey, why: str | None) -> None:
        reason = next((code for code in _ENDS if code == why), None)
        if reason is None:
            return
        store = self.desk_app.desk.store

        def remarked(remark: str | None) -> None:
            if remark is None:
                return

            def ended(_: object) -> None:
                self.say("The key is ended. Central is told with the next sync.", tone="good")
                self.look_again()

            self.act(lambda session: end_key(store, session, key.id, reason, remark), ended)

        question = Ask("End the key", "More about it, if there is more to say.", may_be_empty=True)
        self.app.push_screen(question, remarked)
