"""Who may be written down already: found in whatever script and spelling, with the reasons, never by a phone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.casework import people
from appliance.casework.matching import MIN_SCORE, likely_duplicates
from appliance.casework.people import Person
from appliance.journal.ids import EntityId
from tests.integration.store.conftest import Bench

GUL = Person(
    "Muhammad Gul Khan",
    "محمد گل خان",
    "1990-05-17",
    "cnic",
    "17301-1234567-1",
    gender="male",
    father_name="Zaman Khan",
    mother_name="Gul Bibi",
    phone="03001234567",
)


def add(bench: Bench, person: Person) -> EntityId:
    return people.add_person(bench.store, bench.operator, person)


@pytest.mark.parametrize(
    ("again", "reason"),
    [
        (GUL, "the same CNIC number"),
        (Person("Somebody", identity_kind="cnic", identity_number="1730112345671"), "the same CNIC number"),
        (Person("Mohammed Gul Khan", born="1990-05-17"), "a name with the same words in it"),
        (Person("Muhamad Gull Kan", born="1990-05-17"), "a name spelled alike"),
        (Person("Khan Muhammad Gul"), "the same name"),
        (Person("محمد گل خان"), "the same name"),
        (Person("मोहम्मद गुल खान", born="1990-05-17"), "a name that sounds alike"),
        (Person("M Gul Khan", born="1990-05-17", father_name="زمان خان"), "a father of that name"),
        (Person("Muhammad Gul Khan", born="1990-17-05"[:4]), "born at the same time, as far as it is known"),
        (replace(GUL, identity_kind="", identity_number="", born="1990-05-71"[:7]), "the same name"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_the_same_person_is_found_with_the_reason(bench: Bench, again: Person, reason: str) -> None:
    about = add(bench, GUL)
    add(bench, Person("Palwasha Khattak", born="1990-05-17"))
    (likely,) = likely_duplicates(bench.store, again)
    assert likely.about == about
    assert reason in likely.reasons
    assert MIN_SCORE <= likely.score <= 100


@pytest.mark.parametrize(
    "other",
    [
        Person("Palwasha Khattak", phone="03001234567"),
        Person("Palwasha Khattak", born="1990-05-17", father_name="Zaman Khan", phone="03001234567"),
        replace(GUL, identity_number="17301-7654321-1"),
        replace(GUL, identity_number="", identity_kind="", born="1961-01-01", gender="female"),
        Person("Muhammad Gul Khan", born="1961-01-01", father_name="Akbar Shah"),
    ],
    ids=["a phone", "a brother or sister", "another number", "another day and gender", "another father"],
)
def test_somebody_else_is_less_likely_than_the_same_name_alone(bench: Bench, other: Person) -> None:
    about = add(bench, other)
    likely = [each for each in likely_duplicates(bench.store, GUL) if each.about == about]
    alone = likely_duplicates(bench.store, Person("Muhammad Gul Khan"))
    assert not likely or likely[0].score <= MIN_SCORE + 35
    assert all(any(reason.startswith("another") for reason in each.reasons) for each in likely)
    assert all(each.score <= MIN_SCORE for each in alone)


def test_the_likeliest_come_first_and_what_speaks_against_is_said_too(bench: Bench) -> None:
    less = add(bench, replace(GUL, identity_kind="", identity_number="", born="1991-01-01"))
    more = add(bench, replace(GUL, identity_kind="", identity_number=""))
    likely = likely_duplicates(bench.store, GUL)
    assert [each.about for each in likely] == [more, less]
    assert "another date of birth" in likely[1].reasons


def test_merged_records_count_as_the_one_that_stands_for_them(bench: Bench) -> None:
    one, other = add(bench, GUL), add(bench, replace(GUL, name="Mohammad Gul"))
    assert {each.about for each in likely_duplicates(bench.store, GUL, besides=one)} == {other}
    people.merge(bench.store, bench.officer, other, one, "one and the same")
    assert [each.about for each in likely_duplicates(bench.store, GUL)] == [one]
    assert likely_duplicates(bench.store, GUL, besides=one) == []
    assert likely_duplicates(bench.store, GUL, besides=other) == []


def test_an_aadhaar_number_matches_as_a_whole_and_its_last_digits_are_little(bench: Bench) -> None:
    """Both numbers fit together, and end alike; only one is the same."""
    asha = Person("Asha Devi", identity_kind="aadhaar", identity_number="9999 4105 7058")
    about = add(bench, asha)
    (likely,) = likely_duplicates(bench.store, replace(asha, name="Somebody"))
    assert (likely.about, likely.score, likely.reasons) == (about, 100, ("the same Aadhaar number",))
    masked = replace(asha, identity_number="xxxx-xxxx-7058")
    (likely,) = likely_duplicates(bench.store, masked)
    assert likely.reasons == ("the same last digits of the Aadhaar number", "the same name")
    assert likely_duplicates(bench.store, replace(masked, name="Somebody")) == []


def test_nobody_is_like_somebody_without_a_name_or_number_that_says_anything(bench: Bench) -> None:
    add(bench, GUL)
    assert likely_duplicates(bench.store, Person("")) == []
    assert likely_duplicates(bench.store, Person("7")) == []
