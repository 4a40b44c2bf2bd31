"""What a citizen signs, and the words of a pad's buttons, as pictures in the citizen's language, in black and white."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

from PIL import Image

from appliance.certificates.typesetting import typesetter

MAX_LINES: Final = 12
MAX_CHARACTERS: Final = 300
SIZES: Final = (32, 28, 24, 20, 17, 14, 12)
"""Letter heights in dots of the pad; the largest that fits is taken."""
MIN_BUTTON_PX: Final = 10
THRESHOLD: Final = 150
"""Darker than the middle, thin strokes of Nastaliq stay whole."""
_DOTS_PER_INCH: Final = 72.0

# The order of every line: English, Urdu, Pashto, Hindi, Tamil.
_ORDER: Final = ("en", "ur", "ps", "hi", "ta")
_APPLY: Final = ("I apply for", "میری درخواست برائے", "زما غوښتنلیک د دې لپاره", "मेरा आवेदन", "எனது விண்ணப்பம்")
_CANCEL: Final = ("Cancel", "منسوخ", "لغوه", "रद्द करें", "ரத்து")
_CLEAR: Final = ("Clear", "صاف کریں", "پاک", "मिटाएँ", "அழி")
_ACCEPT: Final = ("Accept", "قبول", "منل", "स्वीकार", "ஏற்கிறேன்")


def apply_for(language: str) -> str:
    """“I apply for”, in a language; in English where that is not known."""
    return _APPLY[_at(language)]


def render_signing_text(lines: Sequence[str], language: str, width_px: int, height_px: int) -> bytes | None:
    """Lines as a PNG that is as wide as the pad and no higher than asked for; None where they do not fit.

    Raises:
        FontsMissing: a font is not on this machine.
        Unprintable: a letter is in no font.
    """
    if not 0 < len(lines) <= MAX_LINES or any(len(line) > MAX_CHARACTERS for line in lines):
        return None
    for size in SIZES:
        data = {"lang": _known(language), "lines": list(lines), "width": width_px, "size": size}
        pages = typesetter().pages("signing.typ", data, {}, dots_per_inch=_DOTS_PER_INCH)
        picture = _black_and_white(pages[0])
        if len(pages) == 1 and picture.height <= height_px:
            return _png(picture)
    return None


def render_buttons(language: str, width_px: int, height_px: int) -> bytes:
    """The words of the buttons in their order on the pad (cancel, clear, accept), as a PNG of that size.

    Raises:
        FontsMissing: a font is not on this machine.
    """
    at = _at(language)
    return render_row((_CANCEL[at], _CLEAR[at], _ACCEPT[at]), language, width_px, height_px)


def render_row(words: tuple[str, str, str], language: str, width_px: int, height_px: int) -> bytes:
    """Three words in equal parts of a row, from left to right in every language, as a PNG of that size.

    Raises:
        FontsMissing: a font is not on this machine.
    """
    size = max(height_px * 3 // 10, MIN_BUTTON_PX)
    data = {"lang": _known(language), "words": list(words), "width": width_px, "height": height_px, "size": size}
    (page,) = typesetter().pages("buttons.typ", data, {}, dots_per_inch=_DOTS_PER_INCH)
    return _png(_black_and_white(page))


def _at(language: str) -> int:
    return _ORDER.index(language) if language in _ORDER else 0


def _known(language: str) -> str:
    return language if language in _ORDER else "en"


def _black_and_white(png: bytes) -> Image.Image:
    with Image.open(io.BytesIO(png)) as drawn:
        return drawn.convert("L").point(lambda level: 255 if level >= THRESHOLD else 0)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
