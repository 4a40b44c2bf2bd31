"""A print is an intent and an outcome; what is open is asked, never repeated."""

from __future__ import annotations

import pytest

from appliance.casework.printing import (
    AlreadyPrinted,
    Job,
    Outcome,
    PrintOpen,
    PrintState,
    open_prints,
    print_once,
    prints_of,
    settle_print,
)
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, entity_id
from tests.integration.store.conftest import Bench

PAYMENT = entity_id(b"a payment taken.")
JOB = Job("receipt", PAYMENT, "PEW01-R-2026-000001-X", "SIMULATED printer", simulated=True)
PRINTED = Outcome(PrintState.PRINTED, "It is printed.")


class Cut(BaseException):
    """The power, in the middle."""


def states(bench: Bench) -> list[tuple[str, int, str]]:
    return [(one.state.value, one.copy, one.reason) for one in prints_of(bench.store, PAYMENT)]


def test_what_the_printer_confirms_is_printed_once_and_again_only_with_a_reason(bench: Bench) -> None:
    copies: list[int] = []

    def send(copy: int) -> Outcome:
        copies.append(copy)
        return PRINTED

    print_once(bench.store, bench.operator, JOB, send)
    with pytest.raises(AlreadyPrinted):
        print_once(bench.store, bench.operator, JOB, send)
    print_once(bench.store, bench.operator, JOB, send, reason="the citizen lost it")
    assert copies == [1, 2]
    assert states(bench) == [("printed", 1, ""), ("printed", 2, "the citizen lost it")]
    assert open_prints(bench.store) == []


def test_after_a_power_cut_in_the_middle_the_operator_is_asked_and_nothing_is_printed_again(bench: Bench) -> None:
    def cut(_: int) -> Outcome:
        raise Cut

    with pytest.raises(Cut):
        print_once(bench.store, bench.operator, JOB, cut)
    (left,) = open_prints(bench.store)
    assert left.state is PrintState.INTENDED
    for reason in ("", "try again"):
        with pytest.raises(PrintOpen):
            print_once(bench.store, bench.operator, JOB, lambda _: PRINTED, reason=reason)
    settle_print(bench.store, bench.officer, left.id, on_paper=False)
    assert open_prints(bench.store) == []
    print_once(bench.store, bench.operator, JOB, lambda _: PRINTED)
    assert states(bench) == [("incomplete", 1, ""), ("printed", 1, "")]


def test_a_printer_that_cannot_say_leaves_the_print_open_until_somebody_has_looked(bench: Bench) -> None:
    print_once(bench.store, bench.operator, JOB, lambda _: Outcome(PrintState.UNKNOWN, "sent, unconfirmed"))
    (left,) = open_prints(bench.store)
    assert (left.state, left.detail) == (PrintState.UNKNOWN, "sent, unconfirmed")
    settle_print(bench.store, bench.operator, left.id, on_paper=True)
    with pytest.raises(OperatorError):
        settle_print(bench.store, bench.operator, left.id, on_paper=True)
    with pytest.raises(AlreadyPrinted):
        print_once(bench.store, bench.operator, JOB, lambda _: PRINTED)


@pytest.mark.parametrize("state", [PrintState.INCOMPLETE, PrintState.NOT_STARTED])
def test_what_the_printer_knows_not_to_be_whole_may_be_printed_again_at_once(bench: Bench, state: PrintState) -> None:
    print_once(bench.store, bench.operator, JOB, lambda _: Outcome(state, "the paper ended"))
    assert open_prints(bench.store) == []
    print_once(bench.store, bench.operator, JOB, lambda _: PRINTED)
    assert states(bench) == [(state.value, 1, ""), ("printed", 1, "")]


def test_a_receipt_and_a_certificate_of_the_same_thing_do_not_wait_for_each_other(bench: Bench) -> None:
    print_once(bench.store, bench.operator, JOB, lambda _: Outcome(PrintState.UNKNOWN, "?"))
    print_once(bench.store, bench.operator, Job("certificate", PAYMENT, "PEW01-1", "x"), lambda _: PRINTED)
    assert len(open_prints(bench.store)) == 1


def test_only_a_known_open_print_is_settled(bench: Bench) -> None:
    with pytest.raises(OperatorError):
        settle_print(bench.store, bench.operator, EntityId(entity_id(bytes(16))), on_paper=True)
