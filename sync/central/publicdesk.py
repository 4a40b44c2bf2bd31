"""What central gives to anybody who asks: its public lists and its X.509 revocation list. Both prove themselves."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Protocol, TypeVar

from fastapi import Request, Response

from sync.central.inflow import Body
from sync.central.publishing import Publication
from sync.central.trust import Trust

LEVEL: Final = 1
"""Of compression (gzip, RFC 1952): more gains little on certificates."""

_TEXT: Final = "text/plain; charset=utf-8"
_CRL: Final = "application/pkix-crl"
_PUBLIC: Final = {"cache-control": "no-cache", "access-control-allow-origin": "*", "vary": "accept-encoding"}

T = TypeVar("T")


class Runs(Protocol):
    """Does in a thread what blocks."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Do it; what it raises is raised."""


class PublicDesk:
    """The routes that need no signature.

    Args:
        trust: central's.
        run: does in a thread what blocks.
    """

    def __init__(self, trust: Trust, run: Runs) -> None:
        self._trust = trust
        self._run = run
        self._packed: tuple[str, bytes] | None = None

    async def lists(self, request: Request, _body: Body) -> Response:
        """The public lists; compressed for whoever can take that, and nothing for whoever has them."""
        found: Publication = await self._run(self._trust.current)
        headers = {**_PUBLIC, "etag": found.etag}
        if found.etag in _listed(request, "if-none-match"):
            return Response(None, HTTPStatus.NOT_MODIFIED, headers)
        if "gzip" in _listed(request, "accept-encoding"):
            packed = await self._run(lambda: self._pack(found))
            return Response(packed, HTTPStatus.OK, {**headers, "content-encoding": "gzip"}, _TEXT)
        return Response(found.content, HTTPStatus.OK, headers, _TEXT)

    async def crl(self, _request: Request, _body: Body) -> Response:
        """The authority's revocation list."""
        return Response(await self._run(self._trust.crl), HTTPStatus.OK, _PUBLIC, _CRL)

    def _pack(self, found: Publication) -> bytes:
        packed = self._packed
        if packed is None or packed[0] != found.etag:
            packed = found.etag, gzip.compress(found.content, LEVEL, mtime=0)
            self._packed = packed
        return packed[1]


def _listed(request: Request, name: str) -> frozenset[str]:
    """What a header lists, without weights and without the mark of weak comparison (RFC 9110, section 8.8.3.2)."""
    parts = ",".join(request.headers.getlist(name)).split(",")
    return frozenset(part.split(";")[0].strip().removeprefix("W/") for part in parts)
