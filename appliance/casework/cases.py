"""One application as a commit meets it, and the one way in which a verb goes a step further with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from appliance.access.session import Session
from appliance.casework.changes import see_unchanged
from appliance.casework.lifecycle import Status, move_of, step
from appliance.catalogue import Days
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import BlobDigest, EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.store.store import Draft, Moment, Store

_COLUMNS: Final = (
    "service",
    "status",
    "tracking",
    "applicant",
    "fields",
    "roles",
    "days",
    "working",
    "received",
    "promised_from",
    "due",
    "paused",
    "fee_minor",
    "currency",
    "appeal_to",
    "appeal_until",
    "slip",
    "token",
    "service_digest",
)
_CASE: Final = select(*(t.applications.c[name] for name in _COLUMNS)).where(t.where_key(t.applications))
_PAPERS: Final = (
    select(t.papers.c.paper, t.papers.c.rule, t.papers.c.paper_kind, t.papers.c.of, t.papers.c.sha256)
    .where(t.where_key(t.papers))
    .order_by(t.papers.c.seq)
)
_STEPS_DONE: Final = select(t.steps_done.c.step).where(t.where_key(t.steps_done))
_WAITS: Final = (
    select(t.waits.c.step, t.waits.c.office, t.waits.c.clock_runs, t.waits.c.outcome, t.waits.c.answered_at)
    .where(t.where_key(t.waits))
    .order_by(t.waits.c.seq)
)


class UnknownApplication(OperatorError):
    """There is no such application, or it was erased."""

    def __init__(self) -> None:
        super().__init__("There is no such application here.", "Look it up by its tracking number.")


@dataclass(frozen=True, slots=True)
class Case:
    """An application. `roles`: the people by the part they have; `days` what was promised, from `promised_from` on.

    `service_digest` names the service as it was when it was handed in (`services.service_of`); empty before that.
    """

    id: EntityId
    service: str
    status: Status
    tracking: str
    applicant: str
    fields: Mapping[str, str]
    roles: Mapping[str, tuple[EntityId, ...]]
    days: Days
    received: str
    promised_from: str
    due: str
    paused: bool
    fee_minor: int
    currency: str
    appeal_to: str
    appeal_until: str
    slip: str
    token: str
    service_digest: str


@dataclass(frozen=True, slots=True)
class HeldPaper:
    """A paper of an application; `sha256` is of the scan in clear."""

    id: EntityId
    rule: str
    kind: str
    of: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Wait:
    """An outside office that has the application, or had it (`outcome` is then not empty)."""

    step: str
    office: str
    clock_runs: bool
    outcome: str
    answered_at: str


def key(journal: JournalId, about: str) -> dict[str, object]:
    """What names a subject in `t.where_key`."""
    return {"k_journal": journal, "k_about": about}


def find_case(tx: Tx, journal: JournalId, application: str) -> Case:
    """The application as it stands.

    Raises:
        UnknownApplication: it is not there.
    """
    row = tx.one(_CASE, key(journal, application))
    if row is None:
        raise UnknownApplication
    found = dict(zip(_COLUMNS, row, strict=True))
    return Case(
        id=EntityId(application),
        service=found["service"],
        status=Status(found["status"]),
        tracking=found["tracking"],
        applicant=found["applicant"],
        fields=json.loads(found["fields"]),
        roles={role: tuple(people) for role, people in json.loads(found["roles"]).items()},
        days=Days(found["days"], bool(found["working"])),
        received=found["received"],
        promised_from=found["promised_from"],
        due=found["due"],
        paused=bool(found["paused"]),
        fee_minor=found["fee_minor"],
        currency=found["currency"],
        appeal_to=found["appeal_to"],
        appeal_until=found["appeal_until"],
        slip=found["slip"],
        token=found["token"],
        service_digest=found["service_digest"],
    )


def papers_of(tx: Tx, journal: JournalId, application: str) -> list[HeldPaper]:
    """The papers of an application, in the order in which they came."""
    return [HeldPaper(EntityId(row[0]), *row[1:]) for row in tx.all(_PAPERS, key(journal, application))]


def steps_done(tx: Tx, journal: JournalId, application: str) -> frozenset[str]:
    """The steps that were done here at the centre."""
    return frozenset(str(row[0]) for row in tx.all(_STEPS_DONE, key(journal, application)))


def waits_of(tx: Tx, journal: JournalId, application: str) -> list[Wait]:
    """The outside offices that have an application, or had it, oldest first."""
    rows = tx.all(_WAITS, key(journal, application))
    return [Wait(step, office, bool(runs), outcome, answered) for step, office, runs, outcome, answered in rows]


Bodies = Sequence[k.Body]


def go_on(
    store: Store,
    session: Session,
    application: str,
    write: Callable[[Moment, Case], Bodies],
    *,
    seen: int | None = None,
    blobs: tuple[BlobDigest, ...] = (),
) -> None:
    """Go a step or more further with an application, in one commit.

    Args:
        store: where.
        session: who.
        application: with what.
        write: looks at the application inside the commit, and answers what to write about it, or raises to refuse.
        seen: the last entry about it that the screen showed; None where it does not matter.
        blobs: the sealed files that the last entry names.

    Raises:
        UnknownApplication, ChangedMeanwhile, IllegalStep: it is not there, not as it was shown, or stands elsewhere.
    """

    def act(moment: Moment) -> list[Draft]:
        case = find_case(moment.tx, store.journal, application)
        see_unchanged(moment.tx, store.journal, application, seen)
        bodies = write(moment, case)
        status: Status | None = case.status
        for body in bodies:
            status = step(status, *move_of(body))
        last = len(bodies) - 1
        return [Draft(body, case.id, blobs if n == last else ()) for n, body in enumerate(bodies)]

    store.commit(session, act)


def see_lines(*values: str) -> None:
    """Refuse what does not fit on a line.

    Raises:
        OperatorError: too long, of several lines, or with characters that cannot be typed.
    """
    if not all(map(k.is_line, values)):
        raise OperatorError(
            f"A field has at most {k.MAX_LINE} characters, on one line.", "Shorten it, or type it again."
        )


def see_remarks(*values: str) -> None:
    """Refuse what does not fit into a remark.

    Raises:
        OperatorError: too long, or with characters that cannot be typed.
    """
    if not all(map(k.is_remark, values)):
        raise OperatorError(
            f"A remark has at most {k.MAX_REMARK} characters that can be typed.", "Shorten it, or type it again."
        )
