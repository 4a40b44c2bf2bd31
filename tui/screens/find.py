"""Finding anything by any of its names: cases, people, receipts; prefix by prefix, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from appliance.casework.complaints import application_of
from appliance.casework.money import payment_of
from appliance.casework.readcodes import is_ours
from appliance.casework.search import Hit, search, search_forgiving
from appliance.journal.ids import EntityId
from devices.contracts import Code
from tui.codes import follow
from tui.keymap import bound
from tui.screens.base import DeskScreen
from tui.widgets.editing import Edited, Entered
from tui.widgets.line import Line
from tui.widgets.table import Table
from tui.words import moment

MAX_FOUND: Final = 100
MIN_TYPED: Final = 2


class Find(DeskScreen[None]):
    """Type, choose, open."""

    HEADING = "Find"
    HELP = (
        "Type the beginnings of names, a tracking, receipt, certificate or identity number (its last digits will do), "
        "a date or a phone number. The newest stand first. F8 looks for what sounds alike, or is misspelt. "
        "Ctrl+K reads a code with the counter's camera: hold the receipt before it."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bound(step_on="Forgiving", photograph="Read a code"),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("up", "move(-1)", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._hits: dict[str, Hit] = {}

    def body(self) -> ComposeResult:
        """The line, and what was found."""
        yield Line(placeholder="name, number, date or phone", id="words", max_length=200)
        yield Table("What", "Name or number", "Detail", "Stands", "Since", id="found")

    def on_mount(self) -> None:
        """Begin with typing."""
        self.query_one(Table).can_focus = False
        self.query_one(Line).focus()

    @on(Edited)
    def _typed(self, event: Edited) -> None:
        self._look(event.value, forgiving=False)

    def look_again(self) -> None:
        """The same again."""
        self._look(self.query_one(Line).value, forgiving=False)

    def action_step_on(self) -> None:
        """Look for what sounds alike."""
        self._look(self.query_one(Line).value, forgiving=True)

    def action_photograph(self) -> None:
        """Read a code with the camera; one of ours is followed, any other is looked for."""
        camera, read = self.desk_app.devices.camera, self.desk_app.desk.read_codes
        if camera is None or read is None:
            self.say("No camera is assigned to this counter.", tone="warning")
            return

        def seen(codes: Sequence[Code]) -> None:
            if not codes:
                self.say("The camera sees no code. Hold it flat, nearer, and without glare.", tone="warning")
            elif is_ours(codes[0].text):
                follow(self, codes[0].text)
            else:
                self.query_one(Line).put(codes[0].text)
                self.look_again()

        self.say("The camera is looking …")
        self.run(lambda: read(camera.snap()), seen)

    def _look(self, typed: str, *, forgiving: bool) -> None:
        store = self.desk_app.desk.store

        def find() -> list[Hit]:
            if len(typed.strip()) < MIN_TYPED:
                return []
            return (
                search_forgiving(store, typed, limit=MAX_FOUND) if forgiving else search(store, typed, limit=MAX_FOUND)
            )

        self.run(find, lambda hits: self._show(typed, hits, forgiving=forgiving))

    def _show(self, typed: str, hits: list[Hit], *, forgiving: bool) -> None:
        if self.query_one(Line).value != typed:
            return
        centre = self.desk_app.desk.centre
        self._hits = {each.about: each for each in hits}
        rows = [
            (each.about, (each.kind, each.title, each.detail, each.status, moment(centre, each.at))) for each in hits
        ]
        self.query_one(Table).fill(rows)
        if hits or len(typed.strip()) < MIN_TYPED:
            self.say("")
        else:
            self.say("Nothing sounds like that." if forgiving else "Nothing begins like that. F8 forgives misspelling.")

    def action_move(self, by: int) -> None:
        """Move the cursor in the table."""
        table = self.query_one(Table)
        if by > 0:
            table.action_cursor_down()
        else:
            table.action_cursor_up()

    @on(Entered)
    def _open(self) -> None:
        from tui.screens.case.file import CaseFile
        from tui.screens.people import People

        hit = self._hits.get(self.query_one(Table).current())
        if hit is None:
            return
        if hit.kind == "person":
            self.app.push_screen(People(typed=hit.title))
        elif hit.kind == "application":
            self.app.push_screen(CaseFile(hit.about))
        elif hit.kind == "complaint":
            store = self.desk_app.desk.store
            self.run(lambda: application_of(store, EntityId(hit.about)), self._file)
        else:
            store = self.desk_app.desk.store
            self.run(lambda: payment_of(store, EntityId(hit.about)), lambda it: self._file(it.application))

    def _file(self, application: EntityId) -> None:
        from tui.screens.case.file import CaseFile

        self.app.push_screen(CaseFile(application))
