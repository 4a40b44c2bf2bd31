"""Sealing in the age format (age-encryption.org/v1, X25519 recipients): what is sealed, any `age` tool can open.

Guarantees: a sealed blob opens to exactly the bytes that were sealed, or not at all. It does not say who sealed it:
whoever knows a recipient can seal to it, so the origin of a blob is proven by the journal entry that names its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyrage

from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import BlobDigest

MAX_RECIPIENTS = 16
MAX_HEADER = 8192
"""Bytes before the header's closing line. The library reads a header in quadratic time: 235 KB of it took 51 s."""

_INTRODUCTION = b"age-encryption.org/v1\n"
_HEADER_END = b"\n--- "
_FETCH_AGAIN = "Fetch it again from where it came."


class SealError(IntegrityError):
    """Something sealed cannot be opened, or a key of the age format is malformed."""


def new_identity() -> str:
    """A fresh secret X25519 identity, `AGE-SECRET-KEY-1…`, from the operating system's randomness."""
    return str(pyrage.x25519.Identity.generate())


def recipient_of(identity: str) -> str:
    """The public recipient, `age1…`, of a secret identity.

    Raises:
        SealError: the identity is malformed.
    """
    return str(_identity(identity).to_public())


def canonical_recipient(text: str) -> str:
    """The one spelling of a public X25519 recipient (Bech32 also allows upper case).

    Raises:
        SealError: it is not an X25519 recipient.
    """
    return str(_recipient(text))


def seal(plain: bytes, recipients: Sequence[str]) -> bytes:
    """Seals bytes so that the identity of any one of the recipients opens them.

    Args:
        plain: what to seal; it may be empty.
        recipients: 1 to MAX_RECIPIENTS distinct recipients, `age1…`.

    Raises:
        SealError: a recipient is malformed.
    """
    keys = [_recipient(text) for text in recipients]
    if not 1 <= len({str(key) for key in keys}) == len(keys) <= MAX_RECIPIENTS:
        raise BugError(f"A blob must be sealed to 1 to {MAX_RECIPIENTS} different recipients.")
    return bytes(pyrage.encrypt(plain, keys))


def open_sealed(sealed: bytes, identity: str) -> bytes:
    """Opens what was sealed to the recipient of this identity.

    Raises:
        SealError: it is damaged, cut short, lengthened, not in the binary age format, or sealed to others.
    """
    key = _identity(identity)
    # The library would also take the text armour; one blob has one form, because its digest names it.
    if not sealed.startswith(_INTRODUCTION) or sealed.find(_HEADER_END, 0, MAX_HEADER) < 0:
        raise SealError("This file is not sealed in the age format.", _FETCH_AGAIN)
    try:
        return bytes(pyrage.decrypt(sealed, [key]))
    except pyrage.DecryptError as error:
        raise SealError("This sealed file is damaged, or was not sealed to this key.", _FETCH_AGAIN) from error


def digest_of(sealed: bytes) -> BlobDigest:
    """The name of a sealed blob: the SHA-256 of its sealed bytes, 64 lower-case hex digits."""
    return BlobDigest(hashlib.sha256(sealed).hexdigest())


def _identity(text: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(text)
    except pyrage.IdentityError:
        # The library's words stay out of the chain: nothing may ever quote a secret key.
        raise SealError("A secret key of the age format is malformed.", "Restore it from its backup.") from None


def _recipient(text: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise SealError(
            "A public key of the age format is malformed.", "Copy it again; it begins with age1."
        ) from error
