"""A signer whose key everybody knows, and whose signatures are the same each time (RFC 6979)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_FROM: Final = datetime(2026, 1, 1, tzinfo=UTC)
_TO: Final = datetime(2036, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class FixedSigner:
    """A `DocumentSigner` that anybody can make again from its name."""

    name: str = "specimen"
    chain: tuple[bytes, ...] = ()
    officer: bool = False

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        digest = hashlib.sha256(f"Sanad test vectors: {self.name}".encode()).digest()
        return ec.derive_private_key(int.from_bytes(digest), ec.SECP256R1())

    @cached_property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @cached_property
    def certificate(self) -> bytes:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"SPECIMEN {self.name}, key is public")])
        builder = x509.CertificateBuilder(subject, subject, self.key.public_key(), 1, _FROM, _TO)
        return builder.sign(self.key, SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.DER)

    def sign(self, digest: bytes) -> bytes:
        """See `DocumentSigner.sign`."""
        return self.key.sign(digest, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))
