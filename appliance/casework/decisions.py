"""Decisions that came down from central: carried out by the same table as anybody's, or else for people to settle.

The node writes what a decision says, and that it was carried out, in one commit. Where it is not legal any more, or the
case is not ready for it, nothing is overwritten: the decision is kept whole beside the case, with the reason, until an
officer or a supervisor says how it was settled, or central takes it back. Central sees either in the node's journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from sqlalchemy import bindparam, select

from appliance.access.reasons import check_reason
from appliance.access.session import Session, node_session
from appliance.casework import reviewing, steps
from appliance.casework.cases import Case, find_case, key
from appliance.casework.centre import Centre
from appliance.casework.lifecycle import Status, move_of, step
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Row, Tx
from appliance.store.store import Draft, Moment, Store

AT_ONCE: Final = 100
"""Decisions that are carried out in one go; the next go takes the next."""
CONTESTED: Final = "contested"
_D: Final = t.decisions
_COLUMNS: Final = (
    *(_D.c.about, _D.c.decision, _D.c.decides, _D.c.office, _D.c.step, _D.c.outcome, _D.c.reference, _D.c.remark),
    *(_D.c.decided_by, _D.c.given_at, _D.c.state, _D.c.reason, _D.c.ended_at, _D.c.settlement),
)
_OPEN: Final = (
    select(*_COLUMNS)
    .where(_D.c.journal == bindparam("journal"), _D.c.state == "open")
    .order_by(_D.c.seq)
    .limit(AT_ONCE)
)
_ONE: Final = select(*_COLUMNS).where(t.where_key(_D), _D.c.decision == bindparam("decision"))
_OF_CASE: Final = select(*_COLUMNS).where(t.where_key(_D)).order_by(_D.c.seq)
_VERBS: Final = {"approve": "approve it", "reject": "reject it", "return": "return it to the counter"}


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision of central, or that central passed on. `reason`: why it could not be carried out, where it is so."""

    application: EntityId
    id: EntityId
    decides: k.Decides
    office: str
    step: str
    outcome: str
    reference: str
    remark: str
    decided_by: str
    given_at: str
    state: str
    reason: str
    ended_at: str
    settlement: str

    @property
    def is_contested(self) -> bool:
        """Whether people must settle it."""
        return self.state == CONTESTED

    @property
    def who(self) -> str:
        """The office, and who there."""
        return f"{self.office}, {self.decided_by}" if self.decided_by else self.office

    @property
    def what(self) -> str:
        """What was decided, in words."""
        decided = f"answers “{self.step}”: {self.outcome}" if self.decides == "answer" else _VERBS[self.decides]
        return f"{decided}{f' ({self.reference})' if self.reference else ''}"

    @property
    def words(self) -> str:
        """What the case says of it: what was remarked, and by whom."""
        said = f"{self.who}: {self.remark}" if self.remark else self.who
        return said[: k.MAX_REMARK]


@dataclass(frozen=True, slots=True)
class CarriedOut:
    """What came of the decisions that were open."""

    done: tuple[EntityId, ...]
    contested: tuple[EntityId, ...]


def is_due(store: Store) -> bool:
    """Whether a decision waits to be carried out; one short read."""
    with store.read() as tx:
        return tx.one(_OPEN, {"journal": store.journal}) is not None


def carry_out(centre: Centre) -> CarriedOut:
    """Carry out the decisions that central gave, each in a commit of its own.

    Raises:
        DeviceError: the disk; what was carried out before stands.
    """
    store = centre.store
    with store.read() as tx:
        waiting = [_decision(row) for row in tx.all(_OPEN, {"journal": store.journal})]
    done: list[EntityId] = []
    contested: list[EntityId] = []
    for each in waiting:
        written = store.commit(node_session(), lambda moment, each=each: _write(centre, moment, each))  # type: ignore[misc]
        if written:
            carried = written[-1].header.kind == k.DecisionCarriedOut.KIND
            (done if carried else contested).append(each.id)
    return CarriedOut(tuple(done), tuple(contested))


def decisions_in(tx: Tx, journal: JournalId, application: str) -> list[Decision]:
    """The decisions that came down about an application, oldest first."""
    return [_decision(row) for row in tx.all(_OF_CASE, key(journal, application))]


def settle(store: Store, session: Session, application: EntityId, decision: EntityId, how: str) -> None:
    """Say how a decision was settled that could not be carried out.

    Raises:
        OperatorError: it is not open to be settled, no words, or the session may not.
    """
    check_reason(how)

    def act(moment: Moment) -> list[Draft]:
        row = moment.tx.one(_ONE, {**key(store.journal, application), "decision": decision})
        if row is None or not _decision(row).is_contested:
            raise OperatorError("This decision is not open any more.", "Look at the case again.")
        return [Draft(k.ConflictSettled(conflict=decision, how=how), application)]

    store.commit(session, act)


def _write(centre: Centre, moment: Moment, decision: Decision) -> list[Draft]:
    journal = centre.store.journal
    row = moment.tx.one(_ONE, {**key(journal, decision.application), "decision": decision.id})
    if row is None or _decision(row).state != "open":
        # Another process was quicker, or the application was erased.
        return []
    about = decision.application
    try:
        bodies = _bodies(centre, moment, find_case(moment.tx, journal, about), decision)
    except OperatorError as error:
        reason = f"{error.sentence} {error.next_step}".strip()[: k.MAX_REMARK]
        return [Draft(k.DecisionContested(decision=decision.id, reason=reason), about)]
    return [Draft(body, about) for body in (*bodies, k.DecisionCarriedOut(decision=decision.id))]


def _bodies(centre: Centre, moment: Moment, case: Case, decision: Decision) -> list[k.Body]:
    """What it says, as entries; legal as the case stands.

    Raises:
        OperatorError: it is not legal, or the case is not ready for it.
    """
    if decision.decides == "answer":
        outcome = cast("k.Outcome", decision.outcome)
        bodies: list[k.Body] = [
            steps.answered(centre, moment, case, decision.step, outcome, decision.reference, decision.words)
        ]
    else:
        taken_up = [k.ApplicationReviewStarted()] if case.status is Status.SUBMITTED else []
        bodies = [*taken_up, _whole(centre, moment, case, decision)]
    status: Status | None = case.status
    for body in bodies:
        status = step(status, *move_of(body))
    return bodies


def _whole(centre: Centre, moment: Moment, case: Case, decision: Decision) -> k.Body:
    if decision.decides == "approve":
        spared = reviewing.see_ready(centre, moment, case, decision.words)
        return k.ApplicationApproved(remark=decision.words, leans_on=spared.leans_on[: k.MAX_LEANS])
    if decision.decides == "reject":
        return reviewing.rejection(centre, moment, case, decision.words)
    return k.ApplicationReturned(reason=decision.words)


def _decision(row: Row) -> Decision:
    about, decision, *more = row
    return Decision(EntityId(about), EntityId(decision), *more)
