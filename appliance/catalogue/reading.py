"""A service file, read key by key: each of the kind that is asked for, and nothing left over that nobody asked for.

Whatever is wrong is refused as `BadService`, with its line and what to write instead.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Final

from appliance.catalogue.located import Place, places
from appliance.catalogue.model import LANGUAGES, BadService, Text

MAX_FILE_BYTES: Final = 256 * 1024
MAX_WORDS: Final = 500
"""Characters of one text."""
MAX_ITEMS: Final = 200
"""Tables of one sort, items of one list."""
MAX_NUMBER: Final = 10**12
UNCHECKED: Final = "_unchecked"

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DECIMAL: Final = re.compile(r"\d{1,13}(\.\d{1,4})?")
_WHERE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_SYNTAX: Final = (
    ("Cannot declare", "This heading stands twice.", "Give one of the two another name, or put both together."),
    ("Cannot overwrite", "This name stands twice.", "Write each name once; take one of the two lines away."),
    ("Duplicate inline", "A name stands twice between { and }.", "Write it once."),
    ("after a key", "A name stands here without = and a value.", "Write: name = value"),
    (
        "Invalid value",
        "The value cannot be read.",
        'Write words between "quotation marks"; numbers, true and false without.',
    ),
    (r"Illegal character '\n'", "The quotation marks are not closed.", 'Close them on the same line: "…"'),
    ("Unterminated", "The quotation marks that begin above are not closed.", 'Close them: "…"'),
    (
        "Expected",
        "Something stands here that does not belong.",
        "Write one name = value on a line; close { with } and [ with ].",
    ),
    ("Unclosed array", "A list that begins above is not closed.", "Close it with ]"),
    ("Unclosed inline", "A table is not closed.", "Close it with } on the same line."),
    ("Invalid initial character", "Here a name should stand.", "Write name = value, and keep { … } on one line."),
    ("Cannot mutate", "This name stands twice.", "Put everything between the one { and }."),
    ("Invalid statement", "Here a name or a heading should stand.", "Write name = value, or [kind.name]."),
    ("Unescaped", "A backslash stands between quotation marks.", "Use single quotation marks: '…'"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """One service file: what to call it, and its text, in which a line is looked for only when something is wrong."""

    file: str
    text: str

    def bad(self, place: Place, sentence: str, next_step: str) -> BadService:
        """The refusal at a place, or at the nearest one around it that stands in the file."""
        try:
            lines = places(self.text)
        except RecursionError:
            # Lists in lists in lists; tomllib goes a little deeper than we do.
            lines = {}
        while place and place not in lines:
            place = place[:-1]
        return BadService(self.file, lines.get(place, 1), sentence, next_step)


def parse(file: str, content: bytes) -> Table:
    """The whole file as one table.

    Raises:
        BadService: it is too large, not UTF-8, or not TOML.
    """
    if len(content) > MAX_FILE_BYTES:
        raise BadService(file, 1, f"The file is larger than {MAX_FILE_BYTES // 1024} KiB.", "One file is one service.")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadService(file, line, "This is not UTF-8 text.", "Save the file with the encoding UTF-8.") from error
    try:
        values = tomllib.loads(text)
        return Table(Source(file, text), (), values)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(file, text, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise BadService(
            file, 1, "A number is too long, or lists stand too deep in lists.", "Make it simpler."
        ) from error


def _not_toml(file: str, text: str, message: str) -> BadService:
    where = _WHERE.search(message)
    line = int(where.group(1)) if where else max(text.rstrip().count("\n") + 1, 1)
    for part, sentence, step in _SYNTAX:
        if part in message:
            return BadService(file, line, sentence, step)
    return BadService(file, line, f"This is not TOML: {_WHERE.sub('', message)}.", "Compare it with a bundled service.")


def named(value: object) -> str:
    """What a value is, in words."""
    match value:
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number with a point"
        case str():
            return "words"
        case datetime() | date() | time():
            return "a date or time"
        case list():
            return "a list"
        case _:
            return "a table"


def closest(word: str, known: Collection[str]) -> str:
    """`Did you mean …?`, or what may be written; a sentence for a next step."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    if near:
        return f"Did you mean “{near[0]}”?"
    return f"Write one of: {', '.join(known)}." if known else "There is nothing that it could name."


class Table:
    """One table of a service file. Read what it may have, then call `end`."""

    def __init__(self, source: Source, place: Place, values: Mapping[str, object]) -> None:
        self.source = source
        self.place = place
        self.values = values
        self._asked: dict[str, None] = {}

    @property
    def name(self) -> str:
        """The last key on the way here."""
        return str(self.place[-1])

    def bad(self, key: str | None, sentence: str, next_step: str) -> BadService:
        """The refusal at a key of this table, or at the table."""
        return self.source.bad(self.place if key is None else (*self.place, key), sentence, next_step)

    def has(self, key: str) -> bool:
        """Whether the key is written; it counts as asked for."""
        self._asked[key] = None
        return key in self.values

    def end(self) -> None:
        """Nothing more is asked for.

        Raises:
            BadService: there is a key that nobody asked for.
        """
        self.only(self._asked)

    def only(self, known: Collection[str]) -> None:
        """Refuse the table if it has a key beside these."""
        for key in self.values:
            if key not in known:
                raise self.bad(key, f"“{key}” is not known here.", closest(key, known))

    def need(self, key: str, example: str) -> None:
        """Refuse the table if the key is not written; a key that is nearly it is taken for misspelt."""
        if self.has(key):
            return
        for written in self.values:
            if written not in self._asked and difflib.get_close_matches(written, [key], cutoff=0.7):
                raise self.bad(written, f"“{written}” is not known here.", f"Did you mean “{key}”?")
        raise self.bad(None, f"“{key}” is missing.", f"Write: {example}")

    def wrong(self, key: str, wanted: str, example: str) -> BadService:
        """The refusal of a value of the wrong kind."""
        return self.bad(key, f"“{key}” is {named(self.values[key])}, not {wanted}.", f"Write: {example}")

    def words(self, key: str, default: str | None = None, *, limit: int = MAX_WORDS) -> str:
        """Words; without a default they must be there."""
        example = f'{key} = "…"'
        if default is not None and not self.has(key):
            return default
        self.need(key, example)
        value = self.values[key]
        if not isinstance(value, str):
            raise self.wrong(key, "words", example)
        return self._clean(key, value, limit)

    def _clean(self, key: str, value: str, limit: int = MAX_WORDS) -> str:
        value = unicodedata.normalize("NFC", value).strip()
        if not value:
            raise self.bad(key, f"“{key}” is empty.", "Write the words, or take the line away.")
        if len(value) > limit:
            raise self.bad(key, f"“{key}” is longer than {limit} characters.", "Make it shorter.")
        if any(unicodedata.category(each) in {"Cc", "Cs", "Co", "Cn"} for each in value):
            raise self.bad(
                key, f"“{key}” holds a character that cannot be shown.", "Type the words again, on one line."
            )
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.values[key] if self.has(key) else default
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false", f"{key} = true, or {key} = false")
        return value

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number from `low` to `high`."""
        example = f"{key} = {max(low, 1)}"
        if default is not None and not self.has(key):
            return default
        self.need(key, example)
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, "a whole number", example)
        if not low <= value <= high:
            raise self.bad(key, f"“{key}” is {value}.", f"Write a whole number from {low} to {high}.")
        return value

    def decimal(self, key: str, example: str) -> Decimal:
        """A number that is not negative: whole, or with a point between quotation marks."""
        self.need(key, example)
        value = self.values[key]
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.wrong(key, "a whole number, or a number between quotation marks", example)
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal(-1)
        if _DECIMAL.fullmatch(str(value)) is None or number > MAX_NUMBER:
            raise self.bad(key, f"“{key}” is no number from 0 to {MAX_NUMBER}.", f"Write: {example}")
        return number

    def minor(self, key: str) -> int:
        """An amount of money, given in whole currency units or as words with two decimals; in minor units."""
        amount = self.decimal(key, f'{key} = 300, or {key} = "300.50"') * 100
        if amount != amount.to_integral_value():
            raise self.bad(key, f"“{key}” has a part of a paisa.", f'Write at most two decimals: {key} = "300.50"')
        return int(amount)

    def one_of(self, key: str, known: Collection[str], default: str | None = None) -> str:
        """One of the known words."""
        if default is not None and not self.has(key):
            return default
        self.need(key, f"{key} as one of: {', '.join(known)}.")
        value = self.words(key)
        if value not in known:
            raise self.bad(key, f"“{key}” cannot be “{value}”.", closest(value, known))
        return value

    def list_of_words(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of words, each once."""
        example = f'{key} = ["…", "…"]'
        if default is not None and not self.has(key):
            return default
        self.need(key, example)
        value = self.values[key]
        if not isinstance(value, list):
            raise self.wrong(key, "a list", example)
        if not 0 < len(value) <= MAX_ITEMS:
            raise self.bad(key, f"“{key}” has no items, or too many.", f"Write 1 to {MAX_ITEMS} of them: {example}")
        found: list[str] = []
        for number, item in enumerate(value):
            place = (*self.place, key, number)
            if not isinstance(item, str):
                raise self.source.bad(place, f"An item of “{key}” is {named(item)}, not words.", f"Write: {example}")
            if item in found:
                raise self.source.bad(place, f"“{item}” stands twice in “{key}”.", "Take one of the two away.")
            found.append(self._clean(key, item))
        return tuple(found)

    def table(self, key: str, example: str) -> Table:
        """A table inside this one."""
        self.need(key, example)
        value = self.values[key]
        if not isinstance(value, dict):
            raise self.wrong(key, "a table", example)
        return Table(self.source, (*self.place, key), value)

    def tables(self, key: str) -> Iterator[Table]:
        """The named tables `[key.name]`, in their order; none if there is no such heading."""
        if not self.has(key):
            return
        within = self.table(key, f"[{key}.name]")
        if len(within.values) > MAX_ITEMS:
            raise self.bad(key, f"There are more than {MAX_ITEMS} {key}.", "Make two services of it.")
        for name in within.values:
            yield within.table(within.ident(name), f"[{key}.{name}]")

    def ident(self, key: str) -> str:
        """The key itself, which names something."""
        if _ID.fullmatch(key) is None:
            raise self.bad(
                key,
                f"“{key}” cannot be a name here.",
                "Use small letters a to z, digits and _, at most 40, a letter first.",
            )
        return key

    def items(self, key: str, example: str) -> Iterator[Table]:
        """The tables in a list; a single table counts as a list of one."""
        self.need(key, example)
        value = self.values[key]
        if isinstance(value, dict):
            yield Table(self.source, (*self.place, key), value)
            return
        if not isinstance(value, list):
            raise self.wrong(key, "a table or a list of tables", example)
        if not 0 < len(value) <= MAX_ITEMS:
            raise self.bad(key, f"“{key}” has no items, or too many.", f"Write: {example}")
        for number, item in enumerate(value):
            place = (*self.place, key, number)
            if not isinstance(item, dict):
                raise self.source.bad(place, f"An item of “{key}” is {named(item)}, not a table.", f"Write: {example}")
            yield Table(self.source, place, item)

    def text(self, key: str, default: Text | None = None) -> Text:
        """Words in several languages; English must be there."""
        example = f'{key} = {{ en = "…", ur = "…" }}'
        if default is not None and not self.has(key):
            return default
        if isinstance(self.values.get(key), str):
            raise self.bad(key, f"“{key}” does not say in which language it is.", f"Write: {example}")
        within = self.table(key, example)
        values: dict[str, str] = {}
        unchecked: set[str] = set()
        for language in LANGUAGES:
            if within.has(language):
                values[language] = within.words(language)
            if language != "en" and within.has(language + UNCHECKED):
                if language in values:
                    raise within.bad(
                        language + UNCHECKED,
                        f"“{key}” stands in {LANGUAGES[language]} twice.",
                        f"Keep {language} if a native reader checked the words, {language}{UNCHECKED} if not.",
                    )
                values[language] = within.words(language + UNCHECKED)
                unchecked.add(language)
        within.end()
        if "en" not in values:
            raise self.bad(key, f"“{key}” has no English.", f"Write: {example}")
        return Text(values, frozenset(unchecked))
