"""`when` tables of a service file, read into conditions; each name in them must be one that is known by then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from appliance.catalogue import conditions as c
from appliance.catalogue.model import Field
from appliance.catalogue.reading import Table, closest

YES_NO: Final = ("yes", "no")
_NUMERIC: Final = ("number", "money")
_COMPARED: Final = ("at_least", "at_most", "more_than", "less_than")
_AGES: Final[Mapping[str, tuple[bool, c.Unit]]] = {
    "older_than_days": (True, "days"),
    "older_than_months": (True, "months"),
    "older_than_years": (True, "years"),
    "younger_than_days": (False, "days"),
    "younger_than_months": (False, "months"),
    "younger_than_years": (False, "years"),
}
TESTS: Final = ("is", "is_not", "in", "filled", *_COMPARED, *_AGES)
_MAX_AGE: Final = 36_600
_EXAMPLE: Final = 'when = { field = "…", is = "…" }'


@dataclass(slots=True)
class Scope:
    """What a condition may name where it stands.

    Args:
        every_field: the fields of the file, also those further down.
        roles: the roles of the file.
        fields: the fields read so far.
        waiting: which fields each field's condition looks at, as written.
    """

    every_field: Collection[str]
    roles: Collection[str]
    waiting: Mapping[str, frozenset[str]]
    fields: dict[str, Field] = field(default_factory=dict)

    def waits_for(self, first: str, other: str) -> bool:
        """Whether `first` is shown only after `other` was answered, be it over others between."""
        seen: set[str] = set()
        ahead = {first}
        while ahead:
            seen |= ahead
            ahead = {after for each in ahead for after in self.waiting.get(each, ())} - seen
            if other in ahead:
                return True
        return False


def named_fields(value: object) -> frozenset[str]:
    """The fields that a condition names, as written; it may be of any form."""
    found: set[str] = set()
    ahead = [value]
    while ahead:
        each = ahead.pop()
        if isinstance(each, list):
            ahead += each
        elif isinstance(each, dict):
            ahead += [inner for inner in each.values() if isinstance(inner, dict | list)]
            found |= {name for key in ("field", "than") if isinstance(name := each.get(key), str)}
    return frozenset(found)


def read_when(table: Table, scope: Scope, owner: str | None = None) -> c.Condition | None:
    """The condition under `when`, if there is one.

    Args:
        table: where `when` may stand.
        scope: what it may name.
        owner: the field whose own condition it is.

    Raises:
        BadService: it is none, or names what is not known.
    """
    return _read(table.table("when", _EXAMPLE), scope, owner, 1) if table.has("when") else None


def _read(table: Table, scope: Scope, owner: str | None, depth: int) -> c.Condition:
    if depth > c.MAX_DEPTH:
        raise table.bad(None, "Conditions stand too deep in each other.", f"At most {c.MAX_DEPTH} levels.")
    forms = [key for key in ("field", "role", "all", "any", "not") if table.has(key)]
    if len(forms) != 1:
        raise table.bad(
            forms[1] if forms else None,
            "A condition looks at one thing: a field, a role, all, any or not.",
            f"Write: {_EXAMPLE}; put several into all = [ … ] or any = [ … ].",
        )
    found: c.Condition
    match forms[0]:
        case "all" | "any" as form:
            example = f'{form} = [ {{ field = "…", is = "…" }}, {{ role = "…" }} ]'
            parts = tuple(_read(part, scope, owner, depth + 1) for part in table.items(form, example))
            found = c.AllOf(parts) if form == "all" else c.AnyOf(parts)
        case "not":
            found = c.Not(_read(table.table("not", 'not = { field = "…", is = "…" }'), scope, owner, depth + 1))
        case "role":
            found = c.RoleNamed(table.one_of("role", scope.roles))
        case _:
            found = _on_field(table, scope, owner)
    table.end()
    return found


def known_field(table: Table, key: str, scope: Scope, owner: str | None = None) -> Field:
    """The field that `key` names.

    Raises:
        BadService: it names none, or one that is asked later, or itself.
    """
    name = table.words(key)
    found = scope.fields.get(name)
    if found is not None:
        return found
    if name == owner:
        raise table.bad(key, f"“{name}” waits for its own answer.", "Let it look at a field above it.")
    if name not in scope.every_field:
        raise table.bad(key, f"There is no field “{name}”.", closest(name, scope.every_field))
    if owner is not None and scope.waits_for(name, owner):
        raise table.bad(key, f"“{owner}” and “{name}” wait for each other.", "Take one of the two conditions away.")
    raise table.bad(
        key,
        f"“{name}” is asked further down, so its answer is not known yet.",
        f"Move [fields.{name}] above" + (f" [fields.{owner}]." if owner else " this."),
    )


def _on_field(table: Table, scope: Scope, owner: str | None) -> c.Condition:
    asked = known_field(table, "field", scope, owner)
    tests = [key for key in TESTS if table.has(key)]
    if not tests:
        # A misspelt test is named as such.
        table.end()
    if not tests or (len(tests) > 1 and not set(tests) <= set(_COMPARED)):
        raise table.bad(
            tests[1] if tests else None,
            f"The condition on “{asked.id}” does not say one thing about it.",
            f"Write one of: {', '.join(TESTS)}.",
        )
    test = tests[0]
    if test == "filled":
        return c.Filled(asked.id, table.flag("filled", default=True))
    if test in _COMPARED:
        _must_be(table, test, asked, _NUMERIC)
        bounds: dict[str, Decimal] = {key: table.decimal(key, f"{key} = 1300") for key in tests}
        return c.Within(asked.id, **bounds)
    if test in _AGES:
        return _age(table, test, asked, scope, owner)
    values = table.list_of_words(test) if test == "in" else (table.words(test),)
    _must_be_answers(table, test, asked, values)
    return c.OneOf(asked.id, values, negated=test == "is_not")


def _age(table: Table, test: str, asked: Field, scope: Scope, owner: str | None) -> c.Age:
    _must_be(table, test, asked, ("date",))
    older, unit = _AGES[test]
    count = table.whole(test, 0, _MAX_AGE)
    than = table.words("than", c.TODAY)
    if than != c.TODAY:
        than = date_field(table, "than", scope, owner)
    return c.Age(asked.id, older, count, unit, than)


def date_field(table: Table, key: str, scope: Scope, owner: str | None = None) -> str:
    """The id of the date field that `key` names.

    Raises:
        BadService: it names none, or a field of another kind.
    """
    found = known_field(table, key, scope, owner)
    _must_be(table, key, found, ("date",))
    return found.id


def _must_be(table: Table, key: str, asked: Field, kinds: tuple[str, ...]) -> None:
    if asked.kind not in kinds:
        raise table.bad(
            key,
            f"“{key}” needs a field of the kind {' or '.join(kinds)}; “{asked.id}” is of the kind {asked.kind}.",
            "Name another field, or give that field another kind.",
        )


def _must_be_answers(table: Table, key: str, asked: Field, values: tuple[str, ...]) -> None:
    if asked.kind in (*_NUMERIC, "date"):
        instead = _COMPARED if asked.kind in _NUMERIC else tuple(_AGES)
        raise table.bad(key, f"“{asked.id}” is of the kind {asked.kind}.", f"Write one of: {', '.join(instead)}.")
    if asked.kind not in ("choice", "yes_no"):
        return
    offered = YES_NO if asked.kind == "yes_no" else tuple(choice.id for choice in asked.choices)
    for value in values:
        if value not in offered:
            raise table.bad(key, f"“{asked.id}” offers no answer “{value}”.", closest(value, offered))
