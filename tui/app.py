"""The console itself: who is signed in, which screens lie on top of each other, and what is asked of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.events import Event, Key
from textual.theme import Theme

from appliance.access import operators
from appliance.access.session import Session, SessionOver
from appliance.casework.changes import ChangedMeanwhile
from appliance.casework.tokens import Token
from tui.desk import NO_DEVICES, Desk, Devices
from tui.keymap import KEYS, bound, shown
from tui.keyqueue import KeyQueue
from tui.screens.dialogs import Changed, Help, SignInAgain
from tui.screens.signin import SignIn

THEME = Theme(
    name="sanad",
    primary="#4fb3a5",
    secondary="#8fb8de",
    accent="#e0b050",
    warning="#e0b050",
    error="#e06c6c",
    success="#7cc47f",
    background="#101816",
    surface="#16211e",
    panel="#1d2b27",
    foreground="#dfe8e4",
    dark=True,
)


class SanadConsole(App[None]):
    """The operator's console."""

    CSS_PATH = "styles.tcss"
    TITLE = "Sanad"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012  (Textual declares it)
    BINDINGS: ClassVar[list[BindingType]] = [*bound(hidden=("quit",))]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.session: Session | None = None
        self.operator_name = ""
        self.login = ""
        self.keys = KeyQueue(self, super().on_event)
        self.token: Token | None = None
        """Who is called to this counter, as far as the console knows."""

    def on_mount(self) -> None:
        """Begin with nobody signed in."""
        self.register_theme(THEME)
        self.theme = THEME.name
        self.set_keymap(self.desk.keymap)
        self.push_screen(SignIn())

    async def on_event(self, event: Event) -> None:
        """Keys go through the queue, so that each arrives where the one before it led."""
        if isinstance(event, Key) and not event.is_forwarded:
            await self.keys.take(event)
        else:
            await super().on_event(event)

    def get_key_display(self, binding: Binding) -> str:
        """A key as people write it."""
        return shown(binding.key)

    @property
    def devices(self) -> Devices:
        """The devices of the counter where somebody is signed in."""
        return NO_DEVICES if self.session is None else self.desk.at(self.session.counter)

    def simulated(self) -> tuple[str, ...]:
        """Which devices of this counter are simulated."""
        return self.devices.simulated()

    def signed_in(self, session: Session, login: str, name: str) -> None:
        """Somebody signed in: show them the desk."""
        from tui.screens.home import Home

        self.session, self.login, self.operator_name = session, login, name
        self.push_screen(Home())

    def sign_in_again(self, error: SessionOver, then: Callable[[], None]) -> None:
        """Let the same operator type the password, then go on with `then`; nothing on the screens changes."""
        old = self.session
        if old is None:
            return

        def renewed(session: Session | None) -> None:
            if session is not None:
                self.session = session
                then()

        self.keys.let_go()
        self.push_screen(SignInAgain(error.sentence, self.login, old), renewed)

    def show_changes(self, error: ChangedMeanwhile, then: Callable[[], None]) -> None:
        """Show what others did meanwhile; then the screen below looks again."""
        self.push_screen(Changed(error.changes), lambda _: then())

    def show_help(self, about: str, field: str) -> None:
        """Explain the screen on top."""
        names = (each.binding.id for each in self.screen.active_bindings.values())
        actions = dict.fromkeys(name for name in names if name is not None and name in KEYS)
        self.push_screen(Help(about, field, list(actions), dict(self.desk.keymap)))

    def sign_out(self) -> None:
        """End the session, and go back to the first screen."""
        session, self.session = self.session, None
        self.operator_name = self.login = ""
        self.token = None
        while len(self.screen_stack) > 2:
            self.pop_screen()
        first = self.screen
        if session is not None and isinstance(first, SignIn):
            first.begin_anew()
            first.run(lambda: operators.sign_out(self.desk.store, session), lambda _: None)

    def _fatal_error(self) -> None:
        """End without Textual's traceback, which would print the values that a citizen gave."""
        if self._exception is not None:
            self.desk.report(self._exception)
        self._close_messages_no_wait()
