"""Sealing in the age format (age-encryption.org/v1, X25519 recipients): what is sealed, any `age` tool can open.

Guarantees: a sealed blob opens to exactly the bytes that were sealed, or not at all. It does not say who sealed it:
whoever knows a recipient can seal to it, so the origin of a blob is proven by the journal entry that names its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import pyrage

from appliance.journal.errors import BugError, IntegrityError
from appliance.journal.ids import BlobDigest

MAX_RECIPIENTS = 16
MAX_HEADER = 8192
"""Bytes before the header's closing line. The library reads a header in quadratic time: 235 KB of it took 51 s."""

T = TypeVar("T")

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
    return bytes(pyrage.encrypt(plain, _recipients(recipients)))


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


def seal_stream(read: Callable[[int], bytes], write: Callable[[bytes], object], recipients: Sequence[str]) -> None:
    """Seals as `seal` does, piece by piece: no more than a few pieces are in memory.

    Args:
        read: gives the next bytes, at most so many; nothing at the end.
        write: takes the next sealed bytes.
        recipients: as in `seal`.

    Raises:
        SealError: a recipient is malformed. Whatever `read` or `write` raised.
    """
    keys = _recipients(recipients)
    ends = _Ends(read, write)
    try:
        pyrage.encrypt_io(ends, ends, keys)
    except (pyrage.EncryptError, OSError) as error:
        ends.raise_first()
        raise BugError("Sealing failed.") from error
    ends.raise_first()


def open_stream(read: Callable[[int], bytes], write: Callable[[bytes], object], identity: str) -> None:
    """Opens as `open_sealed` does, piece by piece. What was written before an error is right, but not all there is.

    Args:
        read: gives the next sealed bytes, at most so many; nothing at the end.
        write: takes the next opened bytes.
        identity: of one of the recipients.

    Raises:
        SealError: it is damaged, cut short, lengthened, not in the binary age format, or sealed to others. Whatever
            `read` or `write` raised.
    """
    key = _identity(identity)
    start = bytearray()
    while len(start) < MAX_HEADER and (more := read(MAX_HEADER - len(start))):
        start += more
    if not start.startswith(_INTRODUCTION) or start.find(_HEADER_END) < 0:
        raise SealError("This file is not sealed in the age format.", _FETCH_AGAIN)
    ends = _Ends(read, write, bytes(start))
    try:
        pyrage.decrypt_io(ends, ends, [key])
    except (pyrage.DecryptError, OSError) as error:
        ends.raise_first()
        raise SealError("This sealed file is damaged, or was not sealed to this key.", _FETCH_AGAIN) from error
    ends.raise_first()


def digest_of(sealed: bytes) -> BlobDigest:
    """The name of a sealed blob: the SHA-256 of its sealed bytes, 64 lower-case hex digits."""
    return BlobDigest(hashlib.sha256(sealed).hexdigest())


class _Ends:
    """Both ends of a stream as the library wants them; it hides what they raise, so the first error is kept."""

    def __init__(self, read: Callable[[int], bytes], write: Callable[[bytes], object], start: bytes = b"") -> None:
        self._read = read
        self._write = write
        self._start = start
        self._error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        """The next bytes; the library always says how many it has room for."""
        data, self._start = self._start[:size], self._start[size:]
        return data or self._try(lambda: self._read(size))

    def write(self, data: bytes) -> int:
        """Pass the next bytes on."""
        self._try(lambda: self._write(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def raise_first(self) -> None:
        """Raise what one of the ends raised."""
        if self._error is not None:
            raise self._error

    def _try(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except BaseException as error:
            # An interrupt is no exception to this: the library would turn it into an error of its own.
            self._error = self._error or error
            raise


def _recipients(texts: Sequence[str]) -> list[pyrage.x25519.Recipient]:
    keys = [_recipient(text) for text in texts]
    if not 1 <= len({str(key) for key in keys}) == len(keys) <= MAX_RECIPIENTS:
        raise BugError(f"A blob must be sealed to 1 to {MAX_RECIPIENTS} different recipients.")
    return keys


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
