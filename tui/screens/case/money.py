"""The money of a case: taken, waived, voided, given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from appliance.casework import exemptions, money, reversals, shifts
from appliance.casework.charges import Charge, charge
from appliance.casework.exemptions import Asked
from appliance.casework.money import NewPayment, Payment
from appliance.casework.reversals import Refund
from appliance.catalogue import Exemption
from appliance.journal import kinds as k
from appliance.journal.ids import EntityId
from tui.forms import money as amount
from tui.screens.case.base import CaseScreen
from tui.screens.dialogs import Confirm
from tui.widgets.choice import Option
from tui.widgets.stages.fee import LATER, MODES


class MoneyActs(CaseScreen):
    """What is done about a fee."""

    def action_pay(self) -> None:
        """Take the fee that is owed."""
        self.run(lambda: charge(self.centre, self.application), self._ask_how)

    def _ask_how(self, owed: Charge) -> None:
        if not owed.lines:
            self.say("Nothing is owed.")
            return
        words = amount(owed.fee.owed_minor, owed.fee.currency)

        def in_mode(mode: str) -> None:
            if mode == "cash":
                self._take(owed, mode, "")
            else:
                self.ask(
                    f"Take {words}", "The number or reference on it.", lambda number: self._take(owed, mode, number)
                )

        self.pick(f"{words} is owed. How is it paid?", [each for each in MODES if each.id != LATER], in_mode)

    def _take(self, owed: Charge, mode: str, reference: str) -> None:
        view = self.view
        people = () if view is None else view.people
        payer = next((each.name for each in people if view is not None and each.person == view.case.applicant), "")
        payment = NewPayment(self.application, payer, owed.lines, cast("k.PaymentMode", mode), reference)
        self.act(
            lambda session: money.take_payment(self.centre, session, payment),
            lambda taken: self.done(f"Taken: {amount(taken.total_minor, taken.currency)}, receipt {taken.receipt}."),
        )

    def action_ask_exemption(self) -> None:
        """Ask that the fee be waived."""

        def offered(found: tuple[tuple[Exemption, int], ...]) -> None:
            currency = "PKR" if self.view is None else self.view.fee.currency
            rules = [Option(each.id, each.label.en, f"spares {amount(minor, currency)}") for each, minor in found]
            if rules:
                self.pick("Waived because", rules, self._ask_exemption)
            else:
                self.say("This service waives no fee for these answers.")

        self.run(lambda: exemptions.offered(self.centre, self.application), offered)

    def _ask_exemption(self, exemption: str) -> None:
        self.ask(
            "Ask that the fee be waived",
            "What shows it? A second person decides.",
            lambda reason: self.do(
                lambda session: exemptions.ask_exemption(self.centre, session, self.application, exemption, reason),
                "Asked. An officer or supervisor decides; until then the fee is owed.",
            ),
        )

    def action_decide_exemption(self) -> None:
        """Decide on a waiver that was asked for."""

        def found(asked: list[Asked]) -> None:
            waiting = [each for each in asked if each.status == "asked"]
            if not waiting:
                self.say("Nobody asked that its fee be waived.")
                return
            options = [
                Option(each.id, f"{each.exemption}: {amount(each.minor, each.currency)}", each.reason)
                for each in waiting
            ]
            self.pick("Which one?", options, self._decide)

        self.run(lambda: exemptions.exemptions_for(self.store, self.application), found)

    def _decide(self, exemption: str) -> None:
        about = EntityId(exemption)

        def answered(answer: str) -> None:
            if answer == "approve":
                self.do(lambda session: exemptions.approve_exemption(self.store, session, about), "Waived.")
            else:
                self.ask(
                    "Do not waive",
                    "Why not?",
                    lambda reason: self.do(
                        lambda session: exemptions.refuse_exemption(self.store, session, about, reason), "Not waived."
                    ),
                )

        self.pick("Waive it?", [Option("approve", "waive it"), Option("refuse", "do not waive it")], answered)

    def _payments(self, then: Callable[[Payment], None]) -> None:
        def found(payments: list[Payment]) -> None:
            standing = [each for each in payments if not each.voided]
            if not standing:
                self.say("Nothing was paid.")
            else:
                options = [
                    Option(each.id, f"{each.receipt}: {amount(each.total_minor, each.currency)}", each.mode)
                    for each in standing
                ]
                by_id = {each.id: each for each in standing}
                self.pick("Which receipt?", options, lambda it: then(by_id[EntityId(it)]))

        self.run(lambda: money.payments_for(self.store, self.application), found)

    def action_void_payment(self) -> None:
        """Count a payment no more."""
        self._payments(self._void)

    def _void(self, payment: Payment) -> None:
        def reason_given(reason: str) -> None:
            question = Confirm(f"Void receipt {payment.receipt}?", "It counts no more, and its number stays used.")
            self.app.push_screen(question, lambda yes: self._void_for(payment, reason) if yes else None)

        self.ask("Void a receipt", "Why? It is kept.", reason_given)

    def _void_for(self, payment: Payment, reason: str) -> None:
        self.do(lambda session: reversals.void_payment(self.centre, session, payment.id, reason), "Voided.")

    def action_refund(self) -> None:
        """Give money back, all that is left of a payment, in the way it was paid."""
        self._payments(self._refund)

    def _refund(self, payment: Payment) -> None:
        left = payment.total_minor - payment.refunded_minor

        def reason_given(reason: str) -> None:
            if payment.mode != "cash":
                self.ask(
                    f"Reference of the refund of {amount(left, payment.currency)}",
                    "The bank's or gateway's reference.",
                    lambda number: self._give_back(payment, Refund(left, payment.mode, reason, None, number)),
                )
                return
            self.run(
                lambda: shifts.live_shifts(self.store), lambda live: self._from_drawer(payment, left, reason, live)
            )

        self.ask("Refund", f"Why are {amount(left, payment.currency)} given back?", reason_given)

    def _from_drawer(self, payment: Payment, left: int, reason: str, live: list[shifts.Shift]) -> None:
        options = [Option(each.id, f"counter {each.counter}", each.status.value) for each in live]
        if not options:
            self.say("No drawer is open that cash could be taken from.", tone="warning")
            return

        def chosen(drawer: str) -> None:
            self._give_back(payment, Refund(left, "cash", reason, EntityId(drawer)))

        self.pick("From which drawer?", options, chosen)

    def _give_back(self, payment: Payment, given: Refund) -> None:
        self.do(lambda session: reversals.refund(self.centre, session, payment.id, given), "Given back.")
