"""Base45 (RFC 9285): bytes as the 45 characters that a QR code packs best.

Reading is strict: exactly what `encode` writes is read, so that one content has one text.
"""

from __future__ import annotations

from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
"""Of the alphanumeric mode (ISO/IEC 18004, 7.4.4); the place of a character is its value."""
_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
_MAX_PAIR: Final = 0xFFFF
_MAX_LAST: Final = 0xFF


def encode(data: bytes) -> str:
    """Write bytes: three characters for two of them, two for a last odd one (section 4)."""
    made = []
    for start in range(0, len(data) - 1, 2):
        rest, first = divmod(data[start] << 8 | data[start + 1], 45)
        third, second = divmod(rest, 45)
        made.append(ALPHABET[first] + ALPHABET[second] + ALPHABET[third])
    if len(data) % 2:
        second, first = divmod(data[-1], 45)
        made.append(ALPHABET[first] + ALPHABET[second])
    return "".join(made)


def decode(text: str) -> bytes:
    """Read what `encode` writes.

    Raises:
        ValueError: a character is not of the alphabet, one is left over, or a group is above what bytes can be.
    """
    try:
        values = [_VALUE[character] for character in text]
    except KeyError:
        raise ValueError("a character that base45 does not have") from None
    if len(values) % 3 == 1:
        raise ValueError("base45 never has one character left over")
    made = bytearray()
    whole = len(values) - len(values) % 3
    for start in range(0, whole, 3):
        pair = values[start] + 45 * values[start + 1] + 45 * 45 * values[start + 2]
        if pair > _MAX_PAIR:
            raise ValueError("a group of base45 above two bytes")
        made += pair.to_bytes(2)
    if whole < len(values):
        last = values[whole] + 45 * values[whole + 1]
        if last > _MAX_LAST:
            raise ValueError("a last group of base45 above one byte")
        made.append(last)
    return bytes(made)
