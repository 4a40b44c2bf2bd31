"""Services in words."""

from __future__ import annotations

import pytest

from appliance.catalogue import Days, bundled, load_catalogue
from appliance.catalogue.model import Text
from appliance.catalogue.wording import describe, marked, money, promise
from tests.unit.catalogue.example import EXAMPLE, read
from tests.unit.catalogue.filling import services


@pytest.mark.parametrize(
    ("minor", "currency", "words"),
    [
        (0, "PKR", "Rs 0"),
        (150_000, "PKR", "Rs 1,500"),
        (5, "INR", "₹ 0.05"),
        (-123_450, "PKR", "Rs -1,234.50"),
        (100, "AED", "AED 1"),
    ],
)
def test_money_is_written_as_people_write_it(minor: int, currency: str, words: str) -> None:
    assert money(minor, currency) == words


def test_a_promise_in_words() -> None:
    assert promise(Days(0, working=True)) == "the same day"
    assert promise(Days(1, working=True)) == "1 working day"
    assert promise(Days(15, working=False)) == "15 days"


def test_a_translation_that_nobody_checked_is_marked() -> None:
    text = Text({"en": "Name", "ur": "نام", "ps": "نوم"}, frozenset({"ps"}))
    assert marked(text, "ur") == "نام"
    assert marked(text, "ps") == "نوم (translation not checked)"
    assert marked(text, "ta") == "Name"
    assert (text.is_checked("ur"), text.is_checked("ps"), text.is_checked("ta")) == (True, False, False)


def test_the_example_in_words() -> None:
    sections = {section.title: section.lines for section in describe(read(EXAMPLE))}
    assert sections["Papers"] == (
        "CNIC of the applicant",
        "Salary slip, if “Source of income” is Salary",
    )
    assert sections["Fee"] == (
        "Certificate: Rs 100",
        "Copies after the first: Rs 12.50 times “Copies” after the first",
        "Urgent: Rs 500, if “Urgent” is yes [sample, confirm locally]",
        "May be waived, with a second person's approval: Widow or orphan",
    )
    assert sections["Steps"][1] == (
        "Report of the patwari, by outside: patwari (the promised days wait), if “Source of income” is Land"
    )
    assert sections["Promised within"] == ("2 working days, if “Urgent” is yes", "7 working days")
    assert sections["Appeal"] == ("Deputy Commissioner, within 30 days [sample, confirm locally]",)


def test_every_bundled_service_can_be_said_whole() -> None:
    for service in services():
        titles = [section.title for section in describe(service)]
        assert {"People", "Papers", "Fee", "Steps", "Promised within", "Certificate", "Appeal"} <= set(titles)
        assert len([title for title in titles if title.startswith("Form: ")]) == len(service.pages)


def test_conditions_in_words() -> None:
    lines = [line for section in describe(load_catalogue([bundled()]).service("birth")) for line in section.lines]
    assert "Father, if “Applicant's relation to the child” is not Reporting agency or Lawful custodian" in lines
    assert any(
        line.endswith("if “Date of birth” lies more than 90 days ago [sample, confirm locally]") for line in lines
    )
    assert "Authority letter of the representative, if somebody is named as “Representative at the counter”" in lines
