"""IPP messages as bytes, RFC 8010 section 3; no network here.

Collections and out-of-band values are skipped when read: nothing that is asked for needs them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from devices.errors import Garbled

VERSION: Final = b"\x02\x00"
MAX_MESSAGE_BYTES: Final = 1 << 20
MAX_ATTRIBUTES: Final = 4_096


class Operation(IntEnum):
    """What is asked for (RFC 8011 section 5.4.15)."""

    PRINT_JOB = 0x0002
    GET_JOB_ATTRIBUTES = 0x0009
    GET_PRINTER_ATTRIBUTES = 0x000B


class Tag(IntEnum):
    """Delimiters and value types (RFC 8010 section 3.5)."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    UNSUPPORTED = 0x05
    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    TEXT = 0x41
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    CHARSET = 0x47
    LANGUAGE = 0x48
    MIME = 0x49


Value = int | str | bool
Attribute = tuple[Tag, str, tuple[Value, ...]]

FIRST_VALUE_TAG: Final = 0x10
INTEGERS: Final = frozenset({Tag.INTEGER, Tag.ENUM})
STRINGS: Final = frozenset({Tag.TEXT, Tag.NAME, Tag.KEYWORD, Tag.URI, Tag.CHARSET, Tag.LANGUAGE, Tag.MIME})


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status, and the attributes of each group, by name. Groups that repeat are merged."""

    status: int
    groups: dict[int, dict[str, tuple[Value, ...]]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the request was carried out."""
        return self.status < 0x0100

    def texts(self, group: Tag, name: str) -> tuple[str, ...]:
        """The texts of an attribute; empty where it is not there."""
        return tuple(v for v in self.groups.get(group, {}).get(name, ()) if isinstance(v, str))

    def number(self, group: Tag, name: str) -> int | None:
        """The number of an attribute, or None."""
        values = self.groups.get(group, {}).get(name, ())
        return next((v for v in values if isinstance(v, int)), None)


def request(operation: Operation, number: int, attributes: Sequence[Attribute], job: Sequence[Attribute] = ()) -> bytes:
    """A request without its document.

    Args:
        operation: what is asked for.
        number: echoed in the answer.
        attributes: operation attributes after charset and language, which come first by the standard.
        job: job attributes.
    """
    out = bytearray(VERSION + struct.pack(">HI", operation, number))
    out.append(Tag.OPERATION)
    first: tuple[Attribute, ...] = (
        (Tag.CHARSET, "attributes-charset", ("utf-8",)),
        (Tag.LANGUAGE, "attributes-natural-language", ("en",)),
    )
    for attribute in (*first, *attributes):
        out += _attribute(attribute)
    if job:
        out.append(Tag.JOB)
        for attribute in job:
            out += _attribute(attribute)
    out.append(Tag.END)
    return bytes(out)


def read_answer(data: bytes) -> Answer:
    """Read a response.

    Raises:
        Garbled: it is cut off, too long, or no IPP.
    """
    if not 9 <= len(data) <= MAX_MESSAGE_BYTES or data[0] not in (1, 2):
        raise _garbled()
    (status,) = struct.unpack_from(">H", data, 2)
    groups: dict[int, dict[str, tuple[Value, ...]]] = {}
    at, group, name, count = 8, 0, "", 0
    try:
        while data[at] != Tag.END:
            tag = data[at]
            at += 1
            if tag < FIRST_VALUE_TAG:
                group, name = tag, ""
                groups.setdefault(group, {})
                continue
            count += 1
            if count > MAX_ATTRIBUTES or not group:
                raise _garbled()
            raw_name, at = _sized(data, at)
            raw, at = _sized(data, at)
            name = raw_name.decode("utf-8") or name
            value = _value(tag, raw)
            if value is not None:
                groups[group][name] = (*groups[group].get(name, ()), value)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise _garbled() from None
    return Answer(status, groups)


def _garbled() -> Garbled:
    return Garbled("The printer's answer cannot be read.", "Switch it off and on again; then try again.")


def _attribute(attribute: Attribute) -> bytes:
    tag, name, values = attribute
    out = b""
    for value in values:
        if isinstance(value, str):
            raw = value.encode()
        else:
            raw = bytes((value,)) if isinstance(value, bool) else struct.pack(">i", value)
        out += bytes((tag,)) + struct.pack(">H", len(name)) + name.encode() + struct.pack(">H", len(raw)) + raw
        name = ""
    return out


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", data, at)
    end = at + 2 + length
    if end >= len(data):
        raise _garbled()
    return data[at + 2 : end], end


def _value(tag: int, raw: bytes) -> Value | None:
    if tag in INTEGERS and len(raw) == 4:
        return int.from_bytes(raw, "big", signed=True)
    if tag == Tag.BOOLEAN and len(raw) == 1:
        return raw != b"\0"
    return raw.decode("utf-8", "replace") if tag in STRINGS else None
