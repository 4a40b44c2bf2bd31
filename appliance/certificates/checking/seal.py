"""The signature's own bytes: read, built again from their parts, and compared: there is one way to write them.

What `cms` writes for this digest, these certificates and this signature must be what stands in the file, byte for byte.
So no byte in it is without a meaning that is checked: versions, algorithms and order are fixed, and nothing unsigned
can be carried along.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.certificates import cms
from appliance.certificates.checking import der
from appliance.certificates.checking.faults import CHANGED, Broken

MAX_CERTIFICATES: Final = 8
MAX_CERTIFICATE: Final = 8192
"""Bytes of one, DER."""
_OTHER_SHAPE: Final = "The seal is not of the form in which centres seal."
_NOT_BY_KEY: Final = "The seal is not by the key that it names."


@dataclass(frozen=True, slots=True)
class Seal:
    """A signature that is of our form, and good for the digest that it names."""

    certificate: bytes
    """The signer's, DER; the signature names it."""
    chain: tuple[bytes, ...]
    """What else was carried along, DER."""


def read_seal(contents: bytes, digest: bytes) -> Seal:
    """Check a signature over content with this SHA-256.

    Args:
        contents: a ContentInfo (RFC 5652), DER, and nothing after it.
        digest: of the content that it must sign, 32 bytes.

    Raises:
        Broken: it is of another form, or not a signature over that content by the key that it names.
    """
    certificates, named, signature = _parts(contents)
    if named != digest:
        raise Broken(CHANGED)
    own, chain = _signer(certificates, contents, digest, signature)
    verify(own, signature, cms.to_sign(digest, own))
    return Seal(own, chain)


def verify(certificate: bytes, signature: bytes, signed: bytes) -> None:
    """Hold an ECDSA signature (P-256, SHA-256) against a certificate's key.

    Raises:
        Broken: it is not by that key, not DER, or the key is of another kind.
    """
    key = load(certificate).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Broken(_OTHER_SHAPE)
    try:
        if encode_dss_signature(*decode_dss_signature(signature)) != signature:
            raise Broken(_OTHER_SHAPE)
        key.verify(signature, signed, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError, OverflowError):
        raise Broken(_NOT_BY_KEY) from None


@functools.lru_cache(maxsize=64)
def load(certificate: bytes) -> x509.Certificate:
    """Read a certificate, DER.

    Raises:
        Broken: it is none, or none that this program knows.
    """
    if len(certificate) > MAX_CERTIFICATE:
        raise Broken("A certificate of the signer's is too large.")
    try:
        loaded = x509.load_der_x509_certificate(certificate)
        # Both are parsed only when they are asked for.
        loaded.public_key()
        tuple(loaded.extensions)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension):
        raise Broken("A certificate of the signer's cannot be read.") from None
    return loaded


def _parts(contents: bytes) -> tuple[list[bytes], bytes, bytes]:
    """The certificates, the digest and the signature; all else is compared afterwards."""
    info = der.parts(der.whole(contents, der.SEQUENCE))
    if [tag for tag, _, _ in info[1:]] != [der.CONTEXT_0]:
        raise Broken(_OTHER_SHAPE)
    data = der.parts(der.whole(info[1][1], der.SEQUENCE))
    if [tag for tag, _, _ in data] != [der.INTEGER, der.SET, der.SEQUENCE, der.CONTEXT_0, der.SET]:
        raise Broken(_OTHER_SHAPE)
    certificates = [each for _, _, each in der.parts(data[3][1])]
    signers = der.parts(data[4][1])
    if len(signers) != 1 or not 1 <= len(certificates) <= MAX_CERTIFICATES:
        raise Broken(_OTHER_SHAPE)
    fields = der.parts(signers[0][1])
    expected = [der.INTEGER, der.SEQUENCE, der.SEQUENCE, der.CONTEXT_0, der.SEQUENCE, der.OCTETS]
    if [tag for tag, _, _ in fields] != expected:
        raise Broken(_OTHER_SHAPE)
    return certificates, _digest(fields[3][1]), fields[5][1]


def _digest(attributes: bytes) -> bytes:
    for _, inside, _ in der.parts(attributes):
        attribute = der.parts(inside)
        if len(attribute) == 2 and attribute[0][2] == cms.MESSAGE_DIGEST:
            digest = der.whole(attribute[1][1], der.OCTETS)
            if len(digest) == hashlib.sha256().digest_size:
                return digest
    raise Broken(_OTHER_SHAPE)


def _signer(
    certificates: list[bytes], contents: bytes, digest: bytes, signature: bytes
) -> tuple[bytes, tuple[bytes, ...]]:
    """Which of the certificates is the signer's: the one with which the same bytes come out."""
    for index, own in enumerate(certificates):
        load(own)
        chain = tuple(certificates[:index] + certificates[index + 1 :])
        if cms.assemble(digest, signature, own, chain) == contents:
            return own, chain
    raise Broken(_OTHER_SHAPE)
