"""A timestamp service outside, which central asks for its nodes: they may reach central and nobody else.

Its certificates and their revocation lists must lie in a document before the timestamp does, so central asks for one
timestamp over nothing in particular first, and remembers for a while by which certificates it came. What comes back is
judged here as a node judges it, so that a service that went wrong is noticed once, and not at every node.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import requests
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.certificates import chains
from appliance.certificates.chains import BadChain
from appliance.certificates.timestamps import (
    MAX_RESPONSE,
    NONCE_BYTES,
    Believed,
    Request,
    Stamp,
    StampRefused,
    check_response,
    make_request,
)
from appliance.certificates.timestamptokens import BadTimestamp
from appliance.journal.errors import SanadError
from appliance.records.moment import Clock
from sync.central.timestamping import BAD_REQUEST, RequestRefused, Service, read_request, refusal
from sync.refusals import NoTimestamp

CONNECT_TIMEOUT_S: Final = 10.0
READ_TIMEOUT_S: Final = 20.0
REMEMBER_S: Final = 3600.0
"""How long it is believed to stamp by the same certificates, and their revocation lists to be the newest."""
AT_ONCE: Final = 2
"""Requests to it at a time: each keeps one of central's threads waiting."""
WAIT_S: Final = 30.0
"""For another request to it to end."""
TOLERANCE: Final = timedelta(minutes=5)
"""How far its clock may be from central's."""
SLACK: Final = 256
"""Bytes by which its timestamps may grow."""
MAX_LISTS: Final = 8
_CHUNK: Final = 16 * 1024
_LATER: Final = "The node asks again by itself. If this lasts, central IT looks at [timestamps] in central.toml."


class OutsideTimestamps:
    """A service that speaks RFC 3161 over HTTP (section 3.4).

    Args:
        url: where.
        authorities: by which its certificates must be, DER; all of them are believed.
        policy: under which it must stamp; None where any will do.
        clock: what time it is.
        monotonic_s: seconds on a clock that nobody can set.
        random: a cryptographic source of random bytes.
    """

    def __init__(
        self,
        url: str,
        authorities: tuple[bytes, ...],
        policy: str | None,
        *,
        clock: Clock,
        monotonic_s: Callable[[], float],
        random: Callable[[int], bytes],
    ) -> None:
        self._url = url
        self._authorities = authorities
        self._policy = policy
        self._clock = clock
        self._monotonic_s = monotonic_s
        self._random = random
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._known: tuple[Service, float] | None = None

    @property
    def remembered(self) -> Service | None:
        """See `Timestamps`."""
        return None if self._known is None else self._known[0]

    def service(self) -> Service:
        """See `Timestamps`."""
        known = self._known
        if known is not None and self._monotonic_s() - known[1] < REMEMBER_S:
            return known[0]
        stamp = self._probe()
        chain = [chains.load_certificate(each) for each in stamp.chain]
        crls = tuple(dict.fromkeys(self._lists(chain)))
        certificates = tuple(each for each in stamp.chain if each not in self._authorities)
        found = Service(self._authorities, certificates, crls, self._policy, len(stamp.token) + SLACK)
        self._known = found, self._monotonic_s()
        return found

    def answer(self, request: bytes) -> bytes:
        """See `Timestamps`."""
        try:
            asked = read_request(request)
            if asked.nonce is None:
                raise RequestRefused(BAD_REQUEST)
        except RequestRefused as refused:
            return refusal(refused.bit)
        answer = self._fetch("POST", self._url, request, MAX_RESPONSE)
        try:
            stamp = self._judge(answer, Request(request, asked.digest, asked.nonce, self._policy))
        except StampRefused:
            return answer
        known = self._known
        if known is None or not {*stamp.chain} <= {*known[0].certificates, *self._authorities}:
            # It stamps by other certificates now: the next question finds out by which. The node refuses this one.
            self._known = None
        return answer

    def _probe(self) -> Stamp:
        request = make_request(self._random(SHA256.digest_size), self._random(NONCE_BYTES), self._policy)
        try:
            return self._judge(self._fetch("POST", self._url, request.der, MAX_RESPONSE), request)
        except StampRefused as error:
            raise NoTimestamp(error.sentence, _LATER) from None

    def _judge(self, answer: bytes, request: Request) -> Stamp:
        now, believed = self._clock(), Believed(self._authorities)
        try:
            return check_response(answer, request, believed, earliest=now - TOLERANCE, latest=now + TOLERANCE)
        except BadTimestamp as error:
            raise _wrong(error) from None

    def _lists(self, chain: list[x509.Certificate]) -> Iterable[bytes]:
        """The revocation lists of all but the last of the chain, from where the certificates say that they are."""
        for certificate, issuer in itertools.pairwise(chain):
            places = list(_places(certificate))[:MAX_LISTS]
            held = [self._fetch("GET", place, None, chains.MAX_CRL) for place in places]
            try:
                revoked = chains.revocation(certificate, issuer, [chains.load_crl(each) for each in held])
            except BadChain as error:
                raise _wrong(error) from None
            if revoked is not None:
                raise NoTimestamp("A certificate of the timestamp service that central uses was revoked.", _LATER)
            yield from held

    def _fetch(self, method: str, url: str, body: bytes | None, limit: int) -> bytes:
        if not self._turns.acquire(timeout=WAIT_S):
            raise NoTimestamp("The timestamp service that central uses is slow.", _LATER)
        try:
            with requests.Session() as session:
                session.trust_env = False
                headers = {"accept-encoding": "identity", "user-agent": "sanad"}
                if body is not None:
                    headers["content-type"] = "application/timestamp-query"
                with session.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    stream=True,
                    allow_redirects=False,
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                ) as response:
                    return _read(response, limit)
        except (requests.RequestException, OSError, ValueError):
            raise NoTimestamp("The timestamp service that central uses was not reached.", _LATER) from None
        finally:
            self._turns.release()


def _wrong(error: SanadError) -> NoTimestamp:
    return NoTimestamp(f"The timestamp service that central uses is not right. {error.sentence}", _LATER)


def _read(response: requests.Response, limit: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > limit:
            break
    if response.status_code != HTTPStatus.OK or len(body) > limit:
        raise NoTimestamp("The timestamp service that central uses answers what is not understood.", _LATER)
    return bytes(body)


def _places(certificate: x509.Certificate) -> Iterable[str]:
    """Where the authority of a certificate publishes its revocation list (RFC 5280, section 4.2.1.13)."""
    with suppress(x509.ExtensionNotFound):
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        for point in points:
            for name in point.full_name or ():
                if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(("http://", "https://")):
                    yield name.value
