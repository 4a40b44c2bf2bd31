"""The routes of central's pages: read only, behind a sign-in, and no other page may frame or script them."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib import resources
from typing import Final, TypeVar
from urllib.parse import parse_qs

import structlog
from fastapi import Request, Response

from appliance.journal.errors import SanadError
from sync.central.central import Central
from sync.central.inflow import Body, read_body
from sync.central.metrics import CONTENT_TYPE, Metrics
from sync.central.pages.listing import listing, read_asked
from sync.central.pages.rendering import NodePage, Renderer
from sync.central.pages.signin import COOKIE, LIFE_S, SignIns
from sync.central.publicdesk import Runs
from sync.central.viewers import TooManyTries

MAX_FORM: Final = 4096
"""Bytes of a sign-in."""
HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
ASSETS: Final = {
    "fleet.css": "text/css; charset=utf-8",
    "fleet.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_HTML: Final = "text/html; charset=utf-8"
_COOKIE: Final = f"{COOKIE}={{}}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={{}}"
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "via", "x-real-ip")
_log = structlog.get_logger(__name__)

T = TypeVar("T")
Page = Callable[[Request, Body], Awaitable[Response]]


class PageDesk:
    """The pages of one central.

    Args:
        central: whose nodes they show.
        run: does in a thread what blocks.
        software: central's version.
    """

    def __init__(self, central: Central, run: Runs, software: str) -> None:
        self._central = central
        self._run = run
        self._renderer = Renderer(central.name, software)
        self._signins = SignIns(central.viewers, central.monotonic_s, central.random)
        self._metrics = Metrics(central.fleet.view, software)
        static = resources.files("sync.central.pages").joinpath("static")
        self._assets = {name: static.joinpath(name).read_bytes() for name in ASSETS}

    def routes(self) -> tuple[tuple[str, str, Page], ...]:
        """Method, path and page."""
        return (
            ("GET", "/", self.front),
            ("GET", "/signin", self.sign_in_page),
            ("POST", "/signin", self.sign_in),
            ("POST", "/signout", self.sign_out),
            ("GET", "/static/{name}", self.asset),
            ("GET", "/fleet", self.seen(self.fleet)),
            ("GET", "/fleet/table", self.seen(self.fleet_table)),
            ("GET", "/fleet/nodes/{journal}", self.seen(self.node)),
            ("GET", "/fleet/nodes/{journal}/facts", self.seen(self.node_facts)),
            ("GET", "/metrics", self.metrics),
        )

    async def front(self, _request: Request, _body: Body) -> Response:
        """To the list of nodes."""
        return _to("/fleet")

    async def asset(self, request: Request, _body: Body) -> Response:
        """The style sheet, the script, or the icon."""
        name = request.path_params["name"]
        if name not in self._assets:
            return self._no("There is nothing here", "The address is not one of central's pages.")
        headers = HEADERS | {"cache-control": "no-cache"}
        return Response(self._assets[name], HTTPStatus.OK, headers, ASSETS[name])

    async def sign_in_page(self, _request: Request, _body: Body) -> Response:
        """Where people sign in."""
        return _html(self._renderer.sign_in(""))

    async def sign_in(self, request: Request, body: Body) -> Response:
        """Somebody signs in."""
        form = parse_qs((await read_body(body, MAX_FORM)).decode("utf-8", "replace"), max_num_fields=4)
        if not self._same_origin(request):
            return self._no(
                "No", "This sign-in came from another page. Open the sign-in yourself.", HTTPStatus.FORBIDDEN
            )
        name, password = form.get("name", [""])[0].strip(), form.get("password", [""])[0].strip()
        try:
            token = await self._run(lambda: self._signins.begin(name, password, _address(request)))
        except TooManyTries as error:
            return _html(self._renderer.sign_in(str(error)), HTTPStatus.TOO_MANY_REQUESTS)
        if token is None:
            _log.warning("not signed in")
            return _html(self._renderer.sign_in("Name or password is not right."), HTTPStatus.FORBIDDEN)
        return _to("/fleet", {"set-cookie": _COOKIE.format(token, int(LIFE_S))})

    async def sign_out(self, request: Request, _body: Body) -> Response:
        """Somebody signs out."""
        self._signins.end(request.cookies.get(COOKIE, ""))
        return _to("/signin", {"set-cookie": _COOKIE.format("", 0)})

    async def fleet(self, request: Request, viewer: str) -> Response:
        """All nodes."""
        asked = read_asked(request.query_params)

        def render() -> str:
            view = self._central.fleet.view()
            return self._renderer.fleet(view, listing(view, asked), viewer)

        return _html(await self._run(render))

    async def fleet_table(self, request: Request, _viewer: str) -> Response:
        """What changes on the page of all nodes."""
        asked = read_asked(request.query_params)

        def render() -> str:
            view = self._central.fleet.view()
            return self._renderer.fleet_table(view, listing(view, asked))

        return _html(await self._run(render))

    async def node(self, request: Request, viewer: str) -> Response:
        """One node."""
        page = await self._run(lambda: self._page(request.path_params["journal"]))
        if page is None:
            return self._no("There is no such node", "No node with this journal is enrolled.")
        return _html(await self._run(lambda: self._renderer.node(self._central.fleet.view(), page, viewer)))

    async def node_facts(self, request: Request, _viewer: str) -> Response:
        """What changes on a node's page."""
        page = await self._run(lambda: self._page(request.path_params["journal"]))
        if page is None:
            return self._no("There is no such node", "No node with this journal is enrolled.")
        return _html(await self._run(lambda: self._renderer.node_facts(self._central.fleet.view(), page)))

    async def metrics(self, request: Request, _body: Body) -> Response:
        """For Prometheus: open to this machine itself, with a viewer's password from elsewhere."""
        if not _is_local(request) and await self._viewer(request) is None:
            headers = HEADERS | {"www-authenticate": 'Basic realm="Sanad central", charset="UTF-8"'}
            return Response("Sign in.\n", HTTPStatus.UNAUTHORIZED, headers, "text/plain; charset=utf-8")
        return Response(await self._run(self._metrics.text), HTTPStatus.OK, HEADERS, CONTENT_TYPE)

    def seen(self, page: Callable[[Request, str], Awaitable[Response]]) -> Page:
        """The page, for those who are signed in."""

        async def answer(request: Request, _body: Body) -> Response:
            viewer = await self._viewer(request)
            if viewer is not None:
                return await page(request, viewer)
            if "x-live" in request.headers:
                return Response(None, HTTPStatus.UNAUTHORIZED, HEADERS)
            return _to("/signin")

        return answer

    def guarded(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """The page, with what it raises turned into one that says so."""

        async def answer(request: Request) -> Response:
            try:
                return await page(request, Body(request.receive))
            except TooManyTries as error:
                return self._no("Too many tries", str(error), HTTPStatus.TOO_MANY_REQUESTS)
            except SanadError as error:
                _log.error("no page", error=type(error).__name__)
                return self._no("Central is in trouble", str(error), HTTPStatus.SERVICE_UNAVAILABLE)
            except Exception as error:  # noqa: BLE001  (the outermost edge)
                _log.error("bug", path=request.url.path, error=type(error).__name__)
                return self._no("Something is wrong", "Tell the developers.", HTTPStatus.INTERNAL_SERVER_ERROR)

        return answer

    async def _viewer(self, request: Request) -> str | None:
        token, header = request.cookies.get(COOKIE, ""), request.headers.get("authorization", "")
        if header:
            return await self._run(lambda: self._signins.basic(header, _address(request)))
        return await self._run(lambda: self._signins.viewer(token)) if token else None

    def _page(self, journal: str) -> NodePage | None:
        view = self._central.fleet.node(journal)
        if view is None:
            return None
        coming, acts = self._central.fleet.coming(view.journal), self._central.fleet.acts(view.journal)
        return NodePage(view, coming, acts, self._central.fingerprint_of(view.journal))

    def _same_origin(self, request: Request) -> bool:
        """Whether a form came from a page of central's own; browsers say so, and only they are to be misled."""
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")

    def _no(self, title: str, sentence: str, status: HTTPStatus = HTTPStatus.NOT_FOUND) -> Response:
        return _html(self._renderer.refusal(title, sentence), status)


def _html(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(text, status, HEADERS, _HTML)


def _to(place: str, headers: dict[str, str] | None = None) -> Response:
    return Response(None, HTTPStatus.SEE_OTHER, HEADERS | {"location": place} | (headers or {}))


def _address(request: Request) -> str:
    return "" if request.client is None else request.client.host


def _is_local(request: Request) -> bool:
    """Whether this machine itself asks, and nothing on it asks for somebody else."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(_address(request)).is_loopback
    except ValueError:
        return False
