"""Specimen papers for trying the system out: pages with what a case says, looking as a cheap scanner leaves them.

Each is marked SPECIMEN across the page and in its stamp, so that no print of one can be taken for a paper. The same
title, lines and seed give the same bytes on the same machine.
"""

from __future__ import annotations

import functools
import io
import math
import random
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, features

from appliance.journal.errors import BugError, DeviceError

PAGE_PX: Final = (1654, 2339)
"""A4 at 200 dots an inch, width and height."""
DOTS_PER_INCH: Final = 200
PHOTOGRAPH_PX: Final = (413, 531)
MAX_BYTES: Final = 300_000
MAX_LINES: Final = 24
MARK: Final = "SPECIMEN"

_FONTS: Final = Path("/usr/share/fonts/truetype/noto")
_LATIN: Final = "NotoSans-Regular.ttf"
_SCRIPTS: Final = (
    ("ARABIC", "NotoNastaliqUrdu-Regular.ttf"),
    ("DEVANAGARI", "NotoSansDevanagari-Regular.ttf"),
    ("TAMIL", "NotoSansTamil-Regular.ttf"),
)
_MARGIN: Final = 150
_LINE: Final = 58
_INK: Final = (44, 42, 50)
_PALE: Final = (176, 170, 160)
_BLUE: Final = (52, 66, 150)
_SHEET: Final = (249, 246, 236)
_LID: Final = (206, 206, 203)
_TILE: Final = 256
_QUALITIES: Final = range(72, 19, -8)


def specimen_page(title: str, lines: Sequence[str], seed: int) -> bytes:
    """A scanned page as JPEG: A4 at 200 dots an inch, at most `MAX_BYTES`.

    Lines may be in Latin, Arabic, Devanagari or Tamil script, and are made smaller until they fit.

    Raises:
        DeviceError: a font is missing.
        BugError: there are more than `MAX_LINES` lines.
    """
    if len(lines) > MAX_LINES:
        raise BugError(f"A specimen page holds at most {MAX_LINES} lines.")
    chance = random.Random(seed)  # noqa: S311
    return _jpeg(_scanned(_sheet(title, lines, chance), chance))


def specimen_photograph(seed: int) -> bytes:
    """A photograph of nobody as JPEG, 35 by 45 mm at 300 dots an inch: a drawn outline, marked.

    Raises:
        DeviceError: a font is missing.
    """
    chance = random.Random(seed)  # noqa: S311
    width, height = PHOTOGRAPH_PX
    image = Image.new("RGB", PHOTOGRAPH_PX, (214, 224, 232))
    draw = ImageDraw.Draw(image)
    cloth = chance.choice(((92, 110, 96), (104, 88, 120), (86, 104, 130)))
    draw.ellipse((width * 0.08, height * 0.66, width * 0.92, height * 1.3), fill=cloth)
    draw.rectangle((width * 0.42, height * 0.55, width * 0.58, height * 0.74), fill=(196, 160, 134))
    draw.ellipse((width * 0.29, height * 0.16, width * 0.71, height * 0.64), fill=(206, 170, 144))
    draw.pieslice((width * 0.26, height * 0.1, width * 0.74, height * 0.56), 180, 360, fill=(58, 48, 46))
    draw.text((width / 2, height * 0.93), MARK, font=_font(_LATIN, 40), fill="white", anchor="mm")
    return _jpeg(image.filter(ImageFilter.GaussianBlur(1.2)))


def _sheet(title: str, lines: Sequence[str], chance: random.Random) -> Image.Image:
    """The page as it was printed, filled in and stamped."""
    width, height = PAGE_PX
    sheet = Image.new("RGB", PAGE_PX, _SHEET)
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((_MARGIN - 50, 110, width - _MARGIN + 50, height - 110), outline=_INK, width=3)
    _write(draw, title, 52, (_MARGIN, 170), centred=True)
    _write(draw, f"{MARK} · this is no document", 30, (_MARGIN, 270), centred=True)
    draw.line((_MARGIN, 340, width - _MARGIN, 340), fill=_INK, width=3)
    for number, line in enumerate(lines):
        top = 380 + number * _LINE
        _write(draw, line, 32, (_MARGIN, top))
        for x in range(_MARGIN, width - _MARGIN, 12):
            draw.point((x, top + 50), fill=_PALE)
    _sign(draw, chance)
    _stamp(sheet, chance)
    return _marked(sheet)


def _write(draw: ImageDraw.ImageDraw, text: str, size: int, place: tuple[int, int], *, centred: bool = False) -> None:
    """One line, in runs of one script each, from the side that its first letter reads from."""
    room = PAGE_PX[0] - 2 * _MARGIN
    runs = _runs(text)
    length = sum(_font(name, size).getlength(run) for name, run in runs)
    if length > room:
        size = max(10, int(size * room / length))
        length = sum(_font(name, size).getlength(run) for name, run in runs)
    if runs and runs[0][0] == _SCRIPTS[0][1]:
        runs.reverse()
        x = _MARGIN + room - length
    else:
        x = float(place[0])
    if centred:
        x = _MARGIN + (room - length) / 2
    for name, run in runs:
        font = _font(name, size)
        draw.text((x, place[1] + size), run, font=font, fill=_INK, anchor="ls")
        x += font.getlength(run)


def _runs(text: str) -> list[tuple[str, str]]:
    """The line cut where the script changes, each piece with its font; signs stay with what is before."""
    runs: list[tuple[str, str]] = []
    for letter in text:
        own = next((font for script, font in _SCRIPTS if unicodedata.name(letter, "").startswith(script)), None)
        if own is None:
            own = _LATIN if letter.isalnum() or not runs else runs[-1][0]
        if runs and runs[-1][0] == own:
            runs[-1] = (own, runs[-1][1] + letter)
        else:
            runs.append((own, letter))
    return runs


@functools.lru_cache(maxsize=64)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    # Without libraqm letters of Indic and Arabic scripts stand unjoined.
    layout = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    try:
        return ImageFont.truetype(_FONTS / name, size, layout_engine=layout)
    except OSError as error:
        raise DeviceError(f"The font {name} is not on this machine.", "Run: apt-get install fonts-noto-core") from error


def _sign(draw: ImageDraw.ImageDraw, chance: random.Random) -> None:
    """A scribble in blue ink, of nobody's hand."""
    x, y = PAGE_PX[0] - _MARGIN - 420, PAGE_PX[1] - 250
    draw.line((x - 10, y + 60, x + 400, y + 60), fill=_PALE, width=2)
    loops, lean = chance.uniform(5, 8), chance.uniform(0.3, 0.9)
    points = [
        (
            x + 340 * t + 26 * math.cos(2 * math.pi * loops * t),
            y + 46 * math.sin(2 * math.pi * loops * t + lean) * (1 - t),
        )
        for t in (step / 160 for step in range(161))
    ]
    draw.line(points, fill=_BLUE, width=4, joint="curve")


def _stamp(sheet: Image.Image, chance: random.Random) -> None:
    """A round stamp, worn and not straight."""
    side = 330
    stamp = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(stamp)
    draw.ellipse((6, 6, side - 6, side - 6), outline=255, width=7)
    draw.ellipse((34, 34, side - 34, side - 34), outline=255, width=3)
    draw.text((side / 2, side / 2), MARK, font=_font(_LATIN, 44), fill=255, anchor="mm")
    worn = _noise(chance, stamp.size).point(lambda value: 60 + value * 3 // 4)
    stamp = ImageChops.multiply(stamp, worn).rotate(chance.uniform(-25, 25), Image.Resampling.BICUBIC)
    place = (_MARGIN + chance.randint(0, 80), PAGE_PX[1] - 500 + chance.randint(0, 60))
    sheet.paste(_BLUE, place, stamp)


def _marked(sheet: Image.Image) -> Image.Image:
    """The mark in large pale letters from corner to corner, under the ink."""
    mark = Image.new("L", (1900, 360), 0)
    ImageDraw.Draw(mark).text((950, 180), MARK, font=_font(_LATIN, 330), fill=255, anchor="mm")
    mark = mark.rotate(55, Image.Resampling.BICUBIC, expand=True)
    over = Image.new("RGB", PAGE_PX, "white")
    over.paste((222, 214, 212), ((PAGE_PX[0] - mark.width) // 2, (PAGE_PX[1] - mark.height) // 2), mark)
    return ImageChops.multiply(sheet, over)


def _scanned(sheet: Image.Image, chance: random.Random) -> Image.Image:
    """The page as it comes from the glass: not straight, a shadow along one side, a little soft, grainy."""
    turned = sheet.rotate(
        chance.uniform(-1.3, 1.3),
        Image.Resampling.BICUBIC,
        translate=(chance.randint(-12, 12), chance.randint(-12, 12)),
        fillcolor=_LID,
    )
    soft = turned.filter(ImageFilter.GaussianBlur(chance.uniform(0.5, 0.9)))
    shadow = Image.linear_gradient("L").rotate(90).resize(PAGE_PX).point(lambda value: 255 - (max(0, value - 200) // 3))
    grain = _noise(chance, PAGE_PX).point(lambda value: 246 + value // 28)
    shade = ImageChops.multiply(shadow, grain)
    return ImageChops.multiply(soft, Image.merge("RGB", (shade, shade, shade)))


def _noise(chance: random.Random, size: tuple[int, int]) -> Image.Image:
    """Grain of this size, from one tile turned and laid again and again."""
    tile = Image.frombytes("L", (_TILE, _TILE), chance.randbytes(_TILE * _TILE))
    grain = Image.new("L", size)
    for y in range(0, size[1], _TILE):
        for x in range(0, size[0], _TILE):
            grain.paste(tile.transpose(chance.choice(list(Image.Transpose))), (x, y))
    return grain


def _jpeg(page: Image.Image) -> bytes:
    for quality in _QUALITIES:
        out = io.BytesIO()
        page.save(out, "JPEG", quality=quality, dpi=(DOTS_PER_INCH, DOTS_PER_INCH), comment=MARK)
        if out.tell() <= MAX_BYTES:
            return out.getvalue()
    raise BugError("A specimen page came out larger than its bound.")
