"""Deciding on a case: taken up, approved, returned, rejected; appeals; the steps and outside offices before that."""

from __future__ import annotations

from appliance.casework import applications, complaints, decisions, reviewing, steps
from appliance.casework.steps import Progress, progress
from appliance.catalogue import Step
from appliance.journal.ids import EntityId
from appliance.journal.kinds import Outcome
from tui.screens.case.base import CaseScreen
from tui.screens.dialogs import Confirm
from tui.widgets.choice import Option

_OUTCOMES: dict[Outcome, str] = {"positive": "positive", "negative": "negative", "other": "something else"}


class ReviewActs(CaseScreen):
    """What officers decide, and what leads there."""

    def progress(self) -> Progress | None:
        """How far the case has come through the steps of its service."""
        view, service = self.view, self.service
        if view is None or service is None:
            return None
        case = view.case
        day = self.centre.day_of(view.outcome.submitted_at) if view.outcome.submitted_at else self.centre.today()
        return progress(service, case.fields, case.roles, day, view.steps_done, view.waits)

    def action_start_review(self) -> None:
        """Take it up."""
        self.do(
            lambda session: reviewing.start_review(self.store, session, self.application, seen=self.seen),
            "Taken up by you.",
        )

    def action_approve(self) -> None:
        """Approve, with a remark if there is one."""

        def approve(remark: str) -> None:
            self.do(
                lambda session: reviewing.approve(self.centre, session, self.application, remark, seen=self.seen),
                "Approved.",
            )

        self.ask("Approve", "A remark, or nothing. Enter approves, Esc does not.", approve, may_be_empty=True)

    def action_send_back(self) -> None:
        """Return it to the counter, with what it is about and what the citizen must do."""
        service, view = self.service, self.view
        if service is None or view is None:
            return
        # A paper and a field may have the same identifier.
        fields = [
            Option(f"field {each.id}", each.label.en, "answer")
            for each in service.fields
            if each.id in view.case.fields
        ]
        papers = [Option(f"paper {each.id}", each.label.en, "paper") for each in service.papers]

        def about(chosen: str) -> None:
            item = chosen.partition(" ")[2]
            self.ask("Return to the counter", "What must the citizen do?", lambda reason: self._send_back(reason, item))

        self.pick("What is it about?", [Option("", "the whole application"), *papers, *fields], about)

    def _send_back(self, reason: str, item: str) -> None:
        items = (item,) if item else ()
        self.do(
            lambda session: reviewing.send_back(
                self.store, session, self.application, reason, items=items, seen=self.seen
            ),
            "Returned to the counter.",
        )

    def action_reject(self) -> None:
        """Reject, after a reason and a second look."""

        def sure(reason: str, yes: bool | None) -> None:
            if yes:
                self.do(
                    lambda session: reviewing.reject(self.centre, session, self.application, reason, seen=self.seen),
                    "Rejected. The citizen may appeal, where the service says so.",
                )

        def reason_given(reason: str) -> None:
            question = Confirm("Reject this application?", "It cannot be taken back; only an appeal can.")
            self.app.push_screen(question, lambda yes: sure(reason, yes))

        self.ask("Reject", "The reason, as the citizen will read it.", reason_given)

    # Steps and outside offices

    def action_do_step(self) -> None:
        """Say that a step was done here."""
        found = self.progress()
        here = [] if found is None else [*found.open_before_approval, *found.open_after_approval]
        session = self.desk_app.session
        options = [_step_option(each) for each in here if session is not None and each.by == session.role.value]
        if not options:
            self.say("No step of your role is open.")
            return

        def done(step: str) -> None:
            self.ask(
                "A step is done",
                "A remark, or nothing.",
                lambda remark: self.do(
                    lambda session: steps.do_step(self.centre, session, self.application, step, remark, seen=self.seen),
                    "Step done.",
                ),
                may_be_empty=True,
            )

        self.pick("Which step is done?", options, done)

    def action_send_outside(self) -> None:
        """Say that an outside office has it now."""
        found = self.progress()
        ahead = [] if found is None else [*found.open_before_approval, *found.open_after_approval]
        waiting = set() if found is None else {each.id for each in found.waiting}
        options = [_step_option(each) for each in ahead if each.by == "outside" and each.id not in waiting]
        if not options:
            self.say("No outside office is to be asked.")
            return

        def sent(step: str) -> None:
            self.ask(
                "Send outside",
                "The reference under which it goes there, or nothing.",
                lambda reference: self.do(
                    lambda session: steps.send_outside(
                        self.centre, session, self.application, step, reference=reference, seen=self.seen
                    ),
                    "Waiting for the outside office.",
                ),
                may_be_empty=True,
            )

        self.pick("Which office?", options, sent)

    def action_enter_answer(self) -> None:
        """Enter what an outside office answered."""
        found = self.progress()
        options = [] if found is None else [_step_option(each) for each in found.waiting]
        if not options:
            self.say("No outside office has it.")
            return

        def answered(step: str) -> None:
            outcomes = [Option(name, label) for name, label in _OUTCOMES.items()]
            self.pick("What did they answer?", outcomes, lambda outcome: self._answer(step, outcome))

        self.pick("Whose answer?", options, answered)

    def _answer(self, step: str, chosen: str) -> None:
        outcome = next(each for each in _OUTCOMES if each == chosen)

        def remarked(remark: str) -> None:
            self.do(
                lambda session: steps.enter_answer(
                    self.centre, session, self.application, step, outcome, remark=remark, seen=self.seen
                ),
                "Answer entered.",
            )

        question = "What does it say? Its reference belongs here, too."
        self.ask("Answer of the outside office", question, remarked, may_be_empty=outcome == "positive")

    def action_settle_decision(self) -> None:
        """Say how a decision of central was settled that could not be carried out."""
        view = self.view
        open_ones = [] if view is None else [each for each in view.decisions if each.is_contested]
        if not open_ones:
            self.say("No decision of central waits to be settled.")
            return

        def chosen(decision: str) -> None:
            self.ask(
                "How was it settled?",
                next(f"{each.who}: {each.what}" for each in open_ones if each.id == decision),
                lambda how: self.do(
                    lambda session: decisions.settle(self.store, session, self.application, EntityId(decision), how),
                    "Settled; central sees it with the next sync.",
                ),
            )

        self.pick("Which decision?", [Option(each.id, each.what, each.who) for each in open_ones], chosen)

    # The citizen's word

    def action_resubmit(self) -> None:
        """Hand it in again after it was put right."""
        self.ask(
            "Hand in again",
            "What was put right?",
            lambda remark: self.do(
                lambda session: applications.resubmit(self.centre, session, self.application, remark, seen=self.seen),
                "Handed in again.",
            ),
            may_be_empty=True,
        )

    def action_withdraw(self) -> None:
        """End it, because the citizen wants it no more."""

        def sure(reason: str, yes: bool | None) -> None:
            if yes:
                self.do(
                    lambda session: applications.withdraw(
                        self.store, session, self.application, reason, seen=self.seen
                    ),
                    "Withdrawn.",
                )

        def reason_given(reason: str) -> None:
            question = Confirm("Withdraw this application?", "It ends here. A fee that was paid is refunded apart.")
            self.app.push_screen(question, lambda yes: sure(reason, yes))

        self.ask("Withdraw", "Why does the citizen want it no more?", reason_given)

    def action_enter_appeal(self) -> None:
        """Enter the citizen's appeal."""
        self.ask(
            "Appeal",
            "What does the citizen bring forward?",
            lambda reason: self.do(
                lambda session: reviewing.appeal(self.centre, session, self.application, reason, seen=self.seen),
                "Appeal entered.",
            ),
        )

    def action_decide_appeal(self) -> None:
        """Decide an appeal."""
        options = [Option("allowed", "allow it", "it is reviewed again"), Option("dismissed", "dismiss it")]

        def decided(answer: str) -> None:
            self.ask(
                "Decide the appeal",
                "On what grounds?",
                lambda reason: self.do(
                    lambda session: reviewing.decide_appeal(
                        self.centre,
                        session,
                        self.application,
                        allowed=answer == "allowed",
                        reason=reason,
                        seen=self.seen,
                    ),
                    "Appeal decided.",
                ),
            )

        self.pick("The appeal", options, decided)

    def action_complain(self) -> None:
        """Write down a complaint."""
        self.ask(
            "Complaint",
            "What is complained of?",
            lambda text: self.do(
                lambda session: complaints.complain(self.store, session, self.application, text),
                "The complaint is written down.",
            ),
        )


def _step_option(step: Step) -> Option:
    return Option(step.id, step.label.en, step.office or "")
