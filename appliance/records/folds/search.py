"""What a fold says of the words by which its subject is found.

A kind that begins a subject yields `found_by`, one that changes something yields `found_instead_by`. The words are made
here, from what the body says; the index follows, see `appliance.records.search`. A subject that a journal begins twice,
which no verb does, is found twice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import sqlalchemy as sa
from sqlalchemy import bindparam

from appliance.journal.entry import Header
from appliance.records import tables as t
from appliance.records.folds.base import Ops, key, row
from appliance.records.sounds import sound
from appliance.records.statements import add_once, spelled
from appliance.records.words import MAX_REMEMBERED, day_words, number_words, phone_words, words_of_piece

_SOUND: Final = "≈"
_MARK: Final = "≡"
_MARK_DIGITS: Final = 24
# A longer answer in a form is a text, and no name, number or day.
MAX_ANSWER: Final = 80
MAX_MORE: Final = 60

_COLUMNS: Final = ", ".join(t.WORDS)
_NOTHING: Final = "SELECT 1 WHERE FALSE"
FORGET_WORDS: Final = spelled(
    sqlite=f"INSERT INTO folded_words (folded_words, rowid, {_COLUMNS}) SELECT 'delete', place, {_COLUMNS}"  # noqa: S608
    " FROM folded_indexed WHERE journal = :k_journal AND about = :k_about"
    " AND seq IN (SELECT seq FROM folded_timeline WHERE journal = :k_journal AND about = :k_about)",
    postgresql=_NOTHING,
)
_INDEX_WORDS: Final = spelled(
    sqlite=f"INSERT INTO folded_words (rowid, {_COLUMNS}) SELECT place, {_COLUMNS}"  # noqa: S608
    " FROM folded_indexed WHERE journal = :k_journal AND about = :k_about"
    " AND seq IN (SELECT seq FROM folded_timeline WHERE journal = :k_journal AND about = :k_about)",
    postgresql=_NOTHING,
)
_ADD: Final = add_once(t.searchable)
_CHANGE: Final = (
    sa.update(t.searchable)
    .where(t.where_key(t.searchable))
    .values({name: sa.func.coalesce(bindparam(name), t.searchable.c[name]) for name in t.WORDS})
)
_EXTEND: Final = (
    sa.update(t.searchable)
    .where(t.where_key(t.searchable))
    .values({name: t.searchable.c[name] + bindparam(name) for name in t.WORDS})
)
_AS_IT_IS: Final = dict.fromkeys(t.WORDS)
_EMPTY: Final = dict.fromkeys(t.WORDS, "")


def sound_word(heard: str) -> str:
    """The word by which a person is found by how a name sounds. Nobody types it, because it is not made of letters."""
    return f"{_SOUND}{heard}{_SOUND}"


def mark_word(mark: str) -> str:
    """The word by which a person is found by what stands for a number that is not kept."""
    return _MARK + mark[:_MARK_DIGITS]


def is_typed(word: str) -> bool:
    """Whether a word is one that people type."""
    return word[:1] not in (_SOUND, _MARK)


def _plain(text: str) -> str:
    return " ".join(map(words_of_piece, text.split()))


def _name(text: str) -> str:
    return " ".join(map(_name_piece, text.split()))


@lru_cache(MAX_REMEMBERED)
def _name_piece(piece: str) -> str:
    found = words_of_piece(piece)
    return " ".join((found, *map(sound_word, filter(None, map(sound, found.split())))))


_MAKE: Final[dict[str, Callable[[str], str]]] = {
    **dict.fromkeys(t.WORDS, _plain),
    "name": _name,
    "name_native": _name,
    "born": lambda day: " ".join(day_words(day)),
    "identity_number": lambda number: " ".join(number_words(number)),
    "identity_mark": mark_word,
    "phone": lambda phone: " ".join(phone_words(phone)),
}


def found_by(header: Header, what: str, **said: str) -> Ops:
    """The entry's subject is found by these texts from now on, as a `what`; by column of `searchable`."""
    yield _ADD, row(header, seq=header.seq, what=what, **{**_EMPTY, **_made(said)})


def found_instead_by(header: Header, **said: str) -> Ops:
    """The entry's subject is found by these texts, in place of what the same columns said before."""
    if said:
        yield FORGET_WORDS, key(header)
        yield _CHANGE, key(header, **{**_AS_IT_IS, **_made(said)})
        yield _INDEX_WORDS, key(header)


def found_also_by(header: Header, **said: str) -> Ops:
    """The entry's subject is found by these texts, too, beside what the same columns said before."""
    yield FORGET_WORDS, key(header)
    yield _EXTEND, key(header, **{**_EMPTY, **{name: f" {text}" for name, text in _made(said).items()}})
    yield _INDEX_WORDS, key(header)


def answers(fields: dict[str, str]) -> str:
    """What a form's answers say to whoever searches, as one text: the short ones."""
    found = (value for value in fields.values() if len(value) <= MAX_ANSWER)
    return " ".join(dict.fromkeys(" ".join(found).split()[:MAX_MORE]))


def first_words(text: str) -> str:
    """What a longer text says to whoever searches: its first words."""
    return " ".join(text.split()[:MAX_MORE])


def _made(said: dict[str, str]) -> dict[str, str]:
    return {name: _MAKE[name](value) if value else "" for name, value in said.items()}
