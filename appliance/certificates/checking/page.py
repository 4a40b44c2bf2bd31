"""The page of a sealed file, held against its record: what it prints in Latin script, and the code on it.

Who sees only the page must read what the record says. The words are compared as PDFium takes them out of the page:
every Latin word of a name, number, date or fact must be there at least as often as the record says it. Words in Arabic
script do not come out of a PDF as they went in (`docs/certificates.md`), so they are not compared. Where page and
record differ, only somebody who holds a signing key can have made the file.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pypdfium2 as pdfium
import zxingcpp
from PIL import Image

from appliance.certificates.checking.faults import Broken
from appliance.certificates.reading import read_image
from appliance.certificates.record import CertificateRecord, is_date
from appliance.certificates.wording import say_date

MAX_PAGES: Final = 64
"""With the scans of an attested copy."""
MAX_TEXT: Final = 200_000
"""Characters on all pages."""
DIFFERS: Final = "The page does not say what the record in the file says."
OTHER_CODE: Final = "The code on the page is not that of this certificate."
MAX_PAGE_PT: Final = 1_000.0
"""Longer side of a page, in points; A4 has 842."""
_SCALE: Final = 2.5
"""Dots for each point: the code is drawn, not scanned, so 180 dots an inch are enough."""
_ABOVE_FOOT: Final = 0.55
"""How much of the page's height stands above where codes are."""
_QR: Final = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
_WORD: Final = re.compile(r"[0-9a-z\u00df-\u024f]+(?:[-/.:+'][0-9a-z\u00df-\u024f]+)*")
"""A Latin word, number or identifier, in small letters; marks around it may be drawn elsewhere, or not at all."""


def check(pdf: bytes, record: CertificateRecord, code: str) -> None:
    """Check that the page says what the record says, and shows its code.

    Args:
        pdf: the file as it was sealed.
        record: its record.
        code: the text that the code on the page must have.

    Raises:
        Broken: it does not, or the page cannot be read.
    """
    document = pdfium.PdfDocument(pdf)
    try:
        if not 1 <= len(document) <= MAX_PAGES:
            raise Broken(DIFFERS)
        printed = _squeezed("".join(_text(document, index) for index in range(len(document))))
        if not _shows(document, code):
            raise Broken(OTHER_CODE)
    except pdfium.PdfiumError:
        raise Broken(DIFFERS) from None
    finally:
        document.close()
    wanted = Counter(word for value in _values(record) for word in _WORD.findall(_normal(value)))
    if any(printed.count(word) < times for word, times in wanted.items()):
        raise Broken(DIFFERS)


def _text(document: pdfium.PdfDocument, index: int) -> str:
    text = document[index].get_textpage()
    if text.count_chars() > MAX_TEXT:
        raise Broken(DIFFERS)
    return str(text.get_text_bounded())


def _shows(document: pdfium.PdfDocument, code: str) -> bool:
    """Whether a page shows a code: looked for at the foot of each page, where it stands, and only then anywhere."""
    pages = range(len(document))
    return any(code in _at_foot(document, index) for index in pages) or any(
        code in read_image(_picture(document, index, 0)) for index in pages
    )


def _at_foot(document: pdfium.PdfDocument, index: int) -> list[str]:
    height = document.get_page_size(index)[1]
    found = zxingcpp.read_barcodes(_picture(document, index, height * _ABOVE_FOOT), formats=_QR)
    return [each.text for each in found]


def _picture(document: pdfium.PdfDocument, index: int, above: float) -> Image.Image:
    """A page in grey, without what stands above."""
    if not 0 < max(document.get_page_size(index)) <= MAX_PAGE_PT:
        raise Broken(DIFFERS)
    bitmap = document[index].render(scale=_SCALE, crop=(0, 0, 0, above), grayscale=True, may_draw_forms=False)
    return Image.frombuffer("L", (bitmap.width, bitmap.height), bitmap.buffer, "raw", "L", bitmap.stride, 1)


def _values(record: CertificateRecord) -> Iterator[str]:
    """What the page must print, as it prints it."""
    holder = record.holder
    yield from (record.number, record.tracking, record.centre, record.centre_name, say_date(record.issued_on, "en"))
    if record.expires_on is not None:
        yield say_date(record.expires_on, "en")
    yield from (holder.name, holder.identity_number_shown, _in_words(holder.born), record.attested_by.name)
    for fact in record.facts:
        if "en" in record.languages or not fact.value_native:
            yield _in_words(fact.value)


def _in_words(value: str) -> str:
    return say_date(value, "en") if is_date(value) else value


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("\u00ad", "").casefold()


def _squeezed(text: str) -> str:
    return "".join(_normal(text).split())
