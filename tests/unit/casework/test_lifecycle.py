"""The transition table, that the fold writes the status that the table says, and that the diagram is drawn from it."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import select

from appliance.access import four_eyes
from appliance.access.permitted import BY_DECISION, PERMITTED, Role
from appliance.casework import lifecycle
from appliance.casework.lifecycle import CLOSED, OPEN, STEPS, How, IllegalStep, Move, Status, move_of, step
from appliance.journal import kinds as k
from appliance.journal.entry import Entry, make_entry
from appliance.journal.ids import EntityId, Kind, entity_id, journal_id
from appliance.records import tables as t
from appliance.records.database import Database
from appliance.records.folding import Folder
from tests.support.specimens import SPECIMENS

JOURNAL = journal_id(bytes(32))
CASE = entity_id(bytes(16))
DIAGRAM: Final = Path(__file__).parents[3] / "docs" / "lifecycle.md"
OTHER: Final[dict[How, k.Body]] = {
    How.OTHERS_OPEN: k.ApplicationAnswered(step="police", outcome="positive", still=("patwari",)),
    How.ALL_ANSWERED: k.ApplicationAnswered(step="police", outcome="positive"),
    How.ALLOWED: k.ApplicationAppealDecided(allowed=True, reason="x"),
    How.DISMISSED: k.ApplicationAppealDecided(allowed=False, reason="x"),
}
MOVES: Final = sorted({move for _, move in STEPS}, key=str)


def body_of(move: Move) -> k.Body:
    return SPECIMENS[move.kind]("x") if move.how is None else OTHER[move.how]


def entry(seq: int, body: k.Body) -> Entry:
    return make_entry(
        journal=JOURNAL,
        seq=seq,
        at="2026-11-22T09:00:00.000Z",
        by="node",
        kind=Kind(body.KIND),
        about=EntityId(CASE),
        body=k.encode_body(body),
        salt=bytes(16),
    )


def folded(*moves: Move) -> Status | None:
    tx = Database.in_memory((t.LOG, t.FOLDED))
    Folder(tx, tx, JOURNAL).fold([entry(seq, body_of(move)) for seq, move in enumerate(moves)])
    row = tx.one(select(t.applications.c.status))
    return None if row is None else Status(row[0])


def ways() -> dict[Status | None, tuple[Move, ...]]:
    """How to get to each status, by the table alone."""
    found: dict[Status | None, tuple[Move, ...]] = {None: ()}
    ahead: list[Status | None] = [None]
    while ahead:
        status = ahead.pop(0)
        for (before, move), after in STEPS.items():
            if before is status and after not in found:
                found[after] = (*found[status], move)
                ahead.append(after)
    return found


WAYS: Final = ways()


@pytest.mark.parametrize(("status", "move"), STEPS, ids=str)
def test_the_fold_leads_where_the_table_says(status: Status | None, move: Move) -> None:
    assert folded(*WAYS[status]) == status
    assert folded(*WAYS[status], move) == STEPS[status, move] == step(status, *move)
    assert move_of(body_of(move)) == move


@pytest.mark.parametrize(
    ("status", "move"),
    [pair for pair in itertools.product([None, *Status], MOVES) if pair not in STEPS],
    ids=str,
)
def test_every_other_step_is_refused(status: Status | None, move: Move) -> None:
    with pytest.raises(IllegalStep) as caught:
        step(status, *move)
    assert (status.value if status else "not begun") in caught.value.sentence


def test_every_status_can_be_reached() -> None:
    assert set(WAYS) - {None} == set(Status)


def test_what_is_closed_leads_nowhere_and_all_else_leads_somewhere() -> None:
    leads_on = {before for (before, _), after in STEPS.items() if before is not after}
    assert {status for status in Status if status not in leads_on} == CLOSED


def test_what_is_open_can_still_be_decided_or_withdrawn() -> None:
    for status in OPEN:
        assert (status, Move(k.ApplicationWithdrawn.KIND)) in STEPS


def test_the_table_knows_every_kind_about_an_application() -> None:
    named = {kind for kind in k.KINDS if kind.startswith(("application.", "certificate."))}
    # What the node does with a certificate by itself leads nowhere.
    about = {kind for kind in named if Role.NODE not in PERMITTED[kind] or kind in BY_DECISION} | {k.PaperAdded.KIND}
    assert {move.kind for move in MOVES} == about
    assert about >= four_eyes.INTAKE | four_eyes.DECISION | four_eyes.APPEAL


def test_nothing_is_issued_or_handed_over_that_nobody_approved() -> None:
    """Every way through the table to ISSUED or DELIVERED goes over an approval."""
    reachable: set[Status | None] = {None}
    while True:
        more = {
            after
            for (before, move), after in STEPS.items()
            if before in reachable and move.kind != k.ApplicationApproved.KIND
        }
        if more <= reachable:
            break
        reachable |= more
    assert not reachable & {Status.APPROVED, Status.ISSUED, Status.DELIVERED}


def test_the_diagram_in_the_documents_is_drawn_from_the_table() -> None:
    """The page says itself how it is drawn anew."""
    assert DIAGRAM.read_text() == lifecycle.page()
