"""What a node's journal shows that only people can settle, kept at central with how it was settled, and by whom.

A decision that central gave and the node could not carry out; a login that central would have given and somebody has.
Both are settled at the node, by an entry that central sees, or here: the decision is taken back, the login given up.
A case about an application goes when the application is erased.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import JournalId
from appliance.records import tables as records
from appliance.records.database import Database, Row, Tx
from appliance.records.moment import Clock, at_text
from sync.central import registry
from sync.central import tables as t
from sync.central.ordering import Give
from sync.central.quarantine import clean_reason

MAX_SHOWN: Final = 1000
"""Cases of one node that one look finds; the next look finds further ones."""
DECISION: Final = "decision"
_D, _C, _A = records.decisions, records.conflicts, records.applications
_DECISIONS: Final = (
    select(
        *(_D.c.decision, _D.c.about, _A.c.tracking, _D.c.office, _D.c.decides, _D.c.step, _D.c.outcome, _D.c.reason),
        *(_D.c.ended_at, _D.c.state, _D.c.settlement, records.operators.c.login, _D.c.settled_by),
    )
    .select_from(
        _D.join(_A, sa.and_(_A.c.journal == _D.c.journal, _A.c.about == _D.c.about)).outerjoin(
            records.operators,
            sa.and_(records.operators.c.journal == _D.c.journal, records.operators.c.about == _D.c.settled_by),
        )
    )
    .where(
        _D.c.journal == bindparam("journal"),
        sa.or_(*(_D.c.state == each for each in ("contested", "settled", "withdrawn"))),
        _D.c.reason != "",
    )
    .order_by(_D.c.seq)
    .limit(MAX_SHOWN)
)
_LOGINS: Final = (
    select(
        *(_C.c.conflict, _C.c.named, _C.c.detail, _C.c.found_at, _C.c.settled_at, _C.c.settlement),
        *(records.operators.c.login, _C.c.settled_by),
    )
    .select_from(
        _C.outerjoin(
            records.operators,
            sa.and_(records.operators.c.journal == _C.c.journal, records.operators.c.about == _C.c.settled_by),
        )
    )
    .where(_C.c.journal == bindparam("journal"), _C.c.what == "login")
    .order_by(_C.c.found_at, _C.c.conflict)
    .limit(MAX_SHOWN)
)
_N: Final = t.node_cases
_KNOWN: Final = select(_N.c.conflict, _N.c.settled_at, _N.c.about).where(_N.c.journal == bindparam("journal"))
_OPEN: Final = (
    select(_N.c.journal, _N.c.conflict, _N.c.what, _N.c.about, _N.c.sentence, _N.c.found_at)
    .where(_N.c.settled_at == "")
    .order_by(_N.c.found_at, _N.c.journal, _N.c.conflict)
)
_FIND: Final = select(_N.c.journal, _N.c.what, _N.c.about).where(
    _N.c.conflict == bindparam("conflict"), _N.c.settled_at == ""
)
_IS_ERASED: Final = select(records.erased.c.about).where(
    records.erased.c.journal == bindparam("journal"), records.erased.c.about == bindparam("about")
)
_FORGET: Final = sa.delete(_N).where(_N.c.journal == bindparam("journal"), _N.c.about == bindparam("about"))
_ADD: Final = insert(_N)
_PUT: Final = _ADD.on_conflict_do_update(
    index_elements=[_N.c.journal, _N.c.conflict],
    set_={each: _ADD.excluded[each] for each in ("settled_at", "settlement", "settled_by")},
)


@dataclass(frozen=True, slots=True)
class NodeCase:
    """One that nobody has settled. `about` is the application of a decision; `sentence` names no citizen."""

    journal: JournalId
    conflict: str
    what: str
    about: str
    sentence: str
    found_at: str

    @property
    def next_step(self) -> str:
        """What to do."""
        return (
            "Its people settle it at the node (“From central” in the console). Or give it up here: "
            f'`sanad central cases {self.conflict} --settle "…"`.'
        )


def open_cases(tx: Tx) -> tuple[NodeCase, ...]:
    """Cases that nobody has settled, the oldest first."""
    return tuple(NodeCase(JournalId(journal), *more) for journal, *more in tx.all(_OPEN))


@dataclass(frozen=True, slots=True)
class NodeCases:
    """Keeps them, for one central."""

    archive: Database
    index: Database
    clock: Clock
    give: Give

    def look(self, journal: JournalId) -> bool:
        """Bring what is kept up to date with what a node's tables show; answers whether anything changed."""
        with self.index.read() as tx:
            found = [_of_decision(journal, row) for row in tx.all(_DECISIONS, {"journal": journal})]
            found += [_of_login(journal, row) for row in tx.all(_LOGINS, {"journal": journal})]
        with self.archive.read() as tx:
            kept = tx.all(_KNOWN, {"journal": journal})
        known = {row[0]: row[1] for row in kept}
        erased = self._erased(journal, {row[2] for row in kept})
        # What was settled here first stays settled as it was.
        fresh = [
            row
            for row in found
            if known.get(row["conflict"], "?") in ("", "?") and known.get(row["conflict"]) != row["settled_at"]
        ]
        if fresh or erased:
            with self.archive.write() as tx:
                tx.many(_PUT, fresh)
                tx.many(_FORGET, [{"journal": journal, "about": about} for about in erased])
        return bool(fresh or erased)

    def _erased(self, journal: JournalId, kept: set[str]) -> list[str]:
        """Those of the applications that were erased: what a case says of one must go, and nobody can settle it."""
        with self.index.read() as tx:
            return sorted(about for about in kept if about and tx.one(_IS_ERASED, {"journal": journal, "about": about}))

    def settle(self, conflict: str, words: str, by: str) -> bool:
        """Settle one here: what was ordered is taken back, by an order. False where there is no such case.

        Raises:
            OperatorError: there is no reason; or the node may be given no orders now.
        """
        how = clean_reason(words)
        with self.archive.write() as tx:
            row = tx.one(_FIND, {"conflict": conflict})
            if row is None:
                return False
            journal, what, about = row
            body: k.Body = k.ConflictClosed(conflict=conflict, how=how)
            if what == DECISION:
                body = k.DecisionWithdrawn(decision=conflict, application=about, reason=how)
            self.give(tx, registry.require_node(tx, JournalId(journal)), [body])
            settled = {"settled_at": at_text(self.clock()), "settlement": how, "settled_by": by}
            unchanged = {"what": what, "about": about, "sentence": "", "found_at": ""}
            tx.run(_PUT, {"journal": journal, "conflict": conflict, **unchanged, **settled})
        return True


def require(found: bool) -> None:
    """Refuse where nothing was settled.

    Raises:
        OperatorError: nothing was.
    """
    if not found:
        raise OperatorError("There is no open case of that number.", "See `sanad central cases`.")


def _of_decision(journal: JournalId, row: Row) -> dict[str, object]:
    decision, about, tracking, office, decides, step, outcome, reason, ended_at, state, settlement, login, by = row
    what = f"the answer “{outcome}” to {step}" if decides == "answer" else f"the decision to {decides} it"
    sentence = f"Application {tracking}: {what}, by {office}, could not be carried out. {reason}"
    settled = state != "contested"
    return {
        "journal": journal,
        "conflict": decision,
        "what": DECISION,
        "about": about,
        "sentence": sentence,
        "found_at": ended_at,
        "settled_at": ended_at if settled else "",
        "settlement": settlement if settled else "",
        "settled_by": (login or by) if settled else "",
    }


def _of_login(journal: JournalId, row: Row) -> dict[str, object]:
    conflict, named, detail, found_at, settled_at, settlement, login, by = row
    return {
        "journal": journal,
        "conflict": conflict,
        "what": "login",
        "about": "",
        "sentence": f"{detail} was named as {named}, and somebody at the node has that login. Nobody was named.",
        "found_at": found_at,
        "settled_at": settled_at,
        "settlement": settlement,
        "settled_by": login or by,
    }


def sentences(cases: Sequence[NodeCase]) -> list[str]:
    """Each with what to do."""
    return [f"{each.sentence} ({each.conflict})\n  → {each.next_step}" for each in cases]
