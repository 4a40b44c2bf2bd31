"""The requests that a node makes of central, one after the other over one connection, each signed.

Every answer brings the next challenge, and what central has of the node brings a second one: for the conversation
beside this one (the news beside a stream), or for the first request after the link broke. Two conversations at once are
two `Calls` of one session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar
from urllib.parse import urlencode

import msgspec
import requests

from appliance.journal.ids import BlobDigest, JournalId
from sync import frames, signatures, wire
from sync.link import Link, LinkDown, not_understood
from sync.listsfetch import fetch_lists
from sync.refusals import BadChallenge
from sync.signatures import NO_SESSION, Said
from sync.wire import ChallengeAnswer, Known, NodeReport, OrdersAnswer, SessionRequest, StateAnswer

SPARE_LIFE_S: Final = 240.0
"""How long a challenge is kept for later; central takes it a minute longer."""

T = TypeVar("T")


class Sign(Protocol):
    """Signs requests."""

    def __call__(
        self, request: signatures.Outgoing, said: Said, *, seed: bytes, journal: JournalId, now_s: int
    ) -> None:
        """Sign one, as `sync.signatures.sign` does."""


class Spare:
    """A challenge that waits for its request, or none: central takes each once, whoever brings it first. Thread-safe.

    Args:
        monotonic_s: seconds on a clock that nobody can set.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._now_s = monotonic_s
        self._guard = threading.Lock()
        self._kept: tuple[str, float] | None = None

    def keep(self, challenge: str) -> None:
        """Keep the newest."""
        self.restore((challenge, self._now_s()))

    def take(self) -> tuple[str, float] | None:
        """Take it out, with its time; None where there is none, or it has grown old."""
        with self._guard:
            kept, self._kept = self._kept, None
        return kept if kept is not None and self._now_s() - kept[1] < SPARE_LIFE_S else None

    def restore(self, kept: tuple[str, float]) -> None:
        """Put back what was taken, and perhaps never reached central."""
        with self._guard:
            self._kept = kept


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a node's journal and key, and what its clock says (it only goes into signatures)."""

    journal: JournalId
    seed: bytes = field(repr=False)
    now_s: Callable[[], int]
    sign: Sign = signatures.sign
    spare: Spare = field(default_factory=lambda: Spare(lambda: 0.0))


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
        self,
        checkpoint: bytes,
        offered: int,
        cosigned: bytes | None,
        orders: int,
        report: NodeReport | None = None,
        orders_root: bytes = b"",
    ) -> StateAnswer:
        """Open a session: say what the node has and how it is, hear what central has of it.

        Raises:
            BadFrame: central chose a version that this node does not speak.
        """
        self.session = NO_SESSION
        body = msgspec.json.encode(SessionRequest(frames.VERSIONS, checkpoint, cosigned, orders, report, orders_root))
        answer = self._state(self._call("POST", wire.SESSION, offered, body=body))
        frames.choose_version((answer.version,))
        self.session = answer.session
        return answer

    def stream(self, body: Iterator[bytes], offered: int, offset: int) -> StateAnswer:
        """Send frames whose entries begin at `offset`; hear what central has at their end."""
        return self._state(self._call("POST", wire.STREAM, offered, body=body, offset=offset))

    def lane(self, body: Iterator[bytes], offered: int, number: int) -> StateAnswer:
        """Send frames over a lane: pieces of sealed files, beside the stream; hear what central has at their end."""
        return self._state(self._call("POST", f"{wire.LANE}?number={number}", offered, body=body))

    def news(self, offered: int, known: Known, report: NodeReport | None = None) -> StateAnswer:
        """Hear what central has, as soon as it is more than `known`, or after a while."""
        query = msgspec.to_builtins(known) | ({} if report is None else msgspec.to_builtins(report))
        return self._state(self._call("GET", f"{wire.NEWS}?{urlencode(query)}", offered))

    def orders(self, offered: int, start: int) -> bytes:
        """Central's orders from `start` on, as frames."""
        return self._call("GET", f"{wire.ORDERS}?from={start}", offered, limit=wire.MAX_ORDERS_STREAM)

    def sealed(self, offered: int, digest: BlobDigest) -> bytes:
        """A sealed file that central holds; its bytes are still to be held against the digest."""
        return self._call("GET", f"{wire.BLOB}?digest={digest}", offered, limit=frames.MAX_BLOB)

    def hand_back(self, offered: int, orders: bytes) -> int:
        """Give central orders, as frames, that it gave and has lost; answers how many it has then."""
        return _decode(self._call("POST", wire.ORDERS, offered, body=orders), OrdersAnswer).orders

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

        kept = self._ready()
        try:
            reply = self._link.call(method, path, limit=limit, body=body, sign=sign)
        except LinkDown:
            if kept is not None:
                self._caller.spare.restore(kept)
            raise
        except BadChallenge:
            if kept is None or isinstance(body, Iterator):
                raise
            # Central began anew since it gave that one.
            self._nonce = self._challenge()
            reply = self._link.call(method, path, limit=limit, body=body, sign=sign)
        self._nonce = reply.headers.get(wire.CHALLENGE_HEADER, "")
        return reply.body

    def _ready(self) -> tuple[str, float] | None:
        """Have a challenge at hand: no request can be made while another is being sent. Gives it if it was kept."""
        if self._nonce:
            return None
        kept = self._caller.spare.take()
        self._nonce = self._challenge() if kept is None else kept[0]
        return kept

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
        if answer.spare:
            self._caller.spare.keep(answer.spare)
        return answer


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise not_understood() from None
