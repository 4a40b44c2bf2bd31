"""Correcting a certificate: its form again, with the paper that proves what is wrong; and by another, the new one."""

from __future__ import annotations

from dataclasses import fields
from typing import Literal

from appliance.access.session import Session
from appliance.casework import correcting, superseding
from appliance.casework.caseview import CaseView, PaperView
from appliance.casework.caseview import case as read_case
from appliance.casework.issuing import Issued, Prepared, ShownOtherwise
from appliance.casework.superseding import Correction
from appliance.certificates.signer import DocumentSigner
from appliance.journal.ids import EntityId
from tui.forms import Filling, Kind, Lack, Stage
from tui.screens.dialogs import Ask, Pick
from tui.screens.issuing import IssueCertificate
from tui.screens.puttingright import PuttingRight
from tui.widgets.choice import Option


class CorrectedForm(Filling):
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
        return CorrectedForm(**{**said, "attested": {}})

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


class CorrectCertificate(IssueCertificate):
    """The corrected certificate, looked at and signed as a first one is; the old one is superseded with it."""

    HEADING = "Sign and issue the corrected certificate"

    def __init__(self, application: EntityId, number: str) -> None:
        super().__init__(application)
        self._number = number
        self._correction: Correction | None = None

    def make(self, session: Session, drawn: bytes | None, sealed_by: Literal["centre"] | None) -> Prepared:
        """Prepare it, from what was asked for."""
        self._correction = superseding.prepare_correction(
            self.desk_app.desk.centre,
            session,
            self._application,
            self._number,
            signature_png=drawn,
            sealed_by=sealed_by,
        )
        return self._correction.prepared

    def sign(self, session: Session, prepared: Prepared, signer: DocumentSigner | None) -> Issued:
        """Sign exactly that, and supersede the old one in the same commit."""
        shown = self._correction
        if shown is None or shown.prepared is not prepared:
            raise ShownOtherwise
        centre = self.desk_app.desk.centre
        return superseding.correct(centre, session, self._application, self._number, correction=shown, signer=signer)
