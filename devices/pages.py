"""Pages as pictures: what a page printer was given, as it looks on paper."""

from __future__ import annotations

import math
import threading
from typing import Final

import pypdfium2 as pdfium
from PIL import Image, ImageDraw, ImageFont

from devices.contracts import Picture
from devices.errors import Unprintable
from devices.pictures import to_png

RESOLUTION_DPI: Final = 100
POINTS_AN_INCH: Final = 72
MAX_PAGES: Final = 50
MAX_SIDE_POINTS: Final = 2_000
"""A little more than A2: no page of ours is larger."""
BANNER_SHARE: Final = 0.7
"""How much of the page's diagonal a word across it fills."""
BANNER_COLOUR: Final = (200, 0, 0, 150)
UNREADABLE: Final = ("That is no PDF that can be printed.", "Tell central IT: this is a fault of the program.")
_PDFIUM: Final = threading.Lock()
"""PDFium serves one thread at a time."""


def page_pictures(pdf: bytes, banner: str = "") -> tuple[Picture, ...]:
    """Draw every page of a PDF, of the first 50.

    Args:
        pdf: a document that this program made, or one as good: it is read in this process.
        banner: a word across each page and at its head, as SIMULATED.

    Raises:
        Unprintable: it cannot be read, or a page is too large.
    """
    return tuple(to_png(_marked(page, banner) if banner else page) for page in _drawn(pdf))


def _drawn(pdf: bytes) -> list[Image.Image]:
    with _PDFIUM:
        try:
            document = pdfium.PdfDocument(pdf)
            try:
                sizes = [document.get_page_size(number) for number in range(min(len(document), MAX_PAGES))]
                if any(not 0 < side <= MAX_SIDE_POINTS for size in sizes for side in size):
                    raise Unprintable(*UNREADABLE)
                scale = RESOLUTION_DPI / POINTS_AN_INCH
                return [document[i].render(scale=scale).to_pil().convert("RGB") for i in range(len(sizes))]
            finally:
                document.close()
        except (pdfium.PdfiumError, ValueError):
            raise Unprintable(*UNREADABLE) from None


def _marked(page: Image.Image, banner: str) -> Image.Image:
    """The word across the page, see-through so that what is below can be read, and in full at its head."""
    diagonal = math.hypot(*page.size)
    font = ImageFont.load_default(100)
    left, top, right, bottom = font.getbbox(banner)
    word = Image.new("RGBA", (math.ceil(right - left), math.ceil(bottom - top)), (0, 0, 0, 0))
    ImageDraw.Draw(word).text((-left, -top), banner, fill=BANNER_COLOUR, font=font)
    grown = BANNER_SHARE * diagonal / word.width
    word = word.resize((round(word.width * grown), round(word.height * grown)), Image.Resampling.BILINEAR)
    word = word.rotate(math.degrees(math.atan2(page.height, page.width)), Image.Resampling.BILINEAR, expand=True)
    out = page.convert("RGBA")
    layer = Image.new("RGBA", out.size, (0, 0, 0, 0))
    layer.paste(word, ((page.width - word.width) // 2, (page.height - word.height) // 2))
    out = Image.alpha_composite(out, layer).convert("RGB")
    pen = ImageDraw.Draw(out)
    height = max(16, page.height // 40)
    pen.rectangle((0, 0, page.width, height), fill="black")
    pen.text((page.width // 2, height // 2), banner, fill="white", font=ImageFont.load_default(height - 4), anchor="mm")
    return out
