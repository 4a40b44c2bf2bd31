"""One entry of a journal: a header that is kept for ever, and a body that can be erased.

The header's exact bytes are the leaf of the tree. They are kept and passed on as they were written; reading refuses any
bytes that are not the one canonical encoding of what they say (compact JSON, the fields of `Header` in their order), so
no two different headers mean the same. The body is bound by a salted SHA-256: without the salt, nobody can test a
guess about an erased body.

Guaranteed of every `Entry`: each field of its header has its form and bounds, so none can hold personal data; its body,
if present, is the one that the header names, and is one JSON object that every reader understands alike. An unknown
kind passes as any other. Not guaranteed: that the body has the fields of its kind (see `kinds`), or that the entry
stands in a journal (see `tree` and `verify`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from appliance.journal import ids, tree
from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import BlobDigest, EntityId, JournalId, Kind

VERSION: Final = 1
MAX_HEADER: Final = 5120
"""Bytes. The longest header that the other bounds allow is shorter."""
MAX_BODY: Final = 65536
"""Bytes."""
MAX_BLOBS: Final = 64
MAX_DEPTH: Final = 32
"""Arrays and objects within each other in a body."""
SEQ_LIMIT: Final = 2**53
"""Every number below it survives a reader that keeps numbers as IEEE 754 doubles (RFC 8259, section 6)."""
INT_LIMIT: Final = 2**63
"""Integers in a body lie from -INT_LIMIT to before INT_LIMIT."""
SALT_BYTES: Final = 16

_AT: Final = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>0[1-9]|[12][0-9]|3[01])"
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"
)


class BadEntry(IntegrityError):
    """Bytes that cannot be an entry of any journal."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stays of an entry for ever. The order of the fields is the order in the bytes."""

    v: int
    """The version of this form: 1."""
    journal: JournalId
    seq: int
    """The position in the journal, from 0."""
    at: str
    """What the writer's clock said: `YYYY-MM-DDTHH:MM:SS.mmmZ`, UTC."""
    by: str
    """Who acted: `node`, `central`, or the EntityId of an operator."""
    kind: Kind
    about: str
    """Whom or what it concerns: an EntityId, or `-`."""
    body: str
    """SHA-256(salt ‖ body), in hexadecimal."""
    blobs: tuple[BlobDigest, ...]
    """The sealed files that belong to the entry."""


_HEADER: Final = msgspec.json.Decoder(Header)
_BODY: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, checked. Made only by `make_entry`, `read_entry` and `kept_entry`."""

    header: Header
    header_bytes: bytes
    """The header exactly as it was written."""
    salt: bytes | None
    body: bytes | None
    """None, and the salt with it, when the body was erased or is withheld."""

    @property
    def leaf(self) -> bytes:
        """The hash of the header as a leaf of the tree."""
        return tree.leaf_hash(self.header_bytes)


def make_entry(
    *,
    journal: JournalId,
    seq: int,
    at: str,
    by: str,
    kind: Kind,
    about: EntityId | str,
    body: bytes,
    salt: bytes,
    blobs: Sequence[BlobDigest | str] = (),
) -> Entry:
    """Write a new entry.

    Args:
        journal: the journal that it will stand in.
        seq: its position there, from 0.
        at: the time, `YYYY-MM-DDTHH:MM:SS.mmmZ`, UTC.
        by: `node`, `central`, or the EntityId of an operator.
        kind: what it reports.
        about: the EntityId that it concerns, or `-`.
        body: one JSON object, at most `MAX_BODY` bytes.
        salt: 16 bytes from a cryptographic source of randomness, for this entry alone.
        blobs: digests of the sealed files that belong to it.

    Raises:
        BugError: an argument breaks the form of an entry.
    """
    try:
        digest = _body_digest(salt, body)
        header = Header(
            v=VERSION,
            journal=journal,
            seq=seq,
            at=at,
            by=by,
            kind=kind,
            about=about,
            body=digest,
            blobs=tuple(BlobDigest(blob) for blob in blobs),
        )
        _check_header(header)
    except BadEntry as error:
        raise BugError(f"The program tried to write an entry that nobody could read: {error.sentence}") from error
    return Entry(header, _ENCODER.encode(header), salt, body)


def read_entry(header_bytes: bytes, salt: bytes | None, body: bytes | None) -> Entry:
    """Read an entry that somebody else wrote or kept.

    Args:
        header_bytes: the header, exactly as written.
        salt: the body's salt; None when the body was erased or is withheld.
        body: the body; None exactly when the salt is.

    Raises:
        BadEntry: the bytes are not an entry; the sentence says why and quotes nothing of them.
    """
    header = read_header(header_bytes)
    if salt is None or body is None:
        if salt is not None or body is not None:
            raise BadEntry("An entry has a salt without a body, or a body without a salt.")
    elif _body_digest(salt, body) != header.body:
        raise BadEntry("The body is not the one that the header names.")
    return Entry(header, header_bytes, salt, body)


def kept_entry(header_bytes: bytes, salt: bytes | None, body: bytes | None) -> Entry:
    """An entry that this machine read strictly before it kept it: decoded, and not checked again.

    Raises:
        BadEntry: the header is no header any more.
    """
    header = _decoded(_HEADER.decode, header_bytes)
    if header is None:
        raise BadEntry("A header is not the JSON that it must be.")
    return Entry(header, header_bytes, salt, body)


def read_header(header_bytes: bytes) -> Header:
    """Read the header of an entry.

    Raises:
        BadEntry: the bytes are not the canonical encoding of a header, or a field breaks its form.
    """
    if len(header_bytes) > MAX_HEADER:
        raise BadEntry(f"A header has at most {MAX_HEADER} bytes.")
    header = _decoded(_HEADER.decode, header_bytes)
    if header is None:
        raise BadEntry("A header is not the JSON that it must be.")
    _check_header(header)
    if _ENCODER.encode(header) != header_bytes:
        raise BadEntry("A header is not in canonical form.")
    return header


def _check_header(header: Header) -> None:
    """Refuse a field that breaks its form. No field is free text."""
    if header.v != VERSION:
        raise BadEntry(f"A header has version {VERSION}.")
    if not ids.JOURNAL_ID.fullmatch(header.journal):
        raise BadEntry("The journal of a header is no identifier of a journal.")
    if not 0 <= header.seq < SEQ_LIMIT:
        raise BadEntry("The position of a header is out of bounds.")
    if not _is_time(header.at):
        raise BadEntry("The time of a header is not a UTC time in milliseconds.")
    if header.by not in (ids.NODE, ids.CENTRAL) and not ids.ENTITY_ID.fullmatch(header.by):
        raise BadEntry("The author of a header is neither the node, nor central, nor an identifier.")
    if len(header.kind) > ids.MAX_KIND or not ids.KIND.fullmatch(header.kind):
        raise BadEntry("The kind of a header is not written as kinds are.")
    if header.about != ids.NOBODY and not ids.ENTITY_ID.fullmatch(header.about):
        raise BadEntry("The subject of a header is no identifier.")
    if not ids.DIGEST.fullmatch(header.body):
        raise BadEntry("The body of a header is no digest.")
    if len(header.blobs) > MAX_BLOBS or len(set(header.blobs)) != len(header.blobs):
        raise BadEntry(f"A header names at most {MAX_BLOBS} blobs, each once.")
    if not all(map(ids.DIGEST.fullmatch, header.blobs)):
        raise BadEntry("A blob of a header is no digest.")


def _is_time(at: str) -> bool:
    """Whether it is a moment of the Gregorian calendar in the one form that a header has for it."""
    match = _AT.fullmatch(at)
    if match is None:
        return False
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    return year >= 1 and day <= longest


def _body_digest(salt: bytes, body: bytes) -> str:
    """Check salt and body for themselves, and hash them."""
    if len(salt) != SALT_BYTES:
        raise BadEntry(f"A salt has {SALT_BYTES} bytes.")
    if len(body) > MAX_BODY:
        raise BadEntry(f"A body has at most {MAX_BODY} bytes.")
    if not (body.startswith(b"{") and body.endswith(b"}")):
        raise BadEntry("A body is not one JSON object without anything around it.")
    # msgspec is strict on text and numbers, and silent on a name that comes twice; the standard library sees that.
    value = _decoded(_BODY.decode, body)
    if value is None or _decoded(_once_each, body) is None:
        raise BadEntry("A body is not JSON, or a name comes twice in one of its objects.")
    _check_value(value, 1)
    return hashlib.sha256(salt + body).hexdigest()


def _decoded(decode: Callable[[bytes], T], data: bytes) -> T | None:
    """Decode; None when it fails. What the decoders raise may quote the data, so no error that leaves here holds it."""
    try:
        return decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _pairs(pairs: list[tuple[str, object]]) -> bool:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name comes twice")
    return True


_NAMES: Final = json.JSONDecoder(object_pairs_hook=_pairs)


def _once_each(body: bytes) -> object:
    """Decode to something, where no name comes twice in an object."""
    return _NAMES.decode(body.decode())


def _check_value(value: object, depth: int) -> None:
    """Refuse what a reader of the body could stumble over: NUL (PostgreSQL), large integers, deep nesting."""
    if isinstance(value, str) and "\0" in value:
        raise BadEntry("A body holds a NUL character.")
    if isinstance(value, int) and not -INT_LIMIT <= value < INT_LIMIT:
        raise BadEntry("A body holds an integer of more than 64 bits.")
    if not isinstance(value, (dict, list)):
        return
    if depth > MAX_DEPTH:
        raise BadEntry(f"A body is nested more than {MAX_DEPTH} deep.")
    for item in (*value, *value.values()) if isinstance(value, dict) else value:
        _check_value(item, depth + 1)
