"""The agent's loop: how long it waits after what, and that it goes on."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from appliance.journal.errors import IntegrityError, NetworkError, SanadError
from sync.keeping import (
    BACKOFF_CAP_S,
    CLOCK_CAP_S,
    LINK_CAP_S,
    LINK_FIRST_S,
    PAUSE_S,
    TROUBLE_PAUSE_S,
    backoff_s,
    keep_synced,
)
from sync.link import LinkDown, WrongTime
from sync.outcome import SyncOutcome

DONE = SyncOutcome(1, 1, 0, 0, 0, ())


def waits_after(*results: SyncOutcome | SanadError) -> tuple[list[float], list[SyncOutcome | SanadError]]:
    """How long the loop waited before each session, and what it reported."""
    waits: list[float] = []
    reports: list[SyncOutcome | SanadError] = []
    left = list(results)

    def sync(answered: Callable[[], None]) -> SyncOutcome:
        result = left.pop(0)
        if isinstance(result, SanadError):
            raise result
        return result

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return not left

    keep_synced(sync, wait=wait, random=lambda: 1.0, report=reports.append)
    return waits, reports


def test_the_loop_waits_longer_after_each_failure_and_starts_over_after_a_success() -> None:
    down = NetworkError("Down.")
    waits, reports = waits_after(down, down, down, DONE, down)
    assert waits == [0, 1, 2, 4, PAUSE_S, 1]
    assert [isinstance(report, SanadError) for report in reports] == [True, True, True, False, True]


def test_a_link_that_is_down_is_tried_again_at_once_and_then_twice_a_second() -> None:
    down = LinkDown("Down.")
    waits, _ = waits_after(*[down] * 7)
    assert waits[:3] == [0, LINK_FIRST_S, 2 * LINK_FIRST_S]
    assert waits[5:] == [LINK_CAP_S] * 3


def test_a_clock_that_is_wrong_is_soon_noticed_to_be_right_again() -> None:
    waits, _ = waits_after(*[WrongTime("The clock.")] * 8)
    assert waits[:4] == [0, 1, 2, 4]
    assert waits[6:] == [CLOCK_CAP_S] * 3


def test_the_loop_does_not_hurry_after_what_only_people_can_put_right() -> None:
    waits, _ = waits_after(IntegrityError("Fork."), DONE)
    assert waits == [0, TROUBLE_PAUSE_S, PAUSE_S]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_the_wait_is_capped_and_partly_chance(failures: int, chance: float) -> None:
    waited = backoff_s(failures, lambda: chance)
    assert 0.5 <= waited <= BACKOFF_CAP_S
    assert waited >= backoff_s(failures, lambda: 0.0)
    assert backoff_s(failures, lambda: 0.999) > backoff_s(failures, lambda: 0.0)


def test_an_outcome_is_complete_when_all_is_countersigned_and_nothing_is_missing() -> None:
    assert DONE.complete
    assert not SyncOutcome(2, 1, 0, 0, 0, ()).complete


def test_a_link_that_broke_once_central_had_answered_is_tried_again_at_once() -> None:
    waits: list[float] = []

    def sync(answered: Callable[[], None]) -> SyncOutcome:
        if len(waits) == 4:
            answered()
        raise NetworkError("Down.")

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 6

    keep_synced(sync, wait=wait, random=lambda: 1.0, report=lambda _: None)
    assert waits == [0, 1, 2, 4, 1, 2]
