"""The node's side of timestamps: asks central for them and for the validation data, over one link.

What central says of its timestamp service is believed, because the link is: only the pinned authority opens it. The
timestamps themselves are judged by whoever asked for them (`appliance.certificates.timestamps`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

import msgspec
import requests

from appliance.certificates.timestamps import MAX_RESPONSE, Believed, Material
from appliance.certificates.timestamptokens import MAX_TOKEN
from sync import signatures, stampwire, wire
from sync.calls import Caller
from sync.link import Link, not_understood
from sync.signatures import Said
from sync.stampwire import StampAnswer, StampRequest, ValidationAnswer
from sync.wire import ChallengeAnswer

T = TypeVar("T")

MAX_DER: Final = 2 * 1024 * 1024
"""Bytes of all certificates and lists together; they go into every document."""


class CentralStamps:
    """Central's timestamps.

    Args:
        link: to central, open.
        caller: who asks.
        size: of the journal.
    """

    def __init__(self, link: Link, caller: Caller, size: int) -> None:
        self._link = link
        self._caller = caller
        self._size = size
        self._nonce = ""

    def material(self) -> Material:
        """What goes into documents before the timestamp.

        Raises:
            NetworkError: central was not reached, or has no timestamps now. SanadError: what central refused.
        """
        answer = self._call("GET", stampwire.VALIDATION, stampwire.MAX_VALIDATION_ANSWER, None, ValidationAnswer)
        size = sum(map(len, (*answer.authorities, *answer.certificates, *answer.crls)))
        if size > MAX_DER or answer.room > MAX_TOKEN:
            raise not_understood()
        return Material(
            at=datetime.fromtimestamp(answer.at_s, UTC),
            believed=Believed(answer.authorities, answer.crls),
            certificates=answer.certificates,
            policy=answer.policy,
            room=answer.room,
        )

    def stamps(self, requests: Sequence[bytes]) -> Sequence[bytes]:
        """The answers to requests for timestamps, at most `stampwire.MAX_STAMPS` at once.

        Raises:
            NetworkError: central was not reached, or has no timestamps now. SanadError: what central refused.
        """
        body = msgspec.json.encode(StampRequest(tuple(requests)))
        answer = self._call("POST", stampwire.TIMESTAMP, stampwire.MAX_STAMPS_ANSWER, body, StampAnswer)
        if any(len(each) > MAX_RESPONSE for each in answer.responses):
            raise not_understood()
        return answer.responses

    def _call(self, method: str, path: str, limit: int, body: bytes | None, kind: type[T]) -> T:
        # A challenge is good once: where this call fails, the next one asks for a new one.
        nonce, self._nonce = self._nonce or self._challenge(), ""

        def sign(request: requests.PreparedRequest) -> None:
            said, caller = Said(self._size, nonce), self._caller
            signatures.sign(request, said, seed=caller.seed, journal=caller.journal, now_s=caller.now_s())

        answer = _decode(self._link.call(method, path, limit=limit, body=body, sign=sign).body, kind)
        self._nonce = getattr(answer, "challenge", "")
        return answer

    def _challenge(self) -> str:
        headers = {signatures.JOURNAL_HEADER: self._caller.journal}
        reply = self._link.call("GET", wire.CHALLENGE, limit=wire.MAX_ANSWER, headers=headers)
        return _decode(reply.body, ChallengeAnswer).challenge


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise not_understood() from None
