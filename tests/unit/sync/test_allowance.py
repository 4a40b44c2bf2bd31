"""A cap in bytes a day: sealed files wait, the count survives a restart, and a new day begins at nothing."""

from __future__ import annotations

from sync.allowance import SAVE_EVERY, Allowance


class Days:
    """What is saved, and which day it is."""

    def __init__(self) -> None:
        self.today = "2026-11-22"
        self.saved: dict[str, int] = {}

    def allowance(self, cap: int | None) -> Allowance:
        return Allowance(
            cap, today=lambda: self.today, load=lambda day: self.saved.get(day, 0), save=self.saved.__setitem__
        )


def test_files_are_sent_up_to_the_cap_and_entries_beyond_it() -> None:
    made = Days().allowance(100)
    assert made.may_send(100)
    made.spend(60)
    assert made.may_send(40)
    assert not made.may_send(41)
    made.spend(500)
    assert not made.may_send(1)


def test_without_a_cap_everything_is_sent() -> None:
    made = Days().allowance(None)
    made.spend(10**12)
    assert made.may_send(10**9)


def test_what_was_sent_survives_a_restart_and_is_saved_now_and_then() -> None:
    days = Days()
    made = days.allowance(10 * SAVE_EVERY)
    made.spend(SAVE_EVERY - 1)
    assert days.saved == {}
    made.spend(1)
    assert days.saved == {days.today: SAVE_EVERY}
    made.spend(5)
    made.close()
    again = days.allowance(10 * SAVE_EVERY)
    assert not again.may_send(9 * SAVE_EVERY)
    assert again.may_send(9 * SAVE_EVERY - 5)


def test_a_new_day_begins_at_nothing() -> None:
    days = Days()
    made = days.allowance(100)
    made.spend(100)
    days.today = "2026-11-23"
    assert made.may_send(100)


def test_the_count_is_saved_when_asked_and_nothing_is_counted_or_saved_once_closed() -> None:
    days = Days()
    made = days.allowance(None)
    made.spend(7)
    made.save()
    assert days.saved == {days.today: 7}
    made.close()
    made.spend(SAVE_EVERY)
    made.save()
    assert days.saved == {days.today: 7}
