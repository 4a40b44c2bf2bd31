"""The record of a certificate: everything it says, as canonical JSON. Page, code and attachment are made from it alone.

Canonical JSON: UTF-8, keys sorted, no spaces, no numbers but whole ones (a subset of RFC 8785). Who has the record can
check its hash; who has only the hash cannot guess what was left out, because the record holds 16 random bytes.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from appliance.journal.errors import BugError, IntegrityError, OperatorError

FORMAT: Final = "sanad-certificate/1"
LANGUAGES: Final = ("en", "ur", "ps", "hi", "ta")
SALT_BYTES: Final = 16
MAX_RECORD_BYTES: Final = 64 * 1024
MAX_FACTS: Final = 64
MAX_SCAN_PAGES: Final = 40

# No control characters but a line's end, and none that turn the direction of what follows: they could make a number
# read backwards, on the page and in a viewer.
_CLEAN: Final = r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]*"
_LINE: Final = _CLEAN.replace(r"\x00-\x09\x0b-\x1f", r"\x00-\x1f")
Line = Annotated[str, msgspec.Meta(max_length=200, pattern=rf"\A{_LINE}\Z")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=rf"\A{_LINE}\Z")]
Value = Annotated[str, msgspec.Meta(max_length=2000, pattern=rf"\A{_CLEAN}\Z")]
Language = Annotated[str, msgspec.Meta(pattern=r"\A(en|ur|ps|hi|ta)\Z")]
Text = Annotated[dict[Language, Value], msgspec.Meta(max_length=len(LANGUAGES))]
"""One text in several languages."""
Number = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z0-9][A-Z0-9/-]{0,39}\Z")]
Date = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
"""As in ISO 8601."""
Accent = Literal["green", "blue", "slate", "indigo", "amber", "maroon", "brown", "teal", "steel"]
"""The colour of frame and headings."""
Shown = Literal["row", "large", "column"]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]

_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLACE: Final = re.compile(r"`\$\.?([^`]*)`$")


class BadRecord(OperatorError):
    """What the certificate would say cannot be printed or kept."""


class Holder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the certificate is about."""

    name: Name
    name_native: Line = ""
    born: Line = ""
    """A date (ISO 8601), or what the paper seen says."""
    identity_kind: Line = ""
    """`cnic`, `aadhaar`, `passport`; another kind is printed as an identity number."""
    identity_number_shown: Line = ""
    """As it may be printed; an Aadhaar number is masked."""
    photo_sha256: Sha256 | None = None
    """Of the photograph as embedded, byte for byte."""


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that the certificate says."""

    label: Text
    value: Value
    """A date is written as in ISO 8601, and printed in words."""
    value_native: Value = ""
    heading: Text = msgspec.field(default_factory=dict)
    """Over it: here a part of the page begins."""
    shown: Shown = "row"
    """As a row; large, in a box; or as a column of a table with the columns beside it, one line of the value a row."""


class Attester(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who answers for it."""

    name: Name
    title: Text


class Design(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the page of a service differs from others; in the record, so that the record alone makes the page."""

    accent: Accent = "green"
    ornament: Literal["star", "rosette"] = "star"
    """Around the emblem."""
    signed: bool = True
    """Whether the picture of the holder's signature is shown, where there is one."""
    attested: Text = msgspec.field(default_factory=dict)
    """What the officer did: `Registered by`; empty for `Attested by`."""


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paper of somebody else of which a certificate is an attested copy."""

    kind: Name
    """As in the catalogue: `degree`."""
    sha256: Sha256
    """Of the scan, in clear."""
    pages: Annotated[int, msgspec.Meta(ge=1, le=MAX_SCAN_PAGES)]
    media_type: Literal["image/jpeg", "image/png", "image/tiff", "application/pdf"]
    """Of the scan."""


class CertificateRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate."""

    format: Annotated[str, msgspec.Meta(pattern=rf"\A{FORMAT}\Z")] = FORMAT
    number: Number
    service: Line
    """The service's identifier in the catalogue."""
    title: Text
    authority: Text = msgspec.field(default_factory=dict)
    """The department in whose name it is issued."""
    statement: Text = msgspec.field(default_factory=dict)
    """A sentence under the title, where the service has one."""
    centre: Line
    """The centre's code."""
    centre_name: Name
    tracking: Line
    issued_on: Date
    expires_on: Date | None = None
    holder: Holder
    facts: Annotated[tuple[Fact, ...], msgspec.Meta(max_length=MAX_FACTS)]
    attested_by: Attester
    salt: Annotated[str, msgspec.Meta(pattern=rf"\A[0-9a-f]{{{2 * SALT_BYTES}}}\Z")]
    """Random, hexadecimal."""
    specimen: bool
    languages: Annotated[tuple[Language, ...], msgspec.Meta(min_length=1, max_length=len(LANGUAGES))]
    """On the page, the first one first."""
    replaces: Annotated[str, msgspec.Meta(pattern=r"\A([A-Z0-9][A-Z0-9/-]{0,39})?\Z")] = ""
    """The number of the certificate that this one supersedes."""
    document: Document | None = None
    """Where it is an attested copy."""
    sealed_by: Literal["centre", "officer"] = "centre"
    """Whose key signs the file."""
    signed_by: Attester | None = None
    """The officer whose key signs it."""
    design: Design = Design()


_DECODER: Final = msgspec.json.Decoder(CertificateRecord)
# What records gained after the first were issued is left out where it says nothing: old bytes stay canonical.
_SILENT: Final[dict[str, object]] = {
    "replaces": "",
    "document": None,
    "sealed_by": "centre",
    "signed_by": None,
    "design": msgspec.to_builtins(Design()),
}
_SILENT_IN_A_FACT: Final[dict[str, object]] = {"heading": {}, "shown": "row"}


def encode_record(record: CertificateRecord) -> bytes:
    """The record's canonical bytes: what is hashed, attached and kept.

    Raises:
        BadRecord: something in it is too long, or holds a character that cannot be printed.
    """
    content = _canonical(record)
    try:
        _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeError) as error:
        # What msgspec says ends with the field's place, and never holds its value.
        place = _PLACE.search(str(error))
        raise _unfit("the text" if place is None else place[1]) from None
    for place_of, day in (("issued_on", record.issued_on), ("expires_on", record.expires_on)):
        if day is not None and not is_date(day):
            raise _unfit(place_of)
    if len(content) > MAX_RECORD_BYTES:
        raise BadRecord("This certificate says too much to be printed.", "Shorten its longest entries.")
    return content


def decode_record(content: bytes) -> CertificateRecord:
    """Read a record from its canonical bytes, and from no others.

    Raises:
        IntegrityError: it is no record, or not as `encode_record` writes it.
    """
    wrong = IntegrityError("The certificate's record is not of its form.")
    if len(content) > MAX_RECORD_BYTES:
        raise wrong
    try:
        record = _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise wrong from None
    if _canonical(record) != content:
        raise wrong
    return record


def record_hash(content: bytes) -> str:
    """What names a record: the SHA-256 of its canonical bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def new_salt(random16: bytes) -> str:
    """The salt of a record.

    Args:
        random16: 16 bytes from a cryptographic source of randomness.

    Raises:
        BugError: there are not 16 of them.
    """
    if len(random16) != SALT_BYTES:
        raise BugError(f"A record's salt is made from {SALT_BYTES} bytes, not {len(random16)}.")
    return random16.hex()


def is_date(text: str) -> bool:
    """Whether a value is a day of the calendar, written as in ISO 8601."""
    if _ISO_DATE.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _canonical(record: CertificateRecord) -> bytes:
    said = _heard(msgspec.to_builtins(record), _SILENT)
    said["facts"] = [_heard(fact, _SILENT_IN_A_FACT) for fact in msgspec.to_builtins(record.facts)]
    return msgspec.json.encode(said, order="sorted")


def _heard(said: dict[str, object], silent: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in said.items() if name not in silent or value != silent[name]}


def _unfit(place: str) -> BadRecord:
    return BadRecord(
        f"This certificate cannot be made: {place} is empty, too long, or of another form than it must be.",
        "Correct that entry, and try again.",
    )
