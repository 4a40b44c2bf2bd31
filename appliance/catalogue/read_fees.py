"""`[fees.…]` and `[exemptions.…]` of a service file."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from appliance.catalogue import model as m
from appliance.catalogue.read_conditions import Scope, known_field, read_when
from appliance.catalogue.reading import Table, closest

MAX_FREE: Final = 1000
MAX_PERCENT: Final = 100
_FORMS: Final = ("amount", "each", "percent", "bands")
_PERCENT: Final = 'percent = 1 or percent = "1.5"'


def read_fee(table: Table, scope: Scope) -> m.FeeRule:
    """One line of the fee.

    Raises:
        BadService: it does not say what it costs, or by what.
    """
    label = table.text("label")
    when = read_when(table, scope)
    forms = [form for form in _FORMS if table.has(form)]
    if len(forms) != 1:
        raise table.bad(
            forms[1] if forms else None,
            f"The fee “{table.name}” does not say in one way what it costs.",
            "Write one of: amount = 300; each = 30 with of; percent = 1 with of; bands with by.",
        )
    price: m.Price
    match forms[0]:
        case "amount":
            price = m.Amount(table.minor("amount"))
        case "each":
            counted = _field(table, "of", scope, ("number",), 'of = "copies"')
            price = m.PerUnit(table.minor("each"), counted.id, table.whole("free", 0, MAX_FREE, 0))
        case "percent":
            price = _percent(table, _field(table, "of", scope, ("money",), 'of = "value"').id, _whole(table))
        case _:
            price = _bands(table, scope)
    fee = m.FeeRule(table.name, label, price, when, table.flag("sample", default=False))
    table.end()
    return fee


def _field(table: Table, key: str, scope: Scope, kinds: tuple[str, ...], example: str) -> m.Field:
    table.need(key, example)
    found = known_field(table, key, scope)
    if found.kind not in kinds:
        raise table.bad(
            key, f"“{found.id}” is of the kind {found.kind}.", f"Name a field of the kind {' or '.join(kinds)}."
        )
    return found


def _whole(table: Table) -> bool:
    return table.flag("whole", default=False)


def _percent(table: Table, of: str, whole: bool) -> m.Percent:
    percent = table.decimal("percent", _PERCENT)
    if percent > MAX_PERCENT:
        raise table.bad("percent", f"“percent” is {percent}.", f"Write a number from 0 to {MAX_PERCENT}.")
    return m.Percent(percent, of, whole)


def _bands(table: Table, scope: Scope) -> m.Bands:
    days_since = table.has("days_since")
    if days_since and table.has("by"):
        raise table.bad("by", "The bands go by two things.", "Keep one of: by, days_since.")
    key, kinds = ("days_since", ("date",)) if days_since else ("by", ("number", "money"))
    by = _field(table, key, scope, kinds, 'by = "engine_cc", or days_since = "expired_on"')
    of = _field(table, "of", scope, ("money",), 'of = "value"').id if table.has("of") else None
    whole = _whole(table)
    bands: list[m.Band] = []
    for item in table.items("bands", "bands = [ { up_to = 1300, percent = 1 }, { percent = 4 } ]"):
        if bands and bands[-1].up_to is None:
            raise item.bad(None, "A band stands after the one without an end.", "Put the band without up_to last.")
        bands.append(_band(item, of, whole, bands[-1].up_to if bands else None))
    if bands[-1].up_to is not None:
        raise item.bad(None, f"Nothing is said above {bands[-1].up_to}.", "Leave up_to away in the last band.")
    return m.Bands(by.id, days_since, tuple(bands))


def _band(item: Table, of: str | None, whole: bool, below: Decimal | None) -> m.Band:
    up_to = item.decimal("up_to", "up_to = 1300") if item.has("up_to") else None
    if up_to is not None and below is not None and up_to <= below:
        raise item.bad("up_to", f"{up_to} is not above {below}, where the band before ends.", "Let the bands rise.")
    if item.has("amount") == item.has("percent"):
        raise item.bad(None, "A band costs either an amount or a percent.", "Write amount = 300, or percent = 1.")
    price: m.Amount | m.Percent
    if item.has("amount"):
        price = m.Amount(item.minor("amount"))
    elif of is None:
        raise item.bad("percent", "It is not said of what this is a percent.", 'Write of = "value" beside bands.')
    else:
        price = _percent(item, of, whole)
    item.end()
    return m.Band(up_to, price)


def read_exemption(table: Table, fees: tuple[m.FeeRule, ...], scope: Scope) -> m.ExemptionRule:
    """A reason for which lines of the fee may be waived.

    Raises:
        BadService: it covers a line that is not there.
    """
    known = tuple(fee.id for fee in fees)
    covers = table.list_of_words("covers", known)
    for number, each in enumerate(covers):
        if each not in known:
            place = (*table.place, "covers", number)
            raise table.source.bad(place, f"There is no fee “{each}”.", closest(each, known))
    exemption = m.ExemptionRule(
        table.name, table.text("label"), covers, read_when(table, scope), table.flag("sample", default=False)
    )
    table.end()
    return exemption
