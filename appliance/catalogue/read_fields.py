"""`[pages]`, `[fields.…]` and `[rules.…]` of a service file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final, Literal, cast

from appliance.catalogue import model as m
from appliance.catalogue.checks import CHECKS
from appliance.catalogue.facts import FACTS
from appliance.catalogue.read_conditions import Scope, read_when
from appliance.catalogue.reading import Table, closest

MAX_FIELDS_A_PAGE: Final = 10
MAX_PATTERN: Final = 120
MAX_UNBOUNDED: Final = 3
"""Repeats without an end in one pattern; more could take long to match."""
MAX_LENGTH: Final = 4000
_LENGTHS: Final[Mapping[str, int]] = {"name": 100, "native_name": 100, "address": 300, "lines": 2000, "email": 254}
_LENGTH: Final = 200
_FACT: Final = re.compile(r"([a-z_]+)\.([a-z][a-z0-9_]*)")
_REPEATED_GROUP: Final = re.compile(r"\)[*+{]")
_UNBOUNDED: Final = re.compile(r"(?<!\\)[*+]|\{\d*,\}")


def read_pages(top: Table) -> Mapping[str, m.Text]:
    """The headings of the form's pages; one page with no heading of its own if there is no `[pages]`."""
    if not top.has("pages"):
        return {"form": m.Text({"en": "Form"})}
    within = top.table("pages", "[pages]")
    pages = {within.ident(name): within.text(name) for name in within.values}
    if not pages:
        raise top.bad("pages", "There are no pages.", 'Write: form = { en = "…", ur = "…" }, or take [pages] away.')
    return pages


def read_fields(top: Table, pages: Mapping[str, m.Text], scope: Scope) -> None:
    """All fields, in order, into the scope; each may look only at fields above it.

    Raises:
        BadService: a field is not well formed, or a page holds too many.
    """
    page = next(iter(pages))
    on_page: Counter[str] = Counter()
    for table in top.tables("fields"):
        page = table.one_of("page", pages, page)
        on_page[page] += 1
        if on_page[page] > MAX_FIELDS_A_PAGE:
            raise table.bad(
                None,
                f"The page “{page}” has more than {MAX_FIELDS_A_PAGE} fields, and a screen holds no more.",
                "Add a page under [pages], and write page = “its name” at this field.",
            )
        scope.fields[table.name] = _field(table, page, scope)
    if not scope.fields:
        raise top.bad("fields", "The service asks for nothing.", "Write at least one [fields.name].")


def _field(table: Table, page: str, scope: Scope) -> m.Field:
    kind = table.one_of("kind", m.KINDS)
    fact = _role_and_name(table, "fact", scope.roles, None)
    field = m.Field(
        id=table.name,
        kind=kind,
        label=table.text("label"),
        help=table.text("help", m.NO_TEXT),
        required=table.flag("required", default=True),
        when=read_when(table, scope, table.name),
        max_length=table.whole("max_length", 1, MAX_LENGTH, _LENGTHS.get(kind, _LENGTH)),
        minimum=_bound(table, "minimum", kind),
        maximum=_bound(table, "maximum", kind),
        pattern=_pattern(table, kind),
        choices=_choices(table, kind),
        check=_check(table, kind),
        prefill=_role_and_name(table, "prefill", scope.roles, FACTS) or fact,
        fact=fact,
        sample=table.flag("sample", default=False),
        page=page,
    )
    if field.minimum is not None and field.maximum is not None and field.minimum > field.maximum:
        raise table.bad("maximum", "“maximum” is below “minimum”.", "Put the larger number at maximum.")
    table.end()
    return field


def _bound(table: Table, key: str, kind: str) -> Decimal | None:
    if not table.has(key):
        return None
    if kind not in ("number", "money"):
        raise table.bad(
            key,
            f"A field of the kind {kind} has no {key}.",
            "Use it with number or money; max_length limits words, and [rules.…] limits dates.",
        )
    return table.decimal(key, f"{key} = 1")


def _pattern(table: Table, kind: str) -> str | None:
    if not table.has("pattern"):
        return None
    pattern = table.words("pattern", limit=MAX_PATTERN)
    if kind not in ("text", "vehicle_number"):
        raise table.bad("pattern", f"A field of the kind {kind} has its own form.", "Use pattern with the kind text.")
    try:
        re.compile(pattern)
    except re.error as error:
        raise table.bad(
            "pattern", f"The pattern cannot be read: {error.msg}.", "Write it like '[A-Z]{3}-[0-9]{1,4}'."
        ) from error
    if _REPEATED_GROUP.search(pattern) or len(_UNBOUNDED.findall(pattern)) > MAX_UNBOUNDED or r"\1" in pattern:
        raise table.bad(
            "pattern",
            "The pattern could take very long to check.",
            "Repeat no group in parentheses, and use * and + at most three times.",
        )
    if not table.has("help"):
        raise table.bad("pattern", "Nobody is told how to write it.", 'Add help = { en = "Like ABC-123." }.')
    return pattern


def _choices(table: Table, kind: str) -> tuple[m.Choice, ...]:
    example = f'[fields.{table.name}.choices] with a line like  first = {{ en = "…", ur = "…" }}'
    if kind != "choice":
        if table.has("choices"):
            raise table.bad("choices", f"A field of the kind {kind} offers no choices.", 'Write kind = "choice".')
        return ()
    within = table.table("choices", example)
    choices = tuple(m.Choice(within.ident(name), within.text(name)) for name in within.values)
    if len(choices) < 2:
        raise table.bad("choices", "There is nothing to choose between.", f"Write at least two: {example}")
    return choices


def _check(table: Table, kind: str) -> str | None:
    if not table.has("check"):
        return None
    check = table.one_of("check", CHECKS)
    if kind not in CHECKS[check].kinds:
        raise table.bad(
            "check",
            f"The check “{check}” is for the kind {' or '.join(CHECKS[check].kinds)}, not {kind}.",
            f"Choose another check, or none: {', '.join(CHECKS)}.",
        )
    return check


def _role_and_name(table: Table, key: str, roles: Collection[str], known: Collection[str] | None) -> str | None:
    if not table.has(key):
        return None
    value = table.words(key)
    parts = _FACT.fullmatch(value)
    if parts is None:
        raise table.bad(
            key, f"“{value}” does not say of whom.", f'Write a role, a point and a name: {key} = "applicant.born"'
        )
    role, name = parts.groups()
    if role not in roles:
        raise table.bad(key, f"There is no role “{role}” in this service.", closest(role, roles))
    if known is not None and name not in known:
        raise table.bad(key, f"Nothing is known about a person under “{name}”.", closest(name, sorted(known)))
    return value


def read_rule(table: Table, scope: Scope) -> m.Rule:
    """Answers that do not go together.

    Raises:
        BadService: it has no condition, or names no field.
    """
    table.need("when", 'when = { field = "…", is = "…" }')
    when = read_when(table, scope)
    field = table.words("field")
    if field not in scope.fields:
        raise table.bad("field", f"There is no field “{field}”.", closest(field, scope.fields))
    if when is None:  # pragma: no cover - `need` has seen it
        raise table.bad("when", "There is no condition.", "Write one.")
    rule = m.Rule(
        id=table.name,
        when=when,
        field=field,
        level=cast("Literal['error', 'warning']", table.one_of("level", ("error", "warning"), "error")),
        sentence=table.words("sentence"),
        next_step=table.words("next_step"),
        sample=table.flag("sample", default=False),
    )
    table.end()
    return rule
