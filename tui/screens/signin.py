"""Signing in: who, as what, at which counter."""

from __future__ import annotations

import os
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from appliance.access import operators
from appliance.access.operators import FirstSignIn
from appliance.access.session import Role, Session
from appliance.journal.errors import SanadError
from tui.keymap import bound
from tui.screens.base import DeskScreen
from tui.screens.choosing import ChoosePassword
from tui.widgets.choice import Choice, Option
from tui.widgets.editing import Entered
from tui.widgets.line import Line
from tui.widgets.row import Row

_ROLES = (
    Option(Role.OPERATOR.value, "operator", "takes applications in"),
    Option(Role.OFFICER.value, "officer", "reviews, attests, decides"),
    Option(Role.SUPERVISOR.value, "supervisor", "shifts, voids, exemptions"),
    Option(Role.AUDITOR.value, "auditor", "reads"),
)


class SignIn(DeskScreen[None]):
    """The first screen."""

    HEADING = "Sign in"
    HELP = (
        "Type your login and password. The role decides what you may do: nobody reviews what they took in themselves. "
        "The counter decides which devices and which drawer are yours."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound("quit", finish="Sign in")

    def body(self) -> ComposeResult:
        """Four lines."""
        counters = [Option(name, name) for name in self.desk_app.desk.counters]
        rules = self.desk_app.desk.centre.rules
        with Vertical(id="signin"):
            yield Row("Centre", None, said=f"{rules.name} ({rules.code})")
            yield Row("Login", Line(id="login", max_length=40))
            yield Row("Password", Line(id="password", password=True, max_length=200))
            yield Row("Role", Choice(_ROLES, Role.OPERATOR.value, id="role"))
            yield Row("Counter", Choice(counters, counters[0].id, id="counter"))

    def on_mount(self) -> None:
        """Begin with the login."""
        self.query_one("#login").focus()

    def begin_anew(self) -> None:
        """Somebody signed out: nothing of them stays."""
        self.query_one("#login", Line).put("")
        self.query_one("#password", Line).put("")
        self.query_one("#login").focus()
        self.say("Signed out.")

    @on(Entered)
    def _go_on(self, event: Entered) -> None:
        if event.editor.id == "login":
            self.query_one("#password").focus()
        else:
            self.action_finish()

    def action_finish(self) -> None:
        """Try to sign in."""
        login, password = self.query_one("#login", Line).value.strip(), self.query_one("#password", Line).value
        if not login or not password:
            self.say("Type your login and your password.", tone="warning")
            return
        role, counter = Role(self.query_one("#role", Choice).value), self.query_one("#counter", Choice).value
        store = self.desk_app.desk.store

        def sign_in() -> tuple[Session, str]:
            session = operators.sign_in(store, login=login, password=password, role=role, counter=counter)
            names = {str(each.id): each.name for each in operators.operators(store)}
            return session, names.get(session.actor, login)

        def done(answer: tuple[Session, str]) -> None:
            self.say("")
            self.desk_app.signed_in(answer[0], login, answer[1])

        def refused(error: SanadError) -> None:
            if isinstance(error, FirstSignIn):
                self._choose(login, password)
                return
            self.query_one("#password", Line).put("")
            self.query_one("#password").focus()
            self.failed(error)

        self.say("Checking …")
        self.run(sign_in, done, refused)

    def _choose(self, login: str, secret: str) -> None:
        """The one-time secret of somebody whom central named: let them choose a password, and sign in with it."""
        store = self.desk_app.desk.store

        def chosen(password: str | None) -> None:
            self.query_one("#password", Line).put(password or "")
            if password is None:
                self.say("No password was chosen; the secret is still good.")
                return
            self.run(
                lambda: operators.choose_password(
                    store, login=login, secret=secret, password=password, random=os.urandom
                ),
                lambda _: self.action_finish(),
            )

        self.say("")
        self.app.push_screen(ChoosePassword(), chosen)

    def action_leave(self) -> None:
        """There is nothing behind this screen."""
