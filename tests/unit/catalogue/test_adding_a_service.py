"""`docs/adding-a-service.md`, followed to the letter: its file, what it says comes of it, and each refusal it shows."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from appliance.catalogue import (
    BadService,
    Calendar,
    Service,
    bundled,
    check_answers,
    due_date,
    load_catalogue,
    load_service,
    needed_papers,
    promised_days,
    reckon_fee,
    shown_fields,
)
from appliance.catalogue.checks import CHECKS
from appliance.catalogue.facts import FACTS
from appliance.catalogue.model import KINDS, LANGUAGES, OFFICES, ROLES
from appliance.catalogue.read_conditions import TESTS
from appliance.catalogue.wording import money
from tests.unit.catalogue.example import EXAMPLE, PAGE

ANSWERS: Final = {
    "name": "Specimen Khan",
    "cnic": "17301-1234567-1",
    "born": "31/12/1990",
    "source": "Salary",
    "monthly": "Rs 45,000",
    "employer": "Specimen Mills",
    "copies": "3",
    "urgent": "no",
}


def cell(text: str) -> str:
    return text.strip().strip("`")


def refusals() -> list[tuple[str, str, str]]:
    table = PAGE.split("| instead of |")[1].split("\n\n")[0]
    rows = [row[1:-1].split(" |", 2) for row in table.splitlines()[2:]]
    return [(cell(old), cell(new), says.strip()) for old, new, says in rows]


@pytest.fixture
def service(tmp_path: Path) -> Service:
    (tmp_path / "income_certificate.toml").write_text(EXAMPLE)
    return load_catalogue([bundled(), tmp_path]).service("income_certificate")


def test_the_file_of_the_page_gives_what_the_page_says(service: Service) -> None:
    today = date(2026, 11, 2)
    assert check_answers(service, ANSWERS, today) == ()
    asked = ", ".join(field.id for field in shown_fields(service, ANSWERS, today))
    papers = ", ".join(paper.id for paper in needed_papers(service, ANSWERS, today))
    fee = money(reckon_fee(service, ANSWERS, today).total_minor, service.currency)
    due = due_date(today, promised_days(service, ANSWERS, today), Calendar())
    assert f"| {asked} | {papers} | {fee} | {due} |" in PAGE


def test_what_the_page_marks_as_sample_is_shown_as_sample(service: Service) -> None:
    assert service.samples == ("appeal", "fees.urgent")
    (urgent,) = (
        line for line in reckon_fee(service, ANSWERS | {"urgent": "yes"}, date(2026, 11, 2)).lines if line.sample
    )
    assert (urgent.code, urgent.minor) == ("urgent", 50000)


@pytest.mark.parametrize(("old", "new", "says"), refusals(), ids=[new or old for old, new, _ in refusals()])
def test_each_refusal_of_the_page_is_said_so(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in EXAMPLE
    file = tmp_path / "income_certificate.toml"
    file.write_text(EXAMPLE.replace(old, new, 1))
    with pytest.raises(BadService) as refused:
        load_service(file)
    assert str(refused.value) == f"{file.name}, {says}"


def test_the_page_shows_more_than_ten_refusals() -> None:
    assert len(refusals()) > 10


@pytest.mark.parametrize("word", sorted({*KINDS, *LANGUAGES, *ROLES, *OFFICES, *TESTS, *CHECKS, *FACTS}))
def test_the_page_names_every_word_that_a_file_may_use(word: str) -> None:
    assert re.search(rf"`[^`\n]*\b{word}\b[^`\n]*`", PAGE)
