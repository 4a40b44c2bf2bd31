"""What stands on a pad's screen: the text that is signed, a line to sign on, and three buttons."""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from devices.collecting import Box, Button
from devices.contracts import BUTTON_SHARE, TEXT_SHARE, PadCapability, SigningScreen
from devices.errors import Unprintable
from devices.pictures import open_picture, to_mono
from devices.stu.reports import Encoding

MARGIN: Final = 6
SIZES: Final = (30, 26, 22, 19, 16, 14, 12)
"""Letter heights in pixels, the largest that fits is taken."""
BUTTON_ORDER: Final = (Button.CANCEL, Button.CLEAR, Button.ACCEPT)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand, in pixels."""

    text: Box
    writing: Box
    buttons: dict[Button, Box]


def layout(width: int, height: int) -> Layout:
    """Divide a screen: text above, the place to sign, three buttons below."""
    top = round(height * (1 - BUTTON_SHARE))
    edges = [width * i // 3 for i in range(4)]
    buttons = {b: Box(edges[i], top, edges[i + 1], height) for i, b in enumerate(BUTTON_ORDER)}
    text_end = round(height * TEXT_SHARE)
    return Layout(Box(0, 0, width, text_end), Box(0, text_end, width, top), buttons)


def in_pad_units(box: Box, capability: PadCapability) -> Box:
    """A box of pixels in the units of the pen."""
    across, down = capability.max_x / capability.width_px, capability.max_y / capability.height_px
    return Box(round(box.left * across), round(box.top * down), round(box.right * across), round(box.bottom * down))


def can_say(text: str) -> bool:
    """Whether the font has every character, and they stand left to right without joining."""
    return all(_has(character) for character in text)


def draw(screen: SigningScreen, capability: PadCapability) -> Image.Image:
    """The whole screen as a picture.

    Raises:
        Unprintable: the text has characters that the font lacks, or does not fit.
    """
    width, height = capability.width_px, capability.height_px
    places = layout(width, height)
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    if screen.picture is not None:
        document = open_picture(screen.picture)
        document.thumbnail((width, places.text.bottom), Image.Resampling.LANCZOS)
        image.paste(document, ((width - document.width) // 2, 0))
    else:
        _draw_text(pen, screen.lines, places.text)
    line_y = places.writing.bottom - max(MARGIN, height // 20)
    pen.line((width // 12, line_y, width - width // 12, line_y), fill=(96, 96, 96), width=1)
    _draw_buttons(image, pen, screen, places)
    return image


def encode(image: Image.Image, encoding: Encoding) -> bytes:
    """Pixels as the pad takes them: rows from the top, white is 1 where there is one bit."""
    if encoding is Encoding.MONO:
        return to_mono(image).tobytes()
    red, green, blue = image.convert("RGB").split()
    if encoding is Encoding.BGR24:
        return Image.merge("RGB", (blue, green, red)).tobytes()
    out = bytearray()
    for r, g, b in zip(red.tobytes(), green.tobytes(), blue.tobytes(), strict=True):
        out += ((r & 0xF8) << 8 | (g & 0xFC) << 3 | b >> 3).to_bytes(2, "big")
    return bytes(out)


def _too_long() -> Unprintable:
    return Unprintable(
        "What the citizen signs does not fit on the pad.", "Tell central IT: this is a fault of the program."
    )


def _draw_text(pen: ImageDraw.ImageDraw, lines: tuple[str, ...], box: Box) -> None:
    if not all(map(can_say, lines)):
        raise Unprintable(
            "The pad's font lacks a character of what the citizen signs.", "It must be shown as a picture."
        )
    for size in SIZES:
        font = _font(size)
        wrapped = [part for line in lines for part in _wrap(pen, line, font, box.right - box.left - 2 * MARGIN)]
        step = round(size * 1.25)
        if len(wrapped) * step + MARGIN <= box.bottom - box.top:
            for number, line in enumerate(wrapped):
                pen.text((box.left + MARGIN, box.top + MARGIN + number * step), line, fill="black", font=font)
            return
    raise _too_long()


def _wrap(pen: ImageDraw.ImageDraw, line: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    out: list[str] = []
    current = ""
    for word in line.split():
        longer = f"{current} {word}".strip()
        if current and pen.textlength(longer, font=font) > width:
            out.append(current)
            current = word
        else:
            current = longer
        if pen.textlength(current, font=font) > width:
            raise _too_long()
    return [*out, current]


def _draw_buttons(image: Image.Image, pen: ImageDraw.ImageDraw, screen: SigningScreen, places: Layout) -> None:
    row = places.buttons[Button.CANCEL]
    if screen.buttons is not None:
        words = open_picture(screen.buttons).resize((image.width, row.bottom - row.top), Image.Resampling.LANCZOS)
        image.paste(words, (0, row.top))
    labels = {Button.ACCEPT: screen.accept, Button.CLEAR: screen.clear, Button.CANCEL: screen.cancel}
    for button, box in places.buttons.items():
        pen.rectangle((box.left + 2, box.top + 2, box.right - 3, box.bottom - 3), outline="black", width=2)
        if screen.buttons is None:
            if not can_say(labels[button]):
                raise Unprintable("The pad's font lacks a character of a button.", "It must be shown as a picture.")
            middle = ((box.left + box.right) / 2, (box.top + box.bottom) / 2)
            pen.text(middle, labels[button], fill="black", font=_font((box.bottom - box.top) // 3 + 4), anchor="mm")


@functools.lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise Unprintable("This machine cannot draw text for the pad.", "Install Pillow with FreeType.")
    return font


@functools.lru_cache(maxsize=4096)
def _has(character: str) -> bool:
    if unicodedata.category(character)[0] in "CM" or unicodedata.bidirectional(character) in ("R", "AL", "AN"):
        return False
    font = _font(20)
    return character.isspace() or bytes(font.getmask(character)) != bytes(font.getmask("￿"))
