"""On which line of a TOML text each key and list item stands.

tomllib gives values without places. This walks a text that tomllib has already accepted, so it need not judge, only
follow: TOML 1.0.0 tables, arrays of tables, dotted keys, inline tables, arrays, and the four kinds of strings.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import Final

Place = tuple[str | int, ...]
"""The way from the top: keys, and numbers of list items from 0."""

_BLANK: Final = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_VALUE: Final = re.compile(r"[^,\]}#\n]*")
_STRING: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})' + r"|'''.*?'''(?:'{0,2})" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'", re.DOTALL
)


def places(text: str) -> dict[Place, int]:
    """The line, counted from 1, of every key, table and list item.

    Args:
        text: valid TOML with `\\n` as the only line end.
    """
    return _Walk(text).all()


class _Walk:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._found: dict[Place, int] = {}
        self._last_item: dict[Place, int] = {}

    def all(self) -> dict[Place, int]:
        here: Place = ()
        self._blank()
        while self._at < len(self._text):
            if self._text.startswith("[[", self._at):
                here = self._item_header()
            elif self._text[self._at] == "[":
                here = self._table_header()
            else:
                self._pair(here)
            self._blank()
        return self._found

    def _blank(self) -> None:
        self._match(_BLANK)

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match.group()

    def _note(self, place: Place, at: int) -> None:
        self._found.setdefault(place, bisect_right(self._line_starts, at))

    def _key(self) -> list[str]:
        """A dotted key; it ends before what comes next."""
        parts = []
        while True:
            self._blank()
            raw = self._match(_BARE_KEY)
            if not raw:
                raw = str(tomllib.loads("key = " + self._match(_STRING))["key"])
            parts.append(raw)
            self._blank()
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _item_header(self) -> Place:
        at, self._at = self._at, self._at + 2
        *stem, name = self._key()
        self._at += 2
        place = (*self._down((), stem, at), name)
        self._note(place, at)
        number = self._last_item.get(place, -1) + 1
        self._last_item[place] = number
        self._note((*place, number), at)
        return (*place, number)

    def _table_header(self) -> Place:
        at, self._at = self._at, self._at + 1
        keys = self._key()
        self._at += 1
        return self._down((), keys, at)

    def _down(self, place: Place, keys: list[str], at: int) -> Place:
        """Where keys lead; through an array of tables they lead into its last item."""
        for key in keys:
            place = (*place, key)
            self._note(place, at)
            if place in self._last_item:
                place = (*place, self._last_item[place])
        return place

    def _pair(self, here: Place) -> None:
        at = self._at
        place = self._down(here, self._key(), at)
        self._at += 1  # the equals sign
        self._blank()
        self._value(place)

    def _value(self, place: Place) -> None:
        first = self._text[self._at]
        if first == "[":
            self._list(place)
        elif first == "{":
            self._inline_table(place)
        elif first in "\"'":
            self._match(_STRING)
        else:
            self._match(_PLAIN_VALUE)

    def _list(self, place: Place) -> None:
        self._at += 1
        number = 0
        while True:
            self._blank()
            if self._text[self._at] == "]":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._note((*place, number), self._at)
            self._value((*place, number))
            number += 1

    def _inline_table(self, place: Place) -> None:
        self._at += 1
        while True:
            self._blank()
            if self._text[self._at] == "}":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._pair(place)
