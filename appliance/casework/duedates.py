"""When an application is due: the promised days from the day it was received, less those on which they stood still.

An appeal that is allowed promises them anew.

They stand still while an application is back with the citizen, and while an outside office has it whose time is not
counted. The day on which a pause begins counts still; the day on which it ends does not count any more, as the day on
which an application is received does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from sqlalchemy import select

from appliance.casework.cases import Case, key
from appliance.casework.centre import Centre
from appliance.catalogue import Days, due_date
from appliance.records import tables as t
from appliance.records.database import Tx

_ONE_DAY: Final = timedelta(days=1)
_OBJECTIONS: Final = select(t.objections.c.at, t.objections.c.answered_at).where(t.where_key(t.objections))
_STANDING: Final = select(t.waits.c.since, t.waits.c.answered_at).where(t.where_key(t.waits), t.waits.c.clock_runs == 0)

Pause = tuple[date, date]


def pauses(centre: Centre, tx: Tx, application: str, today: date) -> list[Pause]:
    """First and last day of each pause so far; one that is not over ends today."""
    names = key(centre.store.journal, application)
    spans = [*tx.all(_OBJECTIONS, names), *tx.all(_STANDING, names)]
    days = ((centre.day_of(since), centre.day_of(until) if until else today) for since, until in spans)
    return sorted((since + _ONE_DAY, until) for since, until in days if until > since)


def due(centre: Centre, tx: Tx, case: Case, today: date, days: Days | None = None) -> str:
    """The due date as it is, if no pause goes on after today; empty where nothing was promised.

    Args:
        centre: whose calendar.
        tx: the commit's transaction.
        case: the application.
        today: at the centre.
        days: what is promised now, where that changes.
    """
    if not case.promised_from:
        return ""
    return reckon(
        centre,
        date.fromisoformat(case.promised_from),
        case.days if days is None else days,
        pauses(centre, tx, case.id, today),
    )


def reckon(centre: Centre, received: date, days: Days, paused: Sequence[Pause] = ()) -> str:
    """The last day on which a promise is kept that was made on `received`."""
    return due_date(received, days, centre.calendar, paused).isoformat()
