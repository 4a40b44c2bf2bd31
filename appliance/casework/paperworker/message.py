"""What the reader says of a paper: a head of fixed layout, then the thumbnail's pixels, and nothing else.

There is nothing in it to parse, so that a reader that was taken over can lie about the paper, but cannot harm whoever
listens. The thumbnail travels as bare pixels for the same reason: the PNG that others open is made on our side.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from appliance.casework.paperworker import limits

_HEAD: Final = struct.Struct(">BHIIIHH")
MAX_MESSAGE_BYTES: Final = _HEAD.size + 3 * limits.THUMBNAIL_PX**2
"""Of one with a thumbnail; `max_bytes` is of one with a picture of that side."""


class Verdict(IntEnum):
    """Whether a paper can be taken in, or why not."""

    SHOWN = 0
    BROKEN = 1
    NO_PAGES = 2
    NOTHING_ON_IT = 3
    TOO_MANY_PAGES = 4
    PAGE_BROKEN = 5
    PAGE_TOO_LARGE = 6
    TOO_MANY_PIXELS = 7
    TOO_SMALL = 8
    LOCKED = 9
    NEEDS_ITS_OWN_READER = 10
    MOVES = 11
    TWO_KINDS = 12
    TOO_MUCH_MEMORY = 13
    TOO_LONG = 14
    FORBIDDEN = 15
    CRASHED = 16


class Note(IntFlag):
    """What is odd about a PDF that is taken all the same; what acts is never run here, but may be elsewhere."""

    SCRIPT = 1
    FILES_INSIDE = 2
    STARTS_PROGRAM = 4
    RESTRICTED = 8
    FORM_OF_TWO_KINDS = 16
    LEAD_IN = 32
    OVERSIZED = 64


_NO_NOTES: Final = Note(0)


@dataclass(frozen=True, slots=True)
class Pixels:
    """A picture as rows of red, green and blue, one byte each."""

    width: int
    height: int
    rgb: bytes


_NO_PIXELS: Final = Pixels(0, 0, b"")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the reader found.

    `pages` is the number of pages, or, of a paper refused for one page, the number of that page (from 1). `width_px`
    and `height_px` are 0 where the paper has no pixels of its own.
    """

    verdict: Verdict
    pages: int = 0
    width_px: int = 0
    height_px: int = 0
    notes: Note = _NO_NOTES
    thumbnail: Pixels = _NO_PIXELS


class BadMessage(ValueError):
    """The bytes are no answer that our reader gives."""


def max_bytes(side_px: int) -> int:
    """The most that a message with a picture can be, whose longer side is that."""
    return _HEAD.size + 3 * side_px**2


def encode(answer: Answer) -> bytes:
    """The bytes of an answer."""
    small = answer.thumbnail
    head = _HEAD.pack(
        answer.verdict, answer.notes, answer.pages, answer.width_px, answer.height_px, small.width, small.height
    )
    return head + small.rgb


def decode(message: bytes, side_px: int = limits.THUMBNAIL_PX) -> Answer:
    """The answer in these bytes, every number within its bounds; the picture's longer side is at most `side_px`.

    Raises:
        BadMessage: they are anything else.
    """
    if not _HEAD.size <= len(message) <= max_bytes(side_px):
        raise BadMessage
    verdict, notes, pages, width_px, height_px, width, height = _HEAD.unpack_from(message)
    rgb = message[_HEAD.size :]
    if verdict not in Verdict.__members__.values() or notes & ~sum(Note):
        raise BadMessage
    if not (width <= side_px and height <= side_px and len(rgb) == 3 * width * height):
        raise BadMessage
    if max(width_px, height_px) > limits.MAX_SIDE_PX or width_px * height_px > limits.MAX_PIXELS:
        raise BadMessage
    if pages > limits.MAX_PAGES or bool(width_px) != bool(height_px):
        raise BadMessage
    if verdict == Verdict.SHOWN and not (pages and rgb):
        raise BadMessage
    return Answer(Verdict(verdict), pages, width_px, height_px, Note(notes), Pixels(width, height, rgb))
