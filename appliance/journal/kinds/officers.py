"""Officers' keys: made and given up at the node; certified, refused and recalled by central's orders."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

import msgspec

from appliance.journal.kinds.base import Body, Count, Id, Line, Remark, kind

MAX_CERTIFICATE: Final = 4096
"""Bytes of an officer's certificate, or of the request for one."""
Der = Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_CERTIFICATE)]
Kid = Annotated[str, msgspec.Meta(pattern=r"\A(?:[0-9a-f]{16})?\Z")]
"""What names a signer's certificate (`appliance.certificates.signer.kid`), hexadecimal; empty where nothing is said."""
KeyStorage = Literal["sealed", "token"]
KeyRefusal = Literal["request", "name", "role", "repeated"]
"""The request is not of its form; names somebody else; its maker is no officer; the key was certified before."""
KeyEnd = Literal["forgotten", "lost", "compromised", "replaced", "left"]
KEY_ENDS: Final[tuple[KeyEnd, ...]] = get_args(KeyEnd)
"""The PIN was forgotten; the token was lost; somebody else may have it; there is a newer one; the officer left."""


@kind("officer.key_made")
class OfficerKeyMade(Body, frozen=True, kw_only=True):
    """An officer made a key of their own (P-256), and asks central to certify it.

    `csr` is PKCS #10, DER. The private key is sealed by a PIN and lies in this node's store, or on the token `token`.
    """

    csr: Der
    storage: KeyStorage
    token: Line = ""


@kind("officer.key_pin_refused")
class OfficerKeyPinRefused(Body, frozen=True, kw_only=True):
    """A wrong PIN was given for a key that is sealed here: the `failed`-th in a row."""

    failed: Count
    locked: bool


@kind("officer.key_unlocked")
class OfficerKeyUnlocked(Body, frozen=True, kw_only=True):
    """A supervisor lets the officer try their PIN again."""

    reason: Remark


@kind("officer.key_revoked")
class OfficerKeyRevoked(Body, frozen=True, kw_only=True):
    """A key signs no more, said its officer or a supervisor."""

    reason: KeyEnd
    remark: Remark = ""


@kind("officer.key_certified")
class OfficerKeyCertified(Body, frozen=True, kw_only=True):
    """Central certified a key: X.509, DER."""

    key: Id
    certificate: Der


@kind("officer.key_refused")
class OfficerKeyRefused(Body, frozen=True, kw_only=True):
    """Central does not certify a key."""

    key: Id
    reason: KeyRefusal


@kind("officer.key_recalled")
class OfficerKeyRecalled(Body, frozen=True, kw_only=True):
    """A key signs no more, said central."""

    key: Id
    reason: KeyEnd
