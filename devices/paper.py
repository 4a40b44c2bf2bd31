"""A picture of a receipt, drawn from its parts: what `sanad devices test` shows and what a simulated printer prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from devices.contracts import Align, Cut, Line, OpenDrawer, Picture, QrCode, Raster, ReceiptPart
from devices.pictures import open_picture, to_png

LETTER_PX: Final = 22
LARGE_PX: Final = 40
STEP: Final = 1.3
CUT_PX: Final = 24
MAX_HEIGHT_PX: Final = 20_000


def draw_receipt(parts: Sequence[ReceiptPart], width_dots: int, banner: str = "") -> Picture:
    """Draw a receipt.

    Args:
        parts: the receipt.
        width_dots: how wide the paper is.
        banner: words across the top and the bottom, as SIMULATED.

    Raises:
        Unprintable: a picture cannot be read.
    """
    strips = [_strip(part, width_dots) for part in parts]
    if banner:
        strips = [_banner(banner, width_dots), *strips, _banner(banner, width_dots)]
    height = min(MAX_HEIGHT_PX, max(1, sum(strip.height for strip in strips)))
    paper = Image.new("RGB", (width_dots, height), "white")
    top = 0
    for strip in strips:
        paper.paste(strip, (0, top))
        top += strip.height
    return to_png(paper)


def _strip(part: ReceiptPart, width: int) -> Image.Image:
    match part:
        case Line(picture=None) | Line(text=""):
            return _text(part, width)
        case Line(picture=picture, align=align) if picture is not None:
            return _placed(open_picture(picture), align, width)
        case Raster():
            return _placed(open_picture(part.picture), part.align, width)
        case QrCode():
            made = zxingcpp.create_barcode(part.text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
            image = Image.fromarray(made.to_image(scale=part.size, add_quiet_zones=True))
            return _placed(image.convert("RGB"), Align.CENTER, width)
        case Cut():
            strip = Image.new("RGB", (width, CUT_PX), "white")
            pen = ImageDraw.Draw(strip)
            for x in range(0, width, 16):
                pen.line((x, CUT_PX // 2, x + 8, CUT_PX // 2), fill="grey", width=2)
            return strip
        case OpenDrawer():
            return _text(Line("(the cash drawer opens)", Align.CENTER), width)
        case _:
            return Image.new("RGB", (width, 1), "white")


def _text(line: Line, width: int) -> Image.Image:
    size = LARGE_PX if line.large else LETTER_PX
    font = ImageFont.load_default(size)
    strip = Image.new("RGB", (width, round(size * STEP)), "white")
    anchor, x = {Align.LEFT: ("la", 0), Align.CENTER: ("ma", width // 2), Align.RIGHT: ("ra", width)}[line.align]
    ImageDraw.Draw(strip).text((x, 0), line.text, fill="black", font=font, anchor=anchor, stroke_width=int(line.bold))
    return strip


def _placed(image: Image.Image, align: Align, width: int) -> Image.Image:
    spare = max(0, width - image.width)
    strip = Image.new("RGB", (width, image.height), "white")
    strip.paste(image, ({Align.LEFT: 0, Align.CENTER: spare // 2, Align.RIGHT: spare}[align], 0))
    return strip


def _banner(words: str, width: int) -> Image.Image:
    strip = Image.new("RGB", (width, LARGE_PX + 12), "black")
    pen = ImageDraw.Draw(strip)
    pen.text(
        (width // 2, (LARGE_PX + 12) // 2), words, fill="white", font=ImageFont.load_default(LARGE_PX), anchor="mm"
    )
    return strip
