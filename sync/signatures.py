"""RFC 9421 message signatures by the node's key: who sends a request, about which journal, at which size.

A signature covers the method, the authority and the target, the journal and the size that it offers, the session and
the size from which on entries follow, and nothing else; its nonce is a challenge that central gave
(`sync.central.challenges`), once. Both sides hold exactly to that list.

No clock is compared: a node's may be years off, and the challenge already says that the request is fresh. `created`
and `expires` are only held to each other. The body is not covered: a stream is signed before it exists, and what it
carries is believed by hashes and signed checkpoints alone (`sync.session`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)

from appliance.journal import ids
from appliance.journal.entry import SEQ_LIMIT
from appliance.journal.ids import JournalId
from sync.refusals import BadRequest, BadSignature

JOURNAL_HEADER: Final = "sanad-journal"
OFFERED_HEADER: Final = "sanad-offered-size"
SESSION_HEADER: Final = "sanad-session"
OFFSET_HEADER: Final = "sanad-offset"
COVERED: Final = (
    *("@method", "@authority", "@target-uri"),
    *(JOURNAL_HEADER, OFFERED_HEADER, SESSION_HEADER, OFFSET_HEADER),
)
NO_SESSION: Final = "-"
"""What a request says that opens a session."""
PARAMETERS: Final = frozenset({"created", "expires", "nonce", "keyid", "alg", "tag"})
TAG: Final = "sanad"
LABEL: Final = "sanad"
LIFE_S: Final = 300
"""Seconds from `created` to `expires`."""
MAX_NONCE: Final = 200
"""Characters."""

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_SESSION: Final = re.compile(r"-|[A-Za-z0-9_-]{16,64}")


class Outgoing(Protocol):
    """A request that is about to be sent; `requests.PreparedRequest` is one."""

    method: str | None
    url: str | None

    @property
    def headers(self) -> MutableMapping[str, str]:
        """Its header fields."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as central received it."""

    method: str
    url: str
    """Central's public address, not what the request says of it, with the path and query of the request."""
    headers: _Lines


class _Lines:
    """Header lines in their order; a name may occur more than once."""

    def __init__(self, lines: Iterable[tuple[str, str]]) -> None:
        self._lines = tuple(lines)

    def items(self) -> tuple[tuple[str, str], ...]:
        return self._lines

    def only(self, name: str) -> str:
        """The value of a header that occurs once."""
        values = [value for each, value in self._lines if each.lower() == name]
        if len(values) != 1:
            raise BadRequest(f"A request has the header {name} once.")
        return values[0]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified signature says. The nonce is still to be spent."""

    journal: JournalId
    offered: int
    nonce: str
    session: str
    """As central named it, or `NO_SESSION`."""
    offset: int
    """Where the entries of a stream begin."""


def incoming(method: str, url: str, lines: Iterable[tuple[bytes, bytes]]) -> Incoming:
    """Make a received request ready for `verify`.

    Args:
        method: in capitals.
        url: central's configured address with the path and query that were asked for.
        lines: the header lines as they came.
    """
    return Incoming(
        method, url, _Lines((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in lines)
    )


def key_name(public_key: bytes) -> str:
    """Name a node's key in a signature's `keyid`: the SHA-256 of its 32 bytes, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()


@dataclass(frozen=True, slots=True)
class Said:
    """What a node signs, besides which request it is."""

    offered: int
    """The size of its journal."""
    nonce: str
    """Central's challenge."""
    session: str = NO_SESSION
    offset: int = 0


def sign(request: Outgoing, said: Said, *, seed: bytes, journal: JournalId, now_s: int) -> None:
    """Sign a request in place.

    Args:
        request: with its method, address and headers as they will be sent.
        said: what it says.
        seed: the node's private key, 32 bytes (RFC 8032).
        journal: the node's journal.
        now_s: what this node's clock says, in seconds since 1970.
    """
    key = Ed25519PrivateKey.from_private_bytes(seed)
    name = key_name(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    request.headers[JOURNAL_HEADER] = journal
    request.headers[OFFERED_HEADER] = str(said.offered)
    request.headers[SESSION_HEADER] = said.session
    request.headers[OFFSET_HEADER] = str(said.offset)
    created = datetime.fromtimestamp(now_s, UTC)
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={name: key}),
    )
    signer.sign(
        request,
        key_id=name,
        created=created,
        expires=created + timedelta(seconds=LIFE_S),
        nonce=said.nonce,
        label=LABEL,
        tag=TAG,
        covered_component_ids=COVERED,
    )


def claimed_journal(request: Incoming) -> JournalId:
    """Say whose key must have signed the request.

    Raises:
        BadRequest: it names no journal of a node.
    """
    value = request.headers.only(JOURNAL_HEADER)
    if not ids.ENTITY_ID.fullmatch(value):
        raise BadRequest("A request names no journal.")
    return JournalId(value)


class TimelessVerifier(HTTPMessageVerifier):
    """The library's verifier, without its look at the clock of this machine."""

    def validate_created_and_expires(self, sig_input: Any, max_age: timedelta | None = None) -> None:  # noqa: ARG002
        """Hold the two times to each other only, where both are there (RFC 9421, section 2.3)."""
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if created is not None and expires is not None and not 0 < expires - created <= LIFE_S:
            raise InvalidSignature("A signature expires before it was created, or lives too long.")


def verify(request: Incoming, public_key: bytes) -> Claims:
    """Check that a node's key signed the request as `sign` does.

    Args:
        request: what came.
        public_key: the key of the node that `claimed_journal` names, 32 bytes.

    Raises:
        BadSignature: it did not, or more or less is covered than must be.
        BadRequest: the signature holds, but the size it offers is no size.
    """
    name = key_name(public_key)
    key = Ed25519PublicKey.from_public_bytes(public_key)
    verifier = TimelessVerifier(
        signature_algorithm=algorithms.ED25519,
        key_resolver=MappingKeyResolver(public_keys={name: key}, private_keys={}),
    )
    try:
        found = verifier.verify(request, max_age=None, expect_tag=TAG)
    except HTTPMessageSignaturesException:
        # Not chained: what the library says may quote the request.
        raise BadSignature(
            "A request is not signed by the key of this node.", "Check central's address in the node's settings."
        ) from None
    covered = (*(f'"{each}"' for each in COVERED), '"@signature-params"')
    if len(found) != 1 or tuple(found[0].covered_components) != covered or set(found[0].parameters) != PARAMETERS:
        raise BadSignature("A request's signature does not cover what it must.")
    offered, offset = (_size(request.headers.only(name)) for name in (OFFERED_HEADER, OFFSET_HEADER))
    session, nonce = request.headers.only(SESSION_HEADER), str(found[0].nonce)
    if not _SESSION.fullmatch(session) or len(nonce) > MAX_NONCE:
        raise BadRequest("A request names no session, or has no nonce.")
    return Claims(claimed_journal(request), offered, nonce, session, offset)


def _size(text: str) -> int:
    if not _SIZE.fullmatch(text) or int(text) > SEQ_LIMIT:
        raise BadRequest("A request offers no size.")
    return int(text)
