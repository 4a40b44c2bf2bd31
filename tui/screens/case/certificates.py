"""A certificate after it was issued: asked to be corrected or revoked by one person, done or refused by another."""

from __future__ import annotations

from appliance.access.session import Role, Session
from appliance.casework import correcting, revoking
from appliance.casework.certificates import CORRECTION, REVOCATION, Certificate, Request, State
from tui.screens.case.base import CaseScreen
from tui.screens.case.words import in_words
from tui.screens.dialogs import Confirm, Pick
from tui.widgets.choice import Option

DO, LEAVE = "do", "leave"


class CertificateActs(CaseScreen):
    """What is done about a certificate that holds."""

    @property
    def certificate(self) -> Certificate | None:
        """The one that holds."""
        found = () if self.view is None else self.view.certificates
        return next((each for each in found if each.state is State.VALID), None)

    def asked(self, what: str) -> Request | None:
        """What is open about it."""
        requests = () if self.view is None else self.view.requests
        return next((each for each in requests if each.is_open and each.what == what), None)

    # One person asks

    def action_ask_correction(self) -> None:
        """The form again, as it should have been."""
        from tui.screens.correcting import Correcting

        view, found = self.view, self.certificate
        if view is None or found is None:
            self.say("No certificate of this case holds.")
        elif self.asked(CORRECTION) is not None:
            self.say("A correction was asked for; it is decided first.", tone="warning")
        else:
            self.app.push_screen(Correcting(view, found.number), lambda _: self.look_again())

    def action_ask_revocation(self) -> None:
        """Why, by a code that anybody can read, and in words that stay here."""
        found = self.certificate
        if found is None:
            self.say("No certificate of this case holds.")
            return

        def coded(code: str) -> None:
            self.ask(
                f"Ask that {found.number} be revoked",
                "What happened? These words stay in the journal.",
                lambda reason: self.do(
                    lambda session: revoking.ask_revocation(
                        self.store, session, self.application, found.number, code, reason, seen=self.seen
                    ),
                    "Asked. An officer or supervisor who is somebody else decides; until then it is not given out.",
                ),
            )

        options = [Option(code, code.replace("_", " "), words) for code, words in revoking.REASONS.items()]
        self.pick("Why should it hold no more? Anybody can read this.", options, coded)

    # Another does it

    def action_decide_revocation(self) -> None:
        """Revoke it, or leave it valid."""
        found, asked = self.certificate, self.asked(REVOCATION)
        if found is None or asked is None:
            self.say("Nobody asked that it be revoked.")
            return
        options = [
            Option(LEAVE, "leave it valid", "with a reason"),
            Option(DO, "revoke it", f"{asked.reason_code.replace('_', ' ')}: {asked.reason}"),
        ]
        self.pick(
            f"{asked.asked_by_name} asked that {found.number} be revoked.",
            options,
            lambda chosen: self._revoke(found) if chosen == DO else self._leave(asked),
        )

    def _revoke(self, found: Certificate) -> None:
        def sure(yes: bool | None) -> None:
            if yes:
                self.do(
                    lambda session: revoking.revoke(
                        self.store, session, self.application, found.number, seen=self.seen
                    ),
                    f"{found.number} is revoked. The public list says so after the next sync.",
                )

        words = "Nothing brings it back. It is not printed, corrected or handed over any more."
        self.app.push_screen(Confirm(f"Revoke the certificate {found.number}?", words), sure)

    def _leave(self, asked: Request) -> None:
        refuse = revoking.refuse_revocation if asked.what == REVOCATION else correcting.refuse_correction

        def leave(session: Session, reason: str) -> None:
            refuse(self.store, session, self.application, asked.number, reason, seen=self.seen)

        self.ask(
            f"Leave {asked.number} as it is",
            "Why?",
            lambda reason: self.do(lambda session: leave(session, reason), "It stays as it is."),
        )

    def action_decide_correction(self) -> None:
        """Look at what would change, then issue the new certificate, or leave the old one."""
        found, asked, session = self.certificate, self.asked(CORRECTION), self.desk_app.session
        if found is None or asked is None or session is None:
            self.say("Nobody asked that it be corrected.")
            return
        options = [Option(LEAVE, "leave it as it is", "with a reason")]
        if session.role is Role.OFFICER:
            said = "; ".join(f"{label}: {value}" for label, value in in_words(asked, self.service))
            options.append(Option(DO, "look at the corrected certificate, and issue it", said))
        heading = f"{asked.asked_by_name} asked: {asked.reason}"

        def chosen(what: str | None) -> None:
            if what == DO:
                self._correct(found)
            elif what == LEAVE:
                self._leave(asked)

        self.app.push_screen(Pick(heading, options), chosen)

    def _correct(self, found: Certificate) -> None:
        from tui.screens.correcting import CorrectCertificate

        def done(words: str | None) -> None:
            if words is None:
                self.look_again()
            else:
                self.done(f"{words} {found.number} is superseded. Hand the new one over.")

        self.app.push_screen(CorrectCertificate(self.application, found.number), done)

    def action_take_back(self) -> None:
        """An operator takes back what they asked themselves."""
        session = self.desk_app.session
        mine = [
            each
            for what in (CORRECTION, REVOCATION)
            if (each := self.asked(what)) is not None and session is not None and each.asked_by == session.actor
        ]
        if not mine:
            self.say("You asked for nothing that is open.")
            return
        by_what = {each.what: each for each in mine}
        options = [Option(each.what, f"the {each.what}", each.reason) for each in mine]
        self.pick("What do you take back?", options, lambda what: self._leave(by_what[what]))
