"""The signature itself: CMS SignedData (RFC 5652), with the signed attributes of CAdES (ETSI EN 319 122-1).

Built from its parts in DER (X.690), because only the digest and the signature differ between two certificates.
Profile PAdES B-B (ETSI EN 319 142-1, section 6): content-type, message-digest, signing-certificate-v2 and
cms-algorithm-protection are signed; there is no signing-time, since the PDF's own entry says when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256

from appliance.certificates import der
from appliance.certificates.der import ECDSA_SHA256, integer, oid, sequence, tlv
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
    signature = signed_by(signer, hashlib.sha256(to_sign(digest, signer.certificate)).digest())
    return assemble(digest, signature, signer.certificate, signer.chain)


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
    digest = hashlib.sha256(content).digest()
    signature = signed_by(signer, hashlib.sha256(to_sign(digest, signer.certificate, kind)).digest())
    carried = signer.chain if with_certificates else None
    return assemble(digest, signature, signer.certificate, carried, kind=kind, content=content)


def room_for(signer: DocumentSigner) -> int:
    """How many bytes `signed_data` needs at the most, for any digest.

    Raises:
        IntegrityError: a certificate of the signer's cannot be read.
    """
    return len(assemble(bytes(SHA256.digest_size), bytes(MAX_SIGNATURE), signer.certificate, signer.chain))


def to_sign(digest: bytes, certificate: bytes, kind: bytes | None = None) -> bytes:
    """What the key signs for content with this SHA-256 (RFC 5652, section 5.4): the signed attributes, as a SET.

    Args:
        digest: of the content, 32 bytes.
        certificate: the signer's, DER.
        kind: what the content is, an OBJECT IDENTIFIER in DER; plain data if not said.
    """
    return tlv(der.SET, *_attributes(digest, certificate, kind or _DATA))


def assemble(
    digest: bytes,
    signature: bytes,
    certificate: bytes,
    chain: Sequence[bytes] | None,
    *,
    kind: bytes | None = None,
    content: bytes | None = None,
) -> bytes:
    """The whole of a signature, which is written in no other way.

    Args:
        digest: of the content, 32 bytes.
        signature: over `to_sign`, DER.
        certificate: the signer's, DER.
        chain: what is carried along with that, DER; None where not even that is.
        kind: as in `to_sign`.
        content: what is signed, where the signature holds it.

    Raises:
        IntegrityError: the signer's certificate cannot be read.
    """
    own = load_certificate(certificate)
    issuer_and_serial = sequence(own.issuer.public_bytes(), integer(own.serial_number))
    # What was signed as a SET is sent under an implicit tag.
    attributes = tlv(der.CONTEXT_0, *_attributes(digest, certificate, kind or _DATA))
    octets = tlv(der.OCTETS, signature)
    signer = sequence(integer(1), issuer_and_serial, _SHA256, attributes, _ECDSA_SHA256, octets)
    held = b"" if content is None else tlv(der.CONTEXT_0, tlv(der.OCTETS, content))
    data = sequence(
        # RFC 5652, section 5.1: what is not plain data makes it version 3.
        integer(1 if kind is None else 3),
        tlv(der.SET, _SHA256),
        sequence(kind or _DATA, held),
        b"" if chain is None else tlv(der.CONTEXT_0, *sorted((certificate, *chain))),
        tlv(der.SET, signer),
    )
    return sequence(SIGNED_DATA, tlv(der.CONTEXT_0, data))


def _attributes(digest: bytes, certificate: bytes, kind: bytes) -> list[bytes]:
    return sorted(
        [
            _attribute(CONTENT_TYPE, kind),
            _attribute(MESSAGE_DIGEST, tlv(der.OCTETS, digest)),
            _attribute(SIGNING_CERTIFICATE_V2, _signing_certificate(certificate)),
            _attribute(_ALGORITHM_PROTECTION, sequence(_SHA256, tlv(der.CONTEXT_1, ECDSA_SHA256))),
        ]
    )


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
_ECDSA_SHA256: Final = sequence(ECDSA_SHA256)
