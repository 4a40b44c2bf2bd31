"""The fee of an application, reckoned from its answers. Money is always in minor units (paisa)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from appliance.catalogue import model as m
from appliance.catalogue.answers import situation
from appliance.catalogue.conditions import Situation, as_date, as_decimal, holds
from appliance.journal.errors import OperatorError

MINOR: Final = 100
"""Minor units in one currency unit, for PKR and INR."""


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line of the fee, in minor units. `sample`: confirm locally."""

    code: str
    label: m.Text
    minor: int
    sample: bool


@dataclass(frozen=True, slots=True)
class Exemption:
    """A reason for which the lines in `covers` may be waived, once a second person approves."""

    id: str
    label: m.Text
    covers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fee:
    """What an application costs.

    Args:
        lines: in the order of the file.
        total_minor: their sum, in minor units.
        currency: ISO 4217.
        exemptions: those that the answers allow to ask for.
        waits_for: fields without whose answers some line cannot be reckoned; while there are any, the total is short.
    """

    lines: tuple[FeeLine, ...]
    total_minor: int
    currency: str
    exemptions: tuple[Exemption, ...] = ()
    waits_for: tuple[str, ...] = ()


def reckon_fee(service: m.Service, answers: Mapping[str, str], today: date, roles: Collection[str] = ()) -> Fee:
    """The fee by the answers as they are.

    Args:
        service: whose fee.
        answers: as typed.
        today: the day of the application; late fees go by it.
        roles: the roles for which a person is named.
    """
    where = situation(service, answers, today, roles)
    lines: list[FeeLine] = []
    waits: dict[str, None] = {}
    for rule in service.fees:
        if not holds(rule.when, where):
            continue
        minor = _minor(rule.price, where, waits)
        if minor is not None:
            lines.append(FeeLine(rule.id, rule.label, minor, rule.sample))
    codes = {line.code for line in lines}
    exemptions = tuple(
        Exemption(rule.id, rule.label, tuple(each for each in rule.covers if each in codes))
        for rule in service.exemptions
        if holds(rule.when, where) and codes & set(rule.covers)
    )
    return Fee(tuple(lines), sum(line.minor for line in lines), service.currency, exemptions, tuple(waits))


def waive(fee: Fee, exemption: str) -> Fee:
    """The fee without the lines that an approved exemption covers; nothing more can be waived from it.

    Raises:
        OperatorError: the exemption is none of those that the fee offers.
    """
    found = next((each for each in fee.exemptions if each.id == exemption), None)
    if found is None:
        raise OperatorError(
            f"This fee cannot be waived for “{exemption}”.",
            "Choose one of: " + ", ".join(each.id for each in fee.exemptions) + "."
            if fee.exemptions
            else "Take the whole fee.",
        )
    lines = tuple(line for line in fee.lines if line.code not in found.covers)
    return replace(fee, lines=lines, total_minor=sum(line.minor for line in lines), exemptions=())


def _minor(price: m.Price, where: Situation, waits: dict[str, None]) -> int | None:
    match price:
        case m.Amount(minor):
            return minor
        case m.PerUnit(minor, of, free):
            count = _number(of, where, waits)
            return None if count is None else minor * max(int(count) - free, 0)
        case m.Percent(percent, of, whole):
            value = _number(of, where, waits)
            return None if value is None else _part(value, percent, whole)
        case m.Bands():
            return _by_bands(price, where, waits)


def _by_bands(price: m.Bands, where: Situation, waits: dict[str, None]) -> int | None:
    if price.days_since:
        since = as_date(where.answers.get(price.by))
        height = None if since is None else Decimal((where.today - since).days)
        if height is None:
            waits[price.by] = None
    else:
        height = _number(price.by, where, waits)
    if height is None:
        return None
    band = next(each for each in price.bands if each.up_to is None or height <= each.up_to)
    return _minor(band.price, where, waits)


def _number(name: str, where: Situation, waits: dict[str, None]) -> Decimal | None:
    value = as_decimal(where.answers.get(name))
    if value is None or value < 0:
        waits[name] = None
        return None
    return value


def _part(value: Decimal, percent: Decimal, whole: bool) -> int:
    unit = Decimal(1) if whole else Decimal(1) / MINOR
    return int((value * percent / 100).quantize(unit, rounding=ROUND_HALF_UP) * MINOR)
