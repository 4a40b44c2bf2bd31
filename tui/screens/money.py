"""Money at the counters: drawers opened, counted, handed over and closed; and the way to the day's statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Static

from appliance.access import operators
from appliance.access.session import Session
from appliance.casework import shifts
from appliance.casework.counting import Counted
from appliance.casework.shifts import DrawerDiffers, Shift, ShiftStatus
from appliance.journal.errors import SanadError
from appliance.journal.kinds import Currency
from tui.forms import money
from tui.keymap import bound
from tui.screens.base import DeskScreen
from tui.screens.counting import Count
from tui.screens.dialogs import Ask
from tui.screens.statement import DayStatement
from tui.widgets.table import Table


class Money(DeskScreen[None]):
    """The drawers that somebody answers for, this counter's above them."""

    HEADING = "Money"
    HELP = (
        "Cash needs an open shift of yours at this counter. To hand over: count your drawer; the operator who arrives "
        "signs in here and takes it over with a count of their own. A difference needs a reason and is kept."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound(
        "statement", "open_shift", "count_shift", "take_over", "close_shift", hidden=("resume_shift", "refresh")
    )

    def __init__(self) -> None:
        super().__init__()
        self._shifts: dict[str, Shift] = {}
        self._own: Shift | None = None

    def body(self) -> ComposeResult:
        """This counter's drawer, then all."""
        yield Static("", id="own", markup=False)
        yield Table("Counter", "Operator", "Since", "Stands", "Should hold", id="drawers")

    def on_mount(self) -> None:
        """Read the drawers."""
        self.query_one(Table).focus()
        self.look_again()

    def look_again(self) -> None:
        """Read the drawers again."""
        store = self.desk_app.desk.store

        def read(session: Session) -> tuple[list[Shift], Shift | None, dict[str, str]]:
            names = {str(each.id): each.name for each in operators.operators(store)}
            return shifts.live_shifts(store), shifts.shift_of(store, session), names

        self.act(read, lambda found: self._show(*found))

    action_refresh = look_again

    def _show(self, live: list[Shift], own: Shift | None, names: dict[str, str]) -> None:
        self._shifts, self._own = {each.id: each for each in live}, own
        if own is None:
            words = "You have no open drawer at this counter: cash cannot be taken. F2 opens a shift."
        else:
            words = f"Your drawer here is {own.status.value}; it should hold {money(own.expected_minor, own.currency)}."
        self.query_one("#own", Static).update(words)
        self.query_one(Table).fill(
            [
                (
                    each.id,
                    (
                        each.counter,
                        names.get(each.operator, "?"),
                        each.day,
                        each.status.value,
                        money(each.expected_minor, each.currency),
                    ),
                )
                for each in live
            ]
        )

    def _currency(self) -> Currency:
        """The currency of this centre's services; of the commonest one where there are several."""
        found = [each.currency for each in self.desk_app.desk.centre.catalogue.services.values()]
        return "INR" if found.count("INR") > found.count("PKR") else "PKR"

    def _under(self) -> Shift | None:
        found = self._shifts.get(self.query_one(Table).current())
        if found is None:
            self.say("There is no drawer under the cursor.", tone="warning")
        return found

    def _counting(self, heading: str, currency: Currency, then: Callable[[Counted], None]) -> None:
        self.app.push_screen(Count(heading, currency), lambda counted: None if counted is None else then(counted))

    def _done(self, words: str) -> None:
        self.say(words, tone="good")
        self.look_again()

    def action_open_shift(self) -> None:
        """Take charge of the drawer here, with what lies in it."""
        centre, currency = self.desk_app.desk.centre, self._currency()

        def opened(counted: Counted) -> None:
            self.act(
                lambda session: shifts.open_shift(centre, session, counted, currency),
                lambda _: self._done(f"Shift open with {money(counted.minor, currency)}."),
            )

        self._counting("Open a shift: what lies in the drawer?", currency, opened)

    def action_count_shift(self) -> None:
        """Count the own drawer; it rests from then on, until it is taken over, closed or resumed."""
        own = self._own
        if own is None:
            self.say("You have no drawer here to count.", tone="warning")
            return

        def count(counted: Counted, reason: str = "") -> None:
            centre = self.desk_app.desk.centre
            self.act(
                lambda session: shifts.count_drawer(centre, session, own.id, counted, reason),
                lambda _: self._done("Counted. It can be taken over, or closed."),
                lambda error: self._explain(error, lambda why: count(counted, why)),
            )

        self._counting("Count your drawer", own.currency, count)

    def action_close_shift(self) -> None:
        """Count the drawer under the cursor for the last time and empty it."""
        shift = self._own or self._under()
        if shift is None:
            return

        def close(counted: Counted, reason: str = "") -> None:
            centre = self.desk_app.desk.centre

            def closed(difference: int) -> None:
                said = "to the last coin" if not difference else f"{money(difference, shift.currency)} different"
                self._done(f"Shift closed, {said}.")

            self.act(
                lambda session: shifts.close_shift(centre, session, shift.id, counted, reason),
                closed,
                lambda error: self._explain(error, lambda why: close(counted, why)),
            )

        self._counting(f"Close the shift at counter {shift.counter}: count for the last time", shift.currency, close)

    def action_take_over(self) -> None:
        """Take over the counted drawer under the cursor, with a count of one's own."""
        shift = self._under()
        if shift is None:
            return
        if shift.status is not ShiftStatus.COUNTED:
            self.say("It is not counted yet: the operator who leaves counts first.", tone="warning")
            return

        def take(counted: Counted) -> None:
            centre = self.desk_app.desk.centre
            self.act(
                lambda session: shifts.take_over(centre, session, shift.id, counted),
                lambda _: self._done("The drawer is yours now; your own shift is open."),
            )

        self._counting("Take over: count the drawer yourself", shift.currency, take)

    def action_resume_shift(self) -> None:
        """Go on at the own drawer after it was counted."""
        own, store = self._own, self.desk_app.desk.store
        if own is not None:
            self.act(lambda session: shifts.resume(store, session, own.id), lambda _: self._done("Your shift goes on."))

    def _explain(self, error: SanadError, again: Callable[[str], None]) -> None:
        if not isinstance(error, DrawerDiffers):
            self.failed(error)
            return

        def told(why: str | None) -> None:
            if why:
                again(why)

        self.app.push_screen(Ask("The count differs", f"{error.sentence} Count again (Esc), or say why."), told)

    @on(DataTable.RowSelected)
    def action_statement(self) -> None:
        """The day's statement."""
        self.app.push_screen(DayStatement(self.desk_app.desk.centre.today()))
