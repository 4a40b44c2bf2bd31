"""The case file: facts on the left, papers on the right, and a list of what can be done now."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import OptionList, Static

from appliance.access.session import Role
from appliance.casework.caseview import CaseView, PaperView
from appliance.casework.caseview import case as read_case
from appliance.casework.intake import inspect_paper
from appliance.journal.ids import BlobDigest, EntityId
from tui.acts import ACTS, acts_for
from tui.keymap import bound
from tui.screens.case import words
from tui.screens.case.money import MoneyActs
from tui.screens.case.output import OutputActs
from tui.screens.case.papers import PaperActs
from tui.screens.case.review import ReviewActs
from tui.screens.dialogs import Pick
from tui.widgets.choice import Option
from tui.widgets.picture import braille
from tui.widgets.rows import Item, Rows

_ACTIONS = frozenset(act.action for act in ACTS)


class CaseFile(ReviewActs, PaperActs, MoneyActs, OutputActs):
    """One case. Tab changes between facts and papers; F10 lists what can be done."""

    HELP = (
        "Facts stand on the left, papers on the right; Tab goes from one to the other, the arrows scroll. F10 lists "
        "everything that can be done with this case now; the commonest have keys of their own."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound(
        "act", "attest", "approve", "send_back", hidden=("view_paper", "reject", "refresh")
    )

    def __init__(self, application: EntityId, *, said: str = "", bad: bool = False) -> None:
        super().__init__(application)
        self._first_words = (said, bad)
        self._pictures: dict[BlobDigest, bytes] = {}

    def body(self) -> ComposeResult:
        """Where it stands, then facts and papers side by side."""
        yield Static("", id="standing")
        with Horizontal(id="sides"):
            with VerticalScroll(id="facts"):
                yield Static("Reading …", id="words")
            with Vertical(id="scans"):
                yield Rows(id="list", classes="short")
                yield Static("", id="picture")

    def on_mount(self) -> None:
        """Read the case."""
        said, bad = self._first_words
        if said:
            self.say(said, tone="warning" if bad else "good")
        self.query_one("#facts").focus()
        self.look_again()

    @property
    def role(self) -> Role:
        """What is signed in."""
        session = self.desk_app.session
        return Role.AUDITOR if session is None else session.role

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what this role can do with the case as it stands."""
        del parameters
        if action in _ACTIONS:
            return self.view is not None and action in {
                each.action for each in acts_for(self.role, self.view.case.status)
            }
        return True

    def look_again(self) -> None:
        """Read the case again."""
        self.run(lambda: read_case(self.store, self.application), self._show)

    action_refresh = look_again

    def _show(self, view: CaseView) -> None:
        self.view = view
        self.head(words.heading(view, self.service))
        self.query_one("#standing", Static).update(words.standing(self.centre, view))
        self.query_one("#words", Static).update(words.facts(self.centre, view, self.service, self.progress()))
        self.query_one("#list", Rows).fill([self._item(view, each) for each in view.papers])
        if not view.papers:
            self.query_one("#picture", Static).update("No papers.")
        self.refresh_bindings()

    @staticmethod
    def _item(view: CaseView, paper: PaperView) -> Item:
        attested = any(each.paper == paper.id and not each.withdrawn_at for each in view.made_here)
        pages = f"{paper.pages} page{'s' * (paper.pages != 1)}" if paper.pages else paper.media_type
        size = f"{max(paper.size // 1024, 1)} KiB"
        return Item(paper.id, paper.label, f"{pages}, {size}", "✓" if attested else "·", "green" if attested else "dim")

    def paper_under(self) -> PaperView | None:
        """The paper under the cursor."""
        at = self.query_one("#list", Rows).current()
        papers = () if self.view is None else self.view.papers
        return next((each for each in papers if each.id == at), None)

    @on(OptionList.OptionHighlighted)
    def _paper_changed(self) -> None:
        paper = self.paper_under()
        if paper is None:
            return
        if paper.digest in self._pictures:
            self._draw(paper)
            return
        self.query_one("#picture", Static).update("Opening …")

        def picture() -> bytes:
            return inspect_paper(self.store.open_blob(paper.digest)).thumbnail_png

        def got(png: bytes) -> None:
            self._pictures[paper.digest] = png
            self._draw(paper)

        self.run(picture, got)

    def _draw(self, paper: PaperView) -> None:
        if self.paper_under() != paper:
            return
        place = self.query_one("#picture", Static)
        room = self.query_one("#scans").size
        lines = max(room.height - self.query_one("#list").size.height - 1, 1)
        place.update(braille(self._pictures[paper.digest], room.width, lines))

    @on(OptionList.OptionSelected)
    def _open_paper(self) -> None:
        self.action_view_paper()

    def action_put_right(self) -> None:
        """Correct the form, add papers."""
        from tui.screens.puttingright import PuttingRight

        if self.view is not None:
            self.app.push_screen(PuttingRight(self.view), lambda _: self.look_again())

    def action_add_papers(self) -> None:
        """Add papers to a case that is decided."""
        from tui.screens.puttingright import AddingPapers

        view, service = self.view, self.service
        if view is None or service is None or not service.papers:
            self.say("This service asks for no papers.")
            return
        self.app.push_screen(AddingPapers(view), lambda _: self.look_again())

    def action_act(self) -> None:
        """Everything that can be done now."""
        view = self.view
        if view is None:
            return
        settled = not any(each.is_contested for each in view.decisions)
        acts = [
            each for each in acts_for(self.role, view.case.status) if not (settled and each.action == "settle_decision")
        ]
        if not acts:
            self.say(f"As {self.role.value} there is nothing to do with a case that is {view.case.status.value}.")
            return
        options = [Option(each.action, each.label) for each in acts]

        async def chosen(action: str | None) -> None:
            if action is not None:
                await self.run_action(action)

        self.app.push_screen(Pick("What to do?", options), chosen)
