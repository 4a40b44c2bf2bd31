"""What signs a document: a P-256 key that something else holds, its certificate, and what vouches for that.

Page and code ask it for a signature over a digest and never see a key. So it makes no difference to them whether the
key lies in this node's store, is opened by an officer's PIN, or never leaves a token.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from appliance.journal.errors import IntegrityError

KID_BYTES: Final = 8
PREHASHED: Final = ec.ECDSA(Prehashed(SHA256()))
"""ECDSA over a SHA-256 that was reckoned before."""


class DocumentSigner(Protocol):
    """Signs digests with one P-256 key."""

    @property
    def certificate(self) -> bytes:
        """Of the key, DER."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """What vouches for the certificate, DER, central's authority last."""

    @property
    def officer(self) -> bool:
        """Whether it is an officer's; else it is the centre's."""

    def sign(self, digest: bytes) -> bytes:
        """Sign.

        Args:
            digest: SHA-256, 32 bytes.

        Returns:
            An ECDSA signature, DER (RFC 3279, section 2.2.3).

        Raises:
            SanadError: the key could not be reached or used.
        """


@dataclass(frozen=True, slots=True)
class SoftwareSigner:
    """A key in this process's memory.

    Args:
        key_pkcs8: P-256, PKCS #8, DER.
        certificate: of that key, DER.
        chain: what vouches for it, DER, central's authority last.
        officer: whether it is an officer's.

    Raises:
        IntegrityError: key and certificate do not belong together, or one of them cannot be read.
    """

    key_pkcs8: bytes = field(repr=False)
    certificate: bytes
    chain: tuple[bytes, ...]
    officer: bool = False
    _key: ec.EllipticCurvePrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key = load_key(self.key_pkcs8)
        if load_certificate(self.certificate).public_key() != key.public_key():
            raise _not_its_key()
        object.__setattr__(self, "_key", key)

    def sign(self, digest: bytes) -> bytes:
        """See `DocumentSigner.sign`."""
        return self._key.sign(digest, PREHASHED)


def signed_by(signer: DocumentSigner, digest: bytes) -> bytes:
    """A signature over a digest that the signer's own certificate verifies.

    Raises:
        IntegrityError: the certificate is another key's, or cannot be read.
        SanadError: the key could not be reached or used.
    """
    public = load_certificate(signer.certificate).public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise _not_its_key()
    signature = signer.sign(digest)
    try:
        public.verify(signature, digest, PREHASHED)
    except InvalidSignature:
        raise _not_its_key() from None
    return signature


def kid(certificate: bytes) -> bytes:
    """What names a certificate in a code: the first 8 bytes of the SHA-256 of its DER, as in the EU's DCC."""
    return hashlib.sha256(certificate).digest()[:KID_BYTES]


def load_key(key: bytes) -> ec.EllipticCurvePrivateKey:
    """Read a key that signs documents.

    Raises:
        IntegrityError: it is no P-256 key (PKCS #8, DER).
    """
    try:
        loaded = load_der_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        loaded = None
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise IntegrityError("The key that signs certificates cannot be read.", "Call central IT; sign nothing.")
    return loaded


@functools.lru_cache(maxsize=32)
def load_certificate(certificate: bytes) -> x509.Certificate:
    """Read a certificate, DER.

    Raises:
        IntegrityError: it is none.
    """
    try:
        return x509.load_der_x509_certificate(certificate)
    except (ValueError, TypeError, x509.InvalidVersion):
        raise IntegrityError("A signer's certificate cannot be read.", "Call central IT; sign nothing.") from None


def _not_its_key() -> IntegrityError:
    return IntegrityError("A signer's certificate is not that of its key.", "Call central IT; sign nothing.")
