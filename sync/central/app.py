"""Central's HTTPS side: thin routes. What blocks runs in threads (`pools`); what refuses becomes JSON.

Nothing of a body, a name or a message of another program is logged: journals (which are random), sizes and codes are.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from typing import BinaryIO, Final, TypeVar

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from appliance.certificates.listsfile import MAX_LISTS
from appliance.journal import ids
from appliance.journal.errors import BugError, IntegrityError, SanadError
from appliance.journal.ids import BlobDigest, JournalId
from appliance.records.failures import StorageFull
from sync import signatures, stampwire, wire
from sync.central.central import Central
from sync.central.inflow import STREAM, Body, Turns, pump, read_body, read_lane
from sync.central.news import NEWS_HOLD_S, NEWS_LOOK_S, Bells, lacks, read_known, told
from sync.central.pages.desk import PageDesk
from sync.central.pools import FEW_QUEUED, MAX_AT_ONCE, MAX_QUEUED, Pools, Shares, Work
from sync.central.publicdesk import PublicDesk, Runs
from sync.central.registry import Node
from sync.central.sightings import FLUSH_S
from sync.invite import MAX_ENROL
from sync.refusals import BadRequest, Busy, CentralCannotStore, Cut, Quarantined, TakenOver, TooSlow, to_wire
from sync.signatures import Claims

PUBLISH_S: Final = 300.0
"""Between looks whether the public lists are to be made anew."""

ANSWER_WITHIN_S: Final = 5.0
"""How long the end of a stream waits for what central answers to its entries; no thread is held for it."""
MAX_ENROLLING: Final = 16
"""Strangers' enrolments that are read at once; each is up to `MAX_ENROL` bytes."""
FEED_BYTES: Final = 64 * 1024
"""Of a stream that are stored at a time: then others have their turn."""
SEND_BYTES: Final = 256 * 1024
"""Of a sealed file that are read at a time."""

_SIZE: Final = re.compile(r"[0-9]{1,15}")
_HEARD_LATER: Final = (IntegrityError, CentralCannotStore)
"""What a sender that is cut off by it is to hear at its next session."""
_FRAMES: Final = "application/x-sanad-frames"
_SEALED: Final = "application/octet-stream"
_JSON: Final = "application/json"
_log = structlog.get_logger(__name__)

T = TypeVar("T")
Route = Callable[[Request, Body], Awaitable[Response]]


class _Desk:
    """The routes of one central."""

    def __init__(self, central: Central) -> None:
        self._central = central
        self._pools = Pools()
        self._shares = Shares(MAX_AT_ONCE, MAX_QUEUED)
        self._bulks = Shares(1, FEW_QUEUED)
        self._files = Shares(1, FEW_QUEUED)
        self._stamps = Shares(1, MAX_QUEUED)
        self._enrolling = 0
        self._turns = Turns()
        self._bells = Bells()
        self._unheard: dict[JournalId, SanadError] = {}

    @asynccontextmanager
    async def lifespan(self, _app: FastAPI) -> AsyncIterator[None]:
        kept = [asyncio.create_task(each) for each in (self._keep_published(), self._keep_sightings())]
        yield
        for task in kept:
            task.cancel()
        self._pools.close()

    def wind_down(self) -> None:
        """Central stops: answer those who wait, and end the streams once what they brought is stored."""
        self._bells.close()
        self._turns.close()

    async def health(self, _request: Request, _body: Body) -> Response:
        """Whether central can read its archive."""
        await self._pools.run(Work.HEALTH, self._central.check)
        return _json({"status": "ok"})

    async def ready(self, _request: Request, _body: Body) -> Response:
        """Whether central can take and keep what nodes send."""
        reasons = await self._pools.run(Work.READY, self._central.readiness.reasons)
        if reasons:
            answer = {"status": "not ready", "reasons": reasons}
            return _json(answer, HTTPStatus.SERVICE_UNAVAILABLE)
        return _json({"status": "ready"})

    async def challenge(self, request: Request, _body: Body) -> Response:
        journal = request.headers.get(signatures.JOURNAL_HEADER, "")
        if not ids.ENTITY_ID.fullmatch(journal):
            raise BadRequest("A request names no journal.")
        return _json(wire.ChallengeAnswer(self._central.challenge(JournalId(journal))))

    async def enrol(self, _request: Request, body: Body) -> Response:
        if self._enrolling >= MAX_ENROLLING:
            raise Busy("Too many nodes enrol at once.", "Try again in a minute.")
        self._enrolling += 1
        try:
            asked = await read_body(body, MAX_ENROL)
            answer = await self._pools.run(Work.ENROL, lambda: self._central.enrol(asked))
        finally:
            self._enrolling -= 1
        return Response(answer, media_type=_JSON)

    async def session(self, request: Request, body: Body) -> Response:
        node, claims = await self._authenticate(request, held=True)
        asked = await read_body(body, wire.MAX_SESSION)
        unheard = self._unheard.pop(node.journal, None)
        if unheard is not None:
            request.state.said_before = True
            raise unheard
        await self._turns.end(node.journal)
        answer = await self._for(node, lambda: self._central.session(node, claims, asked))
        _log.info("session", journal=node.journal, offered=claims.offered, stored=answer.stored, staged=answer.staged)
        return _json(answer)

    async def orders(self, request: Request, _body: Body) -> Response:
        node, _ = await self._authenticate(request, held=True)
        start = request.query_params.get("from", "")
        if not _SIZE.fullmatch(start):
            raise BadRequest("A request for orders does not say from where.")
        async with self._bulks.of(node.journal):
            stream = await self._pools.run(Work.BULK, lambda: self._central.orders_stream(node, int(start)))
        headers = {wire.CHALLENGE_HEADER: self._central.challenge(node.journal)}
        return Response(stream, media_type=_FRAMES, headers=headers)

    async def orders_back(self, request: Request, body: Body) -> Response:
        """Take back orders that central lost."""
        node, _ = await self._authenticate(request, held=True)
        async with self._bulks.of(node.journal):
            orders = await read_body(body, wire.MAX_ORDERS_STREAM)
            size = await self._pools.run(Work.BULK, lambda: self._central.take_orders_back(node, orders))
        return _json({"orders": size}, headers={wire.CHALLENGE_HEADER: self._central.challenge(node.journal)})

    async def news(self, request: Request, _body: Body) -> Response:
        """What central has of a node, as soon as the node does not know it; the same as before after a while."""
        node, claims = await self._authenticate(request)
        known, report = read_known(request.query_params)
        self._central.fleet.told(node.journal, report)
        deadline = asyncio.get_running_loop().time() + NEWS_HOLD_S
        while True:
            bell = self._bells.of(node.journal)
            answer = await self._for(node, lambda: self._central.state(node, claims, known.passed))
            left = deadline - asyncio.get_running_loop().time()
            if lacks(known, answer) or left <= 0 or self._bells.closed:
                return _json(told(known, answer))
            # Orders may also be given by another process, which rings no bell here.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, NEWS_LOOK_S)):
                    await bell.wait()

    async def stream(self, request: Request, body: Body) -> Response:
        return _json(await self._streamed(request, body, STREAM))

    async def lane(self, request: Request, body: Body) -> Response:
        """Take pieces of sealed files beside the node's stream."""
        answer = await self._streamed(request, body, read_lane(request.query_params))
        return _json(msgspec.structs.replace(answer, wanted=answer.wanted[: wire.FEW_WANTED]))

    async def _streamed(self, request: Request, body: Body, lane: int) -> wire.StateAnswer:
        node, claims = await self._authenticate(request)
        loop = asyncio.get_running_loop()

        def ring() -> None:
            loop.call_soon_threadsafe(self._bells.ring, node.journal)

        async with self._turns.stream(node.journal, lane) as inflow:
            ingest = await self._for(node, lambda: self._central.ingest(node, claims, ring, lane=lane != STREAM))

            async def feed(data: bytes) -> None:
                for at in range(0, len(data), FEED_BYTES):
                    await self._for(node, partial(ingest.feed, data[at : at + FEED_BYTES]))

            await pump(body, inflow, feed)
            if ingest.asks:
                # So that the answer comes with this session; where the fold is long, it comes with the next one.
                folded = asyncio.wrap_future(self._central.index.soon(node.journal))
                await asyncio.wait([folded], timeout=ANSWER_WITHIN_S)
            answer = await self._for(node, lambda: self._central.finish(node, ingest))
        _log.info("stream", journal=node.journal, lane=lane, stored=answer.stored, wanted=len(answer.wanted))
        return answer

    async def blob(self, request: Request, _body: Body) -> Response:
        """Give a node a sealed file that it does not keep any more."""
        node, _ = await self._authenticate(request)
        digest = request.query_params.get("digest", "")
        if not ids.DIGEST.fullmatch(digest):
            raise BadRequest("A request for a sealed file does not name it.")
        # Held until all is sent, piece by piece: whoever asks for many and reads none costs central one open file.
        held = contextlib.AsyncExitStack()
        await held.enter_async_context(self._files.of(node.journal))
        try:
            sealed, size = await self._pools.run(
                Work.BULK, lambda: self._central.archive.sealed(node.journal, BlobDigest(digest))
            )
        except BaseException:
            await held.aclose()
            raise
        headers = {wire.CHALLENGE_HEADER: self._central.challenge(node.journal), "content-length": str(size)}
        held.callback(sealed.close)
        return _Held(self._pieces(sealed), held, headers)

    async def _pieces(self, sealed: BinaryIO) -> AsyncIterator[bytes]:
        while piece := await self._pools.run(Work.BULK, lambda: sealed.read(SEND_BYTES)):
            yield piece

    async def lists_back(self, request: Request, body: Body) -> Response:
        """Take back public lists that central lost."""
        node, _ = await self._authenticate(request)
        async with self._bulks.of(node.journal):
            content = await read_body(body, MAX_LISTS)
            taken = await self._pools.run(Work.BULK, lambda: self._central.trust.take(content))
        return _json({"taken": taken}, headers={wire.CHALLENGE_HEADER: self._central.challenge(node.journal)})

    async def validation(self, request: Request, _body: Body) -> Response:
        node, _ = await self._authenticate(request)
        async with self._stamps.of(node.journal):
            return _json(await self._pools.run(Work.STAMPS, lambda: self._central.stamps.validation(node.journal)))

    async def timestamp(self, request: Request, body: Body) -> Response:
        node, _ = await self._authenticate(request)
        asked = await read_body(body, stampwire.MAX_STAMPS_ASKED)
        async with self._stamps.of(node.journal):
            return _json(await self._pools.run(Work.STAMPS, lambda: self._central.stamps.stamp(node.journal, asked)))

    async def refuse(self, request: Request, body: Body, refused: SanadError) -> Response:
        """Say no. A sender that was cut off in the middle of a long stream hears why at its next session."""
        if isinstance(refused, StorageFull):
            refused = CentralCannotStore(
                "Central's disk is full; what it cannot store, it does not acknowledge.",
                "The node keeps it, and tries again by itself. Tell central IT to make room.",
            )
        status, words = to_wire(refused)
        journal: JournalId | None = getattr(request.state, "journal", None)
        _log.warning("refused", path=request.url.path, journal=journal, code=words.error, error=type(refused).__name__)
        if not isinstance(refused, Cut | TooSlow | TakenOver):
            await body.drain()
        if journal is not None and not hasattr(request.state, "said_before"):
            stopped = await self.run(lambda: self._central.fleet.refused(journal, refused))
            if stopped:
                _log.error("quarantined", journal=journal, code=words.error)
                self._turns.stop(journal, refused)
            elif not body.ended and isinstance(refused, _HEARD_LATER) and not isinstance(refused, Quarantined):
                self._unheard[journal] = refused
        return _json(words, status, {"connection": "close"})

    def guarded(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        """The route, with everything that it raises turned into an answer."""

        async def answer(request: Request) -> Response:
            body = Body(request.receive)
            try:
                return await route(request, body)
            except SanadError as error:
                return await self.refuse(request, body, error)
            except Exception as error:  # noqa: BLE001  (the outermost edge; its words may quote a citizen, its kind cannot)
                _log.error("bug", path=request.url.path, error=type(error).__name__, place=_place(error))
                return await self.refuse(request, body, BugError("Something unforeseen happened."))

        return answer

    async def _keep_published(self) -> None:
        """Look again and again whether there is more to say in public, also where nobody asks."""
        while True:
            try:
                await self._pools.run(Work.LISTS, self._central.trust.publish)
            except Exception as error:  # noqa: BLE001  (nobody waits for it; the next look may go well)
                _log.error("the lists were not published", error=type(error).__name__, place=_place(error))
            await asyncio.sleep(PUBLISH_S)

    async def _keep_sightings(self) -> None:
        """Write again and again what was seen of nodes."""
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.run(self._central.fleet.sightings.flush)
            except SanadError as error:
                _log.error("what was seen of nodes was not written", error=type(error).__name__)

    async def _authenticate(self, request: Request, *, held: bool = False) -> tuple[Node, Claims]:
        target = request.scope["raw_path"].decode("latin-1")
        if query := request.scope["query_string"].decode("latin-1"):
            target += f"?{query}"
        incoming = signatures.incoming(request.method, self._central.url + target, request.headers.raw)
        node, claims = await self.run(lambda: self._central.authenticate(incoming, held=held))
        request.state.journal = node.journal
        return node, claims

    async def run(self, what: Callable[[], T]) -> T:
        """Do what blocks for some milliseconds, in a thread."""
        return await self._pools.run(Work.NODES, what)

    async def _for(self, node: Node, what: Callable[[], T]) -> T:
        """Do it when it is this node's turn.

        Raises:
            Busy: too much of this node's waits already.
        """
        async with self._shares.of(node.journal):
            return await self.run(what)

    def runs(self, work: Work) -> Runs:
        """Does in threads of one kind what blocks."""

        def run(what: Callable[[], T]) -> Awaitable[T]:
            return self._pools.run(work, what)

        return run


class _Held(StreamingResponse):
    """A sealed file on its way; what is held for it is let go when it is sent, or nobody takes it."""

    def __init__(self, pieces: AsyncIterator[bytes], held: contextlib.AsyncExitStack, headers: dict[str, str]) -> None:
        super().__init__(pieces, HTTPStatus.OK, headers, _SEALED)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        async with self._held:
            await super().__call__(scope, receive, send)


def make_app(central: Central) -> FastAPI:
    """Make the application that serves this central."""
    desk = _Desk(central)
    public = PublicDesk(central.trust, desk.runs(Work.LISTS))
    pages = PageDesk(central, desk.runs(Work.PEOPLE), version("sanad"))
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=desk.lifespan)
    routes: tuple[tuple[str, str, Route], ...] = (
        ("GET", wire.HEALTH, desk.health),
        ("GET", wire.READY, desk.ready),
        ("GET", wire.CHALLENGE, desk.challenge),
        ("GET", wire.ORDERS, desk.orders),
        ("POST", wire.ORDERS, desk.orders_back),
        ("GET", wire.NEWS, desk.news),
        ("GET", wire.BLOB, desk.blob),
        ("POST", wire.SESSION, desk.session),
        ("POST", wire.STREAM, desk.stream),
        ("POST", wire.LANE, desk.lane),
        ("POST", wire.ENROL, desk.enrol),
        ("GET", wire.LISTS, public.lists),
        ("GET", wire.CRL, public.crl),
        ("POST", wire.LISTS, desk.lists_back),
        ("GET", stampwire.VALIDATION, desk.validation),
        ("POST", stampwire.TIMESTAMP, desk.timestamp),
    )
    app.state.wind_down = desk.wind_down
    for method, path, route in routes:
        app.add_route(path, desk.guarded(route), methods=[method])
    for method, path, page in pages.routes():
        app.add_route(path, pages.guarded(page), methods=[method])
    app.add_exception_handler(HTTPException, _unknown)
    return app


async def _unknown(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    _, answer = to_wire(BadRequest("Central answers nothing here.", "Bring node and central to one version."))
    return _json(answer, status)


def _json(value: object, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, _JSON)


def _place(error: BaseException) -> str:
    """The line of code that raised, without anything of the data."""
    trace = error.__traceback__
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
