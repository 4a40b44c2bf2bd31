"""Signatures on requests, in the place of RFC 9421's: the same things covered, by something that costs next to nothing.

Nobody here forges one; a request that was changed on its way is refused, as it must be. The real ones are tested in
`tests/unit/sync/test_signatures.py`.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Final

from appliance.journal.ids import JournalId
from sync.refusals import BadSignature
from sync.signatures import (
    JOURNAL_HEADER,
    OFFERED_HEADER,
    OFFSET_HEADER,
    SESSION_HEADER,
    Claims,
    Incoming,
    Outgoing,
    Said,
    claimed_journal,
)
from tests.support.centrals import public

_NONCE: Final = "nonce"
_PROOF: Final = "proof"
_public = functools.cache(public)


def sign(request: Outgoing, said: Said, *, seed: bytes, journal: JournalId, now_s: int) -> None:
    """See `sync.signatures.sign`."""
    headers = {
        JOURNAL_HEADER: journal,
        OFFERED_HEADER: str(said.offered),
        SESSION_HEADER: said.session,
        OFFSET_HEADER: str(said.offset),
        _NONCE: said.nonce,
    }
    request.headers.update(headers)
    request.headers[_PROOF] = _proof(_public(seed), request.method, request.url, *headers.values())


def verify(request: Incoming, public_key: bytes) -> Claims:
    """See `sync.signatures.verify`."""
    names = (JOURNAL_HEADER, OFFERED_HEADER, SESSION_HEADER, OFFSET_HEADER, _NONCE)
    values = [request.headers.only(name) for name in names]
    if request.headers.only(_PROOF) != _proof(public_key, request.method, request.url, *values):
        raise BadSignature("A request is not signed by the key of this node.")
    return Claims(claimed_journal(request), int(values[1]), values[4], values[2], int(values[3]))


def _proof(key: bytes, *said: str | None) -> str:
    return hashlib.sha256(key + "\n".join(map(str, said)).encode()).hexdigest()
