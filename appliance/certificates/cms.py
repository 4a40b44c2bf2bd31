"""The signature itself: CMS SignedData (RFC 5652), with the signed attributes of CAdES (ETSI EN 319 122-1).

Built from its parts in DER (X.690), because only the digest and the signature differ between two certificates.
Profile PAdES B-B (ETSI EN 319 142-1, section 6): content-type, message-digest, signing-certificate-v2 and
cms-algorithm-protection are signed; there is no signing-time, since the PDF's own entry says when.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates import der
from appliance.certificates.der import integer, oid, sequence, tlv
from appliance.certificates.signer import DocumentSigner, load_certificate, signed_by

MAX_SIGNATURE: Final = 72
"""Bytes of an ECDSA signature by a P-256 key, in DER."""


def signed_data(digest: bytes, signer: DocumentSigner) -> bytes:
    """A detached CMS signature over content with this SHA-256.

    Args:
        digest: of the content, 32 bytes.
        signer: whose signature it is; its certificate is named in what is signed, and its chain is carried along.

    Returns:
        A ContentInfo, DER; at most `room_for` bytes.

    Raises:
        IntegrityError: the signer's certificate is another key's, or one of the chain cannot be read.
        SanadError: the key could not be reached or used.
    """
    attributes = _attributes(_DATA, digest, signer)
    return _package(attributes, _signature(attributes, signer), signer)


def signed_content(kind: bytes, content: bytes, signer: DocumentSigner, *, with_certificates: bool = True) -> bytes:
    """A CMS signature that holds what it is over.

    Args:
        kind: what the content is, an OBJECT IDENTIFIER in DER; not plain data.
        content: what is signed.
        signer: whose signature it is.
        with_certificates: whether its certificate and chain are carried along.

    Returns:
        A ContentInfo, DER.

    Raises:
        IntegrityError: the signer's certificate is another key's, or one of the chain cannot be read.
        SanadError: the key could not be reached or used.
    """
    attributes = _attributes(kind, hashlib.sha256(content).digest(), signer)
    held = sequence(kind, tlv(der.CONTEXT_0, tlv(der.OCTETS, content)))
    signature = _signature(attributes, signer)
    return _package(attributes, signature, signer, held, version=3, with_certificates=with_certificates)


def room_for(signer: DocumentSigner) -> int:
    """How many bytes `signed_data` needs at the most, for any digest.

    Raises:
        IntegrityError: a certificate of the signer's cannot be read.
    """
    attributes = _attributes(_DATA, bytes(SHA256.digest_size), signer)
    return len(_package(attributes, bytes(MAX_SIGNATURE), signer))


def _attributes(kind: bytes, digest: bytes, signer: DocumentSigner) -> list[bytes]:
    """What is signed."""
    return sorted(
        [
            _attribute(CONTENT_TYPE, kind),
            _attribute(MESSAGE_DIGEST, tlv(der.OCTETS, digest)),
            _attribute(SIGNING_CERTIFICATE_V2, _signing_certificate(signer.certificate)),
            _attribute(_ALGORITHM_PROTECTION, sequence(_SHA256, tlv(der.CONTEXT_1, _ECDSA_SHA256_BARE))),
        ]
    )


def _signature(attributes: list[bytes], signer: DocumentSigner) -> bytes:
    # What is signed is the attributes as a SET (RFC 5652, section 5.4); what is sent has an implicit tag in its place.
    return signed_by(signer, hashlib.sha256(tlv(der.SET, *attributes)).digest())


def _package(
    attributes: list[bytes],
    signature: bytes,
    by: DocumentSigner,
    held: bytes | None = None,
    *,
    version: int = 1,
    with_certificates: bool = True,
) -> bytes:
    certificate, *chain = (load_certificate(each) for each in (by.certificate, *by.chain))
    issuer_and_serial = sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number))
    signed, octets = tlv(der.CONTEXT_0, *attributes), tlv(der.OCTETS, signature)
    signer = sequence(integer(1), issuer_and_serial, _SHA256, signed, _ECDSA_SHA256, octets)
    certificates = sorted(each.public_bytes(Encoding.DER) for each in (certificate, *chain))
    data = sequence(
        integer(version),
        tlv(der.SET, _SHA256),
        held or sequence(_DATA),
        tlv(der.CONTEXT_0, *certificates) if with_certificates else b"",
        tlv(der.SET, signer),
    )
    return sequence(SIGNED_DATA, tlv(der.CONTEXT_0, data))


def _signing_certificate(certificate: bytes) -> bytes:
    """SigningCertificateV2 (RFC 5035, section 3): the certificate's SHA-256, the default that is not written."""
    return sequence(sequence(sequence(tlv(der.OCTETS, hashlib.sha256(certificate).digest()))))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return sequence(kind, tlv(der.SET, value))


_DATA: Final = oid("1.2.840.113549.1.7.1")
SIGNED_DATA: Final = oid("1.2.840.113549.1.7.2")
CONTENT_TYPE: Final = oid("1.2.840.113549.1.9.3")
MESSAGE_DIGEST: Final = oid("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE_V2: Final = oid("1.2.840.113549.1.9.16.2.47")
_ALGORITHM_PROTECTION: Final = oid("1.2.840.113549.1.9.52")
_SHA256: Final = sequence(oid("2.16.840.1.101.3.4.2.1"))
_ECDSA_SHA256_BARE: Final = oid("1.2.840.10045.4.3.2")
_ECDSA_SHA256: Final = sequence(_ECDSA_SHA256_BARE)
