"""The kinds of entry and their typed bodies: one frozen struct a kind.

A kind only ever gains optional fields with defaults; a changed meaning is a new kind. A body that this software
does not know is kept and passed on as its exact bytes (`decode_body` answers None). Text never holds NUL, because
PostgreSQL refuses it.

Personal data stands in bodies only, never in a header, so that it can be erased.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Annotated, ClassVar, Final, Literal, TypeVar

import msgspec

from appliance.journal.errors import BugError, IntegrityError

BodyBytes = bytes
RoleName = Literal["operator", "officer", "supervisor", "auditor"]

# Length in characters; a name on a certificate is at most a few lines, a remark at most a paragraph.
MAX_LINE: Final = 200
MAX_REMARK: Final = 4000
# Control characters, lone surrogates (no UTF-8), separators of lines. The joiners of Urdu and Hindi (Cf) are welcome.
_NEVER_TYPED: Final = frozenset({"Cc", "Cs"})
_NEVER_IN_A_LINE: Final = _NEVER_TYPED | {"Zl", "Zp"}
Line = Annotated[str, msgspec.Meta(max_length=MAX_LINE, pattern=r"\A[^\x00-\x1f]*\Z")]
Remark = Annotated[str, msgspec.Meta(max_length=MAX_REMARK, pattern=r"\A[^\x00]*\Z")]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[a-z2-7]{26}\Z")]
Instant = Annotated[str, msgspec.Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")]
# A day at the centre; empty where there is none.
Day = Annotated[str, msgspec.Meta(pattern=r"\A(?:\d{4}-\d\d-\d\d)?\Z")]
Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
MAX_FIELDS: Final = 100
Fields = Annotated[dict[Line, Remark], msgspec.Meta(max_length=MAX_FIELDS)]


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says; its kind is the class attribute `KIND`."""

    KIND: ClassVar[str] = ""


B = TypeVar("B", bound=type[Body])
KINDS: Final[dict[str, type[Body]]] = {}
_DECODERS: Final[dict[str, msgspec.json.Decoder[Body]]] = {}


def kind(name: str) -> Callable[[B], B]:
    """Register the body of kind `name`."""

    def register(body: B) -> B:
        body.KIND = name
        KINDS[name] = body
        _DECODERS[name] = msgspec.json.Decoder(body)
        return body

    return register


def encode_body(body: Body) -> BodyBytes:
    """The bytes of a body, compact JSON, checked against its own limits.

    Raises:
        BugError: the struct was built with values outside its limits, or its kind is not registered.
    """
    decoder = _DECODERS.get(body.KIND)
    if decoder is None:
        raise BugError(f"The kind of {type(body).__name__} is not registered.")
    try:
        encoded = msgspec.json.encode(body)
        decoder.decode(encoded)
    except (msgspec.MsgspecError, RecursionError, UnicodeError, OverflowError):
        # Their own words may quote what was typed: they are dropped.
        raise BugError(f"A body of kind {body.KIND} is outside its limits.") from None
    return encoded


def is_line(text: str) -> bool:
    """Whether somebody's words fit into a `Line`: they can be shown, on one line."""
    return len(text) <= MAX_LINE and not any(unicodedata.category(char) in _NEVER_IN_A_LINE for char in text)


def is_remark(text: str) -> bool:
    """Whether somebody's words fit into a `Remark`: they can be shown, on lines."""
    return len(text) <= MAX_REMARK and not any(
        char not in "\n\t" and unicodedata.category(char) in _NEVER_TYPED for char in text
    )


def decode_body(name: str, encoded: BodyBytes) -> Body | None:
    """The typed body, or None where this software does not know the kind.

    Raises:
        IntegrityError: the kind is known, but the body is not of its form.
    """
    decoder = _DECODERS.get(name)
    if decoder is None:
        return None
    try:
        return decoder.decode(encoded)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        raise IntegrityError(f"The body of an entry of kind {name} is not of its form.") from None
