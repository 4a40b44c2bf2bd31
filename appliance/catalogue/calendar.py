"""Promised days on a centre's calendar. Everything here takes dates and gives dates; it knows no clock.

The day on which an application is taken in does not count (day 0). A day counts when it is not within a pause and,
for working days, neither weekend nor holiday. A due date that falls on a closed day moves to the next open one, also
for calendar days: nobody can hand anything over on a closed day.
"""

from __future__ import annotations

import calendar as gregorian
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from appliance.journal.errors import OperatorError

SATURDAY: Final = 5
SUNDAY: Final = 6
MAX_PROMISED_DAYS: Final = 3650
# Ten years of promised days, once over for pauses and closed days.
_MAX_STEPS: Final = 4 * MAX_PROMISED_DAYS
_ONE_DAY: Final = timedelta(days=1)

Pause = tuple[date, date]
"""First and last day on which the promised days do not run, both inclusive."""


@dataclass(frozen=True, slots=True)
class Days:
    """A number of promised days, working days or calendar days. 0 means the same day."""

    count: int
    working: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a centre is closed.

    Args:
        weekend: days of the week as `date.weekday` counts them, Monday 0 to Sunday 6.
        holidays: single closed days.
    """

    weekend: frozenset[int] = frozenset({SUNDAY})
    holidays: frozenset[date] = frozenset()

    def is_open(self, day: date) -> bool:
        """Whether the centre works on that day."""
        return day.weekday() not in self.weekend and day not in self.holidays


class NoOpenDay(OperatorError):
    """The calendar leaves no day on which the work could be done."""

    def __init__(self) -> None:
        super().__init__(
            "The calendar of this centre leaves no open day for the promised days.",
            "Look through its weekend and holidays, and through the pauses of this application.",
        )


def due_date(start: date, days: Days, calendar: Calendar, paused: Sequence[Pause] = ()) -> date:
    """The last day on which the promise is kept.

    Args:
        start: the day on which the application was taken in; it does not count.
        days: what was promised.
        calendar: when the centre is closed.
        paused: pauses in any order; they may overlap.

    Raises:
        NoOpenDay: no such day within ten times the longest promise.
    """
    day, left = start, days.count
    for _ in range(_MAX_STEPS):
        open_day = calendar.is_open(day)
        running = not any(first <= day <= last for first, last in paused)
        if day > start and running and (open_day or not days.working):
            left -= 1
        if left <= 0 and open_day and running:
            return day
        if day == date.max:
            break
        day += _ONE_DAY
    raise NoOpenDay


def working_days_between(start: date, end: date, calendar: Calendar) -> int:
    """Open days after `start`, up to and with `end`; negative if `end` is earlier."""
    if end < start:
        return -working_days_between(end, start, calendar)
    return sum(calendar.is_open(start + timedelta(days=after)) for after in range(1, (end - start).days + 1))


def add_months(day: date, months: int) -> date:
    """The same day so many months later; the last day of the month where that month is shorter.

    It stops at the last date there is.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, gregorian.monthrange(year, month + 1)[1]))
