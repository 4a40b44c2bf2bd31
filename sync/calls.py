"""The requests that a node makes of central, one after the other over one connection, each signed.

Every answer brings the next challenge. Two conversations at once (a stream, and the news beside it) are two `Calls` of
one session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import urlencode

import msgspec
import requests

from appliance.journal.ids import JournalId
from sync import frames, signatures, wire
from sync.link import Link, not_understood
from sync.listsfetch import fetch_lists
from sync.signatures import NO_SESSION, Said
from sync.wire import ChallengeAnswer, Known, NodeReport, SessionRequest, StateAnswer

T = TypeVar("T")


class Sign(Protocol):
    """Signs requests."""

    def __call__(
        self, request: signatures.Outgoing, said: Said, *, seed: bytes, journal: JournalId, now_s: int
    ) -> None:
        """Sign one, as `sync.signatures.sign` does."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a node's journal and key, and what its clock says (it only goes into signatures)."""

    journal: JournalId
    seed: bytes = field(repr=False)
    now_s: Callable[[], int]
    sign: Sign = signatures.sign


class Calls:
    """One conversation with central.

    Every method raises NetworkError where central was not reached, and what central refused (`sync.refusals`).

    Args:
        link: to central.
        caller: who asks.
        session: the session that was opened before, if any.
    """

    def __init__(self, link: Link, caller: Caller, session: str = NO_SESSION) -> None:
        self._link = link
        self._caller = caller
        self._nonce = ""
        self.session = session

    def now_s(self) -> int:
        """What the node's clock says, in seconds since 1970."""
        return self._caller.now_s()

    def open(
        self, checkpoint: bytes, offered: int, cosigned: bytes | None, orders: int, report: NodeReport | None = None
    ) -> StateAnswer:
        """Open a session: say what the node has and how it is, hear what central has of it.

        Raises:
            BadFrame: central chose a version that this node does not speak.
        """
        self.session = NO_SESSION
        body = msgspec.json.encode(SessionRequest(frames.VERSIONS, checkpoint, cosigned, orders, report))
        answer = self._state(self._call("POST", wire.SESSION, offered, body=body))
        frames.choose_version((answer.version,))
        self.session = answer.session
        return answer

    def stream(self, body: Iterator[bytes], offered: int, offset: int) -> StateAnswer:
        """Send frames whose entries begin at `offset`; hear what central has at their end."""
        return self._state(self._call("POST", wire.STREAM, offered, body=body, offset=offset))

    def news(self, offered: int, known: Known, report: NodeReport | None = None) -> StateAnswer:
        """Hear what central has, as soon as it is more than `known`, or after a while."""
        query = msgspec.to_builtins(known) | ({} if report is None else msgspec.to_builtins(report))
        return self._state(self._call("GET", f"{wire.NEWS}?{urlencode(query)}", offered))

    def orders(self, offered: int, start: int) -> bytes:
        """Central's orders from `start` on, as frames."""
        return self._call("GET", f"{wire.ORDERS}?from={start}", offered, limit=wire.MAX_ORDERS_STREAM)

    def hand_back(self, offered: int, orders: bytes) -> None:
        """Give central orders, as frames, that it gave and has lost."""
        self._call("POST", wire.ORDERS, offered, body=orders)

    def fetch_lists(self, held: bytes, keep: Callable[[bytes], bool], offered: int) -> bool:
        """Bring the public lists up to date: see `sync.listsfetch`."""

        def sign(request: requests.PreparedRequest) -> None:
            self._sign(request, offered, 0)

        self._ready()
        return fetch_lists(self._link, held, keep, sign)

    def _call(
        self,
        method: str,
        path: str,
        offered: int,
        *,
        body: bytes | Iterator[bytes] | None = None,
        offset: int = 0,
        limit: int = wire.MAX_ANSWER,
    ) -> bytes:
        def sign(request: requests.PreparedRequest) -> None:
            self._sign(request, offered, offset)

        self._ready()
        reply = self._link.call(method, path, limit=limit, body=body, sign=sign)
        self._nonce = reply.headers.get(wire.CHALLENGE_HEADER, "")
        return reply.body

    def _ready(self) -> None:
        """Have a challenge at hand: no request can be made while another is being sent."""
        if not self._nonce:
            self._nonce = self._challenge()

    def _sign(self, request: requests.PreparedRequest, offered: int, offset: int) -> None:
        said, self._nonce = Said(offered, self._nonce, self.session, offset), ""
        caller = self._caller
        caller.sign(request, said, seed=caller.seed, journal=caller.journal, now_s=caller.now_s())

    def _challenge(self) -> str:
        headers = {signatures.JOURNAL_HEADER: self._caller.journal}
        reply = self._link.call("GET", wire.CHALLENGE, limit=wire.MAX_ANSWER, headers=headers)
        return _decode(reply.body, ChallengeAnswer).challenge

    def _state(self, body: bytes) -> StateAnswer:
        answer = _decode(body, StateAnswer)
        self._nonce = answer.challenge
        return answer


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise not_understood() from None
