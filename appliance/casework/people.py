"""Citizens: written down, put right, shown, and found to be one.

A person may have no number at all, and is never known by a telephone. Nothing is lost when two records turn out to be
of one person: the one merged away keeps every word, and only says with whom it is one; taking that back restores it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, timedelta
from typing import Final

from sqlalchemy import bindparam, select

from appliance.access.reasons import check_reason
from appliance.access.session import Session
from appliance.casework.changes import last_seq, see_unchanged
from appliance.casework.numbers import KeptNumber, kept
from appliance.journal import kinds as k
from appliance.journal.errors import OperatorError
from appliance.journal.ids import EntityId, JournalId
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.moment import parse_at
from appliance.store.keys import PEPPER
from appliance.store.store import Draft, Moment, Store

GENDERS: Final = ("male", "female", "transgender")
MIN_PHONE_DIGITS: Final = 7
MAX_PHONE_DIGITS: Final = 15
MAX_MERGES: Final = 64
"""How many records one person is put together from at the most, and how long a chain of them is followed."""

_BORN: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Person:
    """What is written down of a citizen who comes to the counter.

    Attributes:
        name: in Latin script, as on the paper seen.
        name_native: in the citizen's own script; the same of the parents' names.
        born: `YYYY-MM-DD`, or as much of it as the paper says.
        identity_kind: `cnic`, `aadhaar`, `passport` and the like; empty for who has no number.
        identity_number: as typed; of an Aadhaar number only the last four digits are kept, and shown.
        native_language: ISO 639 code of the native script.
        gender: one of `GENDERS`.
        phone: to reach the person by; it identifies nobody.
    """

    name: str
    name_native: str = ""
    born: str = ""
    identity_kind: str = ""
    identity_number: str = ""
    native_language: str = ""
    gender: str = ""
    father_name: str = ""
    father_name_native: str = ""
    mother_name: str = ""
    mother_name_native: str = ""
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """How somebody made sure who a person is; see `appliance.casework.identity`.

    `stands` is whether it was found to be so, and nothing that it rests on was corrected since.
    """

    method: str
    outcome: str
    adapter: str
    reference: str
    paper: str
    remark: str
    at: str
    by: str
    stands: bool


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person as a screen shows them.

    Attributes:
        about: whose record.
        person: what is written down; the identity number as it is kept.
        added_at: when, as the journal writes it.
        merged_into: with whom this record is one; None for nobody.
        merged: the records that were merged into this one, directly.
        verification: the newest one; None where nobody made sure.
        last_seq: the newest entry about the record, for the verbs' `seen`.
    """

    about: EntityId
    person: Person
    added_at: str
    merged_into: EntityId | None
    merged: tuple[EntityId, ...]
    verification: Verification | None
    last_seq: int


_NAMES: Final = tuple(field.name for field in fields(Person))
_IDENTITY: Final = frozenset({"identity_kind", "identity_number"})
_WRITTEN: Final = select(*(t.people.c[name] for name in _NAMES), t.people.c.identity_mark).where(t.where_key(t.people))
_RECORD: Final = select(t.people.c.added_at, t.people.c.identified_seq, t.people.c.merged_into).where(
    t.where_key(t.people)
)
_MERGED_INTO: Final = select(t.people.c.merged_into).where(t.where_key(t.people))
_MERGED: Final = (
    select(t.people.c.about)
    .where(t.people.c.journal == bindparam("journal"), t.people.c.merged_into == bindparam("into"), t.IS_MERGED)
    .order_by(t.people.c.about)
    .limit(MAX_MERGES)
)
_VERIFICATION: Final = (
    select(
        t.verifications.c.seq,
        t.verifications.c.method,
        t.verifications.c.outcome,
        t.verifications.c.adapter,
        t.verifications.c.reference,
        t.verifications.c.paper,
        t.verifications.c.remark,
        t.verifications.c.verified_at,
        t.verifications.c.verified_by,
    )
    .where(t.where_key(t.verifications))
    .order_by(t.verifications.c.seq.desc())
    .limit(1)
)


# Writing


def add_person(store: Store, session: Session, person: Person) -> EntityId:
    """Write down a citizen. `matching.likely_duplicates` says beforehand whether they are there already.

    Raises:
        OperatorError: no name, or something that cannot be so, or the session may not.
    """
    checked = _checked(person, store.now())
    number = kept(checked.identity_kind, checked.identity_number, store.secret(PEPPER))
    about = store.new_id()
    body = k.PersonAdded(**_written(checked, number))
    store.commit(session, lambda _: [Draft(body, about)])
    return about


def correct_person(
    store: Store, session: Session, about: EntityId, changes: Mapping[str, str], reason: str, seen: int | None = None
) -> None:
    """Put right what is written down of a person.

    Args:
        store: where.
        session: whose.
        about: the person.
        changes: new values, by the names of `Person`'s attributes.
        reason: why.
        seen: `PersonView.last_seq` as the screen showed it; None where it does not matter.

    Raises:
        ChangedMeanwhile: somebody wrote about the person since.
        OperatorError: not known, merged into another, something that cannot be so, no change, or the session may not.
    """
    check_reason(reason)
    if unknown := changes.keys() - set(_NAMES):
        raise OperatorError(f"Nothing called {min(unknown)} is written down of a person.", "Correct something else.")
    pepper = store.secret(PEPPER)

    def act(moment: Moment) -> Sequence[Draft]:
        see_unchanged(moment.tx, store.journal, about, seen)
        refuse_merged(moment.tx, store.journal, about)
        before = moment.tx.one(_WRITTEN, _key(store.journal, about))
        if before is None:
            raise not_here()
        old = dict(zip((*_NAMES, "identity_mark"), before, strict=True))
        checked = _checked(Person(**{name: changes.get(name, old[name]) for name in _NAMES}), moment.at)
        number = KeptNumber(old["identity_number"], old["identity_mark"])
        if _IDENTITY & changes.keys():
            number = kept(checked.identity_kind, checked.identity_number, pepper)
        new = _written(checked, number)
        different = {name: value for name, value in new.items() if value != old[name]}
        if not different:
            raise OperatorError("That is what is written down already.", "Change something, or leave it.")
        return [Draft(k.PersonCorrected(changes=different, reason=reason), about)]

    store.commit(session, act)


def merge(
    store: Store, session: Session, about: EntityId, into: EntityId, reason: str, seen: int | None = None
) -> None:
    """Say that two records are of one person: `about` is kept as it is, and found under `into` from now on.

    Raises:
        ChangedMeanwhile: somebody wrote about `about` since it was shown.
        OperatorError: one of them is not known or merged already, no reason, or the session may not.
    """
    check_reason(reason)
    if about == into:
        raise OperatorError("That is the same record.", "Choose two different ones.")

    def act(moment: Moment) -> Sequence[Draft]:
        see_unchanged(moment.tx, store.journal, about, seen)
        for each in (about, into):
            refuse_merged(moment.tx, store.journal, each)
        if len(records_of(moment.tx, store.journal, into)) >= MAX_MERGES:
            raise OperatorError(
                f"A person is put together from at most {MAX_MERGES} records.", "Take back a merge that was wrong."
            )
        return [Draft(k.PersonMerged(into=into, reason=reason), about)]

    store.commit(session, act)


def unmerge(store: Store, session: Session, about: EntityId, reason: str, seen: int | None = None) -> None:
    """Take a merge back: the record stands for itself again, with everything that was written of it.

    Raises:
        ChangedMeanwhile: somebody wrote about it since it was shown.
        OperatorError: it is not merged, no reason, or the session may not.
    """
    check_reason(reason)

    def act(moment: Moment) -> Sequence[Draft]:
        see_unchanged(moment.tx, store.journal, about, seen)
        row = moment.tx.one(_MERGED_INTO, _key(store.journal, about))
        if row is None:
            raise not_here()
        if not row[0]:
            raise OperatorError("This record is not merged into another.", "Look at it again.")
        return [Draft(k.PersonUnmerged(reason=reason), about)]

    store.commit(session, act)


# Reading


def person(store: Store, about: EntityId) -> PersonView:
    """A person's own record.

    Raises:
        OperatorError: there is none here.
    """
    with store.read() as tx:
        return view(tx, store.journal, about)


def view(tx: Tx, journal: JournalId, about: EntityId) -> PersonView:
    """A person's own record, inside a transaction.

    Raises:
        OperatorError: there is none here.
    """
    key = _key(journal, about)
    written, record = tx.one(_WRITTEN, key), tx.one(_RECORD, key)
    if written is None or record is None:
        raise not_here()
    added_at, identified_seq, merged_into = record
    return PersonView(
        about=about,
        person=Person(*written[: len(_NAMES)]),
        added_at=added_at,
        merged_into=EntityId(merged_into) or None,
        merged=tuple(_merged(tx, journal, about)),
        verification=_verification(tx, journal, about, identified_seq),
        last_seq=last_seq(tx, journal, about),
    )


def is_known(tx: Tx, journal: JournalId, about: str) -> bool:
    """Whether a person of that identifier is written down here, and not erased."""
    return tx.one(_MERGED_INTO, _key(journal, about)) is not None


def who_is(tx: Tx, journal: JournalId, about: EntityId) -> EntityId:
    """The record that now stands for a person: `about` itself, or the one that it was merged into in the end."""
    for _ in range(MAX_MERGES):
        row = tx.one(_MERGED_INTO, _key(journal, about))
        if row is None or not row[0] or not is_known(tx, journal, row[0]):
            break
        about = EntityId(row[0])
    return about


def records_of(tx: Tx, journal: JournalId, about: EntityId) -> tuple[EntityId, ...]:
    """Every record of the person whom `about` is a record of, the one that stands for them first."""
    found = [who_is(tx, journal, about)]
    for each in found:
        found += [one for one in _merged(tx, journal, each) if one not in found]
        if len(found) > MAX_MERGES:
            break
    return tuple(found)


def refuse_merged(tx: Tx, journal: JournalId, about: EntityId) -> None:
    """Refuse to write about a record that another one stands for.

    Raises:
        OperatorError: it is merged, or not known here.
    """
    row = tx.one(_MERGED_INTO, _key(journal, about))
    if row is None:
        raise not_here()
    if row[0]:
        raise OperatorError(
            "This record was merged into another one of the same person.", "Open the one that stands for the person."
        )


def not_here() -> OperatorError:
    """What is said of a person who is not written down."""
    return OperatorError("There is no such person here.", "Find or add the person first.")


def _merged(tx: Tx, journal: JournalId, into: EntityId) -> list[EntityId]:
    return [EntityId(row[0]) for row in tx.all(_MERGED, {"journal": journal, "into": into})]


def _verification(tx: Tx, journal: JournalId, about: EntityId, identified_seq: int) -> Verification | None:
    row = tx.one(_VERIFICATION, _key(journal, about))
    if row is None:
        return None
    seq, method, outcome, adapter, reference, paper, remark, at, by = row
    stands = outcome == "matched" and seq > identified_seq
    return Verification(method, outcome, adapter, reference, paper, remark, at, by, stands)


def _key(journal: JournalId, about: str) -> dict[str, object]:
    return {"k_journal": journal, "k_about": about}


# What somebody typed


def _written(person: Person, number: KeptNumber) -> dict[str, str]:
    return {**asdict(replace(person, identity_number=number.number)), "identity_mark": number.mark}


def _checked(person: Person, now: str) -> Person:
    """A person as they are written down: each field on one line, without spaces too many.

    Raises:
        OperatorError: a field is too long, or says what cannot be.
    """
    if not all(map(k.is_line, asdict(person).values())):
        raise OperatorError(
            f"A field has at most {k.MAX_LINE} characters, on one line.", "Shorten it, or type it again."
        )
    tidy = {name: unicodedata.normalize("NFC", " ".join(value.split())) for name, value in asdict(person).items()}
    checked = Person(**tidy)
    if not checked.name:
        raise OperatorError("A person needs a name.", "Enter the name as on the paper seen.")
    check_born(checked.born, now)
    if checked.gender and checked.gender not in GENDERS:
        raise OperatorError(f"A gender is one of {', '.join(GENDERS)}.", "Choose one, or leave it empty.")
    if checked.identity_number and not checked.identity_kind:
        raise OperatorError("An identity number needs its kind.", "Say which paper it stands on.")
    if checked.native_language and not _LANGUAGE.fullmatch(checked.native_language):
        raise OperatorError("A language is written as its code, such as ur or hi.", "Choose one, or leave it empty.")
    if checked.phone:
        digits = re.sub(r"[-+() ]", "", checked.phone)
        if not digits.isdigit() or not MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS:
            raise OperatorError(
                f"A telephone number has {MIN_PHONE_DIGITS} to {MAX_PHONE_DIGITS} digits.", "Type it as 0300 1234567."
            )
    return checked


def check_born(born: str, now: str) -> None:
    """Refuse what is no date of birth: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`, and not in the future.

    Args:
        born: as typed; empty where it is not known.
        now: what the clock says, as the journal writes it.

    Raises:
        OperatorError: it is none.
    """
    if not born:
        return
    parts = _BORN.fullmatch(born)
    try:
        first = None if parts is None else date(*(int(part or 1) for part in parts.groups()))
    except ValueError:
        first = None
    if first is None:
        raise OperatorError(
            "A date of birth is written as 1990-05-17.", "Where the paper says less, type 1990-05, or 1990."
        )
    # A centre's day may be a day ahead of UTC.
    if first > parse_at(now).date() + timedelta(days=1):
        raise OperatorError("This date of birth lies in the future.", "Read it again from the paper.")
