"""The signature itself: CMS SignedData (RFC 5652), detached, with the signed attributes of CAdES (ETSI EN 319 122-1).

Built from its parts in DER (X.690), because only the digest and the signature differ between two certificates.
Profile PAdES B-B (ETSI EN 319 142-1, section 6): content-type, message-digest, signing-certificate-v2 and
cms-algorithm-protection are signed; there is no signing-time, since the PDF's own entry says when.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from appliance.certificates.signer import DocumentSigner, load_certificate, signed_by

MAX_SIGNATURE: Final = 72
"""Bytes of an ECDSA signature by a P-256 key, in DER."""

_SEQUENCE, _SET, _OCTETS, _INTEGER, _OID = 0x30, 0x31, 0x04, 0x02, 0x06
_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1


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
    attributes = sorted(
        [
            _attribute(_CONTENT_TYPE, _DATA),
            _attribute(_MESSAGE_DIGEST, _tlv(_OCTETS, digest)),
            _attribute(_SIGNING_CERTIFICATE_V2, _signing_certificate(signer.certificate)),
            _attribute(_ALGORITHM_PROTECTION, _sequence(_SHA256, _tlv(_CONTEXT_1, _ECDSA_SHA256_BARE))),
        ]
    )
    # What is signed is the attributes as a SET (RFC 5652, section 5.4); what is sent has an implicit tag in its place.
    signed = _tlv(_SET, *attributes)
    signature = signed_by(signer, hashlib.sha256(signed).digest())
    return _package(_tlv(_CONTEXT_0, *attributes), signature, signer)


def room_for(signer: DocumentSigner) -> int:
    """How many bytes `signed_data` needs at the most, for any digest.

    Raises:
        IntegrityError: a certificate of the signer's cannot be read.
    """
    attributes = _tlv(
        _CONTEXT_0,
        _attribute(_CONTENT_TYPE, _DATA),
        _attribute(_MESSAGE_DIGEST, _tlv(_OCTETS, bytes(SHA256.digest_size))),
        _attribute(_SIGNING_CERTIFICATE_V2, _signing_certificate(signer.certificate)),
        _attribute(_ALGORITHM_PROTECTION, _sequence(_SHA256, _tlv(_CONTEXT_1, _ECDSA_SHA256_BARE))),
    )
    return len(_package(attributes, bytes(MAX_SIGNATURE), signer))


def _package(attributes: bytes, signature: bytes, by: DocumentSigner) -> bytes:
    certificate, *chain = (load_certificate(each) for each in (by.certificate, *by.chain))
    issuer_and_serial = _sequence(certificate.issuer.public_bytes(), _integer(certificate.serial_number))
    signer = _sequence(_integer(1), issuer_and_serial, _SHA256, attributes, _ECDSA_SHA256, _tlv(_OCTETS, signature))
    certificates = sorted(each.public_bytes(Encoding.DER) for each in (certificate, *chain))
    data = _sequence(
        _integer(1), _tlv(_SET, _SHA256), _sequence(_DATA), _tlv(_CONTEXT_0, *certificates), _tlv(_SET, signer)
    )
    return _sequence(_SIGNED_DATA, _tlv(_CONTEXT_0, data))


def _signing_certificate(der: bytes) -> bytes:
    """SigningCertificateV2 (RFC 5035, section 3): the certificate's SHA-256, the default that is not written."""
    return _sequence(_sequence(_sequence(_tlv(_OCTETS, hashlib.sha256(der).digest()))))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return _sequence(kind, _tlv(_SET, value))


def _sequence(*parts: bytes) -> bytes:
    return _tlv(_SEQUENCE, *parts)


def _integer(value: int) -> bytes:
    return _tlv(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        body += bytes(reversed(digits))
    return _tlv(_OID, bytes(body))


_DATA: Final = _oid("1.2.840.113549.1.7.1")
_SIGNED_DATA: Final = _oid("1.2.840.113549.1.7.2")
_CONTENT_TYPE: Final = _oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST: Final = _oid("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE_V2: Final = _oid("1.2.840.113549.1.9.16.2.47")
_ALGORITHM_PROTECTION: Final = _oid("1.2.840.113549.1.9.52")
_SHA256: Final = _sequence(_oid("2.16.840.1.101.3.4.2.1"))
_ECDSA_SHA256_BARE: Final = _oid("1.2.840.10045.4.3.2")
_ECDSA_SHA256: Final = _sequence(_ECDSA_SHA256_BARE)
