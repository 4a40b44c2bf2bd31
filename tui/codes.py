"""A code that was read at the counter: where it leads from the screen that is shown.

A code of Sanad's own opens its case, or calls its token, from any screen; a form under it keeps what was typed. Any
other code is text for the field with the cursor. Where there is none, it is told and does nothing: its letters must not
be taken for keys. Boxes that ask take every code as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.screen import ModalScreen

from appliance.casework.readcodes import Belongs, belongs_to, is_ours
from appliance.casework.tokens import Token, call_again
from devices.contracts import Code
from tui.screens.base import DeskScreen
from tui.widgets.line import Line
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from tui.app import SanadConsole


def take_code(app: SanadConsole, code: Code) -> bool:
    """Follow a code; false where it is to be typed."""
    screen = app.screen
    if app.session is None or isinstance(screen, ModalScreen) or not isinstance(screen, DeskScreen):
        return False
    if is_ours(code.text):
        follow(screen, code.text)
        return True
    if isinstance(app.focused, Line | Lines):
        return False
    screen.say("This code is none of Sanad's, and no field is waiting for one.", tone="warning")
    return True


def follow(screen: DeskScreen[Any], text: str) -> None:
    """Open what a code of Sanad's own belongs to."""
    if not screen.TAKES_CODES:
        screen.say("A code was read. End this first, then read it again.", tone="warning")
        return
    centre = screen.desk_app.desk.centre
    screen.run(lambda: belongs_to(centre, text), lambda found: _show(screen, found))


def _show(screen: DeskScreen[Any], found: Belongs) -> None:
    from tui.screens.case.file import CaseFile

    if found.token is not None:
        _call(screen, found)
    elif found.application is not None:
        if isinstance(screen, CaseFile) and screen.application == found.application:
            screen.say(f"{found.words}: it is this case.")
        elif screen.is_current:
            screen.app.push_screen(CaseFile(found.application, said=f"{found.words} was read."))


def _call(screen: DeskScreen[Any], found: Belongs) -> None:
    centre, token = screen.desk_app.desk.centre, found.token

    def called(token: Token) -> None:
        screen.desk_app.token = token
        screen.say(f"Called: {token.ticket} to counter {token.counter}.", tone="good")
        screen.look_again()

    if token is not None:
        screen.act(lambda session: call_again(centre, session, token), called)
