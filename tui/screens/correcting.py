"""Asking that a certificate be corrected: its form again, with the paper that proves what is wrong."""

from __future__ import annotations

from dataclasses import fields

from appliance.access.session import Session
from appliance.casework import correcting
from appliance.casework.caseview import CaseView, PaperView
from appliance.casework.caseview import case as read_case
from appliance.journal.ids import EntityId
from tui.forms import Filling, Kind, Lack, Stage
from tui.screens.dialogs import Ask, Pick
from tui.screens.puttingright import PuttingRight
from tui.widgets.choice import Option


class Correction(Filling):
    """The form of a certificate that was issued: every answer may be other, its people not, and no paper is asked anew.

    What an officer attested is shown as it was answered; where it is typed otherwise, that is said.
    """

    def stages(self) -> tuple[Stage, ...]:
        """The form, the papers, and the check."""
        return tuple(each for each in super().stages() if each.kind not in (Kind.PEOPLE, Kind.FEE))

    def lacks(self) -> tuple[Lack, ...]:
        """What is wrong with the answers."""
        return tuple(each for each in super().lacks() if each.stage.kind is Kind.FORM)


class Correcting(PuttingRight):
    """What a certificate should have said. Nothing is issued from here: an officer who is another one does that."""

    HELP = (
        "Type the answers as they should be on the certificate, and add the paper that proves it. Where the name, the"
        " date of birth or the number of the person is wrong, put that right under People first. F10 leads to the"
        " check, and from there asks for the correction; another officer issues the new certificate."
    )

    def __init__(self, view: CaseView, number: str) -> None:
        super().__init__(view)
        self._number = number

    def _where(self) -> str:
        return f"Correct {self._number}: {super()._where()}"

    @property
    def filling(self) -> Filling:
        """The form as it should be."""
        found = super().filling
        said = {each.name: getattr(found, each.name) for each in fields(found)}
        return Correction(**{**said, "attested": {}})

    def stages(self) -> tuple[Stage, ...]:
        """The form, the papers, and the check."""
        return self.filling.stages()

    def write(self) -> None:
        """Ask which paper proves it, and why."""
        store, about = self.desk_app.desk.store, self.form.id
        self.run(lambda: read_case(store, about).papers, self._which)

    def _which(self, papers: tuple[PaperView, ...]) -> None:
        if not papers:
            self.say("No paper proves it yet: add one under Papers first.", tone="warning")
            return
        # The newest first: it was added for this.
        options = [Option(each.id, each.label, each.added_at[:10]) for each in reversed(papers)]

        def chosen(paper: str | None) -> None:
            if paper is not None:
                question = "What is wrong, and how did it come about?"
                self.app.push_screen(Ask("Correct the certificate", question), lambda why: self._ask(paper, why))

        self.app.push_screen(Pick("Which paper proves it?", options), chosen)

    def _ask(self, paper: str, reason: str | None) -> None:
        if not reason:
            return
        centre, form, seen, answers = self.desk_app.desk.centre, self.form, self.seen, self.filling.given()

        def ask(session: Session) -> tuple[str, ...]:
            return correcting.ask_correction(
                centre,
                session,
                form.id,
                self._number,
                answers={**dict.fromkeys(form.answers, ""), **answers},
                papers=(EntityId(paper),),
                reason=reason,
                seen=seen,
            )

        self.act(ask, lambda _: self._close())
