"""Central's index: the tables that all nodes' journals fold to, in a database of their own.

The archive is written and countersigned first; the fold follows, in one thread, and catches up at the start with
whatever a crash kept from it. Journals take turns at it, some thousand entries each. A fold that fails costs nothing
that was acknowledged, and stops no other journal. The entry that it throws at is set aside with its subject, and the
rest goes on (`appliance.records.aside`, ADR 0019); at a start by software that can fold it, its journal is folded anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import Final

import structlog
from sqlalchemy import bindparam, func, select

from appliance.journal.errors import DeviceError, IntegrityError
from appliance.journal.ids import JournalId
from appliance.records import aside, folding
from appliance.records.aside import Poison, Reached
from appliance.records.database import Database, Tx
from appliance.records.folding import Progress, no_progress
from appliance.records.log import Log
from appliance.records.poison import is_poison
from appliance.records.tables import erased
from sync.central.followups import FollowUpFailed

STEP_ENTRIES: Final = 10_000
"""Entries that are folded in one transaction."""

_ERASED = select(func.count()).where(erased.c.journal == bindparam("journal"))
_log = structlog.get_logger(__name__)


def no_matter(_journal: JournalId) -> None:
    """What follows from a fold where nobody cares."""


def untold(_journal: JournalId, _error: str) -> None:
    """Who is told how a fold went, where nobody is."""


class Stopped(IntegrityError):
    """The fold of a node cannot pass an entry about the node itself.

    Args:
        poison: which.
    """

    def __init__(self, poison: Poison) -> None:
        super().__init__(f"Central's tables end before {poison}.", "Bring central to a newer version.")
        self.poison = poison


class Index:
    """The folded tables of all nodes.

    Args:
        database: the index.
        archive: where the journals are.
        followed: told a journal when its tables are up to date, in the thread that folds.
        went: told a journal how its fold went: why it failed, or nothing.
        thread: folds, one thing after the other; one of its own, where none is given.
    """

    def __init__(
        self,
        database: Database,
        archive: Database,
        followed: Callable[[JournalId], None] = no_matter,
        went: Callable[[JournalId, str], None] = untold,
        *,
        thread: Executor | None = None,
    ) -> None:
        self._database = database
        self._archive = archive
        self._followed = followed
        self._went = went
        self.stopped = ""
        """Why nothing can be folded at present, where that is so: the database itself is in trouble."""
        self._thread = thread or ThreadPoolExecutor(1, thread_name_prefix="fold")
        self._waiting: dict[JournalId, Future[None]] = {}
        self._last: Future[None] | None = None
        self._guard = Lock()

    def read_all(self, journals: list[JournalId], progress: Progress = no_progress) -> None:
        """Catch up with every journal; fold everything again where the tables are of another version."""
        with self._database.read() as tx:
            stamps = [folding.stamped(tx, journal) for journal in journals]
            current = all(stamp is None or stamp[0] == folding.VERSION for stamp in stamps)
        if not current:
            self._database.enlarge_cache()
            with self._archive.read() as log, self._database.write() as tx:
                # Empty tables first, then one journal after the other, so that a bad one cannot keep the rest away.
                folding.refold(tx, log, ())
        for done, journal in enumerate(journals, 1):
            self._try(journal, whole=True)
            progress(done, len(journals))

    def soon(self, journal: JournalId) -> Future[None]:
        """Let the thread catch up with a journal; done when all of it is folded, or was tried."""
        with self._guard:
            asked = self._waiting.get(journal)
            if asked is None:
                asked = self._waiting[journal] = Future()
                self._last = self._thread.submit(self._follow, journal)
            return asked

    def settle(self, timeout_s: float) -> None:
        """Wait until everything that was asked for so far is folded, or was tried.

        Raises:
            TimeoutError: that takes longer.
        """
        end_s = time.monotonic() + timeout_s
        last = None
        # A journal that has more to fold is asked for again, behind the others.
        while (now := self._newest()) is not last and now is not None:
            now.result(max(0.0, end_s - time.monotonic()))
            last = now

    def _newest(self) -> Future[None] | None:
        with self._guard:
            return self._last

    def close(self) -> None:
        """Finish what is being folded, and stop."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def set_aside(self, journal: JournalId, limit: int) -> list[Poison]:
        """Entries and orders of a node that this software could not fold."""
        with self._database.read() as tx:
            return aside.all_aside(tx, journal, limit)

    def catch_up(self, journal: JournalId, *, whole: bool = True) -> bool:
        """Fold what the archive holds beyond what was folded; all of it, or a step. Answers whether more is left.

        Raises:
            Stopped: an entry that nothing can pass.
            IntegrityError: the archive's entries are not what they say they are.
        """
        before = self._erased(journal)
        more = self._step(journal)
        while more and whole:
            more = self._step(journal)
        if self._erased(journal) != before:
            # What was erased from the tables goes from the database's log too.
            self._database.checkpoint()
        return more

    def _erased(self, journal: JournalId) -> int:
        with self._database.read() as tx:
            row = tx.one(_ERASED, {"journal": journal})
        return 0 if row is None else int(row[0])

    def _step(self, journal: JournalId) -> bool:
        try:
            return self._fold(journal, _all_alike)
        except Exception as error:
            if not is_poison(error):
                raise
        return self._fold(journal, aside.fold_apart)

    def _fold(self, journal: JournalId, fold: Callable[[Tx, Tx, JournalId, int, int], Reached]) -> bool:
        with self._archive.read() as log:
            head = Log(log, journal).head()
            size = 0 if head is None else head.size
            reached = Reached(size)
            with self._database.write() as tx:
                stamp = folding.stamped(tx, journal)
                start = 0 if stamp is None else stamp[1]
                stop = min(size, start + STEP_ENTRIES)
                if start < stop:
                    reached = fold(tx, log, journal, start, stop)
                    folding.stamp(tx, journal, reached.position)
        if reached.stopped is not None:
            raise Stopped(reached.stopped)
        return stop < size

    def _again(self, journal: JournalId) -> None:
        """Fold a journal from its beginning, where this software can fold what another one set aside."""
        with self._database.read() as tx:
            if not aside.all_aside(tx, journal, 1):
                return
        with self._archive.read() as log, self._database.write() as tx:
            if aside.can_be_folded(tx, log, journal):
                aside.begin_again(tx, journal)

    def _follow(self, journal: JournalId) -> None:
        with self._guard:
            asked = self._waiting.pop(journal)
        if not (self._try(journal) and self._again_later(journal, asked)):
            asked.set_result(None)

    def _again_later(self, journal: JournalId, asked: Future[None]) -> bool:
        """Another turn for a journal, behind those that wait; False where there is none, because central stops."""
        with self._guard:
            later = self._waiting.get(journal)
            if later is not None:
                later.add_done_callback(lambda _: asked.set_result(None))
                return True
            with suppress(RuntimeError):
                self._last = self._thread.submit(self._follow, journal)
                self._waiting[journal] = asked
                return True
        return False

    def _try(self, journal: JournalId, *, whole: bool = False) -> bool:
        """Fold, and do what follows from it; answers whether more is left."""
        try:
            if whole:
                self._again(journal)
            more = self.catch_up(journal, whole=whole)
            if not more:
                self._followed(journal)
        except Exception as error:  # noqa: BLE001  (the thread's outermost edge; nobody waits for what it raises)
            why = _why(error)
            _log.error("the fold failed", journal=journal, error=why)
            self.stopped = type(error).__name__ if isinstance(error, DeviceError) else ""
            self._went(journal, why)
            return False
        self.stopped = ""
        if not more:
            self._went(journal, "")
        return more


def _why(error: Exception) -> str:
    """What people are told: names of ours, and nothing that an error quotes."""
    if isinstance(error, Stopped):
        return f"stopped before {error.poison}"
    if isinstance(error, FollowUpFailed):
        return f"what follows failed: {error.what}"
    return type(error).__name__


def _all_alike(tx: Tx, log: Tx, journal: JournalId, start: int, stop: int) -> Reached:
    """Fold a whole step at once, as nearly always."""
    if aside.all_aside(tx, journal, 1):
        return aside.fold_apart(tx, log, journal, start, stop)
    folding.fold_range(tx, log, journal, start, stop)
    return Reached(stop)
