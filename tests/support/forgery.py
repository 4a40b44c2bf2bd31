"""Certificates of a specimen centre, and what forgers make of them. The keys are public: they are made from names."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from appliance.certificates.codes import Picture, picture_of_code
from appliance.certificates.embedding import Unchanged
from appliance.certificates.pagedata import page_data
from appliance.certificates.qr import make_code
from appliance.certificates.raising import raise_level
from appliance.certificates.record import CertificateRecord, encode_record, record_hash
from appliance.certificates.render import render_certificate
from appliance.certificates.sign import sign_pdf
from appliance.certificates.signer import DocumentSigner, SoftwareSigner
from sync.central.authority import Authority, key_bytes
from sync.centre import centre_subject
from tests.support.certificates import domicile
from tests.support.sealing_centre import CODE, NAME, NOW
from tests.support.timestamps import Tsa

LATER: Final = NOW + timedelta(days=1)
"""When central is reached, and certificates get their timestamps."""


def fixed_key(name: str) -> ec.EllipticCurvePrivateKey:
    """A key that everybody knows."""
    digest = hashlib.sha256(f"Sanad attack files: {name}".encode()).digest()
    return ec.derive_private_key(int.from_bytes(digest), ec.SECP256R1())


@dataclass(frozen=True)
class Central:
    """An authority, with a centre and a timestamp service that it certified."""

    authority: Authority
    tsa: Tsa
    signer: SoftwareSigner

    @property
    def authority_der(self) -> bytes:
        return self.authority.certificate.public_bytes(Encoding.DER)

    @property
    def tsa_der(self) -> bytes:
        return self.tsa.certificate.public_bytes(Encoding.DER)

    def centre(self, key: str, code: str = CODE, name: str = NAME) -> SoftwareSigner:
        """A key that the authority certified for a centre."""
        private = fixed_key(key)
        certificate = self.authority.certify_centre(private.public_key(), centre_subject(code, name), NOW)
        return SoftwareSigner(key_bytes(private), certificate.public_bytes(Encoding.DER), (self.authority_der,))

    def raised(self, pdf: bytes, at: datetime = LATER) -> bytes:
        """The file with validation data and a timestamp."""
        tsa = Tsa(self.authority, self.tsa.key, self.tsa.certificate, at)
        material = tsa.material()
        return raise_level(
            pdf,
            stamp=tsa.stamp,
            certificates=(*material.certificates, *material.believed.authorities),
            crls=material.believed.crls,
            room=material.room,
        )


def central(name: str) -> Central:
    """One whose keys come from its name."""
    with patch("sync.central.authority.new_key", lambda: fixed_key(f"{name} authority")):
        authority = Authority.create("Sanad central specimen", NOW)
    key = fixed_key(f"{name} timestamps")
    tsa = Tsa(authority, key, authority.certify_timestamps(key.public_key(), "Specimen timestamps"), LATER)
    bare = Central(authority, tsa, SoftwareSigner(key_bytes(key), tsa.certificate.public_bytes(Encoding.DER), ()))
    return Central(authority, tsa, bare.centre(f"{name} centre"))


def record(number: str = "PEW01-0000123", **changes: Any) -> CertificateRecord:
    """A short record, so that files stay small; all of it in English."""
    long = domicile()
    short = {"languages": ("en",), "facts": long.facts[:3], "authority": {"en": "SPECIMEN office, Peshawar"}}
    return msgspec.structs.replace(long, number=number, **{**short, **changes})


def code_of(said: CertificateRecord, signer: DocumentSigner) -> str:
    """The code of a record."""
    return make_code(said, record_hash(encode_record(said)), signer, at=NOW)


def page(said: CertificateRecord, code: str) -> bytes:
    """The rendered file, unsigned."""
    return render_certificate(said, photo=None, signature_png=None, qr_text=code)


def sealed(said: CertificateRecord, signer: DocumentSigner) -> bytes:
    """A certificate as the counter makes it."""
    return sign_page(page(said, code_of(said, signer)), signer)


def pasted(said: CertificateRecord, code: str, signer: DocumentSigner) -> bytes:
    """A sealed file that carries its own code and shows another."""

    def other(_code: str, dots: int) -> Picture:
        return picture_of_code(code, dots)

    with patch("appliance.certificates.render.picture_of_code", other):
        return sealed(said, signer)


def showing(said: CertificateRecord, shown: CertificateRecord, signer: DocumentSigner) -> bytes:
    """A sealed file that carries one record and shows another, as only an insider could set it."""

    def other(_record: CertificateRecord, marks: Sequence[str]) -> dict[str, object]:
        return page_data(shown, marks)

    with patch("appliance.certificates.render.page_data", other):
        return sealed(said, signer)


def sign_page(pdf: bytes, signer: DocumentSigner) -> bytes:
    """Seal a file."""
    return sign_pdf(pdf, signer=signer, reason="Issued", location="Peshawar", at=NOW)


def updated(pdf: bytes, change: Callable[[Unchanged], None]) -> bytes:
    """An incremental update by somebody who has no key."""
    writer = Unchanged(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    return out.getvalue()


def stamped_over(by: Central, content: bytes) -> bytes:
    """A timestamp over a file that was changed: the service does not see what it stamps."""
    with patch("appliance.certificates.raising._covers_all", lambda *_: True):
        return by.raised(content)


def replace_xmp(writer: Unchanged) -> None:
    """Let a file be about another certificate."""
    old = writer.root["/Metadata"].data
    new = generic.StreamObject(
        {pdf_name("/Type"): pdf_name("/Metadata"), pdf_name("/Subtype"): pdf_name("/XML")},
        stream_data=old.replace(b"0000123", b"0000321"),
    )
    replace_object(writer, writer.root.raw_get("/Metadata"), new)


def swap_record(writer: Unchanged) -> None:
    """Put another record in the place of the one that was attached."""
    other = encode_record(record("PEW01-0000321"))
    listed = writer.root["/Names"]["/EmbeddedFiles"]["/Names"]
    for index in range(0, len(listed), 2):
        if listed[index] == "record.json":
            files = listed[index + 1]["/EF"]
            named = files.raw_get("/F")
            old = named.get_object()
            entries = {name: old.raw_get(name) for name in old if name not in ("/Length", "/Filter", "/Params")}
            replace_object(writer, named, generic.StreamObject(entries, stream_data=other))


def swap_page(writer: Unchanged) -> None:
    """Show what lay hidden: another text in the place of the page's."""
    named = writer.root["/Pages"]["/Kids"].raw_get(0).get_object().raw_get("/Contents")
    shown = b"BT /F0 24 Tf 90 700 Td (VALID FOR EVERYBODY) Tj ET"
    replace_object(writer, named, generic.StreamObject(stream_data=shown))


def replace_object(writer: Unchanged, named: Any, new: generic.PdfObject) -> None:
    """Write an object anew under the name of an old one."""
    writer.objects[(named.generation, named.idnum)] = new


def changed(content: bytes, place: int, by: int = 1) -> bytes:
    """One byte changed."""
    return content[:place] + bytes([content[place] ^ by]) + content[place + 1 :]


def seal_place(pdf: bytes, nth: int = 0) -> tuple[int, int]:
    """Where the hexadecimal text of a signature begins, and where it ends."""
    start = -1
    for _ in range(nth + 1):
        start = pdf.index(b"/Contents <", start + 1)
    begin = start + len(b"/Contents <")
    return begin, pdf.index(b">", begin)


def with_padding(make: Callable[[], bytes]) -> bytes:
    """A sealed file whose seal does not fill its place; how long a signature is varies."""
    while True:
        pdf = make()
        _, end = seal_place(pdf)
        if pdf[end - 2 : end] == b"00":
            return pdf


def signed_besides(pdf: bytes, signer: DocumentSigner) -> bytes:
    """A further signature, by whoever has any key."""
    from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
    from pyhanko.sign.signers.pdf_byterange import SignatureObject

    from appliance.certificates import cms

    writer = Unchanged(io.BytesIO(pdf))
    steps = PdfCMSEmbedder(SigFieldSpec("Other")).write_cms("Other", writer)
    next(steps)
    steps.send(
        SigObjSetup(
            SignatureObject(timestamp=LATER, subfilter=SigSeedSubFilter.PADES, bytes_reserved=2 * cms.room_for(signer))
        )
    )
    prepared, output = steps.send(SigIOSetup("sha256"))
    steps.send(cms.signed_data(prepared.document_digest, signer))
    made: bytes = output.getvalue()
    return made


def scanned(pages: Sequence[bytes]) -> bytes:
    """Pictures as a PDF that holds nothing else, as scanners make them."""
    from PIL import Image

    first, *others = (Image.open(io.BytesIO(each)) for each in pages)
    out = io.BytesIO()
    first.save(out, "PDF", resolution=150, save_all=True, append_images=others)
    return out.getvalue()


def photographed(pdf: bytes) -> bytes:
    """The first page as a picture, JPEG, as a telephone would see it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    shown = document[0].render(scale=150 / 72, grayscale=True).to_pil()
    document.close()
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=60)
    return out.getvalue()
