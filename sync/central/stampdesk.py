"""Where enrolled nodes ask central for timestamps, and for what goes into documents with them.

The revocation list of central's own authority is the one that it publishes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.journal.ids import JournalId
from appliance.records.moment import Clock
from sync.central.authority import Authority
from sync.central.timestamping import Timestamps
from sync.refusals import BadRequest
from sync.stampwire import StampAnswer, StampRequest, ValidationAnswer

_DECODER: Final = msgspec.json.Decoder(StampRequest)


class StampDesk:
    """Answers nodes; their requests were authenticated before.

    Args:
        timestamps: the service.
        authority: central's.
        crl: gives its revocation list, DER.
        clock: what time it is.
        challenge: makes the nonce for a node's next request.
    """

    def __init__(
        self,
        timestamps: Timestamps,
        authority: Authority,
        crl: Callable[[], bytes],
        clock: Clock,
        challenge: Callable[[JournalId], str],
    ) -> None:
        self.timestamps = timestamps
        self._authority = authority.certificate.public_bytes(Encoding.DER)
        self._crl = crl
        self._clock = clock
        self._challenge = challenge

    def validation(self, journal: JournalId) -> ValidationAnswer:
        """What the node puts into its documents.

        Raises:
            NoTimestamp: the service cannot be reached.
        """
        service = self.timestamps.service()
        authorities = dict.fromkeys((*service.authorities, self._authority))
        # The lists before the time, so that none is from later than the time that is told.
        crls = (self._crl(), *service.crls)
        return ValidationAnswer(
            at_s=int(self._clock().timestamp()),
            authorities=tuple(authorities),
            certificates=service.certificates,
            crls=crls,
            policy=service.policy,
            room=service.room,
            challenge=self._challenge(journal),
        )

    def stamp(self, journal: JournalId, body: bytes) -> StampAnswer:
        """Answer requests for timestamps, each as the service does.

        Raises:
            BadRequest: the body is no `StampRequest`. NoTimestamp: the service cannot be reached.
        """
        try:
            asked = _DECODER.decode(body)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise BadRequest("A request for timestamps is not of its form.") from None
        responses = tuple(self.timestamps.answer(each) for each in asked.requests)
        return StampAnswer(responses, self._challenge(journal))
