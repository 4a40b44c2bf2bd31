"""Drawers: opened, counted, handed over by two, closed; what does not agree is named."""

from __future__ import annotations

import pytest

from appliance.access.session import NotPermitted, Role
from appliance.casework import shifts
from appliance.casework.counting import by_notes, in_sum
from appliance.casework.money import take_payment
from appliance.casework.shifts import DrawerDiffers, ShiftStatus
from appliance.journal.errors import OperatorError
from appliance.store.verify import verify_home
from tests.integration.money.conftest import FEE, Till, fee


def test_a_shift_is_opened_with_what_lies_in_the_drawer(till: Till) -> None:
    omar = till.signed_in("omar")
    about = shifts.open_shift(till.centre, omar, by_notes("PKR", {500_00: 1, 100_00: 4}), "PKR")
    found = shifts.shift_of(till.store, omar)
    assert found is not None
    assert (found.id, found.counter, found.float_minor, found.expected_minor) == (about, "1", 900_00, 900_00)
    assert (found.status, found.day) == (ShiftStatus.OPEN, "2026-11-22")


def test_the_day_of_a_shift_is_the_centres_own(till: Till) -> None:
    till.clock.now = till.clock.now.replace(hour=20)
    omar = till.signed_in("omar")
    till.drawer(omar)
    found = shifts.shift_of(till.store, omar)
    assert found is not None
    assert found.day == "2026-11-23"


def test_one_operator_answers_for_one_drawer_and_one_drawer_for_one_operator(till: Till) -> None:
    till.drawer(till.signed_in("omar"))
    with pytest.raises(OperatorError, match="counter 1 already"):
        till.drawer(till.signed_in("omar", counter="2"))
    with pytest.raises(OperatorError, match="Somebody else answers"):
        till.drawer(till.signed_in("rabia"))
    till.drawer(till.signed_in("rabia", counter="2"))


@pytest.mark.parametrize("role", [Role.OFFICER, Role.SUPERVISOR])
def test_only_an_operator_opens_a_drawer(till: Till, role: Role) -> None:
    session = till.supervisor() if role is Role.SUPERVISOR else till.signed_in("omar", role)
    with pytest.raises(NotPermitted):
        till.drawer(session)


def test_a_drawer_is_handed_over_when_both_count_the_same(till: Till) -> None:
    omar, rabia = till.signed_in("omar"), till.signed_in("rabia")
    old = till.drawer(omar)
    take_payment(till.centre, omar, fee(till.application()))
    shifts.count_drawer(till.centre, omar, old, in_sum(1000_00 + FEE))
    new = shifts.take_over(till.centre, rabia, old, in_sum(1000_00 + FEE))
    found = shifts.shift_of(till.store, rabia)
    assert found is not None
    assert (found.id, found.float_minor, found.status) == (new, 1000_00 + FEE, ShiftStatus.OPEN)
    assert shifts.shift_of(till.store, omar) is None
    take_payment(till.centre, rabia, fee(till.application()))
    with pytest.raises(OperatorError, match="no open drawer"):
        take_payment(till.centre, omar, fee(till.application()))
    assert verify_home(till.store.layout, till.key).ok


def test_the_one_who_arrives_and_counts_something_else_is_told_the_difference(till: Till) -> None:
    omar, rabia = till.signed_in("omar"), till.signed_in("rabia")
    drawer = till.drawer(omar)
    shifts.count_drawer(till.centre, omar, drawer, in_sum(1000_00))
    with pytest.raises(DrawerDiffers, match="Rs 50 less") as refused:
        shifts.take_over(till.centre, rabia, drawer, in_sum(950_00))
    assert refused.value.difference_minor == -50_00
    assert shifts.shift_of(till.store, omar) is not None
    shifts.take_over(till.centre, rabia, drawer, in_sum(1000_00))


def test_a_drawer_is_not_taken_over_before_it_was_counted_nor_by_its_own_operator(till: Till) -> None:
    omar, rabia = till.signed_in("omar"), till.signed_in("rabia")
    drawer = till.drawer(omar)
    with pytest.raises(OperatorError, match="is open") as refused:
        shifts.take_over(till.centre, rabia, drawer, in_sum(1000_00))
    assert refused.value.next_step == "Count the drawer first."
    shifts.count_drawer(till.centre, omar, drawer, in_sum(1000_00))
    with pytest.raises(OperatorError, match="to somebody else"):
        shifts.take_over(till.centre, till.signed_in("omar"), drawer, in_sum(1000_00))
    with pytest.raises(OperatorError, match="counter 1, and you signed in at 2"):
        shifts.take_over(till.centre, till.signed_in("rabia", counter="2"), drawer, in_sum(1000_00))


def test_who_takes_over_answers_for_no_other_drawer(till: Till) -> None:
    omar = till.signed_in("omar")
    drawer = till.drawer(omar)
    till.drawer(till.signed_in("rabia", counter="2"))
    shifts.count_drawer(till.centre, omar, drawer, in_sum(1000_00))
    with pytest.raises(OperatorError, match="counter 2 already"):
        shifts.take_over(till.centre, till.signed_in("rabia"), drawer, in_sum(1000_00))


def test_a_counted_drawer_rests_until_its_operator_goes_on(till: Till) -> None:
    omar = till.signed_in("omar")
    drawer = till.drawer(omar)
    shifts.count_drawer(till.centre, omar, drawer, in_sum(1000_00))
    with pytest.raises(OperatorError, match="is counted"):
        take_payment(till.centre, omar, fee(till.application()))
    with pytest.raises(OperatorError, match="Another operator"):
        shifts.resume(till.store, till.signed_in("rabia"), drawer)
    shifts.resume(till.store, omar, drawer, "rabia is late")
    take_payment(till.centre, omar, fee(till.application()))
    with pytest.raises(OperatorError, match="is open"):
        shifts.resume(till.store, omar, drawer)


def test_a_count_that_is_not_what_is_expected_needs_a_reason(till: Till) -> None:
    omar = till.signed_in("omar")
    drawer = till.drawer(omar)
    with pytest.raises(DrawerDiffers, match="Rs 10 more"):
        shifts.count_drawer(till.centre, omar, drawer, in_sum(1010_00))
    shifts.count_drawer(till.centre, omar, drawer, in_sum(1010_00), "somebody left without change")
    shifts.count_drawer(till.centre, omar, drawer, in_sum(1000_00))


def test_a_drawer_that_fits_is_closed_by_its_operator(till: Till) -> None:
    omar = till.signed_in("omar")
    drawer = till.drawer(omar)
    with pytest.raises(OperatorError, match="Another operator"):
        shifts.close_shift(till.centre, till.signed_in("rabia"), drawer, in_sum(1000_00))
    assert shifts.close_shift(till.centre, omar, drawer, in_sum(1000_00)) == 0
    assert shifts.live_shifts(till.store) == []
    with pytest.raises(OperatorError, match="is closed"):
        shifts.close_shift(till.centre, omar, drawer, in_sum(1000_00))
    till.drawer(omar)


def test_a_drawer_that_does_not_fit_is_closed_by_a_supervisor_with_a_reason(till: Till) -> None:
    omar, sana = till.signed_in("omar"), till.supervisor()
    drawer = till.drawer(omar)
    with pytest.raises(DrawerDiffers, match="Rs 20 less") as refused:
        shifts.close_shift(till.centre, omar, drawer, in_sum(980_00), "lost")
    assert "supervisor" in refused.value.next_step
    with pytest.raises(DrawerDiffers):
        shifts.close_shift(till.centre, sana, drawer, in_sum(980_00))
    assert shifts.close_shift(till.centre, sana, drawer, in_sum(980_00), "a note was forged") == -20_00


def test_a_supervisor_counts_what_the_operator_counted(till: Till) -> None:
    omar, sana = till.signed_in("omar"), till.supervisor()
    drawer = till.drawer(omar)
    shifts.count_drawer(till.centre, omar, drawer, in_sum(990_00), "ten short")
    with pytest.raises(DrawerDiffers, match="its operator counted"):
        shifts.close_shift(till.centre, sana, drawer, in_sum(980_00), "twenty short")
    assert shifts.close_shift(till.centre, sana, drawer, in_sum(990_00), "ten short, paid in tomorrow") == -10_00


def test_nobody_closes_their_own_drawer_as_a_supervisor(till: Till) -> None:
    zara = till.signed_in("zara")
    drawer = till.drawer(zara)
    with pytest.raises(OperatorError, match="You answer for that drawer yourself"):
        shifts.close_shift(till.centre, till.supervisor("zara"), drawer, in_sum(0), "all gone")
