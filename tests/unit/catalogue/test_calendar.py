"""Due dates on a centre's calendar: known weeks, and laws that hold for any calendar."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.catalogue.calendar import (
    SATURDAY,
    SUNDAY,
    Calendar,
    Days,
    NoOpenDay,
    add_months,
    due_date,
    working_days_between,
)

FRIDAY = date(2026, 11, 20)
SIX_DAYS = Calendar()
FIVE_DAYS = Calendar(frozenset({SATURDAY, SUNDAY}), frozenset({date(2026, 11, 25)}))
ONE_DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "days", "calendar", "due"),
    [
        (FRIDAY, Days(0, working=True), SIX_DAYS, FRIDAY),
        (FRIDAY, Days(1, working=True), SIX_DAYS, date(2026, 11, 21)),
        (FRIDAY, Days(2, working=True), SIX_DAYS, date(2026, 11, 23)),
        (FRIDAY, Days(1, working=True), FIVE_DAYS, date(2026, 11, 23)),
        (FRIDAY, Days(3, working=True), FIVE_DAYS, date(2026, 11, 26)),
        (FRIDAY, Days(10, working=True), FIVE_DAYS, date(2026, 12, 7)),
        # Calendar days that end on a closed day end on the next open one.
        (FRIDAY, Days(2, working=False), SIX_DAYS, date(2026, 11, 23)),
        (FRIDAY, Days(5, working=False), FIVE_DAYS, date(2026, 11, 26)),
        # Taken in on a closed day: the same day is the next open one.
        (date(2026, 11, 22), Days(0, working=True), SIX_DAYS, date(2026, 11, 23)),
    ],
)
def test_known_weeks(start: date, days: Days, calendar: Calendar, due: date) -> None:
    assert due_date(start, days, calendar) == due


def test_days_of_a_pause_do_not_count_however_pauses_lie() -> None:
    days = Days(3, working=True)
    assert due_date(FRIDAY, days, SIX_DAYS) == date(2026, 11, 24)
    pause = (date(2026, 11, 21), date(2026, 11, 27))
    inside = (date(2026, 11, 23), date(2026, 11, 24))
    assert due_date(FRIDAY, days, SIX_DAYS, [pause]) == date(2026, 12, 1)
    assert due_date(FRIDAY, days, SIX_DAYS, [inside, pause]) == date(2026, 12, 1)
    assert due_date(FRIDAY, days, SIX_DAYS, [(date(2026, 11, 25), date(2026, 12, 30))]) == date(2026, 11, 24)


@pytest.mark.parametrize("calendar", [Calendar(frozenset(range(7))), SIX_DAYS])
def test_a_centre_that_never_opens_promises_nothing(calendar: Calendar) -> None:
    forever = [(FRIDAY, date.max)] if calendar is SIX_DAYS else []
    with pytest.raises(NoOpenDay):
        due_date(FRIDAY, Days(1, working=True), calendar, forever)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        ("2026-08-31", 6, "2027-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-12-31", 1, "2027-01-31"),
        ("2026-11-20", 0, "2026-11-20"),
        ("9999-12-01", 1, "9999-12-31"),
    ],
)
def test_months_later(day: str, months: int, later: str) -> None:
    assert add_months(date.fromisoformat(day), months) == date.fromisoformat(later)


dates = st.dates(date(2020, 1, 1), date(2035, 1, 1))
calendars = st.builds(
    Calendar,
    st.frozensets(st.integers(0, 6), max_size=3),
    st.frozensets(st.dates(date(2020, 1, 1), date(2020, 12, 31)), max_size=20),
)
nearby = st.dates(date(2020, 1, 1), date(2020, 12, 31))
pauses = st.lists(
    st.tuples(nearby, st.integers(0, 20)).map(lambda each: (each[0], each[0] + each[1] * ONE_DAY)), max_size=4
)


@given(nearby, st.integers(0, 40), calendars)
def test_so_many_working_days_lie_between_the_start_and_the_due_date(
    start: date, count: int, calendar: Calendar
) -> None:
    due = due_date(start, Days(count, working=True), calendar)
    assert calendar.is_open(due)
    assert working_days_between(start, due, calendar) == (count or (0 if due == start else 1))


@given(nearby, st.integers(0, 40), st.booleans(), calendars, pauses)
@settings(deadline=None)
def test_a_pause_or_one_more_day_never_brings_the_due_date_nearer(
    start: date, count: int, working: bool, calendar: Calendar, paused: list[tuple[date, date]]
) -> None:
    due = due_date(start, Days(count, working), calendar)
    held = due_date(start, Days(count, working), calendar, paused)
    assert held >= due >= start
    assert due_date(start, Days(count + 1, working), calendar, paused) >= held
    assert calendar.is_open(held)
    assert not any(first <= held <= last for first, last in paused)
    assert due_date(start, Days(count, working), calendar, paused[::-1]) == held


@given(dates, dates, dates, calendars)
def test_working_days_add_up(one: date, two: date, three: date, calendar: Calendar) -> None:
    first, second, third = sorted((one, two, three))
    between = working_days_between
    assert between(first, second, calendar) + between(second, third, calendar) == between(first, third, calendar)
    assert between(third, first, calendar) == -between(first, third, calendar)


@given(dates, st.integers(0, 600), st.integers(0, 600))
def test_more_months_are_never_earlier(day: date, fewer: int, more: int) -> None:
    fewer, more = sorted((fewer, more))
    assert add_months(day, fewer) <= add_months(day, more)
    later = add_months(day, more)
    assert (later.year - day.year) * 12 + later.month - day.month == more
