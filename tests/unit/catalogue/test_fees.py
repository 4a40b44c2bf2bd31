"""The fee as a rule over answers: each form of price, and that it adds up whatever is answered."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.catalogue import Fee, Service, reckon_fee, waive
from appliance.catalogue.model import Bands
from appliance.journal.errors import OperatorError
from tests.unit.catalogue.example import changed, read
from tests.unit.catalogue.filling import TODAY, filled, some_service

SCALE = """\
by = "monthly"
of = "monthly"
bands = [
    { up_to = "99.99", amount = 10 },
    { up_to = 1000, percent = "2.5" },
    { amount = "77.70" },
]
"""


def priced(price: str) -> Service:
    return read(changed("amount = 100\n", price))


def fee(service: Service, **answers: str) -> Fee:
    return reckon_fee(service, answers, TODAY)


def minor(price: str, **answers: str) -> int | None:
    lines = {line.code: line.minor for line in fee(priced(price), **answers).lines}
    return lines.get("certificate")


@pytest.mark.parametrize(
    ("price", "answers", "expected"),
    [
        ("amount = 100\n", {}, 10_000),
        ('amount = "0.05"\n', {}, 5),
        ("amount = 0\n", {}, 0),
        ('each = 30\nof = "copies"\n', {"copies": "3"}, 9000),
        ('each = 30\nof = "copies"\nfree = 2\n', {"copies": "3"}, 3000),
        ('each = 30\nof = "copies"\nfree = 5\n', {"copies": "3"}, 0),
        ('percent = 1\nof = "monthly"\n', {"monthly": "1234.56"}, 1235),
        ('percent = 1\nof = "monthly"\nwhole = true\n', {"monthly": "1249.99"}, 1200),
        ('percent = 1\nof = "monthly"\nwhole = true\n', {"monthly": "1250"}, 1300),
        ('percent = "0.5"\nof = "monthly"\n', {"monthly": "101"}, 51),
        (SCALE, {"monthly": "99.99"}, 1000),
        (SCALE, {"monthly": "100"}, 250),
        (SCALE, {"monthly": "1000"}, 2500),
        (SCALE, {"monthly": "1000.01"}, 7770),
        ('days_since = "born"\nbands = [{ up_to = 30, amount = 1 }, { amount = 2 }]\n', {"born": "21/10/2026"}, 100),
        ('days_since = "born"\nbands = [{ up_to = 30, amount = 1 }, { amount = 2 }]\n', {"born": "20/10/2026"}, 200),
        ('days_since = "born"\nbands = [{ up_to = 30, amount = 1 }, { amount = 2 }]\n', {"born": "1/1/2030"}, 100),
    ],
)
def test_each_form_of_price(price: str, answers: dict[str, str], expected: int) -> None:
    assert minor(price, **answers) == expected


@pytest.mark.parametrize(
    ("price", "waits"),
    [
        ('each = 30\nof = "copies"\n', ("copies",)),
        ('percent = 1\nof = "monthly"\n', ("monthly", "copies")),
        (SCALE, ("monthly", "copies")),
        ('days_since = "born"\nbands = [{ amount = 2 }]\n', ("born", "copies")),
    ],
)
def test_a_fee_that_waits_for_an_answer_says_for_which(price: str, waits: tuple[str, ...]) -> None:
    found = fee(priced(price))
    assert found.waits_for == waits
    assert "certificate" not in {line.code for line in found.lines}


def test_what_is_no_number_is_waited_for_too() -> None:
    assert fee(priced('percent = 1\nof = "monthly"\n'), monthly="a lot", copies="-3").waits_for == ("monthly", "copies")


def test_an_exemption_waives_what_it_covers_and_only_once() -> None:
    service = read(changed("", ""))
    whole = fee(service, copies="3", urgent="yes")
    assert whole.total_minor == 10_000 + 2 * 1250 + 50_000
    (exemption,) = whole.exemptions
    assert exemption.covers == ("certificate", "copies")
    waived = waive(whole, exemption.id)
    assert [(line.code, line.minor) for line in waived.lines] == [("urgent", 50_000)]
    assert waived.total_minor == 50_000
    with pytest.raises(OperatorError, match="cannot be waived"):
        waive(waived, exemption.id)
    with pytest.raises(OperatorError, match="widow"):
        waive(whole, "hardship")


def test_an_exemption_from_nothing_that_is_due_is_not_offered() -> None:
    service = read(changed('covers = ["certificate", "copies"]', 'covers = ["urgent"]'))
    assert fee(service, copies="1", urgent="no").exemptions == ()
    assert [each.covers for each in fee(service, copies="1", urgent="yes").exemptions] == [("urgent",)]


@given(st.data())
def test_every_fee_adds_up_and_every_waiver_lowers_it(data: st.DataObject) -> None:
    service = data.draw(some_service())
    found = reckon_fee(service, data.draw(filled(service, whole=False)), TODAY)
    assert found.total_minor == sum(line.minor for line in found.lines)
    assert all(line.minor >= 0 for line in found.lines)
    for exemption in found.exemptions:
        waived = waive(found, exemption.id)
        covered = sum(line.minor for line in found.lines if line.code in exemption.covers)
        assert waived.total_minor == found.total_minor - covered


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_percentage_of_more_is_never_less(one: int, other: int) -> None:
    low, high = sorted((one, other))
    service = priced('percent = "1.5"\nof = "monthly"\n')

    def line(value: int) -> int:
        return fee(service, monthly=f"{value // 100}.{value % 100:02}").lines[0].minor

    assert line(low) <= line(high)
    assert abs(Decimal(line(high)) - Decimal(high) * Decimal("0.015")) <= Decimal("0.5")


@given(st.integers(0, 3000))
def test_every_height_falls_into_exactly_one_band(height: int) -> None:
    service = priced(SCALE)
    (rule,) = (rule for rule in service.fees if rule.id == "certificate")
    assert isinstance(rule.price, Bands)
    expected = 1000 if height < 100 else round(height * 2.5) if height <= 1000 else 7770
    assert minor(SCALE, monthly=str(height)) == pytest.approx(expected, abs=1)
