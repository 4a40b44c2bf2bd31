"""The node's HTTPS to central: only central's own authority is believed, and every failure is said in a sentence.

The authority's certificate is the only trust anchor, whatever the environment says (`REQUESTS_CA_BUNDLE`, proxies); a
captive portal, with any certificate or none, is never believed. Redirections are not followed.
"""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from appliance.journal.errors import NetworkError, SanadError
from sync.dialing import Dialer, Option
from sync.refusals import from_wire
from sync.standstill import Flight, flight_of, raced
from sync.wire import MAX_LANES

HANDSHAKE_TIMEOUT_S: Final = 4.0
"""For each answer while TLS is agreed on; a connection itself comes about within `dialing.PATIENCE_S`."""
SEND_TIMEOUT_S: Final = 30.0
"""For each piece of an upload to leave."""
READ_TIMEOUT_S: Final = 90.0
"""For central to answer once all was sent."""
DEAD_PEER_S: Final = 12.0
"""Sent bytes that nobody confirmed for so long mean a dead link (TCP_USER_TIMEOUT)."""
CONGESTION: Final = ("bbr",)
"""Congestion control, the best one first: under loss, BBR fills a link that CUBIC half fills."""
UNSENT_BYTES: Final = 2 * 1024
"""What the kernel takes of an upload before it leaves (TCP_NOTSENT_LOWAT): new work waits for it, a kill loses it."""
CHUNK: Final = 16 * 1024
"""Bytes of one piece of an upload."""

_DIALER: Final = Dialer()
_TUNNEL_REFUSED: Final = re.compile(r"Tunnel connection failed: (\d{3})")
_NEWS: Final = (HTTPStatus.NOT_MODIFIED, HTTPStatus.IM_USED)
_TRY_LATER: Final = "Nothing is lost. Try again later; where `sanad node` runs, it does so by itself."
# OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED.
_WRONG_TIME: Final = frozenset({9, 10})
# X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH: ours by its signature, under another name.
_WRONG_NAME: Final = frozenset({62, 64})


class LinkDown(NetworkError):
    """Central was not reached, or the link broke: nothing is wrong with either side that this node knows of."""


class NotOurCentral(NetworkError):
    """Something answered at central's address, and it was not central."""


class ProxyRefused(NetworkError):
    """The proxy that the settings name does not let this node through."""


class WrongTime(NotOurCentral):
    """Central's certificate is not valid at the time that this machine's clock shows."""


class WrongName(NotOurCentral):
    """Central answered, and its certificate is for another address."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where central is, and how it is known."""

    url: str
    """`https://host` or `https://host:port`."""
    authority: bytes
    """The certificate of central's authority, DER."""
    proxy: str | None = None
    """`http://host:port` of a proxy that tunnels to central (CONNECT), where there is no other way."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What central answered."""

    headers: Mapping[str, str]
    body: bytes
    status: int = HTTPStatus.OK
    """Or 304 (nothing new) or 226 (what changed), where a request said what is here already (`If-None-Match`)."""


class Link:
    """A connection to central, kept open between requests.

    Args:
        address: where central is.
    """

    def __init__(self, address: Address) -> None:
        self._url = address.url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False
        if address.proxy is not None:
            self._session.proxies = {"https": address.proxy}
        self._session.headers.clear()
        self._session.headers.update({"accept-encoding": "identity", "user-agent": "sanad"})
        self._session.adapters.clear()
        self._line = _Line()
        self._session.mount("https://", _PinnedAdapter(address.authority, self._line))

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def abort(self) -> None:
        """End what is asked just now, and ask nothing more. Any thread may say so."""
        self._line.abort()

    @property
    def flight(self) -> Flight | None:
        """What of the connection is on its way; None where nothing tells. Any thread may ask."""
        return self._line.flight()

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
        """Ask central something.

        Args:
            method: in capitals.
            path: with the query.
            limit: the largest answer that is taken, in bytes.
            body: what to send; an iterator is sent as it gives, chunked.
            headers: more headers.
            sign: signs the prepared request.

        Raises:
            NotOurCentral: another answered. NetworkError: central was not reached, or is in trouble.
            SanadError: what central refused (`sync.refusals`), or what the body's iterator raised.
        """
        request = requests.Request(method, self._url + path, headers=dict(headers or {}), data=body)
        try:
            self._line.see_open()
            prepared = self._session.prepare_request(request)
            if sign is not None:
                sign(prepared)
            with contextlib.ExitStack() as stack:
                if isinstance(body, Iterator):
                    stack.enter_context(self._line.raced())
                response = self._session.send(
                    prepared, stream=True, allow_redirects=False, timeout=(SEND_TIMEOUT_S, READ_TIMEOUT_S)
                )
                stack.enter_context(response)
                answer = _read(response, limit)
                status = response.status_code
        except (requests.RequestException, OSError) as error:
            raise translate(error) from error
        if status == HTTPStatus.OK or ("if-none-match" in prepared.headers and status in _NEWS):
            return Reply(response.headers, answer, status)
        refused = from_wire(status, answer) if status >= HTTPStatus.BAD_REQUEST else None
        raise refused or not_understood()


@functools.cache
def best_congestion_control() -> str:
    """The congestion control that an upload uses here: the best that this machine allows, or else its own choice."""
    with socket.socket() as probe:
        for name in CONGESTION:
            with contextlib.suppress(OSError):
                probe.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
                return name
        used = probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return used.rstrip(b"\0").decode("ascii", "replace")


def lanes_here() -> int:
    """How many lanes a stream of this machine's has beside it: none where its congestion control fills the link."""
    return 0 if best_congestion_control() in CONGESTION else MAX_LANES


def not_understood() -> SanadError:
    """An answer under central's certificate that no central gives."""
    return NetworkError(
        "Central's address answered something that is not understood.", "Ask central IT whether central is running."
    )


def translate(error: BaseException) -> SanadError:
    """Say in a sentence why central was not reached."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _WRONG_NAME:
            return WrongName(
                "Central answered, but its certificate is for another address than this node uses.",
                "Put the address from the invite into node.toml, or tell central IT.",
            )
        if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _WRONG_TIME:
            return WrongTime(
                "Central's certificate is not valid at the time that this node's clock shows.",
                "Set the node's clock. If it is right, tell central IT.",
            )
    if any(isinstance(cause, ssl.SSLError) for cause in causes) and not _is_cut(causes):
        return NotOurCentral(
            "Something answered at central's address, but it is not our central.",
            "See whether this network asks for a sign-in in a browser. If not, check central's address.",
        )
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        return _of_proxy(causes)
    if any(isinstance(cause, NameResolutionError | socket.gaierror) for cause in causes):
        return LinkDown(
            "Central's name was not found: there is no network, or no name service.",
            f"Check the cable or the modem, and central's address. {_TRY_LATER}",
        )
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return NetworkError("Central's machine answers, but central is not running on it.", _TRY_LATER)
    if any(isinstance(cause, requests.Timeout | TimeoutError) for cause in causes):
        return LinkDown("Central did not answer in time.", _TRY_LATER)
    return LinkDown("The link to central broke.", _TRY_LATER)


def _of_proxy(causes: list[BaseException]) -> SanadError:
    """The proxy that the settings name is in the way."""
    # What `http.client` says is the only trace of the proxy's answer.
    refused = next((found for cause in causes if (found := _TUNNEL_REFUSED.search(str(cause)))), None)
    if refused is None:
        return LinkDown(
            "The proxy that node.toml names was not reached, or broke off.",
            f"Check the cable or the modem, and `proxy` in node.toml. {_TRY_LATER}",
        )
    return ProxyRefused(
        f"The proxy that node.toml names does not let this node through (status {refused[1]}).",
        "Ask whoever runs the proxy to let it through to central's address, or correct `proxy` in node.toml.",
    )


def _read(response: requests.Response, limit: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(CHUNK):
        body += chunk
        if len(body) > limit:
            raise not_understood()
    return bytes(body)


def _is_cut(causes: list[BaseException]) -> bool:
    """Whether TLS merely broke off, as it does when a link dies."""
    return any(isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it stands for; `requests` and `urllib3` wrap one in another in several ways."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inner = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting += [cause for cause in inner if isinstance(cause, BaseException)]


class _Line:
    """The connection of one link, as it is now."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self._place = ("", 0)
        self._aborted = False

    def abort(self) -> None:
        """Shut it for good."""
        self._aborted = True
        if self.socket is not None:
            # Not closed: another thread reads of it.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def flight(self) -> Flight | None:
        """What of it is on its way."""
        return None if self.socket is None else flight_of(self.socket)

    def see_open(self) -> None:
        """Raise OSError where it was shut for good."""
        if self._aborted:
            raise ConnectionAbortedError

    def dial(self, host: str, port: int, options: Sequence[Option]) -> socket.socket:
        """Connect."""
        self._place = host, port
        return _DIALER.dial(host, port, options)

    def raced(self) -> contextlib.AbstractContextManager[None]:
        """Where the connection stands still meanwhile, see whether another gets through: then it is shut."""
        return raced(
            lambda: self.socket,
            lambda: _DIALER.fresh(*self._place, _socket_options()),
            lambda made: _DIALER.keep(*self._place, made),
        )

    def pool(self) -> type[HTTPSConnectionPool]:
        """What makes connections of this line."""
        line = self

        class Connection(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                try:
                    made = line.dial(self._dns_host, self.port or 443, self.socket_options or ())
                except socket.gaierror as error:
                    raise NameResolutionError(self.host, self, error) from error
                except TimeoutError as error:
                    raise ConnectTimeoutError(self, "nobody answered") from error
                except OSError as error:
                    raise NewConnectionError(self, str(error)) from error
                made.settimeout(HANDSHAKE_TIMEOUT_S)
                return made

            def connect(self) -> None:
                super().connect()
                # Of the first of the two time-outs: it covers each piece of a body that leaves.
                self.sock.settimeout(SEND_TIMEOUT_S)
                line.socket = self.sock
                try:
                    line.see_open()
                except OSError:
                    self.close()
                    raise

        class Pool(HTTPSConnectionPool):
            ConnectionCls = Connection

        return Pool


class _PinnedAdapter(HTTPAdapter):
    """Connections under TLS 1.3 that believe one authority."""

    def __init__(self, authority: bytes, line: _Line) -> None:
        self._pools = {"https": line.pool()}
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.verify_flags |= ssl.VERIFY_X509_STRICT
        self._context.load_verify_locations(cadata=authority)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        """Through a proxy, the same authority is believed: it only passes bytes on."""
        manager = super().proxy_manager_for(
            proxy, ssl_context=self._context, socket_options=_socket_options(), **kwargs
        )
        manager.pool_classes_by_scheme = self._pools
        return manager

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context, socket_options=_socket_options())
        self.poolmanager.pool_classes_by_scheme = self._pools

    def close(self) -> None:
        """Close the connections now; the original leaves that to the garbage collector."""
        for key in self.poolmanager.pools.keys():  # noqa: SIM118  (not a dict)
            pool = self.poolmanager.pools.get(key)
            if pool is not None:
                pool.close()
        super().close()

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ARG002
        """Leave the authorities to the context; the original adds those that `certifi` brings."""
        conn.cert_reqs = "CERT_REQUIRED"
        conn.ca_certs = conn.ca_cert_dir = None


def _socket_options() -> list[Option]:
    options: list[Option] = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(DEAD_PEER_S * 1000)),
        (socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES),
    ]
    if (congestion := best_congestion_control()) in CONGESTION:
        options.append((socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode()))
    return options
