"""The claims of a CWT (RFC 8392) about a person: who issued it, until when it holds, and two maps.

Registered claims and those of other parties are kept apart from ours: claim 169 is the person (MOSIP, ID Claim 169,
version 1.2), one private claim is the certificate. What those two hold is said in `qr`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from appliance.certificates import cbor
from appliance.certificates.cbor import Item, Key

ISSUER, EXPIRES_AT, NOT_BEFORE, ISSUED_AT = 1, 4, 5, 6
"""Keys of registered claims (section 3.1)."""
PERSON: Final = 169
CERTIFICATE: Final = -65537
"""Of the range for private use (section 9.1)."""
MAX_NUMERIC_DATE_S: Final = 253_402_300_799
"""The end of the year 9999."""


class BadClaims(ValueError):
    """Bytes that are no claims, or claims of a kind that the standard does not permit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token claims. Times are in seconds since 1970 (POSIX)."""

    issuer: str | None = None
    expires_at_s: int | None = None
    not_before_s: int | None = None
    issued_at_s: int | None = None
    others: dict[Key, Item] = field(default_factory=dict)
    """By their keys; those that a reader does not know are not its business (section 3)."""


def write_claims(claims: Claims) -> bytes:
    """The payload of a token, deterministic."""
    named = {
        ISSUER: claims.issuer,
        EXPIRES_AT: claims.expires_at_s,
        NOT_BEFORE: claims.not_before_s,
        ISSUED_AT: claims.issued_at_s,
    }
    return cbor.encode({**{key: value for key, value in named.items() if value is not None}, **claims.others})


def read_claims(payload: bytes) -> Claims:
    """Read the payload of a token.

    Raises:
        BadClaims: it is no map of claims, or a registered one is of another kind than it must be.
    """
    try:
        item = cbor.decode(payload)
    except cbor.BadCbor as error:
        raise BadClaims(str(error)) from None
    if not isinstance(item, dict):
        raise BadClaims("claims are a map")
    issuer = item.pop(ISSUER, None)
    if issuer is not None and not isinstance(issuer, str):
        raise BadClaims("an issuer that is no text")
    times = {key: _seconds(item.pop(key, None)) for key in (EXPIRES_AT, NOT_BEFORE, ISSUED_AT)}
    return Claims(
        issuer=issuer,
        expires_at_s=times[EXPIRES_AT],
        not_before_s=times[NOT_BEFORE],
        issued_at_s=times[ISSUED_AT],
        others=item,
    )


def _seconds(value: Item) -> int | None:
    """A NumericDate (section 2): a number without a tag; parts of a second are dropped."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadClaims("a time that is no number")
    if not 0 <= value <= MAX_NUMERIC_DATE_S:
        raise BadClaims("a time out of bounds")
    return int(value)
