"""All nodes as people at central see them: how far each is, when it was heard, what is wrong, and who is in quarantine.

The picture is made of the archive in one look and kept for a moment, so that many viewers cost as much as one.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, select

from appliance.journal import kinds as k
from appliance.journal.errors import NetworkError, SanadError
from appliance.journal.ids import JournalId
from appliance.records import failures
from appliance.records import tables as records
from appliance.records.aside import Poison
from appliance.records.database import Database, Tx
from appliance.records.moment import Clock
from sync.central import endedkeys, heldorders, quarantine, registry
from sync.central import tables as t
from sync.central.asides import read_asides
from sync.central.backups import Give
from sync.central.conflicts import Conflict, open_conflicts
from sync.central.layout import CentralLayout
from sync.central.nodecases import NodeCase, open_cases
from sync.central.quarantine import Act, Cause, Quarantine
from sync.central.sightings import Sighting, Sightings, read_sightings
from sync.central.troubles import (
    Gravity,
    Judge,
    Limits,
    Trouble,
    aside_trouble,
    central_troubles,
    lifted_trouble,
    node_troubles,
)
from sync.refusals import Fork, Rollback, to_wire
from sync.wire import NodeReport

KEPT_S: Final = 2.0
"""How long a picture is kept."""
ROLLBACKS: Final = 2
"""Older copies in a row after which a node is in quarantine. One may be a request that another one overtook."""
MAX_COUNTED: Final = 10_000
"""Sealed files to come that are counted for one node."""

_NODES: Final = select(*(t.nodes.c.journal, t.nodes.c.centre, t.nodes.c.centre_name, t.nodes.c.enrolled_at)).order_by(
    t.nodes.c.centre, t.nodes.c.centre_name, t.nodes.c.enrolled_at, t.nodes.c.journal
)
_HEADS: Final = select(records.heads.c.journal, records.heads.c.size, records.heads.c.cosigned_size)
_LACKS: Final = select(t.wanted.c.seq).where(t.wanted.c.journal == bindparam("journal")).limit(1)
_COMING: Final = select(func.count()).select_from(
    select(t.wanted.c.seq).where(t.wanted.c.journal == bindparam("journal")).limit(MAX_COUNTED).subquery()
)


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node."""

    journal: JournalId
    centre: str
    centre_name: str
    enrolled_at: str
    size: int
    """Entries that central holds."""
    cosigned_size: int
    sighting: Sighting
    quarantine: Quarantine | None
    troubles: tuple[Trouble, ...]
    aside: tuple[Poison, ...] = ()
    """Entries and orders that central's software could not fold; the first `aside.MAX_NAMED` of them."""
    aside_count: int = 0
    """How many there are."""

    @property
    def offered(self) -> int:
        """Entries that the node has, as far as central knows."""
        return max(self.size, self.sighting.offered)

    @property
    def lag(self) -> int:
        """Entries that central has not countersigned, as far as it knows of them."""
        return self.offered - self.cosigned_size

    @property
    def gravity(self) -> int:
        """Of its gravest trouble; 0 where all is well."""
        return self.troubles[0].gravity if self.troubles else 0


@dataclass(frozen=True, slots=True)
class FleetView:
    """All nodes at one moment."""

    at: datetime
    nodes: tuple[NodeView, ...]
    """By centre."""
    troubles: tuple[Trouble, ...]
    """Of central itself."""
    conflicts: tuple[Conflict, ...]
    """What only people can settle."""
    disk_free_bytes: int
    cases: tuple[NodeCase, ...] = ()
    """What only people can settle, and most often do at the node."""

    def count(self, gravity: Gravity) -> int:
        """How many nodes have nothing graver than this trouble."""
        return sum(each.gravity == gravity for each in self.nodes)


class Fleet:
    """Watches all nodes of one central.

    Args:
        archive: central's archive.
        index: central's index.
        layout: central's home.
        clock: what time it is.
        monotonic_s: seconds on a clock that nobody can set.
        limits: from when on something is a trouble.
        give: writes orders for a node.
        kept_s: how long a picture is kept.
    """

    def __init__(
        self,
        archive: Database,
        index: Database,
        layout: CentralLayout,
        *,
        clock: Clock,
        monotonic_s: Callable[[], float],
        limits: Limits,
        give: Give,
        kept_s: float = KEPT_S,
    ) -> None:
        self._archive = archive
        self._index = index
        self._layout = layout
        self._clock = clock
        self._monotonic_s = monotonic_s
        self.limits = limits
        self._give = give
        self._kept_s = kept_s
        self._guard = threading.Lock()
        self._picture: tuple[float, FleetView] | None = None
        self._older: dict[JournalId, int] = {}
        self.sightings = Sightings(archive, clock)

    # What happens

    def told(self, journal: JournalId, report: NodeReport | None) -> None:
        """A node said how it is, or said nothing of it."""
        if report is not None:
            self.sightings.told(journal, report)

    def opened(self, journal: JournalId, *, complete: bool) -> None:
        """Central opened a session with a node: it is no older copy, and perhaps central has all of it."""
        self._older.pop(journal, None)
        self.sightings.opened(journal)
        if complete:
            self.sightings.sound(journal)

    def refused(self, journal: JournalId, error: SanadError) -> bool:
        """Central did not take what a node sent. What shows that there are two of it, or an older one, stops it.

        Returns:
            Whether it was put into quarantine by this; that is durable then.
        """
        if isinstance(error, NetworkError):
            # It passes by itself.
            return False
        cause = self._cause(journal, error)
        self.sightings.refused(journal, to_wire(error)[1].error, error.sentence)
        if cause is None:
            return False
        with self._archive.write() as tx:
            put = self._put(tx, journal, cause, error.sentence, quarantine.CENTRAL)
        self.forget_picture()
        return put

    def stop(self, journal: JournalId, reason: str, by: str) -> bool:
        """A person puts a node into quarantine; False where it is in one already.

        Raises:
            NotEnrolled: there is no such node. OperatorError: there is no reason.
        """
        with self._archive.write() as tx:
            put = self._put(tx, journal, Cause.PERSON, reason, by)
        self.forget_picture()
        return put

    def lift(self, journal: JournalId, reason: str, by: str) -> Quarantine:
        """A person lets a node out of quarantine; answers the one that it was in.

        Raises:
            NotEnrolled: there is no such node. OperatorError: it is in none, or there is no reason.
        """
        with self._archive.write() as tx:
            node = registry.require_node(tx, journal)
            lifted = quarantine.lift(tx, journal, reason, by, self._clock())
            self._give(tx, node, [k.NodeReleased(reason=quarantine.clean_reason(reason), by=by)])
        self._older.pop(journal, None)
        self.forget_picture()
        return lifted

    def refuse_held(self, journal: JournalId, orders: Callable[[], int | None] = lambda: None) -> None:
        """See that a node is in no quarantine.

        Args:
            journal: the node's.
            orders: how many central has for it, as it is told with the refusal.

        Raises:
            Quarantined: it is.
        """
        with self._archive.read() as tx:
            refused = quarantine.refusal(tx, journal)
        if refused is not None:
            raise refused.with_orders(orders())

    def tell_held(self) -> None:
        """Order it of the nodes in quarantine whose orders do not say so yet."""
        with self._archive.write() as tx:
            for journal, found in heldorders.untold(tx).items():
                by = next((act.by for act in reversed(quarantine.acts(tx, journal))), quarantine.CENTRAL)
                self._give(tx, registry.require_node(tx, journal), [heldorders.hold(found, by)])

    # What is seen

    def view(self) -> FleetView:
        """All nodes, no older than `KEPT_S`."""
        with self._guard:
            now_s = self._monotonic_s()
            if self._picture is None or not 0 <= now_s - self._picture[0] < self._kept_s:
                self._picture = now_s, self._look()
            return self._picture[1]

    def forget_picture(self) -> None:
        """Look anew at the next view."""
        self._picture = None

    def node(self, journal: str) -> NodeView | None:
        """One node; None where there is none."""
        return next((each for each in self.view().nodes if each.journal == journal), None)

    def coming(self, journal: JournalId) -> int:
        """Sealed files of a node that are still to come; `MAX_COUNTED` where there are so many or more."""
        with self._archive.read() as tx:
            row = tx.one(_COMING, {"journal": journal})
        return 0 if row is None else int(row[0])

    def acts(self, journal: JournalId) -> tuple[Act, ...]:
        """All that was done about a node's quarantine."""
        with self._archive.read() as tx:
            return quarantine.acts(tx, journal)

    def _look(self) -> FleetView:
        now = self._clock()
        with self._archive.read() as tx:
            nodes = tx.all(_NODES)
            heads = {journal: (size, cosigned) for journal, size, cosigned in tx.all(_HEADS)}
            written = read_sightings(tx)
            stopped = quarantine.every(tx)
            lifted = quarantine.lifted(tx)
            ended = endedkeys.ended_keys(tx)
            conflicts = open_conflicts(tx)
            node_cases = open_cases(tx)
            sightings = self.sightings.over(written)
            for journal, sighting in sightings.items():
                size, cosigned = heads.get(journal, (0, 0))
                if max(size, sighting.offered) <= cosigned:
                    sightings[journal] = _calm(tx, journal, sighting)
        judge = Judge.at(self.limits, now)
        asides = read_asides(self._index)
        cases = _left_open(node_cases) | _by_node(conflicts)
        views = []
        for journal, centre, name, enrolled_at in nodes:
            size, cosigned = heads.get(journal, (0, 0))
            sighting = sightings.get(journal, _UNSEEN)
            out = ended.get(journal)
            held = stopped.get(journal)
            troubles = node_troubles(sighting, held, None if out is None else out.at, judge)
            if held is None and out is None and lifted.get(journal, "") > sighting.seen_at:
                troubles = (lifted_trouble(lifted[journal]), *troubles)
            if journal in cases:
                troubles = (cases[journal], *troubles)
            aside, aside_count = asides.get(journal, ((), 0))
            if aside:
                troubles = (aside_trouble(aside, aside_count), *troubles)
            # The gravest first; of two as grave, what was found here.
            troubles = tuple(sorted(troubles, key=lambda each: -each.gravity))
            own = NodeView(journal, centre, name, enrolled_at, size, cosigned, sighting, held, troubles)
            views.append(replace(own, aside=aside, aside_count=aside_count) if aside else own)
        free = free_bytes(self._layout)
        return FleetView(now, tuple(views), central_troubles(free, self.limits), conflicts, free, node_cases)

    def _put(self, tx: Tx, journal: JournalId, cause: Cause, reason: str, by: str) -> bool:
        node = registry.require_node(tx, journal)
        put = quarantine.put(tx, journal, cause, reason, by, self._clock())
        if put and (found := quarantine.find(tx, journal)) is not None:
            self._give(tx, node, [heldorders.hold(found, by)])
        return put

    def _cause(self, journal: JournalId, error: SanadError) -> Cause | None:
        if isinstance(error, Fork):
            return Cause.FORK
        if isinstance(error, Rollback):
            self._older[journal] = self._older.get(journal, 0) + 1
            return Cause.ROLLBACK if self._older[journal] >= ROLLBACKS else None
        return None


_UNSEEN: Final = Sighting()


def _by_node(conflicts: tuple[Conflict, ...]) -> dict[JournalId, Trouble]:
    numbers: dict[JournalId, list[Conflict]] = {}
    for each in conflicts:
        for journal in each.journals:
            numbers.setdefault(journal, []).append(each)
    return {
        journal: Trouble(
            "conflict",
            f"Number {found[0].number} stands on papers of two nodes."
            + (f" So do {len(found) - 1:,} more." if len(found) > 1 else ""),
            found[0].next_step,
        )
        for journal, found in numbers.items()
    }


def _left_open(cases: tuple[NodeCase, ...]) -> dict[JournalId, Trouble]:
    """A trouble for each node of them: the oldest, and how many more there are."""
    found: dict[JournalId, list[NodeCase]] = {}
    for each in cases:
        found.setdefault(each.journal, []).append(each)
    return {
        journal: Trouble(
            "unsettled",
            its[0].sentence + (f" So it is with {len(its) - 1:,} more." if len(its) > 1 else ""),
            its[0].next_step,
        )
        for journal, its in found.items()
    }


def _calm(tx: Tx, journal: JournalId, sighting: Sighting) -> Sighting:
    """A sighting without what waited when the node said so, and came since."""
    if (sighting.backlog_bytes or sighting.stuck) and tx.one(_LACKS, {"journal": journal}) is None:
        sighting = replace(sighting, backlog_bytes=0, stuck=0)
    return replace(sighting, waiting_since="") if sighting.waiting_since else sighting


def free_bytes(layout: CentralLayout) -> int:
    """What is free where central keeps what nodes send.

    Raises:
        DeviceError: the disk does not say.
    """
    try:
        return shutil.disk_usage(layout.home).free
    except OSError as error:
        raise failures.of_os(error) from error
