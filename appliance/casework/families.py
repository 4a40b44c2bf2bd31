"""Who is who to whom: parents, spouses, children, guardians, and representatives with their authority and its end.

A link is written down with the person it is of; it reads both ways. It gives nobody a right by itself: a guardian and a
representative act by the authority that the link names, as long as it lasts (`represents`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import bindparam, select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework.changes import see_unchanged
from appliance.casework.people import is_known, not_here, records_of, refuse_merged, who_is
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.store.store import Draft, Moment, Store

ONE_ONLY: Final = frozenset({"father", "mother"})
BY_AUTHORITY: Final = frozenset({"guardian", "representative"})
# What a person is called by whom they are called so: a father has a child.
INVERSE: Final = {
    "father": "child",
    "mother": "child",
    "child": "parent",
    "spouse": "spouse",
    "sibling": "sibling",
    "guardian": "ward",
    "representative": "represented",
}
RELATIONS: Final = tuple(INVERSE)
MAX_LINKS: Final = 200
"""Links that are read of one person."""

_OF: Final = (
    select(
        t.links.c.other,
        t.links.c.relation,
        t.links.c.authority,
        t.links.c.until,
        t.links.c.linked_at,
        t.links.c.linked_by,
    )
    .where(t.where_key(t.links))
    .order_by(t.links.c.relation, t.links.c.linked_at, t.links.c.other)
    .limit(MAX_LINKS)
)
_TO: Final = (
    select(
        t.links.c.about,
        t.links.c.relation,
        t.links.c.authority,
        t.links.c.until,
        t.links.c.linked_at,
        t.links.c.linked_by,
    )
    .where(t.links.c.journal == bindparam("journal"), t.links.c.other == bindparam("other"))
    .order_by(t.links.c.relation, t.links.c.linked_at, t.links.c.about)
    .limit(MAX_LINKS)
)
_NAME: Final = select(t.people.c.name).where(t.where_key(t.people))


@dataclass(frozen=True, slots=True)
class Relative:
    """Somebody who is something to a person.

    Attributes:
        about: who; the record that stands for them now.
        name: as written down.
        relation: one of `RELATIONS`, or what `INVERSE` makes of it.
        authority: on what ground, as the paper says.
        until: the last day, `YYYY-MM-DD`; empty for no end.
        of: the record that the link is written with, and `other` the record that it names; `unlink` wants both.
        at: when it was written down, as the journal writes it.
        by: by whom.
    """

    about: EntityId
    name: str
    relation: str
    authority: str
    until: str
    of: EntityId
    other: EntityId
    at: str
    by: str


def link(
    store: Store,
    session: Session,
    about: EntityId,
    other: EntityId,
    relation: str,
    *,
    authority: str = "",
    until: date | None = None,
    seen: int | None = None,
) -> None:
    """Write down that `other` is the `relation` of `about`; an older link of the two alike is replaced.

    Args:
        store: where.
        session: whose.
        about: the child, the ward, whoever is represented.
        other: the father, the guardian, the representative.
        relation: one of `RELATIONS`.
        authority: the paper that says so; guardians and representatives need one.
        until: the last day that it holds; None for no end.
        seen: `PersonView.last_seq` of `about` as the screen showed it.

    Raises:
        ChangedMeanwhile: somebody wrote about the person since.
        OperatorError: one of them is not known or merged away, it cannot be so, or the session may not.
    """
    if relation not in RELATIONS:
        raise OperatorError(f"Nobody is written down as a {relation}.", f"Choose one of {', '.join(RELATIONS)}.")
    ground = " ".join(authority.split())
    if not k.is_line(authority):
        raise OperatorError(
            f"An authority has at most {k.MAX_LINE} characters, on one line.", "Name the paper and its number."
        )
    if relation in BY_AUTHORITY and not ground:
        raise OperatorError(f"A {relation} needs an authority.", "Name the paper that says so, and its number.")

    def act(moment: Moment) -> Sequence[Draft]:
        tx, journal = moment.tx, store.journal
        see_unchanged(tx, journal, about, seen)
        for each in (about, other):
            refuse_merged(tx, journal, each)
        if about == other:
            raise OperatorError("Nobody is that to themselves.", "Choose another person.")
        if until is not None and until.isoformat() < moment.at[: len("YYYY-MM-DD")]:
            raise OperatorError("This authority has ended already.", "Enter the last day that it holds.")
        if relation in ONE_ONLY and any(
            each.relation == relation and each.about != other for each in _written_with(tx, journal, about)
        ):
            raise OperatorError(f"A {relation} is written down already.", f"Take back who the {relation} is first.")
        ends = "" if until is None else until.isoformat()
        return [Draft(k.PersonLinked(other=other, relation=relation, authority=ground, until=ends), about)]

    store.commit(session, act)


def unlink(
    store: Store,
    session: Session,
    about: EntityId,
    other: EntityId,
    relation: str,
    reason: str,
    seen: int | None = None,
) -> None:
    """Take back that `other` is the `relation` of `about`; both as `Relative.of` and `Relative.other` name them.

    Raises:
        ChangedMeanwhile: somebody wrote about the person since.
        OperatorError: it is not written down, no reason, or the session may not.
    """
    check_reason(reason)

    def act(moment: Moment) -> Sequence[Draft]:
        see_unchanged(moment.tx, store.journal, about, seen)
        rows = moment.tx.all(_OF, {"k_journal": store.journal, "k_about": about})
        if (other, relation) not in [row[:2] for row in rows]:
            raise OperatorError(f"No such {relation} is written down.", "Look at the person again.")
        return [Draft(k.PersonUnlinked(other=other, relation=relation, reason=reason), about)]

    store.commit(session, act)


def relatives(store: Store, about: EntityId) -> list[Relative]:
    """Everybody who is something to a person, over all records of theirs, and to whom they are something.

    Raises:
        OperatorError: there is no such person here.
    """
    with store.read() as tx:
        if not is_known(tx, store.journal, about):
            raise not_here()
        found: list[Relative] = []
        for record in records_of(tx, store.journal, about):
            found += _written_with(tx, store.journal, record)
            for row in tx.all(_TO, {"journal": store.journal, "other": record}):
                found.append(_relative(tx, store.journal, EntityId(row[0]), record, row[1:], inverse=True))
    return found


def represents(tx: Tx, journal: JournalId, representative: EntityId, about: EntityId, day: date) -> Relative | None:
    """The link by whose authority somebody may act for a person on a day, or None.

    Merged records of either count as theirs.
    """
    who = who_is(tx, journal, representative)
    for record in records_of(tx, journal, about):
        for each in _written_with(tx, journal, record):
            if (
                each.relation in BY_AUTHORITY
                and each.about == who
                and (not each.until or each.until >= day.isoformat())
            ):
                return each
    return None


def _written_with(tx: Tx, journal: JournalId, about: EntityId) -> list[Relative]:
    rows = tx.all(_OF, {"k_journal": journal, "k_about": about})
    return [_relative(tx, journal, about, EntityId(row[0]), row[1:]) for row in rows]


def _relative(
    tx: Tx, journal: JournalId, of: EntityId, other: EntityId, rest: Sequence[str], *, inverse: bool = False
) -> Relative:
    relation, authority, until, at, by = rest
    who = who_is(tx, journal, of if inverse else other)
    row = tx.one(_NAME, {"k_journal": journal, "k_about": who})
    return Relative(
        about=who,
        name="(erased)" if row is None else row[0],
        relation=INVERSE.get(relation, relation) if inverse else relation,
        authority=authority,
        until=until,
        of=of,
        other=other,
        at=at,
        by=by,
    )
