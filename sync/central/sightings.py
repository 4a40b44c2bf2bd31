"""When each node was heard last, and what it said of itself; kept durably, a few seconds behind.

Whatever a node does costs nothing here but memory: `flush` writes what changed, all nodes in one transaction. One
process serves a central and writes; others read what it wrote.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, fields, replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from appliance.journal.ids import JournalId
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock, at_text, parse_at
from sync.central import tables as t
from sync.refusals import MAX_SENTENCE
from sync.wire import NodeReport

FLUSH_S: Final = 5.0
"""How often what changed is written."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a node by its own words; texts are empty where nothing is."""

    seen_at: str = ""
    """`at_text`: its last request that bore its signature."""
    offered: int = 0
    """Entries that it said it has."""
    software: str = ""
    skew_s: int | None = None
    """Seconds that its clock was ahead of central's."""
    waiting_since: str = ""
    """`at_text`, by its clock: its oldest entry that was not countersigned."""
    backlog_bytes: int = 0
    stuck: int = 0
    """Sealed files that central lacks and it cannot give."""
    spoilt: int = 0
    """Sealed files of its newest session that came spoilt."""
    refused_code: str = ""
    refused_sentence: str = ""
    refused_at: str = ""
    fold_error: str = ""
    """Why central's tables do not follow its entries."""


_NAMES: Final = tuple(each.name for each in fields(Sighting))
_ALL: Final = select(t.sightings.c.journal, *(t.sightings.c[name] for name in _NAMES))
_INSERT = insert(t.sightings)
_KEEP: Final[sa.Executable] = _INSERT.on_conflict_do_update(
    index_elements=["journal"], set_={name: _INSERT.excluded[name] for name in _NAMES}
)


def is_moment(text: str) -> bool:
    """Whether a text is a moment as `at_text` writes it."""
    try:
        return at_text(parse_at(text)) == text
    except (ValueError, OverflowError):
        return False


def read_sightings(tx: Tx) -> dict[JournalId, Sighting]:
    """What was written of every node."""
    return {JournalId(journal): Sighting(*values) for journal, *values in tx.all(_ALL)}


class Sightings:
    """The sightings of all nodes, for several threads.

    Args:
        database: the archive.
        clock: what time it is.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._guard = threading.Lock()
        self._all: dict[JournalId, Sighting] | None = None
        self._changed: set[JournalId] = set()

    def heard(self, journal: JournalId, offered: int) -> None:
        """A node sent a request that bears its signature."""
        self._change(journal, seen_at=self._now(), offered=offered)

    def told(self, journal: JournalId, report: NodeReport) -> None:
        """A node said how it is."""
        self._change(
            journal,
            software="".join(each for each in report.software if each.isprintable()),
            skew_s=report.clock_s - int(self._clock().timestamp()),
            waiting_since=report.waiting_since if is_moment(report.waiting_since) else "",
            backlog_bytes=report.backlog_bytes,
            stuck=report.stuck,
        )

    def opened(self, journal: JournalId) -> None:
        """Central opened a session with it."""
        self._change(journal, spoilt=0)

    def sound(self, journal: JournalId) -> None:
        """Central took all that it sent."""
        self._change(journal, refused_code="", refused_sentence="", refused_at="")

    def refused(self, journal: JournalId, code: str, sentence: str) -> None:
        """Central did not take what it sent."""
        said = {"refused_code": code, "refused_sentence": sentence[:MAX_SENTENCE], "refused_at": self._now()}
        self._change(journal, **said)

    def spoilt(self, journal: JournalId, count: int) -> None:
        """So many sealed files of this session came spoilt."""
        self._change(journal, spoilt=count)

    def folded(self, journal: JournalId, error: str) -> None:
        """Its entries were folded, or were not: then why."""
        self._change(journal, fold_error=error)

    def flush(self) -> None:
        """Write what changed; durable when this returns.

        Raises:
            StorageFull, StorageReadOnly, StorageFailed: nothing was written; it is tried again the next time.
        """
        with self._guard:
            changed, self._changed = self._changed, set()
            every = {} if self._all is None else self._all
            rows = [{"journal": each, **{name: getattr(every[each], name) for name in _NAMES}} for each in changed]
        if not rows:
            return
        try:
            with self._database.write() as tx:
                tx.many(_KEEP, rows)
        except BaseException:
            with self._guard:
                self._changed |= changed
            raise

    def over(self, written: dict[JournalId, Sighting]) -> dict[JournalId, Sighting]:
        """What was written, with what is known here and was not written yet over it."""
        with self._guard:
            every = {} if self._all is None else self._all
            return written | {journal: every[journal] for journal in self._changed}

    def _change(self, journal: JournalId, **values: object) -> None:
        with self._guard:
            if self._all is None:
                with self._database.read() as tx:
                    self._all = read_sightings(tx)
            before = self._all.get(journal, Sighting())
            after = replace(before, **values)  # type: ignore[arg-type]
            if after != before:
                self._all[journal] = after
                self._changed.add(journal)

    def _now(self) -> str:
        return at_text(self._clock())
