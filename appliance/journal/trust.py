"""Which keys a reader trusts, and what that makes of a signed journal.

A trust file is text: one verifier key a line, as `VerifierKey.text` writes it; lines that start with `#` and empty
lines say nothing. Nothing else is let through, since a key that was silently skipped is a key that is not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from appliance.journal import ids
from appliance.journal.errors import OperatorError
from appliance.journal.notes import BadKey, VerifierKey

MAX_TRUST: Final = 1 << 20
"""Bytes of a trust file."""


class BadTrust(OperatorError):
    """A trust file cannot be used."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "Correct the trust file, or ask whoever gave it to you for it again.")


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A cosignature that verified."""

    key: VerifierKey
    at_s: int
    """When the cosigner says that it signed: seconds since 1970 (POSIX)."""
    size: int
    """The entries that it covers."""
    pinned: bool
    """Whether the reader trusts the key."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Who stands behind a journal whose signatures all verified, and whether the reader knows any of them."""

    key: VerifierKey
    """The journal's key."""
    pinned: bool
    """Whether the reader trusts that key itself."""
    cosigned: tuple[Cosigned, ...]
    known: bool

    @property
    def sentence(self) -> str:
        """Which keys that the reader trusts stand behind it, and whether the journal's own is one of them."""
        trusted = [
            f"countersigned by {each.key.name} (entries before {each.size})" for each in self.cosigned if each.pinned
        ]
        if self.pinned:
            trusted.insert(0, f"signed by {self.key.name}, the journal's own key")
        found = f"Trusted: {'; '.join(trusted) or 'no key'}."
        return found if self.pinned else f"{found} The journal's own key, {self.key.name}, is not in a trust file."

    @property
    def verdict(self) -> str:
        """The few words that come first."""
        return "Consistent, signer known." if self.known else "Consistent, signer unknown."


def parse_trust(data: bytes) -> tuple[VerifierKey, ...]:
    """Read a trust file.

    Raises:
        BadTrust: it is not of the form above, or names a key twice, or none; the sentence gives the line.
    """
    if len(data) > MAX_TRUST:
        raise BadTrust(f"The trust file is larger than {MAX_TRUST} bytes.")
    keys: list[VerifierKey] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line or line.startswith(b"#"):
            continue
        try:
            key = VerifierKey.parse(line.decode())
        except UnicodeDecodeError:
            raise BadTrust(f"Line {number} of the trust file is not text.") from None
        except BadKey as error:
            raise BadTrust(f"Line {number} of the trust file is no key: {error.sentence}") from None
        if key in keys:
            raise BadTrust(f"Line {number} of the trust file names a key for the second time.")
        keys.append(key)
    if not keys:
        raise BadTrust("The trust file names no key.")
    return tuple(keys)


def format_trust(keys: Iterable[VerifierKey]) -> bytes:
    """Write a trust file that `parse_trust` reads."""
    return "".join(f"{key.text}\n" for key in keys).encode()


def standing(
    key: VerifierKey, size: int, cosigned: Iterable[tuple[VerifierKey, int, int]], trust: Sequence[VerifierKey] | None
) -> Standing:
    """Say what a reader's trust makes of a journal whose signatures all verified.

    A cosigner vouches for the entries that it covers. For the entries after them it vouches only through the journal's
    key, and only where the journal's identifier, which stands in what it signed, fixes that key.

    Args:
        key: the journal's key.
        size: the entries that it signed.
        cosigned: each cosigner's key, the time in seconds, and the size that it signed.
        trust: the keys that the reader trusts, if any.
    """
    trusted = trust or ()
    each = tuple(Cosigned(cosigner, at_s, covered, cosigner in trusted) for cosigner, at_s, covered in cosigned)
    fixed = ids.journal_of(key.name) == ids.journal_id(key.public)
    vouched = any(one.pinned and (fixed or one.size == size) for one in each)
    pinned = key in trusted
    return Standing(key, pinned, each, pinned or vouched)
