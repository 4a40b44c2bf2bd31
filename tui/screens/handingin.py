"""The end of a draft: papers into it, handing it in with its fee, or throwing it away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from appliance.access.session import Session
from appliance.casework import applications, drafts, exemptions, money, tokens
from appliance.casework.applications import Submitted
from appliance.casework.centre import Centre
from appliance.casework.charges import charge
from appliance.casework.drafts import DraftForm
from appliance.casework.money import NewPayment, Payment
from appliance.journal import kinds as k
from appliance.journal.errors import SanadError
from appliance.journal.ids import EntityId
from tui.autosave import Autosave
from tui.drafting import Paying, paying_of, without_paying

if TYPE_CHECKING:
    from tui.screens.takingin import TakingIn


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What came of handing in: what was taken for it, and what could not be done after it was in."""

    submitted: Submitted
    payment: Payment | None = None
    troubles: tuple[SanadError, ...] = ()


def hand_in(screen: TakingIn, saves: Autosave) -> None:
    """Hand the draft of a screen in; then its fee is taken, and its case is shown."""
    desk, filling = screen.desk_app.desk, screen.filling
    form = screen.form
    whole = replace(without_paying(form), answers=filling.answers)
    payer = next((screen.known.people[each].person.name for each in form.roles.get("applicant", ())), "")
    screen.say("Handing in …")

    def done(found: HandedIn) -> None:
        saves.stop()
        screen.desk_app.token = None
        screen.finished(found)

    saves.flush(
        lambda: screen.act(lambda session: handed_in(desk.centre, session, whole, paying_of(form), payer), done)
    )


def handed_in(centre: Centre, session: Session, form: DraftForm, paying: Paying, payer: str) -> HandedIn:
    """Hand a form in, ask for what is to be waived, take what is to be paid, and end the token's turn.

    What fails after the application is in does not undo it; it is told, and can be done on its case.

    Raises:
        OperatorError: it was not handed in.
    """
    submitted = applications.submit(centre, session, form)
    payment: Payment | None = None
    troubles: list[SanadError] = []
    try:
        payment = _settle(centre, session, submitted.application, paying, payer)
    except SanadError as error:
        troubles.append(error)
    try:
        called = tokens.token_at(centre, session)
        if called is not None and called.ticket == form.token:
            tokens.serve(centre.store, session, called.id, submitted.application)
    except SanadError as error:
        troubles.append(error)
    return HandedIn(submitted, payment, tuple(troubles))


def _settle(centre: Centre, session: Session, application: EntityId, paying: Paying, payer: str) -> Payment | None:
    if paying.exemption:
        exemptions.ask_exemption(centre, session, application, paying.exemption, paying.reason)
        return None
    owed = charge(centre, application)
    if not paying.mode or not owed.lines:
        return None
    mode = cast("k.PaymentMode", paying.mode)
    return money.take_payment(centre, session, NewPayment(application, payer, owed.lines, mode, paying.reference))


def discard_draft(screen: TakingIn, saves: Autosave, reason: str) -> None:
    """Throw a draft away, and the application that was begun for it."""
    store, form, begun = screen.desk_app.desk.store, screen.form, screen.known.begun

    def discard(session: Session) -> None:
        if begun:
            applications.discard(store, session, form.id, reason)
        else:
            drafts.forget_draft(store, session, form.id)

    def done(_: None) -> None:
        screen.dismiss(None)

    saves.stop()
    screen.act(discard, done)
