"""A specimen gateway to NADRA and UIDAI, on loopback over TLS: it knows people who do not exist. For tests alone."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

CITIZENS = {"1730112345671": ("Gul Khan", "1990-01-02")}
HOLDERS = {"999941057058": ("Shivshankar Choudhury", "1968-05-13")}  # UIDAI's own published test person

Reply = Callable[[dict[str, Any]], tuple[int, bytes]]


@dataclass
class SpecimenGateway:
    """Where it listens, the file with its certificate, what it was asked, and how it answers."""

    url: str
    ca: Path
    reply: Reply
    asked: list[dict[str, Any]] = field(default_factory=list)


def nadra(question: dict[str, Any]) -> tuple[int, bytes]:
    """Answers as the contract says NADRA's gateway does."""
    known = CITIZENS.get(question["citizenNumber"])
    if known is None:
        return 200, json.dumps({"code": "110", "message": "not found"}).encode()
    matched = known == (question["name"], question["dateOfBirth"])
    return 200, json.dumps({"code": "100", "sessionId": "N-1", "matched": matched}).encode()


def uidai(question: dict[str, Any]) -> tuple[int, bytes]:
    """Answers as the contract says UIDAI's gateway does."""
    known = HOLDERS.get(question["uid"])
    answer = {"ret": "n", "txn": question["txn"], "code": "c0de"}
    if known is None:
        return 200, json.dumps({**answer, "err": "998"}).encode()
    if known != (question["pi"]["name"], question["pi"].get("dob")):
        return 200, json.dumps({**answer, "err": "100"}).encode()
    return 200, json.dumps({**answer, "ret": "y"}).encode()


@contextlib.contextmanager
def serving(folder: Path, reply: Reply) -> Iterator[SpecimenGateway]:
    """The gateway, served while the block runs."""
    gateway = SpecimenGateway("", folder / "gateway.pem", reply)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            gateway.asked.append(question)
            status, body = gateway.reply(question)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(gateway.ca, _certificate(gateway.ca))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    gateway.url = f"https://127.0.0.1:{server.server_address[1]}/verify"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _certificate(place: Path) -> Path:
    """Write a certificate for loopback that signs itself; answers where its key is."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SPECIMEN gateway")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    place.write_bytes(certificate.public_bytes(Encoding.PEM))
    keyfile = place.with_suffix(".key")
    keyfile.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return keyfile
