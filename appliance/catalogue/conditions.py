"""When a field, paper, step or fee of a service applies: small typed expressions, never evaluated as code.

A condition on a field that is not shown, or not answered, does not hold. Whoever needs "unanswered" to count
writes `{ field = "x", filled = false }` or puts the condition into `not`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from appliance.catalogue.calendar import add_months

TODAY: Final = "today"
MAX_DEPTH: Final = 8
"""How deep conditions may stand in each other."""

Unit = Literal["days", "months", "years"]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a condition is judged by.

    Args:
        answers: normalised answers of the fields that are shown.
        today: the day of the application.
        roles: the roles for which a person is named.
    """

    answers: Mapping[str, str]
    today: date
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class OneOf:
    """The answer is one of these; with `negated`, there is an answer and it is none of these."""

    field: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """The field has an answer, or has none."""

    field: str
    filled: bool


@dataclass(frozen=True, slots=True)
class Within:
    """The number or money is at least, at most, more than or less than a bound; each bound counts that is given."""

    field: str
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    more_than: Decimal | None = None
    less_than: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Age:
    """From the date in `field` to `than` (another date field, or today) is more, or less, than so many units.

    `older` means strictly more: on the 90th day nothing is older than 90 days. Not older (`younger`) means strictly
    less: on the 18th birthday nobody is younger than 18 years.
    """

    field: str
    older: bool
    count: int
    unit: Unit
    than: str = TODAY


@dataclass(frozen=True, slots=True)
class RoleNamed:
    """A person stands in this role."""

    role: str


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Condition


Condition = OneOf | Filled | Within | Age | RoleNamed | AllOf | AnyOf | Not


def holds(condition: Condition | None, situation: Situation) -> bool:
    """Whether the condition holds; none always does."""
    match condition:
        case None:
            return True
        case AllOf(parts):
            return all(holds(part, situation) for part in parts)
        case AnyOf(parts):
            return any(holds(part, situation) for part in parts)
        case Not(part):
            return not holds(part, situation)
        case RoleNamed(role):
            return role in situation.roles
        case Filled(field, filled):
            return (field in situation.answers) is filled
        case OneOf(field, values, negated):
            answer = situation.answers.get(field)
            return answer is not None and (answer in values) is not negated
        case Within():
            return _within(condition, as_decimal(situation.answers.get(condition.field)))
        case Age():
            return _aged(condition, situation)


def _within(bounds: Within, value: Decimal | None) -> bool:
    return (
        value is not None
        and (bounds.at_least is None or value >= bounds.at_least)
        and (bounds.at_most is None or value <= bounds.at_most)
        and (bounds.more_than is None or value > bounds.more_than)
        and (bounds.less_than is None or value < bounds.less_than)
    )


def _aged(age: Age, situation: Situation) -> bool:
    start = as_date(situation.answers.get(age.field))
    end = situation.today if age.than == TODAY else as_date(situation.answers.get(age.than))
    if start is None or end is None:
        return False
    if age.unit == "days":
        passed = (end - start).days
        return passed > age.count if age.older else passed < age.count
    turns = add_months(start, age.count * (12 if age.unit == "years" else 1))
    return end > turns if age.older else end < turns


def as_date(answer: str | None) -> date | None:
    """A normalised answer (YYYY-MM-DD) as a date; None for anything else."""
    try:
        return None if answer is None else date.fromisoformat(answer)
    except ValueError:
        return None


def as_decimal(answer: str | None) -> Decimal | None:
    """A normalised answer of the kind number or money as a number; None for anything else."""
    try:
        value = None if answer is None else Decimal(answer)
    except InvalidOperation:
        return None
    return value if value is not None and value.is_finite() else None


def leaves(condition: Condition | None) -> Iterator[OneOf | Filled | Within | Age | RoleNamed]:
    """Every part of a condition that names a field or a role."""
    match condition:
        case None:
            return
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield condition


def fields_of(condition: Condition | None) -> frozenset[str]:
    """The fields that a condition looks at."""
    found: set[str] = set()
    for leaf in leaves(condition):
        if not isinstance(leaf, RoleNamed):
            found.add(leaf.field)
        if isinstance(leaf, Age) and leaf.than != TODAY:
            found.add(leaf.than)
    return frozenset(found)
