"""Tokens: handed out, called to this counter, skipped, given up; and who waits how long."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Static

from appliance.access.session import Session
from appliance.casework import tokens
from appliance.casework.board import Board, board
from appliance.casework.queues import priorities
from appliance.casework.tokens import Token
from appliance.journal.ids import EntityId
from tui.keymap import bound
from tui.screens.base import DeskScreen
from tui.screens.dialogs import Pick
from tui.widgets.choice import Option
from tui.widgets.table import Table


class Tokens(DeskScreen[None]):
    """The queue as this counter sees it."""

    HEADING = "Tokens"
    HELP = (
        "F10 calls the next one to your counter: by turn, with the priorities that the centre set. Enter calls the one "
        "under the cursor. What you begin with F2 at the desk after a call is linked to the token by itself."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound(
        "call_next", "issue_token", "skip_token", "no_show", hidden=("served", "refresh")
    )

    def __init__(self) -> None:
        super().__init__()
        self._called: Token | None = None

    def body(self) -> ComposeResult:
        """Who is at the counter, and who waits."""
        yield Static("", id="called", markup=False)
        yield Table("Token", "Queue", "Priority", "Before them", "About", id="waiting")

    def on_mount(self) -> None:
        """Read the queue."""
        self.query_one(Table).focus()
        self.look_again()

    def look_again(self) -> None:
        """Read the queue again."""
        centre = self.desk_app.desk.centre

        def read(session: Session) -> tuple[Board, Token | None]:
            return board(centre), tokens.token_at(centre, session)

        self.act(read, lambda found: self._show(*found))

    action_refresh = look_again

    def _show(self, found: Board, called: Token | None) -> None:
        self._called = self.desk_app.token = called
        if called is None:
            left = ", ".join(f"{each.waiting} wait for {each.rule.title['en']}" for each in found.queues)
            words = f"Nobody is called to your counter. {left}."
        else:
            times = f", call {called.calls}" if called.calls > 1 else ""
            words = f"At your counter: {called.ticket}{_said(called.priority)}{times}{self._service(called.service)}"
        self.query_one("#called", Static).update(words)
        titles = {each.rule.id: each.rule.title["en"] for each in found.queues}
        self.query_one(Table).fill(
            [
                (
                    row.token,
                    (row.ticket, titles.get(row.queue, row.queue), row.priority, str(row.ahead), f"{row.minutes} min"),
                )
                for row in found.rows
            ]
        )

    def _service(self, service: str) -> str:
        known = self.desk_app.desk.centre.catalogue.services.get(service)
        return f" — {known.title.en}" if known is not None else ""

    def action_call_next(self) -> None:
        """Call whoever is next."""
        centre = self.desk_app.desk.centre
        self.act(lambda session: tokens.call_next(centre, session), self._now_called)

    @on(DataTable.RowSelected)
    def _call_one(self) -> None:
        about, centre = self.query_one(Table).current(), self.desk_app.desk.centre
        if about:
            self.act(lambda session: tokens.call_again(centre, session, EntityId(about)), self._now_called)

    def _now_called(self, called: Token | None) -> None:
        if called is None:
            self.say("Nobody waits whom this counter calls.")
        else:
            self.say(f"Called: {called.ticket} to counter {called.counter}.", tone="good")
        self.look_again()

    def action_issue_token(self) -> None:
        """Hand out a token: for which service, with which priority."""
        centre = self.desk_app.desk.centre
        services = [Option(each.id, each.title.en, each.department.en) for each in centre.catalogue.services.values()]
        ranks = [Option("", "none"), *(Option(each, each) for each in priorities(centre.rules))]

        def with_service(service: str | None) -> None:
            if service is not None:
                self.app.push_screen(Pick("Priority", ranks), lambda rank: self._issue(service, rank))

        self.app.push_screen(Pick("A token for which service?", services), with_service)

    def _issue(self, service: str, priority: str | None) -> None:
        if priority is None:
            return
        centre = self.desk_app.desk.centre

        def issued(token: Token) -> None:
            self.say(f"Token {token.ticket}{_said(priority)}{self._service(service)}.", tone="good")
            self.look_again()

        self.act(lambda session: tokens.issue_token(centre, session, service=service, priority=priority), issued)

    def _end(self, how: str) -> None:
        called, store = self._called, self.desk_app.desk.store
        if called is None:
            self.say("Nobody is called to your counter.", tone="warning")
            return
        verbs = {"skipped": tokens.skip, "no show": tokens.no_show, "served": tokens.serve}

        def ended(_: None) -> None:
            self.say(f"{called.ticket}: {how}.")
            self.look_again()

        self.act(lambda session: verbs[how](store, session, called.id), ended)

    def action_skip_token(self) -> None:
        """Nobody came yet."""
        self._end("skipped")

    def action_no_show(self) -> None:
        """Nobody came at all."""
        self._end("no show")

    def action_served(self) -> None:
        """Done, without an application."""
        self._end("served")


def _said(priority: str) -> str:
    return f" ({priority})" if priority else ""
