"""Lists of cases that wait for somebody: a page at a time, what is overdue first where the list says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable

from appliance.access.session import Session
from appliance.casework import queries
from appliance.casework.centre import Centre
from appliance.casework.queries import CaseRow
from appliance.journal.ids import EntityId
from tui.keymap import bound
from tui.screens.base import DeskScreen
from tui.screens.case.file import CaseFile
from tui.widgets.table import MAX_ROWS, Table
from tui.words import day


@dataclass(frozen=True, slots=True)
class CaseList:
    """A list: its heading, and what reads a page of it."""

    heading: str
    read: Callable[[Centre, Session, int], list[CaseRow]]


LISTS: Final[dict[str, CaseList]] = {
    "review": CaseList("To review", lambda centre, session, skip: queries.to_review(centre, session, skip=skip)),
    "appeals": CaseList("Appeals to decide", lambda centre, session, skip: queries.appeals(centre, session, skip=skip)),
    "waiting": CaseList("Waiting outside", lambda centre, _, skip: queries.waiting_outside(centre, skip=skip)),
    "returned": CaseList("Returned to the counter", lambda centre, _, skip: queries.returned(centre, skip=skip)),
    "to_issue": CaseList("To issue", lambda centre, _, skip: queries.to_issue(centre, skip=skip)),
    "to_hand_over": CaseList("To hand over", lambda centre, _, skip: queries.to_hand_over(centre, skip=skip)),
    "overdue": CaseList("Overdue", lambda centre, _, skip: queries.overdue(centre, skip=skip)),
    "questioned": CaseList(
        "Certificates asked to be corrected or revoked", lambda centre, _, skip: queries.questioned(centre, skip=skip)
    ),
    "unsupported": CaseList(
        "Leaning on a withdrawn attestation", lambda centre, _, skip: queries.unsupported(centre, skip=skip)
    ),
}


class Cases(DeskScreen[None]):
    """One list."""

    HELP = "Enter opens the case under the cursor. F7 and F8 turn pages where there are more than fit on one."
    BINDINGS: ClassVar[list[BindingType]] = bound("step_back", "step_on", "refresh")

    def __init__(self, name: str) -> None:
        super().__init__()
        self._list = LISTS[name]
        self._skip = 0

    def body(self) -> ComposeResult:
        """The table."""
        yield Table("Tracking", "Applicant", "Service", "Due", "Stands", id="cases")

    def on_mount(self) -> None:
        """Read the first page."""
        self.query_one(Table).focus()

    def on_screen_resume(self) -> None:
        """Back from a case: read again."""
        self.look_again()

    def look_again(self) -> None:
        """Read the page again."""
        centre, skip = self.desk_app.desk.centre, self._skip
        self.act(lambda session: self._list.read(centre, session, skip), self._show)

    action_refresh = look_again

    def _show(self, rows: list[CaseRow]) -> None:
        services = self.desk_app.desk.centre.catalogue.services
        of = f", from {self._skip + 1}" if self._skip else ""
        more = " and more" if len(rows) >= MAX_ROWS else ""
        self.head(f"{self._list.heading} — {len(rows)}{more}{of}")

        def cells(row: CaseRow) -> list[str | Text]:
            service = services.get(row.service)
            title = row.service if service is None else service.title.en
            due = Text(day(row.due), style="bold red" if row.overdue else "")
            stands = Text(row.status.value)
            if row.unsupported:
                stands.append(" ! unsupported", style="red")
            return [row.tracking, row.applicant, title, due, stands]

        self.query_one(Table).fill([(row.application, cells(row)) for row in rows])
        if not rows:
            self.say("Nothing waits here.")

    def action_step_on(self) -> None:
        """The next page."""
        if self.query_one(Table).row_count >= MAX_ROWS:
            self._skip += MAX_ROWS
            self.look_again()

    def action_step_back(self) -> None:
        """The page before."""
        if self._skip:
            self._skip = max(0, self._skip - MAX_ROWS)
            self.look_again()

    @on(DataTable.RowSelected)
    def _open(self) -> None:
        about = self.query_one(Table).current()
        if about:
            self.app.push_screen(CaseFile(EntityId(about)))
