"""A sealed PDF raised from PAdES B-B to B-LTA (ETSI EN 319 142-1, sections 5.4 and 6), in one incremental update.

The update holds the validation data, a document security store with every certificate and revocation list, and a
document timestamp, which is last and covers the whole file with that data. The sealed bytes remain the beginning of the
raised ones. What a certification without changes (DocMDP 1) still permits is just this (ISO 32000-2, 12.8.2.2.2), and
a PDF/A stays one: neither the version in the catalog nor the XMP is written anew, and the field shows nothing.

In two steps, because the digest goes to central between them, and those of many files go together.

Loads pyHanko, which takes 0.4 s: import it where it is used.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Final

from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject, StreamObject, pdf_name
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import SigFieldSpec
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import DocumentTimestamp, PreparedByteRangeDigest

from appliance.certificates.embedding import Unchanged
from appliance.certificates.timestamptokens import MAX_TOKEN
from appliance.journal.errors import BugError, IntegrityError

FIELD: Final = "Timestamp"
"""The name of the timestamp's field."""
LEVEL: Final = "B-LTA"
_MALFORMED: Final = (
    PdfError,
    SigningError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    RecursionError,
)


class NotRaised(IntegrityError):
    """A file is not one that this appliance sealed and nobody changed since."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, "The certificate stays as it was sealed. Run `sanad journal verify`.")


class Prepared:
    """A raised file that lacks only its timestamp.

    Args:
        sealed: what it was made from.
        output: the file, with room for the timestamp.
        place: where that room is, and the digest of all the rest.
    """

    def __init__(self, sealed: bytes, output: io.BytesIO, place: PreparedByteRangeDigest) -> None:
        self._sealed = sealed
        self._output = output
        self._place = place

    @property
    def digest(self) -> bytes:
        """What the timestamp is over: SHA-256 of all bytes but its own."""
        return self._place.document_digest

    def finish(self, token: bytes) -> bytes:
        """Put the timestamp in.

        Args:
            token: CMS SignedData, DER, at most as large as was said.

        Returns:
            The raised file; it begins with the sealed one.

        Raises:
            BugError: it is larger.
        """
        room = (self._place.reserved_region_end - self._place.reserved_region_start - 2) // 2
        if len(token) > room:
            raise BugError("A timestamp is larger than the room that was kept for it.")
        self._place.fill_with_cms(self._output, token)
        raised = self._output.getvalue()
        if not raised.startswith(self._sealed):
            raise BugError("Raising changed what was sealed.")
        return raised


def prepare(pdf: bytes, *, certificates: Sequence[bytes], crls: Sequence[bytes], room: int) -> Prepared:
    """Write the update, but for the timestamp.

    Args:
        pdf: with one signature, which covers all of it.
        certificates: what to keep in it beside those that the signature carries: the timestamp service's and the
            authorities', DER.
        crls: their revocation lists, DER.
        room: bytes of the largest timestamp that may come.

    Raises:
        NotRaised: it is not such a file.
    """
    if not 0 < room <= MAX_TOKEN:
        raise BugError(f"No timestamp takes {room} bytes.")
    try:
        writer = Unchanged(io.BytesIO(pdf))
        carried = _carried(writer)
        _add_store(writer, dict.fromkeys([*carried, *certificates]), dict.fromkeys(crls))
        steps = PdfCMSEmbedder(SigFieldSpec(FIELD)).write_cms(FIELD, writer)
        next(steps)
        # Counted in hexadecimal digits.
        steps.send(SigObjSetup(DocumentTimestamp(bytes_reserved=2 * room)))  # type: ignore[no-untyped-call]
        place, output = steps.send(SigIOSetup("sha256"))
    except _MALFORMED as error:
        raise NotRaised("A sealed certificate cannot be read as a PDF.") from error
    return Prepared(pdf, output, place)


def raise_level(
    pdf: bytes,
    *,
    stamp: Callable[[bytes], bytes],
    certificates: Sequence[bytes],
    crls: Sequence[bytes],
    room: int = MAX_TOKEN,
) -> bytes:
    """Raise one file, where the service that stamps is at hand.

    Args:
        pdf: as for `prepare`.
        stamp: takes a SHA-256, answers a timestamp over it (CMS SignedData, DER).
        certificates: as for `prepare`.
        crls: as for `prepare`.
        room: as for `prepare`.

    Raises:
        NotRaised: as `prepare`.
    """
    prepared = prepare(pdf, certificates=certificates, crls=crls, room=room)
    return prepared.finish(stamp(prepared.digest))


def _carried(writer: Unchanged) -> list[bytes]:
    """The certificates that the file's signature carries, its signer's among them."""
    signatures = writer.prev.embedded_signatures
    if len(signatures) != 1 or "/DSS" in writer.root:
        raise NotRaised("A sealed certificate holds more, or less, than its one signature.")
    (seal,) = signatures
    if seal.sig_object_type != "/Sig" or not _covers_all(writer, [int(each) for each in seal.byte_range]):
        raise NotRaised("The signature of a sealed certificate does not cover all of it.")
    return [each.chosen.dump() for each in seal.signed_data["certificates"]]


def _covers_all(writer: Unchanged, byte_range: list[int]) -> bool:
    first, length, second, rest = byte_range
    whole = writer.prev.stream.seek(0, io.SEEK_END)
    return first == 0 and 0 < length < second and second + rest == whole


def _add_store(writer: Unchanged, certificates: dict[bytes, None], crls: dict[bytes, None]) -> None:
    """The document security store (ETSI EN 319 142-1, section 5.4.2), for the whole file, not by signature."""

    def kept(values: dict[bytes, None]) -> ArrayObject:
        return ArrayObject([writer.add_object(StreamObject(stream_data=each)) for each in values])

    store = DictionaryObject({pdf_name("/Type"): pdf_name("/DSS"), pdf_name("/Certs"): kept(certificates)})  # type: ignore[no-untyped-call]
    if crls:
        store[pdf_name("/CRLs")] = kept(crls)
    writer.root[pdf_name("/DSS")] = writer.add_object(store)
    # These structures came after PDF 1.7 (ISO 32000-1, 7.12).
    writer.register_extension(ESIC_EXTENSION_1)
    writer.update_root()  # type: ignore[no-untyped-call]
