"""When things apply: each form of condition, and the laws that hold for all of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.catalogue.conditions import (
    Age,
    AllOf,
    AnyOf,
    Condition,
    Filled,
    Not,
    OneOf,
    RoleNamed,
    Situation,
    Within,
    fields_of,
    holds,
)

TODAY = date(2026, 3, 1)
WHERE = Situation(
    {"late": "yes", "value": "1300", "price": "0.5", "born": "2008-02-29", "from": "2008-03-05"},
    TODAY,
    frozenset({"representative"}),
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (None, True),
        (OneOf("late", ("yes",)), True),
        (OneOf("late", ("no", "yes")), True),
        (OneOf("late", ("no",)), False),
        (OneOf("late", ("no",), negated=True), True),
        (OneOf("nothing", ("no",), negated=True), False),
        (Filled("late", filled=True), True),
        (Filled("nothing", filled=False), True),
        (Within("value", at_least=Decimal(1300)), True),
        (Within("value", more_than=Decimal(1300)), False),
        (Within("value", at_most=Decimal(1300)), True),
        (Within("value", less_than=Decimal(1300)), False),
        (Within("value", at_least=Decimal(1), less_than=Decimal(1300)), False),
        (Within("price", less_than=Decimal("0.6")), True),
        (Within("nothing", at_least=Decimal(0)), False),
        (Within("late", at_least=Decimal(0)), False),
        (RoleNamed("representative"), True),
        (RoleNamed("guardian"), False),
        (Age("nothing", older=True, count=1, unit="days"), False),
        (Age("born", older=False, count=1, unit="days", than="nothing"), False),
        (Age("born", older=False, count=6, unit="days", than="from"), True),
        (Age("born", older=False, count=5, unit="days", than="from"), False),
        (Age("late", older=True, count=1, unit="days"), False),
        # Born on 29 February, eighteen on 28 February.
        (Age("born", older=False, count=18, unit="years"), False),
        (Age("born", older=True, count=18, unit="years"), True),
        (Age("born", older=False, count=217, unit="months"), True),
        (AllOf((OneOf("late", ("yes",)), RoleNamed("guardian"))), False),
        (AnyOf((OneOf("late", ("yes",)), RoleNamed("guardian"))), True),
        (Not(RoleNamed("guardian")), True),
    ],
)
def test_each_form(condition: Condition | None, expected: bool) -> None:
    assert holds(condition, WHERE) is expected


@pytest.mark.parametrize(("days", "older", "younger"), [(89, False, True), (90, False, False), (91, True, False)])
def test_on_the_ninetieth_day_nothing_is_older_or_younger_than_ninety_days(
    days: int, older: bool, younger: bool
) -> None:
    where = Situation({"born": (TODAY - timedelta(days=days)).isoformat()}, TODAY)
    assert holds(Age("born", older=True, count=90, unit="days"), where) is older
    assert holds(Age("born", older=False, count=90, unit="days"), where) is younger


@pytest.mark.parametrize(("today", "child"), [("2026-05-09", True), ("2026-05-10", False), ("2026-05-11", False)])
def test_on_the_eighteenth_birthday_nobody_is_younger_than_eighteen(today: str, child: bool) -> None:
    where = Situation({"born": "2008-05-10"}, date.fromisoformat(today))
    assert holds(Age("born", older=False, count=18, unit="years"), where) is child


leaf = st.one_of(
    st.builds(OneOf, st.sampled_from("abc"), st.tuples(st.sampled_from(["1", "2", "x"])), st.booleans()),
    st.builds(Filled, st.sampled_from("abc"), st.booleans()),
    st.builds(Within, st.sampled_from("abc"), at_least=st.sampled_from([None, Decimal(1), Decimal(2)])),
    st.builds(
        Age,
        st.sampled_from("abc"),
        st.booleans(),
        st.integers(0, 30),
        st.sampled_from(["days", "months", "years"]),
        st.sampled_from(["today", "a"]),
    ),
    st.builds(RoleNamed, st.sampled_from(["guardian", "witness"])),
)
some_condition: st.SearchStrategy[Condition] = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
situations = st.builds(
    Situation,
    st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", "x", "2001-01-31", "2026-02-28"])),
    st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    st.frozensets(st.sampled_from(["guardian", "witness"])),
)


@given(some_condition, some_condition, situations)
def test_not_all_and_any_are_those_of_logic(one: Condition, other: Condition, where: Situation) -> None:
    assert holds(Not(one), where) is not holds(one, where)
    assert holds(AllOf((one, other)), where) is (holds(one, where) and holds(other, where))
    assert holds(Not(AllOf((one, other))), where) is holds(AnyOf((Not(one), Not(other))), where)


@given(some_condition, situations, st.text(max_size=3))
def test_only_the_fields_that_a_condition_names_matter(condition: Condition, where: Situation, other: str) -> None:
    named = fields_of(condition)
    answers = {name: answer for name, answer in where.answers.items() if name in named} | {"d": other}
    assert holds(condition, Situation(answers, where.today, where.roles)) is holds(condition, where)


@given(leaf, st.dates(), st.frozensets(st.sampled_from(["guardian", "witness"])))
def test_nothing_but_being_empty_follows_from_an_unanswered_field(
    condition: Condition, today: date, roles: frozenset[str]
) -> None:
    if not isinstance(condition, RoleNamed | Filled):
        assert not holds(condition, Situation({}, today, roles))
