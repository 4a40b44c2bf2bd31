"""The centre's seal on a PDF: PAdES B-B (ETSI EN 319 142-1), as a certification that permits no later change.

The signature is an incremental update: the rendered file remains, byte for byte, the beginning of the signed one. A
PDF/A stays what it is: neither the version in the catalog nor the XMP is written anew, and the field shows nothing.

It proves that the bytes are those that this key signed. It does not prove when: the time in it is the caller's claim.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from appliance.certificates.cms import load_key
from appliance.journal.errors import BugError, IntegrityError


def sign_pdf(
    pdf: bytes, *, key: bytes, certificate: bytes, chain: Sequence[bytes], reason: str, location: str, at: datetime
) -> bytes:
    """Sign a PDF that nobody has signed before.

    Args:
        pdf: the file.
        key: P-256, PKCS #8, DER.
        certificate: of that key, DER.
        chain: certificates of its authorities, DER, to carry along.
        reason: why it is signed; readers show it.
        location: where; readers show it.
        at: when, aware; a claim.

    Returns:
        The signed file; it begins with `pdf`.

    Raises:
        IntegrityError: key and certificate do not belong together, or one of them cannot be read.
        BugError: it is no PDF, or was signed before.
    """
    # Loaded at the first signature: see there.
    from appliance.certificates.embedding import embed

    if at.tzinfo is None:
        raise BugError("A time to sign at needs its zone.")
    private = load_key(key)
    own, *others = (_load_certificate(each) for each in (certificate, *chain))
    if own.public_key() != private.public_key():
        raise IntegrityError("The centre's certificate is not that of its key.", "Call central IT; sign nothing.")
    return embed(pdf, private, own, others, reason=reason, location=location, at=at)


@functools.lru_cache(maxsize=32)
def _load_certificate(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(certificate)
    except (ValueError, TypeError, x509.InvalidVersion):
        raise IntegrityError("The centre's certificate cannot be read.", "Call central IT; sign nothing.") from None
