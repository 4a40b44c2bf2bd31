"""Who is signed in to the pages: by a cookie after the sign-in page, or by HTTP Basic (RFC 7617) with each request.

Sign-ins live in memory; a central that was started again knows none. A cookie's value is 32 random bytes, and only its
hash is kept. Whoever gets another password, or is removed, is signed out by that.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sync.central.viewers import Tries, Viewers

COOKIE: Final = "__Host-sanad"
TOKEN_BYTES: Final = 32
LIFE_S: Final = 12 * 3600.0
"""After so long everybody signs in again."""
MAX_SIGNED_IN: Final = 256
BASIC_S: Final = 600.0
"""For so long a password that came with a request and was right is not checked anew: scrapers ask all the time."""


@dataclass(frozen=True, slots=True)
class _SignedIn:
    name: str
    standing: str
    until_s: float


class SignIns:
    """Sign-ins at one central, for several threads.

    Args:
        viewers: who may sign in.
        monotonic_s: seconds on a clock that nobody can set.
        random: a cryptographic source of random bytes.
    """

    def __init__(self, viewers: Viewers, monotonic_s: Callable[[], float], random: Callable[[int], bytes]) -> None:
        self._viewers = viewers
        self._now_s = monotonic_s
        self._random = random
        self._key = random(TOKEN_BYTES)
        self._guard = threading.Lock()
        self._signed_in: OrderedDict[bytes, _SignedIn] = OrderedDict()
        self._tries = Tries(monotonic_s)

    def begin(self, name: str, password: str, address: str) -> str | None:
        """Sign somebody in; answers the cookie's value, or None where name or password are wrong.

        Raises:
            TooManyTries: too many were tried.
        """
        self._tries.count(address)
        if not self._viewers.check(name, password):
            return None
        self._tries.forget(address)
        token = self._random(TOKEN_BYTES).hex()
        self._keep(self._digest(token), name, LIFE_S)
        return token

    def end(self, token: str) -> None:
        """Sign somebody out."""
        with self._guard:
            self._signed_in.pop(self._digest(token), None)

    def viewer(self, token: str) -> str | None:
        """Who is signed in by this cookie; None where nobody is."""
        return self._known(self._digest(token))

    def basic(self, header: str, address: str) -> str | None:
        """Who asks, by an `Authorization` header; None where that is nobody.

        Raises:
            TooManyTries: too many were tried.
        """
        scheme, _, encoded = header.partition(" ")
        try:
            name, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        if scheme.lower() != "basic" or not name:
            return None
        digest = self._digest(f"basic {encoded.strip()}")
        if (known := self._known(digest)) is not None:
            return known
        self._tries.count(address)
        if not self._viewers.check(name, password):
            return None
        self._tries.forget(address)
        self._keep(digest, name, BASIC_S)
        return name

    def _keep(self, digest: bytes, name: str, life_s: float) -> None:
        signed_in = _SignedIn(name, self._viewers.standing(name) or "", self._now_s() + life_s)
        with self._guard:
            self._signed_in[digest] = signed_in
            while len(self._signed_in) > MAX_SIGNED_IN:
                self._signed_in.popitem(last=False)

    def _known(self, digest: bytes) -> str | None:
        with self._guard:
            found = self._signed_in.get(digest)
            if found is not None and self._now_s() > found.until_s:
                del self._signed_in[digest]
                found = None
        if found is None or self._viewers.standing(found.name) != found.standing:
            return None
        return found.name

    def _digest(self, token: str) -> bytes:
        # Keyed, so that how long a look takes says nothing about what is known.
        return hmac.digest(self._key, hashlib.sha256(token.encode()).digest(), "sha256")
