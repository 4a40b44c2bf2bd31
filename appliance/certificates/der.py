"""The little of DER (X.690) that a signature and a request for a certificate are put together from."""

from __future__ import annotations

from typing import Final

SEQUENCE: Final = 0x30
SET: Final = 0x31
INTEGER: Final = 0x02
BITS: Final = 0x03
OCTETS: Final = 0x04
OID: Final = 0x06
CONTEXT_0: Final = 0xA0
CONTEXT_1: Final = 0xA1


def tlv(tag: int, *parts: bytes) -> bytes:
    """A value made of parts, with its tag and length."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return tlv(SEQUENCE, *parts)


def integer(value: int) -> bytes:
    """An INTEGER that is not negative."""
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
