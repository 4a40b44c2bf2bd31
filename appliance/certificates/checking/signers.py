"""Whose key signed, by X.509 (RFC 5280): what a signer's certificate must be, and whether an authority issued it.

Central's authority certifies signers directly (its path length is 0), so a chain is one step long: no search is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.certificates.checking.faults import Broken
from appliance.certificates.checking.seal import Seal, load

DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""RFC 9336."""
_NOT_A_SIGNER: Final = "The key that signed is not one that seals certificates."
_CHAIN: Final = "The certificates that the seal carries do not belong together."


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a signer's certificate names, and when it holds."""

    centre: str
    name: str
    begins: datetime
    ends: datetime


def read_signer(certificate: bytes) -> Named:
    """Read a certificate that seals certificates for citizens.

    Raises:
        Broken: it is for something else, or cannot be read.
    """
    loaded = load(certificate)
    try:
        usage = loaded.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = loaded.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        basic = loaded.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        raise Broken(_NOT_A_SIGNER) from None
    if basic.ca or usage.key_cert_sign or not usage.content_commitment or DOCUMENT_SIGNING not in purposes:
        raise Broken(_NOT_A_SIGNER)
    key = loaded.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Broken(_NOT_A_SIGNER)
    centre, name = (_named(loaded, oid) for oid in (NameOID.ORGANIZATION_IDENTIFIER, NameOID.COMMON_NAME))
    return Named(centre, name, loaded.not_valid_before_utc, loaded.not_valid_after_utc)


def issued(certificate: bytes, authority: bytes) -> bool:
    """Whether an authority, DER, issued a certificate, DER."""
    try:
        above = load(authority)
        load(certificate).verify_directly_issued_by(above)
        basic = above.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = above.extensions.get_extension_for_class(x509.KeyUsage).value
    except (Broken, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return basic.ca and usage.key_cert_sign


def check_carried(seal: Seal) -> None:
    """Check that what a seal carries along is its signer's authority, whole, and nothing else.

    Raises:
        Broken: it is not.
    """
    if not seal.chain:
        return
    (authority, *more) = seal.chain
    if more or not issued(seal.certificate, authority) or not issued(authority, authority):
        raise Broken(_CHAIN)


def _named(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    if len(found) != 1:
        raise Broken(_NOT_A_SIGNER)
    return str(found[0].value)
