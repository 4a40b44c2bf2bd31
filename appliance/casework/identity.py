"""Making sure who a person is: by asking the authority online, or by somebody who saw the person and a paper.

What is written is what happened. An authority that cannot be reached, or gives no answer, is written down as
unavailable: nobody is verified by that, and nothing is tried again behind the operator's back. The number that an
authority needs is typed for the purpose where it is not kept whole; it is held for the question and then dropped.

The services themselves are outside: see `docs/identity.md`, and `provisioning.identityservices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from sqlalchemy import select

from appliance.access.session import Session, authorise
from appliance.casework.changes import see_unchanged
from appliance.casework.numbers import AADHAAR, kept
from appliance.casework.people import PersonView, refuse_merged, view
from appliance.journal import kinds as k
from appliance.journal.errors import BugError, NetworkError, OperatorError
from appliance.journal.ids import EntityId
from appliance.records import tables as t
from appliance.store.keys import PEPPER
from appliance.store.store import Draft, Moment, Store

_MARK: Final = select(t.people.c.identity_mark).where(t.where_key(t.people))


class Outcome(Enum):
    """What came out of asking."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Claim:
    """What an authority is asked to confirm. `number` is whole; it is not printed with the rest."""

    kind: str
    number: str = field(repr=False)
    name: str
    born: str
    gender: str
    father_name: str
    transaction: str
    """Our own name for this question, never used twice."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an authority said. `reference` is its own for the transaction; `remark` says why, where it says no."""

    outcome: Outcome
    reference: str = ""
    remark: str = ""


class IdentityService(Protocol):
    """An authority that can be asked."""

    @property
    def name(self) -> str:
        """Under which it is written down: `NADRA`, `UIDAI`."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of number that it knows."""

    def verify(self, claim: Claim) -> Answer:
        """Ask once. Answers within a time limit of its own.

        Raises:
            NetworkError: no answer was had.
        """


def verify_seen(
    store: Store,
    session: Session,
    about: EntityId,
    paper: str,
    *,
    reference: str = "",
    remark: str = "",
    seen: int | None = None,
) -> None:
    """Whoever acts saw the person, and held the original of `paper` beside them.

    Args:
        store: where.
        session: whose word it is.
        about: the person.
        paper: what it is called: `CNIC, original`.
        reference: its number, where it is another than the person's own.
        remark: anything to add.
        seen: `PersonView.last_seq` as the screen showed it.

    Raises:
        ChangedMeanwhile: somebody wrote about the person since.
        OperatorError: no paper, not known or merged away, or the session may not.
    """
    if not paper.strip() or not (k.is_line(paper) and k.is_line(reference) and k.is_remark(remark)):
        raise OperatorError("Say which paper was seen, on one line.", "For example: CNIC, original.")
    body = k.PersonVerified(method="seen", outcome="matched", paper=paper, reference=reference, remark=remark)
    _write(store, session, about, body, seen)


def verify_online(
    store: Store,
    session: Session,
    about: EntityId,
    service: IdentityService,
    *,
    number: str = "",
    seen: int | None = None,
) -> Answer:
    """Ask the authority whether the person is who is written down, and write down what it said.

    Nothing is locked while the authority is asked. Where the person was changed meanwhile, nothing is written: the
    answer was about something else.

    Args:
        store: where.
        session: whose.
        about: the person.
        service: the authority.
        number: the whole number, where it is not kept whole (Aadhaar); the person's own consent goes with it.
        seen: `PersonView.last_seq` as the screen showed it.

    Raises:
        ChangedMeanwhile: somebody wrote about the person since, or while the authority was asked.
        OperatorError: the person has no number that this authority knows, or it is another one, or is not known or
            merged away, or the session may not.
    """
    with store.read() as tx:
        # Before anybody outside is asked; the commit asks again.
        authorise(session, tx, store.journal, k.PersonVerified.KIND, about, store.now())
        see_unchanged(tx, store.journal, about, seen)
        refuse_merged(tx, store.journal, about)
        shown = view(tx, store.journal, about)
        row = tx.one(_MARK, {"k_journal": store.journal, "k_about": about})
    claim = _claim(store, shown, "" if row is None else row[0], service, number)
    try:
        answer = service.verify(claim)
    except NetworkError as error:
        answer = Answer(Outcome.UNAVAILABLE, remark=error.sentence)
    if claim.number and claim.kind == AADHAAR and claim.number in answer.reference + answer.remark:
        raise BugError("An identity service gave a whole Aadhaar number back to be kept.")
    body = k.PersonVerified(
        method="online",
        outcome=answer.outcome.value,
        adapter=service.name,
        reference=_line(answer.reference),
        remark=_line(answer.remark),
    )
    _write(store, session, about, body, shown.last_seq)
    return answer


def _claim(store: Store, shown: PersonView, mark: str, service: IdentityService, typed: str) -> Claim:
    person = shown.person
    if person.identity_kind not in service.kinds:
        raise OperatorError(
            f"{service.name} knows no number of this person.", "Look at a paper instead, and say which one you saw."
        )
    whole = person.identity_number
    if person.identity_kind == AADHAAR:
        whole = "".join(char for char in typed if char.isdigit())
        again = kept(AADHAAR, whole, store.secret(PEPPER)) if whole else None
        if again is None:
            raise OperatorError("The whole Aadhaar number is needed to ask.", "Type it from the card; it is not kept.")
        if again.number != person.identity_number or (mark and mark != again.mark):
            raise OperatorError(
                "This is not the Aadhaar number that is written down.", "Type it again, or correct the person first."
            )
    return Claim(
        kind=person.identity_kind,
        number=whole,
        name=person.name,
        born=person.born,
        gender=person.gender,
        father_name=person.father_name,
        transaction=store.new_id(),
    )


def _write(store: Store, session: Session, about: EntityId, body: k.PersonVerified, seen: int | None) -> None:
    def act(moment: Moment) -> Sequence[Draft]:
        see_unchanged(moment.tx, store.journal, about, seen)
        refuse_merged(moment.tx, store.journal, about)
        return [Draft(body, about)]

    store.commit(session, act)


def _line(text: str) -> str:
    """What somebody else's machine said, as far as it can be shown on one line."""
    shown = "".join(char if k.is_line(char) else " " for char in text[: k.MAX_LINE])
    return " ".join(shown.split())
