"""A timestamp service by OpenSSL: `openssl ts -reply` behind a small HTTP server, with an authority of its own."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

POLICY: Final = "1.3.6.1.4.1.99999.1"
_SETTINGS: Final = f"""
[tsa]
default_tsa = outside
[outside]
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = {POLICY}
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class OpensslTsa:
    """The service, while it answers."""

    folder: Path
    key: rsa.RSAPrivateKey
    authority: x509.Certificate
    port: int = 0
    asked: int = 0
    """Requests that came, for timestamps and for the revocation list."""
    instead: bytes | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tsa"

    def renew(self) -> None:
        """Take a new key and certificate."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "tsa.key").write_bytes(pem)
        place = x509.UniformResourceIdentifier(f"http://127.0.0.1:{self.port}/list.crl")
        point = x509.DistributionPoint(full_name=[place], relative_name=None, reasons=None, crl_issuer=None)
        certificate = (
            _certificate("Outside timestamps", self.authority.subject, key)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.CRLDistributionPoints([point]), critical=False)
            .sign(self.key, SHA256())
        )
        (self.folder / "tsa.pem").write_bytes(certificate.public_bytes(Encoding.PEM))

    def answer(self, request: bytes) -> bytes:
        if self.instead is not None:
            return self.instead
        with self.turn:
            (self.folder / "query").write_bytes(request)
            command = "openssl ts -reply -config tsa.cnf -queryfile query -out answer"
            subprocess.run(command.split(), cwd=self.folder, check=True, capture_output=True)
            return (self.folder / "answer").read_bytes()

    def revoked(self) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.authority.subject)
        made = builder.last_update(now - timedelta(hours=1)).next_update(now + timedelta(days=1))
        return made.sign(self.key, SHA256()).public_bytes(Encoding.DER)

    @contextlib.contextmanager
    def answering(self, instead: bytes) -> Iterator[None]:
        """Answer something else, for a while."""
        self.instead = instead
        try:
            yield
        finally:
            self.instead = None


def stranger() -> x509.Certificate:
    """The certificate of another authority of the same name."""
    return _authority(rsa.generate_private_key(public_exponent=65537, key_size=2048))


@contextlib.contextmanager
def openssl_tsa(folder: Path) -> Iterator[OpensslTsa]:
    """A service that answers on loopback until the block ends."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = OpensslTsa(folder, key, _authority(key))
    (folder / "tsa.cnf").write_text(_SETTINGS)
    (folder / "serial").write_text("01\n")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.asked += 1
            self._say(made.answer(self.rfile.read(int(self.headers["content-length"]))))

        def do_GET(self) -> None:
            made.asked += 1
            self._say(made.revoked())

        def _say(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_address[1]
        made.renew()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def _authority(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Outside authority")])
    usage = x509.KeyUsage(
        key_cert_sign=True,
        crl_sign=True,
        **dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        ),
    )
    return (
        _certificate("Outside authority", name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, SHA256())
    )


def _certificate(name: str, issuer: x509.Name, key: rsa.RSAPrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )
