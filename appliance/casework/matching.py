"""Who may be written down already: likely duplicates of a person, each with the reasons.

Candidates are fetched from the index of words: by the number, by the day of birth with a name that sounds alike, and by
names that sound alike in whatever script they are written. Each is then scored on what is written of both. A telephone
number never counts: families share one, and it changes hands.

A score says how much speaks for it, out of 100; it is no probability. Only people decide, and `people.merge` can be
taken back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import JaroWinkler

from appliance.casework.numbers import AADHAAR, kept
from appliance.casework.people import Person, PersonView, view, who_is
from appliance.journal.ids import EntityId
from appliance.records import search
from appliance.records.database import Tx
from appliance.records.folds.search import mark_word, sound_word
from appliance.records.sounds import sounds
from appliance.records.words import Asked, day_words, folded, number_words
from appliance.store.keys import PEPPER
from appliance.store.store import Store

MAX_CANDIDATES: Final = 200
"""Candidates that one way of asking may bring, the newest first."""
MAX_DUPLICATES: Final = 10
MIN_SCORE: Final = 50
"""A name that is the same, and nothing else, is half of what can speak for it."""
ALIKE: Final = 85.0
"""From here on, out of 100, two names are called alike."""
ENOUGH_WORDS: Final = 2
"""So many words that two names share, and they are alike."""

_SAME_NUMBER: Final = 100
_LAST_DIGITS: Final = 10
_SAME_NAME: Final = 50
_LIKE_NAME: Final = 35
_LIKE_SOUND: Final = 30
_BORN: Final = 30
_BORN_ABOUT: Final = 10
_PARENT: Final = 15
_OTHER_NUMBER: Final = -40
_OTHER_BORN: Final = -15
_OTHER_PARENT: Final = -15
_OTHER_GENDER: Final = -20


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Somebody who may be the same person.

    Attributes:
        about: the record that stands for them now.
        view: as a screen shows it.
        score: how much speaks for it, `MIN_SCORE` to 100.
        reasons: what speaks for it, and against, each a few words.
    """

    about: EntityId
    view: PersonView
    score: int
    reasons: tuple[str, ...]


def likely_duplicates(store: Store, person: Person, *, besides: EntityId | None = None) -> list[Duplicate]:
    """Who may be written down as this person already, the likeliest first.

    Args:
        store: where.
        person: as typed, or as written down.
        besides: the person's own record, where there is one already; it and what was merged into it are passed over.

    Raises:
        OperatorError: the identity number cannot be one of its kind.
    """
    number = kept(person.identity_kind, person.identity_number, store.secret(PEPPER))
    found: dict[EntityId, Duplicate] = {}
    with store.read() as tx:
        own = None if besides is None else who_is(tx, store.journal, besides)
        marked = set(_found(tx, store, ((mark_word(number.mark),),))) if number.mark else set()
        for about in dict.fromkeys((*marked, *_candidates(tx, store, person, number.number))):
            stands_for = who_is(tx, store.journal, about)
            if stands_for == own:
                continue
            other = view(tx, store.journal, about).person
            score, reasons = _compare(person, number.number, other, same_mark=about in marked)
            if score >= MIN_SCORE and (stands_for not in found or found[stands_for].score < score):
                shown = view(tx, store.journal, stands_for)
                found[stands_for] = Duplicate(stands_for, shown, score, reasons)
    # Equal ones the newest first, as they were found.
    return sorted(found.values(), key=lambda each: -each.score)[:MAX_DUPLICATES]


def _candidates(tx: Tx, store: Store, person: Person, number: str) -> list[EntityId]:
    return [about for asked in _ways(person, number) for about in _found(tx, store, asked)]


def _found(tx: Tx, store: Store, asked: Asked) -> list[EntityId]:
    found = search.find(tx, store.journal, asked, limit=MAX_CANDIDATES)
    return [EntityId(each.about) for each in found if each.what == "person"]


def _ways(person: Person, number: str) -> Iterator[Asked]:
    """Each a query that the same person would answer, whatever else was written differently."""
    if number and person.identity_kind != AADHAAR:
        yield ((number_words(number)[0],),)
    heard = [tuple(map(sound_word, sounds(name))) for name in (person.name, person.name_native)]
    any_sound = tuple(dict.fromkeys(each for name in heard for each in name))
    if not any_sound:
        return
    if person.born:
        yield ((day_words(person.born)[0],), any_sound)
        yield ((person.born[:4],), *((each,) for each in heard[0][:2]))
    for name in heard:
        if name:
            yield tuple((each,) for each in name)


def _compare(person: Person, number: str, other: Person, *, same_mark: bool) -> tuple[int, tuple[str, ...]]:
    """How much speaks for two being one, and what."""
    parts = [
        *_numbers(person, number, other, same_mark),
        *_names(person, other),
        *_born(person, other),
        *_parents(person, other),
    ]
    if person.gender and other.gender and person.gender != other.gender:
        parts.append((_OTHER_GENDER, "another gender"))
    score = max(0, min(100, sum(points for points, _ in parts)))
    return score, tuple(reason for _, reason in parts)


Parts = Iterator[tuple[int, str]]


def _numbers(person: Person, number: str, other: Person, same_mark: bool) -> Parts:
    if not number or not other.identity_number or person.identity_kind != other.identity_kind:
        return
    what = "Aadhaar" if person.identity_kind == AADHAAR else person.identity_kind.upper()
    if same_mark or (number == other.identity_number and person.identity_kind != AADHAAR):
        yield _SAME_NUMBER, f"the same {what} number"
    elif number == other.identity_number:
        # Ten thousand share them.
        yield _LAST_DIGITS, f"the same last digits of the {what} number"
    else:
        yield _OTHER_NUMBER, f"another {what} number"


def _names(person: Person, other: Person) -> Parts:
    mine, theirs = _both(person.name, person.name_native), _both(other.name, other.name_native)
    mine_words, their_words = [set(name.split()) for name in mine], [set(name.split()) for name in theirs]
    if any(words in their_words for words in mine_words):
        yield _SAME_NAME, "the same name"
    elif any(len(one & another) >= ENOUGH_WORDS for one in mine_words for another in their_words):
        yield _LIKE_NAME, "a name with the same words in it"
    elif max((alike(one, another) for one in mine for another in theirs), default=0.0) >= ALIKE:
        yield _LIKE_NAME, "a name spelled alike"
    elif any(set(sounds(one)) == set(sounds(another)) != set() for one in mine for another in theirs):
        yield _LIKE_SOUND, "a name that sounds alike"


def _born(person: Person, other: Person) -> Parts:
    if not person.born or not other.born:
        return
    if person.born == other.born:
        yield (_BORN, "born on the same day") if len(person.born) > 4 else (_BORN_ABOUT, "born in the same year")
    elif person.born.startswith(other.born) or other.born.startswith(person.born):
        yield _BORN_ABOUT, "born at the same time, as far as it is known"
    elif sorted(person.born) == sorted(other.born):
        yield _BORN_ABOUT, "a date of birth with the same digits"
    else:
        yield _OTHER_BORN, "another date of birth"


def _parents(person: Person, other: Person) -> Parts:
    for parent in ("father", "mother"):
        mine = _both(getattr(person, f"{parent}_name"), getattr(person, f"{parent}_name_native"))
        theirs = _both(getattr(other, f"{parent}_name"), getattr(other, f"{parent}_name_native"))
        if not mine or not theirs:
            continue
        best = max(alike(one, another) for one in mine for another in theirs)
        heard = any(set(sounds(one)) == set(sounds(another)) for one in mine for another in theirs)
        if best >= ALIKE or heard:
            yield _PARENT, f"a {parent} of that name"
        else:
            yield _OTHER_PARENT, f"a {parent} of another name"


def _both(latin: str, native: str) -> list[str]:
    return [name for name in (folded(latin), folded(native)) if name]


def alike(one: str, other: str) -> float:
    """How alike two folded names are, 0 to 100: in whatever order their words stand."""
    return max(
        fuzz.token_sort_ratio(one, other),
        100 * JaroWinkler.similarity(one, other) if one[:1] == other[:1] and " " not in one + other else 0.0,
    )
