"""People: found, added, corrected, told apart from likely duplicates; and how their identity was made sure of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList, Static

from appliance.access.session import Role, Session
from appliance.casework import identity, people
from appliance.casework.matching import Duplicate, likely_duplicates
from appliance.casework.people import Person, PersonView
from appliance.casework.search import search, search_forgiving
from appliance.journal.ids import EntityId
from tui.keymap import bound
from tui.screens.base import DeskScreen, Dialog
from tui.screens.dialogs import Ask, Pick
from tui.widgets.choice import Choice, Option
from tui.widgets.editing import Edited, Entered
from tui.widgets.line import Line
from tui.widgets.page import EditorPage
from tui.widgets.rows import Item, Rows
from tui.words import IDENTITY_KINDS, identity_line, person_line

MAX_FOUND: Final = 100
MIN_TYPED: Final = 2
_MERGES: Final = frozenset({Role.OFFICER, Role.SUPERVISOR})
"""Letters from which on it is looked for."""
_GENDERS: Final = tuple(Option(each, each) for each in people.GENDERS)
_KINDS: Final = tuple(Option(kind, label) for kind, label in IDENTITY_KINDS.items())
_LANGUAGES: Final = tuple(
    Option(code, name)
    for code, name in (("ur", "Urdu"), ("ps", "Pashto"), ("hi", "Hindi"), ("ta", "Tamil"), ("pa", "Punjabi"))
)


class People(DeskScreen[EntityId]):
    """Find somebody by any name, number, date or phone; or add them.

    Args:
        heading: whom the operator looks for.
        picking: whether Enter answers the person found, or opens their record.
        typed: what is looked for at first.
    """

    HELP = (
        "Type a name (Latin or native script), number, date of birth or phone. Arrows choose, Enter takes. "
        "F2 writes down somebody who is not here yet; likely duplicates are shown before."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bound("add_person", "correct_person", "verify_person", hidden=("merge_person",)),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]

    def __init__(self, heading: str = "People", *, picking: bool = False, typed: str = "") -> None:
        super().__init__()
        self._start = typed
        self._title_words = heading
        self._picking = picking
        self._views: dict[str, PersonView] = {}

    def body(self) -> ComposeResult:
        """The line to type in, who was found, and the one under the cursor in full."""
        yield Line(self._start, placeholder="name, number, date of birth or phone", id="words", max_length=200)
        yield Rows(id="found")
        yield Static("", id="detail", markup=False)

    def on_mount(self) -> None:
        """Begin with typing."""
        self.head(self._title_words)
        self.query_one("#found", Rows).can_focus = False
        self.query_one(Line).focus()
        self.look_again()

    @on(Edited)
    def _typed(self, event: Edited) -> None:
        self._find(event.value)

    def look_again(self) -> None:
        """Look for the same again."""
        self._find(self.query_one(Line).value)

    def _done(self, words: str) -> None:
        """Something was written down: look for the same again, and say so."""
        self._find(self.query_one(Line).value, words)

    def _find(self, typed: str, said: str = "") -> None:
        store = self.desk_app.desk.store

        def find() -> list[PersonView]:
            if len(typed.strip()) < MIN_TYPED:
                return []
            hits = [each for each in search(store, typed, limit=MAX_FOUND) if each.kind == "person"]
            hits = hits or [each for each in search_forgiving(store, typed, limit=MAX_FOUND) if each.kind == "person"]
            return [people.person(store, about) for about in dict.fromkeys(each.about for each in hits)]

        def found(views: list[PersonView]) -> None:
            if self.query_one(Line).value != typed:
                return
            self._views = {each.about: each for each in views if each.merged_into is None}
            self.query_one("#found", Rows).fill([Item(about, person_line(v)) for about, v in self._views.items()])
            self._detail()
            if not said and not self._views and len(typed.strip()) >= MIN_TYPED:
                self.say("Nobody of that name or number is here. F2 writes them down.")
            else:
                self.say(said, tone="good" if said else "note")

        self.run(find, found)

    @on(OptionList.OptionHighlighted)
    def _detail(self) -> None:
        view = self._current()
        centre = self.desk_app.desk.centre
        self.query_one("#detail", Static).update(record(view, identity_line(view, centre)) if view else "")

    def _current(self) -> PersonView | None:
        return self._views.get(self.query_one("#found", Rows).current())

    def action_move(self, by: int) -> None:
        """Move the cursor in the list."""
        rows = self.query_one("#found", Rows)
        if by > 0:
            rows.action_cursor_down()
        else:
            rows.action_cursor_up()

    @on(Entered)
    def _take(self) -> None:
        view = self._current()
        if view is None:
            self.say("Nobody is chosen. F2 writes down somebody new.")
        elif self._picking:
            self.dismiss(view.about)
        else:
            self.action_correct_person()

    def action_add_person(self) -> None:
        """Write somebody down."""
        typed = self.query_one(Line).value.strip()
        start = Person(name=typed if not any(each.isdigit() for each in typed) else "")
        self.app.push_screen(PersonForm("Write down a person", start), self._added)

    def _added(self, about: EntityId | None) -> None:
        if about is not None and self._picking:
            self.dismiss(about)
        elif about is not None:
            self.look_again()

    def action_correct_person(self) -> None:
        """Correct the record under the cursor."""
        view = self._current()
        if view is not None:
            self.app.push_screen(PersonForm("Correct a person", view.person, view), lambda _: self.look_again())

    def action_verify_person(self) -> None:
        """Say that the person was seen with an identity paper."""
        view = self._current()
        if view is None:
            return

        def told(paper: str | None) -> None:
            if not paper:
                return
            store = self.desk_app.desk.store
            self.act(
                lambda session: identity.verify_seen(store, session, view.about, paper, seen=view.last_seq),
                lambda _: self._verified(),
            )

        kind = IDENTITY_KINDS.get(view.person.identity_kind, "")
        question = "Which original did you hold beside the person? Only what you saw yourself."
        self.app.push_screen(Ask(person_line(view), question, value=f"{kind}, original" if kind else ""), told)

    def action_merge_person(self) -> None:
        """Say that the record under the cursor and another one are of one person; the other stands for both."""
        view, session = self._current(), self.desk_app.session
        if view is None or session is None:
            return
        if session.role not in _MERGES:
            self.say("An officer or a supervisor says that two records are of one person.", tone="warning")
            return

        def into(other: EntityId | None) -> None:
            if other is not None:
                question = Ask("One person, two records", "How do you know? The first record stays, under the second.")
                self.app.push_screen(question, lambda why: self._merge(view, other, why))

        self.app.push_screen(People(f"{view.person.name} is the same as …", picking=True, typed=view.person.name), into)

    def _merge(self, view: PersonView, into: EntityId, reason: str | None) -> None:
        if not reason:
            return
        store = self.desk_app.desk.store

        def merged(stays: PersonView) -> None:
            # What was typed may find nobody now: the one who stands for both is shown.
            self.query_one(Line).put(stays.person.name)
            self._done("Written down: one person.")

        def merge(session: Session) -> PersonView:
            people.merge(store, session, view.about, into, reason, view.last_seq)
            return people.person(store, into)

        self.act(merge, merged)

    def _verified(self) -> None:
        self._done("Written down: identity seen.")


class PersonForm(DeskScreen[EntityId]):
    """A person's record, to write or to correct; `view` is the record as it is shown, None for a new one."""

    HELP = (
        "A person may have no number at all. Write names as on the paper seen. A date of birth may be a year alone. "
        "The number stands on the paper that you name above it."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound("step_back", "step_on", finish="Save")

    def __init__(self, heading: str, start: Person, view: PersonView | None = None) -> None:
        super().__init__()
        self._title_words = heading
        self._start = start
        self._view = view

    def body(self) -> ComposeResult:
        """Two pages: the record, and the names in their own script."""
        yield PersonPage(self._start, IN_LATIN)
        yield PersonPage(self._start, IN_OWN_SCRIPT)

    def on_mount(self) -> None:
        """Begin with the first page."""
        self._turn(0)

    @property
    def pages(self) -> list[PersonPage]:
        """Both pages."""
        return list(self.query(PersonPage))

    def values(self) -> dict[str, str]:
        """What stands on both."""
        return {name: value for page in self.pages for name, value in page.values().items()}

    def _turn(self, to: int) -> None:
        self.head(f"{self._title_words} — {to + 1}/2 {('The record', 'Names in their own script')[to]}")
        for number, page in enumerate(self.pages):
            page.display = number == to
        self.pages[to].begin()

    def action_step_on(self) -> None:
        """The names in their own script."""
        self._turn(1)

    def action_step_back(self) -> None:
        """The record."""
        self._turn(0)

    def look_again(self) -> None:
        """Read the record again; what was typed stays in its lines, and only that is written."""
        view = self._view
        if view is not None:
            self.run(lambda: people.person(self.desk_app.desk.store, view.about), self._now_at)

    def _now_at(self, view: PersonView) -> None:
        for page in self.pages:
            for name, value in page.values().items():
                if value == getattr(self._start, name):
                    page.editors[name].put(getattr(view.person, name))
        self._view, self._start = view, view.person

    @on(Choice.ListWanted)
    def _list(self, event: Choice.ListWanted) -> None:
        choice = event.choice
        self.app.push_screen(
            Pick("Which one?", choice.options, choice.value),
            lambda value: None if value is None else choice.choose(value),
        )

    @on(EditorPage.Left)
    def _last(self) -> None:
        if self.pages[0].display:
            self._turn(1)
        else:
            self.action_finish()

    def action_finish(self) -> None:
        """Save: a new person after a look at likely duplicates, a correction with its reason."""
        typed = self.values()
        if self._view is None:
            self._look_for_duplicates(Person(**typed))
        else:
            changes = {name: value for name, value in typed.items() if value != getattr(self._start, name)}
            if changes:
                question = "What was wrong, and by what paper do you know?"
                self.app.push_screen(Ask("Correct a person", question), lambda why: self._correct(changes, why))
            else:
                self.say("Nothing was changed.")

    def _look_for_duplicates(self, person: Person) -> None:
        store = self.desk_app.desk.store

        def found(duplicates: list[Duplicate]) -> None:
            if duplicates:
                self.app.push_screen(Duplicates(duplicates), lambda answer: self._decided(person, answer))
            else:
                self._add(person)

        self.run(lambda: likely_duplicates(store, person), found)

    def _decided(self, person: Person, answer: str | None) -> None:
        if answer == Duplicates.NEW:
            self._add(person)
        elif answer is not None:
            self.dismiss(EntityId(answer))

    def _add(self, person: Person) -> None:
        store = self.desk_app.desk.store
        self.act(lambda session: people.add_person(store, session, person), self._done)

    def _done(self, about: EntityId) -> None:
        self.dismiss(about)

    def _correct(self, changes: Mapping[str, str], why: str | None) -> None:
        view = self._view
        if why is None or view is None:
            return
        store = self.desk_app.desk.store
        self.act(
            lambda session: people.correct_person(store, session, view.about, changes, why, view.last_seq),
            lambda _: self._done(view.about),
        )


class PersonPage(EditorPage):
    """Some lines of a person's record: their labels and, where there are only some values, these."""

    def __init__(self, start: Person, lines: Mapping[str, tuple[str, tuple[Option, ...]]]) -> None:
        super().__init__()
        self._start = start
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The lines."""
        for name, (label, options) in self._lines.items():
            value = getattr(self._start, name)
            editor = Choice(options, value, id=name) if options else Line(value, max_length=200, id=name)
            yield self.row(name, label, editor, mark="*" if name == "name" else " ")


IN_LATIN: Final[Mapping[str, tuple[str, tuple[Option, ...]]]] = {
    "name": ("Name (Latin letters)", ()),
    "father_name": ("Father's name", ()),
    "mother_name": ("Mother's name", ()),
    "gender": ("Gender", _GENDERS),
    "born": ("Born (1990-05-17, or 1990)", ()),
    "identity_kind": ("Number stands on", _KINDS),
    "identity_number": ("Number", ()),
    "phone": ("Phone", ()),
    "address": ("Address", ()),
}
IN_OWN_SCRIPT: Final[Mapping[str, tuple[str, tuple[Option, ...]]]] = {
    "native_language": ("Language", _LANGUAGES),
    "name_native": ("Name", ()),
    "father_name_native": ("Father's name", ()),
    "mother_name_native": ("Mother's name", ()),
}


class Duplicates(Dialog[str]):
    """People who may be the one that is being written down, with the reasons. Enter takes one of them."""

    NEW: Final = "new"
    HEADING = "Is it one of these?"
    KEYS = "Enter  it is this one    A  none of these: add    Esc  back to the form"
    HELP = "Enter takes the person under the cursor. A writes down a new person: only if it is none of these."
    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "add", "None of these: add")]

    def __init__(self, duplicates: list[Duplicate]) -> None:
        super().__init__()
        self._duplicates = duplicates

    def body(self) -> ComposeResult:
        """The list."""
        with Vertical():
            yield Rows(id="list")

    def on_mount(self) -> None:
        """Fill it."""
        rows = self.query_one(Rows)
        rows.fill([Item(each.about, person_line(each.view), "; ".join(each.reasons)) for each in self._duplicates])
        rows.focus()

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(str(event.option_id))

    def action_add(self) -> None:
        """None of them."""
        self.dismiss(self.NEW)


def record(view: PersonView, identity_words: str) -> str:
    """A record in words, below the list."""
    person = view.person
    rest = (person.gender, f"phone {person.phone}" if person.phone else "", person.address, identity_words)
    return f"{person_line(view)}\n{'; '.join(each for each in rest if each)}"
