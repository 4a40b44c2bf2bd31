"""Where signatures lie in a file, by their bytes: what each covers, what stands between, and that nothing follows.

A signature covers all of the file as it was then but the hexadecimal text that holds the signature itself (ISO 32000-2,
12.8.1). That text, too, has one form here: capitals, the signature, and zeros up to the end of the place.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from appliance.certificates import der
from appliance.certificates.checking.faults import CHANGED, Broken
from appliance.certificates.der import BadDer, Reader

MAX_CONTENTS: Final = 128 * 1024
"""Bytes of one signature, with the room kept for it."""
APPENDED: Final = "Something was added to the file after it was sealed."
PADDING: Final = "The place of the seal holds something else than the seal."
_END: Final = b"%%EOF\n"
_HEX: Final = re.compile(rb"[0-9A-F]*")
_RANGE: Final = 4


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature's place."""

    contents: bytes
    """The signature, without the zeros after it."""
    digest: bytes
    """SHA-256 of everything else up to `end`."""
    end: int
    """Where the file ended when it was signed."""


def place(content: bytes, byte_range: Sequence[int]) -> Signed:
    """Check one signature's place.

    Args:
        content: the whole file.
        byte_range: as the signature's dictionary names it.

    Raises:
        Broken: something of the file as it was then is not covered, or the place holds more than the signature.
    """
    if len(byte_range) != _RANGE:
        raise Broken(CHANGED)
    start, before, after, rest = byte_range
    end = after + rest
    if start != 0 or not 0 < before < after < end <= len(content) or after - before > 2 * MAX_CONTENTS:
        raise Broken(CHANGED)
    if content[before : before + 1] != b"<" or content[after - 1 : after] != b">":
        raise Broken(CHANGED)
    if not content.endswith(_END, 0, end):
        raise Broken(CHANGED)
    digest = hashlib.sha256(memoryview(content)[:before])
    digest.update(memoryview(content)[after:end])
    return Signed(_contents(content[before + 1 : after - 1]), digest.digest(), end)


def in_turn(content: bytes, places: Sequence[Signed]) -> None:
    """Check that each signature covers the one before it, and the last one the whole file.

    Raises:
        Broken: it is not so.
    """
    ends = [each.end for each in places]
    if ends != sorted(set(ends)):
        raise Broken(CHANGED)
    if not ends or ends[-1] != len(content):
        raise Broken(APPENDED)


def _contents(text: bytes) -> bytes:
    if _HEX.fullmatch(text) is None or len(text) % 2:
        raise Broken(PADDING)
    padded = binascii.unhexlify(text)
    try:
        contents = Reader(padded).raw(der.SEQUENCE)
    except BadDer:
        raise Broken(PADDING) from None
    if any(padded[len(contents) :]):
        raise Broken(PADDING)
    return contents
