"""Finding people and cases at the counter by any of their names, numbers and days, each word by its beginning.

`search` is quick, and shows the newest first; what is not yet with central is found like everything else, because it is
the same table. `search_forgiving` takes longer, and finds people whose names were typed otherwise than written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from appliance.casework.matching import alike
from appliance.casework.numbers import AADHAAR_DIGITS, could_be_aadhaar, mark_of
from appliance.journal.ids import EntityId, JournalId
from appliance.records import search as index
from appliance.records import tables as t
from appliance.records.database import Tx
from appliance.records.folds.search import is_typed, mark_word, sound_word
from appliance.records.search import Found
from appliance.records.sounds import sound
from appliance.records.words import Asked, asked, folded
from appliance.store.keys import PEPPER
from appliance.store.store import Store

MAX_HITS: Final = 500
MAX_FORGIVEN: Final = 500
"""Candidates that a forgiving search looks at."""
MIN_LIKENESS: Final = 65.0
CONSONANTS: Final = "bcfhklmnrstz"

_PERSON: Final = select(
    t.people.c.name,
    t.people.c.name_native,
    t.people.c.father_name,
    t.people.c.born,
    t.people.c.identity_number,
    t.people.c.added_at,
    t.people.c.merged_into,
).where(t.where_key(t.people))
_APPLICATION: Final = select(
    t.applications.c.tracking,
    t.applications.c.service,
    t.applications.c.applicant,
    t.applications.c.status,
    t.applications.c.submitted_at,
    t.applications.c.begun_at,
).where(t.where_key(t.applications))
_ENDED: Final = (
    select(t.certificates.c.number, t.certificates.c.state, t.certificates.c.replaced_by)
    .where(t.where_key(t.certificates), t.certificates.c.state != "valid")
    .order_by(t.certificates.c.issued_at)
)
_NAME: Final = select(t.people.c.name).where(t.where_key(t.people))
_PAYMENT: Final = select(
    t.payments.c.receipt,
    t.payments.c.tracking,
    t.payments.c.payer,
    t.payments.c.taken_at,
    t.payments.c.voided,
).where(t.where_key(t.payments))
_COMPLAINT: Final = (
    select(
        t.applications.c.tracking,
        t.complaints.c.complaint,
        t.complaints.c.name,
        t.complaints.c.made_at,
        t.complaints.c.answered_at,
    )
    .select_from(
        t.complaints.outerjoin(
            t.applications,
            (t.applications.c.journal == t.complaints.c.journal)
            & (t.applications.c.about == t.complaints.c.application),
        )
    )
    .where(t.where_key(t.complaints))
)


@dataclass(frozen=True, slots=True)
class Hit:
    """What was found.

    Attributes:
        kind: `person`, `application`, `payment` or `complaint`.
        about: which.
        title: the name, the tracking number, the receipt's number; of a complaint, that of its application.
        detail: what tells it from others, in a few words.
        at: when it was begun, as the journal writes it.
        status: where it stands; of a person `merged`, or nothing.
        seq: the entry that began it: `search`'s `before` for the next page.
    """

    kind: str
    about: EntityId
    title: str
    detail: str
    at: str
    status: str
    seq: int


def search(store: Store, text: str, *, limit: int = 50, before: int | None = None) -> list[Hit]:
    """What has all the words of `text`, each by its beginning, the newest first; nothing where there is no word in it.

    Args:
        store: where.
        text: names in any script, identity numbers or their last four digits, telephone, tracking, certificate and
            receipt numbers, days.
        limit: how many, 500 at the most.
        before: `Hit.seq` of the last one of the page before.
    """
    groups = _asked(store, text)
    with store.read() as tx:
        found = index.find(tx, store.journal, groups, limit=min(limit, MAX_HITS), before=before)
        return _hits(tx, store.journal, found)


def search_forgiving(store: Store, text: str, *, limit: int = 50) -> list[Hit]:
    """People whose names are like those in `text`, the likest first.

    A name may be in another script, its vowels may differ, and one consonant of each word. Numbers and days in `text`
    must be right.
    """
    groups = _asked(store, text)
    names = [word for word in folded(text).split() if sound(word)]
    if not names:
        return []
    others = tuple(group for group in groups if not (len(group) == 1 and group[0] in names))
    with store.read() as tx:
        found: dict[int, Found] = {}
        # Those that sound the same first: of the others there may be more than are looked at.
        for heard in (_same, _near):
            wanted = tuple(tuple(map(sound_word, heard(sound(word)))) for word in names)
            for each in index.find(tx, store.journal, (*wanted, *others), limit=MAX_FORGIVEN):
                found.setdefault(each.seq, each)
        likeness = {seq: _likeness(names, each) for seq, each in found.items()}
        best = sorted((seq for seq in found if likeness[seq] >= MIN_LIKENESS), key=lambda seq: (-likeness[seq], -seq))
        return _hits(tx, store.journal, (found[seq] for seq in best[: min(limit, MAX_HITS)]))


def _asked(store: Store, text: str) -> Asked:
    digits = folded(text).replace(" ", "")
    if len(digits) == AADHAAR_DIGITS and could_be_aadhaar(digits):
        # Kept as a mark alone. It may be another number all the same.
        (group,) = asked(digits)
        return ((*group, mark_word(mark_of(digits, store.secret(PEPPER)))),)
    return asked(text)


def _same(heard: str) -> Iterable[str]:
    return (heard,)


def _near(heard: str) -> Iterable[str]:
    """What sounds like a word with one consonant other, less, more, or in its neighbour's place."""
    found = {heard: None}
    if len(heard) > 1:
        for at in range(len(heard)):
            before, after = heard[:at], heard[at + 1 :]
            found |= dict.fromkeys(before + each + after for each in CONSONANTS)
            found |= dict.fromkeys(before + heard[at] + each + after for each in CONSONANTS)
            found[before + after[:1] + heard[at] + after[1:]] = None
            found[before + after] = None
    return found


def _likeness(names: list[str], found: Found) -> float:
    """How like the words asked for are to those found, 0 to 100; across scripts by their sound."""
    words = [word for word in set(found.text.split()) if is_typed(word) and sound(word)]
    best = []
    for name in names:
        own = sound(name)
        likest = 0.0
        for word in words:
            likest = max(likest, alike(name, word), 75.0 if sound(word) == own else 0.0)
        best.append(likest)
    return sum(best) / len(best)


def _hits(tx: Tx, journal: JournalId, found: Iterable[Found]) -> list[Hit]:
    hits = (_HITS[each.what](tx, journal, each) for each in found if each.what in _HITS)
    return [hit for hit in hits if hit is not None]


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _person(tx: Tx, journal: JournalId, found: Found) -> Hit | None:
    row = tx.one(_PERSON, {"k_journal": journal, "k_about": found.about})
    if row is None:
        return None
    name, native, father, born, number, at, merged = row
    title = f"{name} ({native})" if native else name
    detail = _joined(number, born and f"born {born}", father and f"father {father}")
    return Hit("person", EntityId(found.about), title, detail, at, "merged" if merged else "", found.seq)


def _application(tx: Tx, journal: JournalId, found: Found) -> Hit | None:
    row = tx.one(_APPLICATION, {"k_journal": journal, "k_about": found.about})
    if row is None:
        return None
    tracking, service, applicant, status, submitted_at, begun_at = row
    person = tx.one(_NAME, {"k_journal": journal, "k_about": applicant})
    ended = [
        f"{number} {state}{f' by {by}' if by else ''}"
        for number, state, by in tx.all(_ENDED, {"k_journal": journal, "k_about": found.about})
    ]
    detail = _joined(service, "" if person is None else person[0], *ended)
    at = submitted_at or begun_at
    return Hit("application", EntityId(found.about), tracking or "(draft)", detail, at, status, found.seq)


def _payment(tx: Tx, journal: JournalId, found: Found) -> Hit | None:
    row = tx.one(_PAYMENT, {"k_journal": journal, "k_about": found.about})
    if row is None:
        return None
    receipt, tracking, payer, at, voided = row
    status = "void" if voided else "paid"
    return Hit("payment", EntityId(found.about), receipt, _joined(tracking, payer), at, status, found.seq)


def _complaint(tx: Tx, journal: JournalId, found: Found) -> Hit | None:
    row = tx.one(_COMPLAINT, {"k_journal": journal, "k_about": found.about})
    if row is None:
        return None
    tracking, complaint, name, at, answered_at = row
    status = "answered" if answered_at else "open"
    detail = _joined(name, complaint)
    return Hit("complaint", EntityId(found.about), tracking or "(erased)", detail, at, status, found.seq)


_HITS: Final[dict[str, Callable[[Tx, JournalId, Found], Hit | None]]] = {
    "person": _person,
    "application": _application,
    "payment": _payment,
    "complaint": _complaint,
}
