"""A CMS signature put into a PDF by pyHanko: the field, the signature's dictionary, DocMDP, the byte ranges.

Apart from `sign`, because pyHanko takes 0.4 s to load, and a console that signs nothing yet need not wait for it.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from appliance.certificates import cms
from appliance.certificates.signer import DocumentSigner
from appliance.journal.errors import BugError

FIELD: Final = "Seal"
"""The name of the signature field."""


class Unchanged(IncrementalPdfFileWriter):
    """A writer that leaves the metadata of a file as it is."""

    def _update_meta(self) -> None:
        """PDF/A wants XMP and document information to agree (ISO 19005-3, 6.6.3); untouched, they do."""


def embed(pdf: bytes, signer: DocumentSigner, *, reason: str, location: str, at: datetime) -> bytes:
    """Sign a PDF in an incremental update.

    Raises:
        BugError: it is no whole PDF, or was signed before.
        IntegrityError: the signer's certificate is another key's, or one cannot be read.
        SanadError: the key could not be reached or used.
    """
    # Counted in hexadecimal digits.
    reserved = 2 * cms.room_for(signer)
    try:
        writer = Unchanged(io.BytesIO(pdf))
        if writer.prev.embedded_signatures:
            raise BugError("This file was signed before.")
        steps = PdfCMSEmbedder(SigFieldSpec(FIELD)).write_cms(FIELD, writer)
        next(steps)
        placeholder = SignatureObject(
            timestamp=at,
            subfilter=SigSeedSubFilter.PADES,
            reason=reason,
            location=location,
            bytes_reserved=reserved,
        )
        steps.send(SigObjSetup(placeholder, SigMDPSetup("sha256", certify=True, docmdp_perms=MDPPerm.NO_CHANGES)))
        prepared, output = steps.send(SigIOSetup("sha256"))
        steps.send(cms.signed_data(prepared.document_digest, signer))
    except (PdfError, ValueError, KeyError, TypeError, IndexError) as error:
        raise BugError("This file cannot be signed: it is no whole PDF.") from error
    signed: bytes = output.getvalue()
    return signed
