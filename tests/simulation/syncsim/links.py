"""The links: they cut anywhere, lose answers, repeat and delay requests, hold streams back, and flip bits.

`MemoryLink` is a `sync.link.Link`: the shipped calls and agent speak through it. What it does to each request is drawn
from the seed (`Weather`). A request that was delayed, or is sent a second time, comes when the schedule says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Final

import requests

from sync.link import Link, LinkDown, Reply
from tests.simulation.syncsim.desk import Desk, Refused, Request, Stream
from tests.simulation.syncsim.machines import URL, NodeBox
from tests.simulation.syncsim.power import PowerCut

MAX_KEPT: Final = 12
"""Requests that are kept to be repeated or to come late."""


@dataclass(slots=True)
class Weather:
    """How bad the links are, in chances for each request, or each piece of a stream."""

    is_up: bool = True
    lose: float = 0.0
    lose_answer: float = 0.0
    late_request: float = 0.0
    late_stream: float = 0.0
    cut: float = 0.0
    flip: float = 0.0
    hold_back: float = 0.0
    side_by_side: float = 0.0

    def clear(self) -> None:
        """Good links from now on."""
        self.is_up = True
        self.lose = self.lose_answer = self.late_request = self.late_stream = self.cut = 0.0
        self.flip = self.hold_back = self.side_by_side = 0.0


@dataclass(slots=True)
class Late:
    """A stream of which some pieces are still on their way: its node thinks that it broke."""

    stream: Stream
    pieces: list[bytes]


@dataclass(slots=True)
class Wires:
    """All links to one central, and what is on its way."""

    desk: Desk
    draw: random.Random
    weather: Weather = field(default_factory=Weather)
    central_died: Callable[[], None] = lambda: None
    between: Callable[[NodeBox], None] = lambda _: None
    """Told after each piece of a stream: other things happen meanwhile."""
    kept: list[Request] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    flipped: set[str] = field(default_factory=set)
    """Names of the nodes of which a request was changed on its way, since their sessions began."""

    def chance(self, of: float) -> bool:
        """Whether something happens."""
        return of > 0 and self.draw.random() < of

    def keep(self, request: Request) -> None:
        """Remember a request, to send it again."""
        self.kept.append(request)
        del self.kept[:-MAX_KEPT]

    def flip(self, data: bytes, box: NodeBox) -> bytes:
        """The same bytes of a node, with one bit flipped now and then."""
        if not data or not self.chance(self.weather.flip):
            return data
        self.flipped.add(box.name)
        place = self.draw.randrange(len(data) * 8)
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        return bytes(changed)

    def repeat(self) -> str:
        """Send one of the requests of before again, as it was; answers what became of it."""
        if not self.kept or self.desk.box.central is None:
            return "nothing"
        request = self.kept.pop(self.draw.randrange(len(self.kept)))
        try:
            if request.path == "/v1/stream":
                stream = self.desk.open(request)
                self.desk.feed(stream, request.body)
                self.desk.finish(stream)
            else:
                self.desk.ask(request)
        except Refused as refused:
            return type(refused.error).__name__
        except PowerCut:
            self.central_died()
            return "central died"
        return "taken"

    def deliver(self) -> str:
        """More pieces of a late stream come; answers what became of them."""
        if not self.late:
            return "nothing"
        late = self.late.pop(self.draw.randrange(len(self.late)))
        try:
            for _ in range(self.draw.randint(1, 4)):
                if not late.pieces:
                    self.desk.finish(late.stream)
                    return "finished"
                self.desk.feed(late.stream, late.pieces.pop(0))
        except Refused as refused:
            return type(refused.error).__name__
        except PowerCut:
            self.central_died()
            return "central died"
        self.late.append(late)
        return "fed"


@dataclass(slots=True)
class _Outgoing:
    """A request that is about to be sent; what signs requests asks for no more."""

    method: str | None
    url: str | None
    headers: MutableMapping[str, str]


class MemoryLink(Link):
    """One node's link.

    Args:
        wires: all links.
        box: the node's.
    """

    def __init__(self, wires: Wires, box: NodeBox) -> None:
        self._wires = wires
        self._box = box

    def close(self) -> None:
        """See `Link.close`."""

    def abort(self) -> None:
        """See `Link.abort`. Steps are taken one after the other here: nothing is asked just now."""

    def call(
        self,
        method: str,
        path: str,
        *,
        limit: int,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        sign: Callable[[requests.PreparedRequest], None] | None = None,
    ) -> Reply:
        """See `Link.call`."""
        wires, weather = self._wires, self._wires.weather
        self._box.power.moment(f"before {path}")
        outgoing = _Outgoing(method, URL + path, dict(headers or {}))
        if sign is not None:
            sign(outgoing)  # type: ignore[arg-type]
        if not weather.is_up or wires.desk.box.central is None or wires.chance(weather.lose):
            raise LinkDown("Central was not reached.")
        try:
            if isinstance(body, Iterator):
                reply = self._stream(Request(method, path, outgoing.headers), body)
            else:
                request = Request(method, path, outgoing.headers, wires.flip(body or b"", self._box))
                wires.keep(request)
                if wires.chance(weather.late_request):
                    raise LinkDown("The request is late.")
                reply = wires.desk.ask(request)
        except PowerCut as cut:
            if cut.power is self._box.power:
                raise
            wires.central_died()
            raise LinkDown("Central died.") from None
        except Refused as refused:
            # A bit that flips is a link that breaks, under TLS: the node is not judged by it.
            if self._box.name not in wires.flipped:
                self._judge(refused)
            raise refused.at_the_node from None
        self._box.power.moment(f"after {path}")
        if wires.chance(weather.lose_answer):
            raise LinkDown("The answer was lost.")
        return reply

    def _judge(self, refused: Refused) -> None:
        wires = self._wires
        try:
            wires.desk.judge(self._box.journal, refused)
        except PowerCut:
            wires.central_died()

    def _stream(self, request: Request, body: Iterator[bytes]) -> Reply:
        wires, weather = self._wires, self._wires.weather
        stream = wires.desk.open(request, side_by_side=wires.chance(weather.side_by_side))
        held: list[bytes] = []
        sent: list[bytes] = []
        held_back, late = wires.chance(weather.hold_back), wires.chance(weather.late_stream)
        for piece in body:
            self._box.power.moment("a piece of a stream")
            piece = wires.flip(piece, self._box)
            sent.append(piece)
            if wires.chance(weather.cut):
                # Some of what left reaches central, perhaps much later.
                arriving = sent[-1][: wires.draw.randrange(len(piece) + 1)]
                if late:
                    wires.late.append(Late(stream, [*held, arriving]))
                elif not held:
                    wires.desk.feed(stream, arriving)
                raise LinkDown("The link broke.")
            if held_back or late:
                held.append(piece)
            else:
                wires.desk.feed(stream, piece)
            wires.between(self._box)
        if late:
            wires.late.append(Late(stream, held))
            raise LinkDown("The link broke.")
        for piece in held:
            wires.desk.feed(stream, piece)
        wires.keep(Request(request.method, request.path, request.headers, b"".join(sent)))
        return wires.desk.finish(stream)
