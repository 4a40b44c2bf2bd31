"""What people use in the place of a sync: uploads over HTTPS under TLS 1.3, one file after the other, one connection.

python -m tests.bench.uploads receive FOLDER        an HTTPS server that has a file on its disk before it answers
python -m tests.bench.uploads items FOLDER CA       sends each file of a folder by a PUT of its own
python -m tests.bench.uploads tus FOLDER CA         sends each by tus 1.0.0 (https://tus.io/protocols/resumable-upload),
                                                    creation with upload: one request a file, as tus does it best

A file that broke off is gone on with as tus says: HEAD tells the offset, PATCH sends the rest.
"""

from __future__ import annotations

import http.server
import os
import ssl
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import requests
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sync.central.authority import Authority, new_key
from tests.bench.linkprograms import say
from tests.support.netlab import CENTRAL

PORT: Final = 8444
ATTEMPTS: Final = 5
TIMEOUT_S: Final = 60
VERSION: Final = {"tus-resumable": "1.0.0"}


class _Keeper(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder: Path

    def do_PUT(self) -> None:
        """A whole file."""
        self._store(0)
        self._answer(200)

    def do_POST(self) -> None:
        """tus: make a file, with its first bytes; here its name is in the path, so that nothing else is to be kept."""
        size = self._store(0)
        self._answer(201, {**VERSION, "location": self.path, "upload-offset": str(size)})

    def do_HEAD(self) -> None:
        """tus: how much of a file is here."""
        place = self.folder / Path(self.path).name
        size = place.stat().st_size if place.exists() else 0
        self._answer(200 if place.exists() else 404, {**VERSION, "upload-offset": str(size)})

    def do_PATCH(self) -> None:
        """tus: the rest of a file."""
        size = self._store(int(self.headers["upload-offset"]))
        self._answer(204, {**VERSION, "upload-offset": str(size)})

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def _store(self, offset: int) -> int:
        content = self.rfile.read(int(self.headers["content-length"]))
        place = self.folder / Path(self.path).name
        with place.open("r+b" if place.exists() else "wb") as file:
            file.seek(offset)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return offset + len(content)

    def _answer(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()


def receive(folder: Path) -> None:
    """Serve until killed."""
    folder.mkdir(parents=True)
    authority = Authority.create("bench", datetime.now(UTC))
    key = new_key()
    certificate = authority.certify_server(key.public_key(), [CENTRAL], datetime.now(UTC))
    pem = folder.parent / "peer.pem"
    pem.write_bytes(
        certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    ca = folder.parent / "peer-ca.pem"
    ca.write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    _Keeper.folder = folder
    server = http.server.ThreadingHTTPServer((CENTRAL, PORT), _Keeper)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(ca=str(ca))
    threading.Event().wait()


def send(folder: Path, ca: str, *, tus: bool) -> None:
    """Send each file, smallest name first, as the bench wrote them."""
    session = requests.Session()
    session.trust_env = False
    session.verify = ca
    begun = time.monotonic()
    for file in sorted(folder.iterdir()):
        url, content = f"https://{CENTRAL}:{PORT}/{file.name}", file.read_bytes()
        if not tus:
            session.put(url, data=content, timeout=TIMEOUT_S).raise_for_status()
        else:
            _by_tus(session, url, content)
    say(seconds=time.monotonic() - begun)


def _by_tus(session: requests.Session, url: str, content: bytes) -> None:
    headers = {**VERSION, "upload-length": str(len(content)), "content-type": "application/offset+octet-stream"}
    try:
        session.post(url, data=content, headers=headers, timeout=TIMEOUT_S).raise_for_status()
    except requests.ConnectionError:
        _go_on(session, url, content)


def _go_on(session: requests.Session, url: str, content: bytes) -> None:
    for _ in range(ATTEMPTS):
        try:
            offset = int(session.head(url, headers=VERSION, timeout=TIMEOUT_S).headers["upload-offset"])
            headers = {**VERSION, "upload-offset": str(offset), "content-type": "application/offset+octet-stream"}
            session.patch(url, data=content[offset:], headers=headers, timeout=TIMEOUT_S).raise_for_status()
        except requests.ConnectionError:
            continue
        return
    raise TimeoutError("the upload did not come to its end")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "receive":
        receive(Path(rest[0]))
    else:
        send(Path(rest[0]), rest[1], tus=what == "tus")
