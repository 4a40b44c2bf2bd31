"""PDF papers, by PDFium: opened, every page loaded, the first one drawn. Nothing that acts is ever run.

This PDFium is built without JavaScript, and nobody here asks it to follow an action. What acts is looked for in the
bytes as they lie and by PDFium's own lists: that finds it in honest files, but it can be hidden in compressed objects.
"""

from __future__ import annotations

import math
import re
from typing import Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_raw
from PIL import Image

from appliance.casework.paperworker import limits
from appliance.casework.paperworker.message import Answer, Note, Pixels, Verdict

_NEEDS_RENDERING: Final = re.compile(rb"/NeedsRendering\s+true")
_ACTS: Final = (
    (Note.SCRIPT, re.compile(rb"/JavaScript\b")),
    (Note.STARTS_PROGRAM, re.compile(rb"/Launch\b")),
    (Note.FILES_INSIDE, re.compile(rb"/(EmbeddedFiles?|RichMedia)\b")),
)
_FORM_XFA_ONLY: Final = 2
_FORM_XFA_BESIDE: Final = 3
_NO_SECURITY: Final = -1
_LOCKED: Final = frozenset({pdfium_raw.FPDF_ERR_PASSWORD, pdfium_raw.FPDF_ERR_SECURITY})


def read(content: bytes) -> Answer:
    """What this PDF is.

    Raises:
        Exception: of any type; the file is broken then.
    """
    try:
        document = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        # PDFium opens no document without pages, and does not tell it from a damaged one.
        return Answer(Verdict.LOCKED if error.err_code in _LOCKED else Verdict.NO_PAGES)
    pages = len(document)
    if pages < 1:
        return Answer(Verdict.NO_PAGES)
    if pages > limits.MAX_PAGES:
        return Answer(Verdict.TOO_MANY_PAGES)
    form = document.get_formtype()
    if form == _FORM_XFA_ONLY:
        return Answer(Verdict.NEEDS_ITS_OWN_READER)
    notes = Note(0)
    filled = False
    for index in range(pages):
        verdict, note = _check_size(document, index)
        if verdict == Verdict.SHOWN:
            verdict, something = _load(document, index)
            filled |= something
        if verdict != Verdict.SHOWN:
            return Answer(verdict, index + 1)
        notes |= note
    if not filled:
        waits = _NEEDS_RENDERING.search(content) is not None
        return Answer(Verdict.NEEDS_ITS_OWN_READER if waits else Verdict.NOTHING_ON_IT)
    if form == _FORM_XFA_BESIDE:
        notes |= Note.FORM_OF_TWO_KINDS
    notes |= _oddities(document, content)
    return Answer(Verdict.SHOWN, pages, notes=notes, thumbnail=_drawn(document, 0, limits.THUMBNAIL_PX))


def draw(content: bytes, page: int) -> Answer:
    """One page of this PDF, from 1, large enough to be read.

    Raises:
        Exception: of any type; the file is broken then, or has no such page.
    """
    document = pdfium.PdfDocument(content)
    verdict, _ = _check_size(document, page - 1)
    if verdict != Verdict.SHOWN:
        return Answer(verdict, page)
    return Answer(Verdict.SHOWN, len(document), thumbnail=_drawn(document, page - 1, limits.DRAWN_PX))


def _check_size(document: pdfium.PdfDocument, index: int) -> tuple[Verdict, Note]:
    try:
        shorter, longer = sorted(document.get_page_size(index))
    except pdfium.PdfiumError:
        return Verdict.PAGE_BROKEN, Note(0)
    if not (math.isfinite(longer) and shorter >= limits.MIN_PAGE_PT):
        return Verdict.PAGE_BROKEN, Note(0)
    if longer > limits.MAX_PAGE_PT:
        return Verdict.PAGE_TOO_LARGE, Note(0)
    return Verdict.SHOWN, Note.OVERSIZED if longer > limits.LARGEST_SHEET_PT else Note(0)


def _load(document: pdfium.PdfDocument, index: int) -> tuple[Verdict, bool]:
    """Whether a page can be read with all that is on it, and whether there is anything on it."""
    try:
        page = document[index]
    except pdfium.PdfiumError:
        return Verdict.PAGE_BROKEN, False
    for picture in page.get_objects([pdfium_raw.FPDF_PAGEOBJ_IMAGE], max_depth=limits.MAX_OBJECT_DEPTH):
        width, height = picture.get_px_size()
        if width * height > limits.MAX_PIXELS:
            return Verdict.TOO_MANY_PIXELS, False
    something = pdfium_raw.FPDFPage_CountObjects(page) > 0 or pdfium_raw.FPDFPage_GetAnnotCount(page) > 0
    page.close()
    return Verdict.SHOWN, something


def _drawn(document: pdfium.PdfDocument, index: int, side_px: int) -> Pixels:
    page = document[index]
    bitmap = page.render(
        scale=side_px / max(page.get_size()),
        rev_byteorder=True,
        may_draw_forms=False,
        limit_image_cache=True,
    )
    picture = Image.frombuffer("RGB", (bitmap.width, bitmap.height), bitmap.buffer, "raw", "RGB", bitmap.stride, 1)
    picture.thumbnail((side_px, side_px))
    return Pixels(picture.width, picture.height, picture.tobytes())


def _oddities(document: pdfium.PdfDocument, content: bytes) -> Note:
    notes = Note(0)
    for note, sign in _ACTS:
        if sign.search(content) is not None:
            notes |= note
    if pdfium_raw.FPDFDoc_GetJavaScriptActionCount(document) > 0:
        notes |= Note.SCRIPT
    if document.count_attachments() > 0:
        notes |= Note.FILES_INSIDE
    if pdfium_raw.FPDF_GetSecurityHandlerRevision(document) != _NO_SECURITY:
        notes |= Note.RESTRICTED
    if not content.startswith(b"%PDF-"):
        notes |= Note.LEAD_IN
    return notes
