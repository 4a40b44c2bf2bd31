"""The simulation finds what it looks for: each fault, put into the shipped code on purpose, is found by some seed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import pytest

from appliance.casework import decisions
from appliance.casework.centre import Centre
from appliance.journal.entry import Entry
from appliance.journal.ids import BlobDigest, JournalId
from appliance.journal.kinds import DecisionContested, NumbersLeased
from appliance.records import folding, tables
from appliance.records.database import Tx
from appliance.records.folds import orders
from appliance.records.log import Log
from appliance.records.statements import add_once
from appliance.store import freeing
from appliance.store.commit import Draft, Moment
from appliance.store.store import Store
from sync.central import ordersback, registry
from sync.central.archive import Archive
from sync.central.backups import Backups
from sync.central.fleet import Fleet
from sync.central.locker import Outcome
from sync.central.nodecases import NodeCases
from sync.central.orders import Told
from sync.central.quarantine import Cause
from sync.central.registry import Node
from sync.frames import BlobPiece
from sync.session import Accept, Effect, Receiver, Stage
from tests.simulation.syncsim.memory import MemoryLocker
from tests.simulation.syncsim.schedule import Found, Schedule

SEEDS = 400
"""Schedules that a fault may hide from, at the most."""


FOUND_AT = {
    "lose_what_was_given_again": 61,
    "believe_that_no_order_was_lost": 89,
    "store_less_than_came": 10,
    "fold_an_entry_twice": 6,
    "take_any_end": 48,
    "give_a_lease_twice": 24,
    "keep_an_erased_file": 5,
    "let_a_copy_go_on": 35,
    "free_what_is_on_no_backup": 7,
    "rely_on_a_backup_that_was_withdrawn": 12,
    "say_that_a_backup_is_made_when_it_begins": 9,
    "say_that_a_backup_has_what_central_lacks": 193,
    "free_without_a_word": 9,
    "ask_for_ever_for_what_was_freed": 12,
    "name_nothing_as_lost": 12,
    "keep_cases_from_central": 6,
    "keep_cases_about_who_was_erased": 116,
    "settle_at_central_and_tell_nobody": 101,
    "leave_a_decision_that_cannot_be_carried_out": 6,
    "keep_the_first_setting": 121,
}
"""Schedules that are tried before all others: each found its fault when this was written. It saves time, no more."""


def _found(first: int = 0, *, lies: bool = False) -> str:
    """What the first schedule says that finds something broken."""
    for seed in (first, *range(SEEDS)):
        try:
            Schedule.of(seed, lies=lies).run()
        except Found as found:
            return str(found)
    pytest.fail(f"{SEEDS} schedules found nothing", pytrace=False)


def _lose_what_was_given_again(patch: pytest.MonkeyPatch) -> None:
    def told(_self: object, _withdrawn: Sequence[Entry]) -> list[Told]:
        return []

    patch.setattr(ordersback._Again, "told", told)


def _believe_that_no_order_was_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ordersback.OrdersBack, "agreed", lambda *_: 1_000_000)


def _store_less_than_came(patch: pytest.MonkeyPatch) -> None:
    store = Archive.store

    def storing(self: Archive, journal: JournalId, effect: Effect) -> Any:
        if isinstance(effect, Stage) and len(effect.entries) > 1:
            effect = Stage(effect.start, effect.entries[:-1])
        return store(self, journal, effect)

    patch.setattr(Archive, "store", storing)


def _fold_an_entry_twice(patch: pytest.MonkeyPatch) -> None:
    fold = folding.fold_range

    def folded(tx: Tx, log: Tx, journal: JournalId, start: int, stop: int, *more: Any) -> None:
        fold(tx, log, journal, max(start - 1, 0), stop, *more)

    patch.setattr(folding, "fold_range", folded)


def _take_any_end(patch: pytest.MonkeyPatch) -> None:
    def end(self: Receiver, note: bytes) -> Accept:
        return Accept(note, self.frontier)

    patch.setattr(Receiver, "_checkpoint", end)


def _give_a_lease_twice(patch: pytest.MonkeyPatch) -> None:
    def leased(_tx: Tx, prefix: str, _journal: JournalId) -> NumbersLeased:
        return NumbersLeased(prefix=prefix, first=10_001, last=20_000)

    patch.setattr(registry, "lease_numbers", leased)


def _forget_a_sealed_file(patch: pytest.MonkeyPatch) -> None:
    name = Archive._name

    def named(self: Archive, tx: Tx, journal: JournalId, seq: int, about: str, digests: Sequence[str]) -> None:
        if seq % 5:
            name(self, tx, journal, seq, about, digests)

    patch.setattr(Archive, "_name", named)


def _keep_an_erased_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Archive, "bury", lambda *_: None)


def _let_a_copy_go_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fleet, "refused", lambda *_: False)


def _stop_a_node_for_whatever_is_refused(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fleet, "_cause", lambda *_: Cause.FORK)


def _countersign_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Log, "set_cosigned", lambda *_: None)


def _take_a_piece_for_the_whole_file(patch: pytest.MonkeyPatch) -> None:
    def whole(self: MemoryLocker, piece: BlobPiece) -> Outcome:
        self._shelf.whole[BlobDigest(piece.digest)] = piece.data
        return Outcome.WHOLE

    patch.setattr(MemoryLocker, "add", whole)


def _free_what_is_on_no_backup(patch: pytest.MonkeyPatch) -> None:
    def everything(tx: Tx, store: Store) -> freeing.Backup | None:
        told = newest(tx, store)
        return None if told is None else freeing.Backup(told.name, told.made_at, 1_000_000, frozenset())

    newest = freeing._newest
    patch.setattr(freeing, "_newest", everything)


def _rely_on_a_backup_that_was_withdrawn(patch: pytest.MonkeyPatch) -> None:
    largest = freeing._NEWEST.order_by(None).order_by(tables.backups.c.size.desc())
    patch.setattr(freeing, "_NEWEST", largest)


def _say_that_a_backup_is_made_when_it_begins(patch: pytest.MonkeyPatch) -> None:
    begin = Backups.begin

    def begun(self: Backups, name: str) -> int:
        begin(self, name)
        return self.done(name)

    patch.setattr(Backups, "begin", begun)


def _say_that_a_backup_has_what_central_lacks(patch: pytest.MonkeyPatch) -> None:
    held = Backups._held

    def all_of_it(self: Backups, tx: Tx, node: Node) -> dict[str, object]:
        return held(self, tx, node) | {"lacking": ""}

    patch.setattr(Backups, "_held", all_of_it)


def _free_without_a_word(patch: pytest.MonkeyPatch) -> None:
    def free(store: Store, digests: Collection[BlobDigest]) -> None:
        store.drop_blobs(lambda _: digests)

    patch.setattr(freeing, "_free", free)


def _ask_for_ever_for_what_was_freed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Backups, "look", lambda *_: None)


def _name_nothing_as_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Backups, "lost", lambda _: [])


def _keep_cases_from_central(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(NodeCases, "look", lambda *_: False)


def _keep_cases_about_who_was_erased(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(NodeCases, "_erased", lambda *_: [])


def _settle_at_central_and_tell_nobody(patch: pytest.MonkeyPatch) -> None:
    def settle(self: NodeCases, conflict: str, words: str, by: str) -> bool:
        silent = NodeCases(self.archive, self.index, self.clock, lambda *_: None)
        return settled(silent, conflict, words, by)

    settled = NodeCases.settle
    patch.setattr(NodeCases, "settle", settle)


def _leave_a_decision_that_cannot_be_carried_out(patch: pytest.MonkeyPatch) -> None:
    write = decisions._write

    def written(centre: Centre, moment: Moment, decision: decisions.Decision) -> list[Draft]:
        drafts = write(centre, moment, decision)
        return [] if any(isinstance(each.body, DecisionContested) for each in drafts) else drafts

    patch.setattr(decisions, "_write", written)


def _keep_the_first_setting(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(orders, "_SET", add_once(tables.ordered_settings))


Put = Callable[[pytest.MonkeyPatch], None]
FAULTS: tuple[tuple[Put, str], ...] = (
    (_lose_what_was_given_again, "was never given an order"),
    (_believe_that_no_order_was_lost, ""),
    (_store_less_than_came, "is honest"),
    (_fold_an_entry_twice, "tables"),
    (_take_any_end, ""),
    (_give_a_lease_twice, "an order twice"),
    (_forget_a_sealed_file, ""),
    (_keep_an_erased_file, "sealed file"),
    (_let_a_copy_go_on, "goes on"),
    (_stop_a_node_for_whatever_is_refused, "quarantine"),
    (_countersign_nothing, "is honest"),
    (_take_a_piece_for_the_whole_file, "sealed file"),
    (_free_what_is_on_no_backup, "freed a file"),
    (_rely_on_a_backup_that_was_withdrawn, "freed a file"),
    (_say_that_a_backup_is_made_when_it_begins, ""),
    (_say_that_a_backup_has_what_central_lacks, "freed a file"),
    (_free_without_a_word, "no entry says why"),
    (_ask_for_ever_for_what_was_freed, ""),
    (_name_nothing_as_lost, "sealed file"),
    (_keep_cases_from_central, "people must settle"),
    (_keep_cases_about_who_was_erased, "people must settle"),
    (_settle_at_central_and_tell_nobody, "people must settle"),
    (_leave_a_decision_that_cannot_be_carried_out, "left a decision"),
    (_keep_the_first_setting, "settings"),
)


@pytest.mark.parametrize(("put", "says"), FAULTS, ids=[put.__name__.strip("_") for put, _ in FAULTS])
def test_a_fault_is_found(
    put: Callable[[pytest.MonkeyPatch], None], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch)
    found = _found(FOUND_AT.get(put.__name__.strip("_"), 0))
    assert says in found
    assert "Replay: python -m tests.simulation.syncsim" in found


def test_a_central_that_acknowledges_before_its_disk_has_it_is_found() -> None:
    assert "Replay: python -m tests.simulation.syncsim" in _found(lies=True)
