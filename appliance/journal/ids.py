"""Identifiers: what each looks like, and how it is made.

All are lower-case ASCII, safe in a file name, a URL and a log line, and none holds anything about a person. A journal's
identifier is derived from its public key, so whoever holds the identifier can tell whether a key is that journal's.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final, NewType

from appliance.journal.errors import BugError

EntityId = NewType("EntityId", str)
"""A person, an application, a document, an operator: 16 random bytes in base32, 26 characters."""

JournalId = NewType("JournalId", str)
"""A node's journal (derived from its key), or that of the orders which central keeps for it (`….orders`)."""

BlobDigest = NewType("BlobDigest", str)
"""The SHA-256 of a blob's sealed bytes: 64 lower-case hexadecimal digits."""

Kind = NewType("Kind", str)
"""What an entry reports, from the general to the particular: `print.confirmed`."""

ENTITY_ID: Final = re.compile(r"[a-z2-7]{26}")
JOURNAL_ID: Final = re.compile(r"[a-z2-7]{26}(?:\.orders)?")
DIGEST: Final = re.compile(r"[0-9a-f]{64}")
KIND: Final = re.compile(r"[a-z]+(?:\.[a-z_]+)+")
MAX_KIND: Final = 64

NODE: Final = "node"
"""The author of an entry that the node itself wrote, without an operator."""
CENTRAL: Final = "central"
"""The author of an order."""
NOBODY: Final = "-"
"""What an entry is about when it is about no one and nothing in particular."""

ENTITY_BYTES: Final = 16
PUBLIC_KEY_BYTES: Final = 32
_JOURNAL_DOMAIN: Final = b"sanad journal v1"
_ORDERS: Final = ".orders"
_JOURNAL_ORIGIN: Final = "sanad/journal/"
_ORDERS_ORIGIN: Final = "sanad/orders/"


def entity_id(random16: bytes) -> EntityId:
    """Name something new.

    Args:
        random16: 16 bytes from a cryptographic source of randomness.

    Raises:
        BugError: there are not 16 of them.
    """
    if len(random16) != ENTITY_BYTES:
        raise BugError(f"An identifier is made from {ENTITY_BYTES} bytes, not {len(random16)}.")
    return EntityId(_base32(random16))


def journal_id(public_key: bytes) -> JournalId:
    """Derive the identifier of the journal that this Ed25519 key signs.

    Args:
        public_key: 32 bytes, as in RFC 8032.

    Raises:
        BugError: the key has another length.
    """
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise BugError(f"A journal's key has {PUBLIC_KEY_BYTES} bytes, not {len(public_key)}.")
    return JournalId(_base32(hashlib.sha256(_JOURNAL_DOMAIN + public_key).digest()[:ENTITY_BYTES]))


def orders_of(journal: JournalId) -> JournalId:
    """Name the journal of the orders that central gives to this node.

    Raises:
        BugError: `journal` is not a node's journal.
    """
    if not ENTITY_ID.fullmatch(journal):
        raise BugError("Only the journal of a node has orders.")
    return JournalId(journal + _ORDERS)


def origin(journal: JournalId) -> str:
    """Give the first line of the journal's checkpoints, which is also the name of the key that signs them.

    Raises:
        BugError: `journal` is no identifier of a journal.
    """
    if not JOURNAL_ID.fullmatch(journal):
        raise BugError("That is not the identifier of a journal.")
    if journal.endswith(_ORDERS):
        return _ORDERS_ORIGIN + journal.removesuffix(_ORDERS)
    return _JOURNAL_ORIGIN + journal


def journal_of(origin: str) -> JournalId | None:
    """Find the journal that an origin names; None when it names none."""
    for prefix, suffix in ((_JOURNAL_ORIGIN, ""), (_ORDERS_ORIGIN, _ORDERS)):
        name = origin.removeprefix(prefix)
        if name != origin and ENTITY_ID.fullmatch(name):
            return JournalId(name + suffix)
    return None


def may_sign(journal: JournalId, public_key: bytes) -> bool:
    """Whether the journal's identifier allows this key: a node's journal has one; orders are signed by central's."""
    return journal.endswith(_ORDERS) or journal == journal_id(public_key)


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()
