"""Serving one central: uvicorn over TLS 1.3, on sockets that are bound before anything else is promised."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import resource
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from appliance.journal.errors import OperatorError
from sync.central.app import make_app
from sync.central.central import Central

IDLE_TIMEOUT_S: Final = 20.0
"""For a client that has connected, or has asked before, to send a whole request head."""
DEAD_PEER_S: Final = 60.0
MAX_CONNECTIONS: Final = 12_000
"""Two for each node that follows, of 5,000; fewer where the system gives this process fewer."""
OTHER_FILES: Final = 256
"""That central holds open besides."""
MAX_HEAD_BYTES: Final = 16 * 1024
SHUTDOWN_TIMEOUT_S: Final = 10
BACKLOG: Final = 512


class PatientProtocol(H11Protocol):
    """uvicorn's own, which would wait for ever for a client that connects and says nothing, or half a head."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Go on waiting, within the same limit, until a whole head has come."""
        waiting = self.timeout_keep_alive_task
        since = waiting.when() if waiting is not None else None
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self._wait(since)

    def _wait(self, until: float | None = None) -> None:
        self._unset_keepalive_if_required()
        when = self.loop.time() + IDLE_TIMEOUT_S if until is None else until
        self.timeout_keep_alive_task = self.loop.call_at(when, self.timeout_keep_alive_handler)


def _room_for_connections() -> int:
    """How many clients there may be at once, with as many open files as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OTHER_FILES
    if soft < wanted:
        soft = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(OTHER_FILES, min(MAX_CONNECTIONS, soft - OTHER_FILES))


def bind(host: str, port: int) -> socket.socket:
    """Take an address to listen on; port 0 takes any.

    Raises:
        OperatorError: it is not to be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio would not know that it is TCP, and leave Nagle's algorithm on: half of every
    # answer would wait until the other half is acknowledged, a round trip for each request.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Also for a client that reads nothing of its answer. Connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(DEAD_PEER_S * 1000))
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OperatorError(
            f"Central cannot listen on {host}, port {port}: {error.strerror}.",
            "Stop what listens there, or choose another address or port.",
        ) from error
    return listener


class Service:
    """The server of one central.

    Args:
        central: opened, and started.
        hosts: names and addresses that the certificate is for.
        listeners: from `bind`.
    """

    def __init__(self, central: Central, hosts: Sequence[str], listeners: Sequence[socket.socket]) -> None:
        self._central = central
        self._listeners = list(listeners)
        context = _tls(central, hosts)
        app = make_app(central)
        config = uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=BACKLOG,
            limit_concurrency=_room_for_connections(),
            timeout_keep_alive=int(IDLE_TIMEOUT_S),
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            ssl_context_factory=lambda _config, _default: context,
        )
        self._server = _Server(config)
        self._server.wind_down = app.state.wind_down

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop`, or until the process is told to end (in the main thread).

        Args:
            ready: called when requests are answered.

        Raises:
            OperatorError: another process serves this home.
        """
        try:
            with _only_one(self._central):
                self._server.ready = ready
                self._server.run(sockets=self._listeners)
        finally:
            for listener in self._listeners:
                listener.close()

    def stop(self) -> None:
        """Finish what is being answered, and end `run`. From any thread."""
        self._server.should_exit = True


class _Server(uvicorn.Server):
    ready: Callable[[], None]
    wind_down: Callable[[], None]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.wind_down()
        await super().shutdown(sockets=sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self.ready()


@contextlib.contextmanager
def _only_one(central: Central) -> Iterator[None]:
    descriptor = os.open(central.layout.serving, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError("Another process serves this central already.", "Stop it first.") from None
        yield
    finally:
        os.close(descriptor)


def _tls(central: Central, hosts: Sequence[str]) -> ssl.SSLContext:
    """TLS 1.3 with central's certificate. The key reaches OpenSSL by a file that exists in memory only."""
    certificate, key = central.server_identity(hosts)
    context: ssl.SSLContext = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
    return context
