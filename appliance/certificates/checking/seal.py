"""The signature's own bytes: read, built again from their parts, and compared: there is one way to write them.

What `cms` writes for this digest, these certificates and this signature must be what stands in the file, byte for byte.
So no byte in it is without a meaning that is checked: versions, algorithms and order are fixed, and nothing unsigned
can be carried along.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.certificates import cms, der
from appliance.certificates.checking.faults import CHANGED, Broken
from appliance.certificates.der import BadDer, Reader

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
    try:
        info = der.whole(contents)
        info.raw(der.OID)
        data = info.inside(der.CONTEXT_0).inside()
        data.integer()
        data.raw(der.SET)
        data.raw(der.SEQUENCE)
        carried = data.inside(der.CONTEXT_0)
        certificates: list[bytes] = []
        while carried.tag is not None and len(certificates) <= MAX_CERTIFICATES:
            certificates.append(carried.raw(der.SEQUENCE))
        signer = data.inside(der.SET).inside()
        signer.integer()
        signer.raw(der.SEQUENCE)
        signer.raw(der.SEQUENCE)
        digest = _digest(signer.inside(der.CONTEXT_0))
        signer.raw(der.SEQUENCE)
        signature = signer.take(der.OCTETS)
    except BadDer:
        raise Broken(_OTHER_SHAPE) from None
    if not 1 <= len(certificates) <= MAX_CERTIFICATES:
        raise Broken(_OTHER_SHAPE)
    return certificates, digest, signature


def _digest(attributes: Reader) -> bytes:
    while attributes.tag is not None:
        attribute = attributes.inside()
        name, values = attribute.raw(der.OID), attribute.inside(der.SET)
        if name == cms.MESSAGE_DIGEST:
            return values.take(der.OCTETS)
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
