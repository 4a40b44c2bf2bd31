"""What somebody brought, whichever form it has: read, and held against the rules of that form."""

from __future__ import annotations

import codecs
import importlib
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from appliance.certificates.checking import code as codes
from appliance.certificates.checking.faults import Broken, Unreadable
from appliance.certificates.evidence import Bundle, is_bundle, read_bundle
from appliance.certificates.qr import PREFIX, CodeClaims
from appliance.certificates.record import CertificateRecord, encode_record
from appliance.journal.errors import IntegrityError

_PDF: Final = b"%PDF-"
_PDF_SIGNS: Final = (b"%%EOF", b"/ByteRange", b"endobj")
_PDF_MAY_START_BEFORE: Final = 1024
_PICTURES: Final = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\0",
    b"MM\0*",
    b"GIF8",
    b"BM",
    b"RIFF",
    b"\0\0\0\x0cjP  ",
)
_LOADED_LATE: Final = ("_strptime", "pyhanko.pdf_utils.filters", "pyhanko.pdf_utils.metadata.xmp_xml", "lxml.etree")
"""What the libraries load when they first need it."""
_ENCODINGS: Final = ("ascii", "utf-8", "utf-16-be", "utf-16-le", "utf-16", "latin-1", "cp1252", "utf-8-sig", "idna")
_ANOTHER: Final = "The certificate in the bundle is not the one that the journal names."
_NOTHING: Final = "There is nothing in the file."


@dataclass(frozen=True, slots=True)
class Token:
    """A document timestamp that is whole; whether its service is trusted is another question."""

    token: bytes
    digest: bytes
    """SHA-256 of what it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A certificate that is as it was signed."""

    number: str
    service: str
    centre: str
    holder: str
    holder_native: str
    issued_on: str
    expires_on: str | None
    specimen: bool
    officer: bool | None
    """Whether it says that an officer's key signed it; None for a code, which does not say."""
    record_sha256: str
    pdf_sha256: str
    """Of the file as the counter sealed it; empty for a code."""
    certificate: bytes | None
    """The signer's, DER, where it was carried along."""
    code: CodeClaims | None
    """To be verified with the signer's certificate, where that was not carried along."""
    printed: CodeClaims | None = None
    """What the code on the page of a file says, where another key than the file's signed it: the centre's."""
    stamps: tuple[Token, ...] = ()
    record: CertificateRecord | None = None
    bundle: Bundle | None = None
    """What led to it, and what proves that, where it came with it."""

    @property
    def whole(self) -> bool:
        """Whether it is the file itself, so that nothing has to be compared with paper."""
        return self.record is not None

    @property
    def said(self) -> dict[str, object]:
        """The record, or what the code claims, as plain values."""
        if self.record is not None:
            plain: dict[str, object] = msgspec.json.decode(encode_record(self.record))
            return plain
        return {} if self.code is None else claims(self.code)


def look(content: bytes) -> Found:
    """Read what somebody brought.

    Raises:
        Unreadable: there is no certificate in it.
        Broken: there is one, and it is not as it was signed.
    """
    if not content:
        raise Unreadable(_NOTHING)
    if content.startswith(_PDF):
        return _pdf(content)
    if content.startswith(_PICTURES):
        return _picture(content)
    if is_bundle(content):
        return _bundle(content)
    if any(sign in content for sign in _PDF_SIGNS) or _PDF in content[:_PDF_MAY_START_BEFORE]:
        raise Broken("The beginning of the file was changed, or something was put before it.")
    return of_code(codes.read_text(content))


def prepare(content: bytes) -> None:
    """Load what reading this will need, for a process that afterwards can open no file."""
    if content.startswith((_PDF, *_PICTURES)) or is_bundle(content):
        from PIL import Image

        from appliance.certificates.checking import paper, pdf  # noqa: F401

        Image.init()
        for module in _LOADED_LATE:
            importlib.import_module(module)
        for name in _ENCODINGS:
            codecs.lookup(name)


def of_code(code: CodeClaims) -> Found:
    """What a code says."""
    return Found(
        number=code.number,
        service=code.service,
        centre=code.centre,
        holder=code.holder.name,
        holder_native=code.holder.name_native,
        issued_on=code.issued_on,
        expires_on=code.expires_on,
        specimen=code.specimen,
        officer=None,
        record_sha256=code.record_sha256,
        pdf_sha256="",
        certificate=None,
        code=code,
    )


def claims(code: CodeClaims) -> dict[str, object]:
    """What a code claims, as plain values."""
    return {
        "number": code.number,
        "service": code.service,
        "centre": code.centre,
        "issued_on": code.issued_on,
        "expires_on": code.expires_on,
        "holder": {name: value for name, value in msgspec.to_builtins(code.holder).items() if value},
        "left_out": list(code.left_out),
        "record_sha256": code.record_sha256,
        "specimen": code.specimen,
    }


def _pdf(content: bytes) -> Found:
    # Loaded where it is needed: pyHanko takes 0.4 s, and a code's text needs none of it.
    from appliance.certificates.checking import paper, pdf

    try:
        sealed = pdf.read_pdf(content)
    except pdf.NoSeal as error:
        return _scanned(paper.pages(content), error)
    record = sealed.record
    return Found(
        number=record.number,
        service=record.service,
        centre=record.centre,
        holder=record.holder.name,
        holder_native=record.holder.name_native,
        issued_on=record.issued_on,
        expires_on=record.expires_on,
        specimen=record.specimen,
        officer=record.sealed_by == "officer",
        record_sha256=sealed.record_sha256,
        pdf_sha256=sealed.pdf_sha256,
        certificate=sealed.seal.certificate,
        code=None,
        printed=None if record.sealed_by == "centre" else sealed.code,
        stamps=tuple(Token(each.contents, each.digest) for each in sealed.stamps),
        record=record,
    )


def _bundle(content: bytes) -> Found:
    try:
        bundle = read_bundle(content)
    except IntegrityError as error:
        raise Broken(error.sentence, error.next_step) from error
    if not bundle.pdf.startswith(_PDF):
        raise Broken(_ANOTHER)
    found = _pdf(bundle.pdf)
    record, story = found.record, bundle.story
    if record is None or (record.number, record.centre) != (story.number, story.centre):
        raise Broken(_ANOTHER)
    if found.record_sha256 != story.record_sha256:
        raise Broken(_ANOTHER)
    return replace(found, bundle=bundle)


def _picture(content: bytes) -> Found:
    from appliance.certificates.checking import paper

    return _scanned(paper.picture(content), None)


def _scanned(texts: list[str], otherwise: Unreadable | None) -> Found:
    ours = sorted({each for each in texts if each.startswith(PREFIX)})
    if len(ours) > 1:
        raise Unreadable("The picture shows the codes of several certificates.", "Verify one certificate at a time.")
    if ours:
        return of_code(codes.read(ours[0]))
    if texts:
        return of_code(codes.read(texts[0]))
    raise otherwise or Unreadable(
        "No code of a certificate can be read in this picture.",
        "Take it again: the whole paper, flat, in good light; or have the code alone read.",
    )
