"""The centre's key (ECDSA P-256): who its certificate names, how a node asks for it, and what the answer must be.

Certificates for citizens are signed by this key, so its certificate names the centre as people know it, not the
journal. It signs documents and nothing else: it opens no connection, and central never holds it.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key
from cryptography.x509.oid import NameOID

from appliance.journal.errors import BugError, IntegrityError

MAX_COMMON_NAME: Final = 64
"""Bytes of UTF-8, and characters of an organisation's name (RFC 5280, appendix A.1: upper bounds)."""


class BadCentreCertificate(IntegrityError):
    """Central's certificate for the centre's key is not what this node must have."""


def centre_subject(code: str, name: str) -> x509.Name:
    """Whom the certificate of a centre names: its name, as far as X.509 lets it, and its code as identifier.

    Args:
        code: the centre's short name.
        name: its full name.
    """
    common = name.encode()[:MAX_COMMON_NAME].decode(errors="ignore").rstrip()
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name[:MAX_COMMON_NAME].rstrip()),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def centre_request(key: bytes, code: str, name: str) -> bytes:
    """A certificate signing request for the centre's key (PKCS #10, DER).

    Args:
        key: the private key, PKCS #8, DER.
        code: the centre's short name.
        name: its full name.
    """
    builder = x509.CertificateSigningRequestBuilder().subject_name(centre_subject(code, name))
    return builder.sign(_load(key), SHA256()).public_bytes(Encoding.DER)


def check_centre_certificate(certificate: bytes, authority: bytes, key: bytes, code: str, name: str) -> None:
    """See that a certificate is for this centre's key and name, to sign documents by, and by central's authority.

    Args:
        certificate: the centre's, DER.
        authority: central's, DER.
        key: the centre's private key, PKCS #8, DER.
        code: the centre's short name.
        name: its full name.

    Raises:
        BadCentreCertificate: it is not.
    """
    try:
        found = x509.load_der_x509_certificate(certificate)
        found.verify_directly_issued_by(x509.load_der_x509_certificate(authority))
        public = found.public_key()
        usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
        basic = found.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (
        *(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm),
        *(x509.InvalidVersion, x509.ExtensionNotFound, x509.DuplicateExtension),
    ):
        raise BadCentreCertificate("Central's certificate for this centre is not by central's authority.") from None
    if public != _load(key).public_key():
        raise BadCentreCertificate("Central's certificate for this centre is for another key.")
    if found.subject != centre_subject(code, name):
        raise BadCentreCertificate("Central's certificate is for another centre.")
    if not (usage.digital_signature and usage.content_commitment) or usage.key_cert_sign or basic.ca:
        raise BadCentreCertificate("Central's certificate for this centre is not one to sign documents by.")


def _load(key: bytes) -> ec.EllipticCurvePrivateKey:
    loaded = load_der_private_key(key, None)
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise BugError("The centre's key is no P-256 key.")
    return loaded
