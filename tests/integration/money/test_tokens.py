"""Tokens: drawn, called, skipped, given up, served; quotas, priorities, and what the board says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from appliance.access.session import NotPermitted, Role, node_session
from appliance.casework import applications, tokens
from appliance.casework.board import board, waiting
from appliance.casework.tokens import Token, TokenStatus
from appliance.journal.errors import OperatorError
from appliance.store.verify import verify_home
from tests.integration.money.conftest import Till


def drawn(till: Till, queue: str = "domicile", priority: str = "") -> Token:
    return tokens.issue_token(till.centre, node_session(), queue=queue, priority=priority)


def test_a_token_is_drawn_for_a_service_by_the_kiosk_or_by_an_operator(till: Till) -> None:
    first = tokens.issue_token(till.centre, node_session(), service="domicile")
    second = tokens.issue_token(till.centre, till.signed_in("omar"), service="domicile", priority="elderly")
    other = tokens.issue_token(till.centre, till.supervisor(), service="birth-registration")
    assert [each.ticket for each in (first, second, other)] == ["A-001", "A-002", "C-001"]
    assert (second.service, second.priority, second.status) == ("domicile", "elderly", TokenStatus.WAITING)
    with pytest.raises(NotPermitted):
        tokens.issue_token(till.centre, till.signed_in("omar", Role.OFFICER), service="domicile")


def test_the_kiosk_may_give_a_token_and_nothing_else_of_it(till: Till) -> None:
    drawn(till)
    with pytest.raises(OperatorError):
        tokens.call_next(till.centre, node_session())


def test_numbers_begin_again_with_the_centres_own_day(till: Till) -> None:
    till.clock.now = till.clock.now.replace(hour=18, minute=59)
    assert [drawn(till).number for _ in range(2)] == [1, 2]
    till.clock.advance(timedelta(minutes=1))
    assert [(each.number, each.day) for each in (drawn(till),)] == [(1, "2026-11-23")]


def test_todays_tokens_come_to_an_end(till: Till) -> None:
    for _ in range(5):
        drawn(till, "licence")
    with pytest.raises(OperatorError, match="Today's 5 tokens of the queue “Driving licence” are given out"):
        drawn(till, "licence")
    drawn(till, "domicile")
    (left,) = (each.left for each in board(till.centre).queues if each.rule.id == "licence")
    assert left == 0
    till.clock.advance(timedelta(days=1))
    assert drawn(till, "licence").number == 1


@pytest.mark.parametrize(("queue", "priority"), [("vip", ""), ("domicile", "friend")])
def test_there_is_no_other_queue_or_priority(till: Till, queue: str, priority: str) -> None:
    with pytest.raises(OperatorError, match="There is no such"):
        drawn(till, queue, priority)


def test_a_token_is_called_served_and_linked_to_the_case(till: Till) -> None:
    drawn(till)
    omar, application = till.signed_in("omar"), till.application()
    called = tokens.call_next(till.centre, omar)
    assert called is not None
    assert (called.ticket, called.counter, called.status) == ("A-001", "1", TokenStatus.CALLED)
    assert tokens.token_at(till.centre, omar) == called
    with pytest.raises(OperatorError, match="no such application"):
        tokens.serve(till.store, omar, called.id, till.store.new_id())
    tokens.serve(till.store, omar, called.id, application)
    after = tokens.token(till.store, called.id)
    assert (after.status, after.application) == (TokenStatus.SERVED, application)
    assert tokens.token_at(till.centre, omar) is None
    assert tokens.call_next(till.centre, omar) is None
    with pytest.raises(OperatorError, match="is served"):
        tokens.call_again(till.centre, omar, called.id)


def test_a_counter_has_one_token_at_a_time(till: Till) -> None:
    drawn(till)
    second = drawn(till)
    omar = till.signed_in("omar")
    tokens.call_next(till.centre, omar)
    with pytest.raises(OperatorError, match="A-001 is at this counter"):
        tokens.call_next(till.centre, omar)
    with pytest.raises(OperatorError, match="A-001 is at this counter"):
        tokens.call_again(till.centre, omar, drawn(till).id)
    found = tokens.call_next(till.centre, till.signed_in("rabia", counter="2"))
    assert found is not None
    assert found.id == second.id


def test_what_yesterday_left_at_a_counter_does_not_hold_it_up(till: Till) -> None:
    left = drawn(till)
    tokens.call_next(till.centre, till.signed_in("omar"))
    till.clock.advance(timedelta(days=1))
    today = drawn(till)
    omar = till.signed_in("omar")
    found = tokens.call_next(till.centre, omar)
    assert found is not None
    assert found.id == today.id
    tokens.serve(till.store, omar, found.id)
    with pytest.raises(OperatorError, match="not of today"):
        tokens.call_again(till.centre, omar, left.id)


def test_who_does_not_come_is_skipped_called_again_and_given_up(till: Till) -> None:
    late = drawn(till)
    omar = till.signed_in("omar")
    tokens.call_next(till.centre, omar)
    again = tokens.call_again(till.centre, omar, late.id)
    assert again.calls == 2
    tokens.skip(till.store, omar, late.id)
    assert tokens.call_next(till.centre, omar) is None, "a skipped token is called by its number alone"
    rabia = till.signed_in("rabia", counter="2")
    assert tokens.call_again(till.centre, rabia, late.id).counter == "2"
    tokens.no_show(till.store, rabia, late.id)
    with pytest.raises(OperatorError, match="is no show"):
        tokens.skip(till.store, rabia, late.id)
    assert tokens.call_again(till.centre, omar, late.id).status is TokenStatus.CALLED, "they came after all"


def test_only_the_counter_that_called_a_token_goes_on_with_it(till: Till) -> None:
    mine = drawn(till)
    tokens.call_next(till.centre, till.signed_in("omar"))
    rabia = till.signed_in("rabia", counter="2")
    for act in (
        lambda: tokens.serve(till.store, rabia, mine.id),
        lambda: tokens.skip(till.store, rabia, mine.id),
        lambda: tokens.no_show(till.store, rabia, mine.id),
        lambda: tokens.call_again(till.centre, rabia, mine.id),
    ):
        with pytest.raises(OperatorError, match="called to counter 1"):
            act()
    tokens.serve(till.store, till.signed_in("rabia"), mine.id)


def test_priorities_and_counters_are_as_configured(till: Till) -> None:
    for priority in ("", "women", "elderly", "women"):
        drawn(till, priority=priority)
    licence = drawn(till, "licence")
    calls = {}
    for counter in ("4", "3", "1", "2"):
        found = tokens.call_next(till.centre, till.signed_in("omar", counter=counter))
        assert found is not None
        calls[counter] = found.ticket
    assert calls == {"4": "A-002", "3": licence.ticket, "1": "A-003", "2": "A-001"}


def test_after_three_priorities_somebody_else_is_called(till: Till) -> None:
    for priority in ["", *["disabled"] * 5]:
        drawn(till, priority=priority)
    omar = till.signed_in("omar")
    numbers = []
    while (found := tokens.call_next(till.centre, omar)) is not None:
        numbers.append(found.number)
        tokens.serve(till.store, omar, found.id)
    assert numbers == [2, 3, 4, 1, 5, 6]


def test_the_board_says_who_is_called_where_and_how_long_the_others_wait(till: Till) -> None:
    for priority in ("", "", "", "elderly"):
        drawn(till, priority=priority)
    omar, rabia = till.signed_in("omar"), till.signed_in("rabia", counter="2")
    first = tokens.call_next(till.centre, omar)
    assert first is not None
    assert [(row.ticket, row.minutes) for row in waiting(till.centre)] == [("A-001", 0), ("A-002", 10), ("A-003", 20)]
    till.clock.advance(timedelta(minutes=6))
    tokens.serve(till.store, omar, first.id)
    tokens.call_next(till.centre, omar)
    tokens.call_next(till.centre, rabia)
    shown = board(till.centre)
    assert [(each.ticket, each.counter) for each in shown.called] == [("A-002", "2"), ("A-001", "1")]
    assert [(row.ticket, row.ahead, row.minutes) for row in shown.rows] == [("A-003", 0, 0)]
    domicile = next(each for each in shown.queues if each.rule.id == "domicile")
    assert (domicile.waiting, domicile.minutes, domicile.left) == (1, 3, None)


def test_a_counter_that_called_nobody_of_late_does_not_count(till: Till) -> None:
    for _ in range(4):
        drawn(till)
    for login, counter in (("omar", "1"), ("rabia", "2")):
        found = tokens.call_next(till.centre, till.signed_in(login, counter=counter))
        assert found is not None
        tokens.serve(till.store, till.signed_in(login, counter=counter), found.id)
    till.clock.advance(timedelta(minutes=31))
    third = drawn(till)
    found = tokens.call_next(till.centre, till.signed_in("omar"))
    assert found is not None
    rows = {row.ticket: row.minutes for row in waiting(till.centre)}
    assert rows == {"A-004": 0, third.ticket: 0}, "served in no time so far"


def test_a_token_is_not_erased_and_the_home_is_whole(till: Till) -> None:
    kept = drawn(till)
    tokens.call_next(till.centre, till.signed_in("omar"))
    with pytest.raises(NotPermitted, match="kept by law"):
        applications.erase(till.store, till.supervisor(), kept.id, "asked to")
    till.store.refold()
    assert verify_home(till.store.layout, till.key).ok
