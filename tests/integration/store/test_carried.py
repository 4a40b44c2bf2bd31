"""One line says whether all is well with carrying the journal, and if not, what to do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from appliance.store import carried
from appliance.store.carried import Stuck
from appliance.store.store import Store
from tests.support.nodes import SteadyClock, new_node


@pytest.fixture
def clock() -> SteadyClock:
    return SteadyClock()


@pytest.fixture
def store(tmp_path: Path, clock: SteadyClock) -> Store:
    return new_node(tmp_path / "home", clock).store


def words(store: Store) -> str:
    return carried.carried(store).words(store.clock())


def test_a_node_that_is_not_enrolled_says_how_to_enrol(store: Store) -> None:
    assert "sanad enrol" in carried.carried(store, enrolled=False).words(store.clock())


def test_what_waits_is_said_and_after_a_day_without_central_what_to_do(store: Store, clock: SteadyClock) -> None:
    store.remember(**{carried.LAST_AT: store.now()})
    assert words(store).startswith("1 entries wait for central")
    assert "courier" not in words(store)
    clock.advance(timedelta(hours=25))
    assert "sanad courier" in words(store)


def test_a_pause_says_how_to_go_on(store: Store) -> None:
    carried.pause(store, paused=True)
    assert carried.is_paused(store)
    assert "sanad sync resume" in words(store)
    assert not carried.carried(store).well
    carried.pause(store, paused=False)
    assert "resume" not in words(store)


def test_what_is_stuck_is_listed_with_a_reason_and_a_next_step(store: Store) -> None:
    items = (Stuck("Sealed file 12ab…", "It is damaged.", "Call central IT."), Stuck("Sealed file 34cd…", "x", "y"))
    store.remember(**{carried.LAST_AT: store.now()})
    carried.remember_stuck(store, items)
    found = carried.carried(store)
    assert found.stuck == items
    assert "It is damaged. Call central IT. (1 more" in words(store)
    assert found.values["stuck"] == [
        {"what": each.what, "reason": each.reason, "next_step": each.next_step} for each in items
    ]


@pytest.mark.parametrize(("skew", "said"), [("300", "5 minutes ahead of"), ("-200000", "2 days behind"), ("60", "")])
def test_a_clock_that_is_off_is_said(store: Store, skew: str, said: str) -> None:
    store.remember(**{carried.LAST_AT: store.now(), carried.SKEW: skew})
    assert said in words(store)
    assert ("Set it." in words(store)) == bool(said)


def test_what_is_remembered_in_another_form_is_as_nothing(store: Store) -> None:
    store.remember(**{carried.STUCK: "{", carried.SENT: "7"})
    found = carried.carried(store)
    assert (found.stuck, found.sent_today) == ((), 0)
    carried.remember_sent(store, store.now()[:10], 12)
    assert carried.carried(store).sent_today == 12
