"""The page of a certificate, from its record alone: PDF/A-3b with the record inside, or a preview by the same code.

The same record and pictures give the same bytes, whenever and wherever they are set.
"""

from __future__ import annotations

import hashlib
import io
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from PIL import Image

from appliance.certificates.codes import draw_code
from appliance.certificates.record import LANGUAGES, CertificateRecord, Fact, encode_record, is_date
from appliance.certificates.typesetting import typesetter
from appliance.certificates.wording import IDENTITY_KINDS, say_date, words
from appliance.journal.errors import BugError

TEMPLATE: Final = "certificate.typ"
PREVIEW_DOTS_PER_INCH: Final = 110.0
MAX_RUNNING_NAME: Final = 48
"""Characters of a name at the head of a further page."""
MAX_PICTURE_BYTES: Final = 4 * 1024 * 1024

Said = dict[str, str]
"""A text and its language, as the template takes it."""


def render_certificate(
    record: CertificateRecord,
    *,
    photo: bytes | None,
    signature_png: bytes | None,
    qr_text: str,
    marks: Sequence[str] = (),
    emblem: bytes | None = None,
) -> bytes:
    """Set a certificate as a PDF/A-3b file that carries its record as `record.json`.

    Args:
        record: what it says.
        photo: the holder's, JPEG or PNG; the record names its hash.
        signature_png: the picture of the holder's signature.
        qr_text: what the code says.
        marks: words across the page that are not in the record, in English capitals; SPECIMEN comes from the record.
        emblem: of the department, JPEG or PNG.

    Raises:
        BadRecord, Unprintable: the record cannot be printed.
        FontsMissing: a font is not on this machine.
        BugError: a picture or the code's text is not as it must be.
    """
    pictures = _pictures(record, photo, signature_png, emblem)
    data = _page(record, qr_text, marks)
    at = datetime.fromisoformat(record.issued_on).replace(tzinfo=UTC)
    return typesetter().pdf(TEMPLATE, data, pictures, at=at)


def preview_certificate(
    record: CertificateRecord,
    *,
    photo: bytes | None,
    signature_png: bytes | None,
    qr_text: str,
    marks: Sequence[str] = (),
    emblem: bytes | None = None,
    dots_per_inch: float = PREVIEW_DOTS_PER_INCH,
) -> bytes:
    """What `render_certificate` would make, as one PNG, page under page.

    Raises:
        As `render_certificate`.
    """
    pictures = _pictures(record, photo, signature_png, emblem)
    pages = typesetter().pages(TEMPLATE, _page(record, qr_text, marks), pictures, dots_per_inch=dots_per_inch)
    return pages[0] if len(pages) == 1 else _stacked(pages)


def _pictures(
    record: CertificateRecord, photo: bytes | None, signature_png: bytes | None, emblem: bytes | None
) -> Mapping[str, bytes]:
    found = None if photo is None else hashlib.sha256(photo).hexdigest()
    if found != record.holder.photo_sha256:
        raise BugError("The photograph is not the one that the certificate's record names.")
    given = {"photo": photo, "signature": signature_png, "emblem": emblem}
    pictures = {name: content for name, content in given.items() if content is not None}
    if any(len(content) > MAX_PICTURE_BYTES for content in pictures.values()):
        raise BugError("A picture for a certificate is too large.")
    return pictures


def _page(record: CertificateRecord, qr_text: str, marks: Sequence[str]) -> dict[str, object]:
    """Everything the template shows, as strings."""
    languages = record.languages
    native = next((each for each in languages if each != "en"), languages[0])
    shown = [*(["SPECIMEN"] if record.specimen else []), *marks]
    return {
        "record": encode_record(record).decode(),
        "languages": languages,
        "number": record.number,
        "tracking": record.tracking,
        "centre": record.centre,
        "centre_name": record.centre_name,
        "summary": f"{record.service} {record.number}, {record.issued_on}",
        "title": _said(record.title, languages),
        "authority": _said(record.authority, languages),
        "statement": _said(record.statement, languages) or _phrases("issued_to", languages),
        "band": _band(record),
        "holder": {
            "name": record.holder.name,
            "running": textwrap.shorten(record.holder.name, MAX_RUNNING_NAME, placeholder=" …"),
            "native": record.holder.name_native,
            "lang": native,
        },
        "facts": [_fact(fact, languages, native) for fact in (*_of_holder(record), *record.facts)],
        "attested_by": {"name": record.attested_by.name, "title": _said(record.attested_by.title, languages)},
        "attested": _phrases("attested", languages),
        "holder_signature": _phrases("holder_signature", languages),
        "sealed": _phrases("sealed", languages),
        "verify": _phrases("verify", languages),
        "qr": draw_code(qr_text).svg,
        "marks": list(dict.fromkeys(shown)),
    }


def _band(record: CertificateRecord) -> list[dict[str, object]]:
    entries = [("number", record.number), ("issued", say_date(record.issued_on, "en"))]
    if record.expires_on is not None:
        entries.append(("expires", say_date(record.expires_on, "en")))
    return [{"labels": _phrases(what, record.languages), "value": value} for what, value in entries]


def _of_holder(record: CertificateRecord) -> list[Fact]:
    """What the record says of the holder, as the first facts of the table."""
    holder = record.holder
    facts = []
    if holder.identity_number_shown:
        kind = holder.identity_kind if holder.identity_kind in IDENTITY_KINDS else "identity"
        facts.append(_stock(kind, holder.identity_number_shown))
    if holder.born:
        facts.append(_stock("born", holder.born))
    return facts


def _stock(what: str, value: str) -> Fact:
    return Fact({language: words(what, language) for language in LANGUAGES}, value)


def _fact(fact: Fact, languages: Sequence[str], native: str) -> dict[str, object]:
    value, other = fact.value, fact.value_native
    if is_date(value):
        other = other or (say_date(value, native) if native != "en" else "")
        value = say_date(value, "en")
    if "en" not in languages and other:
        value, other = other, ""
    return {
        "labels": _said(fact.label, languages),
        "value": {"lang": "en" if "en" in languages else native, "text": value},
        "native": {"lang": native, "text": other} if other else None,
    }


def _said(text: Mapping[str, str], languages: Sequence[str]) -> list[Said]:
    """A text in the languages of the page that it has; in any, where it has none of them."""
    shown = [each for each in languages if text.get(each)] or list(text)[:1]
    return [{"lang": each, "text": text[each]} for each in shown]


def _phrases(what: str, languages: Sequence[str]) -> list[Said]:
    return [{"lang": each, "text": words(what, each)} for each in languages]


def _stacked(pages: Sequence[bytes]) -> bytes:
    images = [Image.open(io.BytesIO(page)).convert("RGB") for page in pages]
    whole = Image.new("RGB", (max(each.width for each in images), sum(each.height for each in images)), "white")
    top = 0
    for each in images:
        whole.paste(each, (0, top))
        top += each.height
    out = io.BytesIO()
    whole.save(out, "PNG")
    return out.getvalue()
