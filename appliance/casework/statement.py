"""The day's statement: what came in and went out on one local day, by service and by mode, and what each drawer held.

Everything stands on the day on which it happened: a payment that is voided tomorrow stays on today's statement and is
taken off tomorrow's. So the statement of a day that is over never changes. Each currency has a sheet of its own.

A sheet adds up in two ways that are read separately: the lines by service and mode, and the drawers. `check` compares
them, and so finds a table that was changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select

from appliance.journal import kinds as k
from appliance.journal.errors import IntegrityError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.records.statements import found_by
from appliance.store.store import Store

_SUMS: Final = (sa.func.count(), sa.func.coalesce(sa.func.sum(t.payments.c.total_minor), 0))
_GROUP: Final = (t.payments.c.currency, t.payments.c.service, t.payments.c.mode)
_TAKEN: Final = select(*_GROUP, *_SUMS).where(found_by(t.payments, "day")).group_by(*_GROUP)
_VOIDED: Final = select(*_GROUP, *_SUMS).where(found_by(t.payments, "voided_day")).group_by(*_GROUP)
_GIVEN: Final = (t.payments.c.currency, t.payments.c.service, t.refunds.c.mode)
_REFUNDED: Final = (
    select(*_GIVEN, sa.func.count(), sa.func.coalesce(sa.func.sum(t.refunds.c.minor), 0))
    .join(t.payments, sa.and_(t.payments.c.journal == t.refunds.c.journal, t.payments.c.about == t.refunds.c.about))
    .where(found_by(t.refunds, "day"))
    .group_by(*_GIVEN)
)
_SHIFTS_AT_WORK: Final = (
    select(t.payments.c.shift).where(found_by(t.payments, "day")),
    select(t.payments.c.shift).where(found_by(t.payments, "voided_day")),
    select(t.refunds.c.shift).where(found_by(t.refunds, "day")),
)
_DRAWERS: Final = (
    select(
        t.shifts.c.about,
        t.shifts.c.operator,
        t.shifts.c.counter,
        t.shifts.c.currency,
        t.shifts.c.status,
        t.shifts.c.float_minor,
        t.shifts.c.from_shift,
        t.shifts.c.ended_day,
        t.shifts.c.counted_minor,
        t.shifts.c.expected_minor,
        t.shifts.c.reason,
    )
    .where(
        t.shifts.c.journal == bindparam("journal"),
        # By the days of its shift; or, where a clock was set back, by what went in or out.
        sa.or_(
            sa.and_(
                t.shifts.c.day <= bindparam("day"),
                sa.or_(t.shifts.c.ended_day == "", t.shifts.c.ended_day >= bindparam("day")),
            ),
            *(t.shifts.c.about.in_(found) for found in _SHIFTS_AT_WORK),
        ),
    )
    .order_by(t.shifts.c.counter, t.shifts.c.opened_at, t.shifts.c.about)
)
_CASH: Final = (found_by(t.payments, "shift"), t.payments.c.mode == "cash")
# Not summed here: grouping by days would read them all.
_PAID: Final = select(t.payments.c.day, t.payments.c.total_minor).where(*_CASH)
_UNPAID: Final = select(t.payments.c.voided_day, t.payments.c.total_minor).where(*_CASH, t.payments.c.voided == 1)
_GIVEN_BACK: Final = select(t.refunds.c.day, t.refunds.c.minor).where(
    found_by(t.refunds, "shift"), t.refunds.c.mode == "cash"
)


@dataclass(frozen=True, slots=True)
class Sums:
    """What was taken, voided and given back, in minor units, with how many times each."""

    taken: int = 0
    taken_minor: int = 0
    voided: int = 0
    voided_minor: int = 0
    refunded: int = 0
    refunded_minor: int = 0

    @property
    def net_minor(self) -> int:
        """What is left of it."""
        return self.taken_minor - self.voided_minor - self.refunded_minor

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.taken + other.taken,
            self.taken_minor + other.taken_minor,
            self.voided + other.voided,
            self.voided_minor + other.voided_minor,
            self.refunded + other.refunded,
            self.refunded_minor + other.refunded_minor,
        )


@dataclass(frozen=True, slots=True)
class StatementLine:
    """What one service brought in one mode. A refund stands under the mode in which it was given back."""

    service: str
    mode: k.PaymentMode
    sums: Sums


@dataclass(frozen=True, slots=True)
class Drawer:
    """One shift's drawer on the day.

    Attributes:
        opening_minor: what lay in it when the day, or the shift on that day, began.
        cash_in_minor, voided_minor, cash_out_minor: what was taken, voided and given back on the day.
        from_shift: the shift that handed it over; empty where the drawer was opened with a new float.
        ended: whether it was handed over or closed on the day.
        counted_minor: the last count of one that ended; None for one that goes on.
        difference_minor: what was counted less what was expected then; 0 for one that goes on.
        reason: for its difference.
    """

    shift: EntityId
    operator: str
    counter: str
    opening_minor: int
    cash_in_minor: int
    voided_minor: int
    cash_out_minor: int
    from_shift: str
    ended: bool
    handed_over: bool
    counted_minor: int | None
    difference_minor: int
    reason: str

    @property
    def expected_minor(self) -> int:
        """What must lie in it at its end, or at the day's."""
        return self.opening_minor + self.cash_in_minor - self.voided_minor - self.cash_out_minor


@dataclass(frozen=True, slots=True)
class Sheet:
    """The statement in one currency."""

    currency: k.Currency
    lines: tuple[StatementLine, ...]
    drawers: tuple[Drawer, ...]

    @property
    def by_service(self) -> dict[str, Sums]:
        """What each service brought."""
        return _summed((line.service, line.sums) for line in self.lines)

    @property
    def by_mode(self) -> dict[str, Sums]:
        """What came in each way."""
        return _summed((line.mode, line.sums) for line in self.lines)

    @property
    def total(self) -> Sums:
        """All of it."""
        return sum((line.sums for line in self.lines), Sums())

    @property
    def differences_minor(self) -> int:
        """What the drawers that ended held more than expected; less than 0: what was missing."""
        return sum(drawer.difference_minor for drawer in self.drawers)

    def check(self) -> None:
        """Compare the cash of the lines with that of the drawers.

        Raises:
            IntegrityError: they differ.
        """
        cash = self.by_mode.get("cash", Sums())
        drawn = (
            sum(drawer.cash_in_minor for drawer in self.drawers),
            sum(drawer.voided_minor for drawer in self.drawers),
            sum(drawer.cash_out_minor for drawer in self.drawers),
        )
        if drawn != (cash.taken_minor, cash.voided_minor, cash.refunded_minor):
            raise IntegrityError(
                f"The day's cash in {self.currency} is not what went through the drawers.",
                "Run `sanad journal verify`, and call central IT.",
            )


@dataclass(frozen=True, slots=True)
class Statement:
    """What happened to money on one local day, a sheet for each currency."""

    day: str
    sheets: tuple[Sheet, ...] = field(default=())

    def sheet(self, currency: k.Currency) -> Sheet:
        """The sheet of a currency; an empty one where nothing happened in it."""
        return next((each for each in self.sheets if each.currency == currency), Sheet(currency, (), ()))


def day_statement(store: Store, day: str) -> Statement:
    """The statement of a local day, `YYYY-MM-DD`.

    Raises:
        IntegrityError: it does not add up.
    """
    with store.read() as tx:
        lines = list(_lines(tx, store.journal, day))
        drawers = list(_drawers(tx, store.journal, day))
    currencies = sorted({currency for currency, _ in lines} | {currency for currency, _ in drawers})
    sheets = tuple(_sheet(currency, lines, drawers) for currency in currencies)
    for each in sheets:
        each.check()
    return Statement(day, sheets)


def _sheet(
    currency: k.Currency,
    lines: Sequence[tuple[k.Currency, StatementLine]],
    drawers: Sequence[tuple[k.Currency, Drawer]],
) -> Sheet:
    return Sheet(
        currency,
        tuple(line for of, line in lines if of == currency),
        tuple(drawer for of, drawer in drawers if of == currency),
    )


_READ: Final[tuple[tuple[sa.Select[tuple[str, str, str, int, int]], Callable[[int, int], Sums]], ...]] = (
    (_TAKEN, lambda count, minor: Sums(taken=count, taken_minor=minor)),
    (_VOIDED, lambda count, minor: Sums(voided=count, voided_minor=minor)),
    (_REFUNDED, lambda count, minor: Sums(refunded=count, refunded_minor=minor)),
)


def _lines(tx: Tx, journal: str, day: str) -> Iterator[tuple[k.Currency, StatementLine]]:
    found: dict[tuple[k.Currency, str, k.PaymentMode], Sums] = {}
    on = {"journal": journal, "day": day, "voided_day": day}
    for statement, sums in _READ:
        for currency, service, mode, count, minor in tx.all(statement, on):
            key = (currency, service, mode)
            found[key] = found.get(key, Sums()) + sums(int(count), int(minor))
    for (currency, service, mode), total in sorted(found.items()):
        yield currency, StatementLine(service, mode, total)


def _drawers(tx: Tx, journal: str, day: str) -> Iterator[tuple[k.Currency, Drawer]]:
    for row in tx.all(_DRAWERS, {"journal": journal, "day": day, "voided_day": day}):
        about, operator, counter, currency, status, float_minor, *rest = row
        from_shift, ended_day, counted, expected, reason = rest
        of_shift = {"journal": journal, "shift": about}
        paid, voided, given = (tx.all(each, of_shift) for each in (_PAID, _UNPAID, _GIVEN_BACK))
        before = _before(day, paid) - _before(day, voided) - _before(day, given)
        ended = ended_day == day
        drawer = Drawer(
            shift=EntityId(about),
            operator=operator,
            counter=counter,
            opening_minor=float_minor + before,
            cash_in_minor=_on(day, paid),
            voided_minor=_on(day, voided),
            cash_out_minor=_on(day, given),
            from_shift=from_shift,
            ended=ended,
            handed_over=ended and status == "handed over",
            counted_minor=counted if ended else None,
            difference_minor=counted - expected if ended else 0,
            reason=reason if ended else "",
        )
        yield currency, drawer


def _before(day: str, rows: Iterable[Row]) -> int:
    return sum(minor for on, minor in rows if on < day)


def _on(day: str, rows: Iterable[Row]) -> int:
    return sum(minor for on, minor in rows if on == day)


def _summed(pairs: Iterable[tuple[str, Sums]]) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for name, sums in pairs:
        found[name] = found.get(name, Sums()) + sums
    return found
