"""The papers of a case: looked at, and attested by an officer who saw the original."""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from appliance.access.session import Session
from appliance.casework import attestation
from appliance.casework.attestation import Leaning, Seen
from appliance.casework.caseview import CaseView, PaperView
from appliance.casework.caseview import case as read_case
from appliance.casework.intake import inspect_paper
from appliance.catalogue import PaperRule, Service
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from tui.keymap import bound
from tui.latin import latin
from tui.screens.base import DeskScreen
from tui.screens.case.base import CaseScreen
from tui.screens.picture import ShowPicture
from tui.widgets.choice import Option
from tui.widgets.line import Line
from tui.widgets.page import EditorPage

MAX_FACTS: Final = 8
"""Facts of one paper on the screen, beside what was seen and until when it holds."""


class PaperActs(CaseScreen):
    """What is done with papers."""

    def paper_under(self) -> PaperView | None:
        """The paper under the cursor."""
        raise NotImplementedError

    def action_view_paper(self) -> None:
        """Show the paper under the cursor large."""
        paper = self.paper_under()
        if paper is None:
            self.say("There is no paper under the cursor.")
            return
        self.say("Opening …")

        def picture() -> bytes:
            return inspect_paper(self.store.open_blob(paper.digest)).thumbnail_png

        def show(png: bytes) -> None:
            self.say("")
            self.app.push_screen(ShowPicture(f"{paper.label}, first of {paper.pages or 1}", png))

        self.run(picture, show)

    def action_attest(self) -> None:
        """Attest the paper under the cursor; where there is none, ask which."""
        view, service, paper = self.view, self.service, self.paper_under()
        if view is None or service is None or not view.papers:
            self.say("There is no paper to attest.")
            return
        if paper is not None:
            self._attest(view, service, paper)
            return
        options = [Option(each.id, each.label) for each in view.papers]
        by_id = {each.id: each for each in view.papers}
        self.pick("Which paper?", options, lambda it: self._attest(view, service, by_id[EntityId(it)]))

    def _attest(self, view: CaseView, service: Service, paper: PaperView) -> None:
        rule = next((each for each in service.papers if each.id == paper.rule), None)
        people = [each for each in view.people if not paper.of or each.person == paper.of]
        if rule is not None and not paper.of:
            people = [each for each in view.people if each.role == rule.of] or people
        if not people:
            self.say("Nobody in this case is named for this paper.", tone="warning")
            return
        names = {each.person: each.name for each in view.people}

        def of(person: str) -> None:
            screen = Attest(self, view, service, paper, rule, EntityId(person), names[EntityId(person)])
            self.app.push_screen(screen, lambda done: self.done("Attested.") if done else None)

        self.pick(
            "Whose paper is it?", [Option(each, names[each]) for each in dict.fromkeys(p.person for p in people)], of
        )

    def action_withdraw_attestation(self) -> None:
        """Take an attestation back; say what leans on it."""
        view = self.view
        made = () if view is None else (*view.made_here, *view.leans_on)
        standing = {each.id: each for each in made if not each.withdrawn_at}
        if not standing:
            self.say("No attestation stands here.")
            return
        options = [
            Option(each.id, f"{each.paper_kind} of {', '.join(each.facts)}", each.original)
            for each in standing.values()
        ]

        def chosen(it: str) -> None:
            about = EntityId(it)
            self.ask(
                "Withdraw an attestation", "Why? What leans on it is flagged.", lambda why: self._withdraw(about, why)
            )

        self.pick("Which attestation?", options, chosen)

    def _withdraw(self, about: EntityId, reason: str) -> None:
        def withdraw(session: Session) -> list[Leaning]:
            attestation.withdraw_attestation(self.store, session, about, reason)
            return attestation.leaning_on(self.store, about)

        def done(leaning: list[Leaning]) -> None:
            named = ", ".join(each.tracking for each in leaning)
            self.done(f"Withdrawn. On it leaned: {named}." if leaning else "Withdrawn; nothing leaned on it.")

        self.act(withdraw, done)


class Attest(DeskScreen[bool]):
    """What an officer saw: which original, what it says, until when it holds."""

    HEADING = "Attest"
    HELP = (
        "Only with the original in your hands. Compare each fact with it: correct what differs, empty what it does not "
        "say. What you attest is not asked of this citizen again while it holds."
    )
    BINDINGS: ClassVar[list[BindingType]] = bound(finish="Attest")

    def __init__(
        self,
        case: CaseScreen,
        view: CaseView,
        service: Service,
        paper: PaperView,
        rule: PaperRule | None,
        person: EntityId,
        name: str,
    ) -> None:
        super().__init__()
        self._case = case
        self._view = view
        self._paper = paper
        self._person = person
        self._name = name
        self._facts = facts_of(service, view, rule)

    def body(self) -> ComposeResult:
        """The facts that the paper proves, as the form says them; what was seen."""
        yield Static(latin(f"{self._paper.label} of {self._name}"), classes="title", markup=False)
        yield AttestPage(self._facts)

    def on_mount(self) -> None:
        """Begin with what was seen."""
        self.query_one(AttestPage).begin("original")

    @on(EditorPage.Left)
    def _last(self) -> None:
        self.action_finish()

    def action_finish(self) -> None:
        """Attest."""
        typed = self.query_one(AttestPage).values()
        try:
            until = date.fromisoformat(typed["until"].strip()) if typed["until"].strip() else None
        except ValueError:
            self.failed(OperatorError("That is no day.", "Write it as 2027-12-31, or leave it empty."))
            return
        facts = {fact: typed[fact].strip() for fact, _, _ in self._facts if typed[fact].strip()}
        what = Seen(self._paper.id, self._person, typed["original"], facts, until)
        case, seen = self._case, self._view.last_seq
        self.act(
            lambda session: attestation.attest(case.centre, session, case.application, what, seen=seen),
            lambda _: self._done(),
        )

    def _done(self) -> None:
        self.dismiss(True)

    def look_again(self) -> None:
        """Read the case again, so that the next try knows what changed; what was typed stays."""
        store, application = self.desk_app.desk.store, self._case.application

        def got(view: CaseView) -> None:
            self._view = view

        self.run(lambda: read_case(store, application), got)


class AttestPage(EditorPage):
    """A line for what was seen, one for each fact, and one for the last day."""

    def __init__(self, facts: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__(id="page")
        self._facts = facts

    def compose(self) -> ComposeResult:
        """The lines."""
        seen = Line(placeholder="the card itself; the certificate with its seal", max_length=200)
        yield self.row("original", "Original that you hold", seen, mark="*")
        for fact, label, value in self._facts:
            yield self.row(fact, label, Line(value, max_length=200))
        yield self.row("until", "Valid until (empty: no end)", Line(placeholder="2027-12-31", max_length=10))


def facts_of(service: Service, view: CaseView, rule: PaperRule | None) -> tuple[tuple[str, str, str], ...]:
    """What a paper proves: the fact, its label in the form, and what the form says of it."""
    found = []
    for fact in () if rule is None else rule.proves[:MAX_FACTS]:
        field = next((each for each in service.fields if each.fact == f"{rule.of}.{fact}"), None) if rule else None
        label = fact.replace("_", " ").capitalize() if field is None else field.label.en
        found.append((fact, label, "" if field is None else view.case.fields.get(field.id, "")))
    return tuple(found)
