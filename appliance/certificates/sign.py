"""The centre's seal on a PDF: PAdES B-B (ETSI EN 319 142-1), as a certification that permits no later change.

The signature is an incremental update: the rendered file remains, byte for byte, the beginning of the signed one. A
PDF/A stays what it is: neither the version in the catalog nor the XMP is written anew, and the field shows nothing.

It proves that the bytes are those that this key signed. It does not prove when: the time in it is the caller's claim.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from appliance.certificates import cms
from appliance.journal.errors import BugError, IntegrityError

FIELD: Final = "Seal"
"""The name of the signature field."""


class _Unchanged(IncrementalPdfFileWriter):
    """A writer that leaves the metadata of a file as it is."""

    def _update_meta(self) -> None:
        """PDF/A wants XMP and document information to agree (ISO 19005-3, 6.6.3); untouched, they do."""


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
    if at.tzinfo is None:
        raise BugError("A time to sign at needs its zone.")
    private = load_key(key)
    own, *others = (_load_certificate(each) for each in (certificate, *chain))
    if own.public_key() != private.public_key():
        raise IntegrityError("The centre's certificate is not that of its key.", "Call central IT; sign nothing.")
    try:
        return _embed(pdf, private, own, others, reason, location, at)
    except (PdfError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BugError("This file cannot be signed: it is no whole PDF.") from error


def _embed(
    pdf: bytes,
    key: ec.EllipticCurvePrivateKey,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    reason: str,
    location: str,
    at: datetime,
) -> bytes:
    writer = _Unchanged(io.BytesIO(pdf))
    if writer.prev.embedded_signatures:
        raise BugError("This file was signed before.")
    steps = PdfCMSEmbedder(SigFieldSpec(FIELD)).write_cms(FIELD, writer)
    next(steps)
    # The placeholder counts hexadecimal digits.
    placeholder = SignatureObject(
        timestamp=at,
        subfilter=SigSeedSubFilter.PADES,
        reason=reason,
        location=location,
        bytes_reserved=2 * cms.room_for(certificate, chain),
    )
    steps.send(SigObjSetup(placeholder, SigMDPSetup("sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)))
    prepared, output = steps.send(SigIOSetup("sha256"))
    steps.send(cms.signed_data(prepared.document_digest, key, certificate, chain))
    signed: bytes = output.getvalue()
    return signed


def load_key(key: bytes) -> ec.EllipticCurvePrivateKey:
    """Read the centre's key.

    Raises:
        IntegrityError: it is no P-256 key (PKCS #8, DER).
    """
    try:
        loaded = load_der_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        loaded = None
    if not isinstance(loaded, ec.EllipticCurvePrivateKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise IntegrityError("The centre's key cannot be read.", "Call central IT; sign nothing.")
    return loaded


@functools.lru_cache(maxsize=32)
def _load_certificate(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(certificate)
    except (ValueError, TypeError, x509.InvalidVersion):
        raise IntegrityError("The centre's certificate cannot be read.", "Call central IT; sign nothing.") from None
