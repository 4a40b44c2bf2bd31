"""How a second central is served: HTTP/1.1 under TLS 1.3 by the standard library, after docs/sync.md."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.other_bytes import Refused
from tests.support.other_central import OtherCentral

STATUS = {
    **dict.fromkeys(("out_of_step", "start_again", "taken_over", "fork", "rollback"), 409),
    **dict.fromkeys(("challenge", "signature"), 401),
    **dict.fromkeys(("not_enrolled", "invite_unknown", "invite_expired", "invite_used"), 403),
    **dict.fromkeys(("bad_request", "cut"), 400),
    "missing": 404,
    "fault": 500,
}
"""All others are 422."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    central: OtherCentral
    context: ssl.SSLContext

    def setup(self) -> None:
        self.request = self.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.request.close()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        central, url = self.central, urlsplit(self.path)
        central.heard.append(f"{method} {url.path}")
        try:
            if url.path == "/v1/challenge":
                return self._send({"challenge": central.challenge(self.headers["sanad-journal"])})
            if url.path == "/v1/enrol":
                return self._send(central.enrol(self._whole()))
            if not re.fullmatch("/v1/(session|stream|news|orders)", url.path):
                raise Refused("missing", "This central has none.")
            node, offered, offset = central.authenticate(method, self.path, self.headers)
            if url.path == "/v1/session":
                self._send(central.session(node, offered, self._whole()))
            elif url.path == "/v1/stream":
                self._send(
                    central.stream(node, offered, offset, self._chunks(central.cuts.pop(0) if central.cuts else None))
                )
            elif url.path == "/v1/news":
                self._send(central.wait_for_news(node, url.query))
            elif method == "POST":
                size = central.take_orders_back(node, self._whole())
                self._send({"orders": size}, central.challenge(node.name))
            else:
                start = int(dict(parse_qsl(url.query))["from"])
                self._send(central.orders_from(node, start), central.challenge(node.name))
        except Refused as refused:
            words = {"error": refused.code, "sentence": refused.sentence, "next_step": "See docs/sync.md."}
            self.close_connection = True
            self._send(words, status=STATUS.get(refused.code, 422))

    def _send(self, answer: Any, challenge: str = "", status: int = 200) -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        if challenge:
            self.send_header("sanad-challenge", challenge)
        self.end_headers()
        self.wfile.write(body)

    def _whole(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length", "0")))

    def _chunks(self, cut: int | None) -> Iterator[bytes]:
        """A chunked body (RFC 9112, section 7.1)."""
        while size := int(self.rfile.readline() or b"0", 16):
            data = self.rfile.read(size)
            self.rfile.readline()
            yield data
            if cut is not None and (cut := cut - size) < 0:
                raise ConnectionResetError
        self.rfile.readline()


@contextmanager
def serving(central: OtherCentral, host: str = "127.0.0.1", port: int = 0) -> Iterator[OtherCentral]:
    """Serve it on loopback."""
    made = type("OneHandler", (Handler,), {"central": central, "context": central.tls(host)})
    with ThreadingHTTPServer((host, port), made) as server:
        server.daemon_threads = True
        central.url = f"https://{host}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield central
        server.shutdown()
