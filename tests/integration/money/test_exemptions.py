"""Exemptions: asked for at the counter, reckoned by the catalogue, decided by a second person."""

from __future__ import annotations

import pytest

from appliance.access.session import NotPermitted, Role
from appliance.casework import exemptions
from appliance.casework.charges import WHOLE, charge
from appliance.casework.money import FeeState, NewPayment, fee_state, take_payment
from appliance.catalogue import reckon_fee
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from tests.integration.money.conftest import Till, fee


def state(till: Till, application: EntityId) -> FeeState:
    with till.store.read() as tx:
        return fee_state(tx, till.store.journal, application)


def application(till: Till) -> tuple[EntityId, str, int]:
    """An application for a domicile, with the first exemption that is offered for it, and what it spares."""
    service = till.centre.catalogue.service("domicile")
    about = till.application(reckon_fee(service, {}, till.centre.today()).total_minor)
    rule, minor = exemptions.offered(till.centre, about)[0]
    return about, rule.id, minor


def test_an_exemption_counts_once_a_second_person_approved_it(till: Till) -> None:
    about, rule, minor = application(till)
    asked = exemptions.ask_exemption(till.centre, till.signed_in("omar"), about, rule, "a widow without income")
    assert state(till, about).exempted_minor == 0
    assert [each.id for each in exemptions.undecided_exemptions(till.store)] == [asked]
    with pytest.raises(OperatorError, match="You asked for this exemption yourself"):
        exemptions.approve_exemption(till.store, till.signed_in("omar", Role.OFFICER), asked)
    with pytest.raises(NotPermitted):
        exemptions.approve_exemption(till.store, till.signed_in("rabia"), asked)
    exemptions.approve_exemption(till.store, till.signed_in("rabia", Role.OFFICER), asked, "seen")
    now = state(till, about)
    assert (now.exempted, now.exempted_minor, now.owed_minor) == (True, minor, now.due_minor - minor)
    assert exemptions.undecided_exemptions(till.store) == []
    (kept,) = exemptions.exemptions_for(till.store, about)
    assert (kept.status, kept.remark, kept.exemption, kept.minor) == ("approved", "seen", rule, minor)
    with pytest.raises(OperatorError, match="is approved"):
        exemptions.refuse_exemption(till.store, till.supervisor(), asked, "changed my mind")


def test_what_is_left_of_the_fee_is_paid(till: Till) -> None:
    about, rule, minor = application(till)
    asked = exemptions.ask_exemption(till.centre, till.signed_in("omar"), about, rule, "poor")
    exemptions.approve_exemption(till.store, till.supervisor(), asked)
    rest = charge(till.centre, about)
    assert sum(line.minor for line in rest.lines) == rest.fee.owed_minor
    if rest.lines:
        too_much = fee(about, "psid", "12345678", rest.fee.owed_minor + minor)
        with pytest.raises(OperatorError, match="is more than"):
            take_payment(till.centre, till.signed_in("omar"), too_much)
        payment = NewPayment(about, "Gul Khan", rest.lines, "psid", "12345678")
        take_payment(till.centre, till.signed_in("omar"), payment)
    assert charge(till.centre, about).lines == ()
    assert state(till, about).settled


def test_a_refused_exemption_spares_nothing_and_may_be_asked_for_again(till: Till) -> None:
    about, rule, _ = application(till)
    omar = till.signed_in("omar")
    asked = exemptions.ask_exemption(till.centre, omar, about, rule, "poor")
    with pytest.raises(OperatorError, match="asked for before"):
        exemptions.ask_exemption(till.centre, omar, about, rule, "poor")
    exemptions.refuse_exemption(till.store, till.supervisor(), asked, "owns three houses")
    assert not state(till, about).exempted
    exemptions.ask_exemption(till.centre, omar, about, rule, "they burnt down")


def test_nothing_is_asked_for_that_the_service_does_not_offer_or_without_a_reason(till: Till) -> None:
    about, rule, _ = application(till)
    omar = till.signed_in("omar")
    with pytest.raises(OperatorError, match="cannot be spared"):
        exemptions.ask_exemption(till.centre, omar, about, "friend-of-the-house", "he asked")
    with pytest.raises(OperatorError, match="needs a reason"):
        exemptions.ask_exemption(till.centre, omar, about, rule, "")
    with pytest.raises(OperatorError, match="no such application"):
        exemptions.ask_exemption(till.centre, omar, till.store.new_id(), rule, "poor")


def test_a_fee_that_is_paid_is_spared_no_more(till: Till) -> None:
    about, rule, _ = application(till)
    omar = till.signed_in("omar")
    asked = exemptions.ask_exemption(till.centre, omar, about, rule, "poor")
    take_payment(till.centre, omar, fee(about, "psid", "12345678", state(till, about).due_minor))
    with pytest.raises(OperatorError, match="Only Rs 0 of the fee is still owed") as refused:
        exemptions.approve_exemption(till.store, till.supervisor(), asked)
    assert "refund" in refused.value.next_step


def test_what_is_charged_is_the_lines_of_the_catalogue_or_one_line_where_they_do_not_make_the_fee(till: Till) -> None:
    about, _, _ = application(till)
    service = till.centre.catalogue.service("domicile")
    reckoned = reckon_fee(service, {}, till.centre.today())
    assert [(line.code, line.minor) for line in charge(till.centre, about).lines] == [
        (line.code, line.minor) for line in reckoned.lines
    ]
    other = till.application(reckoned.total_minor + 1_00)
    assert [(line.code, line.minor) for line in charge(till.centre, other).lines] == [
        (WHOLE, reckoned.total_minor + 1_00)
    ]
