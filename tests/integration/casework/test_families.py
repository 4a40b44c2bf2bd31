"""Family links, guardians and representatives: with their authority, and no longer than it lasts."""

from __future__ import annotations

from datetime import date

import pytest

from appliance.casework import applications, families, people
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId
from tests.integration.store.conftest import Bench

TODAY = date(2026, 11, 22)


def family(bench: Bench) -> tuple[EntityId, EntityId, EntityId]:
    """A child, her father and an uncle."""
    return bench.person("Zarmina"), bench.person("Gul Khan"), bench.person("Zaman Khan")


def test_a_link_reads_both_ways(bench: Bench) -> None:
    child, father, _ = family(bench)
    families.link(bench.store, bench.operator, child, father, "father")
    (of_child,) = families.relatives(bench.store, child)
    (of_father,) = families.relatives(bench.store, father)
    assert (of_child.about, of_child.name, of_child.relation) == (father, "Gul Khan", "father")
    assert (of_father.about, of_father.name, of_father.relation) == (child, "Zarmina", "child")
    assert (of_father.of, of_father.other) == (child, father)


def test_a_representative_acts_by_an_authority_until_its_last_day(bench: Bench) -> None:
    child, _, uncle = family(bench)
    last = date(2026, 12, 31)
    families.link(bench.store, bench.operator, child, uncle, "representative", authority="letter of 3 May", until=last)

    def acts(day: date) -> bool:
        with bench.store.read() as tx:
            return families.represents(tx, bench.store.journal, uncle, child, day) is not None

    assert acts(TODAY)
    assert acts(last)
    assert not acts(date(2027, 1, 1))
    families.unlink(bench.store, bench.officer, child, uncle, "representative", "withdrawn by the family")
    assert not acts(TODAY)


def test_a_father_represents_nobody_by_being_one(bench: Bench) -> None:
    child, father, _ = family(bench)
    families.link(bench.store, bench.operator, child, father, "father")
    with bench.store.read() as tx:
        assert families.represents(tx, bench.store.journal, father, child, TODAY) is None


def test_a_merged_record_of_the_guardian_or_of_the_ward_counts_as_theirs(bench: Bench) -> None:
    child, again, uncle = family(bench)
    families.link(bench.store, bench.operator, child, again, "guardian", authority="court order 7 of 2025")
    people.merge(bench.store, bench.officer, again, uncle, "one and the same")
    with bench.store.read() as tx:
        assert families.represents(tx, bench.store.journal, uncle, child, TODAY) is not None
        assert families.represents(tx, bench.store.journal, again, child, TODAY) is not None
    assert [each.relation for each in families.relatives(bench.store, uncle)] == ["ward"]
    assert [each.about for each in families.relatives(bench.store, child)] == [uncle]


def test_a_link_written_again_replaces_its_authority_and_its_end(bench: Bench) -> None:
    child, _, uncle = family(bench)
    for authority, until in (("letter", date(2026, 12, 1)), ("court order", None)):
        families.link(bench.store, bench.operator, child, uncle, "guardian", authority=authority, until=until)
    (found,) = families.relatives(bench.store, child)
    assert (found.authority, found.until) == ("court order", "")


def test_whoever_was_erased_is_named_no_more(bench: Bench) -> None:
    child, father, _ = family(bench)
    families.link(bench.store, bench.operator, child, father, "father")
    applications.erase(bench.store, bench.supervisor, father, "asked to")
    (found,) = families.relatives(bench.store, child)
    assert found.name == "(erased)"


def test_what_cannot_be_a_link_is_refused(bench: Bench) -> None:
    child, father, uncle = family(bench)
    families.link(bench.store, bench.operator, child, father, "father")
    before = bench.state()
    for about, other, relation, more in (
        (child, child, "sibling", {}),
        (child, uncle, "father", {}),
        (child, uncle, "neighbour", {}),
        (child, uncle, "guardian", {}),
        (child, uncle, "guardian", {"authority": "x\ny"}),
        (child, uncle, "guardian", {"authority": "letter", "until": date(2026, 11, 21)}),
        (child, EntityId("a" * 26), "sibling", {}),
        (EntityId("a" * 26), child, "sibling", {}),
    ):
        with pytest.raises(OperatorError) as raised:
            families.link(bench.store, bench.operator, about, other, relation, **more)
        assert raised.value.next_step
    with pytest.raises(OperatorError):
        families.unlink(bench.store, bench.operator, child, uncle, "father", "x")
    assert bench.state() == before
