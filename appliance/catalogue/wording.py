"""A service in words: what it asks, needs, costs, promises and issues. For the kiosk, the console and who writes one.

English only, as on the console; labels in another language come from `Text.in_` and `marked`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from appliance.catalogue import conditions as c
from appliance.catalogue import model as m
from appliance.catalogue.calendar import Days

SAMPLE: Final = "sample, confirm locally"
"""Stands beside every value that is not known for sure."""
NOT_CHECKED: Final = "translation not checked"
_SIGNS: Final = {"PKR": "Rs", "INR": "₹"}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the lines below it."""

    title: str
    lines: tuple[str, ...]


def money(minor: int, currency: str) -> str:
    """An amount in minor units as people write it: `Rs 1,500`, `Rs 0.50`."""
    sign, whole, part = "-" if minor < 0 else "", abs(minor) // 100, abs(minor) % 100
    return f"{_SIGNS.get(currency, currency)} {sign}{whole:,}" + (f".{part:02}" if part else "")


def promise(days: Days) -> str:
    """What is promised: `the same day`, `10 working days`."""
    if days.count == 0:
        return "the same day"
    return f"{days.count} {'working ' if days.working else ''}day{'' if days.count == 1 else 's'}"


def marked(text: m.Text, language: str) -> str:
    """The words in a language, with a mark where no native reader has looked at them."""
    words = text.in_(language)
    return f"{words} ({NOT_CHECKED})" if language in text.unchecked else words


def condition(service: m.Service, when: c.Condition) -> str:
    """A condition as the end of a sentence that begins with "if"."""
    match when:
        case c.AllOf(parts):
            return " and ".join(_inner(service, part) for part in parts)
        case c.AnyOf(parts):
            return " or ".join(_inner(service, part) for part in parts)
        case c.Not(c.OneOf(name, values, negated)):
            return condition(service, c.OneOf(name, values, not negated))
        case c.Not(part):
            return f"it is not so that {_inner(service, part)}"
        case c.RoleNamed(role):
            label = next((each.label.en for each in service.roles if each.id == role), role)
            return f"somebody is named as “{label}”"
        case c.Filled(name, filled):
            return f"“{_label(service, name)}” is {'' if filled else 'not '}answered"
        case c.OneOf(name, values, negated):
            field = service.field(name)
            return f"“{field.label.en}” is {'not ' if negated else ''}{' or '.join(_answer(field, v) for v in values)}"
        case c.Within():
            return f"“{_label(service, when.field)}” is {_bounds(when)}"
        case c.Age():
            than = "ago" if when.than == c.TODAY else f"before “{_label(service, when.than)}”"
            return (
                f"“{_label(service, when.field)}” lies {'more' if when.older else 'less'} than"
                f" {when.count} {when.unit} {than}"
            )


def _inner(service: m.Service, part: c.Condition) -> str:
    words = condition(service, part)
    return f"({words})" if isinstance(part, c.AllOf | c.AnyOf | c.Not) else words


def _label(service: m.Service, name: str) -> str:
    return service.field(name).label.en


def _answer(field: m.Field, value: str) -> str:
    return next((choice.label.en for choice in field.choices if choice.id == value), value)


def _bounds(when: c.Within) -> str:
    parts = (
        ("at least", when.at_least),
        ("at most", when.at_most),
        ("more than", when.more_than),
        ("less than", when.less_than),
    )
    return " and ".join(f"{words} {bound}" for words, bound in parts if bound is not None)


def price(service: m.Service, asked: m.Price) -> str:
    """What one line of the fee comes to."""
    match asked:
        case m.Amount(minor):
            return money(minor, service.currency)
        case m.PerUnit(minor, of, free):
            after = f" after the first{f' {free}' if free > 1 else ''}" if free else ""
            return f"{money(minor, service.currency)} times “{_label(service, of)}”{after}"
        case m.Percent(percent, of):
            return f"{percent} % of “{_label(service, of)}”"
        case m.Bands():
            by = f"days since “{_label(service, asked.by)}”" if asked.days_since else f"“{_label(service, asked.by)}”"
            parts = [
                f"{'else' if band.up_to is None else f'up to {band.up_to}'} {price(service, band.price)}"
                for band in asked.bands
            ]
            return f"by {by}: {'; '.join(parts)}"


def describe(service: m.Service) -> tuple[Section, ...]:
    """The whole service: people, form, papers, fee, steps, days, certificate and appeal."""
    sections = (
        Section("People", tuple(_line(service, role.label.en, role) for role in service.roles)),
        *(
            Section(f"Form: {heading.en}", tuple(_field_lines(service, page)))
            for page, heading in service.pages.items()
        ),
        Section("Papers", tuple(_line(service, paper.label.en, paper) for paper in service.papers)),
        Section("Fee", tuple(_fee_lines(service))),
        Section("Steps", tuple(_line(service, f"{step.label.en}, by {_who(step)}", step) for step in service.steps)),
        Section("Promised within", tuple(_line(service, promise(rule.days), rule) for rule in service.days)),
        Section("Certificate", tuple(_certificate_lines(service))),
        Section("Appeal", tuple(_appeal_lines(service))),
    )
    return tuple(section for section in sections if section.lines)


_Ruled = m.RoleRule | m.Field | m.PaperRule | m.FeeRule | m.ExemptionRule | m.Step | m.DaysRule | m.Validity


def _line(service: m.Service, words: str, rule: _Ruled) -> str:
    required = rule.required if isinstance(rule, m.RoleRule | m.Field | m.PaperRule) else True
    reasons = [] if rule.when is None else [condition(service, rule.when)]
    if isinstance(rule, m.PaperRule) and any(role.id == rule.of and not role.required for role in service.roles):
        reasons.insert(0, condition(service, c.RoleNamed(rule.of)))
    return (
        words
        + ("" if required else " (optional)")
        + (f", if {' and '.join(reasons)}" if reasons else "")
        + (f" [{SAMPLE}]" if not isinstance(rule, m.RoleRule) and rule.sample else "")
    )


def _field_lines(service: m.Service, page: str) -> Iterator[str]:
    for field in service.fields:
        if field.page == page:
            kind = ", ".join(choice.label.en for choice in field.choices[:4]) if field.choices else field.kind
            more = ", …" if len(field.choices) > 4 else ""
            yield _line(service, f"{field.label.en} ({kind}{more})", field)


def _fee_lines(service: m.Service) -> Iterator[str]:
    for fee in service.fees:
        yield _line(service, f"{fee.label.en}: {price(service, fee.price)}", fee)
    for exemption in service.exemptions:
        yield _line(service, f"May be waived, with a second person's approval: {exemption.label.en}", exemption)


def _who(step: m.Step) -> str:
    if step.officer_title is not None:
        return step.officer_title.en
    if step.office is None:
        return "the counter"
    return f"outside: {step.office}" + ("" if step.clock_runs else " (the promised days wait)")


def _certificate_lines(service: m.Service) -> Iterator[str]:
    certificate = service.certificate
    if certificate is None:
        return
    languages = " and ".join(m.LANGUAGES[each] for each in certificate.languages)
    yield f"{certificate.title.en}, in {languages}" + (f" [{SAMPLE}]" if certificate.sample else "")
    yield "shows " + ", ".join(_label(service, name) for name in certificate.shows)
    if certificate.copies:
        named = ", ".join(each.label.en for each in service.papers if each.id in certificate.copies)
        yield f"is an attested copy of the one that was asked for: {named}"
    for rule in certificate.valid:
        if rule.until is not None:
            length = f"valid until “{_label(service, rule.until)}”"
        else:
            length = "valid without end" if rule.months is None else f"valid for {rule.months} months"
        yield _line(service, length, rule)


def _appeal_lines(service: m.Service) -> Iterator[str]:
    if service.appeal is not None:
        mark = f" [{SAMPLE}]" if service.appeal.sample else ""
        yield f"{service.appeal.to.en}, within {service.appeal.within_days} days{mark}"
