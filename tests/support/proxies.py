"""What stands between a node and central and terminates its connections: reverse proxies, and tunnels (CONNECT)."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from sync.central.central import Central
from sync.central.serve import _tls, bind
from tests.support.centrals import HOST, free_port

CHUNK = 65536


class BufferingProxy:
    """A reverse proxy before central, with central's certificate: it first wants to have all of a request's body.

    `buffers` may be turned off; then bodies pass as they come. `posted` is told the bytes of each body to `/v1/stream`.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.buffers = True
        self.posted: list[int] = []
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def start(self, central: Central, target: int) -> None:
        """Pass on to central, at a port of this machine."""
        proxy = self

        class Handler(_Forwarding):
            pass

        Handler.proxy, Handler.target = proxy, target
        self._server = _Server((HOST, self.port), Handler)
        self._server.daemon_threads = True
        self._server.socket = _tls(central, [HOST, "localhost"]).wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Clients do break off."""


class _Forwarding(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: BufferingProxy
    target: int

    def do_POST(self) -> None:
        parts = self._parts()
        buffered = [b"".join(parts)] if self.proxy.buffers else parts
        sent = 0
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with contextlib.closing(http.client.HTTPSConnection(HOST, self.target, context=context)) as onward:
            onward.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    onward.putheader(name, value)
            onward.putheader("transfer-encoding", "chunked")
            onward.endheaders()
            for part in buffered:
                sent += len(part)
                if part:
                    onward.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            onward.send(b"0\r\n\r\n")
            if self.path == "/v1/stream":
                self.proxy.posted.append(sent)
            answer = onward.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def _parts(self) -> Iterator[bytes]:
        if self.headers.get("transfer-encoding") != "chunked":
            yield self.rfile.read(int(self.headers.get("content-length", "0")))
            return
        while length := int(self.rfile.readline(), 16):
            yield self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()


@dataclass
class TunnelProxy:
    """A proxy that tunnels (CONNECT, RFC 9110 section 9.3.6), or answers something else to whoever asks it to."""

    refuses: bytes = b""
    asked: list[str] = field(default_factory=list)
    _sockets: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = bind(HOST, 0)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (data := client.recv(CHUNK)):
            head += data
        self.asked.append(head.split(b"\r\n")[0].decode())
        if self.refuses:
            client.sendall(self.refuses)
            client.close()
            return
        host, port = self.asked[-1].split()[1].split(":")
        onward = socket.create_connection((host, int(port)))
        self._sockets.append(onward)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(onward, client), daemon=True).start()
        _pump(client, onward)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
