"""CBOR (RFC 8949): written deterministically by cbor2, read here, strictly, because what is read comes from strangers.

Read is every well-formed item of bounded depth and size. Refused are duplicate keys (section 5.6), bytes after the
item, and text that is no UTF-8. Tags are kept and never acted upon: none of them makes anything happen.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, TypeAlias

import cbor2

from appliance.journal.errors import BugError

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 16
"""Of arrays, maps and tags in each other."""

Key = int | str | bytes
"""What names a value in a map; another kind of key is refused."""
Item: TypeAlias = "int | bytes | str | float | bool | list[Item] | dict[Key, Item] | Tagged | Simple | None"
"""What can be read."""

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG, _OTHER = range(8)
_INDEFINITE: Final = 31
_FALSE, _TRUE, _NULL = 20, 21, 22
_FLOATS: Final = {25: ">e", 26: ">f", 27: ">d"}


@dataclass(frozen=True, slots=True)
class Tagged:
    """An item with a tag."""

    tag: int
    value: Item


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple value without a meaning here (section 3.3); 23 is *undefined*."""

    value: int


class BadCbor(ValueError):
    """Bytes that are not one well-formed item within the bounds of this module."""


def encode(item: Item) -> bytes:
    """Write an item deterministically (section 4.2.1).

    Raises:
        BugError: it holds what CBOR cannot say.
    """
    try:
        return cbor2.dumps(item, canonical=True, default=_tagged)
    except (cbor2.CBOREncodeError, ValueError, TypeError) as error:
        raise BugError("This cannot be written as CBOR.") from error


def decode(data: bytes) -> Item:
    """Read one item, and nothing after it.

    Raises:
        BadCbor: it is not one well-formed item, or out of bounds.
    """
    if len(data) > MAX_BYTES:
        raise BadCbor("too long")
    reader = _Reader(data)
    item = reader.read(0)
    if reader.at != len(data):
        raise BadCbor("bytes after the item")
    return item


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def read(self, depth: int) -> Item:
        if depth > MAX_DEPTH:
            raise BadCbor("nested too deep")
        kind, short = divmod(self._take(1)[0], 32)
        if kind == _OTHER:
            return self._other(short)
        if short == _INDEFINITE:
            return self._open_ended(kind, depth)
        argument = self._argument(short)
        if kind == _UNSIGNED:
            return argument
        if kind == _NEGATIVE:
            return -1 - argument
        if kind == _BYTES:
            return self._take(argument)
        if kind == _TEXT:
            return _text(self._take(argument))
        if kind == _TAG:
            return Tagged(argument, self.read(depth + 1))
        # Each item has a byte at the least, so a false length ends at the end of the data and takes no memory.
        if kind == _LIST:
            return [self.read(depth + 1) for _ in range(argument)]
        return self._map(argument, depth)

    def _take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise BadCbor("cut off")
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken

    def _argument(self, short: int) -> int:
        if short < 24:
            return short
        if short > 27:
            raise BadCbor("a length that CBOR does not have")
        return int.from_bytes(self._take(1 << (short - 24)))

    def _other(self, short: int) -> Item:
        if short == _INDEFINITE:
            raise BadCbor("an end of nothing")
        if short in _FLOATS:
            number: float = struct.unpack(_FLOATS[short], self._take(1 << (short - 24)))[0]
            return number
        value = self._argument(short)
        if short == 24 and value < 32:
            raise BadCbor("a simple value in a form that is not well-formed")
        known: dict[int, Item] = {_FALSE: False, _TRUE: True, _NULL: None}
        return known[value] if value in known else Simple(value)

    def _open_ended(self, kind: int, depth: int) -> Item:
        if kind in (_BYTES, _TEXT):
            return self._chunks(kind)
        if kind not in (_LIST, _MAP):
            raise BadCbor("an open end where none can be")
        if kind == _MAP:
            return self._map(None, depth)
        items: list[Item] = []
        while not self._ended():
            items.append(self.read(depth + 1))
        return items

    def _chunks(self, kind: int) -> Item:
        chunks = []
        while not self._ended():
            part, short = divmod(self._take(1)[0], 32)
            if part != kind or short == _INDEFINITE:
                raise BadCbor("a part of another kind than its whole")
            chunks.append(self._take(self._argument(short)))
        if kind == _BYTES:
            return b"".join(chunks)
        # Each part is text of its own: no character goes over an edge (section 3.2.3).
        return "".join(map(_text, chunks))

    def _map(self, pairs: int | None, depth: int) -> Item:
        made: dict[Key, Item] = {}
        while not self._ended() if pairs is None else len(made) < pairs:
            key = self.read(depth + 1)
            # In Python true is a whole number, and the same key as 1.
            if not isinstance(key, (int, str, bytes)) or isinstance(key, bool):
                raise BadCbor("a key of a kind that is not read here")
            if key in made:
                raise BadCbor("a key comes twice")
            made[key] = self.read(depth + 1)
        return made

    def _ended(self) -> bool:
        if self.at < len(self.data) and self.data[self.at] == 0xFF:
            self.at += 1
            return True
        return False


def _tagged(encoder: cbor2.CBOREncoder, value: object) -> None:
    if not isinstance(value, Tagged):
        raise TypeError("a value of another kind")
    encoder.encode(cbor2.CBORTag(value.tag, value.value))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadCbor("text that is no UTF-8") from None
