"""What central gives to anybody who asks: its public lists and its X.509 revocation list. Both prove themselves."""

from __future__ import annotations

import gzip
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Protocol, TypeVar

from fastapi import Request, Response

from sync.central.inflow import Body
from sync.central.publishing import Publication
from sync.central.trust import Trust
from sync.lines import make_delta
from sync.listsfetch import MANIPULATION

LEVEL: Final = 1
"""Of compression (gzip, RFC 1952): more gains little on certificates."""

KEPT_CHANGES: Final = 256
"""Publications back from which a client is given only what changed: some months, as a rule."""

_TEXT: Final = "text/plain; charset=utf-8"
_CRL: Final = "application/pkix-crl"
_PUBLIC: Final = {
    "cache-control": "no-cache",
    "access-control-allow-origin": "*",
    "vary": "accept-encoding, a-im, if-none-match",
}

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
        self._guard = threading.Lock()
        self._newest: Publication | None = None
        self._deltas: deque[tuple[str, bytes]] = deque(maxlen=KEPT_CHANGES)
        """What changed since each publication that was served here, the last one last."""

    async def lists(self, request: Request, _body: Body) -> Response:
        """The public lists; compressed for whoever can take that, and nothing for whoever has them."""
        found: Publication = await self._run(self._trust.current)
        headers = {**_PUBLIC, "etag": found.etag}
        held = _listed(request, "if-none-match")
        if found.etag in held:
            return Response(None, HTTPStatus.NOT_MODIFIED, headers)
        changes = await self._run(lambda: self._changes(found, held))
        if changes is not None and MANIPULATION in _listed(request, "a-im"):
            delta = {"im": MANIPULATION, "delta-base": changes[0], "cache-control": "no-store"}
            return Response(changes[1], HTTPStatus.IM_USED, {**headers, **delta}, _TEXT)
        if "gzip" in _listed(request, "accept-encoding"):
            packed = await self._run(lambda: self._pack(found))
            return Response(packed, HTTPStatus.OK, {**headers, "content-encoding": "gzip"}, _TEXT)
        return Response(found.content, HTTPStatus.OK, headers, _TEXT)

    async def crl(self, _request: Request, _body: Body) -> Response:
        """The authority's revocation list."""
        return Response(await self._run(self._trust.crl), HTTPStatus.OK, _PUBLIC, _CRL)

    def _changes(self, found: Publication, held: frozenset[str]) -> tuple[str, bytes] | None:
        """What leads from what a client has to `found`; None where that is not known, or not less than the whole."""
        with self._guard:
            if self._newest is None or self._newest.lists.number < found.lists.number:
                if self._newest is not None:
                    self._deltas.append((self._newest.etag, make_delta(self._newest.content, found.content)))
                self._newest = found
            if self._newest.etag != found.etag:
                return None
            deltas = list(self._deltas)
        for place, (base, _) in enumerate(deltas):
            if base in held:
                changes = b"".join(delta for _, delta in deltas[place:])
                return (base, changes) if len(changes) < len(found.content) else None
        return None

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
