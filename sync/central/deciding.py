"""Decisions made elsewhere, ordered of the node that has the application: an office's answer, or on the whole of it.

Central's copy of the application says whether the decision would be legal as far as central knows; the node asks the
same table again when the order arrives, and where it is not legal any more, people settle it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Row
from appliance.records.statements import found_by
from sync.central import registry
from sync.central.ordering import Ordering

_UNDECIDED: Final = ("submitted", "in review")
_CASE: Final = select(t.applications.c.about, t.applications.c.status).where(found_by(t.applications, "tracking"))
_WAITS: Final = select(t.waits.c.step).where(t.where_key(t.waits), t.waits.c.answered_at == "")
_GIVEN: Final = select(t.decisions.c.journal, t.decisions.c.about, t.decisions.c.state).where(
    t.decisions.c.decision == bindparam("decision")
)


@dataclass(frozen=True, slots=True)
class Words:
    """What was decided, besides what: `office` by whom, `person` who there; a citizen is named in none of it."""

    office: str
    person: str = ""
    reference: str = ""
    remark: str = ""

    def check(self, *, needs_remark: bool) -> None:
        """Refuse what cannot be ordered.

        Raises:
            OperatorError: it says what is wrong.
        """
        if not self.office.strip() or not all(map(k.is_line, (self.office, self.person, self.reference))):
            raise OperatorError(f"An office is named in 1 to {k.MAX_LINE} characters, on one line.", "Say who decided.")
        if not k.is_remark(self.remark):
            raise OperatorError(f"A remark has at most {k.MAX_REMARK} characters.", "Shorten it.")
        if needs_remark and not self.remark.strip():
            raise OperatorError("Such a decision needs a remark.", "Say in a few words why: --remark.")


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was ordered."""

    decision: EntityId
    journal: JournalId
    application: EntityId


@dataclass(frozen=True, slots=True)
class Deciding:
    """Orders about applications, given by `ordering`."""

    ordering: Ordering

    def answer(self, tracking: str, step: str, outcome: str, words: Words, by: str) -> Decided:
        """Order an office's answer to a step that waits for it.

        Raises:
            OperatorError: no such application, nobody was asked for that step as far as central knows, an outcome that
                is none, or no remark where one is needed.
        """
        if outcome not in ("positive", "negative", "other"):
            raise OperatorError("An answer is positive, negative or other.", "Say one of them with --outcome.")
        words.check(needs_remark=outcome != "positive")
        journal, application, _ = self._find(tracking)
        with self.ordering.index.read() as tx:
            steps = [row[0] for row in tx.all(_WAITS, {"k_journal": journal, "k_about": application})]
        if step not in steps:
            waits = f"It waits for: {', '.join(steps)}." if steps else "It waits for nobody."
            raise OperatorError(f"As far as central knows, no office was asked for the step {step!r}.", waits)
        return self._order(journal, application, "answer", words, by, step=step, outcome=outcome)

    def decide(self, tracking: str, decides: str, words: Words, by: str) -> Decided:
        """Order a decision on a whole application: approve, reject or return.

        Raises:
            OperatorError: no such application, it does not stand there as far as central knows, or no remark.
        """
        if decides not in ("approve", "reject", "return"):
            raise OperatorError("A decision is approve, reject or return.", "Say one of them.")
        words.check(needs_remark=decides != "approve")
        journal, application, status = self._find(tracking)
        if status not in _UNDECIDED:
            raise OperatorError(
                f"As far as central knows, application {tracking} is {status}: nothing is to be decided.",
                "Look at it with its centre.",
            )
        return self._order(journal, application, decides, words, by)

    def take_back(self, decision: str, reason: str, by: str) -> None:
        """Take a decision back that was not carried out: also how central settles one that the node could not.

        Raises:
            OperatorError: there is none, it was carried out, or no reason is given.
        """
        with self.ordering.index.read() as tx:
            row = tx.one(_GIVEN, {"decision": decision})
        if row is None:
            raise OperatorError("No node has taken up such a decision.", "See `sanad central order list`.")
        journal, application, state = row
        if state not in ("open", "contested"):
            raise OperatorError(f"That decision is {state}.", "Nothing is left to take back.")
        if not reason.strip() or not k.is_remark(reason):
            raise OperatorError("Taking back a decision needs a reason.", "Say in a sentence why.")
        body = k.DecisionWithdrawn(decision=decision, application=application, reason=reason)
        self.ordering.order(JournalId(journal), body, by)

    def _find(self, tracking: str) -> Row:
        number = tracking.strip().upper()
        with self.ordering.archive.read() as tx:
            journals = [node.journal for node in registry.all_nodes(tx)]
        with self.ordering.index.read() as tx:
            for journal in journals:
                row = tx.one(_CASE, {"journal": journal, "tracking": number})
                if row is not None:
                    return journal, EntityId(row[0]), str(row[1])
        raise OperatorError("Central knows no application of that tracking number.", "Let the node sync.")

    def _order(
        self,
        journal: JournalId,
        application: EntityId,
        decides: str,
        words: Words,
        by: str,
        *,
        step: str = "",
        outcome: str = "",
    ) -> Decided:
        body = k.DecisionGiven(
            decision=self.ordering.new_id(),
            application=application,
            decides=decides,  # type: ignore[arg-type]  # seen to be one of them by who calls
            office=words.office.strip(),
            step=step,
            outcome=outcome,  # type: ignore[arg-type]
            reference=words.reference,
            remark=words.remark,
            decided_by=words.person,
        )
        self.ordering.order(journal, body, by)
        return Decided(EntityId(body.decision), journal, application)
