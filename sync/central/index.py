"""Central's index: the tables that all nodes' journals fold to, in a database of their own.

The archive is written and countersigned first; the fold follows, in one thread, journal by journal, and catches up at
the start with whatever a crash kept from it. A fold that fails costs nothing that was acknowledged, and stops no other
journal: it is logged, and tried again with the next entries and at the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from threading import Lock
from typing import Final

import structlog
from sqlalchemy import bindparam, func, select

from appliance.journal.errors import DeviceError
from appliance.journal.ids import JournalId
from appliance.records import folding
from appliance.records.database import Database
from appliance.records.folding import Progress, no_progress
from appliance.records.log import Log
from appliance.records.tables import erased

STEP_ENTRIES: Final = 10_000
"""Entries that are folded in one transaction."""

_ERASED = select(func.count()).where(erased.c.journal == bindparam("journal"))
_log = structlog.get_logger(__name__)


def no_matter(_journal: JournalId) -> None:
    """What follows from a fold where nobody cares."""


def untold(_journal: JournalId, _error: str) -> None:
    """Who is told how a fold went, where nobody is."""


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
        self._waiting: set[JournalId] = set()
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
            self._try(journal)
            progress(done, len(journals))

    def soon(self, journal: JournalId) -> None:
        """Let the thread catch up with a journal."""
        with self._guard:
            if journal in self._waiting:
                return
            self._waiting.add(journal)
            self._last = self._thread.submit(self._follow, journal)

    def settle(self, timeout_s: float) -> None:
        """Wait until everything that was asked for so far is folded, or was tried."""
        with self._guard:
            last = self._last
        if last is not None:
            last.result(timeout_s)

    def close(self) -> None:
        """Finish what is being folded, and stop."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    def catch_up(self, journal: JournalId) -> None:
        """Fold what the archive holds beyond what was folded.

        Raises:
            IntegrityError: the archive's entries are not what they say they are.
        """
        before = self._erased(journal)
        while self._step(journal):
            pass
        if self._erased(journal) != before:
            # What was erased from the tables goes from the database's log too.
            self._database.checkpoint()

    def _erased(self, journal: JournalId) -> int:
        with self._database.read() as tx:
            row = tx.one(_ERASED, {"journal": journal})
        return 0 if row is None else int(row[0])

    def _step(self, journal: JournalId) -> bool:
        with self._archive.read() as log:
            head = Log(log, journal).head()
            size = 0 if head is None else head.size
            with self._database.write() as tx:
                stamp = folding.stamped(tx, journal)
                start = 0 if stamp is None else stamp[1]
                stop = min(size, start + STEP_ENTRIES)
                if start < stop:
                    folding.fold_range(tx, log, journal, start, stop)
                    folding.stamp(tx, journal, stop)
        return stop < size

    def _follow(self, journal: JournalId) -> None:
        with self._guard:
            self._waiting.discard(journal)
        self._try(journal)

    def _try(self, journal: JournalId) -> None:
        try:
            self.catch_up(journal)
            self._followed(journal)
        except Exception as error:  # noqa: BLE001  (the thread's outermost edge; nobody waits for what it raises)
            _log.error("the fold failed", journal=journal, error=type(error).__name__)
            self.stopped = type(error).__name__ if isinstance(error, DeviceError) else ""
            self._went(journal, type(error).__name__)
        else:
            self.stopped = ""
            self._went(journal, "")
