"""Clients that never end, lie about lengths, or come in crowds: each is let go, and central goes on."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from sync import wire
from sync.central import app as app_module
from sync.central import inflow
from sync.central import serve as serve_module
from sync.central.central import Central
from tests.support.browsing import Visitor
from tests.support.centrals import HOST, served

SHORT_S = 0.4
PATIENCE = 400
"""Pieces of a body that a client sends at the most, one every twentieth of a second."""
ROUTES = (
    *(("GET", path) for path in (wire.HEALTH, wire.READY, wire.CHALLENGE, wire.NEWS, wire.ORDERS, wire.BLOB)),
    *(("GET", path) for path in (wire.LISTS, wire.CRL, "/fleet", "/signin", "/metrics", "/static/fleet.css", "/none")),
    *(("POST", path) for path in (wire.SESSION, wire.STREAM, wire.ENROL, wire.ORDERS, wire.LISTS, "/signin")),
    *(("POST", path) for path in ("/signout", wire.HEALTH)),
)


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve_module, "IDLE_TIMEOUT_S", SHORT_S)
        for name in ("READ_TIMEOUT_S", "BODY_TIMEOUT_S", "DRAIN_TIMEOUT_S"):
            patch.setattr(inflow, name, SHORT_S)
        with served(tmp_path_factory.mktemp("central") / "home") as made:
            yield made


def connect(central: Central) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(central.layout.authority))
    raw = socket.create_connection((HOST, urlsplit(central.url).port or 0), timeout=20)
    return context.wrap_socket(raw, server_hostname=HOST)


def goes_on(central: Central) -> bool:
    return Visitor(central).get(wire.HEALTH).status_code == 200


def trickle(client: ssl.SSLSocket, piece: bytes) -> bool:
    """Send a piece again and again until central hangs up; answers whether it did."""
    client.settimeout(0.05)
    for _ in range(PATIENCE):
        try:
            client.sendall(piece)
            if client.recv(65536) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda each: each.replace("/", "_"))
def test_a_body_that_never_ends_is_given_up(central: Central, method: str, path: str) -> None:
    with connect(central) as client:
        head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.sendall(head.encode())
        assert trickle(client, b"1\r\nx\r\n")
    assert goes_on(central)


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 100000\r\n\r\nshort",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999999999999999\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n",
        b"X: " + b"a" * 200_000 + b"\r\n\r\n",
        b"".join(b"X%d: a\r\n" % number for number in range(20_000)) + b"\r\n",
        b"X: a\r\n",
    ],
    ids=range(10),
)
@pytest.mark.parametrize("path", [wire.ENROL, wire.STREAM])
def test_a_head_that_lies_or_swells_is_let_go(central: Central, path: str, head: bytes) -> None:
    with connect(central) as client:
        with suppress(OSError):
            client.sendall(f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\n".encode() + head)
        client.settimeout(20)
        with suppress(ConnectionError, ssl.SSLError):
            while client.recv(65536):
                pass
    assert goes_on(central)


def test_a_crowd_that_enrols_slowly_is_told_to_come_again_and_takes_no_memory(
    central: Central, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflow, "BODY_TIMEOUT_S", 30.0)
    monkeypatch.setattr(app_module, "MAX_ENROLLING", 4)
    clients = [connect(central) for _ in range(12)]
    answers: list[bytes] = []

    def ask(client: ssl.SSLSocket) -> None:
        client.sendall(f"POST {wire.ENROL} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 200000\r\n\r\nx".encode())
        with suppress(OSError):
            answers.append(client.recv(65536))

    threads = [threading.Thread(target=ask, args=(each,), daemon=True) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        # Those that are read end when their clients go.
        if len([each for each in answers if each]) >= 8:
            break
        thread.join(3)
    assert sum(b"503" in each.split(b"\r\n")[0] for each in answers) == 8
    assert goes_on(central)
    for each in clients:
        each.close()
