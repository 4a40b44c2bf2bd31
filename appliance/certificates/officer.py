"""An officer's certificate: whom it names, how it is asked for, and what it must be before its key signs anything."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from appliance.certificates.der import CONTEXT_0, ECDSA_SHA256, bits, integer, sequence, tlv
from appliance.journal.errors import IntegrityError

OFFICER_LIFE: Final = timedelta(days=365)
"""How long central certifies an officer's key: who has left, or lost it unnoticed, signs for a year at the most."""
CLOCK_SLACK: Final = timedelta(days=1)
"""How much earlier than central's clock a certificate begins, for nodes whose clocks are behind."""
RENEWAL: Final = timedelta(days=30)
"""Before its end an officer is told to make a new key."""
MAX_COMMON_NAME: Final = 64
"""Bytes of UTF-8 (RFC 5280, appendix A.1: upper bounds)."""


class BadOfficerCertificate(IntegrityError):
    """Central's certificate for an officer's key is not what it must be."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "Let the centre seal for now; end this key, make a new one, and tell central IT.")


def officer_subject(code: str, centre_name: str, name: str, operator: str) -> x509.Name:
    """Whom an officer's certificate names: the officer, and the centre as its organisation.

    Args:
        code: the centre's short name.
        centre_name: its full name.
        name: the officer's full name.
        operator: the officer's identifier in the node's journal, so that two of one name are told apart.
    """
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, centre_name[:MAX_COMMON_NAME].rstrip()),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, code),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, operator),
            x509.NameAttribute(NameOID.COMMON_NAME, name.encode()[:MAX_COMMON_NAME].decode(errors="ignore").rstrip()),
        ]
    )


def officer_request(subject: x509.Name, public: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """A certificate signing request (PKCS #10, RFC 2986), DER, by a key that may lie anywhere.

    Args:
        subject: see `officer_subject`.
        public: the public key, SubjectPublicKeyInfo, DER.
        sign: signs a SHA-256 by the private key (ECDSA, DER).
    """
    asked = sequence(integer(0), subject.public_bytes(), public, tlv(CONTEXT_0))
    return sequence(asked, sequence(ECDSA_SHA256), bits(sign(hashlib.sha256(asked).digest())))


def requested_key(csr: bytes) -> bytes:
    """The public key of a request that this node made, SubjectPublicKeyInfo, DER.

    Raises:
        BadOfficerCertificate: it is no request.
    """
    try:
        key = x509.load_der_x509_csr(csr).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise BadOfficerCertificate("The request for a certificate cannot be read.") from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def check_officer_certificate(certificate: bytes, authority: bytes, csr: bytes, now: datetime) -> None:
    """See that a certificate is for the key and the name that were asked for, to sign documents by, and good now.

    Args:
        certificate: the officer's, DER.
        authority: central's, DER.
        csr: what was asked, DER.
        now: the present, aware.

    Raises:
        BadOfficerCertificate: it is not.
    """
    try:
        found = x509.load_der_x509_certificate(certificate)
        found.verify_directly_issued_by(x509.load_der_x509_certificate(authority))
        public = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        usage = found.extensions.get_extension_for_class(x509.KeyUsage).value
        basic = found.extensions.get_extension_for_class(x509.BasicConstraints).value
        subject = x509.load_der_x509_csr(csr).subject
    except (
        *(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm),
        *(x509.InvalidVersion, x509.ExtensionNotFound, x509.DuplicateExtension),
    ):
        raise BadOfficerCertificate("The certificate for your key is not by central's authority.") from None
    if public != requested_key(csr):
        raise BadOfficerCertificate("The certificate for your key is for another key.")
    if found.subject != subject:
        raise BadOfficerCertificate("The certificate for your key names somebody else.")
    if not usage.content_commitment or usage.key_cert_sign or basic.ca:
        raise BadOfficerCertificate("The certificate for your key is not one to sign documents by.")
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        raise BadOfficerCertificate("The certificate for your key is not valid on the day that this clock says.")
