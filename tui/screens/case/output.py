"""What leaves the centre: a receipt, a certificate, and who took it; and the citizen's signature on the pad."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from appliance.access.session import Session
from appliance.casework import delivery, reprinting, signatures
from appliance.casework.caseview import CaseView
from appliance.casework.delivery import Receiver
from appliance.casework.money import Payment, payments_for
from appliance.casework.printing import Job, Outcome
from appliance.casework.receipts import receipt_picture
from appliance.catalogue import Service
from appliance.certificates.signingtext import apply_for, render_buttons, render_signing_text
from appliance.journal.ids import EntityId
from devices.contracts import Cut, JobOutcome, PadCapability, Picture, Raster, Signature, SigningScreen
from tui.latin import latin
from tui.printing import asked, print_by, print_paper
from tui.screens.case.certificates import CertificateActs
from tui.screens.case.signing import Signing
from tui.widgets.choice import Option
from tui.widgets.formpage import label_of

MAX_LINES: int = 6
"""Lines of an application that a pad shows."""
SIGNED: str = "Signed; the signature is sealed with the application."


class OutputActs(CertificateActs):
    """Signing, printing, issuing, handing over."""

    def action_sign(self) -> None:
        """Let somebody of the case sign on the pad, under what they apply for."""
        view, pad = self.view, self.desk_app.devices.pad
        seal = self.desk_app.desk.seal_signature
        if view is None or pad is None or seal is None:
            self.say("No signature pad is assigned to this counter.", tone="warning")
            return

        def of(person: str) -> None:
            shown, document = what_is_signed(view, self.service.title.en if self.service else view.case.service)
            digest, service, language = hashlib.sha256(document).digest(), self.service, self.centre.rules.language

            def screen(capability: PadCapability) -> SigningScreen:
                return signing_screen(capability, digest, shown, said_natively(view, service, language), language)

            def keep(session: Session, signature: Signature) -> None:
                signed = seal(signature, "application")
                signatures.take_signature(self.store, session, self.application, EntityId(person), signed)

            words = (*shown, "", *answers_signed(view, self.service))
            self.app.push_screen(Signing(pad, screen, words, keep, SIGNED), self._signed)

        self.pick("Who signs?", [Option(each.person, each.name, each.role) for each in view.people], of)

    def _signed(self, words: str | None) -> None:
        if words == SIGNED:
            self.done(words)
        elif words:
            self.say(words, tone="warning")

    # Paper

    def action_print_receipt(self) -> None:
        """Print a receipt."""
        printer, centre = self.desk_app.devices.receipts, self.centre
        if printer is None:
            self.say("No receipt printer is assigned to this counter.", tone="warning")
            return

        def chosen(payment: Payment) -> None:
            marks = ("SIMULATED",) if printer.identity.simulated else ()
            job = Job("receipt", payment.id, payment.receipt, printer.identity.model, printer.identity.simulated)

            def send(copy: int) -> JobOutcome:
                picture = receipt_picture(centre, payment, copy=copy, marks=marks, width_dots=printer.width_dots)
                return printer.print([Raster(Picture(picture)), Cut()])

            print_paper(self, job, send)

        def found(payments: list[Payment]) -> None:
            by_id = {str(each.id): each for each in payments if not each.voided}
            options = [Option(name, each.receipt, each.day) for name, each in by_id.items()]
            if options:
                self.pick("Which receipt?", options, lambda it: chosen(by_id[it]))
            else:
                self.say("Nothing was paid.")

        self.run(lambda: payments_for(self.store, self.application), found)

    def action_issue(self) -> None:
        """Show the certificate, and sign or seal what was shown."""
        from tui.screens.issuing import IssueCertificate

        def done(words: str | None) -> None:
            if words is None:
                self.look_again()
            else:
                self.done(words)

        self.app.push_screen(IssueCertificate(self.application), done)

    def action_print_certificate(self) -> None:
        """Print the certificate that holds; from the second time on, a duplicate of it."""
        printer, centre, found = self.desk_app.devices.pages, self.centre, self.certificate
        desk = self.desk_app.desk
        if printer is None:
            self.say("No page printer is assigned to this counter.", tone="warning")
            return
        if found is None:
            self.say("No certificate of this case holds.")
            return
        at = printer

        def send(pdf: bytes, _: int) -> Outcome:
            return asked(desk, lambda: at.print_pdf(pdf, title=found.number))

        def how(session: Session, reason: str) -> Outcome:
            who = at.identity
            return reprinting.print_certificate(
                centre, session, found, send, printer=who.model, simulated=who.simulated, reason=reason
            )

        print_by(self, how, simulated=at.identity.simulated)

    def action_hand_over(self) -> None:
        """Hand it over: to somebody in the case, or to a named representative."""
        view = self.view
        if view is None:
            return
        people = {each.person: each for each in view.people if each.name}
        options = [Option(each.person, each.name, each.role) for each in people.values()]

        def to(chosen: str) -> None:
            if chosen == view.case.applicant:
                self._hand_over(Receiver(person=EntityId(chosen)))
            elif chosen:
                self._ask_authority(Receiver(person=EntityId(chosen), relation=people[EntityId(chosen)].role))
            else:
                self.ask("Hand over", "Name of the representative.", self._ask_relation)

        self.pick("To whom?", [*options, Option("", "somebody else", "a named representative")], to)

    def _ask_relation(self, name: str) -> None:
        question = "What are they to the applicant?"
        self.ask("Relation", question, lambda relation: self._ask_authority(Receiver(name=name, relation=relation)))

    def _ask_authority(self, receiver: Receiver) -> None:
        def told(authority: str) -> None:
            self._hand_over(Receiver(receiver.person, receiver.name, receiver.relation, authority))

        known = receiver.person is not None
        more = " Nothing, where it is written down under People, or scanned in this case." if known else ""
        self.ask("Authority", f"Which paper entitles them?{more}", told, may_be_empty=known)

    def _hand_over(self, receiver: Receiver) -> None:
        self.do(
            lambda session: delivery.deliver(self.centre, session, self.application, receiver, seen=self.seen),
            "Handed over.",
        )


def what_is_signed(view: CaseView, title: str) -> tuple[tuple[str, ...], bytes]:
    """What the pad shows of an application, and the document that the signature is bound to.

    The document is the application as it stands, as canonical JSON: its tracking number, service, people and answers.
    """
    case = view.case
    document = json.dumps(
        {"tracking": case.tracking, "service": case.service, "roles": case.roles, "fields": case.fields},
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    ).encode()
    names = [f"{each.role}: {each.name}" for each in view.people]
    return (f"I apply for: {title}", case.tracking, *names[: MAX_LINES - 2]), document


def answers_signed(view: CaseView, service: Service | None) -> tuple[str, ...]:
    """The answers that the citizen signs, each under its label, for a screen that has room for all of them."""
    asked = {} if service is None else {each.id: each for each in service.fields}
    told = []
    for name, value in view.case.fields.items():
        field = asked.get(name)
        if value:
            told.append(f"{field.label.en}: {label_of(field, value)}" if field else f"{name}: {value}")
    return tuple(told)


def said_natively(view: CaseView, service: Service | None, language: str) -> tuple[str, ...]:
    """What the pad shows of an application, in the citizens' language as far as it is written down in it."""
    case = view.case
    title = case.service if service is None else service.title.values.get(language, service.title.en)
    roles = {} if service is None else {each.id: each.label for each in service.roles}
    people = [
        f"{roles[each.role].values.get(language, roles[each.role].en) if each.role in roles else each.role}: "
        f"{each.name_native or each.name}"
        for each in view.people
    ]
    return (f"{apply_for(language)}: {title}", case.tracking, *people[: MAX_LINES - 2])


def signing_screen(
    capability: PadCapability, digest: bytes, lines: tuple[str, ...], native: tuple[str, ...], language: str
) -> SigningScreen:
    """What a pad shows: in the citizens' language where it fits on its screen, else in Latin letters."""
    plain = SigningScreen(digest, tuple(map(latin, lines)))
    if not capability.has_screen:
        return plain
    picture = render_signing_text(native, language, *capability.text_px)
    if picture is None:
        return plain
    buttons = render_buttons(language, *capability.buttons_px)
    return replace(plain, picture=Picture(picture), buttons=Picture(buttons))
