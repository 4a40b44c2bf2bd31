"""Fees: paid once, in full, with a receipt that has its own number, and a reference that pays once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from appliance.access.session import NotPermitted, Role
from appliance.casework import applications, shifts
from appliance.casework.counting import in_sum
from appliance.casework.money import (
    NewPayment,
    fee_state,
    payment_numbered,
    payment_of,
    payments_for,
    payments_on,
    take_payment,
)
from appliance.casework.receipt_numbers import is_receipt_number
from appliance.casework.reversals import Refund, refund, void_payment
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.store.store import Draft
from appliance.store.verify import verify_home
from tests.integration.money.conftest import FEE, Till, fee


def settled(till: Till, application: str) -> bool:
    with till.store.read() as tx:
        return fee_state(tx, till.store.journal, application).settled


def test_a_fee_is_paid_in_cash_and_the_receipt_says_so(till: Till) -> None:
    omar = till.signed_in("omar")
    drawer, application = till.drawer(omar), till.application()
    assert not settled(till, application)
    taken = take_payment(till.centre, omar, fee(application))
    assert (taken.total_minor, taken.currency, taken.mode, taken.shift) == (FEE, "PKR", "cash", drawer)
    assert (taken.payer, taken.day, taken.taken_by) == ("Gul Khan", "2026-11-22", omar.actor)
    assert taken.lines == (k.PaymentLine("line0", "Line 0", 200_00), k.PaymentLine("line1", "Line 1", 20_00))
    assert settled(till, application)
    assert payment_of(till.store, taken.id) == taken == payment_numbered(till.store, taken.receipt.lower())
    assert payments_for(till.store, application) == [taken]


def test_receipts_are_numbered_from_one_each_year_without_gaps(till: Till) -> None:
    omar = till.signed_in("omar")
    till.drawer(omar)
    numbers = [take_payment(till.centre, omar, fee(till.application())).receipt for _ in range(3)]
    assert [number[:-2] for number in numbers] == [f"R-PEW01-2026-00000{n}" for n in (1, 2, 3)]
    assert all(map(is_receipt_number, numbers))
    till.clock.now = datetime(2027, 1, 4, 5, tzinfo=UTC)
    late = till.signed_in("omar")
    assert take_payment(till.centre, late, fee(till.application())).receipt.startswith("R-PEW01-2027-000001-")


def test_the_receipts_of_a_day_are_listed_by_their_numbers_page_by_page(till: Till) -> None:
    omar = till.signed_in("omar")
    taken = [take_payment(till.centre, omar, fee(till.application(), "challan", f"CH{n}")) for n in range(3)]
    assert payments_on(till.store, "2026-11-22") == taken
    assert payments_on(till.store, "2026-11-22", taken[0].receipt) == taken[1:]
    assert payments_on(till.store, "2026-11-23") == []


def test_a_refused_payment_uses_no_number_and_a_void_one_keeps_its_own(till: Till) -> None:
    omar = till.signed_in("omar")
    till.drawer(omar)
    first = take_payment(till.centre, omar, fee(till.application()))
    with pytest.raises(OperatorError):
        take_payment(till.centre, omar, fee(till.application(), "cash", "", 1_00))
    void_payment(till.centre, till.supervisor(), first.id, "wrong person")
    second = take_payment(till.centre, omar, fee(till.application()))
    assert second.receipt.startswith("R-PEW01-2026-000002-")
    assert payment_of(till.store, first.id).voided


@pytest.mark.parametrize(
    ("minor", "said"),
    [(219_99, "Rs 219.99 is less than the Rs 220 owed"), (221_00, "Rs 221 is more than the Rs 220 owed")],
)
def test_a_part_of_a_fee_and_more_than_it_are_refused_with_both_amounts(till: Till, minor: int, said: str) -> None:
    omar = till.signed_in("omar")
    till.drawer(omar)
    application = till.application()
    with pytest.raises(OperatorError, match=said):
        take_payment(till.centre, omar, fee(application, "cash", "", minor))
    assert payments_for(till.store, application) == []


def test_a_fee_is_paid_once(till: Till) -> None:
    omar = till.signed_in("omar")
    till.drawer(omar)
    application = till.application()
    take_payment(till.centre, omar, fee(application))
    with pytest.raises(OperatorError, match="Nothing is owed"):
        take_payment(till.centre, omar, fee(application))
    with pytest.raises(OperatorError, match="Nothing is owed"):
        take_payment(till.centre, omar, fee(till.application(fee_minor=0), "cash", "", 1_00))


def test_cash_needs_an_open_drawer_of_that_operator_at_that_counter(till: Till) -> None:
    omar = till.signed_in("omar")
    application = till.application()
    with pytest.raises(OperatorError, match="no open drawer"):
        take_payment(till.centre, omar, fee(application))
    till.drawer(till.signed_in("rabia"))
    with pytest.raises(OperatorError, match="no open drawer"):
        take_payment(till.centre, omar, fee(application))
    elsewhere = till.signed_in("omar", counter="2")
    till.drawer(elsewhere)
    with pytest.raises(OperatorError, match="no open drawer"):
        take_payment(till.centre, omar, fee(application))
    take_payment(till.centre, elsewhere, fee(application))


def test_what_was_paid_at_a_bank_needs_no_drawer(till: Till) -> None:
    taken = take_payment(till.centre, till.signed_in("omar"), fee(till.application(), "psid", "1001 2345-6789"))
    assert (taken.reference, taken.shift) == ("100123456789", "")


def test_a_drawer_takes_one_currency(till: Till) -> None:
    omar = till.signed_in("omar")
    till.drawer(omar)
    with pytest.raises(OperatorError, match="holds PKR, and the fee is in INR"):
        take_payment(till.centre, omar, fee(till.application(currency="INR")))


@pytest.mark.parametrize("again", ["CH-2026/000123", "ch 2026 000123", "CH۲۰۲۶۰۰۰۱۲۳"])
def test_a_challan_pays_once_however_it_is_written(till: Till, again: str) -> None:
    omar = till.signed_in("omar")
    first = take_payment(till.centre, omar, fee(till.application(), "challan", "CH-2026/000123"))
    with pytest.raises(OperatorError, match=f"has paid before: receipt {first.receipt}"):
        take_payment(till.centre, omar, fee(till.application(), "challan", again))
    take_payment(till.centre, omar, fee(till.application(), "online", again))


def test_the_challan_of_a_void_payment_may_pay_and_that_of_a_refunded_one_may_not(till: Till) -> None:
    omar, sana = till.signed_in("omar"), till.supervisor()
    wrong = take_payment(till.centre, omar, fee(till.application(), "challan", "CH1"))
    void_payment(till.centre, sana, wrong.id, "another application's")
    right = take_payment(till.centre, omar, fee(till.application(), "challan", "CH1"))
    refund(till.centre, sana, right.id, Refund(FEE, "online", "not eligible", reference="TR 0001"))
    with pytest.raises(OperatorError, match="has paid before"):
        take_payment(till.centre, omar, fee(till.application(), "challan", "CH1"))


@pytest.mark.parametrize("status", ["rejected", "withdrawn"])
def test_nobody_pays_for_what_is_over(till: Till, status: str) -> None:
    application = till.application()
    body: k.Body = k.ApplicationWithdrawn(reason="moved away")
    who = till.signed_in("omar")
    if status == "rejected":
        body, who = k.ApplicationRejected(reason="not from here"), till.signed_in("rabia", Role.OFFICER)
    till.store.commit(who, lambda _: [Draft(body, application)])
    with pytest.raises(OperatorError, match=f"is {status}, so nothing is paid"):
        take_payment(till.centre, till.signed_in("omar"), fee(application, "psid", "12345678"))


def test_nobody_pays_for_what_is_not_there_nor_without_a_name(till: Till) -> None:
    omar, application = till.signed_in("omar"), till.application()
    with pytest.raises(OperatorError, match="no such application"):
        take_payment(till.centre, omar, fee(till.store.new_id(), "psid", "12345678"))
    with pytest.raises(OperatorError, match="Who pays"):
        take_payment(till.centre, omar, fee(application, "psid", "12345678", payer=" "))
    with pytest.raises(OperatorError, match="lines"):
        take_payment(till.centre, omar, NewPayment(application, "Gul Khan", (), "psid", "12345678"))
    with pytest.raises(OperatorError, match="no such receipt"):
        payment_numbered(till.store, "R-PEW01-2026-000001-X")


@pytest.mark.parametrize("role", [Role.OFFICER, Role.SUPERVISOR])
def test_only_an_operator_takes_money(till: Till, role: Role) -> None:
    session = till.supervisor() if role is Role.SUPERVISOR else till.signed_in("omar", role)
    with pytest.raises(NotPermitted):
        take_payment(till.centre, session, fee(till.application(), "psid", "12345678"))


# Undoing


def test_a_void_needs_a_supervisor_who_did_not_take_it_and_a_reason(till: Till) -> None:
    zara = till.signed_in("zara")
    till.drawer(zara)
    application = till.application()
    taken = take_payment(till.centre, zara, fee(application))
    with pytest.raises(NotPermitted):
        void_payment(till.centre, till.signed_in("omar"), taken.id, "wrong")
    with pytest.raises(OperatorError, match="You took this payment yourself"):
        void_payment(till.centre, till.supervisor("zara"), taken.id, "wrong")
    with pytest.raises(OperatorError, match="needs a reason"):
        void_payment(till.centre, till.supervisor(), taken.id, " ")
    void_payment(till.centre, till.supervisor(), taken.id, "wrong")
    assert not settled(till, application)
    found = shifts.shift_of(till.store, zara)
    assert found is not None
    assert found.expected_minor == 1000_00
    with pytest.raises(OperatorError, match="is void"):
        void_payment(till.centre, till.supervisor(), taken.id, "wrong")
    take_payment(till.centre, zara, fee(application))
    assert verify_home(till.store.layout, till.key).ok


def test_cash_that_was_counted_and_handed_on_is_refunded_and_not_voided(till: Till) -> None:
    omar, rabia, sana = till.signed_in("omar"), till.signed_in("rabia"), till.supervisor()
    old = till.drawer(omar)
    taken = take_payment(till.centre, omar, fee(till.application()))
    shifts.count_drawer(till.centre, omar, old, in_sum(1000_00 + FEE))
    new = shifts.take_over(till.centre, rabia, old, in_sum(1000_00 + FEE))
    with pytest.raises(OperatorError, match="is handed over") as refused:
        void_payment(till.centre, sana, taken.id, "wrong")
    assert "Refund" in refused.value.next_step
    with pytest.raises(OperatorError, match="handed over"):
        refund(till.centre, sana, taken.id, Refund(FEE, "cash", "wrong", old))
    refund(till.centre, sana, taken.id, Refund(FEE, "cash", "wrong", new))
    found = shifts.shift_of(till.store, rabia)
    assert found is not None
    assert found.expected_minor == 1000_00


def test_no_more_is_given_back_than_was_paid_nor_than_the_drawer_holds(till: Till) -> None:
    omar, sana = till.signed_in("omar"), till.supervisor()
    drawer = till.drawer(omar, float_minor=0)
    by_bank = take_payment(till.centre, omar, fee(till.application(), "challan", "CH1"))
    with pytest.raises(OperatorError, match="holds only Rs 0"):
        refund(till.centre, sana, by_bank.id, Refund(100_00, "cash", "not eligible", drawer))
    in_cash = take_payment(till.centre, omar, fee(till.application()))
    refund(till.centre, sana, by_bank.id, Refund(100_00, "cash", "not eligible", drawer))
    with pytest.raises(OperatorError, match="Rs 120 can be given back"):
        refund(till.centre, sana, by_bank.id, Refund(120_01, "cash", "not eligible", drawer))
    with pytest.raises(OperatorError, match="holds only Rs 120"):
        void_payment(till.centre, sana, in_cash.id, "wrong")
    with pytest.raises(OperatorError, match="was given back"):
        void_payment(till.centre, sana, by_bank.id, "wrong")
    assert payment_of(till.store, by_bank.id).refunded_minor == 100_00


def test_a_refund_has_a_second_person_and_a_way(till: Till) -> None:
    zara, omar = till.signed_in("zara"), till.signed_in("omar", counter="2")
    own, other = till.drawer(zara), till.drawer(omar)
    taken = take_payment(till.centre, omar, fee(till.application()))
    boss = till.supervisor("zara")
    with pytest.raises(OperatorError, match="that drawer yourself"):
        refund(till.centre, boss, taken.id, Refund(FEE, "cash", "not eligible", own))
    with pytest.raises(OperatorError, match="out of a drawer"):
        refund(till.centre, boss, taken.id, Refund(FEE, "cash", "not eligible"))
    with pytest.raises(OperatorError, match="out of a drawer"):
        refund(till.centre, boss, taken.id, Refund(FEE, "online", "not eligible", other, "TR0001"))
    with pytest.raises(OperatorError, match="needs a reason"):
        refund(till.centre, boss, taken.id, Refund(FEE, "cash", "", other))
    with pytest.raises(NotPermitted):
        refund(till.centre, till.signed_in("rabia"), taken.id, Refund(FEE, "cash", "not eligible", other))
    refund(till.centre, boss, taken.id, Refund(FEE, "cash", "not eligible", other))


# Kept by law


def test_a_payment_a_shift_and_a_token_are_not_erased(till: Till) -> None:
    omar, sana = till.signed_in("omar"), till.supervisor()
    drawer, application = till.drawer(omar), till.application()
    taken = take_payment(till.centre, omar, fee(application))
    for about in (drawer, taken.id):
        with pytest.raises(NotPermitted, match="kept by law"):
            applications.erase(till.store, sana, about, "asked to")
    applications.erase(till.store, sana, application, "asked to")
    assert payment_of(till.store, taken.id).service == "domicile"
