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
from devices.contracts import Code
from tui.bursts import Bursts
from tui.codes import take_code
from tui.desk import NO_DEVICES, Desk, Devices
from tui.keymap import KEYS, bound, shown
from tui.keyqueue import KeyQueue
from tui.screens.devices import DeviceList
from tui.screens.dialogs import Changed, Help, SignInAgain
from tui.screens.signin import SignIn
from tui.watching import Looked, Watching

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
        self._bursts: Bursts | None = None
        self.watching = Watching(self)
        self.token: Token | None = None
        """Who is called to this counter, as far as the console knows."""

    def on_mount(self) -> None:
        """Begin with nobody signed in."""
        self.register_theme(THEME)
        self.theme = THEME.name
        self.set_keymap(self.desk.keymap)
        self.push_screen(SignIn())
        self.watching.begin()

    def on_unmount(self) -> None:
        """Nothing goes on without a console."""
        self.watching.end()

    async def on_event(self, event: Event) -> None:
        """Keys go through the queue, so that each arrives where the one before it led; codes are taken out before."""
        if not isinstance(event, Key) or event.is_forwarded:
            await super().on_event(event)
        elif self._bursts is not None:
            await self._bursts.take(event)
        else:
            await self.keys.take(event)

    @property
    def at_rest(self) -> bool:
        """Whether no key waits, and what the last one began is through."""
        return self.keys.idle and (self._bursts is None or self._bursts.idle)

    def take_code(self, code: Code) -> bool:
        """Follow a code that was read; false where it is to be typed."""
        return take_code(self, code)

    def on_plugged(self) -> None:
        """Something was plugged in or pulled out."""
        if self.session is not None:
            self.watching.look()

    def on_looked(self, message: Looked) -> None:
        """The devices said how they are."""
        if self.session is None:
            return
        for name in self.watching.looked(message.statuses):
            self.notify(f"The {name} is back.")
        self.screen.refresh(layout=False)
        for top in self.screen.query("Top"):
            top.refresh()
        if isinstance(self.screen, DeviceList):
            self.screen.show_statuses()

    def get_key_display(self, binding: Binding) -> str:
        """A key as people write it."""
        return shown(binding.key)

    @property
    def devices(self) -> Devices:
        """The devices of the counter where somebody is signed in."""
        return NO_DEVICES if self.session is None else self.desk.at(self.session.counter)

    def simulated(self) -> tuple[str, ...]:
        """Which devices of this counter are simulated; of any counter, while nobody is signed in."""
        if self.session is not None:
            return self.devices.simulated()
        everywhere = (name for devices in self.desk.devices.values() for name in devices.simulated())
        return tuple(dict.fromkeys(everywhere))

    def signed_in(self, session: Session, login: str, name: str) -> None:
        """Somebody signed in: show them the desk."""
        from tui.screens.home import Home

        self.session, self.login, self.operator_name = session, login, name
        wedge = self.devices.wedge
        self._bursts = None if wedge is None else Bursts(self, wedge(), self.keys.take, self.take_code)
        self.push_screen(Home())
        self.watching.look()

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
        self.token = self._bursts = None
        self.watching.statuses = {}
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
