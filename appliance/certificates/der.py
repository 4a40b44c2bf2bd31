"""DER (X.690) as far as signatures and timestamps need it: written from its parts, and read strictly.

What is read has one form only. Indefinite lengths, lengths and numbers longer than they need be, tags of several bytes
and anything left over are refused, so that what was judged here means the same to every other reader.
"""

from __future__ import annotations

from typing import Final

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BITS: Final = 0x03
OCTETS: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT_0: Final = 0xA0
CONTEXT_1: Final = 0xA1

_MANY: Final = 0x80
"""In a first byte of a length: it counts the bytes of the length that follow."""
_MAX_LENGTH_BYTES: Final = 4
_LONG_TAG: Final = 0x1F


class BadDer(ValueError):
    """Bytes that are not the DER that was due."""


def tlv(tag: int, *parts: bytes) -> bytes:
    """A value: tag, length, and its parts one after the other."""
    content = b"".join(parts)
    size = len(content)
    if size < _MANY:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, _MANY | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return tlv(SEQUENCE, *parts)


def integer(value: int) -> bytes:
    """An INTEGER, not negative."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def bits(content: bytes) -> bytes:
    """A BIT STRING of whole bytes."""
    return tlv(BITS, b"\0", content)


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        body += bytes(reversed(digits))
    return tlv(OID, bytes(body))


ECDSA_SHA256: Final = oid("1.2.840.10045.4.3.2")
"""ecdsa-with-SHA256 (RFC 5758, section 3.2); as an AlgorithmIdentifier it has no parameters."""


class Reader:
    """Reads values one after the other.

    Every method raises `BadDer` where something else follows than it reads.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def tag(self) -> int | None:
        """Of the next value; None at the end."""
        return self._data[self._at] if self._at < len(self._data) else None

    def raw(self, tag: int | None = None) -> bytes:
        """The next value, with its tag and length; of whatever tag where none is asked for."""
        start = self._at
        self._take(tag)
        return self._data[start : self._at]

    def take(self, tag: int) -> bytes:
        """What is inside the next value."""
        start, end = self._take(tag)
        return self._data[start:end]

    def maybe(self, tag: int) -> bytes | None:
        """What is inside the next value, if it has that tag; else None, and nothing was read."""
        return self.take(tag) if self.tag == tag else None

    def inside(self, tag: int = SEQUENCE) -> Reader:
        """A reader of what is inside the next value."""
        return Reader(self.take(tag))

    def integer(self) -> int:
        """An INTEGER, not negative."""
        content = self.take(INTEGER)
        if not content or content[0] & 0x80 or (len(content) > 1 and content[0] == 0 and not content[1] & 0x80):
            raise BadDer("a number is negative, or not as short as it can be")
        return int.from_bytes(content)

    def end(self) -> None:
        """See that nothing is left."""
        if self._at != len(self._data):
            raise BadDer("there is more than was due")

    def _take(self, tag: int | None) -> tuple[int, int]:
        data, at = self._data, self._at
        if len(data) - at < 2 or tag not in (None, data[at]) or data[at] & _LONG_TAG == _LONG_TAG:
            raise BadDer("another value was due")
        size, start = data[at + 1], at + 2
        if size >= _MANY:
            count = size - _MANY
            start += count
            length = data[at + 2 : start]
            size = int.from_bytes(length)
            if not 0 < count <= _MAX_LENGTH_BYTES or len(length) != count or length[0] == 0 or size < _MANY:
                raise BadDer("a length is not as short as it can be")
        if start + size > len(data):
            raise BadDer("a value is cut")
        self._at = start + size
        return start, start + size


def whole(data: bytes, tag: int = SEQUENCE) -> Reader:
    """A reader of what is inside a value that is all there is.

    Raises:
        BadDer: it is not.
    """
    outer = Reader(data)
    reader = outer.inside(tag)
    outer.end()
    return reader
