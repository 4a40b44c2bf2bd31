"""The signature on a PDF: PAdES B-B (ETSI EN 319 142-1), as a certification that permits no later change.

The signature is an incremental update: the rendered file remains, byte for byte, the beginning of the signed one. A
PDF/A stays what it is: neither the version in the catalog nor the XMP is written anew, and the field shows nothing.

It proves that the bytes are those that this key signed. It does not prove when: the time in it is the caller's claim.
"""

from __future__ import annotations

from datetime import datetime

from appliance.certificates.signer import DocumentSigner
from appliance.journal.errors import BugError


def sign_pdf(pdf: bytes, *, signer: DocumentSigner, reason: str, location: str, at: datetime) -> bytes:
    """Sign a PDF that nobody has signed before.

    Args:
        pdf: the file.
        signer: whose signature it is.
        reason: why it is signed; readers show it.
        location: where; readers show it.
        at: when, aware; a claim.

    Returns:
        The signed file; it begins with `pdf`.

    Raises:
        IntegrityError: key and certificate do not belong together, or one of them cannot be read.
        BugError: it is no PDF, or was signed before.
        SanadError: the key could not be reached or used.
    """
    # Loaded at the first signature: see there.
    from appliance.certificates.embedding import embed

    if at.tzinfo is None:
        raise BugError("A time to sign at needs its zone.")
    return embed(pdf, signer, reason=reason, location=location, at=at)
