"""Citizens: written down, put right, merged and taken apart again, with nothing lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.access.session import NotPermitted
from appliance.casework import applications, families, people
from appliance.casework.changes import ChangedMeanwhile
from appliance.casework.people import Person
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.store.verify import verify_home
from tests.integration.store.conftest import Bench
from tests.support.pages import holds

GUL = Person(
    "Gul Khan",
    "گل خان",
    "1990-01-02",
    "cnic",
    "17301-1234567-1",
    native_language="ur",
    gender="male",
    father_name="Zaman Khan",
    phone="0300 1234567",
    address="House 7, Street 1",
)
# From UIDAI's published test data: no person has it.
AADHAAR = "9999 4105 7058"


def add(bench: Bench, person: Person = GUL) -> EntityId:
    return people.add_person(bench.store, bench.operator, person)


def test_a_person_is_shown_as_written_down(bench: Bench) -> None:
    about = add(bench)
    shown = people.person(bench.store, about)
    assert shown.person == GUL
    assert (shown.about, shown.merged_into, shown.merged, shown.verification) == (about, None, (), None)
    assert shown.last_seq == bench.store.head().size - 1


def test_a_person_may_have_no_number_and_no_date_of_birth(bench: Bench) -> None:
    assert people.person(bench.store, add(bench, Person("Unnamed, daughter of Gul Bibi"))).person.identity_number == ""


def test_what_is_typed_untidily_is_written_down_tidily(bench: Bench) -> None:
    about = add(bench, Person("  Gul   Khan ", identity_kind="cnic", identity_number="1730112345671"))
    assert people.person(bench.store, about).person == Person(
        "Gul Khan", identity_kind="cnic", identity_number="17301-1234567-1"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"name": "Gul\nKhan"},
        {"born": "02-01-1990"},
        {"born": "1990-02-30"},
        {"born": "2030"},
        {"gender": "m"},
        {"identity_kind": ""},
        {"identity_number": "17301-123456-1"},
        {"identity_kind": "aadhaar", "identity_number": "9999 4105 7059"},
        {"native_language": "Urdu"},
        {"phone": "call me"},
        {"address": "x" * 201},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_with_advice_when_added_and_when_corrected(
    bench: Bench, wrong: dict[str, str]
) -> None:
    about = add(bench)
    before = bench.state()
    with pytest.raises(OperatorError) as raised:
        add(bench, replace(GUL, **wrong))
    assert raised.value.next_step
    with pytest.raises(OperatorError):
        people.correct_person(bench.store, bench.operator, about, wrong, "typed wrongly")
    assert bench.state() == before


def test_of_an_aadhaar_number_no_page_holds_more_than_the_last_four_digits(bench: Bench) -> None:
    about = add(bench, Person("Asha", identity_kind="aadhaar", identity_number=AADHAAR))
    assert people.person(bench.store, about).person.identity_number == "xxxx-xxxx-7058"
    for form in (AADHAAR, AADHAAR.replace(" ", ""), "99994105"):
        assert not holds(bench.store.layout.database, bench.key, form.encode())


def test_a_correction_changes_what_it_names_and_nothing_else(bench: Bench) -> None:
    about = add(bench)
    people.correct_person(bench.store, bench.officer, about, {"father_name": "Zaman Gul"}, "read wrongly")
    assert people.person(bench.store, about).person == replace(GUL, father_name="Zaman Gul")


@pytest.mark.parametrize("changes", [{}, {"name": "Gul  Khan"}, {"about": "x"}, {"identity_mark": "x"}], ids=str)
def test_a_correction_of_nothing_or_of_what_is_not_written_down_is_refused(
    bench: Bench, changes: dict[str, str]
) -> None:
    about = add(bench)
    with pytest.raises(OperatorError):
        people.correct_person(bench.store, bench.operator, about, changes, "x")


def test_who_corrects_what_was_changed_meanwhile_is_told_what_changed(bench: Bench) -> None:
    about = add(bench)
    seen = people.person(bench.store, about).last_seq
    people.correct_person(bench.store, bench.officer, about, {"name": "Gul Jan"}, "as on the card", seen)
    with pytest.raises(ChangedMeanwhile) as raised:
        people.correct_person(bench.store, bench.operator, about, {"name": "Gul Can"}, "x", seen)
    assert raised.value.changes == ("rabia corrected the name to “Gul Jan”: as on the card",)


# Merging


def merged(bench: Bench) -> tuple[EntityId, EntityId]:
    one, other = add(bench), add(bench, Person("Gul Kahn"))
    people.merge(bench.store, bench.officer, other, one, "the same CNIC was shown")
    return one, other


def test_a_merged_record_keeps_every_word_and_says_with_whom_it_is_one(bench: Bench) -> None:
    one, other = merged(bench)
    assert people.person(bench.store, other).person == Person("Gul Kahn")
    assert people.person(bench.store, other).merged_into == one
    assert people.person(bench.store, one).merged == (other,)
    with bench.store.read() as tx:
        assert people.who_is(tx, bench.store.journal, other) == one
        assert people.records_of(tx, bench.store.journal, other) == (one, other)


def test_nothing_more_is_written_about_a_record_that_was_merged_away(bench: Bench) -> None:
    one, other = merged(bench)
    before = bench.state()
    refused: list[Callable[[], object]] = [
        lambda: people.correct_person(bench.store, bench.officer, other, {"name": "x"}, "x"),
        lambda: people.merge(bench.store, bench.officer, other, add(bench), "x"),
        lambda: people.merge(bench.store, bench.officer, one, other, "x"),
        lambda: people.merge(bench.store, bench.officer, one, one, "x"),
        lambda: families.link(bench.store, bench.officer, other, one, "sibling"),
        lambda: people.unmerge(bench.store, bench.officer, one, "x"),
        lambda: people.unmerge(bench.store, bench.officer, other, " "),
    ]
    for each in refused[:1] + refused[2:]:
        with pytest.raises(OperatorError):
            each()
    assert bench.state() == before
    with pytest.raises(OperatorError, match="merged into another"):
        refused[1]()


def test_an_operator_alone_merges_nobody(bench: Bench) -> None:
    one, other = add(bench), add(bench)
    with pytest.raises(NotPermitted):
        people.merge(bench.store, bench.operator, other, one, "x")


def test_a_merge_into_somebody_who_was_erased_since_stands_for_itself(bench: Bench) -> None:
    one, other = merged(bench)
    applications.erase(bench.store, bench.supervisor, one, "asked to")
    with bench.store.read() as tx:
        assert people.who_is(tx, bench.store.journal, other) == other


def everything_but_the_log(bench: Bench) -> dict[str, object]:
    """The rows of people, in every table that is made of bodies."""
    tables = (t.people, t.links, t.verifications)
    with bench.store.read() as tx:
        return {table.name: tx.all(sa.select(table).order_by(*table.primary_key.columns)) for table in tables}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6), st.randoms(use_true_random=False)
)
def test_merges_taken_back_in_any_order_restore_every_record_exactly(
    benches: Callable[[], Bench], pairs: list[tuple[int, int]], order: random.Random
) -> None:
    bench = benches()
    all_people = [add(bench, replace(GUL, name=f"Gul {n}")) for n in range(4)]
    families.link(bench.store, bench.officer, all_people[0], all_people[1], "father")
    families.link(bench.store, bench.officer, all_people[2], all_people[3], "guardian", authority="court order 7")
    before = everything_but_the_log(bench)
    done: list[EntityId] = []
    for about, into in pairs:
        try:
            people.merge(bench.store, bench.officer, all_people[about], all_people[into], "alike")
        except OperatorError:
            continue
        done.append(all_people[about])
    with bench.store.read() as tx:
        stand_for = {people.who_is(tx, bench.store.journal, each) for each in all_people}
        together = [people.records_of(tx, bench.store.journal, each) for each in stand_for]
    assert sorted(one for each in together for one in each) == sorted(all_people), "each record is one person's"
    order.shuffle(done)
    for each in done:
        people.unmerge(bench.store, bench.officer, each, "not alike after all")
    assert everything_but_the_log(bench) == before
    assert verify_home(bench.store.layout, bench.key).ok
