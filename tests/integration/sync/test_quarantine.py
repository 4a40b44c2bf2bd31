"""Which refusals stop a node, for how long, and that nothing of it is countersigned meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, JournalId
from sync.central import registry
from sync.central.central import Central
from sync.central.locker import Outcome
from sync.central.quarantine import CENTRAL, Cause
from sync.frames import BlobPiece
from sync.refusals import BodiesOwed, Cut, Fork, NotEnrolled, Quarantined, Rollback, TakenOver
from sync.session import Accept, Keep, Stage, Wanted
from tests.support.centrals import CENTRE, Scribe, new_central


@pytest.fixture
def central(tmp_path: Path) -> Iterator[Central]:
    made = new_central(tmp_path / "central")
    yield made
    made.close()


@pytest.fixture
def scribe(central: Central) -> Scribe:
    made = Scribe()
    made.opens()
    invite = central.invite(*CENTRE)
    central.enrol(msgspec.json.encode(made.request(invite)))
    return made


def cause(central: Central, journal: JournalId) -> Cause | None:
    view = central.fleet.node(journal)
    assert view is not None
    return None if view.quarantine is None else view.quarantine.cause


def test_a_fork_stops_the_node_at_once_and_for_every_process(central: Central, scribe: Scribe) -> None:
    assert central.fleet.refused(scribe.journal, Fork("Two histories."))
    assert cause(central, scribe.journal) is Cause.FORK
    assert not central.fleet.refused(scribe.journal, Fork("Two histories."))
    (act,) = central.fleet.acts(scribe.journal)
    assert (act.act, act.by, act.reason) == ("quarantined", CENTRAL, "Two histories.")


def test_one_older_copy_may_be_a_request_that_was_overtaken_and_two_in_a_row_are_not(
    central: Central, scribe: Scribe
) -> None:
    older = Rollback("An older copy.")
    assert not central.fleet.refused(scribe.journal, older)
    central.fleet.opened(scribe.journal, complete=True)
    assert not central.fleet.refused(scribe.journal, older)
    assert central.fleet.refused(scribe.journal, older)
    assert cause(central, scribe.journal) is Cause.ROLLBACK


@pytest.mark.parametrize("error", [BodiesOwed("Owed."), Cut("Cut."), TakenOver("Newer."), NotEnrolled("No.")])
def test_no_other_refusal_stops_a_node(central: Central, scribe: Scribe, error: OperatorError) -> None:
    for _ in range(5):
        assert not central.fleet.refused(scribe.journal, error)
    assert cause(central, scribe.journal) is None


def test_a_stream_that_was_under_way_is_not_countersigned_any_more(central: Central, scribe: Scribe) -> None:
    scribe.grow(3)
    with central._archive_db.read() as tx:
        node = registry.require_node(tx, scribe.journal)
    receiver = central.archive.receiver(node, 4)
    effects = [effect for frame in scribe.frames(1) if (effect := receiver.take(frame)) is not None]
    assert [type(each) for each in effects] == [Stage, Accept]
    central.archive.store(scribe.journal, effects[0])
    central.fleet.stop(scribe.journal, "Its box was stolen.", "ayesha")
    with pytest.raises(Quarantined):
        central.archive.store(scribe.journal, effects[1])
    assert central.archive.state(scribe.journal).stored == 1
    central.fleet.lift(scribe.journal, "Found.", "ayesha")
    central.archive.store(scribe.journal, effects[1])
    assert central.archive.state(scribe.journal).stored == 4


def test_nothing_more_of_a_stream_under_way_is_staged_or_kept_though_another_process_stopped_its_node(
    central: Central, scribe: Scribe
) -> None:
    digest = BlobDigest(hashlib.sha256(b"scan").hexdigest())
    scribe.grow(1).write(blobs=(digest,))
    with central._archive_db.read() as tx:
        node = registry.require_node(tx, scribe.journal)
    receiver = central.archive.receiver(node, len(scribe.entries))
    for frame in scribe.frames(1):
        if (effect := receiver.take(frame)) is not None:
            central.archive.store(scribe.journal, effect)
    scribe.grow(2)
    more = central.archive.receiver(node, len(scribe.entries))
    staged = next(effect for frame in scribe.frames(3) if (effect := more.take(frame)) is not None)
    pieces = [BlobPiece(digest, 4, 0, b"sc"), BlobPiece(digest, 4, 2, b"an")]
    assert central.archive.store(scribe.journal, Keep(pieces[0])) is Outcome.PARTIAL
    central.fleet.stop(scribe.journal, "Its box was stolen.", "ayesha")
    for effect in (staged, Keep(pieces[1])):
        with pytest.raises(Quarantined):
            central.archive.store(scribe.journal, effect)
    state = central.archive.state(scribe.journal)
    assert (state.stored, state.staged, state.wanted) == (3, 3, (Wanted(digest, 2),))


def test_only_with_a_reason_and_only_what_is_there_is_lifted(central: Central, scribe: Scribe) -> None:
    with pytest.raises(OperatorError, match="not in quarantine"):
        central.fleet.lift(scribe.journal, "Why not.", "ayesha")
    assert central.fleet.stop(scribe.journal, "A reason.", "ayesha")
    assert not central.fleet.stop(scribe.journal, "Another.", "bilal")
    with pytest.raises(OperatorError, match="reason"):
        central.fleet.lift(scribe.journal, " \n", "ayesha")
    assert cause(central, scribe.journal) is Cause.PERSON
    with pytest.raises(NotEnrolled):
        central.fleet.stop(JournalId("a" * 26), "A reason.", "ayesha")
