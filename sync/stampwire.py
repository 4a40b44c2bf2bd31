"""Timestamps and validation data as they cross the wire: paths, and JSON bodies.

    GET  /v1/validation    what goes into documents before a timestamp: certificates, revocation lists
    POST /v1/timestamp     requests for timestamps (RFC 3161), some at once; answered by the answers to them

Both are signed by the node like those of a session, and hold the next challenge (`sync.wire`). A timestamp says nothing
of what it is over, so several go in one round trip: over a satellite, that is what raising a certificate costs.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

VALIDATION: Final = "/v1/validation"
TIMESTAMP: Final = "/v1/timestamp"
MAX_STAMPS: Final = 64
"""Requests for timestamps that are sent at once."""
MAX_STAMPS_ASKED: Final = MAX_STAMPS * 1024
"""Bytes of them."""
MAX_STAMPS_ANSWER: Final = 4 * 1024 * 1024
MAX_VALIDATION_ANSWER: Final = 4 * 1024 * 1024
MAX_VALIDATION_PARTS: Final = 32


class ValidationAnswer(msgspec.Struct, frozen=True):
    """What a node puts into documents before it asks for a timestamp over them; certificates and lists are DER."""

    at_s: Annotated[int, msgspec.Meta(ge=0, lt=2**40)]
    """By central's clock, in seconds since 1970."""
    authorities: Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1, max_length=MAX_VALIDATION_PARTS)]
    """By which the timestamps are to be judged."""
    certificates: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MAX_VALIDATION_PARTS)]
    """Of the timestamp service, and those between it and its authority."""
    crls: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MAX_VALIDATION_PARTS)]
    policy: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]+(\.[0-9]+)+\Z", max_length=200)] | None
    """Under which the service stamps; None where any will do."""
    room: Annotated[int, msgspec.Meta(ge=1)]
    """Bytes of its largest timestamp."""
    challenge: Annotated[str, msgspec.Meta(max_length=200)]


class StampRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requests for timestamps (RFC 3161, section 2.4.1), DER."""

    requests: Annotated[tuple[bytes, ...], msgspec.Meta(min_length=1, max_length=MAX_STAMPS)]


class StampAnswer(msgspec.Struct, frozen=True):
    """The answers to them (RFC 3161, section 2.4.2), DER, in their order."""

    responses: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MAX_STAMPS)]
    challenge: Annotated[str, msgspec.Meta(max_length=200)]
