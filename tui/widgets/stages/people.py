"""Who is in the application: each role of the service, and the people found or added for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import OptionList, Static

from appliance.casework.people import PersonView
from appliance.journal.ids import EntityId
from tui.forms import Filling
from tui.widgets.rows import Item, Rows
from tui.words import person_line

_AND: str = "/"


class PeopleStage(Vertical):
    """The roles. Enter finds or adds somebody for the one under the cursor; Delete takes somebody out again."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("delete,backspace", "take_out", "Take out", show=False)]

    class Wanted(Message):
        """Find or add somebody for a role; `instead` is whom they replace, empty for nobody."""

        def __init__(self, role: str, instead: str) -> None:
            super().__init__()
            self.role = role
            self.instead = instead

    class TakenOut(Message):
        """Somebody is to be taken out of a role."""

        def __init__(self, role: str, person: str) -> None:
            super().__init__()
            self.role = role
            self.person = person

    def __init__(self, filling: Filling, people: Mapping[EntityId, PersonView]) -> None:
        super().__init__(id="people")
        self._filling = filling
        self._people = people

    def compose(self) -> ComposeResult:
        """What to do, and the roles."""
        yield Static("Who is in it? Enter finds or adds somebody; Delete takes somebody out.", classes="dim")
        yield Rows(id="roles")

    def on_mount(self) -> None:
        """Show the roles, the cursor on the first one that needs somebody."""
        rows = self.query_one(Rows)
        rows.fill(self._items())
        empty = [role.id for role in self._filling.needed_roles() if role.id not in self._filling.roles]
        if empty:
            rows.go(empty[0] + _AND)
        rows.focus()

    def _items(self) -> list[Item]:
        items = []
        needed = {role.id for role in self._filling.needed_roles()}
        for role in self._filling.roles_to_show():
            people = self._filling.people.get(role.id, ())
            for each in people:
                view = self._people.get(EntityId(each))
                line = "…" if view is None else person_line(view)
                items.append(Item(f"{role.id}{_AND}{each}", f"{role.label.en}: {line}", "", "✓", "green"))
            if not people or role.many:
                said = (
                    "required" if role.id in needed and not people else "another one" if people else "if there is one"
                )
                mark, tone = ("*", "yellow") if role.id in needed and not people else ("+", "dim")
                items.append(Item(role.id + _AND, f"{role.label.en}: —", said, mark, tone))
        return items

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        role, _, person = str(event.option_id).partition(_AND)
        self.post_message(self.Wanted(role, person))

    def action_take_out(self) -> None:
        """Take the person under the cursor out."""
        role, _, person = self.query_one(Rows).current().partition(_AND)
        if person:
            self.post_message(self.TakenOut(role, person))
