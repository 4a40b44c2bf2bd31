"""Taking an application in: stage by stage, made from the service, saved while it is typed.

Going on is never barred: a draft may have gaps, and the check at the end names each with the way to it. What was typed
is durable within a second (`tui.autosave`); leaving keeps it as a draft.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from appliance.access.session import Session
from appliance.casework import applications, papers
from appliance.casework.drafts import DraftForm, save_draft
from appliance.casework.intake import Paper
from appliance.casework.papers import NewPaper
from appliance.journal.errors import SanadError
from appliance.journal.ids import EntityId
from tui import drafting
from tui.autosave import Autosave
from tui.drafting import NOTHING_KNOWN, Known
from tui.forms import Filling, Kind, Stage, pages
from tui.keymap import bound
from tui.screens.adding import AddsPapers
from tui.screens.dialogs import Ask, Pick
from tui.screens.handingin import HandedIn, discard_draft, hand_in
from tui.screens.papers import PaperWork
from tui.widgets.choice import Choice
from tui.widgets.formpage import FormPage
from tui.widgets.page import EditorPage
from tui.widgets.rows import Item, Rows
from tui.widgets.stages.check import CheckStage
from tui.widgets.stages.fee import FeeStage
from tui.widgets.stages.papers import PapersStage
from tui.widgets.stages.people import PeopleStage
from tui.words import day_of, person_line


class TakingIn(AddsPapers):
    """One draft, from the people in it to handing in."""

    HELP = (
        "Fill page by page. Enter goes from field to field and on to the next page; F7 and F8 turn pages at any time. "
        "A star marks what must be answered, a tick what an officer attested before: it is not asked again. "
        "Everything typed is kept as you type; Esc leaves it as a draft, to be found under Drafts."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound(
        "step_back", "step_on", finish="Check", hidden=("discard", "show_list")
    )

    def __init__(self, form: DraftForm) -> None:
        super().__init__()
        self.form = form
        self.known: Known = NOTHING_KNOWN
        self.stage: Stage | None = None
        self._warned: Stage | None = None
        self._saves = Autosave(self, self._snapshot, self._told)
        self._papers = PaperWork(self)
        self._kept = ""
        self._turning = False

    # What is there

    @property
    def filling(self) -> Filling:
        """The application as far as it is filled."""
        return drafting.filling(self.desk_app.desk.centre, self.form, self.known)

    def stages(self) -> tuple[Stage, ...]:
        """What is to be done, in order."""
        return self.filling.stages()

    def body(self) -> ComposeResult:
        """The stages on the left where there is room, and the one that is being done."""
        with Horizontal():
            yield Rows(id="stages")
            with Vertical(id="stage"):
                yield Static("Reading …", classes="dim")

    def on_mount(self) -> None:
        """Read what is known, then go where the draft was left."""
        self.query_one("#stages", Rows).can_focus = False
        self._heading()
        self._look(lambda: self._go(drafting.stage_at(self.stages(), self.form.page)))

    def _look(self, then: Callable[[], None]) -> None:
        """Read again what the store knows; the people's records fill what is still empty."""
        centre, form = self.desk_app.desk.centre, self.form
        self._begin_turning()

        def got(known: Known) -> None:
            self.known = known
            filled = drafting.with_records(centre, self.form, known)
            if filled != self.form:
                self.form = filled
                self._touch()
            self._heading()
            then()

        def not_got(error: SanadError) -> None:
            self._turned()
            self.failed(error)

        self.run(lambda: drafting.look_up(centre, form), got, not_got)

    def look_again(self) -> None:
        """Read again, and show the stage anew."""
        self._look(self._show)

    def _heading(self) -> None:
        service = drafting.service_of(self.desk_app.desk.centre, self.form)
        applicant = next(iter(self.form.roles.get("applicant", ())), None)
        view = self.known.people.get(applicant) if applicant else None
        whom = f" for {view.person.name}" if view is not None else ""
        token = f", token {self.form.token}" if self.form.token else ""
        # What changes stands first: the rest may be cut off in a narrow terminal.
        self.head(f"{self._where()}{service.title.en}{whom}{token}")

    def _where(self) -> str:
        if self.stage is None:
            return ""
        stages = self.stages()
        at = next((at for at, each in enumerate(stages) if each == self.stage), 0)
        return f"{at + 1}/{len(stages)} {self.stage.title}{self._kept} — "

    # Turning pages

    def _go(self, at: int, field: str = "") -> None:
        stages = self.stages()
        self.stage = stages[max(0, min(at, len(stages) - 1))]
        self.form = replace(self.form, page=drafting.place_of(self.stage))
        self._show(field)

    def _show(self, field: str = "") -> None:
        if self.stage is None:
            return
        self._heading()
        stages = self.stages()
        shown = self.query_one("#stages", Rows)
        shown.fill([Item(drafting.place_of(each), each.title) for each in stages])
        shown.go(drafting.place_of(self.stage))
        self.run_worker(self._mount(self._widget(self.stage), field), exclusive=True, group="stage")

    async def _mount(self, widget: Widget, field: str) -> None:
        place = self.query_one("#stage")
        with self.app.batch_update():
            await place.remove_children()
            await place.mount(widget)
        if field and isinstance(widget, EditorPage):
            widget.begin(field)
        # After the focus that the widget asked for when it was mounted.
        self.app.call_later(self._turned)

    def _turned(self) -> None:
        if self._turning:
            self._turning = False
            self.desk_app.keys.release()

    def _begin_turning(self) -> None:
        if not self._turning:
            self._turning = True
            self.desk_app.keys.hold()

    def _widget(self, stage: Stage) -> Widget:
        filling = self.filling
        match stage.kind:
            case Kind.PEOPLE:
                return PeopleStage(filling, self.known.people)
            case Kind.FORM:
                return FormPage(pages(filling.service)[stage.page], filling, self._day)
            case Kind.PAPERS:
                return PapersStage(filling, self._papers.told, self._day)
            case Kind.FEE:
                return FeeStage(filling.fee(), drafting.paying_of(self.form))
            case Kind.CHECK:
                return CheckStage(filling, self.person_names(), self._day)

    def _day(self, at: str) -> str:
        return day_of(self.desk_app.desk.centre, at)

    def _at(self) -> int:
        return next((at for at, each in enumerate(self.stages()) if each == self.stage), 0)

    def action_step_on(self) -> None:
        """The next page. Where something on this one is wrong it is shown first; the second time it goes on."""
        page = next(iter(self.query(FormPage)), None)
        wrong = page.find() if page is not None else 0
        if wrong and self._warned != self.stage:
            self._warned = self.stage
            self.say(f"{wrong} to put right on this page. Next again goes on, and leaves it for later.", tone="warning")
            return
        self._warned = None
        self.say("")
        self._turn(1)

    def action_step_back(self) -> None:
        """The page before."""
        self.say("")
        self._turn(-1)

    def _turn(self, by: int) -> None:
        at = self._at() + by
        self._begin_turning()

        # What was attested may have become more, or may contradict what was typed.
        def go() -> None:
            self._look(lambda: self._go(at))

        self._saves.flush(go, go)

    # What is typed

    @on(EditorPage.Answer)
    def _answered(self, event: EditorPage.Answer) -> None:
        event.stop()
        if self.stage is not None and self.stage.kind is Kind.FEE:
            self.form = drafting.with_paying(self.form, event.field, event.value)
        else:
            self.form = drafting.with_answer(self.form, event.field, event.value)
            for page in self.query(FormPage):
                page.show(self.filling)
        self._touch()

    @on(EditorPage.Left)
    def _page_done(self, event: EditorPage.Left) -> None:
        event.stop()
        self.action_step_on()

    @on(Choice.ListWanted)
    def _list(self, event: Choice.ListWanted) -> None:
        event.stop()
        choice = event.choice
        labels = (page.rows[name].label for page in self.query(EditorPage) if (name := page.name_of(choice)))

        def chosen(value: str | None) -> None:
            if value is not None:
                choice.choose(value)

        self.app.push_screen(Pick(next(labels, ""), choice.options, choice.value), chosen)

    def field_help(self) -> str:
        """What the field with the cursor wants."""
        for page in self.query(FormPage):
            field = page.field(page.current())
            if field is not None:
                return f"{field.label.en}. {field.help.en}".strip()
        return ""

    def _snapshot(self) -> Callable[[Session], None]:
        form, store = self.form, self.desk_app.desk.store
        return lambda session: save_draft(store, session, form)

    def _touch(self) -> None:
        """Something changed that is to be kept."""
        self._mark("…")
        self._saves.touch()

    def _mark(self, words: str) -> None:
        if self._kept != f" ({words})":
            self._kept = f" ({words})"
            self._heading()

    def _told(self, error: SanadError | None) -> None:
        self._mark("kept" if error is None else "not kept")
        if error is not None:
            self.say(f"Not saved yet: {error.sentence} {error.next_step}", tone="bad")
        elif self.has_class("unsaved"):
            self.say("Saved.", tone="good")
        self.set_class(error is not None, "unsaved")

    # People

    @on(PeopleStage.Wanted)
    def _find_person(self, event: PeopleStage.Wanted) -> None:
        from tui.screens.people import People

        role, instead = event.role, event.instead
        label = next(each.label.en for each in self.filling.service.roles if each.id == role)

        def found(person: EntityId | None) -> None:
            if person is None:
                return
            there = [each for each in self.form.roles.get(role, ()) if each not in (instead, person)]
            self.form = drafting.with_people(self.form, role, (*there, person))
            self._touch()
            self.look_again()

        self.app.push_screen(People(f"{label}: find or add", picking=True), found)

    @on(PeopleStage.TakenOut)
    def _take_out(self, event: PeopleStage.TakenOut) -> None:
        left = tuple(each for each in self.form.roles.get(event.role, ()) if each != event.person)
        self.form = drafting.with_people(self.form, event.role, left)
        self._touch()
        self.look_again()

    # Papers

    @on(PapersStage.Wanted)
    def _add_paper(self, event: PapersStage.Wanted) -> None:
        rule = next(each for each in self.filling.needed_papers() if each.id == event.rule)
        people = self.form.roles.get(rule.of, ())
        # The application must be in the journal before a paper can be added to it.
        self._saves.flush(lambda: self._papers.add(rule, people, event.how))

    def person_names(self) -> Mapping[str, str]:
        """The people of the application."""
        return {about: person_line(view) for about, view in self.known.people.items()}

    def keep_paper(self, session: Session, new: NewPaper) -> Paper:
        """Add it to the draft, which is begun in the journal first: so the paper survives a crash."""
        centre = self.desk_app.desk.centre
        if not drafting.is_begun(centre.store, self.form.id):
            applications.begin(centre, session, drafting.without_paying(self.form))
        return papers.add_paper(centre, session, self.form.id, new).paper

    # The end

    @on(CheckStage.GoTo)
    def _put_right(self, event: CheckStage.GoTo) -> None:
        stages = self.stages()
        at = next((at for at, each in enumerate(stages) if each == event.lack.stage), 0)
        self._begin_turning()
        self._go(at, event.lack.field)

    def action_finish(self) -> None:
        """From the check: hand it in. From anywhere else: go to the check."""
        if self.stage is None or self.stage.kind is not Kind.CHECK:
            self._look(lambda: self._go(len(self.stages()) - 1))
        elif self.filling.lacks():
            self.say("Put right first what is named above; Enter goes there.", tone="warning")
        else:
            hand_in(self, self._saves)

    def finished(self, found: HandedIn) -> None:
        """It is in: show its case, with what could not be done."""
        from tui.screens.case.file import CaseFile

        troubles = " ".join(str(each) for each in found.troubles)
        receipt = f" Receipt {found.payment.receipt}." if found.payment is not None else ""
        said = f"Handed in as {found.submitted.tracking}.{receipt}"
        self.app.switch_screen(
            CaseFile(found.submitted.application, said=f"{said} {troubles}".strip(), bad=bool(troubles))
        )

    def action_discard(self) -> None:
        """Throw the draft away, with a reason."""

        def told(reason: str | None) -> None:
            if reason:
                discard_draft(self, self._saves, reason)

        self.app.push_screen(Ask("Discard this draft", "Why? What was typed is thrown away."), told)

    def action_leave(self) -> None:
        """Keep it as a draft, and go."""
        self._saves.flush(self._close)

    def _close(self) -> None:
        self.dismiss(None)
