"""DER (X.690), read strictly: definite lengths in their shortest form, low tag numbers, nothing left over."""

from __future__ import annotations

from typing import Final

from appliance.certificates.checking.faults import Broken

INTEGER: Final = 0x02
OCTETS: Final = 0x04
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT_0: Final = 0xA0
MAX_PARTS: Final = 64
"""Elements of one sequence or set."""
_MAX_LENGTH_BYTES: Final = 3
_HIGH_TAG: Final = 0x1F


def split(data: bytes, start: int = 0) -> tuple[int, bytes, int]:
    """One element: its tag, its content, and where it ends.

    Raises:
        Broken: there is none, or it is not DER.
    """
    head = data[start : start + 2]
    if len(head) < 2 or head[0] & _HIGH_TAG == _HIGH_TAG:
        raise Broken
    tag, size = head
    place = start + 2
    if size >= 0x80:
        digits = size & 0x7F
        length = data[place : place + digits]
        size = int.from_bytes(length)
        if not 1 <= digits <= _MAX_LENGTH_BYTES or len(length) != digits or size < 0x80 or length[0] == 0:
            raise Broken
        place += digits
    if len(data) - place < size:
        raise Broken
    return tag, data[place : place + size], place + size


def whole(data: bytes, tag: int) -> bytes:
    """The content of the one element that these bytes are.

    Raises:
        Broken: they are not one element of this tag.
    """
    found, content, end = split(data)
    if found != tag or end != len(data):
        raise Broken
    return content


def parts(content: bytes) -> list[tuple[int, bytes, bytes]]:
    """The elements of a sequence or set, each with its tag, its content, and all its bytes.

    Raises:
        Broken: it is not DER, or has more than `MAX_PARTS`.
    """
    found = []
    start = 0
    while start < len(content):
        tag, inside, end = split(content, start)
        found.append((tag, inside, content[start:end]))
        start = end
        if len(found) > MAX_PARTS:
            raise Broken
    return found
