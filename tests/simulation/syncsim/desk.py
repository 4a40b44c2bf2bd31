"""Central's front desk without a server: the routes of `sync.central.app`, in turn or side by side.

A stream is fed piece by piece. A node's newer session ends its older stream, as the server sees to; now and then it
does not, as where the older one is still being stored: then the archive itself must keep the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from appliance.journal.errors import BugError, SanadError
from appliance.journal.ids import JournalId
from sync import signatures, wire
from sync.central.central import Central
from sync.central.ingest import Ingest
from sync.central.news import read_known
from sync.central.registry import Node
from sync.link import Reply
from sync.refusals import BadRequest, Cut, TakenOver, from_wire, to_wire
from sync.signatures import Claims, Incoming
from tests.simulation.syncsim.machines import URL, Broken, CentralBox

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def incoming(self) -> Incoming:
        """As its signature is checked."""
        lines = ((name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items())
        return signatures.incoming(self.method, URL + self.path, lines)


class Refused(Exception):
    """What central answers in the place of what was asked for."""

    def __init__(self, error: SanadError) -> None:
        super().__init__(str(error))
        status, words = to_wire(error)
        self.error = error
        self.status = int(status)
        self.body = msgspec.json.encode(words)

    @property
    def at_the_node(self) -> SanadError:
        """As the node raises it."""
        return from_wire(self.status, self.body) or BadRequest("Central's refusal cannot be read.")


@dataclass(slots=True, eq=False)
class Stream:
    """A stream that central is taking in."""

    central: Central
    node: Node
    ingest: Ingest
    ended: bool = False


@dataclass(slots=True)
class Desk:
    """The desk of a central."""

    box: CentralBox
    shown: Callable[[JournalId, bytes], None] = lambda *_: None
    """Told whose session was begun, and the countersigned note that it showed."""
    streams: dict[JournalId, Stream] = field(default_factory=dict)

    def ask(self, request: Request) -> Reply:
        """Answer a request that is no stream.

        Raises:
            Refused: central says no. PowerCut: it died.
        """
        return self._guarded(lambda: self._ask(request))

    def open(self, request: Request, *, side_by_side: bool = False) -> Stream:
        """Begin a stream; see `ask`.

        Args:
            request: what came, without the body.
            side_by_side: whether an older stream of the same node is left as it is.
        """

        def begin() -> Stream:
            central = self._central
            node, claims = central.authenticate(request.incoming)
            if not side_by_side:
                self._end(node.journal)
            stream = Stream(central, node, central.ingest(node, claims))
            self.streams[node.journal] = stream
            return stream

        return self._guarded(begin)

    def feed(self, stream: Stream, piece: bytes) -> None:
        """Take the next bytes of a stream; see `ask`."""

        def take() -> None:
            self._see_open(stream)
            stream.ingest.feed(piece)

        self._guarded(take)

    def finish(self, stream: Stream) -> Reply:
        """All bytes of a stream came; see `ask`."""

        def end() -> Reply:
            self._see_open(stream)
            self.streams.pop(stream.node.journal, None)
            return _json(stream.central.finish(stream.node, stream.ingest))

        return self._guarded(end)

    def judge(self, journal: JournalId, refused: Refused) -> None:
        """What a node sent was refused: as `sync.central.app` does then; PowerCut where central dies."""
        if not isinstance(refused.error, Cut | TakenOver) and self.box.central is not None:
            self.box.central.fleet.refused(journal, refused.error)

    def forget(self) -> None:
        """Central died."""
        self.streams.clear()

    @property
    def _central(self) -> Central:
        if self.box.central is None:
            raise Broken("a central without power was asked")
        return self.box.central

    def _see_open(self, stream: Stream) -> None:
        if stream.central is not self.box.central:
            raise Cut("The stream broke before its end.")
        if stream.ended:
            raise TakenOver("A newer session of this node has begun.")

    def _end(self, journal: JournalId) -> None:
        stream = self.streams.pop(journal, None)
        if stream is not None:
            stream.ended = True

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except BugError as error:
            raise Broken(f"central has a bug: {error}") from error
        except SanadError as error:
            raise Refused(error) from error

    def _ask(self, request: Request) -> Reply:
        central = self._central
        parts = urlsplit(request.path)
        route = _ROUTES.get((request.method, parts.path))
        if (request.method, parts.path) == ("GET", wire.CHALLENGE):
            journal = JournalId(request.headers[signatures.JOURNAL_HEADER])
            return _json(wire.ChallengeAnswer(central.challenge(journal)))
        if route is None:
            raise BadRequest("Central answers nothing here.")
        node, claims = central.authenticate(request.incoming)
        if parts.path == wire.SESSION:
            self._end(node.journal)
        reply = route(central, node, claims, dict(parse_qsl(parts.query, keep_blank_values=True)), request.body)
        if parts.path == wire.SESSION:
            self._remember(node.journal, request.body)
        return reply

    def _remember(self, journal: JournalId, body: bytes) -> None:
        cosigned = msgspec.json.decode(body, type=wire.SessionRequest).cosigned
        if cosigned is not None:
            self.shown(journal, cosigned)


def _session(central: Central, node: Node, claims: Claims, _: Mapping[str, str], body: bytes) -> Reply:
    return _json(central.session(node, claims, body))


def _news(central: Central, node: Node, claims: Claims, query: Mapping[str, str], _: bytes) -> Reply:
    known, report = read_known(query)
    central.fleet.told(node.journal, report)
    return _json(central.state(node, claims, known.passed))


def _orders(central: Central, node: Node, _claims: Claims, query: Mapping[str, str], _body: bytes) -> Reply:
    stream = central.orders_stream(node, int(query["from"]))
    return Reply({wire.CHALLENGE_HEADER: central.challenge(node.journal)}, stream)


def _orders_back(central: Central, node: Node, _claims: Claims, _query: Mapping[str, str], body: bytes) -> Reply:
    answer = msgspec.json.encode({"orders": central.take_orders_back(node, body)})
    return Reply({wire.CHALLENGE_HEADER: central.challenge(node.journal)}, answer)


_ROUTES: Final = {
    ("POST", wire.SESSION): _session,
    ("GET", wire.NEWS): _news,
    ("GET", wire.ORDERS): _orders,
    ("POST", wire.ORDERS): _orders_back,
}


def _json(answer: object) -> Reply:
    return Reply({}, msgspec.json.encode(answer), HTTPStatus.OK)
