"""The transition table, and that the fold writes the status that the table says."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select

from appliance.access import four_eyes
from appliance.casework.lifecycle import STEPS, IllegalStep, Status, step
from appliance.journal import kinds as k
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import EntityId, Kind, entity_id, journal_id
from appliance.records import tables as t
from appliance.records.database import Database
from appliance.records.folding import Folder
from tests.support.specimens import SPECIMENS

JOURNAL = journal_id(bytes(32))
CASE = entity_id(bytes(16))
KINDS = sorted(four_eyes.INTAKE | four_eyes.DECISION)
# How to get to a status.
WAYS = {
    Status.SUBMITTED: (k.ApplicationSubmitted.KIND,),
    Status.APPROVED: (k.ApplicationSubmitted.KIND, k.ApplicationApproved.KIND),
    Status.RETURNED: (k.ApplicationSubmitted.KIND, k.ApplicationReturned.KIND),
    Status.REJECTED: (k.ApplicationSubmitted.KIND, k.ApplicationRejected.KIND),
}


def entry(seq: int, kind: str) -> Entry:
    return make_entry(
        journal=JOURNAL,
        seq=seq,
        at="2026-11-22T09:00:00.000Z",
        by="node",
        kind=Kind(kind),
        about=EntityId(CASE),
        body=k.encode_body(SPECIMENS[kind]("x")),
        salt=bytes(16),
    )


def folded(*kinds: str) -> Status:
    tx = Database.in_memory((t.LOG, t.FOLDED))
    Folder(tx, tx, JOURNAL).fold([entry(seq, kind) for seq, kind in enumerate(kinds)])
    row = tx.one(select(t.applications.c.status))
    assert row is not None
    return Status(row[0])


@pytest.mark.parametrize(("status", "kind"), STEPS)
def test_the_fold_leads_where_the_table_says(status: Status, kind: str) -> None:
    assert folded(*WAYS[status]) == status
    assert folded(*WAYS[status], kind) == STEPS[status, kind] == step(status, kind)


@pytest.mark.parametrize(("status", "kind"), [pair for pair in itertools.product(Status, KINDS) if pair not in STEPS])
def test_every_other_step_is_refused(status: Status, kind: str) -> None:
    with pytest.raises(IllegalStep) as caught:
        step(status, kind)
    assert status.value in caught.value.sentence


def test_what_was_decided_for_good_stays() -> None:
    for status in (Status.APPROVED, Status.REJECTED):
        assert not [kind for before, kind in STEPS if before is status]


def test_every_status_can_be_reached() -> None:
    assert set(STEPS.values()) | {Status.SUBMITTED} == set(Status)
