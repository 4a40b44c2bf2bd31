"""What citizens brought goes up, folds to the same tables at central, and goes from there too when it is erased."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from appliance.access import operators
from appliance.access.operators import NewOperator
from appliance.access.session import Role, Session
from appliance.journal.errors import NetworkError
from appliance.records import folding
from appliance.records.log import Log
from appliance.store.store import Store
from sync.agent import sync_once
from sync.central.central import Central
from sync.outcome import SyncProgress
from tests.support import casework as applications
from tests.support.casework import Person
from tests.support.centrals import CENTRE, EnrolledNode, enrol
from tests.support.nodes import PASSWORD

CANARY = "Zarghuna Canary Bibi"


def signed_in(store: Store) -> tuple[Session, Session]:
    """An operator and a supervisor."""
    operators.add_first_supervisor(store, NewOperator("sana", "Sana", (Role.SUPERVISOR,), PASSWORD), os.urandom)
    supervisor = operators.sign_in(store, login="sana", password=PASSWORD, role=Role.SUPERVISOR, counter="1")
    operators.add_operator(store, supervisor, NewOperator("omar", "Omar", (Role.OPERATOR,), PASSWORD), os.urandom)
    operator = operators.sign_in(store, login="omar", password=PASSWORD, role=Role.OPERATOR, counter="1")
    return operator, supervisor


def synced(node: EnrolledNode, central: Central) -> None:
    assert sync_once(node.store, node.address, now_s=lambda: int(time.time())).complete
    central.index.settle(30)
    with node.store.read() as mine, central._index_db.read() as theirs:
        folding.same_tables(mine, theirs, node.store.journal)


def test_tables_are_the_same_on_both_sides_before_and_after_a_subject_is_erased(
    central: Central, tmp_path: Path
) -> None:
    node = enrol(tmp_path / "node", central.invite(*CENTRE))
    operator, supervisor = signed_in(node.store)
    person = applications.add_person(node.store, operator, Person(CANARY))
    application = applications.submit_application(
        node.store, operator, service="domicile", applicant=person, fields={"tehsil": "Peshawar"}
    ).application
    paper = applications.add_paper(
        node.store, operator, application, label="CNIC", media_type="image/jpeg", content=os.urandom(90_000)
    )
    synced(node, central)
    assert len(central.fetch(paper)) == 90_000
    assert CANARY.encode() in bodies(central, node)
    for about in (person, application):
        applications.erase(node.store, supervisor, about, "The citizen asked for it.")
    synced(node, central)
    assert CANARY.encode() not in bodies(central, node)
    assert not central._locker.holds(paper)
    node.store.close()


def test_a_paper_erased_while_it_was_on_its_way_is_not_missing(central: Central, tmp_path: Path) -> None:
    node = enrol(tmp_path / "node", central.invite(*CENTRE))
    operator, supervisor = signed_in(node.store)
    person = applications.add_person(node.store, operator, Person(CANARY))
    application = applications.submit_application(
        node.store, operator, service="domicile", applicant=person, fields={}
    ).application
    applications.add_paper(
        node.store, operator, application, label="CNIC", media_type="image/jpeg", content=os.urandom(90_000)
    )

    def cut_in_the_paper(progress: SyncProgress) -> None:
        if progress.blob_bytes_sent:
            raise NetworkError("The link broke.")

    with pytest.raises(NetworkError):
        sync_once(node.store, node.address, now_s=lambda: int(time.time()), watch=cut_in_the_paper)
    applications.erase(node.store, supervisor, application, "The citizen asked for it.")
    synced(node, central)
    node.store.close()


def bodies(central: Central, node: EnrolledNode) -> bytes:
    with central._archive_db.read() as tx:
        log = Log(tx, node.store.journal)
        head = log.head()
        assert head is not None
        return b"".join(entry.body or b"" for entry in log.entries(0, head.size))
