"""Pictures of a paper: as a photograph or a scan, or as the pages of a PDF that only holds such pictures.

A PDF is looked at page by page, as a scanner would see it printed; what it says of itself otherwise counts for nothing.
"""

from __future__ import annotations

from typing import Final

import pypdfium2 as pdfium
from PIL import Image

from appliance.certificates.checking.faults import Unreadable
from appliance.certificates.reading import UnreadablePicture, read_image, read_picture

MAX_PAGES: Final = 8
"""Of a scanned PDF; a certificate has two or three."""
MAX_PAGE_PT: Final = 4_800.0
"""Longer side of a page, in points. It is far more than paper, because telephones make a point of each dot."""
DOTS_PER_INCH: Final = 250
MAX_SIDE_PX: Final = 3_600
"""Longer side of a page as it is looked at; A4 at 250 dots an inch has 2,923."""
_POINTS_PER_INCH: Final = 72
_SCAN: Final = "Take it again as JPEG or PNG."


def picture(content: bytes) -> list[str]:
    """The texts of the codes in a picture.

    Raises:
        Unreadable: it is too large, or no picture.
    """
    try:
        return read_picture(content)
    except UnreadablePicture as error:
        raise Unreadable(error.sentence, error.next_step) from error


def pages(pdf: bytes) -> list[str]:
    """The texts of the codes on the pages of a PDF, as they look.

    Raises:
        Unreadable: it cannot be opened, or is larger than a scanned certificate.
    """
    try:
        document = pdfium.PdfDocument(pdf)
    except pdfium.PdfiumError:
        raise Unreadable("This PDF cannot be opened.", _SCAN) from None
    try:
        if len(document) > MAX_PAGES:
            raise Unreadable(f"This PDF has more than {MAX_PAGES} pages; no scanned certificate has.", _SCAN)
        return [text for index in range(len(document)) for text in _page(document, index)]
    except pdfium.PdfiumError:
        raise Unreadable("This PDF cannot be opened.", _SCAN) from None
    finally:
        document.close()


def _page(document: pdfium.PdfDocument, index: int) -> list[str]:
    longer = max(document.get_page_size(index))
    if not 0 < longer <= MAX_PAGE_PT:
        raise Unreadable("A page of this PDF is larger than any certificate.", _SCAN)
    scale = min(DOTS_PER_INCH / _POINTS_PER_INCH, MAX_SIDE_PX / longer)
    bitmap = document[index].render(scale=scale, grayscale=True, may_draw_forms=False, limit_image_cache=True)
    seen = Image.frombuffer("L", (bitmap.width, bitmap.height), bitmap.buffer, "raw", "L", bitmap.stride, 1)
    return read_image(seen)
