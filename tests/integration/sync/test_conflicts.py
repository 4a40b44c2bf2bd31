"""One number on papers of two nodes: a case for people, once, on both nodes, and nothing is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records import tables
from sync.central.central import Central
from tests.support.centrals import CENTRE, Scribe, new_central

ADD = sa.insert(tables.certificates)
COUNT = sa.select(sa.func.count()).select_from(tables.certificates)


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    made = new_central(tmp_path / "central")
    yield made
    made.close()


def enrolled(central: Central, centre: str = CENTRE[0]) -> JournalId:
    scribe = Scribe()
    scribe.opens(centre)
    central.enrol(msgspec.json.encode(scribe.request(central.invite(centre, CENTRE[1]))))
    central.index.settle(30)
    return scribe.journal


def issue(central: Central, journal: JournalId, *numbers: str) -> None:
    """What the fold makes of certificates that were issued."""
    empty = {column.name: "" for column in tables.certificates.c}
    with central._index_db.write() as tx:
        tx.many(ADD, [empty | {"journal": journal, "about": number, "number": number} for number in numbers])
    central.conflicts.look(journal)


def test_two_papers_with_one_number_are_a_case_that_a_person_settles(central: Central) -> None:
    first, second = enrolled(central), enrolled(central)
    issue(central, first, "PEW01-000001-A", "PEW01-000002-B")
    assert central.fleet.view().conflicts == ()
    issue(central, second, "PEW01-000002-B", "PEW01-000003-C")
    central.conflicts.look(first)
    (case,) = central.fleet.view().conflicts
    assert (case.number, set(case.journals)) == ("PEW01-000002-B", {first, second})
    troubles = [each.troubles[0] for each in central.fleet.view().nodes]
    assert [each.code for each in troubles] == ["conflict", "conflict"]
    assert "sanad central cases PEW01-000002-B --settle" in troubles[0].next_step
    with pytest.raises(OperatorError, match="reason"):
        central.conflicts.settle(case.number, "", "ayesha")
    central.conflicts.settle(case.number, "The second was revoked and issued anew.", "ayesha")
    assert central.fleet.view().conflicts == ()
    issue(central, second, "PEW01-000004-D")
    assert central.fleet.view().conflicts == ()
    with pytest.raises(OperatorError, match="no open case"):
        central.conflicts.settle(case.number, "Again.", "ayesha")
    with central._index_db.read() as tx:
        assert tx.one(COUNT) == (5,)


def test_nodes_of_other_centres_are_not_held_against_each_other(central: Central) -> None:
    first, second = enrolled(central), enrolled(central, "ISB01")
    issue(central, first, "PEW01-000001-A")
    issue(central, second, "ISB01-000001-A")
    assert central.fleet.view().conflicts == ()
