"""Putting a case right at the counter: its form again, with its papers; written down with a reason when all is done."""

from __future__ import annotations

from appliance.access.session import Session
from appliance.casework import applications
from appliance.casework.caseview import CaseView
from appliance.casework.caseview import case as read_case
from appliance.casework.drafts import DraftForm
from tui import drafting
from tui.forms import Kind, Stage
from tui.screens.dialogs import Ask, Confirm
from tui.screens.takingin import TakingIn


class PuttingRight(TakingIn):
    """The form of an application that was taken in. Papers are added at once; answers are written at the end."""

    HELP = (
        "Correct the answers and add papers; F10 leads to the check, and from there writes the corrections with your "
        "reason. Papers are added at once. Esc leaves the answers as they were."
    )

    def __init__(self, view: CaseView) -> None:
        case = view.case
        super().__init__(DraftForm(case.id, case.service, dict(case.fields), case.roles, digest=case.service_digest))
        self._before = self.form
        self.seen = view.last_seq
        # What is corrected is no draft: it is written when all of it is done.
        self._saves.stop()

    def stages(self) -> tuple[Stage, ...]:
        """All but the fee, which was settled or is owed on the case."""
        return tuple(each for each in super().stages() if each.kind is not Kind.FEE)

    def _touch(self) -> None:
        """Nothing is kept until the end."""

    @property
    def is_changed(self) -> bool:
        """Whether an answer or a person is another one than before."""
        now, before = drafting.without_paying(self.form), self._before
        return (dict(now.answers), dict(now.roles)) != (dict(before.answers), dict(before.roles))

    def look_again(self) -> None:
        """Read what others did meanwhile; the next try knows it."""
        store, about = self.desk_app.desk.store, self.form.id

        def got(view: CaseView) -> None:
            self.seen = view.last_seq
            self._look(self._show)

        self.run(lambda: read_case(store, about), got)

    def action_finish(self) -> None:
        """From the check: write it, with a reason. From anywhere else: go to the check."""
        if self.stage is None or self.stage.kind is not Kind.CHECK:
            super().action_finish()
        elif self.filling.lacks():
            self.say("Put right first what is named above; Enter goes there.", tone="warning")
        else:
            self.write()

    def write(self) -> None:
        """All is checked: write what is new, with a reason."""
        if not self.is_changed:
            self.dismiss(None)
        else:
            self.app.push_screen(Ask("Put right", "What was corrected, and by what paper?"), self._amend)

    def _amend(self, reason: str | None) -> None:
        if not reason:
            return
        centre, form, seen, answers = self.desk_app.desk.centre, self.form, self.seen, self.filling.answers

        def amend(session: Session) -> None:
            applications.amend(centre, session, form.id, answers=answers, roles=form.roles, reason=reason, seen=seen)

        self.act(amend, lambda _: self._close())

    def action_discard(self) -> None:
        """A case is not thrown away."""
        self.say("A case that was taken in is withdrawn, not discarded.")

    def action_leave(self) -> None:
        """Leave; what was corrected and not written is asked about first."""
        if not self.is_changed:
            self._close()
            return

        def sure(yes: bool | None) -> None:
            if yes:
                self._close()

        self.app.push_screen(
            Confirm("Leave the corrections?", "They were not written; the case stays as it was."), sure
        )


class AddingPapers(PuttingRight):
    """The papers of a case alone: each is added at once, and nothing else changes."""

    HELP = (
        "Enter or Ctrl+A adds a file as the paper under the cursor, Ctrl+E scans it. F10 or Esc goes back to the case."
    )

    def stages(self) -> tuple[Stage, ...]:
        """The papers."""
        return tuple(each for each in super().stages() if each.kind is Kind.PAPERS)

    def action_finish(self) -> None:
        """Back to the case."""
        self._close()
